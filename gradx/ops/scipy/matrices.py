"""Linear algebra of SciPy: equations of structured matrices, factors, functions of matrices.

Where NumPy has the function too the rule is that of `gradx.ops.linalg` or `gradx.ops.spectral`, and
only the forward is SciPy's. As there, the rules are plain transposes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.linalg as sl

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.ops import linalg, spectral
from gradx.ops.helpers import conj, eye_for, zeros_for
from gradx.ops.helpers import transposed as t
from gradx.ops.linalg import adjoint, diagonal_matrix, read_triangle
from gradx.ops.structures import by_what_is_read, whole_matrix

__all__ = [
    "banded",
    "cholesky",
    "det",
    "eig",
    "eigh",
    "eigh_of_two",
    "eigvals",
    "eigvalsh",
    "eigvalsh_of_two",
    "expm",
    "inv",
    "logm",
    "lu",
    "null_space",
    "pinv",
    "pinv_of_part",
    "pinvh",
    "pinvh_of_part",
    "qr",
    "solve",
    "sqrtm",
    "svd",
    "svd_of_rank",
    "svdvals",
    "sylvester",
    "triangular",
]

Options = Mapping[str, Any]
_expm, _cholesky_of, _triangular = map(dispatched, (sl.expm, sl.cholesky, sl.solve_triangular))
_solve, _inverse, _det, _pinv = map(dispatched, (sl.solve, sl.inv, sl.det, sl.pinv))
_lu_of, _qr_of, _svd_of, _svdvals_of = map(dispatched, (sl.lu, sl.qr, sl.svd, sl.svdvals))
_eigh_of, _eigvalsh_of, _pinvh_of = map(dispatched, (sl.eigh, sl.eigvalsh, sl.pinvh))
_eig_of, _eigvals_of, _null_space_of = map(dispatched, (sl.eig, sl.eigvals, sl.null_space))
_banded_of, _sylvester_of = map(dispatched, (sl.solve_banded, sl.solve_sylvester))
_logm_of, _sqrtm_of = map(dispatched, (sl.logm, sl.sqrtm))

# --- Equations ------------------------------------------------------------------------------------


def _columns(x: Any) -> Any:
    """Vectors as matrices of one column."""
    return x[:, None] if len(shape_of(x)) == 1 else x


def _outer(h: Any, y: Any) -> Any:
    """``h y'``, of vectors or of matrices of columns."""
    return np.matmul(_columns(h), t(_columns(y)))


def _solve_right(g: Any, a: Any, *, options: Options) -> Any:
    """``inv(A)' g``: with ``transposed`` the matrix of the equation is A'."""
    matrix = whole_matrix(a, options)
    return np.linalg.solve(matrix if options.get("transposed") else t(matrix), g)


def _solve_left(g: Any, a: Any, y: Any, *, options: Options) -> Any:
    h = _outer(_solve_right(g, a, options=options), -y)
    return by_what_is_read(t(h) if options.get("transposed") else h, options)


def _inv(g: Any, y: Any, *, options: Options) -> Any:
    return by_what_is_read(-np.matmul(np.matmul(t(y), g), t(y)), options)


def _triangular_right(g: Any, a: Any, *, trans: str, options: Options) -> Any:
    """Of T x = b it is T' h = g; of T* x = b the conjugate of T conj(h) = conj(g)."""
    if trans == "C":
        params = {"trans": "N", "options": options}
        return conj(apply(triangular, (a, conj(g)), params))
    return apply(triangular, (a, g), {"trans": "T" if trans == "N" else "N", "options": options})


def _triangular_left(g: Any, a: Any, y: Any, *, trans: str, options: Options) -> Any:
    h = _outer(_triangular_right(g, a, trans=trans, options=options), -y)
    h = h if trans == "N" else t(h) if trans == "T" else conj(t(h))
    beside = 1 if options.get("unit_diagonal") else 0
    return np.tril(h, -beside) if options.get("lower") else np.triu(h, beside)


def _shifted(x: Any, places: int) -> Any:
    """Items moved to later places along the last axis: ``y[j] = x[j - k]``, or 0."""
    n = shape_of(x)[-1]
    k = min(abs(places), n)
    gap = zeros_for(x, (*shape_of(x)[:-1], k))
    parts = [gap, x[..., : n - k]] if places >= 0 else [x[..., k:], gap]
    return np.concatenate(parts, axis=-1)


