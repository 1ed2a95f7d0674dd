"""Reductions: sums, means, products, extremes and spreads over axes.

A rule gets the cotangent without the reduced axes; `restored` puts them back as axes of length
one, so that broadcasting does the rest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.devices.placement import PLACES
from gradx.ops.helpers import conj, kept
from gradx.ops.scaling import by_size, over_value, scaled

__all__ = [
    "Axis",
    "axes_of",
    "count_of",
    "hypot_over",
    "logaddexp2_over",
    "logaddexp_over",
    "max",
    "mean",
    "min",
    "nanmax",
    "nanmin",
    "prod",
    "products_of_others",
    "real_dtype",
    "restored",
    "std",
    "sum",
    "var",
]

_LARGEST_HALF = 65504
_SMALL = 1 << 12

Axis = int | tuple[int, ...] | None
Shape = tuple[int, ...]


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """An ``axis`` argument as a tuple of axes from 0."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % ndim for a in axes) if ndim else ()


def restored(g: Any, axis: Axis, keepdims: bool, shape: Shape) -> Any:
    """A reduced value with its reduced axes put back as axes of length one."""
    if keepdims or (axis is None and shape_of(g) == ()):  # a number broadcasts as it is
        return g
    axes = axes_of(axis, len(shape))
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def count_of(axis: Axis, shape: Shape) -> int:
    """The number of items that are reduced to one."""
    return math.prod(shape[a] for a in axes_of(axis, len(shape)))


def real_dtype(x: Any) -> Any:
    """The real dtype of a value's precision: that of its real part."""
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype.kind not in "fc":
        return np.dtype(float)
    return np.zeros((), dtype).real.dtype if dtype.kind == "c" else dtype


# --- Rules too long for a line ------------------------------------------------------------------


def _sum(g: Any, x_shape: Shape, *, axis: Axis, keepdims: bool) -> Any:
    if type(g) is np.float64 or type(g) is np.float32:  # what broadcast_to makes, but sooner
        return np.ndarray(x_shape, g.dtype, g, strides=(0,) * len(x_shape))
    g = restored(g, axis, keepdims, x_shape)
    if type(g) is np.ndarray and math.prod(x_shape) <= _SMALL:  # copied in the time of a view
        repeated = np.empty(x_shape, g.dtype)
        repeated[...] = g
        return repeated
    return np.broadcast_to(g, x_shape)


def _shared(g: Any, count: float) -> Any:
    """``g / count``; float16 has no number for a large count, but one for what is left of 1."""
    return g / count if count < _LARGEST_HALF else g * (1 / count)


def _mean(g: Any, x_shape: Shape, *, axis: Axis, keepdims: bool) -> Any:
    g = _shared(g, count_of(axis, x_shape) or 1)
    return _sum(g, x_shape, axis=axis, keepdims=keepdims)


def products_of_others(x: Any) -> Any:
    """For each of two or more items along the first axis, the product of all the others.

    Without a division, so right with zeros, and of linear cost: the items are multiplied in
    pairs, the products of the other pairs are found in the same way, and each item's is that of
    its pair times its partner. It is made of products only, so its own derivatives are right too.
    """
    n = x.shape[0]
    if n == 2:
        return x[::-1]
    half = n // 2
    left, right, unpaired = x[:half], x[half : 2 * half], x[2 * half :]
    others = products_of_others(np.concatenate([left * right, unpaired]))
    paired = others[:half]
    return np.concatenate([paired * right, paired * left, others[half:]])


