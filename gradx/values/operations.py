"""Values: the registry of types, and ``zero``, ``add`` and ``one`` on any value.

The first noun. The tape knows nothing about numbers, arrays or records; what it must know of a
type stands here, in one registry. For a type whose values have parts (a container) the three
operations work part by part; for any other they are functions of the type.

The laws, which ``gradx.testing.check_value_laws`` checks on examples of a type:

* ``add`` is commutative and associative,
* ``zero`` is its identity: ``add(x, zero(x)) == x == add(zero(x), x)``,
* ``zero`` and ``one`` are idempotent: ``zero(zero(x)) == zero(x)``, ``one(one(x)) == one(x)``,
* ``one(x)`` is the gradient of the identity at ``x``.

Source of the laws: the class ``Backprop`` of Haskell's ``backprop`` library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gradx.devices.placement import copied
from gradx.errors import (
    GradxError,
    NotDifferentiableError,
    StructureError,
    UnregisteredTypeError,
)
from gradx.native import native
from gradx.values.leaves import cycle_at, map_leaves, taken_apart
from gradx.values.registry import (
    MISSING,
    Entry,
    Kind,
    Registry,
    ValueType,
    Where,
    children_of,
    part_of,
    rebuilt,
    registry,
    value_type,
)
from gradx.values.statics import static_copy

__all__ = [
    "MISSING",
    "Entry",
    "Kind",
    "Registry",
    "ValueType",
    "Where",
    "add",
    "children_of",
    "cycle_at",
    "every_mismatch",
    "fold",
    "leaves_of",
    "map_leaves",
    "one",
    "part_of",
    "parts_alone",
    "rebuilt",
    "registry",
    "same_static",
    "value_type",
    "zero",
]

T = TypeVar("T")
Item = tuple[Any, Any, Any]
"""One part of a container in a `fold`: its key, itself, and what goes along with it."""

Expand = Callable[[Any, ValueType, Any], tuple[Any, list[Item]]]
Leaf = Callable[[Any, ValueType, Any, Where], Any]


class _Frame:
    """A container whose parts are being worked through."""

    __slots__ = ("done", "items", "rest", "spec", "template", "value")

    def __init__(self, value: Any, spec: ValueType, template: Any, items: list[Item]) -> None:
        self.value, self.spec, self.template, self.items = value, spec, template, items
        self.done: list[Any] = []
        self.rest = iter(items)


def _opens(spec: ValueType, own: bool) -> bool:
    """Whether a fold goes into the parts of a type."""
    return spec.children is not None and (own or spec.fieldwise)


def fold(
    value: Any,
    context: Any,
    expand: Expand,
    leaf: Leaf,
    root: str = "value",
    *,
    rebuild: Callable[[Any, ValueType, list[Any], list[Any]], Any] | None = None,
    leaves: type | tuple[type, ...] = (),
    own: bool = False,
    above: Sequence[Any] = (),
) -> Any:
    """Rebuild a value from its leaves upward, while passing a context down.

    Iterative, so that a list linked a million times does not overflow the stack.

    Args:
        value: the value to rebuild.
        context: what goes along with it, such as its cotangent.
        expand: ``expand(value, spec, context)`` gives the template to rebuild from, and the parts
            with the context of each.
        leaf: ``leaf(value, spec, context, where)`` gives the new leaf.
        root: how the whole value is called in messages.
        rebuild: ``rebuild(template, spec, keys, parts)`` instead of the type's own.
        leaves: classes whose values are leaves although they have parts.
        own: go into the parts of types that have operations of their own, too.
        above: the containers that ``value`` is in; one of them in it is a cycle.

    Raises:
        CycleError: the value contains itself.
        UnregisteredTypeError: a part is of an unknown type.
    """
    stack: list[_Frame] = []

    def where() -> str:
        parts = [f.spec.format_key(f.items[len(f.done)][0]) for f in stack]
        return root + "".join(parts)

    open_ids = {id(each) for each in above}
    spec = value_type(value, where)
    if not _opens(spec, own) or isinstance(value, leaves):
        return leaf(value, spec, context, where)
    if id(value) in open_ids:
        raise cycle_at(root)
    stack.append(_Frame(value, spec, *expand(value, spec, context)))
    open_ids.add(id(value))
    result: Any = None
    while stack:
        frame = stack[-1]
        done = frame.done
        for _, child, child_context in frame.rest:
            spec = value_type(child, where)
            if spec.children is None or not _opens(spec, own) or isinstance(child, leaves):
                done.append(leaf(child, spec, child_context, where))
            elif id(child) in open_ids:
                raise cycle_at(where())
            else:
                open_ids.add(id(child))
                stack.append(_Frame(child, spec, *expand(child, spec, child_context)))
                break
        else:
            keys = [item[0] for item in frame.items]
            stack.pop()
            if rebuild is not None:
                result = rebuild(frame.template, frame.spec, keys, done)
            else:
                try:
                    result = rebuilt(frame.template, frame.spec, keys, done)
                except (NotDifferentiableError, UnregisteredTypeError) as error:
                    raise type(error)(f"{where()}: {error}") from None
            open_ids.discard(id(frame.value))
            if stack:
                stack[-1].done.append(result)
    return result


def parts_alone(value: Any, spec: ValueType, context: Any) -> tuple[Any, list[Item]]:
    """The ``expand`` of a `fold` without a context."""
    return value, [(key, child, None) for key, child in children_of(value, spec)]


def found_leaves(value: Any) -> list[Any]:
    """The numbers, arrays and opaque values of a value, in order; static parts are left out."""
    found: list[Any] = []
    spec = value_type(value)
    if spec.children is None or not spec.fieldwise:
        return [] if spec.static else [value]
    waiting = [iter(taken_apart(value, spec)[1])]
    while waiting:
        for x in waiting[-1]:
            spec = value_type(x)
            if spec.children is not None and spec.fieldwise:
                waiting.append(iter(taken_apart(x, spec)[1]))
                break
            if not spec.static:
                found.append(x)
        else:
            waiting.pop()
    return found


leaves_of: Callable[[Any], list[Any]] = found_leaves if native is None else native.leaves_of
"""`found_leaves`, which the C code does with the walk of `map_leaves`."""


def zero(value: T) -> T:
    """The zero of a value's type and shape: the gradient of what does not depend on it.

    >>> zero((2.5, [1, 2]))
    (0.0, [0.0, 0.0])
    """
    return map_leaves(value, _zero_of, static=_copied, atoms=False)  # type: ignore[no-any-return]


def one(value: T) -> T:
    """The one of a value's type and shape: the gradient of the identity.

    >>> one((2.5, "name"))
    (1.0, 'name')
    """
    return map_leaves(value, _one_of, static=_copied, atoms=False)  # type: ignore[no-any-return]


def _zero_of(x: Any, spec: ValueType) -> Any:
    return x if spec.zero is None else spec.zero(x)


def _one_of(x: Any, spec: ValueType) -> Any:
    return x if spec.one is None else spec.one(x)


def _copied(x: Any, _: ValueType) -> Any:
    return static_copy(x)


Raised = tuple[type[Exception], ...]


def every_mismatch(
    error: Exception,
    value: Any,
    context: Any,
    expand: Expand,
    leaf: Leaf,
    root: str = "value",
    raised: Raised = (GradxError,),
) -> str:
    """The text of an error of a fold, together with all other mismatches.

    A fold stops at its first error; here it is done again and goes on behind each.

    Args:
        error: the error that it raised.
        value: as in `fold`, and so are the next four.
        context: see there.
        expand: see there.
        leaf: see there.
        root: see there.
        raised: the classes of errors that mean a mismatch.
    """
    found: list[str] = []

    def noted(again: Exception, path: str) -> None:
        text = str(again)
        found.append(text if path in text else f"{text} (at {path})")

    def expanded(x: Any, spec: ValueType, at: Any) -> tuple[Any, list[Item]]:
        inner, way = at
        try:
            _, items = expand(x, spec, inner)
        except raised as again:
            noted(again, root + _path_of(way))
            return x, []
        return x, [(k, child, (c, (way, spec.format_key(k)))) for k, child, c in items]

    def checked(x: Any, spec: ValueType, at: Any, where: Where) -> None:
        try:
            leaf(x, spec, at[0], where)
        except raised as again:
            noted(again, where())

    fold(value, (context, None), expanded, checked, root, rebuild=lambda *_: None)
    if len(found) < 2:
        return found[0] if found else str(error)
    shown = found[:_MOST_SHOWN] + [f"and {len(found) - _MOST_SHOWN} more"] * (
        len(found) > _MOST_SHOWN
    )
    return f"{len(found)} parts do not match:" + "".join(f"\n  - {text}" for text in shown)


_MOST_SHOWN = 20


def _path_of(way: Any) -> str:
    keys = []
    while way is not None:
        way, key = way
        keys.append(key)
    return "".join(reversed(keys))


def add(x: T, y: T) -> T:
    """The sum of two values of one type, part by part.

    Lists add as if the shorter were padded with zeros, dicts by the union of their keys, and
    ``None`` adds like a zero; static parts must be equal. The sum shares no array with either.

    Raises:
        StructureError: the values do not match; the message gives the paths, all of them.

    >>> add([1.0, 2.0], [10.0])
    [11.0, 2.0]
    >>> add({"a": 1.0}, {"b": 2.0})
    {'a': 1.0, 'b': 2.0}
    """
    try:
        return fold(x, y, _expand_pair, _leaf_add)  # type: ignore[no-any-return]
    except StructureError as error:
        text = every_mismatch(error, x, y, _expand_pair, _leaf_add)
    raise StructureError(text)


def _leaf_add(x: Any, spec: ValueType, y: Any, where: Where) -> Any:
    if y is MISSING or y is None:
        return copied(x) if spec.numeric else x
    if x is None:
        return fold(y, MISSING, _expand_pair, _leaf_add)
    if spec.static:
        if not same_static(x, y):
            raise StructureError(
                f"the static values {x!r} and {y!r} at {where()} differ and cannot be added; "
                "add values whose static parts are equal"
            )
        return x
    other = value_type(y)
    if x.__class__ is y.__class__ and type(y) is not y.__class__:
        spec = other  # a variable of such a value, which says of which class that is
    elif spec.add is None or (other.kind is not spec.kind and x.__class__ is not y.__class__):
        raise StructureError(
            f"a {type(x).__name__} and a {type(y).__name__} cannot be added; give two values of "
            f"one type (at {where()})"
        )
    assert spec.add is not None  # a leaf has the three operations
    try:
        return spec.add(x, y)
    except StructureError as error:
        raise StructureError(f"{error} (at {where()})") from None


def same_static(x: Any, y: Any) -> bool:
    """Whether two static values are equal, of one type and, if they are arrays, of one shape."""
    if x is y:
        return True
    if type(x) is not type(y):
        return False
    if getattr(x, "shape", None) != getattr(y, "shape", None):
        return False
    equal = x == y
    return equal if isinstance(equal, bool) else bool(equal.all())


def _expand_pair(x: Any, spec: ValueType, y: Any) -> tuple[Any, list[Item]]:
    if y is MISSING or y is None:
        return x, [(key, child, MISSING) for key, child in children_of(x, spec)]
    other = value_type(y)
    if other.kind is not spec.kind or (spec.kind is not Kind.MAPPING and type(x) is not type(y)):
        raise StructureError(
            f"a {type(x).__name__} and a {type(y).__name__} cannot be added; "
            "give two values of one type"
        )
    left, right = children_of(x, spec), dict(children_of(y, other))
    items = [(key, child, right.pop(key, MISSING)) for key, child in left]
    fixed = isinstance(x, tuple) or spec.kind not in (Kind.SEQUENCE, Kind.MAPPING)
    if right and fixed:
        raise StructureError(
            f"a {type(x).__name__} of {len(items)} parts and one of {len(items) + len(right)} "
            "cannot be added; give two values of one structure"
        )
    items.extend((key, child, MISSING) for key, child in right.items())
    _match_tuples(x, items)
    return (y if len(children_of(y, other)) > len(left) else x), items


def _match_tuples(x: Any, items: list[Item]) -> None:
    if isinstance(x, tuple) and any(item[2] is MISSING for item in items):
        short = sum(item[2] is not MISSING for item in items)
        raise StructureError(
            f"a {type(x).__name__} of {len(items)} parts and one of {short} cannot be added; "
            "give two values of one structure"
        )
