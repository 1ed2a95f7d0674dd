"""Linear algebra: inverses, determinants, norms and decompositions, of matrices and stacks.

The rules are plain transposes, as everywhere: for a real function dL = sum(c * dA) with the
cotangent c. Most are in M. Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008), here with the conjugates that complex matrices need.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import (
    conj,
    eye_for,
    iota_for,
    is_complex,
    nonzero_or_one,
    sign_of,
)
from gradx.ops.helpers import transposed as t
from gradx.ops.reductions import Axis, restored
from gradx.ops.scaling import by_size, scaled

__all__ = [
    "adjoint",
    "cholesky",
    "cofactors",
    "det",
    "diagonal_matrix",
    "inv",
    "norm",
    "pinv",
    "power_norm",
    "qr",
    "read_triangle",
    "slogdet",
    "solve",
]


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix or a stack of them."""
    return conj(t(x))


def diagonal_matrix(x: Any) -> Any:
    """The diagonals, shape (…, n), as matrices, shape (…, n, n)."""
    return x[..., :, None] * eye_for(x, x.shape[-1])


def _per_matrix(g: Any) -> Any:
    """A number for each matrix of a stack, as matrices of one item."""
    return np.reshape(g, (*shape_of(g), 1, 1))


# --- Determinants -------------------------------------------------------------------------------


def _det(g: Any, x: Any) -> Any:
    return _per_matrix(g) * apply(cofactors, (x,))


def _cofactors(x: Any) -> Any:
    """The matrix of cofactors, which is ``det(A) inv(A)'`` where there is an inverse.

    From A = U S V: cof(A) = cof(U) cof(S) cof(V), with cof(U) = det(U) conj(U) for a unitary
    matrix, and cof(S) the products of the other singular values: right for singular matrices.
    """
    u, s, v = np.linalg.svd(x)
    phase = np.linalg.det(u) * np.linalg.det(v)
    eye = eye_for(s, s.shape[-1])
    others = np.prod(s[..., None, :] * (1 - eye) + eye, axis=-1)
    return _per_matrix(phase) * np.matmul(conj(u) * others[..., None, :], conj(v))


def _products_of_others_than_two(s: Any) -> Any:
    """For each two of the items, shape (…, n), the product of all the others, shape (…, n, n).

    It is what stands before the first, between the two, and after the second; 0 on the diagonal.
    """
    n = s.shape[-1]
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], axis=-1), axis=-1)
    after = np.flip(
        np.cumprod(np.flip(np.concatenate([s[..., 1:], one], axis=-1), -1), axis=-1), -1
    )
    ones = np.ones_like(s[..., :, None] * s[..., None, :])
    later = np.triu(s[..., None, :] * ones, 1) + np.tril(ones)
    through = np.cumprod(later, axis=-1)  # the items after i, up to j
    between = np.concatenate([ones[..., :1], through[..., :-1]], axis=-1) if n else ones
    above = np.triu(before[..., :, None] * between * after[..., None, :], 1)
    return above + t(above)


def _cofactors_turned(a: Any, b: Any) -> Any:
    """The Hessian of the determinant of ``b`` times ``a``: how cofactors change, and its transpose.

    In the basis of b = U S V the cofactors of S + E are, to first order in E, with P[i, j] the
    product of the singular values but two: P[i, k] E[k, k] summed over k in the place (i, i), and
    -P[i, j] E[j, i] in (i, j). Right for singular matrices, since nothing is divided by.
    """
    u, s, v = np.linalg.svd(b)
    phase = np.linalg.det(u) * np.linalg.det(v)
    inner = np.matmul(np.matmul(adjoint(u), a), adjoint(v))
    others = _products_of_others_than_two(s)
    diagonal = np.diagonal(inner, axis1=-2, axis2=-1)
    turned = diagonal_matrix(np.matmul(others, diagonal[..., None])[..., 0]) - others * t(inner)
    return _per_matrix(phase) * np.matmul(np.matmul(conj(u), turned), conj(v))


