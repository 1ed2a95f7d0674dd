"""Quantiles under NumPy's names: medians, percentiles and quantiles, of all or of the non-NaN.

A quantile of n sorted numbers is a weighed mean of two neighbours. At which place between which
two is what NumPy's own function says of the numbers 0, 1, …, n - 1, for every method.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradx.core.dispatch import implements
from gradx.core.spec import Form, shape_of, spec_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import (
    is_lifted,
    operand,
    primals,
    refuse_on_device,
    refuse_out,
    to_the_bit,
)
from gradx.numpy.indexing import take, take_along_axis
from gradx.numpy.shaping import moveaxis, reshape, transpose
from gradx.ops.helpers import array_for, first_device_array, iota_for
from gradx.ops.reductions import Axis

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]


def _as_rows(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """A value with the reduced axes joined into a last one; and the shape with them as ones."""
    shape = shape_of(a)
    axes = tuple(range(len(shape))) if axis is None else normalize_axis_tuple(axis, len(shape))
    rest = tuple(i for i in range(len(shape)) if i not in axes)
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    joined = (*(shape[i] for i in rest), math.prod(shape[i] for i in axes))
    return reshape(transpose(a, (*rest, *axes)), joined), kept


def _places(n: int, q: Any, method: Any) -> Any:
    """Where among n sorted numbers the quantiles are, such as 1.5 for the second and third."""
    if is_lifted(q):
        if method != "linear":
            raise NotLiftedError(
                f"np.quantile with method={method!r} has no derivative with respect to q in "
                "gradx; use method='linear', or give gx.value(q)"
            )
        return q * (n - 1)
    numbers = array_for(iota_for(q, max(n, 1)).astype(float), q)
    return np.quantile(numbers, q, method=method)


def _places_by_row(counts: Any, q: Any, method: Any) -> Any:
    """As `_places` for each of many counts, shape (…): shape (…, k)."""
    if method == "linear" and first_device_array((counts,)) is not None:  # no count is read
        if isinstance(q, np.ndarray):
            q = float(q[0]) if q.size == 1 else array_for(q, counts)
        return np.maximum(counts - 1, 0)[..., None] * q
    by_count = {int(c): _places(int(c), q, method) for c in np.unique(counts)}
    found = np.stack([by_count[c] for c in counts.ravel().tolist()])
    return reshape(found, (*counts.shape, -1))


def _between(rows: Any, places: Any, like: Any) -> Any:
    """The values at places between sorted items: rows (…, n) and places (…, k) give (…, k)."""
    if not is_lifted(places) and isinstance(places, np.ndarray) and places.size == 1:
        return _at_one_place(rows, float(places.reshape(())), like)
    before = np.floor(primals(places)).astype(int)
    at = take if before.ndim == 1 else take_along_axis
    low, share = at(rows, before, -1), places - before
    if not is_lifted(share) and isinstance(share, np.ndarray) and not share.any():
        return low
    if not is_lifted(share):
        share = array_for(share, rows)
    if share.dtype != like:
        share = np.astype(share, like)
    after = np.minimum(before + 1, shape_of(rows)[-1] - 1)
    return low + (at(rows, after, -1) - low) * share


def _at_one_place(rows: Any, place: float, like: Any) -> Any:
    """As `_between` for one place for all rows, by slices."""
    i = int(place)
    low, share = rows[..., i : i + 1], place - i
    if not share:
        return low
    y = low + (rows[..., i + 1 : i + 2] - low) * share
    return y if y.dtype == like else np.astype(y, like)


def _share_dtype(rows: Any, q: Any) -> Any:
    """The dtype to interpolate in: a Python number for q does not raise the precision."""
    own = rows.dtype
    q_dtype = getattr(primals(q), "dtype", None)
    return own if q_dtype is None else np.result_type(own, q_dtype)


def _quantile(
    name: str, a: Any, q: Any, axis: Axis, out: Any, method: str, keepdims: bool, weights: Any
) -> Any:
    function = f"np.{name}"
    refuse_out(function, out)
    a, q = operand(a), operand(q)
    if weights is not None:
        return _weighted(name, a, q, axis, method, keepdims, weights)
    if not is_lifted(a) and not is_lifted(q):
        options = {} if name.endswith("median") else {"q": q, "method": method}
        return getattr(np, name)(a, axis=axis, keepdims=keepdims, **options)
    kind = np.dtype(spec_of(a).dtype).kind
    if kind == "c" and not name.endswith("median"):
        raise TypeError(
            f"{function} of complex numbers, which have no order; give real numbers, such as "
            "np.real(a) or np.absolute(a)"
        )
    if kind not in "fc" or spec_of(a).form is Form.NUMBER:
        a = np.astype(a, complex if kind == "c" else float)
    rows, kept = _as_rows(a, axis)
    shape, own = shape_of(rows), shape_of(q)
    rows, n = np.sort(rows, axis=-1), shape[-1]
    flat = reshape(q, (-1,))
    if not n:
        return np.full((*own, *(kept if keepdims else shape[:-1])), np.nan, rows.dtype)
    if name.startswith("nan"):
        counts = n - np.sum(np.isnan(primals(rows)), axis=-1)
        y = _between(rows, _places_by_row(counts, flat, method), _share_dtype(rows, q))
        lost = (counts == 0)[..., None]
    else:
        y = _between(rows, _places(n, flat, method), _share_dtype(rows, q))
        lost = np.isnan(rows)[..., -1:]
    y = moveaxis(np.where(lost, np.nan, y), -1, 0)
    whole = (*own, *(kept if keepdims else shape[:-1]))
    return reshape(y, whole) if whole else reshape(y, ())[()]  # a number, as NumPy gives


def _weighted(
    name: str, a: Any, q: Any, axis: Axis, method: str, keepdims: bool, weights: Any
) -> Any:
    """A weighted quantile is an item, so only the items have a derivative.

    Which one it is says NumPy's own function of the ranks of the items.
    """
    refuse_on_device(f"np.{name}", a, weights, options=" with weights=")
    own, plain_q = shape_of(q), np.reshape(primals(q), (-1,))
    w = primals(operand(weights))
    if shape_of(w) != shape_of(a) and len(shape_of(w)) == 1 and isinstance(axis, int):
        w = np.reshape(w, [-1 if i == axis % a.ndim else 1 for i in range(a.ndim)])
        w = np.broadcast_to(w, shape_of(a))
    (rows, kept), (w, _) = _as_rows(a, axis), _as_rows(w, axis)
    values = primals(rows)
    order = np.argsort(values, axis=-1, kind="stable")
    ranks = np.where(np.isnan(values), np.nan, np.argsort(order, axis=-1, kind="stable"))
    chosen = getattr(np, name)(ranks, plain_q, axis=-1, method=method, weights=w)
    chosen = moveaxis(chosen, 0, -1)
    lost = np.isnan(chosen)
    places = np.take_along_axis(order, np.where(lost, 0, chosen).astype(int), -1)
    y = moveaxis(np.where(lost, np.nan, take_along_axis(rows, places, -1)), -1, 0)
    whole = (*own, *(kept if keepdims else shape_of(rows)[:-1]))
    return reshape(y, whole) if whole else reshape(y, ())[()]


@implements(np.quantile)
@to_the_bit(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """As `np.quantile`; q may be a variable for the linear method."""
    return _quantile("quantile", a, q, axis, out, method, keepdims, weights)


@implements(np.percentile)
@to_the_bit(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """As `np.percentile`; q may be a variable for the linear method."""
    return _quantile("quantile", a, operand(q) / 100, axis, out, method, keepdims, weights)


@implements(np.median)
@to_the_bit(np.median)
def median(
    a: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """As `np.median`."""
    return _quantile("median", a, 0.5, axis, out, "linear", keepdims, None)


@implements(np.nanquantile)
@to_the_bit(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """As `np.nanquantile`."""
    return _quantile("nanquantile", a, q, axis, out, method, keepdims, weights)


@implements(np.nanpercentile)
@to_the_bit(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """As `np.nanpercentile`."""
    return _quantile("nanquantile", a, operand(q) / 100, axis, out, method, keepdims, weights)


@implements(np.nanmedian)
@to_the_bit(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """As `np.nanmedian`."""
    return _quantile("nanmedian", a, 0.5, axis, out, "linear", keepdims, None)
