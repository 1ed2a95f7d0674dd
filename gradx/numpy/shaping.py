"""Shaping under NumPy's names: rearranging, repeating, padding, triangles and diagonals.

Almost all are compositions of few ops: reshape, transpose, broadcast_to and indexing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of
from gradx.devices.placement import on_device_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import arrays, has_lifted, is_inexact, on_host, operand, primals
from gradx.ops import shaping
from gradx.ops.helpers import iota_for, zeros_for
from gradx.ops.indexing import taken

__all__ = [
    "astype",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_to",
    "copy",
    "diag",
    "diagflat",
    "diagonal",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "meshgrid",
    "moveaxis",
    "pad",
    "permute_dims",
    "ravel",
    "repeat",
    "reshape",
    "resize",
    "roll",
    "rollaxis",
    "rot90",
    "squeeze",
    "swapaxes",
    "tile",
    "trace",
    "transpose",
    "tril",
    "trim_zeros",
    "triu",
]

Axes = int | Sequence[int]
Shape = int | Sequence[int]


def _ndim(x: Any) -> int:
    return len(shape_of(x))


def _along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that takes ``index`` along an axis and everything along those before it."""
    return (*(slice(None),) * axis, index)


# --- Shapes -------------------------------------------------------------------------------------


@implements(np.reshape)
def reshape(a: Any, /, shape: Shape, order: str = "C", *, copy: bool | None = None) -> Any:
    """As `np.reshape`."""
    a = operand(a)
    if order == "A":
        flags = getattr(primals(a), "flags", None)
        order = "F" if flags is not None and flags.fnc else "C"
    if order == "C":
        return apply(shaping.reshape, (a,), {"shape": shape})
    if order != "F":
        raise ValueError(f"order={order!r} is not known to np.reshape; give 'C', 'F' or 'A'")
    backwards = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)[::-1]
    return transpose(apply(shaping.reshape, (transpose(a),), {"shape": backwards}))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """As `np.ravel`."""
    a = operand(a)
    if order == "K":
        strides = getattr(primals(a), "strides", ())
        by_memory = sorted(range(len(strides)), key=lambda i: -abs(strides[i]))
        a, order = transpose(a, by_memory) if by_memory else a, "C"
    return reshape(a, -1, order)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Axes) -> Any:
    """As `np.expand_dims`."""
    a = operand(a)
    shape = iter(shape_of(a))
    added = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    ndim = _ndim(a) + len(added)
    places = normalize_axis_tuple(added, ndim)
    new = tuple(1 if i in places else next(shape) for i in range(ndim))
    return apply(shaping.reshape, (a,), {"shape": new})


@implements(np.squeeze)
def squeeze(a: Any, axis: Axes | None = None) -> Any:
    """As `np.squeeze`."""
    a = operand(a)
    shape = shape_of(a)
    if axis is None:
        new = tuple(n for n in shape if n != 1)
    else:
        places = normalize_axis_tuple(axis, len(shape))
        for place in places:
            if shape[place] != 1:
                raise ValueError(
                    f"axis {place} of shape {shape} cannot be squeezed, since its length is "
                    f"{shape[place]}; name axes of length 1, or index one of its items"
                )
        new = tuple(n for i, n in enumerate(shape) if i not in places)
    return apply(shaping.reshape, (a,), {"shape": new})


def _at_least(arys: tuple[Any, ...], pad_shape: Any) -> Any:
    results = []
    for x in arys:
        a = operand(x)
        shape = shape_of(a)
        new = pad_shape(shape)
        lifted = has_lifted(a) or not hasattr(a, "shape")
        same = new == shape and not (lifted and not shape)
        results.append(a if same else apply(shaping.reshape, (a,), {"shape": new}))
    return results[0] if len(results) == 1 else tuple(results)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """As `np.atleast_1d`."""
    return _at_least(arys, lambda shape: shape or (1,))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """As `np.atleast_2d`."""
    return _at_least(arys, lambda shape: (1,) * (2 - len(shape)) + shape)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """As `np.atleast_3d`."""

    def padded(shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) < 2:
            return (1, *(shape or (1,)), 1)
        return (*shape, 1) if len(shape) == 2 else shape

    return _at_least(arys, padded)


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Shape, subok: bool = False) -> Any:
    """As `np.broadcast_to`."""
    return apply(shaping.broadcast_to, (operand(array),), {"shape": shape})


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """As `np.broadcast_arrays`."""
    xs = arrays(*args)
    shape = np.broadcast_shapes(*(shape_of(x) for x in xs))
    return tuple(broadcast_to(x, shape) for x in xs)