def _cofactors_turned_twice(a: Any, b: Any, c: Any) -> Any:
    """The third derivative of the determinant of ``c`` along ``a`` and ``b``, as a matrix.

    In the basis of c = U S V, with P[i, j, k] the product of the singular values but three, it is
    the sum over i of P[i, j, k] times, in the place (k, k) and summed over j, the minor
    ``a[i, i] b[j, j] - a[i, j] b[j, i]``, and in (k, j) what is left of the permutations of i, j
    and k that take k to j. Right for singular matrices, since nothing is divided by.
    """
    u, s, v = np.linalg.svd(c)
    phase = np.linalg.det(u) * np.linalg.det(v)
    x, y = (np.matmul(np.matmul(adjoint(u), m), adjoint(v)) for m in (a, b))
    total, one, n = x * y * 0, np.ones_like(s[..., :1]), s.shape[-1]
    for i in range(n):
        others = _products_of_others_than_two(
            np.concatenate([s[..., :i], one, s[..., i + 1 :]], axis=-1)
        )
        apart = iota_for(s, n) != i
        others = others * apart * apart[:, None]
        mine, theirs = x[..., i, i, None, None], y[..., i, i, None, None]
        rest = x[..., i, :, None] * y[..., None, :, i] + y[..., i, :, None] * x[..., None, :, i]
        minors = mine[..., 0] * np.diagonal(y, axis1=-2, axis2=-1) - x[..., i, :] * y[..., :, i]
        total = total + others * (rest - mine * t(y) - theirs * t(x))
        total = total + diagonal_matrix(np.matmul(others, minors[..., None])[..., 0])
    return _per_matrix(phase) * np.matmul(np.matmul(conj(u), total), conj(v))


def _turned_by_inverse(g: Any, a: Any, b: Any, c: Any) -> Any:
    """The fourth derivative of the determinant of ``c``, for matrices with an inverse.

    Of four rows or fewer it is the same for all ``c``. Of more it is NaN where the third power of
    the condition of ``c``, by which digits are lost, leaves few of them.

    With H = inv(c) d for each direction d it is ``det(c) t(M inv(c))``, where M is the sum over all
    words of the directions, with the sign of its length, of the word's product times e of the
    others; and e the sum over their permutations, signed, of the traces of the cycles.
    """
    n = c.shape[-1]
    if n < 5:
        c = 0 * c + eye_for(c, n)
    x = np.linalg.inv(c)
    size, inverse = (np.sum(np.absolute(m) ** 2, axis=(-2, -1)) for m in (c, x))
    worst = n * (1e-3 / np.finfo(c.dtype).eps) ** (1 / 3)
    scale = np.where(size * inverse < worst**2, np.linalg.det(c), np.nan)
    words = [np.matmul(x, d) for d in (g, a, b)]
    total = _signed_traces(words) * eye_for(x, x.shape[-1])
    for i, first in enumerate(words):
        others = [word for k, word in enumerate(words) if k != i]
        total = total - _signed_traces(others) * first
        for second, third in (others, others[::-1]):
            both = np.matmul(first, second)
            total = total + _signed_traces([third]) * both - np.matmul(both, third)
    return _per_matrix(scale) * t(np.matmul(total, x))


def _signed_traces(words: list[Any]) -> Any:
    """The sum over the permutations of at most three matrices, signed, of the cycles' traces."""
    first, *rest = words
    whole = _per_matrix(np.trace(first, axis1=-2, axis2=-1))
    if not rest:
        return whole
    whole = whole * _signed_traces(rest)
    for k, word in enumerate(rest):
        others = rest[:k] + rest[k + 1 :]
        whole = whole - _signed_traces([np.matmul(first, word), *others])
    return whole


