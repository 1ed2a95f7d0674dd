"""Orders along an axis under NumPy's names: sorting, running sums, differences, interpolation."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from gradx.core.dispatch import apply, implements
from gradx.core.spec import primal, shape_of
from gradx.devices.placement import common_device
from gradx.numpy.arguments import (
    arrays,
    in_doubles,
    is_inexact,
    operand,
    operands,
    primals,
    refuse_out,
    to_the_bit,
)
from gradx.ops import sorting
from gradx.ops.helpers import in_floats, nonzero_or_one, widened

__all__ = [
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "ediff1d",
    "gradient",
    "interp",
    "nancumprod",
    "nancumsum",
    "partition",
    "sort",
    "sort_complex",
    "trapezoid",
]


def _along(a: Any, axis: int | None, of_one: bool = True) -> tuple[Any, int]:
    """An array and an axis from 0; without an axis, the flat array and its only one.

    Args:
        a: the array.
        axis: the axis, or None.
        of_one: an array without axes counts as one of one item.

    Raises:
        AxisError: there is no such axis.
        TypeError: the axis is not an integer.
    """
    a = operand(a)
    if axis is None or (of_one and not shape_of(a)):
        a, axis = np.ravel(a), 0 if axis is None else axis
    return a, normalize_axis_index(axis, len(shape_of(a)))


def _cut(a: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """The part of an array between two places of an axis."""
    return a[(slice(None),) * axis + (slice(start, stop),)]


# --- Sorting --------------------------------------------------------------------------------------


@implements(np.sort)
def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """As `np.sort`; among equal items it is open which one gets which cotangent."""
    a, axis = _along(a, axis, of_one=False)
    return apply(sorting.sort, (a,), {"axis": axis, "kind": "stable" if stable else kind})


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """As `np.sort_complex`: along the last axis, and complex."""
    y = sort(a)
    if y.dtype.kind == "c":
        return y
    return y.astype({"g": np.clongdouble}.get(y.dtype.char, complex))


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """As `np.partition`; among equal items it is open which one gets which cotangent."""
    if order is not None:
        raise ValueError("np.partition with order= is for arrays with fields; leave it out")
    a, axis = _along(a, axis, of_one=False)
    return apply(sorting.partition, (a,), {"axis": axis, "kth": kth, "kind": kind})


# --- Running sums and products --------------------------------------------------------------------


@implements(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """As `np.cumsum`."""
    refuse_out("np.cumsum", out)
    a, axis = _along(a, axis)
    if not is_inexact(dtype):
        return np.cumsum(primals(a), axis, dtype)
    return apply(sorting.cumsum, (_cast(a, dtype),), {"axis": axis})


@implements(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """As `np.cumprod`; the derivative is right with zeros among the items."""
    refuse_out("np.cumprod", out)
    a, axis = _along(a, axis)
    if not is_inexact(dtype):
        return np.cumprod(primals(a), axis, dtype)
    return apply(sorting.cumprod, (_cast(a, dtype),), {"axis": axis})


def _cast(a: Any, dtype: Any) -> Any:
    return a if dtype is None else a.astype(dtype)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """As `np.nancumsum`: NaN counts as 0."""
    a = operand(a)
    return cumsum(np.where(np.isnan(a), 0, a), axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """As `np.nancumprod`: NaN counts as 1."""
    a = operand(a)
    return cumprod(np.where(np.isnan(a), 1, a), axis, dtype, out)


def _cumulative(
    function: Any, x: Any, axis: int | None, dtype: Any, out: Any, start: int | None
) -> Any:
    """Running sums or products, after the number that they start with, if there is one."""
    x = np.atleast_1d(operand(x))
    ndim = len(shape_of(x))
    if axis is None and ndim != 1:
        raise ValueError(f"an array of {ndim} axes needs axis= to accumulate along")
    axis = normalize_axis_index(0 if axis is None else axis, ndim)
    y = function(x, axis=axis, dtype=dtype, out=out)
    if start is None:
        return y
    first = np.sum(_cut(y, axis, 0, 0), axis=axis, keepdims=True) + start
    return np.concatenate([first, y], axis=axis)


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """As `np.cumulative_sum`."""
    return _cumulative(cumsum, x, axis, dtype, out, 0 if include_initial else None)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """As `np.cumulative_prod`."""
    return _cumulative(cumprod, x, axis, dtype, out, 1 if include_initial else None)


# --- Differences ----------------------------------------------------------------------------------


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """As `np.diff`.

    Raises:
        ValueError: ``n`` is negative, or the array has no axis.
    """
    if n < 0:
        raise ValueError(f"np.diff takes differences n={n} times; n must not be negative")
    if n == 0:
        return a
    if not shape_of(a := operand(a)):
        raise ValueError("np.diff takes the differences along an axis, of which a number has none")
    axis = normalize_axis_index(axis, len(shape_of(a)))
    if prepend is not None or append is not None:
        given = [x for x in (prepend, a, append) if _is_given(x)]
        a = np.concatenate([_edge(x, a, axis) for x in arrays(*given)], axis=axis)
    for _ in range(n):
        a = _cut(a, axis, 1, None) - _cut(a, axis, None, -1)
    return a


def _is_given(value: Any) -> bool:
    return not (value is None or isinstance(value, type(np._NoValue)))


def _edge(value: Any, a: Any, axis: int) -> Any:
    """What stands before or after an array: a number is repeated."""
    shape = tuple(a.shape)
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    return np.broadcast_to(value, one) if shape_of(value) == () else value


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """As `np.ediff1d`."""
    flat = np.ravel(operand(ary))
    steps = flat[1:] - flat[:-1]
    given = [part for part in (to_begin, steps, to_end) if part is not None]
    if len(given) == 1:
        return steps
    return np.concatenate([np.ravel(part) for part in arrays(*given)], dtype=steps.dtype)


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """As `np.trapezoid`."""
    axis = operator.index(axis)  # of x, of y and of their product, which may have more axes
    y, own = _along(y, axis, of_one=False)
    if x is not None:
        _, x = operands(y, x)
        dx = diff(x) if len(shape_of(x)) == 1 else diff(x, axis=axis)
        if len(shape_of(x)) == 1:
            dx = np.reshape(dx, tuple(-1 if i == own else 1 for i in range(len(shape_of(y)))))
    return np.sum(dx * (_cut(y, own, 1, None) + _cut(y, own, None, -1)) / 2, axis=axis)


@implements(np.gradient)
@to_the_bit(np.gradient)
def gradient(
    f: Any, *varargs: Any, axis: int | Sequence[int] | None = None, edge_order: int = 1
) -> Any:
    """As `np.gradient`: differences at points a distance, or a vector of places, apart.

    Raises:
        TypeError: the number of distances is neither 1 nor that of the axes.
        ValueError: the axis is too short, or ``edge_order`` is not 1 or 2.
    """
    f, *spacings = operands(f, *(varargs or [1.0]))
    ndim = len(shape_of(f))
    axes = normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)
    if len(spacings) == 1 and shape_of(spacings[0]) == ():
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient was given {len(spacings)} distances for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient with edge_order={edge_order}; it is 1 or 2")
    dtype = f.dtype if f.dtype.kind in "fc" else np.dtype(float)
    results = [_slope(f, h, a, edge_order) for h, a in zip(spacings, axes, strict=True)]
    results = [y if y.dtype == dtype else y.astype(dtype) for y in results]
    return results[0] if len(results) == 1 else tuple(results)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """The derivative along one axis, of second order inside."""
    f = in_floats(f)
    h = widened(in_floats(h), f)
    n = shape_of(f)[axis]
    if n < edge_order + 1:
        raise ValueError(f"np.gradient of {n} points with edge_order={edge_order}; give more")
    column = tuple(-1 if i == axis else 1 for i in range(len(shape_of(f))))
    if shape_of(h) == ():
        left = right = h
        ends: tuple[Any, ...] = (h, h, h, h)
    else:
        steps = np.reshape(diff(h), column)
        left, right = _cut(steps, axis, None, -1), _cut(steps, axis, 1, None)
        ends = tuple(_cut(steps, axis, *place) for place in ((0, 1), (1, 2), (-1, None), (-2, -1)))
    before, here, after = (_cut(f, axis, *p) for p in ((None, -2), (1, -1), (2, None)))
    forth, back = left / right, right / left  # with no product of two, which may leave the range
    middle = (forth * after - back * before) / (left + right) + (right - left) / left / right * here
    points = [_cut(f, axis, *p) for p in ((0, 1), (1, 2), (2, 3))]
    backwards = [_cut(f, axis, *p) for p in ((-1, None), (-2, -1), (-3, -2))]
    first = _end_slope(points, ends[0], ends[1], edge_order)
    last = -_end_slope(backwards, ends[2], ends[3], edge_order)
    return np.concatenate([first, middle, last], axis=axis)


def _end_slope(points: Sequence[Any], h: Any, k: Any, edge_order: int) -> Any:
    """The derivative at the first of three points that are ``h`` and ``k`` apart."""
    if edge_order == 1:
        return (points[1] - points[0]) / h
    at, by, cy = -((2 * h + k) / h) / (h + k), (h + k) / h / k, -(h / k) / (h + k)
    return at * points[0] + by * points[1] + cy * points[2]


# --- Interpolation --------------------------------------------------------------------------------


@implements(np.interp)
@to_the_bit(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None
) -> Any:
    """As `np.interp`; at a point itself the slope is that to its right.

    Raises:
        ValueError: not as many values as points.
    """
    x, xp, fp = map(in_doubles, operands(x, xp, fp))
    common_device("interp", map(primal, (x, xp, fp)))
    if shape_of(xp) != shape_of(fp):
        raise ValueError(
            f"np.interp of points xp of shape {shape_of(xp)} with values fp of shape "
            f"{shape_of(fp)}; give a vector of each, of the same length"
        )
    if period is not None:
        x, xp, fp, left, right = *_periodic(x, xp, fp, abs(period)), None, None
    n = shape_of(xp)[0]
    place = np.minimum(np.maximum(np.searchsorted(xp, x, side="right"), 1), max(n - 1, 1)) - 1
    start, low = _at(xp, place), _at(fp, place)
    if n == 1:
        inside = low + 0 * x
    else:
        width, high = _at(xp, place + 1) - start, _at(fp, place + 1)
        low = np.where(primals(width) == 0, high, low)  # of the last points in one place the last
        inside = low + (high - low) / nonzero_or_one(width) * (x - start)
    inside = np.where(x < xp[0], fp[0] if left is None else left, inside)
    y = np.where(x > xp[-1], fp[-1] if right is None else right, inside)
    return y if shape_of(y) else y[()]  # a number, as NumPy gives


def _at(x: Any, places: Any) -> Any:
    """The items of a vector at places, which may be computed from variables."""
    return apply(sorting.gather, (x, places))


def _periodic(x: Any, xp: Any, fp: Any, period: float) -> tuple[Any, Any, Any]:
    """Points of one period in order, with the last one before them and the first one after."""
    x, xp = np.mod(x, period), np.mod(xp, period)
    order = np.argsort(xp)
    xp, fp = _at(xp, order), _at(fp, order)
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])
