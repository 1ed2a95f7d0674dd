"""Reductions under NumPy's names: sums, products, extremes, means and spreads over axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradx.core.dispatch import apply, implements
from gradx.core.op import Op
from gradx.core.spec import shape_of
from gradx.numpy.arguments import (
    as_array,
    has_lifted,
    is_inexact,
    operand,
    operands,
    primals,
    refuse_out,
    to_the_bit,
)
from gradx.ops import reductions
from gradx.ops.helpers import array_for, conj, first_device_array, is_complex
from gradx.ops.reductions import Axis, real_dtype

__all__ = [
    "amax",
    "amin",
    "average",
    "max",
    "mean",
    "min",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]


def _masked(a: Any, where: Any, fill: Any) -> Any:
    """A value with what a ``where`` argument leaves out replaced."""
    return a if where is True else np.where(where, a, fill)


def _given(initial: Any, where: Any) -> dict[str, Any]:
    """These arguments by name, as far as they are given."""
    more = {} if initial is None else {"initial": initial}
    return more if where is True else more | {"where": where}


def _reduced(op: Op, a: Any, axis: Axis, keepdims: bool, dtype: Any = None, **more: Any) -> Any:
    params = {"axis": axis, "keepdims": bool(keepdims), **more}
    if dtype is not None:
        params["dtype"] = dtype
    return apply(op, (a,), params)


def _count(a: Any, axis: Axis, where: Any) -> Any:
    """How many items ``where`` leaves, with the reduced axes kept."""
    mask = np.broadcast_to(array_for(primals(where), a), shape_of(a))
    return np.sum(mask, axis=axis, keepdims=True, dtype=real_dtype(a))


def _dropped(y: Any, axis: Axis, keepdims: bool) -> Any:
    """A result without the axes that were reduced and kept."""
    if keepdims:
        return y
    axes = tuple(range(len(shape_of(y)))) if axis is None else axis
    y = np.squeeze(y, axis=axes)
    return y if shape_of(y) else y[()]  # a number, as NumPy gives


# --- Sums and products --------------------------------------------------------------------------


@implements(np.sum)
@to_the_bit(np.sum, "where", "initial")
def sum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.sum`."""
    refuse_out("np.sum", out)
    a = _masked(operand(a if is_inexact(dtype) else primals(a)), where, 0)
    y = _reduced(reductions.sum, a, axis, keepdims, dtype)
    return y if initial is None else y + initial


@implements(np.prod)
@to_the_bit(np.prod, "where", "initial")
def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.prod`; the derivative is right with zeros too."""
    refuse_out("np.prod", out)
    a = _masked(operand(a if is_inexact(dtype) else primals(a)), where, 1)
    if dtype is not None and is_complex(a):  # the factors are cast, and not their product
        a = np.astype(a, dtype)
    y = _reduced(reductions.prod, a, axis, keepdims, dtype)
    return y if initial is None else y * initial


@implements(np.nansum)
@to_the_bit(np.nansum, "where", "initial")
def nansum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.nansum`."""
    refuse_out("np.nansum", out)
    a = operand(a)
    more = _given(initial, where)
    return sum(np.where(np.isnan(a), 0, a), axis, dtype, keepdims=keepdims, **more)


@implements(np.nanprod)
@to_the_bit(np.nanprod, "where", "initial")
def nanprod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.nanprod`."""
    refuse_out("np.nanprod", out)
    a = operand(a)
    more = _given(initial, where)
    return prod(np.where(np.isnan(a), 1, a), axis, dtype, keepdims=keepdims, **more)


# --- Extremes -----------------------------------------------------------------------------------


