"""The linear algebra of SciPy on CuPy's arrays, in NumPy's calls and CuPy's.

cuSOLVER has no Schur form. So equations of Sylvester are solved as one system of all items, and
functions of matrices by iterations, which read whether they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.extension import lacking, whole_matrix
from gradx_cuda.diagnosis import import_cupy, import_cupyx
from gradx_cuda.kernels import are_real, check_geev
from gradx_cuda.matrix_functions import logm, sqrtm

__all__ = ["LINALG"]


def _taking(
    name: str, function: Callable[..., Any], count: int, known: frozenset[str]
) -> Callable[..., Any]:
    """A function in place of SciPy's, which looks at no values.

    Args:
        name: SciPy's.
        function: its stand-in.
        count: how many arrays that takes.
        known: its options.

    Raises:
        NotLiftedError: (the function) it is called with what the stand-in lacks.
    """

    def call(*xs: Any, check_finite: bool = True, lapack_driver: Any = None, **options: Any) -> Any:
        if len(xs) > count:
            raise lacking(f"scipy.linalg.{name}", xs[0], f" of {len(xs)} arrays")
        if unknown := [key for key in options if key not in known]:
            raise lacking(f"scipy.linalg.{name}", xs[0], f" with {', '.join(unknown)}")
        return function(*map(_in_singles, xs), **options)

    return call


def _in_singles(x: Any) -> Any:
    """An array of half precision in single precision, as SciPy takes it; anything else as it is."""
    return x.astype(np.float32) if getattr(x, "dtype", None) == np.float16 else x


def _adjoint(x: Any) -> Any:
    return np.conj(x.swapaxes(-1, -2))


# --- Equations ------------------------------------------------------------------------------------


def _solve(
    a: Any, b: Any, assume_a: Any = None, lower: bool = False, transposed: bool = False
) -> Any:
    matrix = whole_matrix(a, {"assume_a": assume_a, "lower": lower})
    return np.linalg.solve(matrix.swapaxes(-1, -2) if transposed else matrix, b)


def _inv(a: Any, assume_a: Any = None, lower: bool = False) -> Any:
    return np.linalg.inv(whole_matrix(a, {"assume_a": assume_a, "lower": lower}))


def _solve_banded(l_and_u: Any, ab: Any, b: Any) -> Any:
    """By the sparse QR of cuSOLVER, whose rows have what lies within the bands."""
    (lower, upper), n = l_and_u, ab.shape[-1]
    first = np.maximum(np.arange(n) - lower, 0)
    counts = np.minimum(np.arange(n) + upper, n - 1) - first + 1
    pointers = np.concatenate([[0], np.cumsum(counts)])
    rows = np.repeat(np.arange(n), counts)
    columns = np.arange(len(rows)) - np.repeat(pointers[:-1] - first, counts)
    items = ab.reshape(-1)[_there((upper + rows - columns) * n + columns)]
    dtype = np.result_type(items, b, np.float32)
    places = [_there(each.astype(np.int32)) for each in (columns, pointers)]
    matrix = import_cupyx("scipy.sparse").csr_matrix((items.astype(dtype), *places), shape=(n, n))
    matrix.has_canonical_format = True
    return import_cupyx("scipy.sparse.linalg").spsolve(matrix, b.astype(dtype))


def _there(indices: Any) -> Any:
    """Indices that were found from a shape, on the current device."""
    return import_cupy().asarray(indices)


def _solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """``a X + X b = q`` as one system of the items of X, row by row."""
    (m, n), dtype = q.shape, np.result_type(a, b, q)
    eye = import_cupy().eye
    whole = np.kron(a, eye(n, dtype=a.dtype)) + np.kron(eye(m, dtype=b.dtype), b.T)
    return np.linalg.solve(whole.astype(dtype), q.astype(dtype).reshape(-1)).reshape(m, n)


def _lstsq(a: Any, b: Any, cond: float | None) -> Any:
    return np.linalg.lstsq(a, b, np.finfo(a.dtype).eps if cond is None else cond)


# --- Determinants, inverses and bases -------------------------------------------------------------


def _det(x: Any) -> Any:
    """In double precision, as SciPy's."""
    y = np.linalg.det(x)
    return y.astype(np.result_type(y, np.float64), copy=False)


