"""Interpolation on grids of one axis and of several, by values and points."""

from __future__ import annotations

import functools
import itertools
import math
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.interpolate

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import home, shape_of, spec_of
from gradx.devices.kernel_table import kernel
from gradx.devices.placement import on_common_device, on_device_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import arrays, as_array, on_host, operand
from gradx.ops import shaping
from gradx.ops.constants import Constant
from gradx.ops.helpers import array_for, first_device_array
from gradx.scipy.library import device_array
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
        self._there = device_array(y)
        x = on_host(value(x))
        self._fill = fill_value
        with on_device_of(self._there):
            self._make(x, y, kind, axis, assume_sorted)
        if self._there is None:
            self._own = scipy.interpolate.interp1d(
                x, value(y), kind, axis, copy, bounds_error, fill_value, assume_sorted
            )
        else:  # the same of numbers, which checks the arguments
            zeros = np.zeros_like(x, float)
            self._own = _interp1d(x, zeros, kind, -1, copy, bounds_error, math.nan, assume_sorted)

    def _make(self, points: Array, y: Any, kind: Any, axis: int, assume_sorted: bool) -> None:
        order = np.argsort(points, kind="mergesort")
        points = points if assume_sorted else points[order]
        self._y = y if assume_sorted else gnp.take(y, order, axis=axis)
        self._x, self._kind, self._axis = points, kind, axis % len(shape_of(y))
        degree: Any = _DEGREES.get(kind, kind) if isinstance(kind, str) else kind
        self._stepped = isinstance(degree, str)
        self._degree: Any = degree
        if self._stepped:
            self._steps = Constant(_steps(kind, points.astype(float)))
        else:
            self._spline = functools.cache(
                lambda: make_interp_spline(
                    points.astype(float), self._y, degree, axis=self._axis, check_finite=False
                )
            )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "y":
            return self._y
        return getattr(self._own, name)

    @of_each
    def __call__(self, x: Any) -> Any:
        """The values at points of any shape; on a device no bound is checked, and none is filled.

        Raises:
            DeviceMismatchError: the points are on another device than the values.
        """
        if self._there is not None or first_device_array((x,)) is not None:
            return self._on_device(x)
        plain = value(x) if has_variables(x) else x
        own = self._own(plain)
        if not has_variables((x, self._y)):
            return own
        return apply(shaping.computed, (self._within(operand(x), np.asarray(plain)), own))

    def _on_device(self, x: Any) -> Any:
        there = home(self._y)
        x = as_array(array_for(x, there) if isinstance(x, list) else operand(x), there)
        with on_common_device("interp1d", (there, home(x))):
            return self._within(x, value(x))

    def _within(self, x: Any, plain: Any) -> Any:
        """The values, and beyond the ends what is filled in."""
        y, shape = self._inside(x, plain), shape_of(self._y)
        before, after = shape[: self._axis], shape[self._axis + 1 :]
        beyond = (plain < self._x[0], plain > self._x[-1])
        for mask, fill in zip(beyond, self._filled(), strict=True):
            if fill is not None:
                fill = np.broadcast_to(np.asarray(fill, spec_of(y).dtype), before + after)
                fill = fill.reshape((*before, *[1] * plain.ndim, *after))
                y = gnp.where(mask[(..., *[None] * len(after))], array_for(fill, home(y)), y)
        return y

    def _filled(self) -> tuple[Any, Any]:
        """What stands below and above the ends; None for what is extrapolated."""
        if isinstance(self._fill, str):
            nowhere = {"previous": (math.nan, None), "next": (None, math.nan)}
            return nowhere.get(self._kind, (None, None))
        fill: Any = self._fill
        return fill if isinstance(fill, tuple) and len(fill) == 2 else (fill, fill)

    def _inside(self, x: Any, plain: Any) -> Any:
        """The values without regard to the ends."""
        if not self._stepped:
            return self._spline()(x)
        steps, side = self._steps.beside(plain), _SIDES[self._kind]
        places = kernel(np.searchsorted, plain)(steps, plain, side)
        if self._kind == "previous":
            places = places - 1
        return gnp.take(self._y, np.clip(places, 0, len(self._x) - 1), axis=self._axis)


