"""Joining and splitting under NumPy's names: concatenate and stack, and slices."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import apply, implements
from gradx.core.spec import Form, shape_of, spec_of
from gradx.numpy.arguments import (
    arrays,
    as_array,
    counts,
    operand,
    primals,
    refuse_out,
    to_the_bit,
)
from gradx.numpy.shaping import (
    astype,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    moveaxis,
    ravel,
    reshape,
)
from gradx.ops import indexing, shaping
from gradx.ops.helpers import first_device_array

__all__ = [
    "append",
    "array_split",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "delete",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "insert",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]


def _cast(y: Any, dtype: Any, casting: str) -> Any:
    return y if dtype is None else astype(y, dtype, casting=casting)


def _items(sequence: Any) -> Sequence[Any]:
    """The arrays of a sequence; of an array its entries along the first axis."""
    return arrays(*sequence)


# --- Joining ------------------------------------------------------------------------------------


@implements(np.concatenate)
def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    """As `np.concatenate`."""
    refuse_out("np.concatenate", out)
    pieces = _items(arrays)
    if axis is None:
        if dtype is None and any(spec_of(x).form is Form.NUMBER for x in pieces):
            dtype = np.result_type(*map(primals, pieces))  # Python's numbers do not decide it
        pieces, axis = [ravel(x) for x in pieces], 0
    if not pieces:
        raise ValueError("np.concatenate was given no arrays; give at least one")
    shapes = [shape_of(x) for x in pieces]
    if any(len(shape) != len(shapes[0]) or not shape for shape in shapes):
        raise ValueError(
            f"np.concatenate needs arrays of equally many axes, at least one, not of shapes "
            f"{shapes}; use np.stack for a new axis, np.hstack for numbers"
        )
    axis = normalize_axis_index(axis, len(shapes[0]))
    offsets = tuple(itertools.accumulate((shape[axis] for shape in shapes), initial=0))
    y = apply(shaping.concatenate, pieces, {"axis": axis, "offsets": offsets})
    return _cast(y, dtype, casting)


concat = concatenate


@implements(np.stack)
def stack(
    arrays: Any,
    axis: int = 0,
    out: None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    """As `np.stack`."""
    refuse_out("np.stack", out)
    pieces = _items(arrays)
    if not pieces:
        raise ValueError("np.stack was given no arrays; give at least one")
    axis = normalize_axis_index(axis, len(shape_of(pieces[0])) + 1)
    return _cast(apply(shaping.stack, pieces, {"axis": axis}), dtype, casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """As `np.hstack`."""
    pieces = [atleast_1d(x) for x in _items(tup)]
    axis = 0 if pieces and len(shape_of(pieces[0])) == 1 else 1
    return concatenate(pieces, axis, dtype=dtype)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """As `np.vstack`."""
    return concatenate([atleast_2d(x) for x in _items(tup)], 0, dtype=dtype)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """As `np.dstack`."""
    return concatenate([atleast_3d(x) for x in _items(tup)], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """As `np.column_stack`."""
    pieces = _items(tup)
    columns = [x if len(shape_of(x)) > 1 else reshape(x, (-1, 1)) for x in pieces]
    return concatenate(columns, 1)


def _depth_of(arrays: Any) -> int:
    """How deep lists are nested, down their first items."""
    depth = 0
    while isinstance(arrays, list) and arrays:
        arrays, depth = arrays[0], depth + 1
    return depth


def _leaves_of(arrays: Any) -> list[Any]:
    """What is in nested lists, in order."""
    if not isinstance(arrays, list):
        return [arrays]
    return [leaf for part in arrays for leaf in _leaves_of(part)]


@implements(np.block)
def block(arrays: Any) -> Any:
    """As `np.block`."""
    depth = _depth_of(arrays)

    def ndim_of(part: Any) -> int:
        if isinstance(part, list) and not part:
            raise ValueError("np.block was given an empty list; leave it out")
        return max(map(ndim_of, part)) if isinstance(part, list) else len(shape_of(operand(part)))

    def build(part: Any, level: int) -> Any:
        if isinstance(part, list) is not (level < depth):
            raise ValueError(
                f"np.block needs lists nested to one depth, which the first items say is {depth}; "
                "wrap single arrays in lists of their own"
            )
        if not isinstance(part, list):
            part = as_array(operand(part), home)
            shape = shape_of(part)
            return reshape(part, (1,) * (ndim - len(shape)) + shape)
        return concatenate([build(each, level + 1) for each in part], level - depth)

    ndim = max(depth, ndim_of(arrays))
    home = first_device_array(_leaves_of(arrays))
    y = build(arrays, 0)
    return y if depth else np.copy(y, "C")


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """As `np.append`: without an axis both are made flat, and a number is an array of one."""
    if axis is None:
        arr, values, axis = ravel(arr), ravel(values), 0
    return concatenate([arr, values], axis)


# --- Splitting ----------------------------------------------------------------------------------


def _getitem(x: Any, axis: int, index: Any) -> Any:
    """The items of a value at an index along an axis."""
    return indexing.taken(x, (*(slice(None),) * axis, index))


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """As `np.unstack`."""
    x = operand(x)
    shape = shape_of(x)
    if not shape:
        raise ValueError("np.unstack needs at least one axis, and was given a single number")
    axis = normalize_axis_index(axis, len(shape))
    return tuple(_getitem(x, axis, i) for i in range(shape[axis]))


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `np.array_split`."""
    x = operand(ary)
    axis = normalize_axis_index(axis, len(shape_of(x)))
    n = shape_of(x)[axis]
    sections = counts(indices_or_sections)
    if np.ndim(sections):
        cuts = [0, *(int(i) for i in sections), n]
    else:
        count = int(sections)
        if count <= 0:
            raise ValueError(f"an array cannot be split into {count} parts; give at least 1")
        each, more = divmod(n, count)
        lengths = [each + 1] * more + [each] * (count - more)
        cuts = list(itertools.accumulate(lengths, initial=0))
    return [_getitem(x, axis, slice(i, j)) for i, j in itertools.pairwise(cuts)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `np.split`."""
    x, sections = operand(ary), counts(indices_or_sections)
    if not np.ndim(sections):
        n = shape_of(x)[normalize_axis_index(axis, len(shape_of(x)))]
        if int(sections) > 0 and n % int(sections):
            raise ValueError(
                f"an axis of length {n} does not split into {sections} equal parts; use "
                "np.array_split for unequal ones"
            )
    parts: list[Any] = array_split(x, sections, axis)
    return parts


def _checked_split(function: str, x: Any, sections: Any, axis: int, least: int) -> list[Any]:
    x = operand(x)
    if len(shape_of(x)) < least:
        raise ValueError(
            f"{function} needs at least {least} axes, and shape {shape_of(x)} has fewer; use "
            "np.split with axis="
        )
    parts: list[Any] = split(x, sections, axis)
    return parts


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """As `np.hsplit`."""
    axis = 1 if len(shape_of(operand(ary))) > 1 else 0
    return _checked_split("np.hsplit", ary, indices_or_sections, axis, 1)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """As `np.vsplit`."""
    return _checked_split("np.vsplit", ary, indices_or_sections, 0, 2)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """As `np.dsplit`."""
    return _checked_split("np.dsplit", ary, indices_or_sections, 2, 3)


# --- Inserting and deleting ---------------------------------------------------------------------


def _axis_or_flat(arr: Any, axis: int | None) -> tuple[Any, int]:
    x = ravel(arr) if axis is None else operand(arr)
    return x, 0 if axis is None else normalize_axis_index(axis, len(shape_of(x)))


@implements(np.delete)
@to_the_bit(np.delete, whole=True)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """As `np.delete`."""
    x, axis = _axis_or_flat(arr, axis)
    n = shape_of(x)[axis]
    kept = np.zeros(n, bool)
    kept[np.delete(np.arange(n), counts(obj))] = True
    return _getitem(x, axis, kept)


@implements(np.insert)
@to_the_bit(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """As `np.insert`."""
    x, axis = _axis_or_flat(arr, axis)
    shape, values = shape_of(x), arrays(x, values)[1]
    n, where = shape[axis], counts(obj)
    if not isinstance(where, slice) and np.ndim(where) == 0:
        padded = (1,) * (len(shape) - len(shape_of(values))) + shape_of(values)
        values = moveaxis(reshape(values, padded), 0, axis)
        count = shape_of(values)[axis]
    else:
        count = len(np.insert(np.arange(n), where, 0)) - n
    values = np.broadcast_to(values, (*shape[:axis], count, *shape[axis + 1 :]))
    order = np.insert(np.arange(n), where, np.arange(n, n + count))
    if hasattr(x, "dtype"):  # into whole numbers NumPy casts what is inserted, too
        values = np.astype(values, x.dtype)
    return _getitem(concatenate([x, values], axis), axis, order)
