"""Splines through values, by the values and the points: SciPy's classes on variables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.interpolate

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import shape_of, spec_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand
from gradx.ops import shaping
from gradx.ops.scipy.interpolate import SplineSystem, spline_coefficients, spline_values
from gradx.scipy.lifting import constant
from gradx.scipy.recipes import MadeForEach, made_for_each, of_each, then

__all__ = ["CubicSpline", "Spline", "make_interp_spline"]

Array = np.ndarray[Any, Any]
Parts = tuple[Any, Array, int]
Condition = tuple[tuple[float, float, int], ...]


class Spline:
    """A spline whose values, or the points where it is asked, may be variables.

    Args:
        own: SciPy's object, of the plain values.
        lifted: whether a value is a variable.
        made: gives it as a B-spline: the coefficients, shape (n, m), the knots, and the degree.
            Called once there is a variable among the values or points.
        axis: where the axis of points is in a result.
    """

    _recipe: Any = None

    def __init__(self, own: Any, lifted: bool, made: Callable[[], Parts], axis: int) -> None:
        self._own, self._has_variables, self._axis = own, lifted, axis
        self._parts = functools.cache(made)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._has_variables:
            raise NotLiftedError(
                f".{name} of a {type(self).__name__} of variables has no derivative in gradx; its "
                "values and those of .derivative(), .antiderivative() and .integrate() have one"
            )
        return getattr(self._own, name)

    @of_each
    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """As SciPy's: the values at points, or those of a derivative.

        Args:
            x: the points, of any shape.
            nu: the order of the derivative.
            extrapolate: whether to go on beyond the ends, or ``"periodic"``.
        """
        own = self._own(value(x) if has_variables(x) else x, nu, extrapolate)
        if not (self._has_variables or has_variables(x)):
            return own
        return apply(shaping.computed, (self._lifted(operand(x), nu, extrapolate, own), own))

    def _lifted(self, x: Any, nu: int, extrapolate: Any, own: Array) -> Any:
        extrapolate = self._own.extrapolate if extrapolate is None else extrapolate
        points = gnp.reshape(x, (-1,))
        if np.dtype(spec_of(points).dtype) != float:
            points = gnp.astype(points, float) if has_variables(points) else points.astype(float)
        c, t, k = self._parts()
        low, high = t[k], t[-k - 1]
        if extrapolate == "periodic":
            points = points - (high - low) * np.floor((value(points) - low) / (high - low))
        y = apply(spline_values, (c, points), {"t": t, "k": k, "nu": nu})
        if not extrapolate:
            plain = value(points)
            y = gnp.where(((plain >= low) & (plain <= high))[:, None], y, math.nan)
        shape, ndim = own.shape, len(shape_of(x))
        where = list(range(self._axis, self._axis + ndim))
        rest = tuple(n for i, n in enumerate(shape) if i not in where)
        y = gnp.reshape(y, (*shape_of(x), *rest))
        return gnp.moveaxis(y, range(ndim), where)

    @then
    def derivative(self, nu: int = 1) -> Spline:
        """The derivative of order ``nu``, a spline."""

        def made() -> Parts:
            c, t, k = self._parts()
            for _ in range(nu):
                if k == 0:
                    return c * 0.0, t, 0
                distances = _nonzero(t[k + 1 : -1] - t[1 : -k - 1])
                c = (c[1:] - c[:-1]) * (k / distances)[:, None]
                t, k = t[1:-1], k - 1
            return c, t, k

        return Spline(self._own.derivative(nu), self._has_variables, made, self._axis)

    @then
    def antiderivative(self, nu: int = 1) -> Spline:
        """The antiderivative of order ``nu`` that is zero at the first point, a spline."""

        def made() -> Parts:
            c, t, k = self._parts()
            for _ in range(nu):
                terms = c * ((t[k + 1 :] - t[: -k - 1]) / (k + 1))[:, None]
                c = gnp.concatenate([terms[:1] * 0.0, gnp.cumsum(terms, axis=0)])
                t, k = np.concatenate([t[:1], t, t[-1:]]), k + 1
            return c, t, k

        return Spline(self._own.antiderivative(nu), self._has_variables, made, self._axis)

    @of_each
    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """As SciPy's: the integral between two points, within the ends or extrapolated."""
        own = self._own.integrate(value(a), value(b), extrapolate)
        if not (self._has_variables or has_variables((a, b))):
            return own
        extrapolate = self._own.extrapolate if extrapolate is None else extrapolate
        if extrapolate == "periodic":
            raise NotLiftedError(
                "integrate with extrapolate='periodic' has no derivative in gradx; take the "
                "difference of .antiderivative() at the two points"
            )
        whole = self.antiderivative()
        return apply(shaping.computed, (whole(b) - whole(a), own))


def _nonzero(x: Array) -> Array:
    return np.where(x == 0, np.inf, x)


def _columns(y: Any, axis: int) -> Any:
    """Values as columns of a matrix, with the axis of points first, in double precision."""
    y = gnp.moveaxis(operand(y), axis, 0)
    y = gnp.reshape(y, (shape_of(y)[0], -1))
    dtype = complex if np.dtype(spec_of(y).dtype).kind == "c" else float
    return y if np.dtype(spec_of(y).dtype) == dtype else y.astype(dtype)


