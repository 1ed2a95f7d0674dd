"""Adopted classes: subclasses of the program's classes, whose methods are copies.

A copy of a class would make ``isinstance(x, Layer)`` false of the instances that the program had
before. So a class is subclassed: the subclass has copies of the methods, no slots of its own, and
a metaclass that answers `isinstance` and `issubclass` as the original does.

In the order of the bases each original has its copy before it: for ``B(A)`` that is the copy of
``B``, ``B``, the copy of ``A``, ``A``. So every name is found in the class where the plain program
finds it, and `super` goes on after the original of the class that it is given.
"""

from __future__ import annotations

import enum
import functools
import sys
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from gradx.values.per_class import members_of, mro_of

__all__ = [
    "adopted_class",
    "adopted_super",
    "is_adopted_class",
    "members_in_place",
    "original_class",
    "why_not",
]

_ORIGINAL = "__gradx_original_class__"
_ORDER = "__gradx_order__"
_OF = "__gradx_of__"
_SKIPPED = frozenset(
    {"__class_getitem__", "__subclasshook__", "__instancecheck__", "__subclasscheck__", "__class__"}
    | {"__del__", "__getstate__", "__reduce__", "__reduce_ex__"}
)
_BASES: Any = vars(type)["__bases__"].__get__
_BASE: Any = vars(type)["__base__"].__get__
_PRIVATE = frozenset({_ORIGINAL, _ORDER, _OF, "__gradx__"})
_OF_PYTHON = frozenset({"__abstractmethods__", "_abc_impl", "__slotnames__", "__gradx__"})
"""What Python and gradx give a class that is made, or used."""
_OF_THE_CLASS = frozenset(
    {"__module__", "__qualname__", "__doc__", "__slots__", "__dict__", "__weakref__", "__gradx__"}
)
"""What every class has for itself."""
_AS_THEY_ARE = frozenset({"__getattribute__", "__getattr__", "__setattr__", "__delattr__"})
"""Methods that run for each attribute: their copies are called without a question."""


_ASKED: ContextVar[tuple[tuple[type, type], ...]] = ContextVar("asked", default=())
"""The questions under way: whether a class is a subclass of an original."""


class _Adopted(type):
    """A metaclass of subclasses that answer questions for the class that they were made of.

    An abstract class asks its subclasses too, and the adopted one is among them. It says no then:
    the question is the one that it would pass on.
    """

    def __setattr__(cls, name: str, value: Any) -> None:
        of = members_of(cls).get(_OF)
        if of is not None and name not in _OF_PYTHON:
            of.__self__.has_state = True
        super().__setattr__(name, value)

    def mro(cls) -> list[type]:
        """The order of the bases, in which each original follows its copy."""
        order = members_of(cls).get(_ORDER)
        return super().mro() if order is None else [cls, *order]

    @property
    def __mro__(cls) -> tuple[type, ...]:
        """The order of the plain program, without the originals that follow their copies."""
        order = mro_of(cls)
        hidden = {id(original_class(x)) for x in order if is_adopted_class(x)}
        return tuple(x for x in order if id(x) not in hidden and x.__module__ != __name__)

    @property
    def __bases__(cls) -> Any:  # type: ignore[override]
        """The bases of the original, as they are in adopted code."""
        of = members_of(cls).get(_OF)
        return _BASES(cls) if of is None else tuple(map(of, original_class(cls).__bases__))

    @property
    def __base__(cls) -> Any:
        """The base of the original that gives instances their layout."""
        of = members_of(cls).get(_OF)
        return _BASE(cls) if of is None else of(original_class(cls).__base__)

    @property  # type: ignore[misc]
    def __dict__(cls) -> Any:  # type: ignore[override]
        """The members of the original, as they are in adopted code, and those of the copy alone."""
        own, original = members_of(cls), members_of(original_class(cls))
        new = {**{name: own.get(name, value) for name, value in original.items()}, **own}
        return types.MappingProxyType({x: new[x] for x in new if x not in _PRIVATE})

    def __subclasses__(cls) -> list[type]:
        """The subclasses of the original, as they are in adopted code, and those of the copy."""
        own: list[Any] = super().__subclasses__()
        of = members_of(cls).get(_OF)
        if of is None:
            return own
        new = [of(x) for x in original_class(cls).__subclasses__() if not is_adopted_class(x)]
        return new + [x for x in own if not is_adopted_class(x)]

    def __instancecheck__(cls, x: Any) -> bool:
        original = members_of(cls).get(_ORIGINAL)
        return super().__instancecheck__(x) if original is None else isinstance(x, original)

    def __subclasscheck__(cls, other: Any) -> bool:
        original = members_of(cls).get(_ORIGINAL)
        if original is None:
            return super().__subclasscheck__(other)
        question, asked = (other, original), _ASKED.get()
        if question in asked:
            return False
        token = _ASKED.set((*asked, question))
        try:
            return issubclass(other, original)
        finally:
            _ASKED.reset(token)


