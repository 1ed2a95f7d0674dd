"""Interpolation: B-splines, by coefficients, by points, and by the values they go through.

A spline with knots t and degree k is ``s(x) = sum over j of c[j] B_j(x)``. It is linear in its
coefficients; the transpose of that map, for given points, is an op of its own. The derivative of
each by the points is the same with one more derivative of the functions B_j.

Source: de Boor, A Practical Guide to Splines (1978), chapter X, (12) and (16) for the derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse import csc_array, csr_array, vstack
from scipy.sparse.linalg import splu

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property

__all__ = [
    "SplineSystem",
    "spline_coefficients",
    "spline_coefficients_transposed",
    "spline_spread",
    "spline_values",
]

Array = np.ndarray[Any, Any]


# --- Values ---------------------------------------------------------------------------------------


def _values(c: Any, x: Any, *, t: Array, k: int, nu: int) -> Any:
    """The values of splines with coefficients of shape (n, m) at r points, shape (r, m)."""
    if nu > k:
        return np.zeros((len(x), c.shape[1]), c.dtype)
    return BSpline(t, c, k)(x, nu)


def _spread(g: Any, x: Any, *, t: Array, k: int, nu: int) -> Any:
    """The transpose: from a cotangent of the values, shape (r, m), to the coefficients, (n, m)."""
    count = len(t) - k - 1
    if nu > k:
        return np.zeros((count, g.shape[1]), g.dtype)
    inner = t[nu : len(t) - nu]
    design = BSpline.design_matrix(np.asarray(x, float), inner, k - nu, extrapolate=True)
    h = design.T @ g
    for degree in range(k - nu + 1, k + 1):  # the transposes of the differences, from inside
        cut = k - degree
        outer = t[cut : len(t) - cut]
        distances = _nonzero(outer[degree + 1 : -1] - outer[1 : -degree - 1])
        scaled = h * (degree / distances)[:, None]
        h = np.concatenate([-scaled, scaled[:1] * 0]) + np.concatenate([scaled[:1] * 0, scaled])
    return h


def _nonzero(x: Array) -> Array:
    """Distances of knots, where 0 stands for functions B_j that are zero."""
    return np.where(x == 0, np.inf, x)


def _by_points(g: Any, a: Any, b: Any, *, t: Array, k: int, nu: int) -> Any:
    return np.sum(g * apply(spline_values, (a, b), {"t": t, "k": k, "nu": nu + 1}), axis=-1)


def _spread_by_points(g: Any, a: Any, b: Any, *, t: Array, k: int, nu: int) -> Any:
    return np.sum(a * apply(spline_values, (g, b), {"t": t, "k": k, "nu": nu + 1}), axis=-1)


spline_values: Op = Op(
    "spline_values",
    _values,
    lambda g, b, *, t, k, nu: apply(spline_spread, (g, b), {"t": t, "k": k, "nu": nu}),
    _by_points,
)
"""The values of splines at points."""

spline_spread: Op = Op(
    "spline_spread",
    _spread,
    lambda g, b, *, t, k, nu: apply(spline_values, (g, b), {"t": t, "k": k, "nu": nu}),
    _spread_by_points,
)
"""The transpose of the values by the coefficients."""


# --- Coefficients ---------------------------------------------------------------------------------


class SplineSystem:
    """The equations for the coefficients of a spline through given values.

    Args:
        x: the points at which it has the values, shape (n,).
        t: its knots.
        k: its degree.
        conditions: for each further equation its terms, (factor, point, order): the sum of factors
            times derivatives of that order is zero.
    """

    def __init__(
        self,
        x: Array,
        t: Array,
        k: int,
        conditions: Sequence[Sequence[tuple[float, float, int]]] = (),
    ) -> None:
        self.count = len(x)
        rows: list[Any] = [BSpline.design_matrix(x, t, k)]
        for terms in conditions:
            one = np.ones((1, 1))
            row = sum(
                factor * _spread(one, np.array([point]), t=t, k=k, nu=order)
                for factor, point, order in terms
            )
            rows.append(csr_array(np.reshape(row, (1, -1))))
        self._solver = splu(csc_array(vstack(rows)))
        self._missing = len(conditions)

    def solve(self, y: Array) -> Array:
        """The coefficients of splines through values, shape (n, m)."""
        return self._solved(np.concatenate([y, np.zeros((self._missing, y.shape[1]))]), "N")

    def offset(self, values: Array) -> Array:
        """The coefficients of splines through zeros, whose conditions have values, shape (·, m)."""
        zeros = np.zeros((self.count, values.shape[1]))
        return self._solved(np.concatenate([zeros, values]), "N")

    def solve_transposed(self, c: Array) -> Array:
        """The transpose of `solve`."""
        return self._solved(c, "T")[: self.count]

    def _solved(self, b: Array, trans: str) -> Array:
        if b.dtype.kind == "c":
            return self._solved(b.real, trans) + 1j * self._solved(b.imag, trans)
        solved: Array = self._solver.solve(np.ascontiguousarray(b, float), trans)
        return solved


spline_coefficients: Op = Op(
    "spline_coefficients",
    lambda x, *, system: system.solve(x),
    lambda g, *, system: apply(spline_coefficients_transposed, (g,), {"system": system}),
    properties=Property.LINEAR,
)
"""The coefficients of splines through values."""

spline_coefficients_transposed: Op = Op(
    "spline_coefficients_transposed",
    lambda x, *, system: system.solve_transposed(x),
    lambda g, *, system: apply(spline_coefficients, (g,), {"system": system}),
    properties=Property.LINEAR,
)
"""The transpose of that."""

register_ops(vars().values())
