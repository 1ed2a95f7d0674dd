"""Leaves: rebuild a value with every number and array in it replaced.

The fast walk through a value, where only its leaves matter: lifting, zeros, ones. A walk that
carries a context along (a path, a second value) uses `gradx.values.operations.fold`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from gradx.errors import CycleError, NotDifferentiableError, UnregisteredTypeError
from gradx.values.registry import ValueType, children_of, registry, value_type

__all__ = ["cycle_at", "map_leaves", "renewed", "taken_apart"]

Frame = tuple[Any, ValueType, Sequence[Any], Any, list[Any]]
"""A container being rebuilt: itself, its type, its keys, the parts to come, the new parts."""

_found = registry.found.get


def map_leaves(
    value: Any,
    leaf: Callable[[Any, ValueType], Any],
    root: str = "value",
    *,
    static: Callable[[Any, ValueType], Any] | None = None,
    own: bool = False,
    met: Callable[[Any, Any], Any] | None = None,
    noted: list[Any] | None = None,
) -> Any:
    """A value like the given one with other leaves; every container and record in it is new.

    Iterative, so that a list nested 100,000 times does not overflow the stack. No path is made
    unless an error needs it.

    Args:
        value: any value.
        leaf: ``leaf(x, spec)`` gives the new leaf; called for what is not static.
        root: how the whole value is called in messages.
        static: the same for static values; without it they stay what they are.
        own: go into the parts of types that have operations of their own, too.
        met: ``met(container, copy)`` is called for each container; what it returns takes the place
            of the copy.
        noted: gets each container and its copy, one after the other.

    Raises:
        CycleError: the value contains itself.
        UnregisteredTypeError: a part is of an unknown type.
        NotDifferentiableError: a part cannot have a gradient, or a record cannot be rebuilt.

    >>> map_leaves({"a": [1.0, 2.0], "b": "name"}, lambda x, spec: -x)
    {'a': [-1.0, -2.0], 'b': 'name'}
    """
    stack: list[Frame] = []

    def where() -> str:
        return root + "".join(frame[1].format_key(frame[2][len(frame[4])]) for frame in stack)

    def finished(x: Any, spec: Any, keys: Sequence[Any], parts: list[Any]) -> Any:
        try:
            new = spec.rebuild(x, keys, parts)
        except (NotDifferentiableError, UnregisteredTypeError) as error:
            raise type(error)(f"{where()}: {error}") from None
        new = new if met is None else met(x, new)
        if noted is not None:
            noted.extend((x, new))
        return new

    classes: dict[type, Any] = {}  # of Python's, for this walk
    outermost: list[Any] = []
    done = outermost
    rest: Any = iter((value,))
    open_ids: set[int] = set()
    while True:
        for x in rest:
            cls = type(x)
            spec: Any = _found(cls) or classes.get(cls) or _looked_up(x, cls, classes, where)
            if type(spec) is not ValueType:  # it goes by the value
                try:
                    spec = spec(x)
                except NotDifferentiableError:
                    spec = value_type(x, where)  # raises it with the path
            if spec.children is None or (spec.zero is not None and not own):
                made = static if spec.static else leaf
                done.append(x if made is None else made(x, spec))
                continue
            if id(x) in open_ids:
                raise cycle_at(where())
            keys, parts = taken_apart(x, spec) if spec.parts is None else spec.parts(x)
            if len(parts) > _FEW and (same := _type_of_all(parts)) is not None:
                done.append(finished(x, spec, keys, list(map(leaf, parts, repeat(same)))))
                continue
            open_ids.add(id(x))
            stack.append((x, spec, keys, rest, done := []))
            rest = iter(parts)
            break
        else:
            if not stack:
                return done[0]
            x, spec, keys, rest, parts = stack.pop()
            open_ids.discard(id(x))
            done = stack[-1][4] if stack else outermost
            done.append(finished(x, spec, keys, parts))


_FEW = 3
"""Parts up to which to look whether they are alike costs more than it saves."""


def _looked_up(x: Any, cls: type, classes: dict[type, Any], where: Callable[[], str]) -> Any:
    """The entry of a type that is not among the registry's types of C."""
    entry = classes[cls] = registry.find(cls) or value_type(x, where)  # raises, with the path
    return entry


def _type_of_all(parts: Sequence[Any]) -> ValueType | None:
    """The type that all of some parts have, if they are numbers of one type of C, or arrays."""
    kinds = set(map(type, parts))
    entry: Any = _found(kinds.pop()) if len(kinds) == 1 else None
    if entry is None:
        return None
    if type(entry) is not ValueType:
        dtypes = {getattr(part, "dtype", None) for part in parts}
        if len(dtypes) != 1 or getattr(dtypes.pop(), "kind", "O") not in "fc":
            return None  # what else is by the value is asked for each
        try:
            entry = entry(parts[0])
        except NotDifferentiableError:
            return None  # it is raised again with the path
    return entry if entry.numeric else None


def taken_apart(value: Any, spec: ValueType) -> tuple[Sequence[Any], Sequence[Any]]:
    """The keys of a container, and its parts."""
    if spec.parts is not None:
        return spec.parts(value)
    keyed = children_of(value, spec)
    return [key for key, _ in keyed], [part for _, part in keyed]


def cycle_at(path: str) -> CycleError:
    """The error for a value that contains itself."""
    return CycleError(
        f"{path} contains itself; a gradient goes by path and would never end: break the cycle, "
        "or mark the field that closes it with gx.static()"
    )


def renewed(value: Any) -> Any:
    """A value with containers of its own and the same leaves; one of an unknown type itself.

    >>> x = {"a": [1.0]}
    >>> y = renewed(x)
    >>> y == x, y["a"] is x["a"]
    (True, False)
    """
    return value if registry.find(type(value)) is None else map_leaves(value, lambda x, _: x)
