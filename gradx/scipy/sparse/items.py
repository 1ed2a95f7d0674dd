"""The items of sparse arrays: where they are, on which device, and moved to other places."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import numpy as np
import scipy.sparse

from gradx.core.dispatch import apply, has_variables
from gradx.core.spec import home
from gradx.devices.placement import on_common_device, on_device_of
from gradx.errors import NotLiftedError
from gradx.ops import shaping
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.ops.scipy.sparse import Pattern, sparse_matmul
from gradx.scipy.library import device_array

__all__ = [
    "find",
    "is_plain",
    "is_sparse",
    "on_device",
    "ones_beside",
    "pattern_of",
    "placed",
    "refuse",
    "together",
    "valued",
]

Array = np.ndarray[Any, Any]

is_sparse: Callable[[Any], bool] = scipy.sparse.issparse


def refuse(what: str, remedy: str) -> NoReturn:
    """Say what has no derivative, and what to write.

    Raises:
        NotLiftedError: always.
    """
    raise NotLiftedError(f"{what} of variables has no derivative in gradx; write {remedy}")


def pattern_of(x: Any) -> Pattern:
    """Where the items of a sparse array stand; that of items on a device stays with the array.

    Raises:
        NotLiftedError: it has one axis alone.
    """
    known: Pattern | None = vars(x).get("_pattern")
    if known is not None:
        return known
    if len(x.shape) != 2:
        refuse("a sparse array of one axis", "x.reshape(1, -1), of plain items")
    places = tuple(x.coords) if x.format == "coo" else (x.indices, x.indptr)
    pattern = Pattern(x.format, places, x.shape)
    if first_device_array((x.data,)) is not None:
        x._pattern = pattern
    return pattern


def on_device(x: Any) -> bool:
    """Whether the items of an array, or of what one is made of, are on a device."""
    data = x.data if is_sparse(x) else x[0] if type(x) is tuple and x else x
    return device_array(data) is not None


def is_plain(*xs: Any) -> bool:
    """Whether arrays, sparse or dense, are plain ones of the host, which SciPy's own takes."""
    return not any(has_variables(x.data if is_sparse(x) else x) or on_device(x) for x in xs)


def together(name: str, *xs: Any) -> AbstractContextManager[Any]:
    """Work on the device of all operands, which must be on one."""
    return on_common_device(f"{name} of a sparse array", map(home, xs))


def valued(y: Any, own: Any) -> Any:
    """A result with the value that SciPy gives; where there is none it is on a device."""
    return y if own is None else apply(shaping.computed, (y, own))


def ones_beside(data: Any, count: int) -> Any:
    """A vector of ones where items are."""
    with on_device_of(home(data)):
        return zeros_for(data, (count,)) + 1


def find(x: Any, rows: Any, columns: Any) -> Array:
    """Where the items at given places are among those of an array.

    Raises:
        NotLiftedError: the array has two items at one place.
    """
    pattern = pattern_of(x)
    width = pattern.shape[1]
    known = np.asarray(pattern.rows, np.int64) * width + pattern.columns
    order = np.argsort(known)
    if np.any(np.diff(known[order]) == 0):
        refuse("the conversion of a sparse array with two items at one place", "A.tocoo() first")
    wanted = np.asarray(rows, np.int64) * width + columns
    found: Array = order[np.searchsorted(known, wanted, sorter=order)]
    return found


def placed(data: Any, which: Array, size: int) -> Any:
    """A vector with items at places, summed where they repeat."""
    count = len(which)
    sums = Pattern("coo", (which, np.arange(count)), (size, count))
    return apply(sparse_matmul, (ones_beside(data, count), data), {"pattern": sums})
