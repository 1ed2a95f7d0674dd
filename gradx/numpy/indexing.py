"""Choosing items under NumPy's names: by index, by condition, by bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy._core import umath as _umath
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import UFUNC_METHODS, apply, implements
from gradx.core.spec import shape_of, spec_of
from gradx.numpy.arguments import (
    arrays,
    counts,
    is_lifted,
    operand,
    operands,
    primals,
    refuse_out,
    to_the_bit,
)
from gradx.numpy.shaping import ravel
from gradx.ops import elementwise, indexing
from gradx.ops.helpers import array_for
from gradx.values.operations import MISSING

__all__ = [
    "choose",
    "clip",
    "compress",
    "extract",
    "select",
    "take",
    "take_along_axis",
    "where",
]


# --- By index -----------------------------------------------------------------------------------


def _in_range(indices: Any, n: int, mode: str) -> Any:
    if mode == "raise":
        return indices
    if mode == "wrap":
        return np.mod(indices, n)
    if mode == "clip":
        return np.clip(indices, 0, n - 1)
    raise ValueError(f"mode={mode!r} is not known; give 'raise', 'wrap' or 'clip'")


@implements(np.take)
def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
) -> Any:
    """As `np.take`."""
    refuse_out("np.take", out)
    x = operand(a)
    if axis is None or not shape_of(x):  # an array of no axes counts as one of one item
        x, axis = ravel(x), 0 if axis is None else axis
    shape = shape_of(x)
    axis = normalize_axis_index(axis, len(shape))
    places = _in_range(_integers(indices), shape[axis], mode)
    return indexing.taken(x, (*(slice(None),) * axis, places), indexing.take)


def _integers(indices: Any) -> Any:
    """Indices as an array or a number; an empty list is of integers too."""
    indices = counts(indices)
    if isinstance(indices, (list, tuple)):
        return np.asarray(indices) if np.size(indices) else np.asarray(indices, int)
    return indices


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """As `np.take_along_axis`."""
    x = ravel(arr) if axis is None else operand(arr)
    places = array_for(counts(indices), x)
    shape, ndim = shape_of(x), len(shape_of(places))
    if ndim != len(shape):
        raise ValueError(
            f"np.take_along_axis needs indices of as many axes as the array; they have {ndim} and "
            f"it has {len(shape)}; add axes of length 1"
        )
    axis = 0 if axis is None else normalize_axis_index(axis, ndim)
    return apply(indexing.take_along, (x, places), {"axis": axis})


@implements(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """As `np.choose`."""
    refuse_out("np.choose", out)
    which, *xs = arrays(counts(a), *choices)
    which = _in_range(which if hasattr(which, "dtype") else np.asarray(which), len(xs), mode)
    if is_lifted(which) and not any(map(is_lifted, xs)):
        xs = [apply(indexing.beside, (xs[0], which)), *xs[1:]]
    return apply(indexing.choose, xs, {"which": which})


# --- By condition -------------------------------------------------------------------------------


@implements(np.where)
def where(condition: Any, x: Any = MISSING, y: Any = MISSING, /) -> Any:
    """As `np.where`; the branch that is not taken gets an exact zero."""
    if x is MISSING and y is MISSING:
        return np.where(primals(condition))
    if x is MISSING or y is MISSING:
        raise ValueError("np.where takes both x and y, or neither; give the other one")
    return apply(indexing.where, operands(condition, x, y))


@implements(np.select)
@to_the_bit(np.select, whole=True)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """As `np.select`."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"np.select got {len(condlist)} conditions and {len(choicelist)} choices; give as "
            "many of each, at least one"
        )
    *choices, y = _in_one_dtype([*choicelist, default])
    for condition, x in reversed(list(zip(condlist, choices, strict=True))):
        y = where(condition, x, y)
    return y


def _in_one_dtype(choices: Sequence[Any]) -> list[Any]:
    """Choices, of which Python's numbers do not decide the dtype of all."""
    specs = [spec_of(operand(x)) for x in choices]
    known = [spec.dtype(0) if isinstance(spec.dtype, type) else spec.dtype for spec in specs]
    dtype = np.result_type(*known)
    return [dtype.type(x) if type(x) in (int, float, complex) else x for x in choices]


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """As `np.compress`."""
    refuse_out("np.compress", out)
    plain = primals(condition)
    if len(np.shape(plain)) != 1:
        raise ValueError(f"np.compress of a condition of shape {np.shape(plain)}; give a vector")
    return take(a, np.flatnonzero(plain), axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """As `np.extract`."""
    if is_lifted(primals(condition)):
        return ravel(arr)[ravel(condition).astype(bool)]
    return take(arr, np.flatnonzero(primals(condition)))


@implements(np.clip)
@to_the_bit(np.clip, "dtype")
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
    dtype: Any = None,
) -> Any:
    """As `np.clip`; at a bound the cotangent is shared between the value and the bound.

    Where the bounds are equal the result does not depend on the value.
    """
    refuse_out("np.clip", out)
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    y, low, high = operands(a, low, high)
    if low is None:
        y = np.positive(y) if high is None else np.minimum(y, high)
    else:
        y = np.maximum(y, low) if high is None else apply(elementwise.clip, (y, low, high))
    return y if dtype is None else np.astype(y, dtype)


UFUNC_METHODS[_umath.clip, "__call__"] = clip  # type: ignore[attr-defined]
"""The ufunc that ``array.clip(v, high)`` comes to."""
