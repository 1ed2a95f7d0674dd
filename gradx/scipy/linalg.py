"""SciPy's linear algebra, under the names of `scipy.linalg`.

Arrays are never overwritten, whatever the options ``overwrite_…`` say. Where an option says that
one triangle of a matrix is read, the gradient is by that triangle.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.errors import NotLiftedError
from gradx.numpy import linalg as of_numpy
from gradx.numpy.arguments import counts, on_host, operand, operands, primals
from gradx.numpy.decompositions import leaves_out
from gradx.ops.helpers import array_for, conj, eye_for, first_device_array, transposed, zeros_for
from gradx.ops.scipy import matrices
from gradx.ops.structures import whole_matrix
from gradx.scipy.decompositions import (
    eig,
    eigh,
    eigvals,
    eigvalsh,
    null_space,
    orth,
    qr,
    svd,
    svdvals,
)
from gradx.scipy.library import in_place_of, library, passing_on
from gradx.scipy.lifting import as_scipys
from gradx.scipy.matrices import (
    block_diag,
    circulant,
    coshm,
    cosm,
    expm,
    hankel,
    logm,
    sinhm,
    sinm,
    sqrtm,
    tanhm,
    tanm,
    toeplitz,
)

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "coshm",
    "cosm",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "hankel",
    "inv",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "norm",
    "null_space",
    "orth",
    "pinv",
    "pinvh",
    "qr",
    "sinhm",
    "sinm",
    "solve",
    "solve_banded",
    "solve_continuous_lyapunov",
    "solve_discrete_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "toeplitz",
]

sl, __getattr__ = library("scipy.linalg"), passing_on("scipy.linalg")
_lstsq, _pinv, _pinvh = map(dispatched, (sl.lstsq, sl.pinv, sl.pinvh))


def _refused(call: str, instead: str) -> NotLiftedError:
    return NotLiftedError(f"scipy.linalg.{call} has no derivative in gradx; write {instead}")


def _options(**options: Any) -> dict[str, Any]:
    """The options that are not what SciPy takes by default, which older versions may lack."""
    return {key: x for key, x in options.items() if x not in (None, False) or key in _DEFAULT_TRUE}


_DEFAULT_TRUE = frozenset({"check_finite"})


def _of_one_matrix(function: str, *xs: Any) -> None:
    """Refuse stacks of matrices, which SciPy and NumPy understand differently.

    Raises:
        NotLiftedError: there is one.
    """
    if any(len(shape_of(x)) > 2 for x in xs):
        raise _refused(f"{function} of a stack of matrices", "a loop over them, and np.stack")


# --- Equations ------------------------------------------------------------------------------------


@in_place_of(sl.solve)
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """As `scipy.linalg.solve`, of one matrix."""
    a, b = operands(a, b)
    _of_one_matrix("solve", a, b)
    options = _options(
        lower=lower, check_finite=check_finite, assume_a=assume_a, transposed=transposed
    )
    return apply(matrices.solve, (a, b), {"options": options})


@in_place_of(sl.solve_triangular)
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.solve_triangular`, of one matrix."""
    a, b = operands(a, b)
    _of_one_matrix("solve_triangular", a, b)
    options = {"lower": lower, "unit_diagonal": unit_diagonal, "check_finite": check_finite}
    trans = {0: "N", 1: "T", 2: "C"}.get(trans, trans)
    return apply(matrices.triangular, (a, b), {"trans": trans, "options": options})


