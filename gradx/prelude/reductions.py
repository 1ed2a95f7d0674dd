"""Reductions: all items of a container combined into one."""

from __future__ import annotations

import builtins
import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.core.op import Op
from gradx.core.spec import primal, shape_of
from gradx.errors import StructureError
from gradx.prelude.containers import to_list
from gradx.reverse.user_ops import lift_op

__all__ = ["maximum", "minimum", "prod", "sum"]

_NONE: Any = object()
"""Stands for an argument that was not given."""


def sum(xs: Any, *, zero: Any = 0.0, add: Callable[[Any, Any], Any] | None = None) -> Any:
    """The sum of the items; of a matrix the sum of its rows.

    Args:
        xs: a container.
        zero: the sum of an empty one.
        add: ``add(x, y)`` for items that do not have ``+``, such as `gradx.add`.

    >>> import gradx as gx
    >>> gx.backprop(sum, {"a": 2.0, "b": 3.0})
    (5.0, {'a': 1.0, 'b': 1.0})
    """
    if add is None:
        if _has_rows(xs):
            return np.sum(xs, axis=0)
        add = operator.add
    items = to_list(xs)
    return functools.reduce(add, items) if items else zero


def prod(xs: Any, *, one: Any = 1.0, mul: Callable[[Any, Any], Any] | None = None) -> Any:
    """The product of the items; its gradient is right where items are zero.

    Args:
        xs: a container.
        one: the product of an empty one.
        mul: ``mul(x, y)`` for items that do not have ``*``.

    >>> import gradx as gx
    >>> gx.backprop(prod, [2.0, 0.0, 3.0])
    (0.0, [0.0, 6.0, 0.0])
    """
    if mul is None:
        if _has_rows(xs):
            return np.prod(xs, axis=0)
        mul = operator.mul
    items = to_list(xs)
    return functools.reduce(mul, items) if items else one


def _has_rows(xs: Any) -> bool:
    """Whether a value is an array with entries along its first axis, or with more axes."""
    shape = shape_of(xs) if hasattr(primal(xs), "dtype") else ()
    return len(shape) > 1 or shape > (0,)


def minimum(xs: Any, *, default: Any = _NONE) -> Any:
    """The least item; where several items are the least, they share the gradient equally.

    Args:
        xs: a container of real numbers, or of arrays of one shape, whose minimum is elementwise.
        default: the result for an empty one.

    Raises:
        StructureError: the container is empty and there is no default.

    >>> import gradx as gx
    >>> gx.backprop(minimum, [3.0, 1.0, 1.0])
    (1.0, [0.0, 0.5, 0.5])
    """
    return _extreme("minimum", xs, default, operator.lt, np.min)


def maximum(xs: Any, *, default: Any = _NONE) -> Any:
    """The greatest item; where several items are the greatest, they share the gradient equally.

    Args:
        xs: a container of real numbers, or of arrays of one shape, whose maximum is elementwise.
        default: the result for an empty one.

    Raises:
        StructureError: the container is empty and there is no default.

    >>> import gradx as gx
    >>> gx.backprop(maximum, {"a": 3.0, "b": 1.0})
    (3.0, {'a': 1.0, 'b': 0.0})
    """
    return _extreme("maximum", xs, default, operator.gt, np.max)


def _extreme(
    name: str,
    xs: Any,
    default: Any,
    before: Callable[[Any, Any], Any],
    of_array: Callable[..., Any],
) -> Any:
    if _has_rows(xs) and len(xs):
        return of_array(xs, axis=0)
    items = to_list(xs)
    if not items:
        if default is _NONE:
            raise StructureError(
                f"the {name} of an empty {type(primal(xs)).__name__} is undefined; give default=, "
                "the result for an empty container"
            )
        return default
    if any(hasattr(primal(x), "dtype") and not isinstance(primal(x), np.generic) for x in items):
        return of_array(np.stack(items), axis=0)

    def function(*candidates: Any) -> tuple[Any, Callable[[Any], Any]]:
        best = functools.reduce(lambda x, y: y if before(y, x) or y != y else x, candidates)
        chosen = [bool(x == best) for x in candidates]  # none if the extreme is NaN
        count = builtins.sum(chosen)
        return best, lambda g: tuple(g / count if mine else 0 * g for mine in chosen)

    return lift_op(Op(name, function, pullback_form=True, arity=-1))(*items)