def _extreme(op: Op, a: Any, axis: Axis, out: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    """The largest or smallest items; ``initial`` is one more of them."""
    name = f"np.{op.name}"
    refuse_out(name, out)
    if not has_lifted((a, initial, where)):
        more = _given(initial, where)
        return op.forward(a, axis=axis, keepdims=bool(keepdims), **more)
    a = operand(a)
    largest = op.name.endswith("max")
    if where is not True:
        if initial is None:
            raise ValueError(
                f"{name} with where= needs initial=, the result where nothing is left; give one"
            )
        a = np.where(where, a, -np.inf if largest else np.inf)
    if initial is None:
        return _reduced(op, a, axis, keepdims)
    if 0 in shape_of(a):
        empty = np.sum(primals(a), axis=axis, keepdims=bool(keepdims))
        if 0 in empty.shape or reductions.count_of(axis, shape_of(a)) == 0:
            first = as_array(initial, first_device_array((a,)))
            return np.astype(np.broadcast_to(first, empty.shape), a.dtype)
    return (np.maximum if largest else np.minimum)(_reduced(op, a, axis, keepdims), initial)


@implements(np.max, np.amax)
@to_the_bit(np.max, "where", "initial")
def max(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.max`; the largest items share the cotangent equally."""
    return _extreme(reductions.max, a, axis, out, keepdims, initial, where)


@implements(np.min, np.amin)
@to_the_bit(np.min, "where", "initial")
def min(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.min`; the smallest items share the cotangent equally."""
    return _extreme(reductions.min, a, axis, out, keepdims, initial, where)


amax, amin = max, min


@implements(np.nanmax)
@to_the_bit(np.nanmax, "where", "initial")
def nanmax(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.nanmax`; the largest items share the cotangent equally."""
    return _extreme(reductions.nanmax, a, axis, out, keepdims, initial, where)


@implements(np.nanmin)
@to_the_bit(np.nanmin, "where", "initial")
def nanmin(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """As `np.nanmin`; the smallest items share the cotangent equally."""
    return _extreme(reductions.nanmin, a, axis, out, keepdims, initial, where)


@implements(np.ptp)
def ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False) -> Any:
    """As `np.ptp`."""
    refuse_out("np.ptp", out)
    return max(a, axis, None, keepdims) - min(a, axis, None, keepdims)


# --- Means and spreads --------------------------------------------------------------------------


@implements(np.mean)
@to_the_bit(np.mean, "where")
def mean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """As `np.mean`."""
    refuse_out("np.mean", out)
    a = operand(a if is_inexact(dtype) else primals(a))
    if where is True:
        return _reduced(reductions.mean, a, axis, keepdims, dtype)
    total = sum(a, axis, dtype, None, True, where=where)
    return _in_dtype(_dropped(total / _count(a, axis, where), axis, keepdims), dtype)


def _in_dtype(y: Any, dtype: Any) -> Any:
    """A quotient in the dtype that was asked for, if one was."""
    return y if dtype is None else np.astype(y, dtype)


def _spread(
    op: Op, a: Any, axis: Axis, dtype: Any, keepdims: bool, ddof: float, where: Any, center: Any
) -> Any:
    """A variance, or a standard deviation, perhaps of some items or around a given mean."""
    a = operand(a)
    if where is True and center is None and dtype is None:
        return _reduced(op, a, axis, keepdims, ddof=ddof)
    if center is None:  # a dtype is that of the sums alone, not of what is added up
        center = mean(a, axis, dtype, keepdims=True, where=where)
    deviation = _masked(a - operand(center), where, 0)
    squares = np.real(deviation * conj(deviation)) if is_complex(deviation) else deviation**2
    freedom = np.maximum(_count(squares, axis, where) - ddof, 0)
    y = sum(squares, axis, dtype, keepdims=True) / freedom
    y = _in_dtype(_dropped(y, axis, keepdims), dtype)
    if op is reductions.var:
        return y
    flat = np.equal(y, 0)
    y = _in_dtype(np.where(flat, 0.0, np.sqrt(np.where(flat, 1.0, y))), dtype)
    return y if shape_of(y) else y[()]


def _ddof(ddof: float, correction: float | None) -> float:
    if correction is None:
        return ddof
    if ddof:
        raise ValueError(f"ddof={ddof} and correction={correction} mean the same; give one of them")
    return correction


@implements(np.var)
@to_the_bit(np.var, "where", "dtype", "mean")
def var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """As `np.var`."""
    refuse_out("np.var", out)
    ddof = _ddof(ddof, correction)
    return _spread(reductions.var, a, axis, dtype, keepdims, ddof, where, mean)


@implements(np.std)
@to_the_bit(np.std, "where", "dtype", "mean")
def std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """As `np.std`; the derivative is 0 where all items are equal."""
    refuse_out("np.std", out)
    ddof = _ddof(ddof, correction)
    return _spread(reductions.std, a, axis, dtype, keepdims, ddof, where, mean)


def _numbers_of(a: Any, where: Any) -> Any:
    """The ``where`` argument that leaves out NaNs as well."""
    return np.logical_and(where, np.logical_not(np.isnan(a)))


@implements(np.nanmean)
@to_the_bit(np.nanmean)
def nanmean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """As `np.nanmean`."""
    a = operand(a)
    return mean(a, axis, dtype, out, keepdims, where=_numbers_of(a, where))


@implements(np.nanvar)
@to_the_bit(np.nanvar)
def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """As `np.nanvar`."""
    a, ddof = operand(a), _ddof(ddof, correction)
    where = _numbers_of(a, where)
    return var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean)


@implements(np.nanstd)
@to_the_bit(np.nanstd)
def nanstd(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """As `np.nanstd`."""
    a, ddof = operand(a), _ddof(ddof, correction)
    where = _numbers_of(a, where)
    return std(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean)


@implements(np.average)
@to_the_bit(np.average)
def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """As `np.average`; on a device, weights that add up to zero give no error, but NaN."""
    a, weights = operands(a, weights)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        total = array_for(np.asarray(reductions.count_of(axis, shape_of(a)), real_dtype(a)), a)
    else:
        w, dtype = _weights(weights, axis, shape_of(a)), _dtype_of_average(a, weights)
        total = sum(np.astype(w, dtype) if dtype is not None else w, axis, keepdims=keepdims)
        y = sum(a * w, axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, shape_of(y))) if returned else y


def _dtype_of_average(a: Any, w: Any) -> Any:
    """The dtype that NumPy adds up weights in, or None for that of the weights."""
    first, second = (getattr(primals(x), "dtype", None) for x in (a, w))
    if first is None or second is None:
        return None
    dtype = np.result_type(first, second)
    if first.kind in "biu":
        dtype = np.result_type(dtype, np.float64)
    return None if dtype == second else dtype


def _weights(w: Any, axis: Axis, shape: tuple[int, ...]) -> Any:
    """Weights along the averaged axes, with axes of length one for the others."""
    if shape_of(w) == shape:
        return w
    axes = () if axis is None else normalize_axis_tuple(axis, len(shape))
    if shape_of(w) != tuple(shape[i] for i in axes) or not axes:
        raise (TypeError if axis is None else ValueError)(  # as NumPy
            f"np.average got weights of shape {shape_of(w)} for an array of shape {shape} and "
            f"axis={axis}; give weights of the array's shape, or of its averaged axes'"
        )
    in_order = np.transpose(w, np.argsort(axes).tolist())
    return np.reshape(in_order, tuple(n if i in axes else 1 for i, n in enumerate(shape)))
