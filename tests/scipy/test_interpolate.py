"""Interpolation: plain objects are SciPy's, and what has no derivative is refused by name."""

import numpy as np
import pytest
import scipy.interpolate

import gradx as gx
from gradx.scipy import interpolate

X = np.array([0.0, 1.0, 2.5, 3.0, 4.0])
Y = np.sin(X)


@pytest.mark.parametrize(
    ("make", "own"),
    [
        (interpolate.CubicSpline, scipy.interpolate.CubicSpline),
        (interpolate.make_interp_spline, scipy.interpolate.make_interp_spline),
        (interpolate.interp1d, scipy.interpolate.interp1d),
    ],
)
def test_plain_values_and_points_are_scipys(make, own):
    mine, theirs = make(X, Y), own(X, Y)
    at = np.linspace(0, 4, 7)
    np.testing.assert_array_equal(mine(at), theirs(at))
    slope = gx.grad(lambda x: mine(x)[()])(1.3)
    assert abs(slope - (theirs(1.3 + 1e-6) - theirs(1.3 - 1e-6)) / 2e-6) < 1e-6


def test_parts_of_a_spline_of_variables_are_refused():
    with pytest.raises(gx.NotLiftedError, match=r"\.c of a CubicSpline of variables"):
        gx.grad(lambda y: interpolate.CubicSpline(X, y).c[0, 0])(Y)
    with pytest.raises(gx.NotLiftedError, match=r"\.roots of a Spline of variables"):
        gx.grad(lambda y: interpolate.CubicSpline(X, y).derivative().roots()[0])(Y)
    with pytest.raises(gx.NotLiftedError, match="CubicSpline by x has no derivative in gradx"):
        gx.grad(lambda x: interpolate.CubicSpline(x, Y)(1.0)[()])(X)
    with pytest.raises(gx.NotLiftedError, match="through 3 values with not-a-knot at one end"):
        ends = ("not-a-knot", "natural")
        gx.grad(lambda y: interpolate.CubicSpline(X[:3], y, 0, ends)(1.0)[()])(Y[:3])
    with pytest.raises(gx.NotLiftedError, match="bc_type='periodic' has no derivative by"):
        closed = np.append(Y[:-1], Y[0])
        gx.grad(lambda y: interpolate.make_interp_spline(X, y, bc_type="periodic")(1.0)[()])(closed)
    with pytest.raises(gx.NotLiftedError, match="integrate with extrapolate='periodic'"):
        gx.grad(lambda y: interpolate.CubicSpline(X, y).integrate(0, 9, "periodic")[()])(Y)
    with pytest.raises(gx.NotLiftedError, match="interp1d by fill_value has no derivative"):
        gx.grad(lambda v: interpolate.interp1d(X, Y, fill_value=v)(1.0)[()])(1.0)
    grid = (X, X)
    with pytest.raises(gx.NotLiftedError, match="RegularGridInterpolator with method='cubic'"):
        gx.grad(
            lambda y: interpolate.RegularGridInterpolator(grid, y, "cubic")([1.0, 1.0])[0]
        )(np.outer(Y, Y))  # fmt: skip


@pytest.mark.parametrize(("kind", "at", "item"), [("previous", 4.5, -1), ("next", -0.5, 0)])
def test_the_gradient_of_a_value_that_goes_on_beyond_the_ends(kind, at, item):
    def beyond(y):
        return interpolate.interp1d(X, y, kind, fill_value="extrapolate")(at)[()]

    np.testing.assert_array_equal(gx.grad(beyond)(Y), np.eye(len(X))[item])


def test_an_integral_that_ends_with_the_spline():
    def integral(y, b):
        return interpolate.make_interp_spline(X, y).integrate(1.0, b, False)[()]

    of_values, by_end = gx.grad_bp(integral, Y, 9.0)
    own = [interpolate.make_interp_spline(X, e).integrate(1.0, 4.0) for e in np.eye(len(X))]
    np.testing.assert_allclose(of_values, own, rtol=1e-12)
    assert by_end == 0.0


def test_a_periodic_spline_goes_on():
    y = np.append(Y[:-1], Y[0])
    spline = interpolate.CubicSpline(X, y, bc_type="periodic")
    slope = gx.grad(lambda x: spline(x)[()])
    assert abs(slope(5.0) - slope(1.0)) < 1e-12


def test_values_of_nan_go_through_interp1d():
    values = interpolate.interp1d(X, np.where(X > 3.5, np.nan, Y))
    assert values(0.5) == scipy.interpolate.interp1d(X, Y)(0.5)
