"""Leaves: rebuild a value with every number and array in it replaced.

The fast walk through a value, where only its leaves matter: lifting, zeros, ones. A walk that
carries a context along (a path, a second value) uses `gradx.values.operations.fold`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradx.errors import CycleError, NotDifferentiableError, UnregisteredTypeError
from gradx.values.registry import Kind, ValueType, children_of, rebuilt, registry, value_type

__all__ = ["cycle_at", "map_leaves", "taken_apart"]

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
    met: Callable[[Any, Any], None] | None = None,
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
        met: ``met(container, copy)`` is called for each container.

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

    spec, is_leaf, is_static, last = value_type(None), True, True, object
    outermost: list[Any] = []
    done = outermost
    rest: Any = iter((value,))
    open_ids: set[int] = set()
    while True:
        for x in rest:
            if type(x) is not last:
                last = type(x)
                known: Any = _found(last)
                if type(known) is ValueType:
                    spec = known
                else:
                    spec = value_type(x, where)
                    last = object  # another of its class may be something else
                is_static = spec.kind is Kind.STATIC
                is_leaf = spec.children is None or not (own or spec.zero is None)
            if not is_leaf:
                if id(x) in open_ids:
                    raise cycle_at(where())
                open_ids.add(id(x))
                keys, parts = taken_apart(x, spec)
                stack.append((x, spec, keys, rest, done := []))
                rest = iter(parts)
                break
            if is_static:
                done.append(x if static is None else static(x, spec))
            else:
                done.append(leaf(x, spec))
        else:
            if not stack:
                return done[0]
            x, spec, keys, rest, parts = stack.pop()
            try:
                new = rebuilt(x, spec, keys, parts)
            except (NotDifferentiableError, UnregisteredTypeError) as error:
                raise type(error)(f"{where()}: {error}") from None
            if met is not None:
                met(x, new)
            open_ids.discard(id(x))
            last, done = object, stack[-1][4] if stack else outermost
            done.append(new)


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
