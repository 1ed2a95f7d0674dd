"""Square roots and logarithms of matrices on CuPy's arrays, by iterations of inverses.

Each reads, once an iteration, a number that says whether it is done.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.extension import lacking
from gradx_cuda.diagnosis import import_cupy

__all__ = ["logm", "sqrtm"]

_STEPS = 60
"""More than any matrix takes whose square root there is: a few for the scale, and then six."""
_NODES = 8
"""Of Gauss's rule for the logarithm near the identity: exact to the last digit up to `_NEAR`."""
_NEAR = 0.25
_ROOTS = 60


def sqrtm(x: Any) -> Any:
    """The square root whose eigenvalues are on the right.

    Source: Higham, Functions of Matrices (2008), (6.29): the product form of the iteration of
    Denman and Beavers, with the scaling by determinants.

    Args:
        x: the matrices, shape (…, n, n).

    Raises:
        NotLiftedError: the iteration does not converge: there are eigenvalues on the negative real
            axis, of whose roots there is none on the right, or the matrix is singular.
    """
    return _root(x, "sqrtm")


def _root(x: Any, name: str) -> Any:
    dtype = np.result_type(x, np.float32)
    n, tiny = x.shape[-1], float(np.finfo(dtype).eps)
    y = m = x.astype(dtype)
    one = import_cupy().eye(n, dtype=dtype)
    before = np.inf
    for _ in range(_STEPS):
        inverse = np.linalg.inv(m)
        scale = _scale(m, n)
        y = (scale * y + np.matmul(y, inverse) / scale) / 2
        m = (one + (scale**2 * m + inverse / scale**2) / 2) / 2
        away = float(_size(m - one))
        if not np.isfinite(away):
            break
        if away <= n * tiny or (away < 1e-3 and away >= before / 2):
            return y
        before = away
    raise lacking(
        f"scipy.linalg.{name}", x, " of a singular matrix, or one with eigenvalues below zero"
    )


def _scale(m: Any, n: int) -> Any:
    """``|det m| ** (-1 / 2n)``, of each matrix."""
    return np.exp(np.linalg.slogdet(m)[1] / (-2 * n))[..., None, None]


def _size(x: Any) -> Any:
    """The largest norm, that of the largest column, of matrices."""
    return np.max(np.sum(np.absolute(x), axis=-2))


def logm(x: Any) -> Any:
    """The logarithm whose eigenvalues have imaginary parts between -pi and pi.

    Of square roots until one is near the identity: ``log x = 2**k log x**(1 / 2**k)``, by Gauss's
    rule for ``integral of r / (1 + t r)`` over t in 0 … 1. What is left of ``x - 1`` is found by
    ``x - 1 = (x**(1/2) - 1) (x**(1/2) + 1)``, without a difference of equal numbers.

    Source: Higham, Functions of Matrices (2008), 11.4 and 11.5; Al-Mohy and Higham, "Improved
    inverse scaling and squaring algorithms for the matrix logarithm" (2012), 2.3, for the rest.

    Args:
        x: the matrices, shape (…, n, n).

    Raises:
        NotLiftedError: there are eigenvalues on the negative real axis, or 0.
    """
    root = x.astype(np.result_type(x, np.float32))
    one = import_cupy().eye(x.shape[-1], dtype=root.dtype)
    rest, count = root - one, 0
    while not float(_size(rest)) <= _NEAR and count < _ROOTS:
        root, count = _root(root, "logm"), count + 1
        rest = np.linalg.solve(root + one, rest)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    total: Any = 0.0
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        total = total + float(weight) * np.linalg.solve(one + float(node) * rest, rest)
    return 2.0**count * total
