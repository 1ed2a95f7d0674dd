"""Sparse systems of equations, under the names of `scipy.sparse.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse.linalg

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import home, shape_of
from gradx.devices.kernel_table import kernel
from gradx.devices.placement import on_common_device, on_device_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand
from gradx.ops.helpers import first_device_array
from gradx.ops.scipy.sparse import Pattern, System, sparse_solve
from gradx.scipy.library import passing_on
from gradx.scipy.sparse.items import is_plain, is_sparse, pattern_of

__all__ = ["factorized", "splu", "spsolve"]

__getattr__ = passing_on("scipy.sparse.linalg")


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """As `scipy.sparse.linalg.spsolve`, by the items of the matrix and by a dense right-hand side.

    Raises:
        NotLiftedError: the right-hand side is sparse, and there are variables.
    """
    options = {"permc_spec": permc_spec, "use_umfpack": use_umfpack}
    if is_plain(A, b):
        return scipy.sparse.linalg.spsolve(_bare(A), b, **options)
    if is_sparse(b):
        raise NotLiftedError(
            "spsolve with a sparse right-hand side has no derivative in gradx; write b.toarray()"
        )
    A = A if A.format in ("csr", "csc") else A.tocsc()
    b = operand(b)
    if len(shape_of(b)) == 2 and shape_of(b)[1] == 1:
        b = b[:, 0]  # SciPy gives a vector for one column
    pattern = pattern_of(A)
    system = System(pattern, value(A.data), direct=options)
    params = {"system": system, "pattern": pattern, "trans": "N"}
    with on_common_device("spsolve", (home(A.data), home(b))):
        return apply(sparse_solve, (A.data, b), params)


class splu:
    """As `scipy.sparse.linalg.splu`: the factors of a matrix whose items may be variables.

    Args:
        A: the matrix, in the format csc or csr.
        options: those of SciPy.

    Raises:
        NotLiftedError: (on use) what is asked for, such as ``L``, has no derivative.
    """

    def __init__(self, A: Any, *options: Any, **named: Any) -> None:
        self._data, self._pattern = A.data, pattern_of(A)
        there = first_device_array((A.data,))
        with on_device_of(there):
            plain = _bare(A) if there is None else self._pattern.matrix_beside(value(A.data))
            self._own = kernel(scipy.sparse.linalg.splu, there)(plain, *options, **named)
        self._system = System(self._pattern, value(A.data), self._own)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if not is_plain(self._data) and name not in ("shape", "nnz", "perm_c", "perm_r"):
            raise NotLiftedError(
                f".{name} of the factors of variables, or on a device, has no derivative in gradx; "
                ".solve has one"
            )
        return getattr(self._own, name)

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """As SciPy's: the solution for a dense right-hand side.

        Args:
            rhs: the right-hand side, shape (n,) or (n, k).
            trans: ``N``, ``T`` for the transposed matrix, ``H`` for its conjugate.
        """
        there = first_device_array((self._data, rhs)) is not None
        if not (there or has_variables((self._data, rhs))):
            return self._own.solve(rhs, trans)
        params = {"system": self._system, "pattern": self._pattern, "trans": trans}
        with on_common_device("splu(A).solve", (home(self._data), home(rhs))):
            if trans == "H":
                return gnp.conj(self.solve(gnp.conj(rhs), "T"))
            return apply(sparse_solve, (self._data, operand(rhs)), params)


def factorized(A: Any) -> Any:
    """As `scipy.sparse.linalg.factorized`: the function that solves for a right-hand side."""
    if is_plain(A):
        A = _bare(A).tocsc()
    return splu(A.tocsc()).solve


def _bare(x: Any) -> Any:
    """A matrix of plain items, as SciPy's own."""
    if not is_sparse(x) or x.format not in ("csr", "csc", "coo"):
        return x
    pattern: Pattern = pattern_of(x)
    return pattern.build(np.asarray(value(x.data)))
