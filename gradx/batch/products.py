"""Batching of products: stacks of matrices where NumPy takes them, `np.einsum` elsewhere."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.batch.loops import looped
from gradx.batch.operands import Operand, Rule, aligned, shifted, whole
from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.ops import products
from gradx.ops.products import free_axes

__all__ = [
    "columns",
    "contracted",
    "convolved",
    "correlated",
    "einsum",
    "filtered",
    "inner",
    "matmul",
    "outer",
    "rows_by_weights",
    "stacked_vectors",
]


def matmul(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.matmul`, and `np.dot` of matrices and vectors."""
    a, b = xs
    if not (a.ndim and b.ndim) or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        _refuse(products.matmul, a, b, {})
    if a.batched and not b.batched and b.ndim <= 2:
        return _by_constant(a.value, b.value)
    if b.batched and not a.batched and a.ndim <= 2 and b.ndim == 1:
        return _by_constant(b.value, np.transpose(a.value))
    if a.ndim == b.ndim == 1:
        return _einsum("zi,zi->z", a.value, b.value)
    if a.ndim == 2 and b.ndim == 1:
        return np.matmul(a.value, b.value[..., None])[..., 0]
    if a.ndim == 1 and b.ndim == 2:
        return (
            np.matmul(a.value[:, None, :], whole(b, size))[:, 0]
            if a.batched
            else np.matmul(a.value, b.value)
        )
    return _in_stacks(a, b, size)


def _refuse(op: Op, a: Operand, b: Operand, params: dict[str, Any]) -> None:
    """Raise NumPy's own error for shapes that do not fit, were they to be repeated in a batch."""
    op.forward(*[np.broadcast_to(0.0, x.shape) for x in (a, b)], **params)


def _by_constant(x: Any, w: Any) -> Any:
    """``x @ w`` with a vector or matrix ``w`` for all examples: one product of matrices."""
    n = len(x.shape)
    if n == len(w.shape) == 2 and type(x) is type(w) is np.ndarray and x.strides[0] < x.strides[1]:
        return np.matmul(w.T, x.T).T  # so that the examples lie next to one another again
    if n <= 2:
        return np.matmul(x, w)
    rows = np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
    y = np.matmul(rows, w)
    return np.reshape(y, (*x.shape[:-1], *y.shape[1:]))


def _in_stacks(a: Operand, b: Operand, size: int) -> Any:
    """Matrices, or stacks of them, with vectors as matrices of one row or column."""
    if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0] == 1:
        return a.value * b.value  # an outer product
    stack = max(a.ndim - 2, b.ndim - 2, 0)
    left = _as_matrices(a, stack, (1, *a.shape) if a.ndim == 1 else a.shape)
    right = _as_matrices(b, stack, (*b.shape, 1) if b.ndim == 1 else b.shape)
    y = np.matmul(left, right)
    if a.ndim == 1:
        y = y[..., 0, :]
    return y[..., 0] if b.ndim == 1 else y


def _as_matrices(x: Operand, stack: int, shape: tuple[int, ...]) -> Any:
    if not x.batched:
        return np.reshape(x.value, shape)
    ones = (1,) * (stack + 2 - len(shape))
    return np.reshape(x.value, (x.value.shape[0], *ones, *shape))


def _einsum(subscripts: str, *xs: Any) -> Any:
    return apply(products.einsum, xs, {"subscripts": subscripts, "optimize": False})


