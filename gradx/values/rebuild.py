"""Rebuilding: an instance of a user's class with other parts, made without its ``__init__``.

The attributes that are not declared parts are checked: static ones are carried along, what a cached
property has stored is dropped, so that it is computed anew, and a number is refused, since the copy
would keep a stale one.
"""

from __future__ import annotations

import collections
import functools
import inspect
import types
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from gradx.errors import NotDifferentiableError, UnregisteredTypeError
from gradx.values.fields import record_fields
from gradx.values.leaves import map_leaves
from gradx.values.per_class import is_made_here, known_of, per_class
from gradx.values.rebind import is_function, rebound, refuse_captured
from gradx.values.registry import MISSING
from gradx.values.statics import is_number_free

__all__ = [
    "Plan",
    "finished",
    "plan_of",
    "plan_of_attributes",
    "rebuild_record",
    "started",
    "undeclared",
]

_HOLDING = (list, dict, collections.deque)
_FOUNDATIONS = (object, tuple, *_HOLDING, collections.OrderedDict, collections.defaultdict)
_NOT_CACHES = (types.FunctionType, types.BuiltinFunctionType, staticmethod, classmethod, type)
_SPECIAL = frozenset({"__dict__", "__weakref__"})
_ATTRS_CACHES = frozenset({"_attrs_cached_hash"})


class Plan:
    """How instances of a class are rebuilt; found once for each class.

    Attributes:
        names: the declared parts.
        make: makes an empty instance of a class.
        foundation: the type of C that the class is built upon.
        dict_of: gives the ``__dict__`` of an instance; None without one.
        slots: the undeclared slots, with their descriptors.
        fast: the parts can be written into the ``__dict__``.
        refusal: why no copy can be made; None where one can.
        watched: instances may have weak references to them that a copy would not have.
    """

    __slots__ = (
        *("dict_of", "fast", "foundation", "make", "names", "order", "refusal", "slots"),
        "watched",
    )

    def __init__(self, cls: Any, order: Sequence[str], trusted: bool) -> None:
        self.order = tuple(order)
        self.names = frozenset(order)
        foundation = _foundation_of(cls)
        self.foundation = foundation
        self.make: Callable[..., Any] = foundation.__new__
        self.dict_of: Any = next(  # never None where it is fast
            (
                base.__dict__["__dict__"].__get__
                for base in cls.__mro__
                if isinstance(base.__dict__.get("__dict__"), types.GetSetDescriptorType)
            ),
            None,
        )
        self.slots = tuple(_undeclared_slots(cls, self.names))
        self.refusal = None if trusted else _refusal(cls, foundation)
        self.watched = not trusted and bool(cls.__weakrefoffset__)
        self.fast = (
            foundation is object
            and self.dict_of is not None
            and not self.slots
            and self.refusal is None
            and not any(_is_data(inspect.getattr_static(cls, name, None)) for name in order)
        )


def _foundation_of(cls: Any) -> Any:
    """The builtin base of a class, such as ``object``, ``list`` or ``dict``."""
    while is_made_here(cls) or (cls.__basicsize__ == object.__basicsize__ and cls is not object):
        cls = cls.__base__
    return cls


def _is_data(attribute: Any) -> bool:
    """Whether an attribute of a class is a data descriptor."""
    return hasattr(type(attribute), "__set__")


