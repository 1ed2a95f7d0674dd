"""Linear algebra: inverses, determinants, norms and decompositions, of matrices and stacks.

The rules are plain transposes, as everywhere: for a real function dL = sum(c * dA) with the
cotangent c. Most are in M. Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008), here with the conjugates that complex matrices need.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, shape_of
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import conj, eye_for, is_complex, nonzero_or_one, sign_of
from gradx.ops.helpers import transposed as t
from gradx.ops.reductions import Axis, restored

__all__ = [
    "cholesky",
    "cofactors",
    "det",
    "eigh",
    "inv",
    "norm",
    "pinv",
    "power_norm",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
]


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix or a stack of them."""
    return conj(t(x))


def _diagonal(x: Any) -> Any:
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


def _cofactors_rule(g: Any, x: Any, y: Any) -> Any:
    """Of ``det(A) inv(A)'``, so for matrices that have an inverse.

    With B = inv(A)' and C = det(A) B: dC = B sum(C * dA) - B dA' C.
    """
    b = t(np.linalg.inv(x))
    inner = np.sum(g * y, axis=(-2, -1), keepdims=True)
    return b * inner - np.matmul(np.matmul(b, t(g)), y)


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
    scale = g / nonzero_or_one(y)
    return restored(scale, axis, keepdims, shape_of(x)) * conj(x)


def _power_norm(g: Any, x: Any, y: Any, *, p: float, axis: Axis, keepdims: bool) -> Any:
    """``sign(x) (|x| / y)**(p - 1)`` for y = (sum |x|**p)**(1 / p), and 0 at 0."""
    size = restored(nonzero_or_one(y), axis, keepdims, shape_of(x))
    share = np.power(np.absolute(x) / size, p - 1)
    return restored(g, axis, keepdims, shape_of(x)) * share * conj(sign_of(x))


def _svdvals(g: Any, x: Any) -> Any:
    """Each ds = Re(u* dA v); a singular value of 0 has derivative 0, as an absolute value has."""
    u, s, v = np.linalg.svd(x, full_matrices=False)
    scale = np.where(s == 0, 0.0, g)
    return conj(np.matmul(u * scale[..., None, :], v))


# --- Decompositions -------------------------------------------------------------------------------
# For these the cotangents are conjugated first and last, which makes them the usual gradients
# of the literature: G = conj(c).


def _gaps(values: Any) -> Any:
    """``1 / (v[j] - v[i])``, shape (…, n, n), and 0 where two are equal, as on the diagonal."""
    gap = values[..., None, :] - values[..., :, None]
    return (gap != 0) / nonzero_or_one(gap)


def _read_triangle(gradient: Any, lower: bool) -> Any:
    """The gradient by an array of which one triangle is read, from that by the Hermitian matrix."""
    read = np.tril if lower else np.triu
    both = gradient + adjoint(gradient)
    eye = eye_for(both, both.shape[-1])
    return read(both, -1 if lower else 1) + np.real(gradient) * np.real(eye)


def _eigh(g: Any, x: Any, y: Any, *, lower: bool) -> Any:
    """Giles (2008), section 3.1: V (diag(gw) + F * (V* gV)) V*, with F = 1 / (w[j] - w[i])."""
    w, v = y[0], y[1]
    inner = np.matmul(adjoint(v), conj(g[1])) * _gaps(w) + _diagonal(g[0])
    gradient = np.matmul(np.matmul(v, inner), adjoint(v))
    return conj(_read_triangle(gradient, lower))


def _eigvalsh(g: Any, x: Any, *, lower: bool) -> Any:
    _, v = np.linalg.eigh(x, UPLO="L" if lower else "U")
    gradient = np.matmul(v * g[..., None, :], adjoint(v))
    return conj(_read_triangle(gradient, lower))


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
    return conj(_read_triangle((gradient + adjoint(gradient)) / 2, True))


def _svd(g: Any, x: Any, y: Any) -> Any:
    """The reduced decomposition A = U S V*, for distinct singular values other than 0.

    Source: J. Townsend, "Differentiating the singular value decomposition" (2016); the phase of
    complex vectors is free, and for what does not depend on it i Im(diag(U* gU)) / S is added.
    """
    u, s, vh = y[0], y[1], y[2]
    gu, gs, gv = conj(g[0]), g[1], adjoint(conj(g[2]))
    v, uh = adjoint(vh), adjoint(u)
    left, right = np.matmul(uh, gu), np.matmul(vh, gv)
    columns, rows = s[..., None, :], s[..., :, None]
    gaps, divisor = _gaps(s) / nonzero_or_one(columns + rows), nonzero_or_one(columns)
    inner = (left - adjoint(left)) * gaps * columns + rows * ((right - adjoint(right)) * gaps)
    inner = inner + _diagonal(gs)
    if is_complex(x):
        inner = inner + 1j * np.imag(left) * np.real(eye_for(left, s.shape[-1])) / divisor
    gradient = np.matmul(np.matmul(u, inner), vh)
    if x.shape[-2] > s.shape[-1]:
        gradient = gradient + np.matmul((gu - np.matmul(u, left)) / divisor, vh)
    if x.shape[-1] > s.shape[-1]:
        gradient = gradient + np.matmul(u / divisor, adjoint(gv - np.matmul(v, right)))
    return conj(gradient)


def _qr(g: Any, y: Any) -> Any:
    """The reduced decomposition of a matrix with no more columns than rows, of full rank.

    With M = R gR* - gQ* Q, its lower triangle made Hermitian: (gQ + Q herm(M)) R*^-1.
    Source: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions
    with application in optimum experimental design" (2010).
    """
    q, r = y[0], y[1]
    gq, gr = conj(g[0]), np.triu(conj(g[1]))
    m = np.matmul(r, adjoint(gr)) - np.matmul(adjoint(gq), q)
    below = np.tril(m, -1)
    hermitian = below + adjoint(below) + np.real(m) * np.real(eye_for(m, m.shape[-1]))
    total = gq + np.matmul(q, hermitian)
    return conj(adjoint(_solve(r, adjoint(total))))


# --- The table ------------------------------------------------------------------------------------

inv = Op("inv", np.linalg.inv, lambda g, y: -np.matmul(np.matmul(t(y), g), t(y)))
cofactors = Op("cofactors", _cofactors, _cofactors_rule)
det = Op("det", np.linalg.det, _det)
slogdet = Op("slogdet", np.linalg.slogdet, _slogdet)
solve = Op("solve", _solve, _solve_left, _solve_right, broadcasts=True)
pinv = Op("pinv", lambda x, *, options: _pseudo_inverse(x, **dict(options)), _pinv)

norm = Op(
    "norm",
    lambda x, *, axis, keepdims: np.linalg.norm(x, axis=axis, keepdims=keepdims),
    _norm,
)
power_norm = Op(
    "power_norm",
    lambda x, *, p, axis, keepdims: np.linalg.norm(x, p, axis, keepdims),
    _power_norm,
)
svdvals = Op("svdvals", lambda x: np.linalg.svd(x, compute_uv=False), _svdvals)

eigh = Op("eigh", lambda x, *, lower: np.linalg.eigh(x, "L" if lower else "U"), _eigh)
eigvalsh = Op(
    "eigvalsh", lambda x, *, lower: np.linalg.eigvalsh(x, "L" if lower else "U"), _eigvalsh
)
cholesky = Op("cholesky", np.linalg.cholesky, _cholesky)
svd = Op("svd", lambda x: np.linalg.svd(x, full_matrices=False), _svd)
qr = Op("qr", np.linalg.qr, _qr)