def _cutoff(sizes: Any, n: int, atol: float | None, rtol: float | None) -> Any:
    """What counts as more than 0 among the sizes of singular values or eigenvalues."""
    bound = n * float(np.finfo(sizes.dtype).eps) if rtol is None else float(rtol)
    return sizes > (atol or 0.0) + bound * np.max(sizes, axis=-1, keepdims=True)


def _inverses(x: Any, kept: Any) -> Any:
    where = import_cupy().where
    return where(kept, 1 / where(kept, x, 1), 0)


def _pinv(
    x: Any, atol: float | None = None, rtol: float | None = None, return_rank: bool = False
) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    kept = _cutoff(s, max(x.shape[-2:]), atol, rtol)
    inverse = np.matmul(_adjoint(vh) * _inverses(s, kept)[..., None, :], _adjoint(u))
    return (inverse, int(kept.sum())) if return_rank else inverse


def _pinvh(
    x: Any,
    lower: bool = True,
    atol: float | None = None,
    rtol: float | None = None,
    return_rank: bool = False,
) -> Any:
    w, v = _eigh(x, lower=lower)
    kept = _cutoff(np.absolute(w), x.shape[-1], atol, rtol)
    inverse = np.matmul(v * _inverses(w, kept)[..., None, :], _adjoint(v))
    return (inverse, int(kept.sum())) if return_rank else inverse


def _null_space(x: Any, rcond: float | None = None) -> Any:
    """The rank, and so the shape, is read."""
    _, s, vh = np.linalg.svd(x, full_matrices=True)
    rank = int(_cutoff(s, max(x.shape), None, rcond).sum())
    return _adjoint(vh[rank:])


# --- Factors --------------------------------------------------------------------------------------


def _cholesky(x: Any, lower: bool) -> Any:
    """The lower factor reads the lower triangle; the upper one is its adjoint."""
    if lower:
        return np.linalg.cholesky(x)
    return _adjoint(np.linalg.cholesky(_adjoint(x)))


def _lu(x: Any, p_indices: bool) -> Any:
    """CuPy's, with the rows that the matrix has in place of a matrix of their permutation."""
    order, lower, upper = import_cupyx("scipy.linalg").lu(x)
    return np.argmax(order, axis=-1), lower, upper


def _qr(x: Any, mode: str, pivoting: bool = False) -> Any:
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (_pivots(x),)
        x = np.take_along_axis(x, order[0][..., None, :], axis=-1)
    q, r = np.linalg.qr(x, "complete" if mode == "full" else "reduced")
    return (r, *order) if mode == "r" else (q, r, *order)


def _pivots(x: Any) -> Any:
    """The order of columns of which each is the longest beside those before it.

    What is left of the columns is at right angles to those that were taken; as LAPACK does, the
    chosen column changes places with the first that is left.
    """
    cupy = import_cupy()
    n = x.shape[-1]
    places = cupy.arange(n)
    order = cupy.broadcast_to(places, (*x.shape[:-2], n))
    left = x
    for i in range(min(x.shape[-2:])):
        sizes = np.sum(np.absolute(left) ** 2, axis=-2)
        best = i + np.argmax(sizes[..., i:], axis=-1, keepdims=True)
        swapped = cupy.where(places == i, best, cupy.where(places == best, i, places))
        order = np.take_along_axis(order, swapped, axis=-1)
        left = np.take_along_axis(left, swapped[..., None, :], axis=-1)
        column = left[..., i : i + 1]
        length = np.sqrt(np.sum(np.absolute(column) ** 2, axis=-2, keepdims=True))
        unit = column / (length + (length == 0))
        left = left - np.matmul(unit, np.matmul(_adjoint(unit), left))
    return order


