"""Repeating and padding under NumPy's names: arrays made larger by items of their own or others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of, spec_of
from gradx.devices.placement import on_device_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import has_lifted, on_host, operand, primals, to_the_bit
from gradx.numpy.shaping import ravel, reshape
from gradx.ops import indexing, shaping
from gradx.ops.helpers import iota_for, zeros_for
from gradx.ops.indexing import taken

__all__ = ["pad", "repeat", "resize", "tile", "trim_zeros"]

Axes = int | Sequence[int]
Shape = int | Sequence[int]


def _along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that takes ``index`` along an axis and everything along those before it."""
    return (*(slice(None),) * axis, index)


# --- Repeating ------------------------------------------------------------------------------------


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:  # noqa: N803, RUF100 - NumPy's name
    """As `np.tile`."""
    counts = tuple(np.atleast_1d(reps).tolist())
    return apply(shaping.tile, (operand(A),), {"reps": counts})


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """As `np.repeat`."""
    a = ravel(a) if axis is None else operand(a)
    shape = shape_of(a)
    axis = 0 if axis is None else normalize_axis_index(axis, len(shape))
    repeats = on_host(repeats)
    if repeats.size != 1:
        places = np.repeat(np.arange(shape[axis]), repeats)
        return taken(a, _along(axis, places), indexing.take)
    count = int(repeats.reshape(()))
    return apply(shaping.repeat, (a,), {"count": count, "axis": axis})


@implements(np.resize)
def resize(a: Any, new_shape: Shape) -> Any:
    """As `np.resize`."""
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    flat = ravel(a)
    if any(n < 0 for n in shape):
        raise ValueError(f"np.resize to the shape {shape}; its lengths must not be negative")
    wanted, size = math.prod(shape), shape_of(flat)[0]
    if not wanted or not size:
        return zeros_for(flat, shape)
    return reshape(taken(tile(flat, -(-wanted // size)), slice(wanted)), shape)


# --- Padding --------------------------------------------------------------------------------------


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """As `np.pad`, with the modes constant, edge, reflect, symmetric and wrap."""
    a = operand(array)
    ndim = len(shape_of(a))
    if isinstance(pad_width, dict):
        by_axis: dict[int, Any] = {i % ndim: width for i, width in pad_width.items()}
        pad_width = [np.broadcast_to(by_axis.get(i, 0), 2) for i in range(ndim)]
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise TypeError(f"np.pad by {pad_width!r}; the widths must be integers")
    pairs = tuple(map(tuple, np.broadcast_to(widths, (ndim, 2)).tolist()))
    if mode == "constant":
        return _pad_constant(a, pairs, **kwargs)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or kwargs.get("reflect_type") == "odd":
        raise NotLiftedError(
            f"np.pad with mode={mode!r} and {kwargs!r} has no derivative in gradx; use mode "
            "constant, edge, reflect (even), symmetric (even) or wrap, or join the parts with "
            "np.concatenate"
        )
    return _pad_with_items(a, pairs, mode, **kwargs)


@to_the_bit(np.pad)
def _pad_with_items(a: Any, pairs: Any, mode: Any, **kwargs: Any) -> Any:
    """The array with items of its own around it."""
    for axis, (pair, n) in enumerate(zip(pairs, shape_of(a), strict=True)):
        if any(pair):
            a = taken(a, _along(axis, np.pad(iota_for(a, n), pair, mode, **kwargs)))
    return a


def _pad_constant(a: Any, pairs: Any, constant_values: Any = 0) -> Any:
    if not has_lifted(constant_values):
        return apply(shaping.pad, (a,), {"pad_width": pairs, "value": constant_values})
    with on_device_of(primals(a)):
        inside = np.pad(np.ones_like(primals(a), dtype=bool), pairs)
    if isinstance(constant_values, (list, tuple)) or shape_of(constant_values) != ():
        raise NotLiftedError(
            "np.pad with several variables in constant_values has no derivative in gradx; give "
            "one, or join the parts with np.concatenate"
        )
    dtype = spec_of(a).dtype
    if spec_of(constant_values).dtype != dtype:
        constant_values = np.multiply(constant_values, np.ones((), dtype)).astype(dtype)
    return np.where(inside, pad(a, pairs), constant_values)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Axes | None = None) -> Any:
    """As `np.trim_zeros`."""
    a = operand(filt)
    ndim = len(shape_of(a))
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    found = np.nonzero(primals(a))
    index = [slice(None)] * ndim
    for i in axes:
        first, last = (found[i].min(), found[i].max() + 1) if found[i].size else (0, 0)
        front = int(first) if "f" in trim.lower() or not found[i].size else None
        index[i] = slice(front, int(last) if "b" in trim.lower() or not found[i].size else None)
    return taken(a, tuple(index))
