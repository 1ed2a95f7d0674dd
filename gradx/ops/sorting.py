"""Orders along an axis: sorting, running sums and products, interpolation between points."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched, kernel
from gradx.ops.helpers import zeros_for

__all__ = ["cumprod", "cumsum", "gather", "partition", "scatter_added", "sort"]


_partitioned = dispatched(np.partition)


def _ranked(g: Any, x: Any, *, axis: int, kind: Any = None) -> Any:
    """For each item that of ``g`` whose place is the item's rank: the rule of a sort."""
    rank = np.argsort(np.argsort(x, axis=axis, kind=kind), axis=axis)
    return np.take_along_axis(g, rank, axis=axis)


def _partition(g: Any, x: Any, y: Any, *, axis: int, kth: Any, kind: Any) -> Any:
    """Each item gets the cotangent of the item of the result that has its rank."""
    return _ranked(np.take_along_axis(g, np.argsort(y, axis=axis), axis=axis), x, axis=axis)


def _scatter_added(a: Any, b: Any, *, shape: tuple[int, ...]) -> Any:
    buffer = zeros_for(a, shape)
    kernel(np.add.at, buffer)(buffer, b, a)
    return buffer


def _gather(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    return apply(scatter_added, (g, b), {"shape": a_shape})


def _cumsum(g: Any, *, axis: int) -> Any:
    """The running sum from the other end."""
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


def _part(axis: int, part: slice) -> tuple[Any, ...]:
    return (slice(None),) * axis + (part,)


def reversed_recurrence(a: Any, b: Any, axis: int) -> Any:
    """The solution of ``r[i] = b[i] + a[i] * r[i + 1]``, which ends with ``r[n - 1] = b[n - 1]``.

    By doubling, so in log2(n) steps on whole arrays: after the step of distance d, ``b[i]`` adds up
    2 d terms and ``a[i]`` is the factor to those that follow.

    Args:
        a: the factors, one fewer than terms.
        b: the terms.
        axis: the axis of ``i``, from 0.
    """
    n, d = b.shape[axis], 1
    while d < n:
        head, tail, later = (_part(axis, s) for s in (slice(n - d), slice(n - d, n), slice(d, n)))
        b = np.concatenate([b[head] + a * b[later], b[tail]], axis=axis)
        left = max(n - 2 * d, 0)
        a = a[_part(axis, slice(left))] * a[_part(axis, slice(d, d + left))]
        d *= 2
    return b


def _cumprod(g: Any, x: Any, *, axis: int) -> Any:
    """Right with zeros, since nothing is divided by.

    With p the product of the items before j, the cotangent is p[j] r[j], where
    r[j] = sum over i >= j of g[i] x[j+1] ... x[i], that is r[j] = g[j] + x[j+1] r[j+1].
    """
    n = x.shape[axis]
    if n == 0:
        return g
    first, rest = _part(axis, slice(1)), _part(axis, slice(1, None))
    one = np.ones_like(x[first])
    before = np.concatenate([one, np.cumprod(x[_part(axis, slice(n - 1))], axis=axis)], axis=axis)
    return before * reversed_recurrence(x[rest], g, axis)


# Items of a vector at places that were computed, which are an operand and no parameter.
gather = Op(
    "gather",
    lambda a, b: a[b],
    _gather,
    None,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
scatter_added = Op(
    "scatter_added",
    _scatter_added,
    lambda g, b: apply(gather, (g, b)),
    None,
    properties=Property.LINEAR,
)

sort = Op("sort", lambda x, *, axis, kind: np.sort(x, axis=axis, kind=kind), _ranked)
partition = Op(
    "partition",
    lambda x, *, axis, kth, kind: _partitioned(x, kth, axis=axis, kind=kind),
    _partition,
)
cumsum = Op(
    "cumsum", lambda x, *, axis: np.cumsum(x, axis=axis), _cumsum, properties=Property.LINEAR
)
cumprod = Op("cumprod", lambda x, *, axis: np.cumprod(x, axis=axis), _cumprod)

register_ops(vars().values())