@in_place_of(sl.solve_banded)
def solve_banded(
    l_and_u: Any,
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.solve_banded`, of one matrix."""
    lower, upper = counts(l_and_u)
    ab, b = operands(ab, b)
    _of_one_matrix("solve_banded", ab, b)
    params = {"lower": lower, "upper": upper, "options": {"check_finite": check_finite}}
    return apply(matrices.banded, (ab, b), params)


@as_scipys(sl.solveh_banded)
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.solveh_banded`, of one matrix, of whose bands one side is given."""
    ab, b = operands(ab, b)
    _of_one_matrix("solveh_banded", ab, b)
    rows, n = shape_of(ab)
    given = [ab[k] if lower else ab[rows - 1 - k] for k in range(rows)]
    other: list[Any] = []
    for k in range(1, rows):
        none = zeros_for(ab, (k,))
        if lower:
            other.insert(0, np.concatenate([none, conj(given[k][: n - k])]))
        else:
            other.append(np.concatenate([conj(given[k][k:]), none]))
    bands = np.stack([*other, *given] if lower else [*given[::-1], *other])
    return solve_banded((rows - 1, rows - 1), bands, b, check_finite=check_finite)


@as_scipys(sl.solve_toeplitz)
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """As `scipy.linalg.solve_toeplitz`."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return solve(toeplitz(c, r), b)


@in_place_of(sl.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """As `scipy.linalg.solve_sylvester`: the X of ``a X + X b = q``."""
    return apply(matrices.sylvester, operands(a, b, q))


@as_scipys(sl.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """As `scipy.linalg.solve_continuous_lyapunov`: the X of ``a X + X a* = q``."""
    a, q = operands(a, q)
    return solve_sylvester(a, conj(transposed(a)), q)


@as_scipys(sl.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """As `scipy.linalg.solve_discrete_lyapunov`: the X of ``a X a* - X + q = 0``."""
    a, q = operands(a, q)
    eye = np.real(eye_for(q, shape_of(q)[0] ** 2)).astype(float)  # of doubles, as SciPy's
    whole = eye - np.kron(a, conj(a))
    return np.reshape(np.linalg.solve(whole, np.ravel(q)), shape_of(q))


@as_scipys(sl.lstsq)
def lstsq(
    a: Any,
    b: Any,
    cond: float | None = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> Any:
    """As `scipy.linalg.lstsq`, by the pseudo-inverse; the rank is a plain value."""
    a, b = operands(a, b)
    _of_one_matrix("lstsq", a, b)
    x = np.matmul(pinv(a, rtol=cond), b)
    own = _lstsq(primals(a), primals(b), cond=cond, lapack_driver=lapack_driver)
    residuals: Any = own[1]
    if np.size(residuals):
        rest = np.absolute(b - np.matmul(a, x))
        residuals = np.sum(rest * rest, axis=0)
    return x, residuals, own[2], svdvals(a)


# --- Inverses, determinants, norms ----------------------------------------------------------------


@in_place_of(sl.inv)
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Any:
    """As `scipy.linalg.inv`."""
    options = _options(check_finite=check_finite, assume_a=assume_a, lower=lower)
    return apply(matrices.inv, (operand(a),), {"options": options})


@in_place_of(sl.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.det`; the first two derivatives are right for singular matrices too."""
    return apply(matrices.det, (operand(a),), {"options": {"check_finite": check_finite}})


@in_place_of(sl.pinv)
def pinv(
    a: Any,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.pinv`; the derivative is that among matrices of the same rank.

    Where bounds leave out singular values that are not 0 to rounding it is that of what is left.
    """
    options, a = _options(atol=atol, rtol=rtol, check_finite=check_finite), operand(a)
    op = matrices.pinv_of_part if leaves_out(a, rtol, atol) else matrices.pinv
    inverse = apply(op, (a,), {"options": options})
    if not return_rank:
        return inverse
    return inverse, _pinv(primals(a), return_rank=True, **options)[1]


@in_place_of(sl.pinvh)
def pinvh(
    a: Any,
    atol: float | None = None,
    rtol: float | None = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.pinvh`; the gradient is by the triangle that is read."""
    options, a = _options(atol=atol, rtol=rtol, check_finite=check_finite), operand(a)
    whole = whole_matrix(a, {"assume_a": "hermitian", "lower": lower})
    op = matrices.pinvh_of_part if leaves_out(whole, rtol, atol) else matrices.pinvh
    inverse = apply(op, (a,), {"lower": bool(lower), "options": options})
    if not return_rank:
        return inverse
    return inverse, _pinvh(primals(a), lower=lower, return_rank=True, **options)[1]


@as_scipys(sl.norm)
def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.norm`; a norm of 0 has gradient 0, and ties share it."""
    return of_numpy.norm(a, ord, axis, keepdims)


# --- Factors --------------------------------------------------------------------------------------


@in_place_of(sl.cholesky)
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.cholesky`: by default the upper factor, of the upper triangle."""
    params = {"lower": bool(lower), "options": {"check_finite": check_finite}}
    return apply(matrices.cholesky, (operand(a),), params)


@as_scipys(sl.cho_factor)
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.cho_factor`; what the other triangle holds are items of the matrix."""
    a = operand(a)
    other = np.triu(a, 1) if lower else np.tril(a, -1)
    return cholesky(a, lower) + other, lower


@as_scipys(sl.cho_solve)
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """As `scipy.linalg.cho_solve`, of the result of `cho_factor`."""
    c, lower = c_and_lower
    first, then = ("N", "C") if lower else ("C", "N")
    return solve_triangular(c, solve_triangular(c, b, first, lower), then, lower)


@as_scipys(sl.lu)
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """As `scipy.linalg.lu`; the permutation is a plain value."""
    p, lower, upper = apply(matrices.lu, (operand(a),))
    if permute_l:
        return np.take_along_axis(lower, p[..., :, None], axis=-2), upper
    return (p if p_indices else _identity(lower)[p]), lower, upper


@as_scipys(sl.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """As `scipy.linalg.lu_factor`, for `lu_solve`; the pivots are plain values."""
    p, lower, upper = apply(matrices.lu, (operand(a),))
    (m, k), n = shape_of(lower)[-2:], shape_of(upper)[-1]
    lower = np.tril(lower, -1)
    if n > k:
        lower = np.concatenate([lower, zeros_for(lower, (*shape_of(lower)[:-1], n - k))], axis=-1)
    if m > k:
        rest = zeros_for(upper, (*shape_of(upper)[:-2], m - k, n))
        upper = np.concatenate([upper, rest], axis=-2)
    return lower + upper, _pivots(p, k)


@as_scipys(sl.lu_solve)
def lu_solve(
    lu_and_piv: Any,
    b: Any,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `scipy.linalg.lu_solve`, of the result of `lu_factor`."""
    factors, piv = lu_and_piv
    rows = _order_of_rows(on_host(primals(piv)))
    lower: dict[str, Any] = {"lower": True, "unit_diagonal": True}
    if trans == 0:
        return solve_triangular(factors, solve_triangular(factors, operand(b)[rows], **lower))
    form = "T" if trans == 1 else "C"
    x = solve_triangular(factors, solve_triangular(factors, b, form), form, **lower)
    return x[np.argsort(rows)]


def _identity(lower: Any) -> Any:
    """The identity matrix of as many rows as a factor has, where that is."""
    n = shape_of(lower)[-2]
    there = first_device_array((lower,))
    return np.eye(n) if there is None else eye_for(np.real(there), n)


def _pivots(order: Any, count: int) -> Any:
    """The row that each row was exchanged with, from the rows of the factors that a matrix has.

    Those of plain values on the host are SciPy's own: see `as_scipys`.
    """
    there = first_device_array((order,))
    if there is None:
        return apply(_EXCHANGED, (order,), {"count": count})
    return array_for(_exchanged(on_host(order), count=count), there)


def _exchanged(order: Any, *, count: int) -> Any:
    """The pivots, on the host: shape (…, n) gives (…, count)."""
    piv = np.empty((*order.shape[:-1], count), int)
    for place in np.ndindex(*order.shape[:-1]):
        rows, left = np.argsort(order[place]), np.arange(order.shape[-1])
        for i in range(count):
            piv[(*place, i)] = j = int(np.flatnonzero(left == rows[i])[0])
            left[[i, j]] = left[[j, i]]
    return piv


_EXCHANGED = Op("pivots", _exchanged, None)
register_ops((_EXCHANGED,))


def _order_of_rows(piv: Any) -> Any:
    """The order that exchanging row i with row piv[i], one after another, gives."""
    rows = np.arange(len(piv))
    for i, j in enumerate(piv):
        rows[[i, j]] = rows[[j, i]]
    return rows