_SIDES = MappingProxyType(
    {"nearest": "left", "nearest-up": "right", "previous": "left", "next": "right"}
)


def _steps(kind: str, points: Array) -> Array:
    """The places beyond which the next value is taken, or for ``previous`` the same one."""
    if kind.startswith("nearest"):
        half = points / 2.0
        return half[1:] + half[:-1]
    return np.nextafter(points, -np.inf if kind == "previous" else np.inf)


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
        self._there = device_array(operand(values))
        points = tuple(on_host(value(axis)) for axis in points)
        plain = value(values)
        if self._there is not None:  # what has a shape and no memory
            plain = np.broadcast_to(np.zeros((), self._there.dtype), self._there.shape)
        self._own = scipy.interpolate.RegularGridInterpolator(
            points, plain, method, bounds_error, fill_value, **options
        )
        self._grid = [Constant(np.asarray(axis)) for axis in self._own.grid]
        self._values = values
        if self._there is not None or has_variables(values):
            self._values = operand(values)
            falling = [k for k, axis in enumerate(points) if axis[0] > axis[-1]]
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

        Raises:
            DeviceMismatchError: the points are on another device than the values.
        """
        if self._there is not None or first_device_array(xi if _apart(xi) else (xi,)) is not None:
            return self._on_device(xi, method or self._own.method)
        own = self._own(value(xi) if has_variables(xi) else xi, method, **options)
        if not has_variables((xi, self._values)):
            return own
        method = _known(method or self._own.method)
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

    def _on_device(self, xi: Any, method: str) -> Any:
        """As on the host, but that no bound is checked: what lies beyond is filled, or NaN."""
        there = home(operand(self._values))
        if _apart(xi):
            x = gnp.stack(np.broadcast_arrays(*arrays(*xi)), -1)
        else:
            x = array_for(xi, there) if isinstance(xi, list) else operand(xi)
        shape = (*shape_of(x)[:-1], *shape_of(self._values)[len(self._grid) :])
        with on_common_device("RegularGridInterpolator", (there, home(x))):
            x = gnp.reshape(x, (-1, len(self._grid)))
            plain = value(x)
            y = self._at(x, plain, _known(method))
            fill = self._own.fill_value
            if fill is None and self._own.bounds_error:
                fill = math.nan
            lost = np.isnan(plain).any(axis=1)
            if fill is not None:
                beyond = lost & False
                for k, axis in enumerate(self._own.grid):
                    beyond = beyond | (plain[:, k] < axis[0]) | (plain[:, k] > axis[-1])
                y = gnp.where(self._beside_rows(beyond), fill, y)
            return gnp.reshape(gnp.where(self._beside_rows(lost), math.nan, y), shape)

    def _beside_rows(self, mask: Any) -> Any:
        return mask[(..., *[None] * self._trailing())]

    def _trailing(self) -> int:
        return len(shape_of(self._values)) - len(self._own.grid)

    def _at(self, x: Any, plain: Any, method: str) -> Any:
        """The values at points of shape (r, ndim), without regard to the ends."""
        which, fractions = [], []
        for k, along in enumerate(self._grid):
            axis = along.beside(plain)
            i = kernel(np.searchsorted, plain)(axis, plain[:, k]) - 1
            i = np.clip(i, 0, len(axis) - 2)
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


def _known(method: str) -> str:
    """A method, if it has a derivative.

    Raises:
        NotLiftedError: it has none.
    """
    if method not in ("linear", "nearest"):
        raise NotLiftedError(
            f"RegularGridInterpolator with method={method!r} has no derivative in gradx; use "
            "'linear' or 'nearest', or scipy.ndimage.map_coordinates for splines"
        )
    return method


def _apart(xi: Any) -> bool:
    """Whether points are given by their coordinates."""
    return isinstance(xi, tuple) and not isinstance(spec_of(xi).dtype, np.dtype)
