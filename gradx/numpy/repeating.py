"""Repeating and padding under NumPy's names: arrays made larger by items of their own or others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of, spec_of
from gradx.devices.placement import on_device_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import (
    arrays,
    axes_from,
    has_lifted,
    on_host,
    operand,
    primals,
    to_the_bit,
)
from gradx.numpy.shaping import copy, ravel, reshape
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
    a = operand(a)
    a = ravel(a) if axis is None or not shape_of(a) else a
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
    """As `np.pad`, with every mode of NumPy's but a function of yours."""
    a = operand(array)
    ndim = len(shape_of(a))
    if isinstance(pad_width, dict):
        widths = pad_width.items()
        by_axis = {normalize_axis_index(i, ndim): width for i, width in widths}
        pad_width = [np.broadcast_to(by_axis.get(i, 0), 2) for i in range(ndim)]
    pairs = _widths(pad_width, ndim)
    _check_mode(mode, kwargs)
    if not ndim:
        return copy(a)
    if 0 in shape_of(a) and mode != "constant":
        return _pad_nothing(a, pairs, mode)
    if mode == "constant":
        return _pad_constant(a, pairs, **kwargs)
    if mode == "linear_ramp":
        return _pad_with_ramps(a, pairs, mode, **kwargs)
    if mode in _STATISTICS:
        return _pad_with_statistics(a, pairs, mode, **kwargs)
    if kwargs.get("reflect_type") == "odd":
        return _pad_with_odd_items(a, pairs, mode, **kwargs)
    return _pad_with_items(a, pairs, mode, **kwargs)


_OPTIONS: Mapping[str, str] = MappingProxyType(
    {"constant": "constant_values", "linear_ramp": "end_values", "edge": "", "wrap": ""}
    | dict.fromkeys(("maximum", "mean", "median", "minimum"), "stat_length")
    | dict.fromkeys(("reflect", "symmetric"), "reflect_type")
)
"""The modes of `np.pad` that have a derivative, each with the only argument that it takes."""


def _widths(pad_width: Any, ndim: int) -> tuple[tuple[int, ...], ...]:
    """How much to pad before and after each axis."""
    widths = np.asarray(pad_width)
    if widths.dtype.kind != "i":
        raise TypeError(f"np.pad with pad_width={pad_width!r}; give integers")
    if np.any(widths < 0):
        raise ValueError(f"np.pad with pad_width={pad_width!r}; a width cannot be negative")
    return tuple(map(tuple, np.broadcast_to(widths, (ndim, 2)).tolist()))


def _check_mode(mode: Any, given: Mapping[str, Any]) -> None:
    if callable(mode) or mode == "empty":
        raise NotLiftedError(
            f"np.pad with mode={mode!r} has no derivative in gradx; use one of the modes "
            f"{', '.join(sorted(_OPTIONS))}, or join the parts with np.concatenate"
        )
    if mode not in _OPTIONS:
        raise ValueError(f"np.pad with mode={mode!r}; use one of {', '.join(sorted(_OPTIONS))}")
    others = [name for name in given if name != _OPTIONS[mode]]
    if others:
        raise ValueError(
            f"np.pad with mode={mode!r} and {', '.join(others)}=; that mode takes "
            f"{_OPTIONS[mode] or 'nothing more'}"
        )


@to_the_bit(np.pad)
def _pad_with_items(a: Any, pairs: Any, mode: Any, **kwargs: Any) -> Any:
    """The array with items of its own around it."""
    for axis, (pair, n) in enumerate(zip(pairs, shape_of(a), strict=True)):
        if any(pair):
            a = taken(a, _along(axis, np.pad(iota_for(a, n), pair, mode, **kwargs)))
    return a


def _pad_nothing(a: Any, pairs: Any, mode: str) -> Any:
    """An array without an item, of the length that padding gives it.

    Raises:
        ValueError: an axis that is empty would be padded with items of its own.
    """
    shape = shape_of(a)
    for axis, pair in enumerate(pairs):
        if not shape[axis] and any(pair):
            raise ValueError(
                f"np.pad of an array of shape {shape} along axis {axis}, which is empty, with "
                f"mode={mode!r}; use mode='constant'"
            )
    return pad(a, pairs)