def _quiet() -> type:
    """A base of an adopted class, of which the program's ``__init_subclass__`` is told nothing."""

    class Quiet:
        __slots__ = ()

        def __init_subclass__(cls, **options: Any) -> None:
            if not is_adopted_class(cls):  # but one of adopted code
                super().__init_subclass__(**options)

    return Quiet


def is_adopted_class(cls: type) -> bool:
    """Whether a class was made by an adoption."""
    return _ORIGINAL in members_of(cls)


def original_class(cls: Any) -> Any:
    """The class that an adopted one was made of; any other class itself."""
    return members_of(cls).get(_ORIGINAL, cls)


def why_not(cls: type) -> str | None:
    """Why a class cannot be subclassed for an adoption; None if it can."""
    if not cls.__flags__ & (1 << 9):
        return "is a class of C, which has no Python code to copy"
    if issubclass(cls, enum.Enum):
        return "is an enum, whose members are what they are"
    if issubclass(cls, BaseException):
        return "is an exception, which Python catches by its class alone"
    if issubclass(cls, type):
        return "is a metaclass"
    if getattr(cls, "_is_protocol", False):
        return "is a protocol, which has no code to run"
    if vars(cls).get("__final__", False):
        return "is final"
    return None


def adopted_class(adoption: Any, cls: Any) -> Any:
    """The subclass that stands for a class in the copy; the class itself where there is none.

    Args:
        adoption: the adoption.
        cls: a class of the program.
    """
    with adoption.holdings.making(cls):
        return _made(adoption, cls)


def _made(adoption: Any, cls: Any) -> Any:
    adoption.of(type(cls))  # whose methods are adopted in place
    if why_not(cls) is not None:
        return adoption.note(cls, cls)
    for base in cls.__bases__:
        adoption.of(base)
    known = adoption.known(cls)
    if known is not None:  # what a base holds has led to it
        return known
    try:
        new = _subclass(adoption, cls)
    except TypeError:  # a metaclass or a builtin that lets nobody subclass it
        return adoption.note(cls, cls)
    adoption.note(cls, new)
    for name, value in list(vars(cls).items()):
        if name not in _OF_THE_CLASS and name not in _SKIPPED:
            its = _member(adoption, name, value)
            if its is not value:
                _put(new, name, its)
                if hasattr(type(its), "__set_name__"):
                    its.__set_name__(new, name)
    return new


def _subclass(adoption: Any, cls: Any) -> Any:
    """The adopted class without its members."""
    told = any("__init_subclass__" in vars(base) for base in cls.__mro__[:-1])
    order = [*([_quiet()] if told else ()), cls, *_bases_of(adoption, cls)]
    adopted = [base for base in order if is_adopted_class(base)]
    namespace = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        _ORIGINAL: cls,
        _OF: adoption.of,
        _ORDER: order,
    }
    metas = tuple(dict.fromkeys([*map(type, adopted), type(cls)]))
    # All are bases, so that Python forgets what it has found in one of them when that changes.
    new = _meta_of(metas)(cls.__name__, (cls, *adopted), namespace)
    type.__delattr__(new, "__slots__")  # those of the program are asked for
    return new


