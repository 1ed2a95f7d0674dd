"""Map: a function of the corresponding leaves of whole values, whatever it makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gradx.core.dispatch import Lifted
from gradx.errors import StructureError
from gradx.records.tree_map import expand
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, Where, every_mismatch, fold, same_static, value_type

__all__ = ["map"]

T = TypeVar("T")


def map(f: Callable[..., Any], x: T, /, *others: Any) -> T:
    """A value like another, with a function of each of its leaves in their places.

    Leaves are numbers, arrays and values of types without parts. Under differentiation they are
    variables, so the result is differentiable where the function is. Static parts are those of
    the first value. What the function makes of a leaf is up to it: another shape, dtype or type.

    Args:
        f: ``f(leaf, *leaves_of_others)``.
        x: a value of any type.
        others: values of the same structure. Dicts match by key; static parts must be equal.

    Returns:
        A value of the structure of ``x``; every container and record in it is new.

    Raises:
        StructureError: the structures or static parts differ; all that does, with the paths.

    >>> import gradx as gx
    >>> gx.map(lambda w, g: w - 0.1 * g, {"w": 3.0, "name": "a"}, {"w": 10.0, "name": "a"})
    {'w': 2.0, 'name': 'a'}
    >>> gx.grad(lambda p: sum(gx.map(lambda a, b: a * b, p, (5.0, 7.0))))((1.0, 2.0))
    (5.0, 7.0)
    """
    root = type(x).__name__
    if not others:
        return map_leaves(x, lambda leaf, _: f(leaf), root)  # type: ignore[no-any-return]
    try:
        fold(x, others, expand, _check_leaf, root, rebuild=lambda *_: None)
    except StructureError as error:
        text = every_mismatch(error, x, others, expand, _check_leaf, root)
        raise StructureError(text) from None

    def leaf(a: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> Any:
        return a if spec.static else f(a, *mates)

    return fold(x, others, expand, leaf, root)  # type: ignore[no-any-return]


def _check_leaf(a: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> None:
    """Refuse leaves of different kinds, and static parts that differ."""
    for b in mates:
        other = value_type(b)
        if spec.static and other.static:
            if not same_static(a, b):
                raise StructureError(
                    f"the static values {a!r} and {b!r} at {where()} differ and cannot be mapped "
                    "together; give values whose static parts are equal"
                )
        elif not isinstance(b, Lifted) and other.kind is not spec.kind:
            left, right = (
                f"the static value {each!r}" if known.static else f"a {type(each).__name__}"
                for each, known in ((a, spec), (b, other))
            )
            raise StructureError(
                f"{left} and {right} at {where()} cannot be mapped together; give values of one "
                "structure"
            )