def _prod(g: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    """Each item's derivative is the product of the others."""
    shape = shape_of(x)
    if count_of(axis, shape) < 2:
        return _sum(g, shape, axis=axis, keepdims=keepdims)
    axes = axes_of(axis, len(shape))
    order = axes + tuple(i for i in range(len(shape)) if i not in axes)
    moved = tuple(shape[i] for i in order)
    items = np.reshape(np.transpose(x, order), (count_of(axis, shape), *moved[len(axes) :]))
    others = np.reshape(products_of_others(items), moved)
    others = np.transpose(others, np.argsort(order).tolist())
    return scaled(restored(g, axis, keepdims, shape), others)


def _extreme(g: Any, x: Any, y: Any, *, axis: Axis, keepdims: bool) -> Any:
    """The items that attain the extreme share the cotangent equally."""
    shape = shape_of(x)
    chosen = np.equal(x, restored(y, axis, keepdims, shape))
    axes = axes_of(axis, len(shape))
    count = np.sum(chosen, axis=axes, keepdims=True, dtype=real_dtype(g))
    # There is none where the extreme is NaN: then the cotangent is zero.
    return kept(chosen, restored(g, axis, keepdims, shape) / np.maximum(count, 1))


def _deviation(g: Any, x: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    """``g * conj(x - mean) / (n - ddof)``, which is half the rule of a variance.

    The mean moves too, but the deviations from it add up to zero, so that does not count.
    """
    shape = shape_of(x)
    freedom = count_of(axis, shape) - ddof
    deviation = conj(x - np.mean(x, axis=axis, keepdims=True))
    share = scaled(restored(g, axis, keepdims, shape), deviation)
    return _shared(share, freedom) if freedom > 0 else share / math.nan


def _var(g: Any, x: Any, *, axis: Axis, keepdims: bool, ddof: float) -> Any:
    return _deviation(2 * g, x, axis, keepdims, ddof)


def _std(g: Any, x: Any, y: Any, *, axis: Axis, keepdims: bool, ddof: float) -> Any:
    """The rule of the variance over ``2 y``, and 0 where all items are equal."""
    return _deviation(over_value(g, y), x, axis, keepdims, ddof)


def _log_of_sum(ufunc: Any, power: Any, log: Any) -> Any:
    """The reduction of `np.logaddexp` or `np.logaddexp2`; libraries of device arrays have none."""

    def forward(x: Any, *, axis: Axis, keepdims: bool) -> Any:
        if type(x) not in PLACES:
            return ufunc.reduce(x, axis=axis, keepdims=keepdims)
        largest = np.max(x, axis=axis, keepdims=True)
        base = np.where(np.isfinite(largest), largest, 0.0)
        y = log(np.sum(power(x - base), axis=axis, keepdims=True)) + base
        return y if keepdims else np.squeeze(y, axis=axis)

    return forward


def _shares(power: Any) -> Any:
    """The rule of a logarithm of a sum: each item's share of it; infinite ones share equally."""

    def rule(g: Any, x: Any, y: Any, *, axis: Axis, keepdims: bool) -> Any:
        shape = shape_of(x)
        y = restored(y, axis, keepdims, shape)
        finite, attained = np.isfinite(y), np.equal(x, y)
        count = np.sum(attained, axis=axes_of(axis, len(shape)), keepdims=True, dtype=real_dtype(g))
        share = power(np.where(finite, x, 0.0) - np.where(finite, y, 0.0))
        share = np.where(finite, share, attained / np.maximum(count, 1))
        return scaled(restored(g, axis, keepdims, shape), share)

    return rule


def _hypot_forward(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    ufunc: Any = np.hypot
    if type(x) not in PLACES:
        return ufunc.reduce(x, axis=axis, keepdims=keepdims)
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def _hypot_over(g: Any, x: Any, y: Any, *, axis: Axis, keepdims: bool) -> Any:
    """``x / y``, 0 where all items are 0."""
    return by_size(g, x, y, lambda part: restored(part, axis, keepdims, shape_of(x)))


# --- Linear -------------------------------------------------------------------------------------

sum = Op("sum", np.sum, _sum, properties=Property.LINEAR | Property.REDUCTION)
mean = Op("mean", np.mean, _mean, properties=Property.LINEAR | Property.REDUCTION)

# --- Not linear ---------------------------------------------------------------------------------

prod = Op("prod", np.prod, _prod, properties=Property.REDUCTION)
var = Op("var", np.var, _var, properties=Property.REDUCTION)
std = Op("std", np.std, _std, structured=1, properties=Property.REDUCTION)

logaddexp_over = Op(
    "logaddexp_over",
    _log_of_sum(np.logaddexp, np.exp, np.log),
    _shares(np.exp),
    properties=Property.REDUCTION,
)
logaddexp2_over = Op(
    "logaddexp2_over",
    _log_of_sum(np.logaddexp2, np.exp2, np.log2),
    _shares(np.exp2),
    properties=Property.REDUCTION,
)
hypot_over = Op(
    "hypot_over", _hypot_forward, _hypot_over, structured=1, properties=Property.REDUCTION
)

# --- Extremes: ties share -----------------------------------------------------------------------

max = Op("max", np.max, _extreme, properties=Property.REDUCTION)
min = Op("min", np.min, _extreme, properties=Property.REDUCTION)
nanmax = Op("nanmax", dispatched(np.nanmax), _extreme, properties=Property.REDUCTION)
nanmin = Op("nanmin", dispatched(np.nanmin), _extreme, properties=Property.REDUCTION)

register_ops(vars().values())
