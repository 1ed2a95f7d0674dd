"""Sparse systems of equations, under the names of `scipy.sparse.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse.linalg

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand
from gradx.ops.scipy.sparse import Pattern, System, sparse_solve
from gradx.scipy.library import passing_on
from gradx.scipy.sparse.arrays import pattern_of

__all__ = ["factorized", "splu", "spsolve"]

__getattr__ = passing_on("scipy.sparse.linalg")


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """As `scipy.sparse.linalg.spsolve`, by the items of the matrix and by a dense right-hand side.

    Raises:
        NotLiftedError: the right-hand side is sparse, and there are variables.
    """
    options = {"permc_spec": permc_spec, "use_umfpack": use_umfpack}
    if not has_variables((_items(A), b)):
        return scipy.sparse.linalg.spsolve(_bare(A), b, **options)
    if scipy.sparse.issparse(b):
        raise NotLiftedError(
            "spsolve with a sparse right-hand side has no derivative in gradx; write b.toarray()"
        )
    A = A if A.format in ("csr", "csc") else A.tocsc()
    b = operand(b)
    if len(shape_of(b)) == 2 and shape_of(b)[1] == 1:
        b = b[:, 0]  # SciPy gives a vector for one column
    system = System(_bare(A), direct=options)
    params = {"system": system, "pattern": pattern_of(A), "trans": "N"}
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
        plain = _bare(A)
        self._own = scipy.sparse.linalg.splu(plain, *options, **named)
        self._data, self._pattern = A.data, pattern_of(A)
        self._system = System(plain, self._own)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if has_variables(self._data) and name not in ("shape", "nnz", "perm_c", "perm_r"):
            raise NotLiftedError(
                f".{name} of the factors of variables has no derivative in gradx; .solve has one"
            )
        return getattr(self._own, name)

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """As SciPy's: the solution for a dense right-hand side.

        Args:
            rhs: the right-hand side, shape (n,) or (n, k).
            trans: ``N``, ``T`` for the transposed matrix, ``H`` for its conjugate.
        """
        if not has_variables((self._data, rhs)):
            return self._own.solve(rhs, trans)
        if trans == "H":
            return gnp.conj(self.solve(gnp.conj(rhs), "T"))
        params = {"system": self._system, "pattern": self._pattern, "trans": trans}
        return apply(sparse_solve, (self._data, operand(rhs)), params)


def factorized(A: Any) -> Any:
    """As `scipy.sparse.linalg.factorized`: the function that solves for a right-hand side."""
    if not has_variables(_items(A)):
        A = _bare(A).tocsc()
    return splu(A.tocsc()).solve


def _items(x: Any) -> Any:
    return getattr(x, "data", x)


def _bare(x: Any) -> Any:
    """A matrix of plain items, as SciPy's own."""
    if not scipy.sparse.issparse(x) or x.format not in ("csr", "csc", "coo"):
        return x
    pattern: Pattern = pattern_of(x)
    return pattern.build(np.asarray(value(x.data)))
