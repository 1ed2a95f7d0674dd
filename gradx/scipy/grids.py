"""Interpolation on grids of one axis and of several, by values and points."""

from __future__ import annotations

import itertools
import math
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
from gradx.scipy.lifting import constant
from gradx.scipy.recipes import MadeForEach, of_each
from gradx.scipy.splines import make_interp_spline

__all__ = ["RegularGridInterpolator", "interp1d"]

Array = np.ndarray[Any, Any]
_interp1d: Any = scipy.interpolate.interp1d
_DEGREES = MappingProxyType({"zero": 0, "slinear": 1, "linear": 1, "quadratic": 2, "cubic": 3})


class interp1d(metaclass=MadeForEach):
    """As `scipy.interpolate.interp1d`, by the values and by the points asked for.

    Args:
        x: where the values are, shape (n,); constants.
        y: the values.
        kind: as for SciPy.
        axis: the axis of points of ``y``.
        copy: as for SciPy.
        bounds_error: as for SciPy.
        fill_value: as for SciPy; constants.
        assume_sorted: as for SciPy.

    Raises:
        NotLiftedError: ``x`` or ``fill_value`` have variables.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: Any = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = math.nan,
        assume_sorted: bool = False,
    ) -> None:
        constant("interp1d by x", x)
        constant("interp1d by fill_value", fill_value)
        y = operand(y)
        self._own = scipy.interpolate.interp1d(
            x, value(y), kind, axis, copy, bounds_error, fill_value, assume_sorted
        )
        points = np.asarray(x)
        order = np.argsort(points, kind="mergesort")
        points = points if assume_sorted else points[order]
        self._y = y if assume_sorted else gnp.take(y, order, axis=axis)
        self._x, self._kind, self._axis = points, kind, axis % len(shape_of(y))
        degree: Any = _DEGREES.get(kind, kind) if isinstance(kind, str) else kind
        if isinstance(degree, str):
            self._places: Any = _interp1d(
                points, np.arange(len(points)), kind, fill_value="extrapolate", assume_sorted=True
            )
        else:
            self._places = None
        self._degree = degree

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "y":
            return self._y
        return getattr(self._own, name)

    @of_each
    def __call__(self, x: Any) -> Any:
        """The values at points of any shape."""
        plain = value(x) if has_variables(x) else x
        own = self._own(plain)
        if not has_variables((x, self._y)):
            return own
        points = np.asarray(plain)
        y = self._inside(operand(x), points)
        extrapolated = isinstance(self._own.fill_value, str)
        beyond = (points < self._x[0]) | (points > self._x[-1])
        if not extrapolated and np.any(beyond):
            rest = len(shape_of(self._y)) - 1 - self._axis
            y = gnp.where(beyond[(..., *[None] * rest)], own, y)
        return apply(shaping.computed, (y, own))

    def _inside(self, x: Any, plain: Array) -> Any:
        """The values without regard to the ends."""
        if self._places is None:
            points = self._x.astype(float)
            degree: Any = self._degree
            return make_interp_spline(points, self._y, degree, axis=self._axis)(x)
        places = np.nan_to_num(self._places(plain)).round().astype(int)
        return gnp.take(self._y, np.clip(places, 0, len(self._x) - 1), axis=self._axis)


class RegularGridInterpolator(metaclass=MadeForEach):
    """As `scipy.interpolate.RegularGridInterpolator`, by the values and by the points asked for.

    On variables the methods are ``linear`` and ``nearest``.

    Args:
        points: the coordinates of the grid along each axis; constants.
        values: the values on the grid.
        method: the method.
        bounds_error: as for SciPy.
        fill_value: as for SciPy.
        options: further ones of SciPy's.

    Raises:
        NotLiftedError: the grid has variables, or (where it is asked) for another method.
    """

    def __init__(
        self,
        points: Any,
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = math.nan,
        **options: Any,
    ) -> None:
        constant("RegularGridInterpolator by its grid", points)
        constant("RegularGridInterpolator by fill_value", fill_value)
        self._own = scipy.interpolate.RegularGridInterpolator(
            points, value(values), method, bounds_error, fill_value, **options
        )
        self._values = values
        if has_variables(values):
            self._values = operand(values)
            falling = [k for k, axis in enumerate(points) if np.asarray(axis)[0] > axis[-1]]
            self._values = gnp.flip(self._values, falling) if falling else self._values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._values if name == "values" else getattr(self._own, name)

    @of_each
    def __call__(self, xi: Any, method: str | None = None, **options: Any) -> Any:
        """The values at points.

        Args:
            xi: the points, shape (..., ndim), or a tuple of their coordinates.
            method: another method than that of the object.
            options: further ones of SciPy's.
        """
        own = self._own(value(xi) if has_variables(xi) else xi, method, **options)
        if not has_variables((xi, self._values)):
            return own
        method = method or self._own.method
        if method not in ("linear", "nearest"):
            raise NotLiftedError(
                f"RegularGridInterpolator with method={method!r} has no derivative in gradx; use "
                "'linear' or 'nearest', or scipy.ndimage.map_coordinates for splines"
            )
        x = gnp.stack(gnp.broadcast_arrays(*map(operand, xi)), -1) if _apart(xi) else operand(xi)
        grid = self._own.grid
        x = gnp.reshape(x, (-1, len(grid)))
        plain = value(x)
        y = self._at(x, plain, method)
        beyond = np.zeros(len(plain), bool)
        for k, axis in enumerate(grid):
            beyond |= (plain[:, k] < axis[0]) | (plain[:, k] > axis[-1]) | np.isnan(plain[:, k])
        y = gnp.reshape(y, own.shape)
        if self._own.fill_value is not None and beyond.any():
            mask = np.reshape(beyond, shape_of(xi)[:-1] if not _apart(xi) else -1)
            mask = mask.reshape(own.shape[: own.ndim - self._trailing()])
            y = gnp.where(mask[(..., *[None] * self._trailing())], own, y)
        return apply(shaping.computed, (y, own))

    def _trailing(self) -> int:
        return len(shape_of(self._values)) - len(self._own.grid)

    def _at(self, x: Any, plain: Array, method: str) -> Any:
        """The values at points of shape (r, ndim), without regard to the ends."""
        which, fractions = [], []
        for k, axis in enumerate(self._own.grid):
            i = np.clip(np.searchsorted(axis, plain[:, k]) - 1, 0, len(axis) - 2)
            which.append(i)
            fractions.append((x[:, k] - axis[i]) / (axis[i + 1] - axis[i]))
        if method == "nearest":
            near = [i + (value(f) > 0.5) for i, f in zip(which, fractions, strict=True)]
            return operand(self._values)[tuple(near)]
        total: Any = 0.0
        for corner in itertools.product((0, 1), repeat=len(which)):
            weight: Any = 1.0
            for side, f in zip(corner, fractions, strict=True):
                weight = weight * (f if side else 1.0 - f)
            places = tuple(i + side for i, side in zip(which, corner, strict=True))
            terms = operand(self._values)[places]
            weight = gnp.reshape(weight, (-1, *[1] * self._trailing()))
            total = total + weight * terms
        return total


def _apart(xi: Any) -> bool:
    """Whether points are given by their coordinates."""
    return isinstance(xi, tuple) and not isinstance(spec_of(xi).dtype, np.dtype)