def einsum(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.einsum` with one more letter."""
    sources, result = params["subscripts"].split("->")
    letter = next(c for c in string.ascii_letters if c not in params["subscripts"])
    terms = [
        letter + term if x.batched else term for term, x in zip(sources.split(","), xs, strict=True)
    ]
    subscripts = f"{','.join(terms)}->{letter}{result}"
    return apply(op, [x.value for x in xs], {**params, "subscripts": subscripts})


def contracted(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.tensordot`, and `np.dot` of stacks."""
    a, b = xs
    mine, theirs = params["axes"]
    if any(a.shape[i] != b.shape[k] for i, k in zip(mine, theirs, strict=True)):
        _refuse(op, a, b, params)
    if a.batched and not b.batched:
        return np.tensordot(a.value, b.value, (shifted(tuple(mine), a.ndim), theirs))
    if b.batched and not a.batched:
        y = np.tensordot(a.value, b.value, (mine, shifted(tuple(theirs), b.ndim)))
        return np.moveaxis(y, len(free_axes(a.ndim, tuple(mine))), 0)
    letters = iter(string.ascii_letters[1:])
    left = [next(letters) for _ in range(a.ndim)]
    right = [next(letters) for _ in range(b.ndim)]
    for i, k in zip(mine, theirs, strict=True):
        right[k] = left[i]
    free = [left[i] for i in free_axes(a.ndim, tuple(mine))]
    free += [right[i] for i in free_axes(b.ndim, tuple(theirs))]
    subscripts = f"a{''.join(left)},a{''.join(right)}->a{''.join(free)}"
    return _einsum(subscripts, a.value, b.value)


def inner(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The product of two vectors, or of a number and an array."""
    a, b = xs
    if a.ndim and b.ndim:
        return matmul(products.matmul, xs, params, size)
    ndim = max(a.ndim, b.ndim)
    return aligned(a, ndim) * aligned(b, ndim)


def outer(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """All products of the items of two vectors: a product that broadcasts."""
    a, b = xs
    left = a.value[:, :, None] if a.batched else a.value[:, None]
    return left * (b.value[:, None, :] if b.batched else b.value)


def stacked_vectors(vectors: tuple[bool, bool]) -> Any:
    """The rule of a product of vectors or matrices along the last axes, which takes stacks.

    Args:
        vectors: of which operand one example has one axis; else it has two.
    """

    def rule(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
        stacks = [x.ndim - 2 + own for x, own in zip(xs, vectors, strict=True)]
        if min(stacks) < 0:  # the batch would be an axis of a vector or matrix
            return looped(op, xs, params, size)
        stack = max(stacks)
        values = [aligned(x, stack + 2 - own) for x, own in zip(xs, vectors, strict=True)]
        return apply(op, values, params or None)

    return rule


def rows_by_weights(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """``a @ b.T`` of rows and the weights of a layer."""
    a, b = xs
    if not b.batched:
        return apply(op, (a.value, b.value), None)
    rows = np.reshape(
        a.value, (*((size,) if a.batched else ()), math.prod(a.shape[:-1]), a.shape[-1])
    )
    y = np.matmul(rows, np.swapaxes(b.value, -1, -2))
    return np.reshape(y, (size, *a.shape[:-1], b.shape[0]))


# --- Maps that are the same for all examples ------------------------------------------------------


def convolved(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.convolve` of vectors with one for all examples: its product with windows."""
    x, w = xs if xs[0].batched else xs[::-1]
    n = w.shape[0]
    full = params["mode"] == "full"
    if w.batched or not n or (not full and n > x.shape[0]):
        return looped(op, xs, params, size)
    value = np.pad(x.value, ((0, 0), (n - 1, n - 1))) if full else x.value
    return np.matmul(np.lib.stride_tricks.sliding_window_view(value, n, 1), np.flip(w.value))


def correlated(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A correlation with constant weights."""
    return apply(op, (xs[0].value,), {"weights": params["weights"][None]})


def filtered(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A rational filter that is the same for all examples."""
    b, a, x = xs
    if b.batched or a.batched:
        return looped(op, xs, params, size)
    return apply(op, (b.value, a.value, x.value), {"axis": shifted(params["axis"], x.ndim)})


def columns(place: int) -> Rule:
    """The rule of a map of the columns of an operand: the examples are more columns.

    Args:
        place: which operand has the columns; any other is the same for all examples, or there is a
            loop.
    """

    def rule(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
        x = xs[place]
        if not x.batched or any(other.batched for other in xs if other is not x):
            return looped(op, xs, params, size)
        n, rest = x.shape[0], x.shape[1:]
        wide = np.reshape(np.moveaxis(x.value, 0, 1), (n, size * math.prod(rest)))
        y = apply(op, [wide if other is x else other.value for other in xs], params or None)
        return np.moveaxis(np.reshape(y, (y.shape[0], size, *rest)), 0, 1)

    return rule
