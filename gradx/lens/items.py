"""Items of arrays: new arrays that differ from an array at an index or along the first axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.objects import is_lifted
from gradx.core.spec import primal, shape_of
from gradx.errors import OpticError
from gradx.ops.indexing import may_repeat, scatter

__all__ = ["positions", "stacked", "with_item"]


def positions(shape: tuple[int, ...], index: Any) -> Any:
    """The positions of the items that an index selects, counted along the flattened array."""
    return np.ravel(np.arange(np.prod(shape, dtype=int)).reshape(shape)[index])


def with_item(array: Any, index: Any, part: Any) -> Any:
    """An array with other items at an index; the gradient at the index goes to the part.

    Args:
        array: an array, plain or a variable.
        index: any index that selects no item twice.
        part: the new items, plain or a variable, of a shape that broadcasts to that of the index.

    Raises:
        OpticError: the index selects an item twice, or the part does not fit.
    """
    old = primal(array)
    taken = old[index]
    _check(old, index, taken, part)
    if not is_lifted(array) and not is_lifted(part):
        new = old.copy()
        new[index] = part
        return new
    mask = np.zeros_like(old, dtype=bool)
    mask[index] = True
    if shape_of(part) != ():  # a number fits everywhere
        part = np.broadcast_to(part, shape_of(taken))
        part = apply(scatter, (part,), {"indices": (index,), "shape": old.shape})
    new = np.where(mask, part, array)
    return new if new.dtype == old.dtype else new.astype(old.dtype)


def stacked(new: Sequence[Any], like: Any) -> Any:
    """The array of new entries along the first axis, on the device of an array.

    Python numbers among the entries are promoted as in arithmetic with the array: they do not turn
    a float32 array into a float64 array.

    Args:
        new: the entries, plain or variables.
        like: the array, plain.
    """
    if not new:
        return like
    values = [primal(x) for x in new]
    weak = [x for x in values if type(x) in (int, float, complex)]
    if not weak:
        return np.stack(new)
    if not isinstance(like, np.ndarray):
        new = [_placed(x, like) if isinstance(primal(x), (int, float, complex)) else x for x in new]
    whole = np.stack(new)
    strong = [getattr(x, "dtype", x) for x in values if type(x) not in (int, float, complex)]
    dtype = np.result_type(*(strong or [like.dtype]), *weak)
    return whole if whole.dtype == dtype else whole.astype(dtype)


def _placed(x: Any, like: Any) -> Any:
    """A number, plain or a variable, on the device of an array."""
    # CuPy ignores a shape of ().
    dtype = np.result_type(like.dtype, primal(x))
    if x is primal(x):
        return np.full_like(like, x, dtype=dtype, shape=(1,))[0]
    return np.ones_like(like, dtype=dtype, shape=(1,))[0] * x


_RANK = "biufc"


def _check(old: Any, index: Any, taken: Any, part: Any) -> None:
    numbers = positions(old.shape, index).tolist() if may_repeat(index) else []
    if len(set(numbers)) < len(numbers):
        raise OpticError(
            f"the index {index!r} selects an item twice, so its foci overlap and cannot be set; "
            "select each item once"
        )
    value = primal(part)
    kind = np.asarray(value).dtype.kind if not hasattr(value, "dtype") else value.dtype.kind
    if old.dtype.kind in _RANK and not 0 <= _RANK.find(kind) <= _RANK.find(old.dtype.kind):
        raise OpticError(
            f"a {type(value).__name__} set into an array of dtype {old.dtype} would change its "
            "type; give numbers that the array can hold, or cast it with x.astype(…) first"
        )
    try:
        np.broadcast_to(np.empty(shape_of(value), bool), shape_of(taken))
    except ValueError:
        raise OpticError(
            f"a part of shape {shape_of(value)} was set where the array has {shape_of(taken)}; "
            "give one of that shape"
        ) from None