# --- make_interp_spline ---------------------------------------------------------------------------


@made_for_each
def make_interp_spline(
    x: Any,
    y: Any,
    k: int = 3,
    t: Any = None,
    bc_type: Any = None,
    axis: int = 0,
    check_finite: bool = True,
) -> Spline:
    """As `scipy.interpolate.make_interp_spline`, by the values and by the points of the spline.

    Raises:
        NotLiftedError: ``x``, ``t`` or the conditions have variables; or periodic ones for ``y``.
    """
    _constants("make_interp_spline", x=x, t=t, bc_type=bc_type)
    own = scipy.interpolate.make_interp_spline(x, value(y), k, t, bc_type, axis, check_finite)
    plain = own.c.reshape(len(own.c), -1)
    if not has_variables(y):
        return Spline(own, False, lambda: (plain, own.t, own.k), own.axis)
    if bc_type == "periodic":
        raise NotLiftedError(
            "make_interp_spline with bc_type='periodic' has no derivative by its values in gradx; "
            "use CubicSpline(x, y, bc_type='periodic')"
        )
    points = np.asarray(x, float)
    both = [bc_type] * 2 if bc_type is None or isinstance(bc_type, str) else list(bc_type)
    conditions = [
        ((1.0, float(point), order),)
        for which, point in zip(both, (points[0], points[-1]), strict=True)
        for order in _orders(which)
    ]
    system = SplineSystem(points, own.t, own.k, conditions)
    c = apply(spline_coefficients, (_columns(y, axis),), {"system": system, "transposed": False})
    c = apply(shaping.computed, (c, plain))
    return Spline(own, True, lambda: (c, own.t, own.k), own.axis)


_NAMED = MappingProxyType({"natural": (2,), "clamped": (1,), "not-a-knot": ()})


def _orders(condition: Any) -> Sequence[Any]:
    """The orders of the derivatives that a condition at an end sets."""
    if condition is None:
        return ()
    if isinstance(condition, str):
        return _NAMED[condition]
    return [condition[0]] if np.isscalar(condition[0]) else [order for order, _ in condition]


def _constants(function: str, **arguments: Any) -> None:
    for name, x in arguments.items():
        constant(f"{function} by {name}", x)


# --- CubicSpline ----------------------------------------------------------------------------------


class CubicSpline(Spline, metaclass=MadeForEach):
    """As `scipy.interpolate.CubicSpline`, by the values and by the points of the spline.

    Args:
        x: where the values are, shape (n,); constants.
        y: the values.
        axis: their axis of points.
        bc_type: the conditions at the ends; constants.
        extrapolate: as for SciPy.

    Raises:
        NotLiftedError: ``x`` or the conditions have variables; or (where it is asked for values)
            there are fewer than four, with ``not-a-knot`` at one end alone.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        bc_type: Any = "not-a-knot",
        extrapolate: Any = None,
    ) -> None:
        _constants("CubicSpline", x=x, bc_type=bc_type)
        own = scipy.interpolate.CubicSpline(x, value(y), axis, bc_type, extrapolate)
        points = own.x

        def made() -> Parts:
            degree, inner, conditions, values = _conditions(points, bc_type)
            ends = [end.repeat(degree + 1) for end in (points[:1], points[-1:])]
            t = np.concatenate([ends[0], inner, ends[1]])
            system = SplineSystem(points, t, degree, conditions)
            c = apply(
                spline_coefficients, (_columns(y, axis),), {"system": system, "transposed": False}
            )
            if any(np.any(each) for each in values):
                rows = [np.ravel(np.broadcast_to(each, own.c.shape[2:])) for each in values]
                c = c + system.offset(np.stack(rows))
            return c, t, degree

        super().__init__(own, has_variables(y), made, own.axis)


def _conditions(x: Array, bc_type: Any) -> tuple[int, Array, list[Condition], list[Any]]:
    """The degree, the inner knots, the further equations of a cubic spline and their values."""
    first, last = float(x[0]), float(x[-1])
    if isinstance(bc_type, str) and bc_type == "periodic":
        pairs: list[Condition] = [((1.0, first, n), (-1.0, last, n)) for n in (1, 2)]
        return 3, x[1:-1], pairs, [0.0, 0.0]
    both = [bc_type] * 2 if isinstance(bc_type, str) else list(bc_type)
    free = [isinstance(each, str) and each == "not-a-knot" for each in both]
    if len(x) < 4 and any(free):
        if not all(free):
            raise NotLiftedError(
                f"CubicSpline through {len(x)} values with not-a-knot at one end has no derivative "
                "in gradx; give a derivative at both ends"
            )
        return len(x) - 1, x[:0], [], []
    inner = x[1 + free[0] : len(x) - 1 - free[1]]
    found: list[Condition] = []
    values: list[Any] = []
    for each, end in zip(both, (first, last), strict=True):
        for order, set_to in zip(_orders(each), _values(each), strict=True):
            found.append(((1.0, end, order),))
            values.append(set_to)
    return 3, inner, found, values


def _values(condition: Any) -> list[Any]:
    """The values that a condition at an end sets."""
    return [0.0] * len(_NAMED[condition]) if isinstance(condition, str) else [condition[1]]