def _bases_of(adoption: Any, cls: Any) -> Iterator[Any]:
    """The bases of a class in their order, each after its copy."""
    has_copy = {id(original_class(base)) for base in mro_of(cls) if is_adopted_class(base)}
    for base in mro_of(cls)[1:]:
        new = base if id(base) in has_copy else adoption.of(base)
        if new is not base:
            yield new
        yield base


def _put(cls: Any, name: str, value: Any) -> None:
    """Set an attribute of an adopted class, of which its metaclass may have a property."""
    meta: Any = type(cls)
    above = (vars(base).get(name) for base in meta.__mro__[:-2])  # not type and object
    if not any(hasattr(type(each), "__set__") for each in above):
        type.__setattr__(cls, name, value)
        return
    type.__setattr__(meta, name, None)  # the metaclass is one of an adoption, and hides it so long
    type.__setattr__(cls, name, value)
    type.__delattr__(meta, name)


def _meta_of(metas: tuple[Any, ...]) -> Any:
    """A metaclass like all of these, that answers questions for the original."""
    if any(issubclass(meta, _Adopted) for meta in metas):
        most = [m for m in metas if not any(m is not n and issubclass(n, m) for n in metas)]
        return most[0] if len(most) == 1 else type("Adopted", tuple(most), {})
    return _Adopted if metas == (type,) else type("Adopted", (_Adopted, *metas), {})


def _member(adoption: Any, name: str, value: Any) -> Any:
    """The copy of a member of a class; itself where nothing in it is of the program."""
    method: Callable[[Any], Any] = (
        adoption.code_of if name in _AS_THEY_ARE else functools.partial(_method, adoption)
    )
    if isinstance(value, types.FunctionType):
        return method(value)
    if isinstance(value, (staticmethod, classmethod)):
        inner = method(value.__func__)
        return value if inner is value.__func__ else type(value)(inner)
    if isinstance(value, property):
        old = (value.fget, value.fset, value.fdel)
        getter, setter, deleter = (f and method(f) for f in old)
        same = (getter, setter, deleter) == old
        return value if same else type(value)(getter, setter, deleter, value.__doc__)
    if isinstance(value, functools.cached_property):
        inner = method(value.func)
        return value if inner is value.func else type(value)(inner)
    if isinstance(value, functools.singledispatchmethod):
        dispatcher = adoption.of(value.dispatcher)
        if dispatcher is value.dispatcher:
            return value
        inner = type(value)(value.func)
        inner.dispatcher = dispatcher
        return inner
    if isinstance(value, (functools.partialmethod, functools.partial)):
        inner = method(value.func)
        return value if inner is value.func else type(value)(inner, *value.args, **value.keywords)
    # A descriptor of the program's own, or data, of which some is Python's: fields, annotations.
    is_private = name.startswith("__") and not hasattr(type(value), "__get__")
    return value if is_private else adoption.lasting(value)


def _method(adoption: Any, f: Any) -> Any:
    """A method that is the original's where no variable is about."""
    return adoption.of(f)


def members_in_place(adoption: Any, cls: Any) -> Iterator[tuple[str, Any, Any]]:
    """The members that differ in adopted code, of a class that has no adopted subclass.

    They stand in the class itself for the length of a call. Members of an enum stay.

    Args:
        adoption: the adoption.
        cls: the class.

    Returns:
        Their names, what they are and what they are in adopted code.
    """
    for name, value in list(vars(cls).items()):
        is_member = cls in type(value).__mro__
        if name not in _OF_THE_CLASS and name not in _SKIPPED and not is_member:
            new = _member(adoption, name, value)
            if new is not value:
                yield name, value, new


def adopted_super(*args: Any) -> Any:
    """As `super`: in adopted code it goes on after the original of an adopted class."""
    if not args:
        frame = sys._getframe(1)
        names, code = frame.f_locals, frame.f_code
        if not code.co_argcount or "__class__" not in names:
            raise RuntimeError("super(): no arguments")
        args = names["__class__"], names[code.co_varnames[0]]
    return super(original_class(args[0]), *args[1:])
