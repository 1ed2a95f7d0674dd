"""Decompositions under the names of `numpy.linalg`: spectra, singular values, QR and Cholesky."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand, to_the_bit
from gradx.ops import linalg, spectral
from gradx.ops.helpers import conj, transposed
from gradx.ops.reductions import real_dtype

__all__ = [
    "cholesky",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "leaves_out",
    "qr",
    "svd",
    "svdvals",
]

_EIG = type(np.linalg.eig(np.eye(1)))
_EIGH = type(np.linalg.eigh(np.eye(1)))
_QR = type(np.linalg.qr(np.eye(1)))
_SVD = type(np.linalg.svd(np.eye(1)))


# --- Singular values ------------------------------------------------------------------------------


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """As `np.linalg.svd`.

    A gradient that flows through vectors of equal singular values, which are arbitrary, is NaN. The
    vectors of full matrices that have no singular value are any basis of the space at right angles
    to the others; the gradient is right for what does not depend on the choice.
    """
    a = operand(a)
    if hermitian:
        return _svd_of_hermitian(a, compute_uv=compute_uv)
    if not compute_uv:
        return svdvals(a)
    u, s, vh, left, right = apply(spectral.svd, (a,), {"full": bool(full_matrices)})
    return _SVD(spectral.noted(u, left, -1), s, spectral.noted(vh, right, -2))


@to_the_bit(functools.partial(np.linalg.svd, hermitian=True))
def _svd_of_hermitian(a: Any, *, compute_uv: bool) -> Any:
    """By the eigenvalues, whose moduli are the singular values; one triangle is read."""
    if not compute_uv:
        return np.flip(np.sort(np.absolute(eigvalsh(a)), axis=-1), axis=-1)
    w, v = eigh(a)
    order = np.flip(np.argsort(np.absolute(w), axis=-1), axis=-1)
    w, u = np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., None, :], -1)
    return _SVD(u, np.absolute(w), conj(transposed(u * np.sign(w)[..., None, :])))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """As `np.linalg.svdvals`: the singular values, the largest first."""
    return apply(spectral.svdvals, (operand(x),))


# --- Eigenvalues ----------------------------------------------------------------------------------


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """As `np.linalg.eig`: complex where NumPy's is, so the values are read.

    The vectors are NumPy's: of length 1, with a real number for the largest item. A gradient that
    flows through vectors of equal eigenvalues, which are arbitrary, is NaN.
    """
    w, v, marks = apply(spectral.eig, (operand(a),))
    return _EIG(w, spectral.noted(v, marks, -1))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """As `np.linalg.eigvals`: complex where NumPy's are, so the values are read."""
    return apply(spectral.eigvals, (operand(a),))


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803, RUF100 - NumPy's name
    """As `np.linalg.eigh`; the gradient is by the triangle that is read.

    A gradient that flows through vectors of equal eigenvalues, which are arbitrary, is NaN.
    """
    w, v, marks = apply(spectral.eigh, (operand(a),), {"lower": _is_lower(UPLO)})
    return _EIGH(w, spectral.noted(v, marks, -1))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803, RUF100 - NumPy's name
    """As `np.linalg.eigvalsh`; the gradient is by the triangle that is read."""
    return apply(spectral.eigvalsh, (operand(a),), {"lower": _is_lower(UPLO)})


def _is_lower(uplo: str) -> bool:
    if uplo.upper() not in ("L", "U"):
        raise ValueError(f"UPLO={uplo!r}; it is 'L' or 'U', the triangle to read")
    return uplo.upper() == "L"


# --- Triangular factors ---------------------------------------------------------------------------


@implements(np.linalg.cholesky)
@to_the_bit(np.linalg.cholesky, "upper")
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """As `np.linalg.cholesky`; the gradient is by the triangle that is read."""
    a = operand(a)
    if upper:
        return conj(transposed(apply(linalg.cholesky, (conj(transposed(a)),))))
    return apply(linalg.cholesky, (a,))


@implements(np.linalg.qr)
@to_the_bit(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """As `np.linalg.qr`, for matrices of full rank.

    The columns of a complete Q beyond the reduced ones are any basis of the space at right angles
    to them; the gradient is right for what does not depend on the choice.

    Raises:
        NotLiftedError: the raw form is asked for.
    """
    a = operand(a)
    m, n = shape_of(a)[-2:]
    if mode not in ("reduced", "complete", "r"):
        raise NotLiftedError(
            f"np.linalg.qr with mode={mode!r} has no derivative in gradx; write mode='reduced', "
            "'complete' or 'r'"
        )
    if m >= n:
        q, r = apply(linalg.qr, (a,), {"full": mode == "complete"})
    else:  # the square part fixes Q; the other columns are projected
        q, left = apply(linalg.qr, (a[..., :m],), {"full": False})
        r = np.concatenate([left, np.matmul(conj(transposed(q)), a[..., m:])], axis=-1)
    return r if mode == "r" else _QR(q, r)


def leaves_out(a: Any, rtol: Any, atol: float | None = None) -> bool:
    """Whether bounds leave out singular values of matrices that are not 0 to rounding.

    Args:
        a: (…, m, n).
        rtol: relative to the largest singular value, a number or (…,); None for the usual one.
        atol: what is added to it.
    """
    if len(shape_of(a)) < 2:
        return False  # NumPy says what it thinks of that
    rounding = max(shape_of(a)[-2:]) * float(np.finfo(real_dtype(a)).eps)
    usual = rtol is None or (type(rtol) is float and rtol <= rounding)
    if (usual and not atol) or 0 in shape_of(a)[-2:]:
        return False
    s = np.linalg.svd(a, compute_uv=False)
    largest = np.max(s, axis=-1, keepdims=True)
    share: Any = rounding if rtol is None else rtol
    bound = largest * (share[..., None] if shape_of(share) else share)
    return bool(np.any((s <= bound + (atol or 0.0)) & (s > largest * rounding)))
