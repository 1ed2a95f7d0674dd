"""Spectra: eigenvalues, singular values and their vectors, of matrices and stacks of them.

As in `gradx.ops.linalg` the rules are plain transposes; the cotangents are conjugated first and
last, which makes them the usual gradients of the literature: G = conj(c).

Vectors of equal eigenvalues or singular values may be turned into one another. A function of the
matrix does not depend on the turn, but its derivative there is a limit of 0 / 0 that the cotangents
of values and vectors do not tell: what would need it is NaN, never 0. Vectors that nobody used
need no limit; the op `used` tells which those are, since a cotangent of zeros would not. The rules
use it too, so that the derivatives of gradients are told what the gradients used.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradx.core.cotangent import dense
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op, register_ops
from gradx.devices.kernel_table import dispatched
from gradx.ops import linalg
from gradx.ops.helpers import conj, eye_for, iota_for, is_complex, zeros_for
from gradx.ops.indexing import Scattered
from gradx.ops.linalg import adjoint, diagonal_matrix, read_triangle
from gradx.ops.scaling import Multiple

__all__ = [
    "by_part",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "noted",
    "over_gaps",
    "pinv_of_part",
    "reduced_svd",
    "svd",
    "svdvals",
    "used",
]

_solve = dispatched(np.linalg.solve)
_eig_of, _eigvals_of = dispatched(np.linalg.eig), dispatched(np.linalg.eigvals)


def _used(g: Any, axis: int) -> Any:
    """For each place along an axis of an array, whether anyone took a part of it: 1.0 or 0.0."""
    if not isinstance(g, Scattered) or g.base is not None:
        return 1.0
    mark = zeros_for(g.pieces[0][1], g.shape, bool)
    for index, _ in g.pieces:
        mark[index] = True
    return np.any(np.moveaxis(mark, axis, -1), axis=tuple(range(mark.ndim - 1)))


def _mark_used(g: Any, b: Any, *, axis: int) -> Any:
    return np.zeros_like(b) + _used(g, axis)


def noted(v: Any, marks: Any, axis: int = -1) -> Any:
    """Vectors along an axis, of which the run notes which are used."""
    return apply(used, (v, marks), {"axis": axis})


def _either(x: Any) -> Any:
    """For each two of the items, shape (…, n), whether one of them is not 0."""
    return (x[..., None, :] != 0) | (x[..., :, None] != 0)


def _tolerance(values: Any, n: int) -> Any:
    """The size of rounding errors in the eigenvalues or singular values of a matrix."""
    if not values.shape[-1]:
        return zeros_for(values, (*values.shape[:-1], 1))
    largest = np.max(np.absolute(values), axis=-1, keepdims=True)
    return n * float(np.finfo(values.dtype).eps) * largest


def _gaps(values: Any, n: int, tolerance: Any = None) -> tuple[Any, Any]:
    """``v[j] - v[i]``, shape (…, k, k), with 1 where two are equal; and where that is.

    On the diagonal is 1, and nothing is equal. Values no further apart than rounding moves them
    count as equal.
    """
    tolerance = _tolerance(values, n) if tolerance is None else tolerance
    gap = values[..., None, :] - values[..., :, None]
    eye = eye_for(gap, gap.shape[-1]) != 0
    near = np.absolute(gap) <= tolerance[..., None]
    return np.where(near, 1.0, gap), near & ~eye


def _limited(x: Any, near: Any, needed: Any) -> Any:
    """What is found apart from limits; where there is one, NaN if it is needed, and 0 if not.

    It is a product, so that the transpose has NaN there too.
    """
    factor = np.where(near, np.where(needed, math.nan, 0.0), 1.0)
    return x * factor.astype(np.finfo(x.dtype).dtype)


def over_gaps(inner: Any, values: Any, marks: Any) -> Any:
    """``inner[i, j] / (values[j] - values[i])`` and 0 on the diagonal.

    Args:
        inner: by two vectors each, shape (…, k, k).
        values: their eigenvalues, shape (…, k); of two equal ones there is NaN, or 0.
        marks: which vectors are used, so that it is NaN.
    """
    gap, near = _gaps(values, values.shape[-1])
    return _limited(_off_diagonal(inner) / gap, near, _either(marks))


def _small(values: Any, n: int) -> Any:
    """Where values are 0 or what rounding makes of 0."""
    return np.absolute(values) <= _tolerance(values, n)


def _off_diagonal(x: Any) -> Any:
    return x * (1 - np.real(eye_for(x, x.shape[-1])))


# --- Hermitian matrices ---------------------------------------------------------------------------


def _eigh_forward(x: Any, *, lower: bool) -> Any:
    w, v = np.linalg.eigh(x, "L" if lower else "U")
    return w, v, np.zeros_like(w)


def _eigh(g: Any, x: Any, y: Any, *, lower: bool) -> Any:
    """Giles (2008), section 3.1: V (diag(gw) + F * (V* gV)) V*, with F = 1 / (w[j] - w[i])."""
    w, v = y[0], noted(y[1], y[2])
    inner = over_gaps(np.matmul(adjoint(v), conj(g[1])), w, g[2]) + diagonal_matrix(g[0])
    gradient = np.matmul(np.matmul(v, inner), adjoint(v))
    return conj(read_triangle(gradient, lower))


def _is_fixed(g: Any) -> bool:
    """Whether a cotangent is a constant in derivatives of the gradient, be it one of a batch."""
    while isinstance(g, Lifted):
        g = g._numbers()
    return g is not None


def _eigvalsh(g: Any, x: Any, y: Any, *, lower: bool) -> Any:
    """V diag(g) V*; of a `Multiple` of the eigenvalues V diag(by w) V*, which is known better."""
    power = int(type(g) is Multiple and g.of is y)
    a = g.by if power else dense(g)
    params = {"lower": lower, "fixed": _is_fixed(a), "power": power}
    return conj(read_triangle(apply(of_eigenvalues, (a, x), params), lower))


def _of_eigenvalues(a: Any, b: Any, *, lower: bool, fixed: bool, power: int) -> Any:
    w, v = np.linalg.eigh(b, "L" if lower else "U")
    return np.matmul(v * (a * w if power else a)[..., None, :], adjoint(v))


def _of_eigenvalues_given(g: Any, b: Any, *, lower: bool, power: int) -> Any:
    w, v = np.linalg.eigh(b, UPLO="L" if lower else "U")
    inner = np.matmul(np.matmul(adjoint(v), conj(g)), v)
    diagonal = np.real(np.diagonal(inner, axis1=-2, axis2=-1))
    return diagonal * w if power else diagonal


def _of_eigenvalues_of(g: Any, a: Any, b: Any, *, lower: bool, fixed: bool, power: int) -> Any:
    """V (D * (V* G V)) V*, with D the divided differences of a, or of a w, by the eigenvalues w.

    Where two eigenvalues are equal D is the derivative of that, which is known only where ``a``
    is a constant: of equal ones it is 0, or a.
    """
    w, v = np.linalg.eigh(b, UPLO="L" if lower else "U")
    gap, near = _gaps(w, w.shape[-1])
    within = np.matmul(np.matmul(adjoint(v), conj(g)), v)
    inner = _off_diagonal(within)
    known = inner == 0
    if fixed:
        known = known | (a[..., None, :] == a[..., :, None])
    values = a * w if power else a
    slope = (values[..., None, :] - values[..., :, None]) / gap
    if power:
        slope = np.where(near, a[..., None, :], slope)
    inner = inner * np.where(near & ~known, math.nan, slope)
    if power:
        inner = inner + diagonal_matrix(a * np.real(np.diagonal(within, axis1=-2, axis2=-1)))
    gradient = np.matmul(np.matmul(v, inner), adjoint(v))
    return conj(read_triangle(gradient, lower))


# --- Any square matrices --------------------------------------------------------------------------


def _eig_forward(x: Any) -> Any:
    w, v = _eig_of(x)
    return w, v, np.zeros_like(np.real(w))


def _eig(g: Any, x: Any, y: Any) -> Any:
    """V^-* (diag(gw) + conj(F) * (V* gU)) V*, with F = 1 / (w[j] - w[i]); Giles (2008), 3.1.

    The vectors U that the formula without gU = gV would give are not of length 1. LAPACK divides
    each by its length, and turns it until its largest item is real: with s = gV* v for a vector v
    and k the place of that item, dv = du - (rho + i theta) v, where rho is the real part of v* du
    and theta is Im(du[k]) / v[k]. So gU = gV - Re(s) v, plus i Im(s) / v[k] in the place k.
    """
    w, v, gv = y[0], noted(y[1], y[2]), conj(g[1])
    along = np.sum(conj(gv) * v, axis=-2, keepdims=True)
    total = gv - np.real(along) * v
    if is_complex(v):
        place = _largest_real(v)
        turned = 1j * np.imag(along) / np.real(np.take_along_axis(v, place, axis=-2))
        rows = iota_for(v, v.shape[-1])[:, None]
        total = total + np.where(rows == place, turned, 0.0)
    gap, near = _gaps(w, w.shape[-1], _tolerance_without_symmetry(x))
    inner = _off_diagonal(np.matmul(adjoint(v), total)) / conj(gap)
    inner = _limited(inner, near, _either(g[2])) + diagonal_matrix(conj(g[0]))
    inner = inner * _unless_defective(v, near)
    return conj(_solve(adjoint(v), np.matmul(inner, adjoint(v))))


def _tolerance_without_symmetry(x: Any) -> Any:
    """The size of rounding errors in the eigenvalues of a matrix that is far from defective."""
    size = np.sqrt(np.sum(np.absolute(x) ** 2, axis=(-2, -1)))
    return 100 * float(np.finfo(x.dtype).eps) * size[..., None]


def _unless_defective(v: Any, near: Any) -> Any:
    """NaN, shape (…, 1, 1), where equal eigenvalues share a vector, to rounding; 1 elsewhere.

    One eigenvalue of such a matrix is not differentiable. A sum over them may be, but depends on
    what the vectors do not span.
    """
    n = v.shape[-1]
    spans = np.linalg.svd(v, compute_uv=False)
    few = np.any(spans <= 10 * n * float(np.finfo(spans.dtype).eps), axis=-1)
    factor = np.where(few & np.any(near, axis=(-2, -1)), math.nan, 1.0)
    return factor.astype(spans.dtype)[..., None, None]


def _largest_real(v: Any) -> Any:
    """For each vector, shape (…, n, k), the place of the item that LAPACK made real: (…, 1, k)."""
    size = np.absolute(v) + (np.imag(v) == 0)
    return np.argmax(size, axis=-2, keepdims=True)


def _eigvals(g: Any, x: Any) -> Any:
    """V^-* diag(g) V*, which no length and no phase of the vectors changes."""
    w, v = _eig_of(x)
    _, near = _gaps(w, w.shape[-1], _tolerance_without_symmetry(x))
    star = adjoint(v)
    return conj(_solve(star, conj(g)[..., :, None] * star)) * _unless_defective(v, near)


# --- Singular values ------------------------------------------------------------------------------


def _svdvals(g: Any, x: Any) -> Any:
    """Each ds = Re(u* dA v); a singular value of 0 has derivative 0, as an absolute value has."""
    return conj(apply(of_singular_values, (g, x), {"fixed": _is_fixed(g)}))


def _of_singular_values(a: Any, b: Any, *, fixed: bool) -> Any:
    u, s, vh = np.linalg.svd(b, full_matrices=False)
    return np.matmul(u * np.where(s == 0, 0.0, a)[..., None, :], vh)


def _of_singular_values_given(g: Any, b: Any) -> Any:
    u, s, vh = np.linalg.svd(b, full_matrices=False)
    inner = np.matmul(np.matmul(adjoint(u), conj(g)), adjoint(vh))
    return np.where(s == 0, 0.0, np.real(np.diagonal(inner, axis1=-2, axis2=-1)))


def _of_singular_values_of(g: Any, a: Any, b: Any, *, fixed: bool) -> Any:
    """With K = U* G V: U (D * herm(K) + Q * skew(K)) V*, and what is beyond U and V times a / s.

    D are the divided differences of ``a`` by the singular values, and Q its sums by theirs. D is
    known at equal values only of constants, Q and a / s not where they are quotients by 0.
    """
    u, s, vh = np.linalg.svd(b, full_matrices=False)
    n, columns, rows = max(b.shape[-2:]), s[..., None, :], s[..., :, None]
    a = np.where(s == 0, 0.0, a)
    total = conj(g)
    within = np.matmul(np.matmul(adjoint(u), total), adjoint(vh))
    gap, near = _gaps(s, n)
    step, sums = a[..., None, :] - a[..., :, None], a[..., None, :] + a[..., :, None]
    even, odd = _off_diagonal(within + adjoint(within)) / 2, (within - adjoint(within)) / 2
    known = (even == 0) | ((step == 0) if fixed else False)
    inner = _limited(even * (step / gap), near, ~known)
    none = _small(columns + rows, n)
    inner = inner + _over(odd * sums, columns + rows, none, odd)
    gradient = np.matmul(np.matmul(u, inner), vh)
    none = _small(s, n)[..., None, :]
    if b.shape[-2] > s.shape[-1]:
        beyond = np.matmul(total, adjoint(vh)) - np.matmul(u, within)
        beyond = _over(beyond * a[..., None, :], columns, none, beyond)
        gradient = gradient + np.matmul(beyond, vh)
    if b.shape[-1] > s.shape[-1]:
        beyond = adjoint(np.matmul(adjoint(u), total) - np.matmul(within, vh))
        beyond = _over(beyond * a[..., None, :], columns, none, beyond)
        gradient = gradient + np.matmul(u, adjoint(beyond))
    return conj(gradient)


def by_part(g: Any, x: Any, y: Any) -> Any:
    """The rule of a pseudo-inverse that leaves out singular values which are not 0.

    Its adjoint is U f(S) V*, with f = 1 / s for those that are kept, which y tells, and 0 for the
    others. With K = U* dA V it changes by U (D * herm(K) + Q * skew(K)) V*, where D are the divided
    differences of f by the singular values and Q its sums by theirs; beyond U and V by f / s.

    Source: V. Noferini, "A formula for the Fréchet derivative of a generalized matrix function"
    (2017).
    """
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    v, uh, total = adjoint(vh), adjoint(u), adjoint(conj(g))
    kept = np.real(np.diagonal(np.matmul(np.matmul(vh, y), u), axis1=-2, axis2=-1)) * s > 0.5
    f = np.where(kept, 1 / np.where(kept, s, 1.0), 0.0)
    columns, rows, one = s[..., None, :], s[..., :, None], kept[..., None, :] ^ kept[..., :, None]
    both = f[..., None, :] * f[..., :, None]
    step = (f[..., None, :] - f[..., :, None]) / np.where(one, columns - rows, 1.0)
    sums = (f[..., None, :] + f[..., :, None]) / np.where(one, columns + rows, 1.0)
    within = np.matmul(np.matmul(uh, total), v)
    inner = (within + adjoint(within)) / 2 * np.where(one, step, -both)
    inner = inner + (within - adjoint(within)) / 2 * np.where(one, sums, both)
    gradient = np.matmul(np.matmul(u, inner), vh)
    if x.shape[-2] > s.shape[-1]:
        beyond = (np.matmul(total, v) - np.matmul(u, within)) * (f * f)[..., None, :]
        gradient = gradient + np.matmul(beyond, vh)
    if x.shape[-1] > s.shape[-1]:
        beyond = (np.matmul(uh, total) - np.matmul(within, vh)) * (f * f)[..., :, None]
        gradient = gradient + np.matmul(u, beyond)
    return conj(gradient)


def _over(x: Any, by: Any, none: Any, needed: Any) -> Any:
    """``x / by``, and where ``by`` counts as 0, NaN for what is needed and 0 for the rest."""
    return _limited(x / np.where(none, 1.0, by), none, needed != 0)


def _svd_forward(x: Any, *, full: bool) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=full)
    stack = s.shape[:-1]
    return u, s, vh, zeros_for(s, (*stack, u.shape[-1])), zeros_for(s, (*stack, vh.shape[-2]))


def _svd(g: Any, x: Any, y: Any, *, full: bool) -> Any:
    """The decomposition A = U S V*; the vectors that have no singular value stand apart."""
    u, s, vh = noted(y[0], y[3]), y[1], noted(y[2], y[4], -2)
    k, v = s.shape[-1], adjoint(vh)
    gu, gv, marks = conj(g[0]), adjoint(conj(g[2])), g[3][..., :k] + g[4][..., :k]
    if not full or x.shape[-2] == x.shape[-1]:
        return conj(reduced_svd(gu, g[1], gv, x, (u, s, vh), marks))
    factors = u[..., :k], s, adjoint(v[..., :k])
    gradient = reduced_svd(gu[..., :k], g[1], gv[..., :k], x, factors, marks)
    none = _small(s, max(x.shape[-2:]))[..., None, :]
    if x.shape[-2] > k:
        turned = _turned_beyond(gu[..., k:], u[..., k:], u[..., :k], s, none)
        gradient = gradient - np.matmul(turned, factors[2])
    else:
        turned = _turned_beyond(gv[..., k:], v[..., k:], v[..., :k], s, none)
        gradient = gradient - np.matmul(factors[0], adjoint(turned))
    return conj(gradient)


def _turned_beyond(g: Any, n: Any, u: Any, s: Any, none: Any) -> Any:
    """N gN* U / S, for vectors N that are at right angles to all of U.

    Any basis of that space will do. The one that does not turn within it follows from U* N = 0 and
    A* N = 0: dN = -U S^-1 V* dA* N. So it is right for all that does not depend on the basis.
    """
    turned = np.matmul(np.matmul(n, adjoint(g)), u)
    return _over(turned, s[..., None, :], none, turned)


def reduced_svd(gu: Any, gs: Any, gv: Any, x: Any, y: Any, marks: Any) -> Any:
    """The reduced decomposition A = U S V*.

    Source: J. Townsend, "Differentiating the singular value decomposition" (2016); the phase of
    complex vectors is free, and for what does not depend on it i Im(diag(U* gU)) / S is added.
    With A = U* gU - gU* U and B likewise of V, his A s[j] + B s[i] over s[j]**2 - s[i]**2 is
    (A + B) / 2 over s[j] - s[i] and (A - B) / 2 over s[j] + s[i].
    """
    u, s, vh = y
    v, uh, n = adjoint(vh), adjoint(u), max(x.shape[-2:])
    left, right = np.matmul(uh, gu), np.matmul(vh, gv)
    columns, rows = s[..., None, :], s[..., :, None]
    (gap, near), either, single = _gaps(s, n), _either(marks), marks[..., None, :]
    turn, back = left - adjoint(left), right - adjoint(right)
    inner = _off_diagonal(turn + back) / 2 / gap
    inner = _limited(inner, near, either)
    none = _small(columns + rows, n)
    inner = inner + _over(
        _off_diagonal(turn - back) / 2, columns + rows, none, _off_diagonal(either)
    )
    inner, none = inner + diagonal_matrix(gs), _small(s, n)[..., None, :]
    if is_complex(x):
        phase = 1j * np.imag(left) * np.real(eye_for(left, s.shape[-1]))
        inner = inner + _over(phase, columns, none, phase)
    gradient = np.matmul(np.matmul(u, inner), vh)
    if x.shape[-2] > s.shape[-1]:
        beyond = _over(gu - np.matmul(u, left), columns, none, single)
        gradient = gradient + np.matmul(beyond, vh)
    if x.shape[-1] > s.shape[-1]:
        beyond = _over(gv - np.matmul(v, right), columns, none, single)
        gradient = gradient + np.matmul(u, adjoint(beyond))
    return gradient


# --- The table ------------------------------------------------------------------------------------

used = Op(
    "used",
    lambda a, b, *, axis: a,
    lambda g, *, axis: dense(g),
    _mark_used,
    structured=2,
)
"""An array of vectors along an axis, unchanged. The cotangent of the second operand, a number for
each vector, is 1 where the vector was used."""

eig = Op("eig", _eig_forward, _eig)
eigvals = Op("eigvals", _eigvals_of, _eigvals)

svdvals = Op("svdvals", lambda x: np.linalg.svd(x, compute_uv=False), _svdvals)

eigh = Op("eigh", _eigh_forward, _eigh)
of_eigenvalues: Op = Op(
    "of_eigenvalues",
    _of_eigenvalues,
    _of_eigenvalues_given,
    _of_eigenvalues_of,
)
"""V diag(a) V*, or V diag(a w) V* for a power of 1, with w, V the eigenvalues and vectors of b."""
of_singular_values: Op = Op(
    "of_singular_values",
    _of_singular_values,
    _of_singular_values_given,
    _of_singular_values_of,
)
"""U diag(a) V*, with U and V the singular vectors of ``b``."""
eigvalsh = Op(
    "eigvalsh",
    lambda x, *, lower: np.linalg.eigvalsh(x, "L" if lower else "U"),
    _eigvalsh,
    structured=1,
)
svd = Op("svd", _svd_forward, _svd)
pinv_of_part = Op("pinv_of_part", linalg.pinv.forward, by_part)
"""A pseudo-inverse that leaves out singular values which are not 0."""

register_ops(vars().values())
