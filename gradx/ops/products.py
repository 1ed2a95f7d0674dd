"""Products: matrix products and their like. Bilinear, so each rule keeps the other operand.

The cotangent of a matrix that multiplied a vector is an outer product. It is kept as the pair
(`Outer`) until someone asks for the matrix, since making the matrix is the dearest step of all in
a network trained on single samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.cotangent import Structured, merge
from gradx.lifted import UFUNCS
from gradx.op import Op
from gradx.ops.helpers import summed_to

__all__ = ["Outer", "matmul"]


class Outer(Structured):
    """A sum of outer products of vectors, the cotangent of a matrix, kept as the vectors.

    Attributes:
        columns: vectors of the length of a column, shape (m,).
        rows: as many vectors of the length of a row, shape (n,).
    """

    __slots__ = ("columns", "rows")

    def __init__(self, columns: list[Any], rows: list[Any]) -> None:
        self.columns, self.rows = columns, rows

    def dense(self) -> Any:
        """The matrix, shape (m, n), as one product of matrices."""
        if len(self.columns) == 1:
            return np.dot(self.columns[0][:, None], self.rows[0][None, :])
        return np.dot(np.stack(self.columns, axis=1), np.stack(self.rows, axis=0))

    def merged(self, other: Any) -> Any:
        """The sum; stays a list of pairs while it has fewer of them than the matrix has rows."""
        if isinstance(other, Outer):
            columns, rows = self.columns + other.columns, self.rows + other.rows
            joined = Outer(columns, rows)
            short = len(columns) <= max(1, min(len(columns[0]), len(rows[0])) // 2)
            return joined if short else joined.dense()
        if isinstance(other, Structured):
            return merge(self.dense(), other)
        return self.dense() + other


def _transposed(x: Any) -> Any:
    """A matrix or a stack of them with the last two axes exchanged."""
    return x.T if len(x.shape) == 2 else np.swapaxes(x, -1, -2)


def _matmul_left(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    """``a`` in ``a @ b``: ``g b'``, with vectors as one-row or one-column matrices."""
    m, n = len(a_shape), len(b.shape)
    if n == 1:
        if m == 1:
            return g * b
        if m == 2:
            return Outer([g], [b])
        return g[..., None] * b
    if m == 1:
        if n == 2:
            return np.matmul(b, g)
        return summed_to(np.matmul(b, g[..., None])[..., 0], a_shape)
    return summed_to(np.matmul(g, _transposed(b)), a_shape)


def _matmul_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """``b`` in ``a @ b``: ``a' g``."""
    m, n = len(a.shape), len(b_shape)
    if m == 1:
        if n == 1:
            return a * g
        if n == 2:
            return Outer([a], [g])
        return summed_to(a[:, None] * g[..., None, :], b_shape)
    if n == 1:
        if m == 2:
            return np.matmul(_transposed(a), g)
        return summed_to(np.matmul(_transposed(a), g[..., None])[..., 0], b_shape)
    return summed_to(np.matmul(_transposed(a), g), b_shape)


matmul = Op("matmul", np.matmul, _matmul_left, _matmul_right)
UFUNCS[np.matmul] = matmul
