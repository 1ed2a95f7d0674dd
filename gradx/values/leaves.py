"""Leaves: rebuild a value with every number and array in it replaced.

The fast walk through a value, where only its leaves matter: lifting, zeros, ones. A walk that
carries a context along (a path, a second value) uses `gradx.values.operations.fold`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NoReturn

from gradx.errors import CycleError, NotDifferentiableError, UnregisteredTypeError
from gradx.native import native
from gradx.values.registry import ValueType, children_of, registry, value_type

__all__ = ["cycle_at", "map_leaves", "mapped", "renewed", "taken_apart"]

Frame = tuple[Any, ValueType, Sequence[Any], Any, list[Any]]
"""A container being rebuilt: itself, its type, its keys, the parts to come, the new parts."""
Rule = Callable[[Any, ValueType], Any]
Way = list[tuple[ValueType, Any]]
"""The steps from a value to a part of a part of it: the type of each container, and the key."""

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
    atoms: bool = True,
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
        atoms: whether ``static`` is called for None, truth values and text too, which nobody can
            change.

    Raises:
        CycleError: the value contains itself.
        UnregisteredTypeError: a part is of an unknown type.
        NotDifferentiableError: a part cannot have a gradient, or a record cannot be rebuilt.

    >>> map_leaves({"a": [1.0, 2.0], "b": "name"}, lambda x, spec: -x)
    {'a': [-1.0, -2.0], 'b': 'name'}
    """
    return mapped(value, leaf, root, static, own, met, noted, atoms)


def walk(
    value: Any, leaf: Rule, root: str, static: Any, own: bool, met: Any, noted: Any, atoms: bool
) -> Any:
    """`map_leaves` in Python. The C code has the same walk."""
    stack: list[Frame] = []

    def way() -> Way:
        return [(frame[1], frame[2][len(frame[4])]) for frame in stack]

    def finished(x: Any, spec: Any, keys: Sequence[Any], parts: list[Any]) -> Any:
        try:
            new = spec.rebuild(x, keys, parts)
        except (NotDifferentiableError, UnregisteredTypeError) as error:
            error_at(error, root, way())
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
            spec: Any = _found(cls) or classes.get(cls)
            if spec is None:
                spec = classes[cls] = registry.find(cls) or value_type_at(x, root, way())
            if type(spec) is not ValueType:  # it goes by the value
                try:
                    spec = spec(x)
                except NotDifferentiableError:
                    spec = value_type_at(x, root, way())
            if spec.children is None or (spec.zero is not None and not own):
                made = leaf if not spec.static else None if not atoms and cls in _ATOMS else static
                done.append(x if made is None else made(x, spec))
                continue
            if id(x) in open_ids:
                cycle_along([*[frame[0] for frame in stack], x], root, way())
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


_ATOMS = frozenset({type(None), bool, str, bytes})
"""The types of static values that nobody can change and nothing can be bound to."""


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


# --- Errors, with the way to where they are -------------------------------------------------------


def cycle_at(path: str) -> CycleError:
    """The error for a value that contains itself."""
    return CycleError(
        f"{path} contains itself; a gradient goes by path and would never end: break the cycle, "
        "or mark the field that closes it with gx.static()"
    )


def cycle_along(chain: Sequence[Any], root: str, way: Way) -> NoReturn:
    """Raise the error for the first of some values that is met again.

    Args:
        chain: the values, each a part of the one before.
        root: how that one is called.
        way: the step to each of the others.
    """
    seen: set[int] = set()
    for i, x in enumerate(chain):
        if id(x) in seen:
            raise cycle_at(_path(root, way[:i]))
        seen.add(id(x))
    raise AssertionError("no value was met again")


def error_at(error: Exception, root: str, way: Way) -> NoReturn:
    """Raise an error again with the path to where it is."""
    raise type(error)(f"{_path(root, way)}: {error}") from None


def value_type_at(x: Any, root: str, way: Way) -> ValueType:
    """What gradx knows of the type of a value; an error has its path."""
    return value_type(x, lambda: _path(root, way))


def _path(root: str, way: Way) -> str:
    return root + "".join(spec.format_key(key) for spec, key in way)


def renewed(value: Any) -> Any:
    """A value with containers of its own and the same leaves; one of an unknown type itself.

    >>> x = {"a": [1.0]}
    >>> y = renewed(x)
    >>> y == x, y["a"] is x["a"]
    (True, False)
    """
    return value if registry.find(type(value)) is None else map_leaves(value, lambda x, _: x)


if native is not None:
    native.use(find=registry.find, ValueType=ValueType)
    native.use(found=registry.found, found_of_classes=registry.found_of_classes)
    native.use(NotDifferentiableError=NotDifferentiableError)
    native.use(UnregisteredTypeError=UnregisteredTypeError)
    native.use(taken_apart=taken_apart, value_type_at=value_type_at)
    native.use(cycle_along=cycle_along, error_at=error_at)

mapped: Callable[..., Any] = walk if native is None else native.map_leaves
"""`map_leaves` with all its arguments, by position."""