@implements(np.astype)
def astype(
    x: Any,
    dtype: Any,
    /,
    *,
    copy: bool = True,
    device: Any = None,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
) -> Any:
    """As `np.astype` and `ndarray.astype`; a cast to integers or booleans gives a plain array."""
    x = operand(x)
    if not is_inexact(dtype):
        x = primals(x)
    return apply(shaping.astype, (x,), {"dtype": dtype})


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """As `np.copy`."""
    return apply(shaping.copy, (operand(a),))


# --- Axes ---------------------------------------------------------------------------------------


@implements(np.transpose)
def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """As `np.transpose`."""
    a = operand(a)
    if axes is not None:
        axes = normalize_axis_tuple(axes, _ndim(a))
    return apply(shaping.transpose, (a,), {"axes": axes})


permute_dims = transpose


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """As `np.matrix_transpose`."""
    x = operand(x)
    if _ndim(x) < 2:
        raise ValueError(
            f"np.matrix_transpose needs matrices, and shape {shape_of(x)} has fewer than two "
            "axes; add one with x[None, :] or x[:, None]"
        )
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """As `np.swapaxes`."""
    a = operand(a)
    order = list(range(_ndim(a)))
    i, j = normalize_axis_index(axis1, len(order)), normalize_axis_index(axis2, len(order))
    order[i], order[j] = j, i
    return apply(shaping.transpose, (a,), {"axes": tuple(order)})


@implements(np.moveaxis)
def moveaxis(a: Any, source: Axes, destination: Axes) -> Any:
    """As `np.moveaxis`."""
    a = operand(a)
    ndim = _ndim(a)
    start = normalize_axis_tuple(source, ndim, "source")
    end = normalize_axis_tuple(destination, ndim, "destination")
    if len(start) != len(end):
        raise ValueError(
            f"np.moveaxis got {len(start)} axes in source and {len(end)} in destination; give as "
            "many of each"
        )
    order = [i for i in range(ndim) if i not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return apply(shaping.transpose, (a,), {"axes": tuple(order)})


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """As `np.rollaxis`."""
    a = operand(a)
    ndim = _ndim(a)
    axis = normalize_axis_index(axis, ndim)
    start = normalize_axis_index(start, ndim + 1)
    return moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.flip)
def flip(m: Any, axis: Axes | None = None) -> Any:
    """As `np.flip`."""
    m = operand(m)
    ndim = _ndim(m)
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    backwards = slice(None, None, -1)
    index = tuple(backwards if i in axes else slice(None) for i in range(ndim))
    return taken(m, index) if ndim else m


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """As `np.flipud`."""
    return flip(m, 0)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """As `np.fliplr`."""
    return flip(m, 1)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """As `np.rot90`."""
    m = operand(m)
    i, j = normalize_axis_tuple(axes, _ndim(m), "axes")
    k %= 4
    if k == 0:
        return flip(m, ())
    if k == 2:
        return flip(m, (i, j))
    return swapaxes(flip(m, j), i, j) if k == 1 else flip(swapaxes(m, i, j), j)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """As `np.roll`."""
    a = operand(a)
    if axis is None:
        return reshape(roll(ravel(a), shift, 0), shape_of(a))
    shape = shape_of(a)
    axes = normalize_axis_tuple(axis, len(shape), allow_duplicate=True)
    shifts, places = np.broadcast_arrays(shift, axes)
    for place in sorted(set(axes)):
        n = shape[place]
        cut = -int(shifts[places == place].sum()) % n if n else 0
        if cut:
            parts = [taken(a, _along(place, part)) for part in (slice(cut, n), slice(cut))]
            a = np.concatenate(parts, axis=place)
    return a