def _svdvals(x: Any) -> Any:
    return np.linalg.svd(x, compute_uv=False)


# --- Eigenvalues ----------------------------------------------------------------------------------


def _eigh(x: Any, b: Any = None, lower: bool = True, driver: Any = None) -> Any:
    """Of ``A v = w B v`` that of ``inv(L) A inv(L*)`` with B = L L*."""
    if b is None:
        return np.linalg.eigh(x, "L" if lower else "U")
    factor, inner = _reduced(x, b, lower)
    w, v = np.linalg.eigh(inner)
    return w, np.linalg.solve(_adjoint(factor), v)


def _eigvalsh(x: Any, b: Any = None, lower: bool = True, driver: Any = None) -> Any:
    if b is None:
        return np.linalg.eigvalsh(x, "L" if lower else "U")
    return np.linalg.eigvalsh(_reduced(x, b, lower)[1])


def _reduced(x: Any, b: Any, lower: bool) -> tuple[Any, Any]:
    """The factor L of B, and ``inv(L) A inv(L*)``."""
    read = {"assume_a": "hermitian", "lower": lower}
    factor = np.linalg.cholesky(whole_matrix(b, read))
    half = np.linalg.solve(factor, whole_matrix(x, read))
    return factor, np.linalg.solve(factor, _adjoint(half))


def _eig(x: Any) -> Any:
    """CuPy's; real vectors where SciPy's are, which is read."""
    check_geev("scipy.linalg.eig", x)
    w, v = np.linalg.eig(x)
    return w, np.real(v) if are_real(x, w) else v


def _eigvals(x: Any) -> Any:
    check_geev("scipy.linalg.eigvals", x)
    return np.linalg.eigvals(x)


def _expm(x: Any) -> Any:
    """CuPy's takes one matrix."""
    expm = import_cupyx("scipy.linalg").expm
    if x.ndim == 2:
        return expm(x)
    each = [expm(one) for one in x.reshape(-1, *x.shape[-2:])]
    return np.stack(each).reshape(x.shape) if each else x.copy()


_LINALG: Mapping[str, tuple[Callable[..., Any], int, str]] = MappingProxyType(
    {
        "solve": (_solve, 2, "assume_a lower transposed"),
        "solve_banded": (_solve_banded, 3, ""),
        "solve_sylvester": (_solve_sylvester, 3, ""),
        "inv": (_inv, 1, "assume_a lower"),
        "det": (_det, 1, ""),
        "pinv": (_pinv, 1, "atol rtol return_rank"),
        "pinvh": (_pinvh, 1, "lower atol rtol return_rank"),
        "null_space": (_null_space, 2, ""),
        "cholesky": (_cholesky, 1, "lower"),
        "lstsq": (_lstsq, 2, "cond"),
        "lu": (_lu, 1, "p_indices"),
        "qr": (_qr, 1, "mode pivoting"),
        "svd": (np.linalg.svd, 1, "full_matrices"),
        "svdvals": (_svdvals, 1, ""),
        "eig": (_eig, 1, ""),
        "eigvals": (_eigvals, 1, ""),
        "eigh": (_eigh, 2, "lower driver"),
        "eigvalsh": (_eigvalsh, 2, "lower driver"),
        "expm": (_expm, 1, ""),
        "logm": (logm, 1, ""),
        "sqrtm": (sqrtm, 1, ""),
    }
)
"""The stand-ins, with how many arrays each takes, and the options that it knows."""
LINALG: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        f"linalg.{name}": _taking(name, function, count, frozenset(options.split()))
        for name, (function, count, options) in _LINALG.items()
    }
)
"""From a function of `scipy.linalg`, with the module, to its stand-in."""