def _slogdet(g: Any, x: Any, y: Any) -> Any:
    """With d log(det A) = tr(inv(A) dA): its real part for the logarithm, its phase for the sign.

    The sign is s = exp(i phase), so ds = i s Im(tr(inv(A) dA)), and 0 for real matrices.
    """
    scale = g[1]
    if is_complex(x):
        scale = scale + 1j * np.imag(g[0] * y[0])
    return _per_matrix(scale) * t(np.linalg.inv(x))


_solve, _pseudo_inverse = dispatched(np.linalg.solve), dispatched(np.linalg.pinv)

# --- Solving --------------------------------------------------------------------------------------


def _solved(a: Any, g: Any, ndim: int) -> Any:
    """``inv(a)' g``, as columns: shape (…, n, k)."""
    return _solve(t(a), g[..., None] if ndim == 1 else g)


def _solve_left(g: Any, a: Any, b_shape: tuple[int, ...], y: Any) -> Any:
    """``a`` in x = inv(a) b: da x + a dx = 0, so c = -(inv(a)' g) x'."""
    columns = y[..., None] if len(b_shape) == 1 else y
    return -np.matmul(_solved(a, g, len(b_shape)), t(columns))


def _solve_right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    h = _solved(a, g, len(b_shape))
    return h[..., 0] if len(b_shape) == 1 else h


def _pinv(g: Any, x: Any, y: Any) -> Any:
    """The pseudo-inverse P of A, near matrices of the same rank.

    Source: G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate" (1973):
    dP = -P dA P + P P* dA* (I - A P) + (I - P A) dA* P* P.
    """
    star = adjoint(y)
    left = eye_for(y, x.shape[-2]) - np.matmul(x, y)
    right = eye_for(y, x.shape[-1]) - np.matmul(y, x)
    first = np.matmul(np.matmul(t(y), g), t(y))
    second = np.matmul(np.matmul(left, t(g)), np.matmul(y, star))
    third = np.matmul(np.matmul(star, y), np.matmul(t(g), right))
    return conj(second + third) - first


# --- Norms ----------------------------------------------------------------------------------------


def _norm(g: Any, x: Any, y: Any, *, axis: Axis, keepdims: bool) -> Any:
    """``x / |x|``, conjugated, and 0 at 0."""
    return by_size(g, conj(x), y, lambda part: restored(part, axis, keepdims, shape_of(x)))


def _power_norm(g: Any, x: Any, y: Any, *, p: float, axis: Axis, keepdims: bool) -> Any:
    """``sign(x) (|x| / y)**(p - 1)`` for y = (sum |x|**p)**(1 / p), and 0 where x is 0."""
    size = restored(nonzero_or_one(y), axis, keepdims, shape_of(x))
    if is_complex(x):
        share = np.power(np.absolute(nonzero_or_one(x)) / size, p - 1) * conj(sign_of(x))
    elif p < 2:  # apart, since the second derivative by an item of 0 is infinite
        share = apply(signed_power, (x,), {"p": p - 1}) / np.power(size, p - 1)
    else:
        share = apply(signed_power, (x / size,), {"p": p - 1})
    return scaled(restored(g, axis, keepdims, shape_of(x)), share)


# --- Factors --------------------------------------------------------------------------------------
# For these the cotangents are conjugated first and last, which makes them the usual gradients
# of the literature: G = conj(c).


def read_triangle(gradient: Any, lower: bool) -> Any:
    """The gradient by an array of which one triangle is read, from that by the Hermitian matrix."""
    read = np.tril if lower else np.triu
    both = gradient + adjoint(gradient)
    diagonal = np.real(np.tril(np.triu(gradient)))  # NaN beside it stays out
    return read(both, -1 if lower else 1) + diagonal


