"""Functions that write into an array, under NumPy's names.

The array is a variable, whose run does the writing, or a plain one and nothing lifted is written. A
variable that is written into a plain array would lose its gradient: that raises.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.assignment import assign, fill, frozen, path_to, root_of
from gradx.core.dispatch import UFUNC_METHODS, UFUNCS, apply, implements
from gradx.core.naming import ufunc_name
from gradx.core.refusals import into_plain
from gradx.core.spec import shape_of, spec_of
from gradx.devices.placement import common_device, on_device_of
from gradx.errors import AssignmentError, NotLiftedError
from gradx.numpy.arguments import (
    counts,
    has_lifted,
    is_lifted,
    on_host,
    operand,
    operands,
    primals,
)
from gradx.numpy.repeating import resize
from gradx.numpy.shaping import broadcast_to, ravel
from gradx.ops.assignment import added_at, layout_copy, part
from gradx.ops.helpers import array_for, first_device_array
from gradx.ops.indexing import has_lifted_places, may_repeat, placed, taken
from gradx.ops.shaping import computed

__all__ = ["as_written", "copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"]


def _is_plain(function: Any, array: Any, *given: Any) -> bool:
    """Whether NumPy's own function does it, since nothing lifted is there.

    Raises:
        AssignmentError: something lifted would go into a plain array.
    """
    if is_lifted(array):
        return False
    if any(map(has_lifted, given)):
        raise into_plain(f"np.{function.__name__}")
    return True


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """As `np.copyto`."""
    where = primals(where)
    if _is_plain(np.copyto, dst, src):
        np.copyto(dst, src, casting, where)  # type: ignore[arg-type]
        return
    if src is dst:
        return
    src = operands(src, dst)[0]
    if hasattr(src, "dtype"):
        np.copyto(np.empty(0, dst.dtype), np.empty(0, src.dtype), casting)  # type: ignore[arg-type]
    if where is True:
        assign(dst, ..., src)
        return
    shape = dst.shape
    mask = _mask_for(dst, where, only_booleans=True)
    _write_where(dst, mask, broadcast_to(src, shape) if shape_of(src) else src)


def _mask_for(array: Any, mask: Any, only_booleans: bool = False) -> Any:
    """A mask as an array of booleans, where the array is that it is of.

    Raises:
        DeviceMismatchError: the mask is an array somewhere else.
        TypeError: NumPy's own, for an array of other numbers where only booleans are taken.
    """
    mask = primals(mask)
    home = first_device_array((array,))
    if hasattr(mask, "dtype"):
        common_device("the mask", (home, mask))
    else:
        mask = np.asarray(mask, bool)
    if only_booleans:
        np.copyto(np.empty(0), 0.0, where=np.empty(0, mask.dtype))
    with on_device_of(home):
        return (mask if home is None else array_for(mask, home)).astype(bool, copy=False)


def _write_where(array: Any, mask: Any, items: Any) -> None:
    """Write items into an array where a mask says; there are as many, or it is one number."""
    if first_device_array((array,)) is None and not is_lifted(mask):
        mask = np.broadcast_to(mask, array.shape)
        assign(array, mask, items[mask] if shape_of(items) else items)
        return
    if hasattr(items, "dtype"):  # choosing waits for nothing, and needs no numbers
        items = np.astype(items, array.dtype)
    assign(array, ..., np.where(mask, items, array), fresh=True)


def _condition(where: Any) -> Any:
    """What ``where=`` chooses, as booleans; True for all.

    Raises:
        TypeError: NumPy's own, for an array of numbers.
    """
    where = primals(where)
    if where is True or getattr(getattr(where, "dtype", None), "kind", None) == "b":
        return where
    np.copyto(np.zeros(np.shape(where)), 0.0, where=where)
    return np.asarray(where, bool)


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """As `np.put`."""
    if _is_plain(np.put, a, v):
        np.put(a, ind, v, mode)  # type: ignore[arg-type]
        return
    a = a if a.shape else a.reshape(1)
    ind = counts(ind)
    if mode == "raise" and first_device_array((ind,)) is None and not is_lifted(ind):
        flat = np.ravel(ind)
        outside = np.flatnonzero((flat < -a.size) | (flat >= a.size))
        if len(outside) and outside[0]:  # NumPy writes what is before the one that it refuses
            put(a, flat[: outside[0]], _cycled(v, len(flat))[: outside[0]])
    with on_device_of(ind):
        index = _places(ind, a.shape, mode)
    count = len(index[0])
    if count and np.size(primals(v)):
        assign(a, index, _cycled(operands(v, a)[0], count))


def _places(ind: Any, shape: tuple[int, ...], mode: str) -> tuple[Any, ...]:
    """The index of items of an array from their numbers, which may be on a device.

    There no number is looked at: it wraps around, as it does in an index.
    """
    there = first_device_array((ind,)) is not None
    ind, size = np.ravel(ind if there or is_lifted(ind) else np.asarray(ind)), math.prod(shape)
    if ind.dtype.kind == "b" or not ind.size:
        ind = ind.astype(np.intp)
    if mode == "clip":
        ind = np.clip(ind, 0, size - 1)
    elif mode not in ("raise", "wrap"):
        raise ValueError(f"mode={mode!r} is not known; give 'raise', 'wrap' or 'clip'")
    ind = taken(np.arange(size), ind) if mode == "raise" and not there else ind % size
    index: list[Any] = []
    for n in reversed(shape):
        index.insert(0, ind % n)
        ind = ind // n
    return tuple(index)


def _cycled(values: Any, count: int) -> Any:
    """So many values, taken in order and again from the first."""
    values = ravel(operand(values))
    return values if len(values) == count else resize(values, (count,))


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """As `np.place`.

    Raises:
        AssignmentError: the values are of the array itself.
    """
    if _is_plain(np.place, arr, vals):
        np.place(arr, primals(mask), vals)
        return
    if is_lifted(vals) and root_of(vals) is root_of(arr):
        raise AssignmentError(
            "np.place reads its values while it writes, and here they are of the same array; pass "
            "a copy of the values, np.copy(vals)"
        )
    if shape_of(vals) and hasattr(vals, "dtype"):  # NumPy's own error for a cast
        np.place(np.empty(0, arr.dtype), np.empty(0, bool), np.empty(1, vals.dtype))
    mask = _mask_for(arr, mask)
    if mask.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    mask = mask.reshape(arr.shape)
    values = ravel(operands(vals, arr)[0])
    (size,) = shape_of(values)
    if not size:
        if mask.any():
            raise ValueError("Cannot insert from an empty array!")
    elif first_device_array((arr,)) is None:
        assign(arr, mask, _cycled(values, int(np.count_nonzero(mask))))
    else:  # the number of the value for each item
        with on_device_of(mask):
            places = np.reshape((np.cumsum(mask) - 1) % size, arr.shape)
        _write_where(arr, mask, taken(values, places))


@implements(np.putmask)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """As `np.putmask`."""
    if _is_plain(np.putmask, a, values):
        np.putmask(a, primals(mask), values)
        return
    mask = _mask_for(a, mask)
    if mask.size != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    mask = mask.reshape(a.shape)
    if shape_of(values) and hasattr(values, "dtype"):  # NumPy's own error for a cast
        np.putmask(np.empty(0, a.dtype), np.empty(0, bool), np.empty(0, values.dtype))
    if np.size(primals(values)):
        _write_where(a, mask, resize(operands(values, a)[0], a.shape))


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """As `np.put_along_axis`."""
    if _is_plain(np.put_along_axis, arr, values):
        np.put_along_axis(arr, indices, values, axis)
        return
    indices = operands(counts(indices), arr)[0]
    indices = indices if hasattr(indices, "dtype") else np.asarray(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        arr, axis = arr.reshape(-1), 0
    axis = normalize_axis_index(axis, arr.ndim)
    if indices.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    index = [
        indices
        if i == axis
        else np.arange(n).reshape([-1 if k == i else 1 for k in range(arr.ndim)])
        for i, n in enumerate(arr.shape)
    ]
    assign(arr, tuple(index), values)


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """As `np.fill_diagonal`."""
    if _is_plain(np.fill_diagonal, a, val):
        np.fill_diagonal(a, val, wrap)
        return
    numbers = np.arange(a.size).reshape(a.shape)
    mask = np.zeros(a.shape, bool)
    np.fill_diagonal(mask, True, wrap)  # raises NumPy's own errors
    places, val = numbers[mask], operands(val, a)[0]
    if not math.prod(shape_of(val)):
        return
    items = _cycled(val, len(places)) if shape_of(val) else val
    assign(a, np.unravel_index(places, a.shape), items)


# --- Ufuncs ---------------------------------------------------------------------------------------


def _into(ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...], **kwargs: Any) -> Any:
    """A ufunc, or a method of it, with ``out=``."""
    name = ufunc_name(ufunc)
    if all(map(_is_without_gradient, out)):
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        options = {key: primals(x) for key, x in kwargs.items()}
        return function(*map(primals, inputs), out=out if ufunc.nout > 1 else out[0], **options)
    for buffer in out:
        if buffer is not None and not is_lifted(buffer):
            raise into_plain(f"{name} with out= (also {ufunc.__name__} in place, as in 'a += v')")
    casting = kwargs.pop("casting", "same_kind")
    where = _condition(kwargs.pop("where", True))
    if where is not True:
        return _chosen(ufunc, method, inputs, out, where, kwargs)
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    if method in ("accumulate", "reduce", "reduceat"):
        dtypes = [getattr(primals(x), "dtype", None) for x in (inputs[0], out[0])]
        kwargs.setdefault("dtype", np.result_type(*filter(None, dtypes)))  # as NumPy has it
    results = function(*inputs, **kwargs)
    if ufunc.nout == 1 and (method == "__call__" or shape_of(results) == shape_of(out[0])):
        options = kwargs | ({"casting": casting} if method == "__call__" else {})
        results = as_written(functools.partial(function, **options), inputs, out[0], results)
    elif method not in ("__call__", "outer") and shape_of(results) != shape_of(out[0]):
        raise ValueError(
            f"out= of {name}.{method} has the shape {shape_of(out[0])}, and the result "
            f"{shape_of(results)}"
        )
    every = results if ufunc.nout > 1 else (results,)
    pairs = zip(out, every, strict=True)
    filled = [y if o is None else fill(o, y, casting, ufunc) for o, y in pairs]
    return tuple(filled) if ufunc.nout > 1 else filled[0]


def as_written(write: Any, inputs: Any, out: Any, y: Any) -> Any:
    """A result with the bits that NumPy writes into an array.

    NumPy has other loops where operands overlap the array, and where its items lie otherwise in
    memory than those of a result that NumPy makes itself: their last bits may differ.

    Args:
        write: NumPy's own call, of the plain operands and of the plain array as ``out``.
        inputs: the operands.
        out: the lifted array.
        y: the result.

    Raises:
        TypeError, ValueError: NumPy's own, for a result that does not go into the array.
    """
    root = root_of(out)
    memory, own = primals(root), primals(y)
    if type(memory) is not np.ndarray or not issubclass(type(own), (np.ndarray, np.generic)):
        return y
    overlaps = any(is_lifted(x) and x is not out and root_of(x) is root for x in inputs)
    shown = memory if out is root else part(memory, path_to(out))
    alike = own.shape == shown.shape and own.dtype == shown.dtype
    if alike and not overlaps and _steps(own) == _steps(shown):
        return y
    shown, near = _in_a_copy(out, inputs)
    if any(map(is_lifted, near)):
        return y
    with np.errstate(all="ignore"):
        write(*near, out=shown)
    if not is_lifted(y):
        return shown.copy()
    if not alike:
        y = broadcast_to(np.astype(y, shown.dtype), shown.shape)
    return apply(computed, (y, shown.copy()))


def _written(function: Any, out: Any, y: Any, given: Any) -> Any:
    """The result of a function with ``out=``, with the bits that NumPy writes there."""
    if spec_of(y)[:2] != spec_of(out)[:2] or any(map(has_lifted, _plain_of(given(None)))):
        return y

    def write(out: Any) -> None:
        args, kwargs = given(out)
        function(*map(primals, args), **{key: primals(x) for key, x in kwargs.items()})

    return as_written(write, (), out, y)


def _plain_of(given: tuple[Any, Any]) -> list[Any]:
    args, kwargs = given
    return [primals(x) for x in (*args, *kwargs.values())]


def _steps(x: Any) -> list[int]:
    """The steps in memory along the axes that have more than one item."""
    return [step for n, step in zip(x.shape, x.strides, strict=True) if n > 1]


def _in_a_copy(out: Any, inputs: Any) -> tuple[Any, list[Any]]:
    """A plain array that lies as a lifted one does, and plain operands, which may overlap it."""
    root = root_of(out)
    memory = layout_copy(primals(root))
    near = [
        part(memory, path_to(x)) if is_lifted(x) and root_of(x) is root else primals(x)
        for x in inputs
    ]
    return part(memory, path_to(out)), near


def _is_without_gradient(buffer: Any) -> bool:
    """Whether a plain array takes whole numbers or truth values, which have no gradient to lose."""
    return not is_lifted(buffer) and buffer is not None and buffer.dtype.kind in "biu"


def _chosen(
    ufunc: Any, method: str, inputs: Any, out: tuple[Any, ...], where: Any, kwargs: Any
) -> Any:
    """A ufunc of chosen items alone, the others of ``out`` stay: np.divide(a, b, out=v, where=…).

    The value is that of NumPy's own loop over the chosen items. On a device the mask is read.
    """
    if method != "__call__" or ufunc.nout > 1 or kwargs:
        raise NotLiftedError(
            f"{ufunc_name(ufunc)} with where= and out= takes no further options in gradx; write "
            "v[mask] = f(x[mask])"
        )
    (v,) = out
    mask = np.broadcast_to(_mask_for(v, where, only_booleans=True), v.shape)
    given = [taken(broadcast_to(operand(x), v.shape), mask) for x in inputs]
    if first_device_array((v,)) is not None:
        assign(v, mask, fill(v[mask], ufunc(*given), ufunc=ufunc), fresh=True)
        return v
    if is_lifted(primals(v)) or any(map(is_lifted, map(primals, inputs))):  # of no numbers
        assign(v, mask, ufunc(*given))
        return v
    own, near = _in_a_copy(v, inputs)
    ufunc(*near, out=own, where=where)  # NumPy's own errors and warnings too
    with np.errstate(all="ignore"):
        y = ufunc(*given)
    assign(v, mask, apply(computed, (y, own[mask])) if is_lifted(y) else own[mask])
    return v


UFUNC_METHODS[None, "out"], UFUNC_METHODS[None, "written"] = _into, _written

# --- Methods `at` of ufuncs -----------------------------------------------------------------------


def _at(ufunc: Any, a: Any, indices: Any, *others: Any) -> None:
    """As the method ``at`` of a ufunc: an item that is named twice is changed twice."""
    name = f"{ufunc_name(ufunc)}.at"
    if not is_lifted(a):
        raise into_plain(name)
    if ufunc not in UFUNCS:
        raise NotLiftedError(f"{name} has no derivative in gradx; write a loop over the indices")
    indices, others = counts(indices), tuple(frozen(operand(b)) for b in others)
    if ufunc is np.add and spec_of(a).dtype.kind in "fc":
        (b,) = others
        assign(a, ..., apply(added_at, (a, b), {"index": placed(a, indices)}), fresh=True)
        return
    own = _done_at(ufunc, a, indices, others)
    if may_repeat(indices):
        _repeated(ufunc, a, indices, others)
    else:
        assign(a, indices, ufunc(a[indices], *others))
    if own is not None and not np.array_equal(own, primals(a), equal_nan=True):
        assign(a, ..., apply(computed, (frozen(a), own)))


def _repeated(ufunc: Any, a: Any, indices: Any, others: Any) -> None:
    """A ufunc at indices that may repeat a place, which is done in rounds that do not."""
    rounds = _one_by_one if has_lifted_places(indices) else _rounds
    for round_, chosen in rounds(a, indices):
        values = [broadcast_to(b, chosen.shape)[chosen] if shape_of(b) else b for b in others]
        assign(a, round_, ufunc(a[round_], *values))


def _done_at(ufunc: Any, a: Any, indices: Any, others: Any) -> Any:
    """What NumPy makes of a plain array, one item after the other; None where there is none.

    A loop over many items may round otherwise.
    """
    if type(primals(root_of(a))) is not np.ndarray or has_lifted_places(indices):
        return None
    own, plain = _in_a_copy(a, others)
    if any(map(is_lifted, plain)):
        return None
    ufunc.at(own, indices, *plain)  # NumPy's own errors and warnings too
    return own


def _rounds(a: Any, indices: Any) -> Any:
    """Indices that repeat no place: those of all first changes, of all second ones, and so on."""
    parts = indices if type(indices) is tuple else (indices,)
    parts = tuple([x if first_device_array((x,)) is None else on_host(x) for x in parts])
    places = np.arange(a.size).reshape(a.shape)[parts]
    flat = places.ravel()
    order = np.argsort(flat, kind="stable")
    numbers = np.arange(flat.size)
    starts = np.append(True, np.diff(flat[order]) != 0)[: flat.size]
    ranks = np.empty_like(numbers)
    ranks[order] = numbers - np.maximum.accumulate(np.where(starts, numbers, 0))
    for rank in range(int(ranks.max(initial=-1)) + 1):
        chosen = (ranks == rank).reshape(places.shape)
        yield np.unravel_index(places[chosen], a.shape), chosen


def _one_by_one(a: Any, indices: Any) -> Any:
    """Indices whose places have no numbers: each place in a round of its own."""
    places = taken(np.arange(a.size).reshape(a.shape), indices)
    flat = np.ravel(places)
    for k in range(flat.size):
        chosen = (np.arange(flat.size) == k).reshape(places.shape)
        yield _places(flat[k : k + 1], a.shape, "wrap"), chosen


UFUNC_METHODS[None, "at"] = _at
