"""Shaping under NumPy's names: rearranging, triangles and diagonals, grids.

Almost all are compositions of few ops: reshape, transpose, broadcast_to and indexing.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from gradx.core.dispatch import Lifted, apply, has_variables, implements
from gradx.core.op import own_parameter
from gradx.core.spec import Form, shape_of, spec_of
from gradx.core.views import is_view
from gradx.core.watch import tell
from gradx.numpy.arguments import (
    arrays,
    axes_from,
    check_device,
    counts,
    has_lifted,
    is_inexact,
    on_host,
    operand,
    primals,
)
from gradx.ops import shaping
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
    "permute_dims",
    "ravel",
    "reshape",
    "roll",
    "rollaxis",
    "rot90",
    "squeeze",
    "swapaxes",
    "trace",
    "transpose",
    "tril",
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
    a, order = operand(a), (order or "C").upper()
    if order == "A":
        order = "F" if _is_by_columns(a) else "C"
    if order not in ("C", "F"):
        raise ValueError(f"order={order!r} is not known to np.reshape; give 'C', 'F' or 'A'")
    if copy:
        a = apply(shaping.copy, (a,), {"order": order, "method": True})
    shape = own_parameter(shape)  # a view is made with it again
    if order == "C":
        y = apply(shaping.reshape, (a,), {"shape": shape})
    else:
        backwards = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)[::-1]
        y = transpose(apply(shaping.reshape, (transpose(a),), {"shape": backwards}))
    if copy is False and isinstance(y, Lifted) and y is not a and not is_view(y):
        raise ValueError(
            "Unable to avoid creating a copy while reshaping; leave out copy=False of np.reshape"
        )
    return y


def _reshaped(a: Any, shape: tuple[int, ...]) -> Any:
    return apply(shaping.reshape, (a,), {"shape": shape})


def _is_by_columns(a: Any) -> bool:
    """Whether an array lies in memory in Fortran's order and not in C's."""
    flags = getattr(primals(a), "flags", None)
    return flags is not None and bool(flags.fnc)


def _by_memory(shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """The axes as NumPy's iterator takes them in the order "K", the slowest first.

    An axis whose items share memory has a step of 0 and keeps its place among the others, as
    NumPy's documentation of `np.nditer` says of what the steps leave open.
    """
    steps = [0 if n == 1 else abs(step) for n, step in zip(shape, strides, strict=True)]
    order: list[int] = []  # the fastest first
    for axis in reversed(range(len(shape))):
        place = len(order)
        for i in reversed(range(len(order))):
            mine, other = steps[axis], steps[order[i]]
            if mine and other:
                if other <= mine:
                    break
                place = i
        order.insert(place, axis)
    return order[::-1]


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """As `np.ravel`."""
    a, order = operand(a), (order or "C").upper()
    if order == "K":
        strides = getattr(primals(a), "strides", ())
        a = transpose(a, _by_memory(shape_of(a), strides)) if strides else a
    elif order == "F" or (order == "A" and _is_by_columns(a)):
        a = transpose(a)
    elif order not in ("A", "C"):
        raise ValueError(f"order={order!r} is not known to np.ravel; give 'C', 'F', 'A' or 'K'")
    return apply(shaping.ravel, (a,))


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
        of_number = not shape and axis in (0, -1)  # which NumPy takes for an array of one item
        places = () if of_number else normalize_axis_tuple(axis, len(shape))
        for place in places:
            if shape[place] != 1:
                raise ValueError(
                    f"axis {place} of shape {shape} cannot be squeezed, since its length is "
                    f"{shape[place]}; name axes of length 1, or index one of its items"
                )
        new = tuple(n for i, n in enumerate(shape) if i not in places)
    return a if new == shape and hasattr(a, "shape") else _reshaped(a, new)


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
    alike = all(tuple(shape_of(x)) == shape for x in xs)  # NumPy gives these arrays themselves
    return tuple(
        x if alike and spec_of(x).form is Form.ARRAY else broadcast_to(x, shape) for x in xs
    )


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
    check_device(device, x)
    if not is_inexact(dtype):
        if has_variables(x):
            tell("cast", f"a variable became plain {np.dtype(dtype)}, which has no gradient")
        x = primals(x)
    options: dict[str, Any] = {"dtype": dtype, "copy": copy, "order": order}
    if casting != "unsafe":  # CuPy takes neither this nor the next
        options["casting"] = casting
    if subok is not True:
        options["subok"] = subok
    return apply(shaping.astype, (x,), options)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """As `np.copy`."""
    return apply(shaping.copy, (operand(a),), {"order": order, "method": False})


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
    start = operator.index(start)
    place = start + ndim if start < 0 else start  # so -1 is before the last axis
    if not 0 <= place <= ndim:
        raise AxisError(
            f"start={start} of np.rollaxis is no place among {ndim} axes; give one from {-ndim} "
            f"to {ndim}"
        )
    return moveaxis(a, axis, place - 1 if axis < place else place)


@implements(np.flip)
def flip(m: Any, axis: Axes | None = None) -> Any:
    """As `np.flip`."""
    m = operand(m)
    ndim = _ndim(m)
    axes = axes_from(axis, ndim)
    backwards = slice(None, None, -1)
    index = tuple(backwards if i in axes else slice(None) for i in range(ndim))
    return taken(m, index) if ndim or hasattr(m, "shape") else m


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
    shift = np.asarray(on_host(counts(shift))).tolist()
    shift = tuple(shift) if isinstance(shift, list) else shift
    return apply(shaping.roll, (operand(a),), {"shift": shift, "axis": axis})


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
    grids = [
        reshape(operand(x), tuple(-1 if axis == place else 1 for axis in range(n)))
        for x, place in zip(xi, order, strict=True)
    ]
    whole = grids if sparse else broadcast_arrays(*grids)
    return tuple(np.copy(x, "C") for x in whole) if copy else tuple(whole)