def _axes_to_pad(pairs: Any) -> Iterator[tuple[int, int, int]]:
    """Each axis that is padded, with how much before and after it."""
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            yield axis, before, after


@to_the_bit(np.pad)
def _pad_with_ramps(a: Any, pairs: Any, mode: str, end_values: Any = 0) -> Any:
    """The array with ramps around it, from the values at the ends to the edges."""
    if has_lifted(end_values):
        ends = [(operand(end_values),) * 2] * len(pairs)
        if shape_of(ends[0][0]) != ():
            raise NotLiftedError(
                "np.pad with several variables in end_values has no derivative in gradx; give "
                "one, or join the parts with np.concatenate"
            )
    else:
        ends = np.broadcast_to(np.asarray(end_values), (len(pairs), 2)).tolist()
    dtype = spec_of(a).dtype
    for axis, before, after in _axes_to_pad(pairs):
        parts = [a]
        if before:
            first, edge = arrays(ends[axis][0], taken(a, _along(axis, 0)))
            ramp = np.linspace(first, edge, before, endpoint=False, axis=axis)
            parts.insert(0, np.astype(ramp, dtype))
        if after:
            last, edge = arrays(ends[axis][1], taken(a, _along(axis, -1)))
            ramp = np.linspace(last, edge, after, endpoint=False, axis=axis)
            parts.append(np.flip(np.astype(ramp, dtype), axis))
        a = np.concatenate(parts, axis=axis)
    return a


_STATISTICS: Mapping[str, Any] = MappingProxyType(
    {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}
)


@to_the_bit(np.pad)
def _pad_with_statistics(a: Any, pairs: Any, mode: str, stat_length: Any = None) -> Any:
    """The array with a statistic of the items at each edge, or of all, around it."""
    lengths: Any = [(None, None)] * len(pairs)
    if stat_length is not None:
        lengths = np.broadcast_to(on_host(stat_length), (len(pairs), 2)).tolist()
    dtype = spec_of(a).dtype
    for axis, before, after in _axes_to_pad(pairs):
        n = shape_of(a)[axis]
        first, last = (n if given is None else min(given, n) for given in lengths[axis])
        sides = ((before, slice(first)), (after, slice(n - last, None)))
        left, right = (
            np.repeat(
                _STATISTICS[mode](taken(a, _along(axis, items)), axis=axis, keepdims=True),
                width,
                axis=axis,
            )
            for width, items in sides
        )
        a = np.concatenate([np.astype(left, dtype), a, np.astype(right, dtype)], axis=axis)
    return a


@to_the_bit(np.pad)
def _pad_with_odd_items(a: Any, pairs: Any, mode: str, reflect_type: str) -> Any:
    """The array with itself around it, reflected in the points at its edges."""
    shape, inside = shape_of(a), int(mode == "symmetric")  # whether the edge is repeated
    for axis, before, after in _axes_to_pad(pairs):
        if shape[axis] == 1:
            a = taken(a, _along(axis, np.zeros(before + 1 + after, int)))
            continue
        period = shape[axis] - 1 + inside
        while before or after:
            n = shape_of(a)[axis]
            length = (n - 1 + inside) // period * period
            left, right = min(length, before), min(length, after)
            start, stop = 1 - inside, n - 1 + inside
            a = np.concatenate(
                [
                    _reflected(a, axis, slice(0, 1), slice(start, start + left)),
                    a,
                    _reflected(a, axis, slice(n - 1, n), slice(stop - right, stop)),
                ],
                axis=axis,
            )
            before, after = before - left, after - right
    return a


def _reflected(a: Any, axis: int, edge: slice, items: slice) -> Any:
    """Items turned round and reflected in the edge, ``2 * edge - items``."""
    return 2 * taken(a, _along(axis, edge)) - np.flip(taken(a, _along(axis, items)), axis)


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
    axes = axes_from(axis, ndim)
    found = np.nonzero(primals(a))
    index = [slice(None)] * ndim
    for i in axes:
        first, last = (found[i].min(), found[i].max() + 1) if found[i].size else (0, 0)
        front = int(first) if "f" in trim.lower() or not found[i].size else None
        index[i] = slice(front, int(last) if "b" in trim.lower() or not found[i].size else None)
    return taken(a, tuple(index))
