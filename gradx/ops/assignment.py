"""Assignment: writing items into an array, as an op on values.

``put`` is what a write means: the array as it is afterwards, a linear function of the array before
and of what is written. It makes a new array. A run that owns an array writes into it instead, and
its node has the rules `cleared` and `region`, which do the same to a cotangent that the sweep owns.

An array is written through views of it. A path is the views from the array to the one that is
written, an op and its static parameters for each; NumPy makes them again, of whatever array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from gradx.core.assignment import path_to, root_of
from gradx.core.cotangent import dense, unbroadcast, unbroadcast_and_cast
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import primal, shape_of
from gradx.core.views import is_view_of
from gradx.devices.kernel_table import kernel
from gradx.devices.placement import PLACES, copied, on_device_of
from gradx.ops.helpers import zeros_for
from gradx.ops.indexing import (
    Scattered,
    beside_places,
    getitem,
    has_lifted_places,
    may_repeat,
    placed,
)

__all__ = [
    "added_at",
    "axes_by_memory",
    "cleared",
    "filled_like",
    "layout_copy",
    "lifted_places",
    "overlaps_itself",
    "part",
    "put",
    "region",
    "write_anew",
    "written",
]

Path = tuple[tuple[Any, dict[str, Any] | None], ...]

# --- Where things lie in memory -------------------------------------------------------------------


def axes_by_memory(x: Any) -> tuple[int, ...]:
    """The axes of an array, the one with the largest steps in memory first."""
    strides = getattr(x, "strides", None)
    n = len(shape_of(x))
    if strides is None or n < 2:
        return tuple(range(n))
    return tuple(sorted(range(n), key=lambda axis: -abs(strides[axis])))


def overlaps_itself(x: np.ndarray) -> bool:
    """Whether items of an array share memory, as `np.broadcast_to` and `as_strided` make them."""
    reach = x.itemsize
    steps = sorted((abs(step), n) for step, n in zip(x.strides, x.shape, strict=True) if n > 1)
    if steps and not steps[0][0]:  # as of a number that is shown everywhere
        return bool(x.size)
    for step, n in steps:
        if step < reach:
            break
        reach += step * (n - 1)
    else:
        return False
    offsets = np.zeros(1, int)
    for step, n in steps:
        offsets = np.add.outer(offsets, step * np.arange(n)).ravel()
    return bool(x.size) and bool(np.diff(np.sort(offsets)).min() < x.itemsize)


def layout_copy(x: Any) -> Any:
    """A copy of an array with the same steps in memory, of which NumPy makes the same views."""
    flags = getattr(x, "flags", None)
    if flags is None or flags.c_contiguous or x.size == 0:
        return np.array(x) if getattr(x, "ndim", 0) == 0 else x.copy()
    if flags.f_contiguous or type(x) is not np.ndarray:
        return x.copy(order="F" if flags.f_contiguous else "K")
    low, high = byte_bounds(x)
    if overlaps_itself(x):  # a cotangent that repeats a number, of which there is one only
        return x.copy()
    memory = np.empty(high - low, np.uint8)
    offset = x.__array_interface__["data"][0] - low
    y: Any = np.ndarray(x.shape, x.dtype, memory, offset, x.strides)
    y[...] = x
    return y


def _laid_out(x: Any, axes: tuple[int, ...]) -> Any:
    """A copy of an array with its axes in an order of memory."""
    back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return np.transpose(np.transpose(x, axes).copy(), back)


def part(x: Any, path: Path) -> Any:
    """What the views of a path show of an array, plain or lifted."""
    for op, params in path:
        if isinstance(x, Lifted):
            x = apply(op, (x,), params)
        else:
            x = op.forward(x) if params is None else op.forward(x, **params)
    return x


def _of_imaginary_part(path: Path) -> bool:
    return any(op.name == "imag" for op, _ in path)


def _part_to_write(x: Any, path: Path, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """An array, laid out anew if need be, and the part of it that a path shows."""
    if _of_imaginary_part(path) and x.dtype.kind != "c":
        x = x.astype(np.result_type(x.dtype, np.complex64))  # a cotangent that is real by chance
    shown = part(x, path)
    if path and not is_view_of(shown, x):  # a cotangent need not lie as its value does
        x = _laid_out(x, axes)
        shown = part(x, path)
    return x, shown


# --- The op and its rules -------------------------------------------------------------------------


def lifted_places(path: Path, index: Any) -> tuple[Any, ...]:
    """The indices of a path and of what is written there, if there are lifted places in them."""
    indices = (index, *[params["index"] for op, params in path if params and op is getitem])
    return indices if any(map(has_lifted_places, indices)) else ()


def _beside(x: Any, indices: tuple[Any, ...]) -> Any:
    """A plain value as one of the run of the lifted places in some indices."""
    for index in indices:
        x = beside_places(x, index)
    return x


def _put(a: Any, b: Any, *, path: Path, index: Any, axes: tuple[int, ...]) -> Any:
    lifted = lifted_places(path, index)
    if lifted:
        return apply(put, (_beside(a, lifted), b), {"path": path, "index": index, "axes": axes})
    y, shown = _part_to_write(layout_copy(a), path, axes)
    if type(y) in PLACES and getattr(b, "size", 1) > 1 and may_repeat(index):
        b = _of_last_writes(b, _numbered(y, path, index, axes)[0])
    shown[index] = b
    return y


def _of_last_writes(b: Any, numbers: Any) -> Any:
    """What is written on a device, where the order of writes is open: the same in each write."""
    n = len(numbers.shape)
    own = b.reshape(b.shape[max(0, b.ndim - n) :])
    return np.broadcast_to(own, numbers.shape).ravel()[numbers]


def _cleared(g: Any, *, path: Path, index: Any, axes: tuple[int, ...]) -> Any:
    return apply(put, (g, 0.0), {"path": path, "index": index, "axes": axes})


def _items(g: Any, path: Path, index: Any, axes: tuple[int, ...]) -> Any:
    """The items of a cotangent that were written; 0 for an item that was written again."""
    h = part(g, path)
    if _of_imaginary_part(path):
        h = -h  # the cotangent of an imaginary part: that of 1j * y is 1j * g
    h = apply(getitem, (h,), {"index": index})
    if may_repeat(index):
        last = _written_last(g, path, index, axes)
        h = h if last is None else np.where(last, h, 0.0)
    return h


def _written_last(g: Any, path: Path, index: Any, axes: tuple[int, ...]) -> Any:
    """Which writes of an index that repeats places are the last to their place; None for all.

    NumPy itself says it: the number of each write is written. On a device it may be all too, since
    looking at it would wait.
    """
    with on_device_of(primal(g)):
        last, order = _numbered(primal(g), path, index, axes)
        own = last == order
    return None if type(own) not in PLACES and own.all() else own


def _numbered(x: Any, path: Path, index: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """For each write at an index of an array: the number of the last to its place, and its own."""
    dtype = np.complex128 if _of_imaginary_part(path) else np.uint64
    numbers, shown = _part_to_write(zeros_for(x, shape_of(x), dtype), path, axes)
    written = shown[index]
    order = kernel(np.arange, numbers)(written.size, dtype=np.uint64).reshape(written.shape)
    if type(numbers) in PLACES:
        kernel(np.maximum.at, numbers)(shown, index, order.astype(shown.dtype))
    else:
        shown[index] = order
    return shown[index].astype(np.uint64), order


def _region(
    g: Any, b_shape: tuple[int, ...], *, path: Path, index: Any, axes: tuple[int, ...]
) -> Any:
    lifted = lifted_places(path, index)
    if lifted:
        params = {"path": path, "index": index, "axes": axes, "shape": b_shape}
        return apply(written, (_beside(g, lifted),), params)
    h = _items(g, path, index, axes)
    own = shape_of(h)
    return h if own == b_shape else unbroadcast(h, own, b_shape)


put = Op(
    "put",
    _put,
    _cleared,
    _region,
    broadcasts=True,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""The first operand with the second one written into a part of it.

Args:
    path: the views through which it is written.
    index: the index in the last of them.
    axes: the axes of the array in the order of memory.
"""


