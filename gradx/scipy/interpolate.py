"""SciPy's interpolation, under the names of `scipy.interpolate`."""

from __future__ import annotations

from gradx.scipy.grids import RegularGridInterpolator, interp1d
from gradx.scipy.library import passing_on
from gradx.scipy.splines import CubicSpline, make_interp_spline

__all__ = ["CubicSpline", "RegularGridInterpolator", "interp1d", "make_interp_spline"]

__getattr__ = passing_on("scipy.interpolate")
