"""Reductions: sums, means, products and extremes over axes.

A rule gets the cotangent without the reduced axes; `restored` puts them back as axes of length
one, so that broadcasting does the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.op import Op

__all__ = ["mean", "restored", "sum"]

Axis = int | tuple[int, ...] | None


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """An ``axis`` argument as a tuple of axes from 0."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % ndim for a in axes) if ndim else ()


def restored(g: Any, axis: Axis, keepdims: bool, shape: tuple[int, ...]) -> Any:
    """A reduced value with its reduced axes put back as axes of length one."""
    if keepdims or axis is None and not shape_matters(g):
        return g
    axes = axes_of(axis, len(shape))
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def shape_matters(g: Any) -> bool:
    """Whether a value has any axes; a number broadcasts as it is."""
    return getattr(g, "shape", ()) != ()


def count_of(axis: Axis, shape: tuple[int, ...]) -> int:
    """How many items are reduced to one."""
    count = 1
    for a in axes_of(axis, len(shape)):
        count *= shape[a]
    return count


def _sum(g: Any, x_shape: tuple[int, ...], *, axis: Axis, keepdims: bool) -> Any:
    return np.broadcast_to(restored(g, axis, keepdims, x_shape), x_shape)


def _mean(g: Any, x_shape: tuple[int, ...], *, axis: Axis, keepdims: bool) -> Any:
    return _sum(g / count_of(axis, x_shape), x_shape, axis=axis, keepdims=keepdims)


sum = Op("sum", np.sum, _sum)
mean = Op("mean", np.mean, _mean)