def _banded_transposed(ab: Any, lower: int, upper: int) -> Any:
    """The bands of the transposed matrix: the row of an offset o moves by -o, and stands for -o."""
    rows = [_shifted(ab[upper - o], -o) for o in range(-lower, upper + 1)]
    return np.stack(rows)


def _banded_right(g: Any, a: Any, *, lower: int, upper: int, options: Options) -> Any:
    params = {"lower": upper, "upper": lower, "options": options}
    return apply(banded, (_banded_transposed(a, lower, upper), g), params)


def _banded_left(g: Any, a: Any, y: Any, *, lower: int, upper: int, options: Options) -> Any:
    """An item of the matrix in row i and column j takes ``-h[i] x[j]``, and lies in column j."""
    h = t(_columns(_banded_right(g, a, lower=lower, upper=upper, options=options)))
    x = t(_columns(y))
    rows = [-np.sum(_shifted(h, o) * x, axis=0) for o in range(upper, -lower - 1, -1)]
    return np.stack(rows)


def _sylvester_right(g: Any, a: Any, b: Any) -> Any:
    """From dA X + A dX + dX B + X dB = dQ: A' H + H B' = g."""
    return apply(sylvester, (t(a), t(b), g))


# --- Factors --------------------------------------------------------------------------------------


def _cholesky(g: Any, y: Any, *, lower: bool, options: Options) -> Any:
    """The upper factor of A is the adjoint of the lower one of A*."""
    pull = linalg.cholesky.rules[0].pull
    return pull(g, y) if lower else adjoint(pull(adjoint(g), adjoint(y)))


def _padded(x: Any, rows: int, columns: int) -> Any:
    """A matrix with zeros below and to the right, of another shape."""
    m, n = shape_of(x)[-2:]
    if rows > m:
        x = np.concatenate([x, zeros_for(x, (*shape_of(x)[:-2], rows - m, n))], axis=-2)
    if columns > n:
        x = np.concatenate([x, zeros_for(x, (*shape_of(x)[:-2], rows, columns - n))], axis=-1)
    return x


def _square(x: Any, n: int) -> Any:
    """A triangular factor with the identity beside it."""
    rows, columns = shape_of(x)[-2:]
    identity = eye_for(x, n)
    k = min(rows, columns)
    return _padded(x, n, n) + np.concatenate([0 * identity[:k], identity[k:]])


def _lu(g: Any, x: Any, y: Any) -> Any:
    """A = (L U)[p]. With D = inv(L) dA inv(U), rows in order, dL = L tril(D, -1), dU = triu(D) U.

    L and U are first filled up to square ones by the identity.
    Source: S. de Hoog, R. Anderssen and M. Lukas, "Differentiation of matrix functionals using
    triangular factorization" (2011).
    """
    m, n = shape_of(x)[-2:]
    lower, upper = _square(y[1], m), _square(y[2], n)
    left = np.tril(np.matmul(t(lower), _padded(g[1], m, n)), -1)
    right = np.triu(np.matmul(_padded(g[2], m, n), t(upper)))
    inner = np.linalg.solve(t(lower), left + right)
    rows = t(np.linalg.solve(upper, t(inner)))
    return np.take_along_axis(rows, y[0][..., :, None], axis=-2)


def _null_space(g: Any, x: Any, y: Any, *, rcond: float | None) -> Any:
    """From dA Q + A dQ = 0: dQ = -P dA Q with the pseudo-inverse P, at right angles to Q.

    Any basis of the space will do; this one does not turn within it. The rank is a constant.
    """
    options = {} if rcond is None else {"rtol": rcond}
    inverse = apply(pinv, (x,), {"options": options})
    return -np.matmul(np.matmul(t(inverse), g), t(y))


def _pinvh(g: Any, x: Any, y: Any, *, lower: bool, options: Options) -> Any:
    read = {"assume_a": "hermitian", "lower": lower}
    h = linalg.pinv.rules[0].pull(g, whole_matrix(x, read), y)
    return by_what_is_read(h, read)


def _pinvh_of_part(g: Any, x: Any, y: Any, *, lower: bool, options: Options) -> Any:
    read = {"assume_a": "hermitian", "lower": lower}
    return by_what_is_read(spectral.by_part(g, whole_matrix(x, read), y), read)


def _with_marks(parts: Any, values: int) -> Any:
    """The results of a decomposition, and zeros by which the used vectors are marked."""
    return (*parts, np.zeros_like(np.real(parts[values])))


