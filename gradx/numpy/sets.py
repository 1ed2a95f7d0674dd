"""Sets under NumPy's names: the distinct items of arrays, which keep their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import implements
from gradx.numpy.arguments import operand, operands, primals, to_the_bit
from gradx.numpy.indexing import take
from gradx.numpy.joining import concatenate
from gradx.numpy.shaping import ravel
from gradx.ops.helpers import first_device_array

__all__ = [
    "intersect1d",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


@implements(np.unique)
@to_the_bit(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """As `np.unique`; the derivative goes to the first of equal items."""
    x = ravel(ar) if axis is None else operand(ar)
    _, index, inverse, counts = np.unique(
        primals(ar),
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=axis,
        equal_nan=equal_nan,
    )
    values = take(x, index, axis)
    wanted = ((index, return_index), (inverse, return_inverse), (counts, return_counts))
    more = [each for each, asked in wanted if asked]
    return (values, *more) if more else values


@implements(np.unique_values)
@to_the_bit(np.unique_values)
def unique_values(x: Any, /) -> Any:
    """As `np.unique_values`; the derivative goes to the first of equal items."""
    if first_device_array((x,)) is not None:
        return unique(x, equal_nan=False)
    own, found = np.unique_values(primals(x)), np.unique_all(primals(x))
    indices = np.empty_like(found.indices)
    indices[np.argsort(own, kind="stable")] = found.indices  # NumPy may leave them unsorted
    return take(x, indices)


@implements(np.unique_all)
def unique_all(x: Any, /) -> Any:
    """As `np.unique_all`; the derivative goes to the first of equal items."""
    found = np.unique_all(primals(x))
    return type(found)(take(x, found.indices), *found[1:])


@implements(np.unique_counts)
@to_the_bit(np.unique_counts)
def unique_counts(x: Any, /) -> Any:
    """As `np.unique_counts`; the derivative goes to the first of equal items."""
    found = unique_all(x)
    return type(np.unique_counts(()))(found.values, found.counts)


@implements(np.unique_inverse)
def unique_inverse(x: Any, /) -> Any:
    """As `np.unique_inverse`; the derivative goes to the first of equal items."""
    found = unique_all(x)
    return type(np.unique_inverse(()))(found.values, found.inverse_indices)


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    """As `np.union1d`; the derivative goes to the first of equal items."""
    return unique(concatenate([ar1, ar2], None))


@implements(np.intersect1d)
@to_the_bit(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """As `np.intersect1d`; the derivative goes to the items of the first array."""
    ar1, ar2 = operands(ar1, ar2)
    _, first, second = np.intersect1d(
        primals(ar1), primals(ar2), assume_unique, return_indices=True
    )
    items = take(ar1, first)
    return (items, first, second) if return_indices else items


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """As `np.setdiff1d`; the derivative goes to the first of equal items."""
    ar1, ar2 = operands(ar1, ar2)
    items = ravel(ar1) if assume_unique else unique(ar1)
    return take(items, np.flatnonzero(np.isin(primals(items), primals(ar2), invert=True)))


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """As `np.setxor1d`; the derivative goes to the first of equal items."""
    sides = [ravel(x) if assume_unique else unique(x) for x in operands(ar1, ar2)]
    both = np.sort(concatenate(sides))
    found = primals(both)
    end = np.ones_like(found, shape=1, dtype=bool)
    differs = np.concatenate([end, found[1:] != found[:-1], end])
    alone = differs[1:] & differs[:-1] if len(found) else end[:0]
    return take(both, np.flatnonzero(alone))
