"""Linear algebra under the names of `numpy.linalg`: matrices, and stacks of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.linalg import LinAlgError

from gradx.core.dispatch import apply, implements
from gradx.core.op import Op, register_ops
from gradx.core.spec import shape_of
from gradx.devices.placement import copied
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import (
    counts,
    is_lifted,
    operand,
    operands,
    primals,
    refuse_out,
    to_the_bit,
)
from gradx.numpy.decompositions import (
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    leaves_out,
    qr,
    svd,
    svdvals,
)
from gradx.ops import linalg, shaping, spectral
from gradx.ops.helpers import conj, eye_for, in_floats, transposed, zeros_for
from gradx.ops.reductions import real_dtype

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]

_SLOGDET = type(np.linalg.slogdet(np.eye(1)))


# --- Inverses, determinants, equations ------------------------------------------------------------


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """As `np.linalg.inv`."""
    return apply(linalg.inv, (operand(a),))


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """As `np.linalg.det`; the first two derivatives are right for singular matrices too."""
    return apply(linalg.det, (operand(a),))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """As `np.linalg.slogdet`: the sign and the logarithm of the modulus."""
    return _SLOGDET(*apply(linalg.slogdet, (operand(a),)))


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """As `np.linalg.solve`: one vector, or stacks of matrices, on the right."""
    return apply(linalg.solve, operands(a, b))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, **options: Any) -> Any:
    """As `np.linalg.pinv`; the derivative is that among matrices of the same rank.

    Where a bound leaves out singular values that are not 0 to rounding it is that of what is left.
    """
    a = operand(a)
    if rcond is not None:
        options["rcond"] = rcond
    bound = options.get("rtol") if rcond is None else rcond
    if hermitian:  # by the triangle that NumPy reads
        lower = np.tril(a, -1)
        a, options["hermitian"] = lower + conj(transposed(lower)) + _real_diagonal(a), True
    op = spectral.pinv_of_part if leaves_out(a, bound) else linalg.pinv
    return apply(op, (a,), {"options": options})


def _real_diagonal(a: Any) -> Any:
    """A matrix of the real parts of a diagonal, and zeros."""
    return np.real(np.tril(np.triu(a)))


@implements(np.linalg.lstsq)
@to_the_bit(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """As `np.linalg.lstsq`, by the pseudo-inverse; the rank is a plain value."""
    a, b = operands(a, b)
    inverse = pinv(a, rtol=None) if rcond is None else pinv(a, rcond)
    x = np.matmul(inverse, b)
    rank, (m, n) = np.linalg.lstsq(primals(a), primals(b), rcond)[2], shape_of(a)
    if rank < n or m <= n:
        residuals = zeros_for(x, (0,), real_dtype(primals(x)))
    else:
        rest = np.absolute(b - np.matmul(a, x))
        residuals = np.atleast_1d(np.sum(rest * rest, axis=0))
    return x, residuals, rank, svdvals(a)


@implements(np.linalg.tensorinv)
@to_the_bit(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """As `np.linalg.tensorinv`."""
    a = operand(a)
    shape = tuple(shape_of(a))
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv with ind={ind}; it must be positive")
    matrix = np.reshape(a, (math.prod(shape[:ind]), math.prod(shape[ind:])))
    return np.reshape(inv(matrix), shape[ind:] + shape[:ind])


@implements(np.linalg.tensorsolve)
@to_the_bit(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    """As `np.linalg.tensorsolve`."""
    a, b = operands(a, b)
    if axes is not None:
        last = [axis % a.ndim for axis in axes]
        a = np.transpose(a, [i for i in range(a.ndim) if i not in last] + last)
    rest = tuple(shape_of(a))[len(shape_of(b)) :]
    n = math.prod(rest)
    return np.reshape(solve(np.reshape(a, (-1, n)), np.ravel(b)), rest)


# --- Products -------------------------------------------------------------------------------------


@implements(np.linalg.matrix_power)
@to_the_bit(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """As `np.linalg.matrix_power`, by repeated squaring."""
    a, n = operand(a), counts(n)
    if n == 0:
        return copied(np.broadcast_to(eye_for(a, a.shape[-1]), a.shape))
    if n < 0:
        a, n = inv(a), -n
    result = None
    while n:
        if n % 2:
            result = a if result is None else np.matmul(result, a)
        n //= 2
        a = np.matmul(a, a) if n else a
    return result


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """As `np.linalg.multi_dot`: in the order of the fewest multiplications.

    Raises:
        ValueError: fewer than two arrays.
    """
    refuse_out("np.linalg.multi_dot", out)
    xs = list(operands(*arrays))
    if len(xs) < 2:
        raise ValueError(f"np.linalg.multi_dot takes at least two arrays and was given {len(xs)}")
    vector_first, vector_last = len(shape_of(xs[0])) == 1, len(shape_of(xs[-1])) == 1
    xs[0], xs[-1] = np.atleast_2d(xs[0]), np.atleast_2d(xs[-1]).T if vector_last else xs[-1]
    product = _chain(xs, _splits([x.shape[0] for x in xs] + [xs[-1].shape[1]]), 0, len(xs) - 1)
    if vector_last:
        product = product[..., 0]
    return product[0] if vector_first else product


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each run of factors, so that the multiplications are fewest."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs = [
                cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            ]
            cost[i, j] = min(costs)
            split[i, j] = i + costs.index(cost[i, j])
    return split


def _chain(xs: Sequence[Any], split: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return xs[i]
    k = split[i, j]
    return np.dot(_chain(xs, split, i, k), _chain(xs, split, k + 1, j))


# --- Norms ----------------------------------------------------------------------------------------

Ord = float | str | None


@implements(np.linalg.norm)
def norm(x: Any, ord: Ord = None, axis: Any = None, keepdims: bool = False) -> Any:
    """As `np.linalg.norm`; a norm of 0 has gradient 0, and ties share it.

    Raises:
        ValueError: an ``ord`` that NumPy does not know, or an array of too many axes for it.
    """
    x = in_floats(operand(x))
    _check_order(ord)
    ndim = len(shape_of(x))
    if axis is None:
        if ord is None or (ord, ndim) in (("f", 2), ("fro", 2), (2, 1)):
            return apply(linalg.norm, (x,), {"axis": None, "keepdims": keepdims})
        axis = tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) not in (1, 2):
        raise ValueError(f"np.linalg.norm over {len(axes)} axes; a vector has one and a matrix two")
    axes = normalize_axis_tuple(axes, ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    return _matrix_norm(x, ord, axes, keepdims)


def _check_order(ord: Any) -> None:
    if is_lifted(ord):
        raise NotLiftedError(
            f"the order of a norm, {ord!r}, has no derivative in gradx; write "
            "np.sum(np.abs(x) ** p) ** (1 / p), or pass gx.value(p)"
        )


def _vector_norm(x: Any, ord: Ord, axis: Any, keepdims: bool) -> Any:
    over = {"axis": axis, "keepdims": keepdims}
    if ord is None or ord == 2:
        return apply(linalg.norm, (x,), over)
    if isinstance(ord, str):
        raise ValueError(f"np.linalg.norm of a vector with ord={ord!r}; give a number")
    if ord == math.inf:
        return _largest(np.absolute(x), **over)
    if ord == -math.inf:
        return np.min(np.absolute(x), **over)
    if ord == 0:
        return np.sum(np.not_equal(x, 0), dtype=real_dtype(primals(x)), **over)
    if ord == 1:
        return np.sum(np.absolute(x), **over)
    return apply(linalg.power_norm, (x,), {"p": ord, **over})


def _matrix_norm(x: Any, ord: Ord, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord in (None, "fro", "f"):
        return apply(linalg.norm, (x,), {"axis": axes, "keepdims": keepdims})
    if ord in ("nuc", 2, -2):
        reduce: Any = np.sum if ord == "nuc" else _largest if ord == 2 else np.min
        y = reduce(svdvals(np.moveaxis(x, axes, (-2, -1))), axis=-1)
    elif isinstance(ord, (int, float)) and abs(ord) in (1, math.inf):
        rows, columns = axes
        first, second = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = np.sum(np.absolute(x), axis=first)
        reduce = _largest if ord > 0 else np.min
        y = reduce(sums, axis=second - (second > first))
    else:
        raise ValueError(
            f"np.linalg.norm of a matrix with ord={ord!r}; give 'fro', 'nuc', 1, 2, inf or a "
            "negative one"
        )
    return np.expand_dims(y, tuple(sorted(axes))) if keepdims else y


def _largest(x: Any, **over: Any) -> Any:
    """The largest of numbers that are not negative; of none it is 0."""
    return np.max(x, initial=0, **over) if 0 in shape_of(x) else np.max(x, **over)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """As `np.linalg.vector_norm`: over any axes, all of them by default."""
    x = in_floats(operand(x))
    _check_order(ord)
    shape = tuple(shape_of(x))
    axes = normalize_axis_tuple(range(len(shape)) if axis is None else axis, len(shape))
    rest = [i for i in range(len(shape)) if i not in axes]
    count = math.prod(shape[i] for i in axes)
    flat = np.reshape(np.transpose(x, [*axes, *rest]), (count, *(shape[i] for i in rest)))
    y = _vector_norm(flat, ord, 0, False)
    return np.expand_dims(y, tuple(sorted(axes))) if keepdims else y


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Ord = "fro") -> Any:
    """As `np.linalg.matrix_norm`: of the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


