"""Functions of matrices, and matrices of a form, under the names of `scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.spec import shape_of
from gradx.numpy.arguments import operand, operands
from gradx.numpy.joining import concatenate
from gradx.ops.helpers import conj, is_complex, zeros_for
from gradx.ops.scipy import matrices
from gradx.scipy.library import in_place_of, library
from gradx.scipy.lifting import as_scipys

__all__ = [
    "block_diag",
    "circulant",
    "coshm",
    "cosm",
    "expm",
    "hankel",
    "logm",
    "sinhm",
    "sinm",
    "sqrtm",
    "tanhm",
    "tanm",
    "toeplitz",
]

sl = library("scipy.linalg")

# --- Functions of matrices ------------------------------------------------------------------------


@in_place_of(sl.expm)
def expm(A: Any) -> Any:  # noqa: N803, RUF100 - SciPy's name
    """As `scipy.linalg.expm`."""
    return apply(matrices.expm, (operand(A),))


@in_place_of(sl.logm)
def logm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.logm`."""
    return apply(matrices.logm, (operand(A),))


@in_place_of(sl.sqrtm)
def sqrtm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.sqrtm`."""
    return apply(matrices.sqrtm, (operand(A),))


def _odd_and_even(a: Any, unit: complex) -> tuple[Any, Any]:
    """``(expm(u A) - expm(-u A)) / 2u`` and ``(expm(u A) + expm(-u A)) / 2``."""
    a = operand(a)
    first, second = expm(unit * a), expm(-unit * a)
    odd, even = (first - second) / (2 * unit), (first + second) / 2
    return (odd, even) if unit == 1 or is_complex(a) else (np.real(odd), np.real(even))


@as_scipys(sl.sinm)
def sinm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.sinm`."""
    return _odd_and_even(A, 1j)[0]


@as_scipys(sl.cosm)
def cosm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.cosm`."""
    return _odd_and_even(A, 1j)[1]


@as_scipys(sl.tanm)
def tanm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.tanm`."""
    sine, cosine = _odd_and_even(A, 1j)
    return np.linalg.solve(cosine, sine)


@as_scipys(sl.sinhm)
def sinhm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.sinhm`."""
    return _odd_and_even(A, 1)[0]


@as_scipys(sl.coshm)
def coshm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.coshm`."""
    return _odd_and_even(A, 1)[1]


@as_scipys(sl.tanhm)
def tanhm(A: Any) -> Any:  # noqa: N803, RUF100
    """As `scipy.linalg.tanhm`."""
    sine, cosine = _odd_and_even(A, 1)
    return np.linalg.solve(cosine, sine)


# --- Matrices of a form ---------------------------------------------------------------------------


@as_scipys(sl.block_diag)
def block_diag(*arrs: Any) -> Any:
    """As `scipy.linalg.block_diag`."""
    blocks = [np.atleast_2d(x) for x in operands(*arrs)]
    width, rows, before = sum(shape_of(x)[-1] for x in blocks), [], 0
    for x in blocks:
        m, n = shape_of(x)[-2:]
        left, right = zeros_for(x, (m, before)), zeros_for(x, (m, width - before - n))
        rows.append(np.concatenate([left, x, right], axis=-1))
        before += n
    return concatenate(rows)


@as_scipys(sl.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.toeplitz`: the first column, and the first row."""
    c = np.atleast_1d(operand(c))
    r = conj(c) if r is None else np.atleast_1d(operand(r))
    rows, columns = shape_of(c)[-1], shape_of(r)[-1]
    places = np.arange(rows)[:, None] - np.arange(columns) + columns - 1
    return np.concatenate([np.flip(r[..., 1:], -1), c], axis=-1)[..., places]


@as_scipys(sl.circulant)
def circulant(c: Any) -> Any:
    """As `scipy.linalg.circulant`: the first column."""
    c = np.atleast_1d(operand(c))
    n = shape_of(c)[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % n]


@as_scipys(sl.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """As `scipy.linalg.hankel`: the first column, and the last row."""
    c = np.atleast_1d(operand(c))
    r = np.zeros_like(c) if r is None else np.atleast_1d(operand(r))
    rows, columns = shape_of(c)[-1], shape_of(r)[-1]
    places = np.arange(rows)[:, None] + np.arange(columns)
    return np.concatenate([c, r[..., 1:]], axis=-1)[..., places]
