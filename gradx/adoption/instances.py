"""Instances of the program's classes, and what a value leads to: variables and arrays."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gradx.adoption.classes import is_adopted_class
from gradx.core.dispatch import Lifted
from gradx.core.objects import OBJECT
from gradx.values.per_class import is_made_here, per_class

__all__ = ["arrays_in", "is_alone", "is_of_the_program", "leads_to_variable", "twin_of"]

_MOST = 20_000
"""So many objects are looked into at most; after that there may be a variable."""


def twin_of(adoption: Any, x: Any) -> Any:
    """A twin of an instance of a class of the program: the same attributes, adopted methods.

    Args:
        adoption: the adoption.
        x: any object; what has no twin, since not all that it has are attributes, comes back.
    """
    cls = type(x)
    if not is_made_here(cls) or not adoption.scope.covers_name(cls.__module__):
        return x
    new_class = adoption.of(cls)
    if new_class is cls or not _has_attributes_only(cls):
        return x
    new = object.__new__(new_class)
    object.__setattr__(new, "__dict__", x.__dict__)
    return new


@per_class
def _has_attributes_only(cls: Any) -> bool:
    """Whether all that instances have stands in their ``__dict__``."""
    bases = cls.__mro__[:-1]
    slots = (
        isinstance(part, types.MemberDescriptorType) for b in bases for part in vars(b).values()
    )
    return all(map(is_made_here, bases)) and cls.__dictoffset__ != 0 and not any(slots)


def is_of_the_program(adoption: Any, x: Any) -> bool:
    """Whether a value is an instance of a class of the program, or of an adopted one."""
    cls = type(x)
    if not is_made_here(cls) or isinstance(x, type):
        return False
    return is_adopted_class(cls) or bool(adoption.scope.covers_name(cls.__module__))


# --- What a value leads to ------------------------------------------------------------------------

_WITHOUT_PARTS = frozenset(
    {float, int, str, bool, type(None), complex, bytes, np.float64, np.float32, np.int64, np.bool_}
    | {type, types.ModuleType, types.BuiltinFunctionType, np.ufunc, np.dtype}
)


def is_alone(x: Any) -> bool:
    """Whether a value is a variable, or holds none and is no array."""
    return type(x) in _WITHOUT_PARTS or isinstance(x, Lifted)


def leads_to_variable(values: Iterable[Any]) -> bool:
    """Whether a variable is in values, in their attributes, or in what functions have caught."""
    for count, x in enumerate(_reached(values, _parts_of)):
        if isinstance(x, Lifted) or count > _MOST:
            return True
    return False


def arrays_in(values: Iterable[Any]) -> list[Any]:
    """The plain arrays in values, in their attributes, and in what functions have caught."""
    found: list[Any] = []
    for _ in _reached(values, _parts_of, found):
        pass
    return found


def _reached(values: Iterable[Any], parts: Any, arrays: list[Any] | None = None) -> Iterator[Any]:
    waiting, seen = [*values], {}
    waiting.reverse()
    while waiting:
        x = waiting.pop()
        if type(x) in _WITHOUT_PARTS:
            continue
        if type(x) is np.ndarray:
            if x.dtype is OBJECT:
                waiting.extend(x.flat)
            if arrays is not None:
                arrays.append(x)
            continue
        if id(x) in seen:
            continue
        seen[id(x)] = x  # kept, so that no other object takes its identity
        yield x
        if not isinstance(x, Lifted):
            waiting.extend(parts(x))


def _data_in(x: Any) -> Iterator[Any]:
    """The items and attributes of a container or an instance."""
    if isinstance(x, (list, tuple, set, frozenset)):
        yield from x
    elif isinstance(x, dict):
        yield from x.values()
    cls: Any = type(x)
    if is_made_here(cls) and not isinstance(x, type):
        for base in cls.__mro__[:-1]:
            for name, member in vars(base).items():
                if isinstance(member, types.MemberDescriptorType):
                    yield from _value_of(member, x)
                elif name == "__dict__" and isinstance(member, types.GetSetDescriptorType):
                    yield from list(member.__get__(x, cls).values())


def _value_of(member: Any, x: Any) -> Iterator[Any]:
    try:
        yield member.__get__(x, type(x))
    except AttributeError:  # nothing was assigned to it yet
        return


def _parts_of(x: Any) -> Iterator[Any]:
    """As `_data_in`, and what a function has caught."""
    if isinstance(x, types.FunctionType):
        yield from x.__defaults__ or ()
        yield from (x.__kwdefaults__ or {}).values()
        for cell in x.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # a name that has no value yet
                continue
    elif isinstance(x, types.MethodType):
        yield from (x.__self__, x.__func__)
    elif isinstance(x, functools.partial):
        yield from (x.func, *x.args, *x.keywords.values())
    else:
        yield from _data_in(x)