def _undeclared_slots(cls: Any, names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name.startswith("__") and not name.endswith("__"):
                name = f"_{base.__name__.lstrip('_')}{name}"  # as Python writes private names
            member = base.__dict__.get(name)
            if name not in names and name not in _SPECIAL | _ATTRS_CACHES and _is_data(member):
                yield name, member


def _refusal(cls: Any, foundation: Any) -> str | None:
    if hasattr(cls, "__del__"):
        return "has a __del__, which would run for every copy that gradx makes"
    if foundation not in _FOUNDATIONS and not issubclass(foundation, BaseException):
        return f"is built upon {foundation.__name__}, whose contents gradx does not know"
    return None


@per_class
def plan_of(cls: Any) -> Plan:
    """The plan of a record class or of a subclass of a container."""
    return Plan(cls, [name for name, _ in record_fields(cls)], trusted=False)


def plan_of_attributes(cls: Any, names: tuple[str, ...]) -> Plan:
    """The plan of a class that was registered with the names of its parts."""
    facts = known_of(cls)
    key = f"plan of {names}"
    if key not in facts:
        facts[key] = Plan(cls, names, trusted=True)
    plan: Plan = facts[key]
    return plan


def _register_it(cls: type, why: str) -> NoReturn:
    name = cls.__name__
    raise NotDifferentiableError(
        f"a {name} {why}; register it with gx.register({name}, children=…), which says how one is "
        f"taken apart and made, or with gx.register_static({name}) if it has no derivative"
    )


def rebuild_record(template: Any, keys: Sequence[str], parts: Sequence[Any]) -> Any:
    """A record with these fields, made without ``__init__`` so that no check rejects a gradient.

    Args:
        template: the record that has everything else.
        keys: the names of fields.
        parts: what they hold.

    Raises:
        NotDifferentiableError: the record has something that a copy cannot have truly.
    """
    cls: Any = type(template)
    plan = plan_of(cls)
    if plan.fast:
        theirs = plan.dict_of(template)
        if plan.names.issuperset(theirs) and not weakref.getweakrefcount(template):
            new = plan.make(cls)
            mine = plan.dict_of(new)
            if len(keys) != len(plan.order):
                mine.update(theirs)
            mine.update(zip(keys, parts, strict=True))
            return new
    new = started(template, plan)
    given = dict(zip(keys, parts, strict=True))
    for name in plan.order:
        part = given[name] if name in given else getattr(template, name, MISSING)
        if part is not MISSING:
            object.__setattr__(new, name, part)
    return finished(new, template, plan)


def started(template: Any, plan: Plan) -> Any:
    """An empty instance of the class of a template, after a check that it can be copied.

    Raises:
        NotDifferentiableError: no copy of it can be made.
    """
    cls = type(template)
    if plan.refusal is not None:
        _register_it(cls, plan.refusal)
    if plan.watched and weakref.getweakrefcount(template) and _is_listed(template):
        _register_it(
            cls, "is in a weak dict or set, or has a finalizer, which would not know the copy"
        )
    foundation = plan.foundation
    if plan.order and issubclass(foundation, _HOLDING) and foundation.__len__(template):
        _register_it(cls, f"has items of a {foundation.__name__} besides its declared parts")
    return plan.make(cls)


def _is_listed(value: Any) -> bool:
    """Whether an object is in a weak table or has a finalizer: a weak reference has a callback.

    One without, as debuggers and test tools hold, asks for nothing but the object's identity.
    """
    return any(reference.__callback__ is not None for reference in weakref.getweakrefs(value))


def finished(new: Any, template: Any, plan: Plan) -> Any:
    """The copy, with everything static that the template has besides its parts.

    Raises:
        NotDifferentiableError: an undeclared attribute holds a number with a derivative.
        UnregisteredTypeError: one is of an unknown type.
    """
    cls = type(template)
    if plan.dict_of is not None:
        theirs = plan.dict_of(template)
        if theirs is template:
            _register_it(
                cls, "is its own __dict__, so that items and attributes cannot be told apart"
            )
        if theirs:
            mine = plan.dict_of(new)
            for name, value in theirs.items():
                if name not in plan.names and not _is_cache(cls, name):
                    mine[name] = _carried(value, name, template, new)
    for name, member in plan.slots:
        try:
            value = member.__get__(template, cls)
        except AttributeError:
            continue
        member.__set__(new, _carried(value, name, template, new))
    return new


def undeclared(value: Any, plan: Plan) -> list[tuple[str, Any]]:
    """The attributes of an instance that are not declared parts, without caches."""
    cls = type(value)
    theirs = {} if plan.dict_of is None else plan.dict_of(value)
    named = [(k, v) for k, v in theirs.items() if k not in plan.names and not _is_cache(cls, k)]
    for name, member in plan.slots:
        try:
            named.append((name, member.__get__(value, cls)))
        except AttributeError:
            continue
    return named


def _is_cache(cls: Any, name: str) -> bool:
    """Whether an attribute of an instance is the stored value of a cached property."""
    if name in _ATTRS_CACHES:
        return True
    behind = inspect.getattr_static(cls, name, None)
    if behind is None or isinstance(behind, _NOT_CACHES):
        return False
    if isinstance(behind, functools.cached_property):
        return True
    return hasattr(type(behind), "__get__") and not hasattr(type(behind), "__set__")


def _carried(value: Any, name: str, template: Any, new: Any) -> Any:
    """An undeclared attribute for the copy."""
    if is_function(value):
        refuse_captured(value, {id(template)}, f"the attribute {name!r}")
        return rebound(value, {id(template): new})
    cls = type(template).__name__
    try:
        free = is_number_free(value)
    except UnregisteredTypeError as error:
        raise UnregisteredTypeError(
            f"the attribute {name!r} of a {cls} is not one of its declared parts, and {error}"
        ) from None
    if free:
        # Containers are copied, so that what a method adds to one is not in the caller's.
        return map_leaves(value, lambda x, _: x)
    where = "named in children=" if not record_fields(type(template)) else "a field"
    raise NotDifferentiableError(
        f"the attribute {name!r} of a {cls} holds numbers and is not one of its declared parts, so "
        f"that a copy of the {cls} would keep a stale one; make it {where} (with gx.static() if it "
        "is not to be differentiated), or compute it in a property or a functools.cached_property"
    )
