"""Adopted classes: subclasses of the program's classes, whose methods are copies.

A copy of a class would make ``isinstance(x, Layer)`` false of the instances that the program had
before. So a class is subclassed: the subclass has copies of the methods, no slots of its own, and
a metaclass that answers `isinstance` and `issubclass` as the original does.

The bases of the subclass of ``B(A)`` are that of ``A`` and then ``B``. So the copies of all methods
come before all originals, in the order of the originals, and ``super()`` finds the copy.
"""

from __future__ import annotations

import enum
import functools
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

__all__ = ["adopted_class", "is_adopted_class", "members_in_place", "original_class", "why_not"]

_ORIGINAL = "__gradx_original_class__"
_ORDER = "__gradx_order__"
_SKIPPED = frozenset(
    {"__init_subclass__", "__class_getitem__", "__subclasshook__", "__instancecheck__"}
    | {"__subclasscheck__", "__class__", "__del__", "__getstate__", "__reduce__", "__reduce_ex__"}
)
_OF_THE_CLASS = frozenset(
    {"__module__", "__qualname__", "__doc__", "__slots__", "__dict__", "__weakref__", _ORIGINAL}
    | {"__gradx__", _ORDER}
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

    def mro(cls) -> list[type]:
        """The order of the bases, which may be others than those that the layout has."""
        order = vars(cls).get(_ORDER)
        return super().mro() if order is None else [cls, *order]

    def __instancecheck__(cls, x: Any) -> bool:
        original = vars(cls).get(_ORIGINAL)
        return super().__instancecheck__(x) if original is None else isinstance(x, original)

    def __subclasscheck__(cls, other: Any) -> bool:
        original = vars(cls).get(_ORIGINAL)
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


class _Quiet:
    """A base that keeps the program's ``__init_subclass__`` from being told of a subclass."""

    __slots__ = ()

    def __init_subclass__(cls, **_: Any) -> None:
        pass


def is_adopted_class(cls: type) -> bool:
    """Whether a class was made by an adoption."""
    return _ORIGINAL in vars(cls)


def original_class(cls: Any) -> Any:
    """The class that an adopted one was made of; any other class itself."""
    return vars(cls).get(_ORIGINAL, cls)


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
    adoption.note(cls, cls)
    adoption.of(type(cls))  # whose methods are adopted in place
    if why_not(cls) is not None:
        return cls
    above = [adoption.of(base) for base in cls.__bases__]
    adopted = [base for base in above if is_adopted_class(base)]
    metas = tuple(dict.fromkeys([*map(type, adopted), type(cls)]))
    namespace = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        _ORIGINAL: cls,
    }
    quiet = (
        (_Quiet,) if _is_told(cls) and not any(_Quiet in base.__mro__ for base in adopted) else ()
    )
    try:
        meta = _meta_of(metas)
        new = meta(cls.__name__, (*quiet, *adopted, cls), namespace)
        if _has_more(new):
            new = meta(cls.__name__, (cls,), namespace | {_ORDER: new.__mro__[1:]})
    except TypeError:  # a metaclass or a builtin that lets nobody subclass it
        return cls
    adoption.note(cls, new)
    for name, value in _members(adoption, cls, adopted):
        _put(new, name, value)
        if hasattr(type(value), "__set_name__"):
            value.__set_name__(new, name)
    return new


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


def _has_more(cls: Any) -> bool:
    """Whether instances have a ``__dict__`` or weak references, and those of the first base none.

    That of the program has then another base, so that no instance could change from one to the
    other.
    """
    base = cls.__base__
    return bool(cls.__dictoffset__) != bool(base.__dictoffset__) or bool(
        cls.__weakrefoffset__
    ) != bool(base.__weakrefoffset__)


def _is_told(cls: Any) -> bool:
    """Whether a class has an ``__init_subclass__`` of its own or of its bases."""
    return any("__init_subclass__" in vars(base) for base in cls.__mro__[:-1])


def _members(adoption: Any, cls: Any, adopted: list[Any]) -> Iterator[tuple[str, Any]]:
    """The members of a class whose copies differ, and those that must hide a copy above."""
    mirrored = [base for above in adopted for base in above.__mro__ if is_adopted_class(base)]
    above = {name for base in mirrored for name in vars(base)} - _OF_THE_CLASS
    for name, value in list(vars(cls).items()):
        if name not in _OF_THE_CLASS and name not in _SKIPPED:
            new = _member(adoption, name, value)
            if new is not value or name in above:
                yield name, new


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