# --- Repeating and padding ----------------------------------------------------------------------


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:  # noqa: N803, RUF100 - NumPy's name
    """As `np.tile`."""
    A = operand(A)
    counts = tuple(np.atleast_1d(reps).tolist())
    shape = shape_of(A)
    counts = (1,) * (len(shape) - len(counts)) + counts
    shape = (1,) * (len(counts) - len(shape)) + shape
    pairs = list(zip(counts, shape, strict=True))
    apart = reshape(A, [k for _, n in pairs for k in (1, n)])
    repeated = broadcast_to(apart, tuple(k for pair in pairs for k in pair))
    return reshape(repeated, tuple(r * n for r, n in pairs))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """As `np.repeat`."""
    a = ravel(a) if axis is None else operand(a)
    shape = shape_of(a)
    axis = 0 if axis is None else normalize_axis_index(axis, len(shape))
    repeats = on_host(repeats)
    if repeats.size != 1:
        return taken(a, _along(axis, np.repeat(np.arange(shape[axis]), repeats)))
    count = int(repeats.reshape(()))
    before, n, after = shape[:axis], shape[axis], shape[axis + 1 :]
    repeated = broadcast_to(reshape(a, (*before, n, 1, *after)), (*before, n, count, *after))
    return reshape(repeated, (*before, n * count, *after))


@implements(np.resize)
def resize(a: Any, new_shape: Shape) -> Any:
    """As `np.resize`."""
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    flat = ravel(a)
    wanted, size = math.prod(shape), shape_of(flat)[0]
    if not wanted or not size:
        return zeros_for(flat, shape)
    return reshape(taken(tile(flat, -(-wanted // size)), slice(wanted)), shape)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """As `np.pad`, with the modes constant, edge, reflect, symmetric and wrap."""
    a = operand(array)
    ndim = _ndim(a)
    if isinstance(pad_width, dict):
        by_axis: dict[int, Any] = {i % ndim: width for i, width in pad_width.items()}
        pad_width = [np.broadcast_to(by_axis.get(i, 0), 2) for i in range(ndim)]
    pairs = tuple(map(tuple, np.broadcast_to(np.asarray(pad_width, int), (ndim, 2)).tolist()))
    if mode == "constant":
        return _pad_constant(a, pairs, **kwargs)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or kwargs.get("reflect_type") == "odd":
        raise NotLiftedError(
            f"np.pad with mode={mode!r} and {kwargs!r} has no derivative in gradx; use mode "
            "constant, edge, reflect (even), symmetric (even) or wrap, or join the parts with "
            "np.concatenate"
        )
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
    return np.where(inside, pad(a, pairs), constant_values)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Axes | None = None) -> Any:
    """As `np.trim_zeros`."""
    a = operand(filt)
    ndim = _ndim(a)
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    found = np.nonzero(primals(a))
    index = [slice(None)] * ndim
    for i in axes:
        first, last = (found[i].min(), found[i].max() + 1) if found[i].size else (0, 0)
        front = int(first) if "f" in trim.lower() or not found[i].size else None
        index[i] = slice(front, int(last) if "b" in trim.lower() or not found[i].size else None)
    return taken(a, tuple(index))


# --- Triangles, diagonals, grids ----------------------------------------------------------------


def _matrix(m: Any) -> Any:
    """A value with at least two axes; a vector is repeated as rows, as NumPy does."""
    m = operand(m)
    return broadcast_to(m, shape_of(m) * 2) if _ndim(m) == 1 else m


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """As `np.tril`."""
    return apply(shaping.tril, (_matrix(m),), {"k": k})


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """As `np.triu`."""
    return apply(shaping.triu, (_matrix(m),), {"k": k})


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """As `np.diagonal`."""
    a = operand(a)
    i, j = normalize_axis_index(axis1, _ndim(a)), normalize_axis_index(axis2, _ndim(a))
    return apply(shaping.diagonal, (a,), {"offset": offset, "axis1": i, "axis2": j})


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """As `np.trace`."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """As `np.diag`."""
    v = operand(v)
    shape = shape_of(v)
    if len(shape) == 2:
        return diagonal(v, k)
    if len(shape) != 1:
        raise ValueError(f"np.diag needs a vector or a matrix, not shape {shape}; see np.diagonal")
    n = shape[0] + abs(k)
    place = {"shape": (n, n), "offset": k, "axis1": 0, "axis2": 1}
    return apply(shaping.embedded_diagonal, (v,), place)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """As `np.diagflat`."""
    return diag(ravel(v), k)


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """As `np.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing={indexing!r} is not known to np.meshgrid; give 'xy' or 'ij'")
    n = len(xi)
    order = list(range(n))
    if indexing == "xy" and n > 1:
        order[:2] = [1, 0]
    flat = [ravel(x) for x in xi]
    grids = [
        reshape(x, tuple(-1 if axis == place else 1 for axis in range(n)))
        for x, place in zip(flat, order, strict=True)
    ]
    return tuple(grids) if sparse else broadcast_arrays(*grids)
