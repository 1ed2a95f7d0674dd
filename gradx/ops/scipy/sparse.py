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
from gradx.devices.kernel_table import dispatched, kernel
from gradx.ops.constants import Constant
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.ops.items import sparse_product
from gradx.ops.scipy.factors import Factors

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
        (first, second), (n, m) = self.places, self.shape
        places = (second, first) if self.kind == "coo" else self.places
        return Pattern(dict(_TRANSPOSED)[self.kind], places, (m, n))

    # --- On devices -------------------------------------------------------------------------------

    def places_beside(self, x: Any) -> tuple[Any, Any]:
        """The rows and the columns of the items, where a value is."""
        rows, columns = self._places
        return rows.beside(x), columns.beside(x)

    @functools.cached_property
    def _places(self) -> tuple[Constant, Constant]:
        return Constant(self.rows), Constant(self.columns)

    def by_rows(self, x: Any) -> tuple[Any, Any, Any]:
        """Where a value is: the order of the items by rows, their columns, and the first of each.

        Returns:
            Indices of the items, shape (k,), the column of each of these, shape (k,), and for each
            row the first of its items, shape (n + 1,).
        """
        order, columns, first = self._by_rows
        return order.beside(x), columns.beside(x), first.beside(x)

    @functools.cached_property
    def _by_rows(self) -> tuple[Constant, Constant, Constant]:
        order = np.argsort(self.rows, kind="stable")
        first = np.searchsorted(self.rows[order], np.arange(self.shape[0] + 1))
        columns = np.asarray(self.columns, np.int64)[order]
        return Constant(order.astype(np.int64)), Constant(columns), Constant(first.astype(np.int64))

    def matrix_beside(self, data: Any) -> Any:
        """The array of a device's own library with these items, by rows, each place once."""
        where, columns, first = self._once
        items = sparse_product_of(data, zeros_for(data, (len(data),)) + 1, pattern=where)
        places = columns.beside(data), first.beside(data)
        new = kernel(scipy.sparse.csr_matrix, data)((items, *places), shape=self.shape)
        new.has_canonical_format = True
        return new

    @functools.cached_property
    def _once(self) -> tuple[Pattern, Constant, Constant]:
        """Which items go to which place, and where the places are that an array has by rows."""
        width = self.shape[1]
        known = np.asarray(self.rows, np.int64) * width + self.columns
        places, where = np.unique(known, return_inverse=True)
        first = np.searchsorted(places // width, np.arange(self.shape[0] + 1))
        sums = Pattern("coo", (where, np.arange(len(known))), (len(places), len(known)))
        columns = (places % width).astype(np.int32)
        return sums, Constant(columns), Constant(first.astype(np.int32))


sparse_product_of = dispatched(sparse_product)


def _at_places(g: Any, x: Any, rows: Any, columns: Any) -> Any:
    """The items of ``g x.T`` at places, of vectors or of matrices."""
    products = np.take(g, rows, axis=0) * np.take(x, columns, axis=0)
    return products if len(products.shape) == 1 else np.sum(products, axis=-1)


def _by_items(g: Any, b: Any, *, pattern: Pattern) -> Any:
    return _at_places(g, b, *pattern.places_beside(g))


def _by_dense(g: Any, a: Any, *, pattern: Pattern) -> Any:
    return apply(sparse_matmul, (a, g), {"pattern": pattern.transposed})


sparse_matmul: Op = Op(
    "sparse_matmul",
    sparse_product_of,
    _by_items,
    _by_dense,
    properties=Property.BILINEAR,
)
"""The product of a sparse array, of its items, with a vector or a dense matrix."""


class System:
    """A sparse system of equations, which is factorised once.

    Args:
        pattern: where the items of the matrix are.
        data: the items, plain.
        factor: its factors, if they are known.
        direct: the options of `scipy.sparse.linalg.spsolve`, which then solves it, but on the host
            not the transposed one.
    """

    def __init__(self, pattern: Pattern, data: Any, factor: Any = None, direct: Any = None) -> None:
        self._pattern, self._data, self._direct = pattern, data, direct
        if factor is not None:
            self.factors = Factors(factor, data.dtype)

    @functools.cached_property
    def factors(self) -> Factors:
        """The factors, by `scipy.sparse.linalg.splu`."""
        return Factors(splu(self._pattern.build(self._data).tocsc()), self._data.dtype)

    def solve(self, b: Any, trans: str) -> Any:
        """The solution for a dense right-hand side; of the transposed system for ``T``."""
        if self._direct is None:
            return self.factors.solve(b, trans)
        if first_device_array((b,)) is not None:
            pattern = self._pattern if trans == "N" else self._pattern.transposed
            dtype = np.result_type(self._data, b)
            matrix = pattern.matrix_beside(self._data.astype(dtype, copy=False))
            return kernel(spsolve, b)(matrix, b.astype(dtype, copy=False))
        if trans == "N":
            return np.asarray(spsolve(self._pattern.build(self._data), b, **self._direct))
        return self.factors.solve(b, trans)


_OTHER = (("N", "T"), ("T", "N"))


def _solved_back(g: Any, a: Any, **params: Any) -> Any:
    other = params | {"trans": dict(_OTHER)[params["trans"]]}
    return apply(sparse_solve, (a, g), other)


def _solve_by_items(g: Any, a: Any, y: Any, *, system: System, pattern: Pattern, trans: str) -> Any:
    h = _solved_back(g, a, system=system, pattern=pattern, trans=trans)
    rows, columns = pattern.places_beside(h)
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
