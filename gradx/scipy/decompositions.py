"""Decompositions under the names of `scipy.linalg`: QR, singular values, eigenvalues, bases."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand, operands, primals
from gradx.numpy.decompositions import leaves_out
from gradx.ops import spectral
from gradx.ops.helpers import conj, transposed
from gradx.ops.scipy import matrices
from gradx.scipy.library import in_place_of, library
from gradx.scipy.lifting import as_scipys

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "null_space", "orth", "qr", "svd", "svdvals"]

sl = library("scipy.linalg")
_qr = dispatched(sl.qr)


def _refused(call: str, instead: str) -> NotLiftedError:
    return NotLiftedError(f"scipy.linalg.{call} has no derivative in gradx; write {instead}")


@as_scipys(sl.qr)
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.qr`, of matrices of full rank; the permutation is a plain value.

    The columns of a full Q beyond the reduced ones are any basis of the space at right angles to
    them; the gradient is right for what does not depend on the choice.

    Raises:
        NotLiftedError: the raw form is asked for.
    """
    a = operand(a)
    m, n = shape_of(a)[-2:]
    if mode == "raw":
        raise _refused("qr with mode='raw'", "mode='economic', 'full' or 'r'")
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (_qr(primals(a), mode="r", pivoting=True)[-1],)
        a = np.take_along_axis(a, order[0][..., None, :], axis=-1)
    q, r = _factors(a, mode != "economic" and m > n)
    return (r, *order) if mode == "r" else (q, r, *order)


def _factors(a: Any, full: bool) -> Any:
    """Q and R: the square part fixes Q, and the other columns are projected."""
    m, n = shape_of(a)[-2:]
    q, r = apply(matrices.qr, (a[..., :m],), {"full": full})
    if m < n:
        r = np.concatenate([r, np.matmul(conj(transposed(q)), a[..., m:])], axis=-1)
    return q, r


@in_place_of(sl.svd)
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """As `scipy.linalg.svd`.

    A gradient that flows through vectors of equal singular values, which are arbitrary, is NaN. The
    vectors of full matrices that have no singular value are any basis of the space at right angles
    to the others; the gradient is right for what does not depend on the choice.
    """
    a = operand(a)
    if not compute_uv:
        return svdvals(a, check_finite=check_finite)
    options = {"check_finite": check_finite, "lapack_driver": lapack_driver}
    params = {"full": bool(full_matrices), "options": options}
    u, s, vh, left, right = apply(matrices.svd, (a,), params)
    return spectral.noted(u, left, -1), s, spectral.noted(vh, right, -2)


@in_place_of(sl.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.svdvals`: the singular values, the largest first."""
    params = {"options": {"check_finite": check_finite}}
    return apply(matrices.svdvals, (operand(a),), params)


@in_place_of(sl.null_space)
def null_space(
    A: Any,  # noqa: N803, RUF100 - SciPy's name
    rcond: float | None = None,
    *,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """As `scipy.linalg.null_space`: a basis of the vectors that a matrix maps to 0.

    The basis is arbitrary; the gradient is right for what does not depend on the choice, among
    matrices of the same rank.
    """
    a = operand(A)
    if not leaves_out(a, rcond):
        return apply(matrices.null_space, (a,), {"rcond": rcond})
    _, s, vh = svd(a, lapack_driver=lapack_driver)
    return conj(transposed(vh[_rank(s, rcond) :]))


@as_scipys(sl.orth)
def orth(A: Any, rcond: float | None = None) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.orth`: singular vectors, a basis of what a matrix maps to.

    A gradient that flows through vectors of equal singular values, which are arbitrary, is NaN. It
    is right among matrices of the same rank.
    """
    a = operand(A)
    if not leaves_out(a, rcond):
        u, _, _, marks, _ = apply(matrices.svd_of_rank, (a,), {"rcond": rcond})
        return spectral.noted(u, marks, -1)
    u, s, _ = svd(a, full_matrices=False)
    return u[:, : _rank(s, rcond)]


def _rank(s: Any, rcond: Any) -> int:
    return int(np.sum(s > np.max(s) * rcond))


@in_place_of(sl.eigh)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """As `scipy.linalg.eigh`, of one matrix; the gradient is by the triangle that is read.

    A gradient that flows through vectors of equal eigenvalues, which are arbitrary, is NaN.

    Raises:
        NotLiftedError: a subset is asked for, or another ``type`` of equation than 1.
    """
    if subset_by_index is not None or subset_by_value is not None:
        raise _refused("eigh of a subset", "an index of all eigenvalues")
    params = {"lower": lower, "options": _options(check_finite, driver)}
    if b is not None:
        return _of_two(a, b, type, eigvals_only, params)
    if eigvals_only:
        return apply(matrices.eigvalsh, (operand(a),), params)
    w, v, marks = apply(matrices.eigh, (operand(a),), params)
    return w, spectral.noted(v, marks, -1)


def _of_two(a: Any, b: Any, type: int, eigvals_only: bool, params: dict[str, Any]) -> Any:
    """The eigenvalues of ``A v = w B v``, and the vectors, of length 1 by B."""
    if type != 1:
        raise _refused(f"eigh with type={type}", "type=1, of the product or the inverse")
    a, b = operands(a, b)
    if eigvals_only:
        return apply(matrices.eigvalsh_of_two, (a, b), params)
    w, v, marks = apply(matrices.eigh_of_two, (a, b), params)
    return w, spectral.noted(v, marks, -1)


@in_place_of(sl.eigvalsh)
def eigvalsh(a: Any, b: Any = None, **options: Any) -> Any:
    """As `scipy.linalg.eigvalsh`; the gradient is by the triangle that is read."""
    return eigh(a, b, eigvals_only=True, **options)


@in_place_of(sl.eig)
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """As `scipy.linalg.eig`: the vectors of length 1, with a real number for the largest item.

    A gradient that flows through vectors of equal eigenvalues, which are arbitrary, is NaN.

    Raises:
        NotLiftedError: two matrices are given, or left vectors or pairs are asked for.
    """
    if b is not None or homogeneous_eigvals:
        raise _refused("eig of two matrices", "eig(solve(b, a))")
    if left:
        raise _refused("eig with left=True", "eig(a.conj().T) for the left vectors")
    params = {"options": {"check_finite": check_finite}}
    if not right:
        return apply(matrices.eigvals, (operand(a),), params)
    w, v, marks = apply(matrices.eig, (operand(a),), params)
    return w, spectral.noted(v, marks, -1)


@in_place_of(sl.eigvals)
def eigvals(a: Any, b: Any = None, **options: Any) -> Any:
    """As `scipy.linalg.eigvals`."""
    return eig(a, b, right=False, **options)


def _options(check_finite: bool, driver: str | None) -> dict[str, Any]:
    return {"check_finite": check_finite} | ({"driver": driver} if driver else {})
