"""Lifting: a value with a variable in the place of each of its leaves.

The differentiated function gets real instances of the user's classes, copies whose leaves are
variables: numbers, arrays, and values of types with an ``add`` of their own. Static parts are
shared. Lifting makes no node and no path.

An object that is reached by two paths gets a gradient at each, so its copies are two objects. If
the function changes one of them, the plain function would show the change at the other path as
well: `Lifting.check_aliases` compares the copies of such objects when the function has returned.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from gradx.errors import AliasError, NotDifferentiableError
from gradx.native import native
from gradx.values.builtin import check_differentiable
from gradx.values.leaves import map_leaves
from gradx.values.operations import (
    MISSING,
    Item,
    ValueType,
    Where,
    children_of,
    fold,
    leaves_of,
    parts_alone,
    registry,
    value_type,
)
from gradx.values.per_class import is_made_here
from gradx.values.rebind import is_function, rebound, refuse_captured
from gradx.values.rebuild import plan_of, undeclared

__all__ = ["Lifting"]


class Lifting:
    """The lifting of the inputs of one run.

    Args:
        leaf: ``leaf(x, spec)`` gives the run's variable of a leaf; called for the leaves in order.

    When all inputs are lifted, `finish` is due.
    """

    def __init__(self, leaf: Callable[[Any, ValueType], Any]) -> None:
        self._leaf = leaf
        self._inputs: list[tuple[Any, str]] = []
        self._noted: list[Any] = []  # containers and their copies, which keep their identities
        self._entered = 0  # how many of these are in the next
        self._copies: dict[int, Any] = {}
        self._originals: list[Any] = []
        self._shared: dict[int, list[tuple[Any, list[Any]]]] = {}
        self._functions: list[Any] = []
        self._rebound: set[int] = set()

    def lift(self, x: Any, name: str) -> Any:
        """An input with a variable for each of its leaves; messages call it by this name.

        Raises:
            NotDifferentiableError: the input, or a part of it, cannot have a gradient.
            UnregisteredTypeError: a part is of an unregistered type.
        """
        self._inputs.append((x, name))
        before = len(self._noted)
        if type(x) in _BUILTIN and len(x) >= _MANY:
            with _collector_paused():
                new = self._copy(x, name)
        else:
            new = self._copy(x, name)
        if len(self._noted) == before and (new is x or self._functions):  # static, or a function
            check_differentiable(x, name)
        return new

    def _copy(self, x: Any, name: str) -> Any:
        static, noted = self._static, self._noted
        return map_leaves(x, self._leaf, name, static=static, noted=noted, atoms=False)

    def _static(self, x: Any, spec: ValueType) -> Any:
        if not is_function(x):
            return x
        self._enter()
        self._functions.append(x)
        new = rebound(x, self._copies)
        if new is not x:
            self._rebound.add(id(x))
        return new

    def finish(self) -> None:
        """Take note of objects at several paths, and check the functions in the inputs.

        Raises:
            NotDifferentiableError: a function closes over a part of the inputs; names its path.
        """
        if self._functions:
            self._enter()
            self._check_functions()
        elif not unshared(self._noted):
            self._enter()

    def _enter(self) -> None:
        """Take in the containers that were noted since the last time."""
        start, self._entered = self._entered, len(self._noted)
        for i in range(start, self._entered, 2):
            self._met(self._noted[i], self._noted[i + 1])

    def _met(self, original: Any, copy: Any) -> None:
        if type(original) in _BUILTIN or _has_parts_only(original):
            self._note(original, copy)
        else:
            self._note(_behind(original), _behind(copy))
            for pair in _carried_along(original, copy):
                self._note(*pair)

    def _note(self, original: Any, copy: Any) -> None:
        """Remember the copy of an object, and how it is now if the object has another copy."""
        self._originals.append(original)  # kept, so that no other object takes its identity
        first = self._copies.setdefault(id(original), copy)
        if first is not copy and type(original) is not tuple:
            known = self._shared.setdefault(id(original), [(first, _state_of(first))])
            known.append((copy, _state_of(copy)))

    def _check_functions(self) -> None:
        arrays = {
            id(x) for value, _ in self._inputs for x in leaves_of(value) if hasattr(x, "dtype")
        }
        ids = self._copies.keys() | arrays
        seen: set[int] = set()

        def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
            if not is_function(x) or id(x) in seen:
                return x
            seen.add(id(x))
            refuse_captured(x, ids, where)
            if rebound(x, self._copies) is not x and id(x) not in self._rebound:
                raise NotDifferentiableError(
                    f"{where()}: this is a method of an object that stands later in the input, or "
                    "around it; put the object before its method, or call the method of the object"
                )
            return x

        for value, name in self._inputs:
            fold(value, None, parts_alone, leaf, name, rebuild=lambda *_: None)

    def check_aliases(self) -> None:
        """Raise if the run changed an object that the inputs reach by several paths.

        Raises:
            AliasError: it did; names the paths.
        """
        for key, copies in self._shared.items():
            for copy, before in copies:
                if not _same(before, _state_of(copy)):
                    raise self._changed(key)

    def _changed(self, key: int) -> AliasError:
        paths: list[str] = []
        shared = next(x for x in [*self._noted[::2], *self._originals] if id(x) == key)

        def expand(x: Any, spec: ValueType, path: str) -> tuple[Any, list[Item]]:
            if _behind(x) is shared:
                paths.append(path)
            parts = [(key, part, path + spec.format_key(key)) for key, part in children_of(x, spec)]
            if type(x) not in _BUILTIN:
                parts += [(name, part, f"{path}.{name}") for name, part in _carried(x)]
            return x, parts

        for x, name in self._inputs:
            fold(x, name, expand, lambda x, *_: x, name, rebuild=lambda *_: None)
        return AliasError(
            f"{' and '.join(paths)} are one {type(shared).__name__}, and the function changed it "
            "at one of these paths; the plain function would show the change at all of them, while "
            "gradients go by path: pass a copy at each path, or build a new "
            f"{type(shared).__name__} in the function"
        )


_MANY = 10_000
"""Parts from which on the collector is paused: see the benchmark row "a million numbers"."""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A block that makes many objects and no garbage, so that looking for some is in vain."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_BUILTIN = frozenset({list, tuple, dict})
"""Containers that have nothing besides their parts."""


def _has_parts_only(x: Any) -> bool:
    """Whether an instance has nothing besides its declared parts."""
    cls: Any = type(x)
    if not is_made_here(cls):
        return False
    plan = plan_of(cls)
    return plan.fast and plan.names.issuperset(plan.dict_of(x))


def all_apart(noted: list[Any]) -> bool:
    """Whether containers are all different objects, with nothing besides their parts.

    Args:
        noted: the containers, each followed by its copy.
    """
    originals = noted[::2]
    if len(set(map(id, originals))) != len(originals):
        return False
    return all(type(x) in _BUILTIN or _has_parts_only(x) for x in originals)


unshared: Callable[[list[Any]], bool] = all_apart if native is None else native.unshared


def _behind(x: Any) -> Any:
    """The dict that a mapping proxy shows; anything else as it is."""
    return gc.get_referents(x)[0] if type(x) is MappingProxyType else x


def _carried(x: Any) -> list[tuple[str, Any]]:
    """The attributes of an instance that are no parts of it and hold containers."""
    if not is_made_here(type(x)) or _has_parts_only(x):
        return []
    plan = plan_of(type(x))
    parts = {id(part) for _, part in children_of(x, value_type(x))}
    return [(k, v) for k, v in undeclared(x, plan) if id(v) not in parts and _is_container(v)]


def _is_container(x: Any) -> bool:
    entry = registry.find(type(x))
    return isinstance(entry, ValueType) and entry.children is not None


def _carried_along(original: Any, copy: Any) -> Iterator[tuple[Any, Any]]:
    """The containers in the undeclared attributes of an instance, and their copies."""
    waiting = [(part, getattr(copy, name, part)) for name, part in _carried(original)]
    while waiting:
        x, y = waiting.pop()
        if x is y or type(x) is not type(y) or not _is_container(x):
            continue
        yield x, y
        spec = value_type(x)
        pairs = zip(children_of(x, spec), children_of(y, spec), strict=False)
        waiting.extend((part, other) for (_, part), (_, other) in pairs)


def _state_of(x: Any) -> list[Any]:
    """What a change of a container would change."""
    state: list[Any] = []
    pairs = children_of(x, value_type(x))
    cls: Any = type(x)
    if is_made_here(cls):
        plan = plan_of(cls)
        declared = [(name, getattr(x, name, MISSING)) for name in plan.order]
        pairs = [*pairs, *declared, *undeclared(x, plan)]
    for pair in pairs:
        state += pair
    return state


def _same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(
        x is y or (type(x) is type(y) is int and x == y) for x, y in zip(a, b, strict=True)
    )