def _lower_half(x: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    return np.tril(x) - 0.5 * x * eye_for(x, x.shape[-1])


def _cholesky(g: Any, y: Any) -> Any:
    """With P the lower half: L*^-1 P(L* gL) L^-1, made Hermitian.

    Source: I. Murray, "Differentiation of the Cholesky decomposition" (2016).
    """
    star = adjoint(y)
    middle = _lower_half(np.matmul(star, np.tril(conj(g))))
    right = _solve(star, middle)
    gradient = adjoint(_solve(star, adjoint(right)))
    return conj(read_triangle((gradient + adjoint(gradient)) / 2, True))


def _qr(g: Any, y: Any, *, full: bool) -> Any:
    """The decomposition of a matrix with no more columns than rows, of full rank.

    With M = R gR* - gQ* Q, its lower triangle made Hermitian: (gQ + Q herm(M)) R*^-1.
    Source: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions
    with application in optimum experimental design" (2010).
    The columns N beyond the reduced ones are any basis of the space at right angles to Q. The one
    that does not turn within it has dN = -Q R*^-1 dA* N, from N* Q = 0: so -N gN* Q R*^-1 is added,
    which is right for all that does not depend on the basis.
    """
    n = y[1].shape[-1]
    q, r = y[0][..., :n], y[1][..., :n, :]
    gq, gr = conj(g[0])[..., :n], np.triu(conj(g[1])[..., :n, :])
    m = np.matmul(r, adjoint(gr)) - np.matmul(adjoint(gq), q)
    below = np.tril(m, -1)
    hermitian = below + adjoint(below) + np.real(m) * np.real(eye_for(m, m.shape[-1]))
    total = gq + np.matmul(q, hermitian)
    if full:
        beyond, turn = y[0][..., n:], conj(g[0])[..., n:]
        total = total - np.matmul(np.matmul(beyond, adjoint(turn)), q)
    return conj(adjoint(_solve(r, adjoint(total))))


# --- The table ------------------------------------------------------------------------------------

inv = Op("inv", np.linalg.inv, lambda g, y: -np.matmul(np.matmul(t(y), g), t(y)))
cofactors_turned: Op = Op(
    "cofactors_turned",
    _cofactors_turned,
    lambda g, b: apply(cofactors_turned, (g, b)),
    lambda g, a, b: apply(cofactors_turned_twice, (g, a, b)),
)
cofactors_turned_twice: Op = Op(
    "cofactors_turned_twice",
    _cofactors_turned_twice,
    lambda g, b, c: apply(cofactors_turned_twice, (g, b, c)),
    lambda g, a, c: apply(cofactors_turned_twice, (g, a, c)),
    _turned_by_inverse,
)
cofactors = Op("cofactors", _cofactors, lambda g, x: apply(cofactors_turned, (g, x)))
det = Op("det", np.linalg.det, _det)
slogdet = Op("slogdet", np.linalg.slogdet, _slogdet)
solve = Op("solve", _solve, _solve_left, _solve_right, broadcasts=True)
pinv = Op("pinv", lambda x, *, options: _pseudo_inverse(x, **dict(options)), _pinv)

norm = Op(
    "norm",
    lambda x, *, axis, keepdims: np.linalg.norm(x, axis=axis, keepdims=keepdims),
    _norm,
    structured=1,
    properties=Property.REDUCTION,
)
power_norm = Op(
    "power_norm",
    lambda x, *, p, axis, keepdims: np.linalg.norm(x, p, axis, keepdims),
    _power_norm,
    properties=Property.REDUCTION,
)
signed_power = Op(
    "signed_power",
    lambda x, *, p: np.power(np.absolute(nonzero_or_one(x)), p) * sign_of(x),
    lambda g, x, *, p: scaled(g, p * np.power(np.absolute(x), p - 1)),
    properties=Property.ELEMENTWISE,
)
"""``sign(x) |x|**p`` of a real number, 0 at 0, where its derivative is infinite for p < 1."""
cholesky = Op("cholesky", np.linalg.cholesky, _cholesky)
qr = Op("qr", lambda x, *, full: np.linalg.qr(x, "complete" if full else "reduced"), _qr)

register_ops(vars().values())
