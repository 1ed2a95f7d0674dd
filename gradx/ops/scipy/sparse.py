"""Sparse arrays of a fixed pattern: products with dense arrays, and systems of equations.

A sparse array is its stored items; where they stand is a constant. So the cotangent of A in A x is
``g x.T`` at those places, and that in the solution of A y = b is ``-h y.T`` there, where ``h``
solves the transposed system for the cotangent of y and is the cotangent of b.

Source: Giles, An extended collection of matrix derivative results (2008), 2.2.1 and 2.3.1.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu, spsolve

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property

__all__ = ["Pattern", "System", "sparse_matmul", "sparse_solve"]

Array = np.ndarray[Any, Any]
_TRANSPOSED = (("csr", "csc"), ("csc", "csr"), ("coo", "coo"))


class Pattern:
    """Where the items of a sparse array stand.

    Args:
        kind: its format: csr, csc or coo.
        places: the indices and their pointers, or the rows and the columns.
        shape: the shape, (n, m).
    """

    def __init__(self, kind: str, places: tuple[Array, Array], shape: tuple[int, int]) -> None:
        self.kind, self.places, self.shape = kind, places, shape

    def build(self, data: Array) -> Any:
        """SciPy's array with these items."""
        if self.kind == "coo":
            return scipy.sparse.coo_array((data, self.places), self.shape)
        cls = scipy.sparse.csr_array if self.kind == "csr" else scipy.sparse.csc_array
        return cls((data, *self.places), self.shape)

    @functools.cached_property
    def rows(self) -> Array:
        """The row of each item."""
        return self._expanded() if self.kind == "csr" else self.places[0]

    @functools.cached_property
    def columns(self) -> Array:
        """The column of each item."""
        if self.kind == "coo":
            return self.places[1]
        return self._expanded() if self.kind == "csc" else self.places[0]

    def _expanded(self) -> Array:
        pointers = self.places[1]
        return np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))

    @functools.cached_property
    def transposed(self) -> Pattern:
        """That of the transpose, with the items in the same order."""
        places = self.places[::-1] if self.kind == "coo" else self.places
        return Pattern(dict(_TRANSPOSED)[self.kind], places, self.shape[::-1])


def _at_places(g: Any, x: Any, rows: Array, columns: Array) -> Any:
    """The items of ``g x.T`` at places, of vectors or of matrices."""
    products = np.take(g, rows, axis=0) * np.take(x, columns, axis=0)
    return products if len(products.shape) == 1 else np.sum(products, axis=-1)


def _by_items(g: Any, b: Any, *, pattern: Pattern) -> Any:
    return _at_places(g, b, pattern.rows, pattern.columns)


def _by_dense(g: Any, a: Any, *, pattern: Pattern) -> Any:
    return apply(sparse_matmul, (a, g), {"pattern": pattern.transposed})


sparse_matmul: Op = Op(
    "sparse_matmul",
    lambda a, b, *, pattern: pattern.build(a) @ b,
    _by_items,
    _by_dense,
    properties=Property.BILINEAR,
)
"""The product of a sparse array, of its items, with a vector or a dense matrix."""


class System:
    """A sparse system of equations, which is factorised once.

    Args:
        matrix: SciPy's array, of plain items.
        factor: its factors, if they are known.
        direct: solve it by `scipy.sparse.linalg.spsolve` where it is not transposed.
    """

    def __init__(self, matrix: Any, factor: Any = None, direct: Any = None) -> None:
        self._matrix, self._direct = matrix, direct
        if factor is not None:
            self.factor = factor

    @functools.cached_property
    def factor(self) -> Any:
        """The factors, by `scipy.sparse.linalg.splu`."""
        return splu(self._matrix.tocsc())

    def solve(self, b: Array, trans: str) -> Array:
        """The solution for a dense right-hand side; of the transposed system for ``T``."""
        if self._direct is not None and trans == "N":
            return np.asarray(spsolve(self._matrix, b, **self._direct))
        if b.dtype.kind == "c" and self._matrix.dtype.kind != "c":
            return self.solve(b.real, trans) + 1j * self.solve(b.imag, trans)
        dtype = np.result_type(b, self._matrix)
        solved: Array = self.factor.solve(np.ascontiguousarray(b, self._matrix.dtype), trans)
        return solved.astype(dtype, copy=False)


_OTHER = (("N", "T"), ("T", "N"))


def _solved_back(g: Any, a: Any, **params: Any) -> Any:
    other = params | {"trans": dict(_OTHER)[params["trans"]]}
    return apply(sparse_solve, (a, g), other)


def _solve_by_items(g: Any, a: Any, y: Any, *, system: System, pattern: Pattern, trans: str) -> Any:
    h = _solved_back(g, a, system=system, pattern=pattern, trans=trans)
    rows, columns = pattern.rows, pattern.columns
    if trans == "T":
        rows, columns = columns, rows
    return -_at_places(h, y, rows, columns)


def _solve_by_side(g: Any, a: Any, *, system: System, pattern: Pattern, trans: str) -> Any:
    return _solved_back(g, a, system=system, pattern=pattern, trans=trans)


sparse_solve: Op = Op(
    "sparse_solve",
    lambda a, b, *, system, pattern, trans: system.solve(b, trans),
    _solve_by_items,
    _solve_by_side,
)
"""The solution of a sparse system, of its items and its right-hand side."""

register_ops(vars().values())