_cond: Any = np.linalg.cond  # of any order, which its annotation does not know


@implements(np.linalg.cond)
@to_the_bit(np.linalg.cond)
def cond(x: Any, p: Ord = None) -> Any:
    """As `np.linalg.cond`."""
    x = operand(x)
    _check_order(p)
    with np.errstate(all="ignore"):  # as NumPy does
        y = _condition(x, p)
        if not is_lifted(primals(y)):
            return y
        none = np.isnan(y) & ~np.any(np.isnan(x), axis=(-2, -1))
        value = np.where(none, math.inf, y)  # in a batch too
        return apply(shaping.computed, (y, primals(value if shape_of(y) else value[()])))


def _condition(x: Any, p: Ord) -> Any:
    """The formula of a condition number, which is NaN for a matrix of zeros."""
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    try:
        inverse = inv(x)
    except LinAlgError:  # NumPy gives infinity for the singular ones of a stack
        regular = np.isfinite(_cond(primals(x), p))
        inverse = inv(np.where(regular[..., None, None], x, eye_for(x, x.shape[-1])))
        size = np.where(regular, norm(inverse, p, (-2, -1)), math.inf)
        return norm(x, p, (-2, -1)) * size
    return norm(x, p, (-2, -1)) * norm(inverse, p, (-2, -1))