def _svd(x: Any, *, full: bool, options: Options) -> Any:
    u, s, vh = _svd_of(x, full_matrices=full, **options)
    stack = s.shape[:-1]
    return u, s, vh, zeros_for(s, (*stack, u.shape[-1])), zeros_for(s, (*stack, vh.shape[-2]))


def _svd_of_rank(x: Any, *, rcond: float | None) -> Any:
    u, s, vh = _svd_of(x, full_matrices=False)
    bound = max(x.shape) * float(np.finfo(s.dtype).eps) if rcond is None else rcond
    rank = int(np.sum(s > np.max(s) * bound)) if s.size else 0
    s = s[:rank]
    return u[:, :rank], s, vh[:rank], np.zeros_like(s), np.zeros_like(s)


def _by_vectors_of_rank(g: Any, x: Any, y: Any, *, rcond: float | None) -> Any:
    """That of `svd`, with what has no singular value as the rest of the space."""
    gu, gs, gv = conj(g[0]), g[1], adjoint(conj(g[2]))
    parts = spectral.noted(y[0], y[3]), y[1], spectral.noted(y[2], y[4], -2)
    return conj(spectral.reduced_svd(gu, gs, gv, x, parts, g[3] + g[4]))


def _of_two(g: Any, y: Any) -> tuple[Any, Any, Any]:
    """What the rules of ``A v = w B v`` share: the vectors, and inner parts by A and by w B.

    With V* B V = I: dw = diag(V* (dA - dB w) V), and dV = V C with C[i, j] the same product over
    w[j] - w[i], and C[j, j] = -v[j]* dB v[j] / 2.
    Source: M. Friswell, "The derivatives of repeated eigenvalues and their associated
    eigenvectors" (1996), for the normalisation.
    """
    w, v, gw = y[0], spectral.noted(y[1], y[2]), g[0]
    turned = np.matmul(adjoint(v), conj(g[1]))
    between = spectral.over_gaps(turned, w, g[2])
    by_first = between + diagonal_matrix(gw)
    kept = np.real(np.diagonal(turned, axis1=-2, axis2=-1)) / 2
    return v, by_first, between * w[..., None, :] + diagonal_matrix(gw * w + kept)


def _by_triangle(v: Any, inner: Any, lower: bool) -> Any:
    return conj(read_triangle(np.matmul(np.matmul(v, inner), adjoint(v)), lower))


def _first_of_two(g: Any, y: Any, *, lower: bool, options: Options) -> Any:
    v, inner, _ = _of_two(g, y)
    return _by_triangle(v, inner, lower)


def _second_of_two(g: Any, y: Any, *, lower: bool, options: Options) -> Any:
    v, _, inner = _of_two(g, y)
    return _by_triangle(v, -inner, lower)


def _vectors_of_two(a: Any, b: Any, params: dict[str, Any]) -> tuple[Any, Any]:
    w, v, marks = apply(eigh_of_two, (a, b), params)
    return w, spectral.noted(v, marks)


def _values_by_first(g: Any, a: Any, b: Any, *, lower: bool, options: Options) -> Any:
    _, v = _vectors_of_two(a, b, {"lower": lower, "options": options})
    return _by_triangle(v, diagonal_matrix(g), lower)


def _values_by_second(g: Any, a: Any, b: Any, *, lower: bool, options: Options) -> Any:
    w, v = _vectors_of_two(a, b, {"lower": lower, "options": options})
    return _by_triangle(v, diagonal_matrix(-g * w), lower)


# --- Functions of matrices ------------------------------------------------------------------------


def _by_blocks(op: Op) -> Any:
    """The rule of f(A) = op: the corner of f([[A', G], [0, A']]).

    Source: R. Mathias, "A chain rule for matrix functions and applications" (1996): that corner is
    the derivative of f at A' in the direction G, whose transpose is the derivative at A.
    """

    def rule(g: Any, x: Any) -> Any:
        n = shape_of(x)[-1]
        side = t(x)
        above = np.concatenate([side, g], axis=-1)
        below = np.concatenate([zeros_for(g, shape_of(g)), side], axis=-1)
        return apply(op, (np.concatenate([above, below], axis=-2),))[..., :n, n:]

    return rule


def _sqrtm(g: Any, y: Any) -> Any:
    """From dX X + X dX = dA: X' H + H X' = g."""
    return apply(sylvester, (t(y), t(y), g))


# --- The table ------------------------------------------------------------------------------------

