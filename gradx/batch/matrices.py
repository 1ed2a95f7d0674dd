"""Batching of linear algebra: NumPy's functions take stacks of matrices as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.batch.loops import looped
from gradx.batch.operands import Operand, aligned, whole
from gradx.core.dispatch import apply
from gradx.core.op import Op

__all__ = ["estimated", "solved", "stacked", "values_and_matrices"]


def stacked(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A function of matrices, or stacks of them; what is none is so one after the other."""
    ndim = max(x.ndim for x in xs)
    if ndim < 2:  # the batch would be an axis of the matrix
        return looped(op, xs, params, size)
    return apply(op, [aligned(x, ndim) for x in xs], params or None)


def values_and_matrices(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A function of the values of matrices, shape (…, n), and the matrices, shape (…, n, n)."""
    a, b = xs
    ndim = max(a.ndim + 1, b.ndim)
    return apply(op, (aligned(a, ndim - 1), aligned(b, ndim)), params or None)


def solved(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The solution of a system, where the right-hand side is a vector or columns."""
    if xs[0].ndim < 2:
        return looped(op, xs, params, size)
    a, b = xs if op.broadcasts else [Operand(whole(x, size), x.spec, True) for x in xs]
    ndim = max(a.ndim, b.ndim, 2)
    if b.ndim != 1:
        return apply(op, (aligned(a, ndim), aligned(b, ndim)), params or None)
    columns = Operand(b.value[..., None], b.spec._replace(shape=(*b.shape, 1)), b.batched)
    y = apply(op, (aligned(a, ndim), aligned(columns, ndim)), params or None)
    return y[..., 0]


def estimated(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A function of matrices that draws random vectors of its own, to estimate norms."""
    state = np.random.get_state()
    try:
        return stacked(op, xs, params, size)
    finally:
        np.random.set_state(state)
