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
from gradx.core.spec import home, shape_of, spec_of
from gradx.devices.placement import on_common_device, on_device_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import as_array, on_host, operand
from gradx.ops import shaping
from gradx.ops.constants import Constant
from gradx.ops.helpers import array_for, first_device_array
from gradx.ops.scipy.interpolate import SplineSystem, spline_coefficients, spline_values
from gradx.scipy.library import device_array
from gradx.scipy.lifting import constant
from gradx.scipy.recipes import MadeForEach, made_for_each, of_each, then

__all__ = ["CubicSpline", "Spline", "make_interp_spline"]

Array = np.ndarray[Any, Any]
Parts = tuple[Any, Constant, int]
Condition = tuple[tuple[float, float, int], ...]


class Spline:
    """A spline whose values, or the points where it is asked, may be variables or on a device.

    Args:
        own: SciPy's object, of the plain values; on a device, where there is none, of zeros.
        lifted: whether a value is a variable.
        made: gives it as a B-spline: the coefficients, shape (n, m), the knots, and the degree.
            Called once there is a variable among the values or points, or they are on a device.
        axis: where the axis of points is in a result.
        shape: the shape of a result without that axis.
        there: the values, if they are on a device.
    """

    _recipe: Any = None

    def __init__(
        self,
        own: Any,
        lifted: bool,
        made: Callable[[], Parts],
        axis: int,
        shape: tuple[int, ...],
        there: Any,
    ) -> None:
        self._own, self._has_variables, self._axis = own, lifted, axis
        self._shape, self._there = shape, there
        self._parts = functools.cache(made)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._has_variables or self._there is not None:
            what = "of variables" if self._has_variables else "on a device"
            raise NotLiftedError(
                f".{name} of a {type(self).__name__} {what} has no derivative in gradx; its "
                "values and those of .derivative(), .antiderivative() and .integrate() have one"
            )
        return getattr(self._own, name)

    @of_each
    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """As SciPy's: the values at points, or those of a derivative.

        Args:
            x: the points, of any shape; where the values are, or numbers.
            nu: the order of the derivative.
            extrapolate: whether to go on beyond the ends, or ``"periodic"``.

        Raises:
            DeviceMismatchError: the points are on another device than the values.
        """
        if self._there is not None or first_device_array((x,)) is not None:
            return self._on_device(x, nu, extrapolate)
        own = self._own(value(x) if has_variables(x) else x, nu, extrapolate)
        if not (self._has_variables or has_variables(x)):
            return own
        return apply(shaping.computed, (self._lifted(operand(x), nu, extrapolate), own))

    def _on_device(self, x: Any, nu: int, extrapolate: Any) -> Any:
        c = home(self._parts()[0])
        x = array_for(x, c) if isinstance(x, (list, tuple)) and not has_variables(x) else operand(x)
        x = as_array(x, c)
        with on_common_device(type(self).__name__, (c, home(x))):
            return self._lifted(x, nu, extrapolate)

    def _lifted(self, x: Any, nu: int, extrapolate: Any) -> Any:
        extrapolate = self._own.extrapolate if extrapolate is None else extrapolate
        points = gnp.reshape(x, (-1,))
        if np.dtype(spec_of(points).dtype) != float:
            points = gnp.astype(points, float) if has_variables(points) else points.astype(float)
        c, t, k = self._parts()
        low, high = _ends(t, k)
        if extrapolate == "periodic":
            points = points - (high - low) * np.floor((value(points) - low) / (high - low))
        y = apply(spline_values, (c, points), {"t": t, "k": k, "nu": nu})
        if not extrapolate:
            plain = value(points)
            y = gnp.where(((plain >= low) & (plain <= high))[:, None], y, math.nan)
        ndim = len(shape_of(x))
        y = gnp.reshape(y, (*shape_of(x), *self._shape))
        return gnp.moveaxis(y, range(ndim), range(self._axis, self._axis + ndim))

    def _of_same_values(self, own: Any, made: Callable[[], Parts]) -> Spline:
        return Spline(own, self._has_variables, made, self._axis, self._shape, self._there)

    @then
    def derivative(self, nu: int = 1) -> Spline:
        """The derivative of order ``nu``, a spline."""

        def made() -> Parts:
            c, knots, k = self._parts()
            t = knots.x
            for _ in range(nu):
                if k == 0:
                    return c * 0.0, Constant(t), 0
                distances = _nonzero(t[k + 1 : -1] - t[1 : -k - 1])
                c = (c[1:] - c[:-1]) * array_for((k / distances)[:, None], c)
                t, k = t[1:-1], k - 1
            return c, Constant(t), k

        return self._of_same_values(self._own.derivative(nu), made)

    @then
    def antiderivative(self, nu: int = 1) -> Spline:
        """The antiderivative of order ``nu`` that is zero at the first point, a spline."""

        def made() -> Parts:
            c, knots, k = self._parts()
            t = knots.x
            for _ in range(nu):
                terms = c * array_for(((t[k + 1 :] - t[: -k - 1]) / (k + 1))[:, None], c)
                c = gnp.concatenate([terms[:1] * 0.0, gnp.cumsum(terms, axis=0)])
                t, k = np.concatenate([t[:1], t, t[-1:]]), k + 1
            return c, Constant(t), k

        return self._of_same_values(self._own.antiderivative(nu), made)

    @of_each
    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """As SciPy's: the integral between two points, within the ends or extrapolated."""
        there = self._there is not None or first_device_array((a, b)) is not None
        own = None if there else self._own.integrate(value(a), value(b), extrapolate)
        if not (there or self._has_variables or has_variables((a, b))):
            return own
        extrapolate = self._own.extrapolate if extrapolate is None else extrapolate
        if extrapolate == "periodic":
            raise NotLiftedError(
                "integrate with extrapolate='periodic' has no derivative in gradx; take the "
                "difference of .antiderivative() at the two points"
            )
        if not extrapolate and isinstance(self._own, scipy.interpolate.BSpline):
            ends, extrapolate = _ends(*self._parts()[1:]), True  # beyond which it is zero
            a, b = np.clip(a, *ends), np.clip(b, *ends)
        whole = self.antiderivative()
        y = whole(b, 0, extrapolate) - whole(a, 0, extrapolate)
        return y if there else apply(shaping.computed, (y, own))