written = Op(
    "written",
    lambda x, *, path, index, axes, shape: _region(x, shape, path=path, index=index, axes=axes),
    lambda g, x_shape, *, path, index, axes, shape: apply(
        put, (zeros_for(g, x_shape), g), {"path": path, "index": index, "axes": axes}
    ),
    properties=Property.LINEAR,
)
"""The transpose of `put` by what is written: what reached its place, summed to its shape.

It is an op for the sake of places that have no number, which the batch run knows how to take.

Args:
    path, index, axes: those of `put`.
    shape: that of what is written.
"""


def cleared(g: Any, shape: tuple[int, ...], path: Path, index: Any, axes: tuple[int, ...]) -> Any:
    """The cotangent of an array before a write, from that after it: what was written has none.

    Of a cotangent that the sweep owns only that part is touched, so that filling an array item by
    item costs as much as filling it at once.
    """
    kept = g if isinstance(g, Scattered) else Scattered(shape, [], dense(g))
    whole = kept.whole()
    if isinstance(whole, Lifted):
        return _cleared(whole, path=path, index=index, axes=axes)
    with on_device_of(whole):
        kept.base, shown = _part_to_write(whole, path, axes)
        shown[index] = 0.0
    return kept


def region(
    g: Any, path: Path, index: Any, axes: tuple[int, ...], spec: tuple[tuple[int, ...], Any]
) -> Any:
    """The cotangent of what was written, fitted to its shape and dtype; before `cleared`."""
    whole = g.whole() if isinstance(g, Scattered) else dense(g)
    h = unbroadcast_and_cast(_items(whole, path, index, axes), spec)
    shares = not isinstance(h, Lifted) and getattr(h, "base", None) is not None
    return copied(h) if shares else h


def write_anew(target: Any, index: Any, item: Any) -> None:
    """Write items by making the array anew, which any kind of run can: `Run.write` in general."""
    root, index = root_of(target), placed(target, index)
    params = {"path": path_to(target), "index": index, "axes": axes_by_memory(root._primal())}
    root._become(apply(put, (root, item), params))


# --- Adding at places that may repeat -------------------------------------------------------------


def _added_at(a: Any, b: Any, *, index: Any) -> Any:
    if has_lifted_places(index):
        return apply(added_at, (beside_places(a, index), b), {"index": index})
    y = layout_copy(a)
    kernel(np.add.at, y)(y, index, b)
    return y


def _taken_at(g: Any, b_shape: tuple[int, ...], *, index: Any) -> Any:
    h = apply(getitem, (beside_places(g, index),), {"index": index})
    own = shape_of(h)
    return h if own == b_shape else unbroadcast(h, own, b_shape)


added_at = Op(
    "added_at",
    _added_at,
    lambda g: g,
    _taken_at,
    broadcasts=True,
    properties=Property.LINEAR,
)
"""The first operand with the second one added at an index, as `np.add.at` does in place."""

filled_like = Op(
    "filled_like",
    lambda x, *, function, options: function(x, **options),
    lambda g: None,
)
"""An array made by one of NumPy's functions in the likeness of another: it can be written into."""

register_ops(vars().values())
