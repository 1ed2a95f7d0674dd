"""Copies: what a run knows of the containers among its inputs that it has copied.

An object that is reached by two paths gets a gradient at each, so its copies are two objects. If
the function changes one of them, the plain function would show the change at the other path as
well: `Copies.check` compares the copies of such objects when the function has returned. A method of
an object in the inputs is bound to the copy of that.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any

from gradx.errors import AliasError, NotDifferentiableError
from gradx.native import native
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

__all__ = ["BUILTIN", "Copies", "unshared"]


class Copies:
    """The copies of containers that one run works on.

    Args:
        inputs: the inputs, each with its name in messages; more may come.
        noted: the containers in them, each followed by its copy; more may come.
    """

    def __init__(self, inputs: list[tuple[Any, str]], noted: list[Any]) -> None:
        self._inputs = inputs
        self._noted = noted
        self._entered = 0  # how many of these are in the next
        self._copies: dict[int, Any] = {}
        self._originals: list[Any] = []
        self._shared: dict[int, list[tuple[Any, list[Any]]]] = {}
        self._functions: list[Any] = []
        self._rebound: set[int] = set()

    def bound(self, function: Any) -> Any:
        """A function among the inputs; a method of one that was copied as that of the copy."""
        self._functions.append(function)
        new = rebound(function, self._copies)
        if new is not function:
            self._rebound.add(id(function))
        return new

    def enter(self) -> None:
        """Take in the containers that were noted since the last time."""
        start, self._entered = self._entered, len(self._noted)
        for i in range(start, self._entered, 2):
            self._met(self._noted[i], self._noted[i + 1])

    def _met(self, original: Any, copy: Any) -> None:
        if type(original) in BUILTIN or _has_parts_only(original):
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

    def check_functions(self) -> None:
        """Refuse functions among the inputs that close over parts of them.

        Raises:
            NotDifferentiableError: there is one; names its path.
        """
        if not self._functions:
            return
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

    def check(self) -> None:
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
            if type(x) not in BUILTIN:
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


BUILTIN = frozenset({list, tuple, dict})
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
    return all(type(x) in BUILTIN or _has_parts_only(x) for x in originals)


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
