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
from gradx.ops.constants import Constant
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.ops.scipy import bsplines
from gradx.ops.scipy.factors import Factors

__all__ = [
    "SplineSystem",
    "spline_coefficients",
    "spline_spread",
    "spline_values",
]

Array = np.ndarray[Any, Any]


# --- Values ---------------------------------------------------------------------------------------


def _values(c: Any, x: Any, *, t: Constant, k: int, nu: int) -> Any:
    """The values of splines with coefficients of shape (n, m) at r points, shape (r, m)."""
    if nu > k:
        return zeros_for(c, (len(x), c.shape[1]))
    if first_device_array((c,)) is not None:
        return bsplines.values(c, x, t.beside(c), k, nu)
    return BSpline(t.x, c, k)(x, nu)


def _spread(g: Any, x: Any, *, t: Constant, k: int, nu: int) -> Any:
    """The transpose: from a cotangent of the values, shape (r, m), to the coefficients, (n, m)."""
    if nu > k:
        return zeros_for(g, (len(t.x) - k - 1, g.shape[1]))
    if first_device_array((g,)) is not None:
        return bsplines.spread(g, x, t.beside(g), k, nu)
    return _spread_on_host(g, x, t.x, k, nu)


def _spread_on_host(g: Array, x: Array, t: Array, k: int, nu: int) -> Any:
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


def _by_points(g: Any, a: Any, b: Any, *, t: Constant, k: int, nu: int) -> Any:
    return np.sum(g * apply(spline_values, (a, b), {"t": t, "k": k, "nu": nu + 1}), axis=-1)


def _spread_by_points(g: Any, a: Any, b: Any, *, t: Constant, k: int, nu: int) -> Any:
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
                factor * _spread_on_host(one, np.array([point]), t, k, order)
                for factor, point, order in terms
            )
            rows.append(csr_array(np.reshape(row, (1, -1))))
        self._factors = Factors(splu(csc_array(vstack(rows))))
        self._missing = len(conditions)

    def solve(self, y: Any) -> Any:
        """The coefficients of splines through values, shape (n, m)."""
        zeros = zeros_for(y, (self._missing, y.shape[1]))
        return self._factors.solve(np.concatenate([y, zeros]), "N")

    def offset(self, values: Array) -> Any:
        """The coefficients of splines through zeros, whose conditions have values, shape (·, m)."""
        zeros = np.zeros((self.count, values.shape[1]))
        return self._factors.solve(np.concatenate([zeros, values]), "N")

    def solve_transposed(self, c: Any) -> Any:
        """The transpose of `solve`."""
        return self._factors.solve(c, "T")[: self.count]


def _coefficients_back(g: Any, *, system: SplineSystem, transposed: bool) -> Any:
    return apply(spline_coefficients, (g,), {"system": system, "transposed": not transposed})


spline_coefficients: Op = Op(
    "spline_coefficients",
    lambda x, *, system, transposed: (system.solve_transposed if transposed else system.solve)(x),
    _coefficients_back,
    properties=Property.LINEAR,
)
"""The coefficients of splines through values, or the transpose of that map."""

register_ops(vars().values())
