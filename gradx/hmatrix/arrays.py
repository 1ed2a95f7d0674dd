"""Arrays: create, split, combine and multiply vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "Array",
    "Scalar",
    "above",
    "app",
    "append",
    "beside",
    "col",
    "concat",
    "create",
    "cross",
    "diag",
    "diag_r",
    "dim",
    "dot",
    "extract_m",
    "extract_v",
    "eye",
    "from_columns",
    "from_rows",
    "head_tail",
    "her",
    "konst",
    "linspace",
    "m_tm",
    "matrix",
    "mul",
    "outer",
    "range_",
    "row",
    "split",
    "split_cols",
    "split_rows",
    "sum_elements",
    "sym",
    "take_diag",
    "to_columns",
    "to_rows",
    "tr",
    "un_sym",
    "uncol",
    "unrow",
    "vec2",
    "vec3",
    "vec4",
    "vector",
]

Array = Any
"""A NumPy array or a variable of one."""
Scalar = Any
"""A number, an array without axes, or a variable of one."""


# --- Vectors --------------------------------------------------------------------------------------


def vec2(x: Scalar, y: Scalar) -> Array:
    """The vector of two numbers."""
    return np.stack([x, y])


def vec3(x: Scalar, y: Scalar, z: Scalar) -> Array:
    """The vector of three numbers."""
    return np.stack([x, y, z])


def vec4(x: Scalar, y: Scalar, z: Scalar, w: Scalar) -> Array:
    """The vector of four numbers."""
    return np.stack([x, y, z, w])


def vector(xs: Sequence[Scalar]) -> Array:
    """The vector, shape (n,), of a list of n numbers."""
    return np.stack(list(xs))


def append(v: Array, x: Scalar) -> Array:
    """A vector, shape (n,), and one more number: shape (n + 1,). Haskell's ``&``."""
    return np.append(v, x)


def concat(v: Array, w: Array) -> Array:
    """Two vectors, one after the other. Haskell's ``#``."""
    return np.concatenate([v, w])


def split(p: int, v: Array) -> tuple[Array, Array]:
    """The first p items of a vector, and the others."""
    return v[:p], v[p:]


def head_tail(v: Array) -> tuple[Scalar, Array]:
    """The first item of a vector, and the others; there may be no others."""
    return v[0], v[1:]


def linspace(n: int, low: Scalar, high: Scalar) -> Array:
    """N numbers at equal distances from the lowest to the highest, shape (n,)."""
    return np.linspace(low, high, n)


def konst(c: Scalar, shape: int | tuple[int, ...]) -> Array:
    """A vector or matrix with one number everywhere."""
    return np.broadcast_to(c, shape)


def sum_elements(x: Array) -> Scalar:
    """The sum of all items of a vector or matrix."""
    return np.sum(x)


# --- Matrices -------------------------------------------------------------------------------------


def matrix(m: int, n: int, xs: Sequence[Scalar]) -> Array:
    """The matrix, shape (m, n), of a list of its m * n numbers, row by row."""
    return np.reshape(np.stack(list(xs)), (m, n))


def row(v: Array) -> Array:
    """The matrix, shape (1, n), of one row."""
    return np.reshape(v, (1, -1))


def col(v: Array) -> Array:
    """The matrix, shape (n, 1), of one column."""
    return np.reshape(v, (-1, 1))


def unrow(a: Array) -> Array:
    """The only row of a matrix, shape (1, n) to (n,)."""
    return np.squeeze(a, axis=0)


def uncol(a: Array) -> Array:
    """The only column of a matrix, shape (n, 1) to (n,)."""
    return np.squeeze(a, axis=1)


def beside(a: Array, b: Array) -> Array:
    """Two matrices with the same number of rows, side by side. Haskell's ``|||``."""
    return np.concatenate([a, b], axis=1)


def above(a: Array, b: Array) -> Array:
    """Two matrices with the same number of columns, one above the other. Haskell's ``===``."""
    return np.concatenate([a, b], axis=0)


