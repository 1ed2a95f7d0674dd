"""Products: matrix products and their like. Bilinear, so each rule keeps the other operand.

The cotangent of a matrix that multiplied a vector is an outer product. It is kept as the pair
(`Outer`) until someone asks for the matrix, since making the matrix is the dearest step of all in
a network trained on single samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.cotangent import Structured, dense, merge
from gradx.core.dispatch import UFUNCS, Lifted, apply
from gradx.core.linear import Kernel, multiplied
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.devices.placement import PLACES
from gradx.native.outer import outer
from gradx.ops.helpers import conj, eye_for, summed_to, transposed

__all__ = [
    "Outer",
    "Product",
    "convolve",
    "einsum",
    "flipped",
    "free_axes",
    "matmul",
    "matvec",
    "tensordot",
    "vecdot",
    "vecmat",
]


class Outer(Structured):
    """The cotangent of a matrix as a sum of outer products, kept as pairs of vectors.

    Attributes:
        columns: vectors of the length of a column, shape (m,).
        rows: as many vectors of the length of a row, shape (n,).
    """

    __slots__ = ("columns", "rows")
    is_product = True

    def __init__(self, columns: list[Any], rows: list[Any]) -> None:
        self.columns, self.rows = columns, rows

    def dense(self) -> Any:
        """The matrix, shape (m, n), as one product of matrices."""
        if len(self.columns) == 1:
            column, row = self.columns[0], self.rows[0]
            lifted = isinstance(column, Lifted) or isinstance(row, Lifted)
            return apply(outer_of_vectors, (column, row)) if lifted else outer(column, row)
        return np.dot(self.stacked_columns(), self.stacked_rows())

    def stacked_columns(self) -> Any:
        """The columns as a matrix, shape (m, k) for k of them."""
        columns = self.columns
        return columns[0][:, None] if len(columns) == 1 else np.stack(columns, axis=1)

    def stacked_rows(self) -> Any:
        """The rows as a matrix, shape (k, n)."""
        return self.rows[0][None, :] if len(self.rows) == 1 else np.stack(self.rows, axis=0)

    def alike(self, x: Any) -> bool:
        """Whether the matrix has the shape and dtype of a plain one."""
        every = (*self.columns, *self.rows)
        return x.ndim == 2 and all(type(v) is np.ndarray and v.dtype is x.dtype for v in every)

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


class Product(Structured):
    """A product of two matrices that is not computed yet, so that its transpose costs nothing.

    The cotangent of ``w.T`` in ``xs @ w.T`` is ``xs.T @ g``, and that of ``w`` its transpose: as
    the product ``g.T @ xs`` it has the order of ``w`` in memory.

    Attributes:
        left: shape (m, k).
        right: shape (k, n).
    """

    __slots__ = ("left", "right")
    is_product = True

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right

    def dense(self) -> Any:
        """The matrix, shape (m, n)."""
        return np.matmul(self.left, self.right)

    def merged(self, other: Any) -> Any:
        """The sum, as a matrix."""
        return merge(self.dense(), other)


def flipped(g: Any) -> Any:
    """The rule of the transpose of a matrix, which takes a structured cotangent as it is."""
    if type(g) is Product:
        return np.matmul(g.right.T, g.left.T)
    return Outer(g.rows, g.columns) if type(g) is Outer else dense(g).T


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
    return summed_to(np.matmul(g, transposed(b)), a_shape)


def _matmul_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """``b`` in ``a @ b``: ``a' g``, of a batch of one row an outer product."""
    m, n = len(a.shape), len(b_shape)
    if m == 1:
        if n == 1:
            return a * g
        if n == 2:
            return Outer([a], [g])
        return summed_to(a[:, None] * g[..., None, :], b_shape)
    if n == 1:
        if m == 2:
            return np.matmul(g, a)
        return summed_to(np.matmul(transposed(a), g[..., None])[..., 0], b_shape)
    if m == n == 2 and type(a) is type(g) is np.ndarray:
        return Outer([a[0]], [g[0]]) if len(a) == 1 else Product(a.T, g)
    return summed_to(np.matmul(transposed(a), g), b_shape)


