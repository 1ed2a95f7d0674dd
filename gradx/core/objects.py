"""Object arrays of lifted numbers, as NumPy makes of lists of them, and what they stand for.

``np.array([v, w])`` never reaches gradx: NumPy makes an object array, and computes with its items
by their own operators and methods. Where such an array reaches gradx, its items are joined into one
lifted array. `np.asarray` of a lifted array gives an object array too, of lazy items: each knows
its array and its place in it, and costs nothing until it is used.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from gradx.core.watch import tell
from gradx.errors import NotLiftedError

__all__ = [
    "OBJECT",
    "as_operand",
    "is_lifted",
    "is_object_array",
    "joinable",
    "joined",
    "numeric",
]

OBJECT = np.dtype(object)
_NUMBERS = frozenset({int, float, complex, bool})
_WITHOUT_ITEMS = frozenset({*_NUMBERS, str, type(None), np.float64, np.float32, np.int64, np.bool_})


def is_lifted(x: Any) -> bool:
    """Whether a value belongs to a run: an instance of `gradx.core.dispatch.Lifted`."""
    return hasattr(type(x), "_run")


def is_object_array(x: Any) -> bool:
    """Whether a value is an array of objects that holds a lifted value."""
    return type(x) is np.ndarray and x.dtype is OBJECT and any(map(is_lifted, x.flat))


def joinable(x: Any) -> bool:
    """Whether a value is an array of objects that are lifted numbers, or beside such ones."""
    return is_object_array(x) and all(map(_is_number, x.flat))


def joined(x: Any) -> Any:
    """An object array of lifted numbers as the one lifted array of them; anything else as it is.

    The lazy items of an array are taken out of it together, and all of them in order are that
    array. The dtype is that which NumPy gives an array of the plain items. An array that holds
    other objects too, such as arrays of different shapes, is a container and stays what it is.
    """
    if type(x) is not np.ndarray or x.dtype is not OBJECT or not is_object_array(x):
        return x
    if (whole := _array_of_all(x)) is not None:
        return whole
    if not joinable(x):
        return x
    tell("object array", f"an array of {x.size} variables, made by NumPy, was joined into one")
    groups = [list(group) for _, group in itertools.groupby(x.ravel().tolist(), _identity_of_base)]
    _check_dtype(groups)
    pieces = [_vector_of(group, x.shape) for group in groups]
    y = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return y if y.shape == x.shape else np.reshape(y, x.shape)


def _check_dtype(groups: list[list[Any]]) -> None:
    """Refuse lazy items beside Python's numbers where it is not known which dtype NumPy gives.

    ``np.r_[x, 3.0]`` leaves a single precision x what it is, ``np.r_[x, [3.0]]`` does not, and the
    object arrays of the two are the same.

    Raises:
        NotLiftedError: it depends on that.
    """
    dtypes = {_dtype_of_base(group[0]) for group in groups if _identity_of_base(group[0])}
    kinds = {type(x): x for group in groups if not _identity_of_base(group[0]) for x in group}
    for dtype, (kind, number) in itertools.product(dtypes, kinds.items()):
        if kind in _NUMBERS and np.result_type(dtype, number) != np.result_type(dtype, kind):
            raise NotLiftedError(
                f"np.r_ or np.c_ was given a variable of {dtype} beside Python's numbers, and its "
                "array does not tell which dtype they are to have; write np.concatenate([x, [3.0]])"
                ", np.r_[x, np.float32(3.0)] with the dtype that you mean, or use gx.adopt"
            )


def _dtype_of_base(x: Any) -> Any:
    """The dtype of the array of which a value is a lazy item."""
    return x._origin[0]._spec().dtype


def numeric(x: Any) -> Any:
    """An object array of plain numbers as the array of numbers; anything else as it is.

    Of variables and bounds NumPy may choose the bounds only.
    """
    if type(x) is np.ndarray and x.dtype is OBJECT and x.size and all(map(_is_number, x.flat)):
        return np.array(x.ravel().tolist()).reshape(x.shape)
    return x


def _array_of_all(x: Any) -> Any:
    """The array of which an array of objects has all lazy items in order; None if there is none.

    The fast way for the most usual and largest of them: one loop without a call.
    """
    first = x.flat[0]
    if not is_lifted(first) or first._origin is None:
        return None
    kind, base = type(first), first._origin[0]
    node = base._node
    if base._spec().shape != x.shape or not all(
        type(v) is kind and v._base is base and v._index == i and v._made_at is node
        for i, v in enumerate(x.ravel().tolist())
    ):
        return None
    return base


def _is_number(x: Any) -> bool:
    """Whether a value can be an item of an array of numbers."""
    if is_lifted(x):
        if x._origin is not None:
            return True
        shape, dtype, _ = x._spec()
        return shape == () and (dtype in _NUMBERS or isinstance(dtype, np.dtype))
    return type(x) in _NUMBERS or (isinstance(x, np.generic) and x.dtype.kind in "biufc")


def _identity_of_base(x: Any) -> int:
    """The identity of the array of which a value is a lazy item, 0 for any other value."""
    origin = x._origin if is_lifted(x) else None
    return 0 if origin is None else id(origin[0])


def _vector_of(items: list[Any], shape: tuple[int, ...]) -> Any:
    """Successive items as a vector, or as their array itself if that is of the wanted shape.

    Args:
        items: lazy items of one array, or values that are lazy items of none.
        shape: the wanted shape.
    """
    if not _identity_of_base(items[0]):
        return np.stack(items)
    base = items[0]._origin[0]
    indices = [item._current()._origin[1] for item in items]
    whole, _, _ = base._spec()
    if whole == shape and indices == list(range(math.prod(shape))):
        return base
    flat = np.reshape(base, (-1,))
    first, last = indices[0], indices[-1] + 1
    return flat[first:last] if indices == list(range(first, last)) else flat[indices]


def as_operand(x: Any) -> Any:
    """A list that holds lifted values, or an array of objects, as one array, lifted or plain.

    Raises:
        NotLiftedError: the objects are not numbers.
    """
    if type(x) not in (list, tuple):
        y = numeric(joined(x))
        if type(y) is np.ndarray and y.dtype is OBJECT and y.size:
            kinds = sorted({type(item).__name__ for item in y.flat})
            raise NotLiftedError(
                f"an array of objects of the types {', '.join(kinds)} is no array of numbers, and "
                "no operand of an operation on variables; keep the objects in a list and loop over "
                "it, or join those of one shape with np.stack"
            )
        return y
    if _WITHOUT_ITEMS.issuperset(map(type, x)):
        return x
    items = [as_operand(item) for item in x]
    if any(is_lifted(new) or new is not item for new, item in zip(items, x, strict=True)):
        return np.stack(items)
    return x