def split_rows(p: int, a: Array) -> tuple[Array, Array]:
    """The first p rows of a matrix, and the others."""
    return a[:p], a[p:]


def split_cols(p: int, a: Array) -> tuple[Array, Array]:
    """The first p columns of a matrix, and the others."""
    return a[:, :p], a[:, p:]


def to_rows(a: Array) -> list[Array]:
    """The rows of a matrix, shape (m, n): m vectors of shape (n,)."""
    return list(a)


def to_columns(a: Array) -> list[Array]:
    """The columns of a matrix, shape (m, n): n vectors of shape (m,)."""
    return list(tr(a))


def from_rows(rows: Sequence[Array]) -> Array:
    """The matrix of a list of vectors as its rows."""
    return np.stack(list(rows))


def from_columns(columns: Sequence[Array]) -> Array:
    """The matrix of a list of vectors as its columns."""
    return np.stack(list(columns), axis=1)


def tr(a: Array) -> Array:
    """The transpose."""
    return np.transpose(a)


def eye(n: int) -> Array:
    """The identity matrix, shape (n, n)."""
    return np.eye(n)


def range_(n: int) -> Array:
    """The vector of the numbers from 1 to n."""
    return np.arange(1.0, n + 1)


def dim(n: int) -> Array:
    """The vector of n items that are all n, which is how hmatrix writes a size."""
    return np.full(n, float(n))


def diag(v: Array) -> Array:
    """The square matrix with a vector on its diagonal."""
    return np.diag(v)


def take_diag(a: Array) -> Array:
    """The diagonal of a matrix, shape (m, n), as a vector, shape (min(m, n),)."""
    return np.diagonal(a)


def diag_r(c: Scalar, v: Array, m: int, n: int) -> Array:
    """A matrix, shape (m, n), with a vector on the diagonal and one number everywhere else.

    Args:
        c: the number off the diagonal, and on it after the end of the vector.
        v: the diagonal, shape (k,) with k <= min(m, n).
        m: the number of rows.
        n: the number of columns.
    """
    k = np.shape(v)[0]
    place = np.where(np.eye(m, n, dtype=bool), np.arange(m)[:, None], k)
    return np.append(v, c)[np.minimum(place, k)]


def sym(a: Array) -> Array:
    """The symmetric part of a square matrix, ``(A + A') / 2``."""
    return (a + tr(a)) / 2


def her(a: Array) -> Array:
    """The Hermitian part of a square matrix, ``(A + A*) / 2``."""
    return (a + np.conjugate(tr(a))) / 2


def un_sym(a: Array) -> Array:
    """A symmetric matrix as a general one: itself."""
    return a


def extract_v(v: Array) -> Array:
    """A vector whose size is not in its type: itself."""
    return v


def extract_m(a: Array) -> Array:
    """A matrix whose size is not in its type: itself."""
    return a


def create(shape: int | tuple[int, ...], x: Array) -> Array | None:
    """The vector or matrix itself if it has a shape, otherwise None."""
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    return x if tuple(np.shape(x)) == wanted else None


# --- Products -------------------------------------------------------------------------------------


def mul(a: Array, b: Array) -> Array:
    """The product of two matrices. Haskell's ``<>``."""
    return np.matmul(a, b)


def app(a: Array, v: Array) -> Array:
    """The product of a matrix and a vector. Haskell's ``#>``."""
    return np.matmul(a, v)


def dot(v: Array, w: Array) -> Scalar:
    """The product of two vectors, ``sum(v * w)``. Haskell's ``<.>``."""
    return np.dot(v, w)


def cross(v: Array, w: Array) -> Array:
    """The vector product in three dimensions."""
    return np.cross(v, w)


def outer(v: Array, w: Array) -> Array:
    """The outer product of two vectors of shapes (m,) and (n,), shape (m, n)."""
    return np.outer(v, w)


def m_tm(a: Array) -> Array:
    """``A' A``, the inner products of the columns. Haskell's ``mTm``."""
    return np.matmul(tr(a), a)
