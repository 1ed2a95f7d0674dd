"""Rank one: outer products by SciPy's BLAS, where that is certain to be no slower.

NumPy has no outer product of BLAS's speed and none that adds into a matrix. SciPy's BLAS has
(``gemm`` with one column, ``ger``), but is a library of its own with threads of its own, and two
pools of threads that wait for each other's processors are slower than either by a factor of ten
and more. So it is used only if it has been imported, and if every BLAS in this process is known
and uses one thread at this moment: inside of ``gx.blas_threads(1)``, or with
``OPENBLAS_NUM_THREADS=1``. Nothing is imported or set here.
"""

from __future__ import annotations

import functools
import sys
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["outer", "subtract_outer"]

_LARGE = 1 << 14
"""From so many numbers on the call of SciPy pays."""
_PREFIX = MappingProxyType({np.dtype(np.float64): "d", np.dtype(np.float32): "s"})
_KNOWN = ("openblas", "scipy-openblas", "mkl", "blis")


@functools.cache
def _pools(blas: Any) -> list[Any] | None:
    """The pools of threads of NumPy's and SciPy's BLAS; None if they are not all known."""
    try:
        import threadpoolctl  # here, so that `import gradx` needs no more than NumPy
    except ImportError:
        return None
    name = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if not name.startswith(_KNOWN):
        return None
    return threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers or None


def _blas(name: str, dtype: Any, size: int) -> Any:
    """A function of SciPy's BLAS for a dtype, or None if it is not to be used."""
    blas = sys.modules.get("scipy.linalg.blas")
    if blas is None or size < _LARGE or dtype not in _PREFIX:
        return None
    function = getattr(blas, _PREFIX[dtype] + name, None)
    if function is None:  # another thread is importing it
        return None
    pools = _pools(blas)
    if pools is None or any(pool.num_threads != 1 for pool in pools):
        return None
    return function


def outer(column: Any, row: Any) -> Any:
    """The matrix of all products of two vectors.

    Args:
        column: (m,), a plain array or not.
        row: (n,).

    Returns:
        (m, n), a new array.
    """
    if type(column) is type(row) is np.ndarray and column.dtype is row.dtype:
        m, n = len(column), len(row)
        gemm = _blas("gemm", column.dtype, m * n)
        if gemm is not None:
            out = np.empty((m, n), column.dtype)
            # In BLAS's order of the axes it is the product of the row as a column with the column.
            gemm(1.0, row[:, None], column[None, :], 0.0, out.T, 0, 0, 1)
            return out
    return np.dot(column[:, None], row[None, :])


def subtract_outer(x: Any, rate: float, column: Any, row: Any) -> bool:
    """Do ``x -= rate * outer(column, row)`` in place if BLAS can, and say whether it was done.

    Args:
        x: (m, n), a plain array of the vectors' dtype.
        rate: a real number.
        column: (m,).
        row: (n,).
    """
    # SciPy copies an array that is not aligned, and would add into the copy.
    ger = _blas("ger", x.dtype, x.size) if x.flags.carray else None
    if ger is None:
        return False
    ger(-rate, row, column, a=x.T, overwrite_a=1)
    return True