# --- Products along one axis: conjugating or not, stacks broadcast -------------------------------


def _column(g: Any) -> Any:
    return g[..., :, None]


def _row(g: Any) -> Any:
    return g[..., None, :]


def _vecdot_left(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    """``a`` in sum(conj(a) * b)."""
    return summed_to(conj(np.expand_dims(g, -1) * b), a_shape)


def _vecdot_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    return summed_to(np.expand_dims(g, -1) * conj(a), b_shape)


def _matvec_forward(a: Any, b: Any) -> Any:
    if PLACES.keys().isdisjoint({type(a), type(b)}):
        return np.matvec(a, b)
    return np.matmul(a, _column(b))[..., 0]  # not every library has the other


def _vecmat_forward(a: Any, b: Any) -> Any:
    if PLACES.keys().isdisjoint({type(a), type(b)}):
        return np.vecmat(a, b)
    return np.matmul(_row(conj(a)), b)[..., 0, :]  # likewise


def _matvec_left(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    return summed_to(_column(g) * _row(b), a_shape)


def _matvec_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    return summed_to(np.matmul(transposed(a), _column(g))[..., 0], b_shape)


def _vecmat_left(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    """``a`` in conj(a)' b."""
    return summed_to(conj(np.matmul(b, _column(g))[..., 0]), a_shape)


def _vecmat_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    return summed_to(_column(conj(a)) * _row(g), b_shape)


# --- Tensor products ------------------------------------------------------------------------------
# The axes of each operand are those contracted, in order, and the free ones, in order.

Axes = tuple[int, ...]


def free_axes(ndim: int, contracted: Axes) -> Axes:
    """The axes that are not contracted, in order."""
    return tuple(i for i in range(ndim) if i not in contracted)


def _back_in_place(h: Any, order: Axes) -> Any:
    """An array whose axis ``i`` is to be axis ``order[i]``."""
    inverse = [0] * len(order)
    for i, axis in enumerate(order):
        inverse[axis] = i
    return np.transpose(h, tuple(inverse))


def _matched(mine: Axes, theirs: Axes) -> Axes:
    """The contracted axes of one operand in the order of the other's."""
    return tuple(axis for _, axis in sorted(zip(theirs, mine, strict=True)))


def _tensordot_left(g: Any, a_shape: tuple[int, ...], b: Any, *, axes: tuple[Axes, Axes]) -> Any:
    """``a``: the cotangent contracted with ``b`` over the free axes of ``b``."""
    mine, theirs = axes
    free, other = free_axes(len(a_shape), mine), free_axes(len(b.shape), theirs)
    last = tuple(range(len(free), len(free) + len(other)))
    h = np.tensordot(g, b, axes=(last, other))
    return _back_in_place(h, free + _matched(mine, theirs))


def _tensordot_right(g: Any, a: Any, b_shape: tuple[int, ...], *, axes: tuple[Axes, Axes]) -> Any:
    """``b``: ``a`` contracted with the cotangent over the free axes of ``a``."""
    theirs, mine = axes
    free, other = free_axes(len(b_shape), mine), free_axes(len(a.shape), theirs)
    h = np.tensordot(a, g, axes=(other, tuple(range(len(other)))))
    return _back_in_place(h, _matched(mine, theirs) + free)


# --- Einsum ---------------------------------------------------------------------------------------


def _einsum(g: Any, xs: Any, i: int, *, subscripts: str, optimize: Any) -> Any:
    """The operand ``i`` of a sum of products: the same sum with the cotangent in its place.

    Letters that stand nowhere else were summed over: the cotangent is repeated along them. A
    letter that stands twice in the operand picked its diagonal: the cotangent goes there.
    """
    sources, result = subscripts.split("->")
    inputs = sources.split(",")
    mine, others = inputs[i], inputs[:i] + inputs[i + 1 :]
    known = set(result).union(*others)
    unique = "".join(dict.fromkeys(mine))
    target = "".join(c for c in unique if c in known)
    rest = [x for k, x in enumerate(xs) if k != i]
    h = np.einsum(f"{','.join([result, *others])}->{target}", g, *rest, optimize=optimize)
    shape = shape_of(xs[i])
    lengths = [shape[mine.index(c)] for c in unique]
    for axis, c in enumerate(unique):
        if c not in known:
            h = np.expand_dims(h, axis)
    h = np.broadcast_to(h, np.broadcast_shapes(h.shape, tuple(lengths)))
    h = summed_to(h, tuple(lengths))
    return h if unique == mine else _on_diagonals(h, mine, unique)


def _on_diagonals(h: Any, mine: str, unique: str) -> Any:
    """An array with an axis a letter, put on the diagonal of the axes that share a letter."""
    shape = [h.shape[unique.index(c)] for c in mine]
    first = [mine.index(c) for c in unique]
    h = np.reshape(h, tuple(n if k in first else 1 for k, n in enumerate(shape)))
    for k, c in enumerate(mine):
        other = mine.index(c)
        if other != k:
            eye = [n if axis in (k, other) else 1 for axis, n in enumerate(shape)]
            h = h * np.reshape(eye_for(h, shape[k]), tuple(eye))
    return h


# --- Convolution ----------------------------------------------------------------------------------
# y[n] = sum_k a[k] b[n - k]: all of it ("full"), or where b, not the longer, is inside ("valid").


def _convolve_left(g: Any, b: Any, *, mode: str) -> Any:
    return np.convolve(g, np.flip(b), "valid" if mode == "full" else "full")


def _convolve_right(g: Any, a: Any, *, mode: str) -> Any:
    flipped = np.flip(a)
    return np.convolve(g, flipped, "valid") if mode == "full" else np.convolve(flipped, g, "valid")


# --- The table ------------------------------------------------------------------------------------

matmul = Op("matmul", np.matmul, _matmul_left, _matmul_right, properties=Property.BILINEAR)
dot = Op("dot", np.dot, _matmul_left, _matmul_right, properties=Property.BILINEAR)
"""`np.dot` where it is a matrix product: NumPy computes it otherwise, so that last bits differ."""
dot_of_vectors = Op(
    "dot_of_vectors",
    np.dot,
    Kernel(multiplied, "b"),
    Kernel(multiplied, "a"),
    properties=Property.BILINEAR,
)
outer_of_vectors = Op(
    "outer_of_vectors",
    outer,
    lambda g, b: np.matmul(g, b),
    lambda g, a: np.matmul(a, g),
    properties=Property.BILINEAR,
)
"""All products of the items of two vectors, which `Outer` is where these are lifted."""
dot_of_stacks = Op(
    "dot_of_stacks",
    lambda a, b, *, axes: np.dot(a, b),
    _tensordot_left,
    _tensordot_right,
    properties=Property.BILINEAR,
)
"""`np.dot` where it is no matrix product, the sum over an axis of each operand.

Args:
    axes: those two axes, as `tensordot` takes them.
"""
vecdot = Op(
    "vecdot", dispatched(np.vecdot), _vecdot_left, _vecdot_right, properties=Property.BILINEAR
)
matvec = Op(
    "matvec",
    _matvec_forward,
    _matvec_left,
    _matvec_right,
    properties=Property.BILINEAR,
)
vecmat = Op(
    "vecmat",
    _vecmat_forward,
    _vecmat_left,
    _vecmat_right,
    properties=Property.BILINEAR,
)
tensordot = Op(
    "tensordot",
    lambda a, b, *, axes: np.tensordot(a, b, axes),
    _tensordot_left,
    _tensordot_right,
    properties=Property.BILINEAR,
)
einsum = Op(
    "einsum",
    lambda *xs, subscripts, optimize: np.einsum(subscripts, *xs, optimize=optimize),
    _einsum,
    variadic=True,
    properties=Property.BILINEAR,
)
convolve = Op(
    "convolve",
    lambda a, b, *, mode: np.convolve(a, b, mode),
    _convolve_left,
    _convolve_right,
    properties=Property.BILINEAR,
)

UFUNCS[np.matmul] = matmul
UFUNCS[np.vecdot] = vecdot
UFUNCS[np.matvec] = matvec
UFUNCS[np.vecmat] = vecmat

register_ops(vars().values())