_matrix_rank = Op("matrix_rank", lambda x, *, options: np.linalg.matrix_rank(x, **options), None)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, *args: Any, **options: Any) -> Any:  # noqa: N803, RUF100 - NumPy's name
    """As `np.linalg.matrix_rank`; the result is a plain value."""
    options.update(zip(("tol", "hermitian"), args, strict=False))
    return apply(_matrix_rank, (operand(A),), {"options": options})


# --- The names that `numpy` has too ---------------------------------------------------------------


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    """As `np.linalg.matmul`."""
    return np.matmul(*operands(x1, x2))


@implements(np.linalg.outer)
@to_the_bit(np.linalg.outer, whole=True)
def outer(x1: Any, x2: Any, /) -> Any:
    """As `np.linalg.outer`, of two vectors."""
    return np.outer(x1, x2)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """As `np.linalg.cross`."""
    return np.cross(x1, x2, axis=axis)


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """As `np.linalg.vecdot`: the sum of ``conj(x1) * x2`` along an axis."""
    x1, x2 = operands(x1, x2)
    return np.vecdot(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))


@implements(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """As `np.linalg.tensordot`."""
    return np.tensordot(x1, x2, axes)


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """As `np.linalg.trace`: of the last two axes."""
    return np.trace(operand(x), offset, -2, -1, dtype)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """As `np.linalg.diagonal`: of the last two axes."""
    return np.diagonal(operand(x), offset, -2, -1)


@implements(np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """As `np.linalg.matrix_transpose`."""
    return np.swapaxes(operand(x), -1, -2)


register_ops((_matrix_rank,))
