"""Plain functions: a function without the variables that it has caught.

A solver computes on plain numbers. What it closes over (the objective, its data, a parameter of an
outer run) may be variables, so it gets copies of such functions that have caught plain values.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from gradx.core.dispatch import Lifted, has_variables
from gradx.core.plain import primals
from gradx.devices.placement import copied
from gradx.errors import CycleError, NotDifferentiableError, UnregisteredTypeError
from gradx.values.leaves import map_leaves, taken_apart
from gradx.values.operations import ValueType, registry

__all__ = ["plain_of"]

T = TypeVar("T")
_CACHED = type(functools.lru_cache(lambda: None))
_WITHOUT_PARTS = frozenset({float, int, complex, bool, str, bytes, type(None), np.float64})


def plain_of(x: T) -> T:
    """A value or a function without variables in it, in what it closes over, and so on.

    Cells, defaults, the arguments of `functools.partial`, the object of a method, and containers
    and records are looked into; other objects are not. A cell without variables stays shared with
    the function that was given, so that a ``nonlocal`` counter counts. Arrays of variables are
    copies, into which a solver may write.

    Args:
        x: any value.

    Returns:
        ``x`` itself, if there is no variable in it.

    >>> import gradx as gx
    >>> gx.grad(lambda a: a * plain_of(lambda x: type(x * a) is float)(1.0))(2.0)
    1.0
    """
    plain: T = _Stripping().of(x)
    return plain


class _Stripping:
    """One walk; each object and cell has one copy."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._known: dict[int, tuple[Any, bool]] = {}  # with the object, which keeps its identity

    def of(self, x: Any) -> Any:
        """The plain form of anything."""
        lifted = isinstance(x, Lifted)
        if type(x) in _WITHOUT_PARTS or not (lifted or self.reaches(x)):
            return x
        if id(x) not in self._made:
            alone = lifted or type(x) is np.ndarray
            make = _variable if alone else _MAKERS.get(type(x))
            (make or _container)(self, x)
        return self._made[id(x)]

    def note(self, x: Any, new: Any) -> Any:
        """Enter the copy of an object: before what it refers to, which may refer back to it."""
        self._made[id(x)] = new
        return new

    def cell(self, old: Any) -> Any:
        """The cell of a copy: the same one, where there is no variable in it."""
        if not any(map(self.reaches, _contents(old))):
            return old
        return self._made.get(id(old)) or self.note(old, types.CellType())

    def reaches(self, x: Any) -> bool:
        """Whether a variable is in a value, or in what its functions have caught."""
        if id(x) in self._known:
            return self._known[id(x)][1]
        waiting, seen, found = [x], {}, False
        while waiting and not found:
            part = waiting.pop()
            if id(part) not in seen:
                seen[id(part)] = part
                found = isinstance(part, Lifted)
                found = found or (type(part) is np.ndarray and has_variables(part))
                waiting.extend(x for x in _inside(part) if type(x) not in _WITHOUT_PARTS)
        self._known[id(x)] = x, found
        return found


def _contents(cell: Any) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # a name that has no value yet
        return ()


def _inside(x: Any) -> Iterator[Any]:
    """What a function has caught, and the parts of a container."""
    if isinstance(x, types.FunctionType):
        for cell in x.__closure__ or ():
            yield from _contents(cell)
        yield from x.__defaults__ or ()
        yield from (x.__kwdefaults__ or {}).values()
    elif isinstance(x, functools.partial):
        yield from (x.func, *x.args, *x.keywords.values())
    elif isinstance(x, types.MethodType):
        yield from (x.__func__, x.__self__)
    elif isinstance(x, _CACHED):
        yield x.__wrapped__
    else:
        entry = registry.find(type(x))
        if isinstance(entry, ValueType) and entry.children is not None:
            yield from taken_apart(x, entry)[1]


def _variable(walk: _Stripping, x: Any) -> None:
    y = primals(x)
    walk.note(x, copied(y) if type(y) is np.ndarray else y)  # a solver may write into it


def _function(walk: _Stripping, f: types.FunctionType) -> None:
    old = f.__closure__ or ()
    cells = tuple(map(walk.cell, old))
    new = walk.note(f, types.FunctionType(f.__code__, f.__globals__, f.__name__, None, cells))
    for cell, its in zip(old, cells, strict=True):
        if its is not cell and not _contents(its):
            its.cell_contents = walk.of(cell.cell_contents)
    new.__defaults__ = f.__defaults__ and tuple(map(walk.of, f.__defaults__))
    named = f.__kwdefaults__
    new.__kwdefaults__ = named and {name: walk.of(x) for name, x in named.items()}
    new.__qualname__, new.__module__, new.__doc__ = f.__qualname__, f.__module__, f.__doc__
    new.__dict__.update(vars(f))


def _partial(walk: _Stripping, f: functools.partial[Any]) -> None:
    named = {name: walk.of(x) for name, x in f.keywords.items()}
    walk.note(f, type(f)(walk.of(f.func), *map(walk.of, f.args), **named))


def _cached(walk: _Stripping, f: Any) -> None:
    walk.note(f, functools.lru_cache(**f.cache_parameters())(walk.of(f.__wrapped__)))


def _method(walk: _Stripping, f: types.MethodType) -> None:
    walk.note(f, types.MethodType(walk.of(f.__func__), walk.of(f.__self__)))


def _list(walk: _Stripping, x: list[Any]) -> None:
    walk.note(x, []).extend(map(walk.of, x))


def _tuple(walk: _Stripping, x: tuple[Any, ...]) -> None:
    walk.note(x, tuple(map(walk.of, x)))


def _dict(walk: _Stripping, x: dict[Any, Any]) -> None:
    walk.note(x, {}).update({key: walk.of(part) for key, part in x.items()})


def _container(walk: _Stripping, x: Any) -> None:
    def leaf(part: Any, _: ValueType) -> Any:
        return walk.of(part)

    def met(part: Any, copy: Any) -> Any:
        return copy if walk.reaches(part) else part

    try:
        new = map_leaves(x, leaf, static=leaf, own=True, met=met)
    except (UnregisteredTypeError, NotDifferentiableError, CycleError):
        new = x  # its variables stay, and whoever reads a number of one is told
    walk.note(x, new)


_MAKERS: Mapping[Any, Any] = MappingProxyType(
    {
        list: _list,
        tuple: _tuple,
        dict: _dict,
        types.FunctionType: _function,
        functools.partial: _partial,
        types.MethodType: _method,
        _CACHED: _cached,
    }
)