solve: Op = Op(
    "scipy.linalg.solve",
    lambda a, b, *, options: _solve(a, b, **options),
    _solve_left,
    _solve_right,
)
inv = Op("scipy.linalg.inv", lambda x, *, options: _inverse(x, **options), _inv)
det = Op("scipy.linalg.det", lambda x, *, options: _det(x, **options), *linalg.det.rules)
triangular: Op = Op(
    "scipy.linalg.solve_triangular",
    lambda a, b, *, trans, options: _triangular(a, b, trans=trans, **options),
    _triangular_left,
    _triangular_right,
)
banded: Op = Op(
    "scipy.linalg.solve_banded",
    lambda a, b, *, lower, upper, options: _banded_of((lower, upper), a, b, **options),
    _banded_left,
    _banded_right,
)
sylvester: Op = Op(
    "scipy.linalg.solve_sylvester",
    _sylvester_of,
    lambda g, a, b, c, y: -np.matmul(_sylvester_right(g, a, b), t(y)),
    lambda g, a, b, c, y: -np.matmul(t(y), _sylvester_right(g, a, b)),
    lambda g, a, b: _sylvester_right(g, a, b),
)
pinv: Op = Op("scipy.linalg.pinv", lambda x, *, options: _pinv(x, **options), *linalg.pinv.rules)
pinvh = Op(
    "scipy.linalg.pinvh",
    lambda x, *, lower, options: _pinvh_of(x, lower=lower, **options),
    _pinvh,
)
pinv_of_part = Op("scipy.linalg.pinv_of_part", pinv.forward, spectral.by_part)
pinvh_of_part = Op("scipy.linalg.pinvh_of_part", pinvh.forward, _pinvh_of_part)
null_space = Op(
    "scipy.linalg.null_space",
    lambda x, *, rcond: _null_space_of(x, rcond),
    _null_space,
)
cholesky = Op(
    "scipy.linalg.cholesky",
    lambda x, *, lower, options: _cholesky_of(x, lower=lower, **options),
    _cholesky,
)
lu = Op("scipy.linalg.lu", lambda x: _lu_of(x, p_indices=True), _lu)
"""The rows p of L that A has, L and U."""
qr = Op(
    "scipy.linalg.qr",
    lambda x, *, full: _qr_of(x, mode="full" if full else "economic"),
    *linalg.qr.rules,
)
svd = Op("scipy.linalg.svd", _svd, *spectral.svd.rules)
svd_of_rank = Op("scipy.linalg.svd_of_rank", _svd_of_rank, _by_vectors_of_rank)
"""The singular values that are not 0, up to rounding, and their vectors."""
svdvals = Op(
    "scipy.linalg.svdvals",
    lambda x, *, options: _svdvals_of(x, **options),
    *spectral.svdvals.rules,
)
eigh = Op(
    "scipy.linalg.eigh",
    lambda x, *, lower, options: _with_marks(_eigh_of(x, lower=lower, **options), 0),
    *spectral.eigh.rules,
)
eigh_of_two: Op = Op(
    "scipy.linalg.eigh_of_two",
    lambda a, b, *, lower, options: _with_marks(_eigh_of(a, b, lower=lower, **options), 0),
    _first_of_two,
    _second_of_two,
)
"""Of ``A v = w B v``: the eigenvalues, and vectors with ``v* B v = 1``."""
eigvalsh_of_two = Op(
    "scipy.linalg.eigvalsh_of_two",
    lambda a, b, *, lower, options: _eigvalsh_of(a, b, lower=lower, **options),
    _values_by_first,
    _values_by_second,
)
eigvalsh = Op(
    "scipy.linalg.eigvalsh",
    lambda x, *, lower, options: _eigvalsh_of(x, lower=lower, **options),
    *spectral.eigvalsh.rules,
    structured=1,
)
eig = Op(
    "scipy.linalg.eig",
    lambda x, *, options: _with_marks(_eig_of(x, **options), 0),
    *spectral.eig.rules,
)
eigvals = Op(
    "scipy.linalg.eigvals", lambda x, *, options: _eigvals_of(x, **options), *spectral.eigvals.rules
)
expm: Op = Op("scipy.linalg.expm", _expm, lambda g, x: _by_blocks(expm)(g, x))
logm: Op = Op("scipy.linalg.logm", _logm_of, lambda g, x: _by_blocks(logm)(g, x))
sqrtm = Op("scipy.linalg.sqrtm", _sqrtm_of, _sqrtm)

register_ops(vars().values())