def _ends(t: Constant, k: int) -> tuple[float, float]:
    """The first and the last point between which a spline with given knots was made."""
    return float(t.x[k]), float(t.x[-k - 1])


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
    there = _on_device(y)
    x = on_host(value(x))
    t = None if t is None else on_host(value(t))
    plain_y = value(y) if there is None else _zeros(there, axis, bc_type)
    own = scipy.interpolate.make_interp_spline(x, plain_y, k, t, bc_type, axis, check_finite)
    knots, shape = Constant(own.t), _without(shape_of(operand(y)), axis)
    plain = own.c.reshape(len(own.c), -1)
    if there is None and not has_variables(y):
        return Spline(own, False, lambda: (plain, knots, own.k), own.axis, shape, None)
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
    with on_device_of(there):
        c = apply(
            spline_coefficients, (_columns(y, axis),), {"system": system, "transposed": False}
        )
        if there is None:
            c = apply(shaping.computed, (c, plain))
        elif plain.any():  # of the values of the conditions
            c = c + array_for(plain, there)
    return Spline(own, has_variables(y), lambda: (c, knots, own.k), own.axis, shape, there)


def _on_device(y: Any) -> Any:
    """The values of a spline, plain, if they are on a device."""
    return device_array(*(y if type(y) in (list, tuple) else (y,)))


def _zeros(y: Any, axis: int, conditions: Any) -> Array:
    """Zeros in place of values on a device, for the knots and the value of the conditions.

    Conditions that have values go by the other axes, and others ask for one column.
    """
    each = () if conditions is None or isinstance(conditions, str) else conditions
    if not all(isinstance(one, str) for one in each):
        return np.zeros(y.shape)
    return np.zeros([n if i == axis % y.ndim else 1 for i, n in enumerate(y.shape)])


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    axis %= len(shape)
    return (*shape[:axis], *shape[axis + 1 :])


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
        there = _on_device(y)
        plain_y = value(y) if there is None else _zeros(there, axis, bc_type)
        own = scipy.interpolate.CubicSpline(on_host(value(x)), plain_y, axis, bc_type, extrapolate)
        points, shape = own.x, _without(shape_of(operand(y)), axis)

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
                c = c + array_for(system.offset(np.stack(rows)), c)
            return c, Constant(t), degree

        super().__init__(own, has_variables(y), made, own.axis, shape, there)


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
