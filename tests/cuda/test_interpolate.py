"""Interpolation of values on a device, at points there, beyond the cases of the specification."""

import numpy as np
import pytest

import gradx as gx
from gradx.scipy import interpolate
from tests.cuda.places import here, there

X = np.array([0.0, 0.7, 1.1, 2.0, 2.4, 3.0])
Y = np.sin(np.arange(12.0)).reshape(2, 6)
POINTS = np.array([[-0.4, 0.0, 0.7], [1.55, 3.0, 3.3]])
GRID = (np.array([0.0, 1.0, 1.5]), np.array([2.0, 1.0, 0.0]))
VALUES = np.cos(np.arange(18.0)).reshape(3, 3, 2)
AT = np.array([[0.2, 0.5], [1.5, 2.0], [-0.1, 0.3], [0.7, np.nan]])


def same(make, *xs):
    """A function of values and points is the host's there, and so is the gradient."""
    found, wanted = make(*map(there, xs)), make(*xs)
    assert gx.device_of(found) == gx.device_of(there(X))
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(here(found), wanted, rtol=1e-12, atol=1e-13)

    def total(*xs):
        y = make(*xs)
        return np.sum(np.where(np.isnan(gx.value(y)), 0.0, y) ** 2)

    for got, gradient in zip(
        gx.grad_bp(total, *map(there, xs)), gx.grad_bp(total, *xs), strict=True
    ):
        finite = np.isfinite(gradient)
        np.testing.assert_allclose(here(got)[finite], gradient[finite], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(
    "make",
    [
        lambda y, x: interpolate.CubicSpline(X, y, axis=1)(x),
        lambda y, x: interpolate.CubicSpline(X, y, 1, ((1, np.array([0.5, 2.0])), "natural"))(x),
        lambda y, x: interpolate.CubicSpline(X, y, axis=1, extrapolate=False)(x),
        lambda y, x: interpolate.CubicSpline(X, y, axis=1)(x, 2),
        lambda y, x: interpolate.CubicSpline(X, y, axis=1)(x, 0, "periodic"),
        lambda y, x: interpolate.CubicSpline(X, y, axis=1).derivative(4)(x),
        lambda y, x: interpolate.CubicSpline(X, y, axis=1).antiderivative(2)(x),
        lambda y, x: interpolate.CubicSpline(X, y[0], extrapolate=False).integrate(x[0, 1], 2.5),
        lambda y, x: interpolate.make_interp_spline(X, y[0]).integrate(x[0, 0], 5.0, False),
        lambda y, x: interpolate.make_interp_spline(X, y, 2, axis=-1)(x),
        lambda y, x: interpolate.make_interp_spline(X, y, 1, axis=-1)(x),
        lambda y, x: interpolate.make_interp_spline(X, y, 0, axis=-1)(x),
        lambda y, x: interpolate.make_interp_spline(X, y[0], bc_type=([(1, 0.3)], [(1, -1.0)]))(x),
    ],
)
def test_splines(make):
    same(make, Y, POINTS)


@pytest.mark.parametrize("fill", [1.5, (0.5, -2.0), "extrapolate", (np.array([1.0, 2.0]), 0.0)])
@pytest.mark.parametrize(
    "kind", ["linear", "cubic", "nearest", "nearest-up", "previous", "next", "zero"]
)
def test_values_along_one_axis(kind, fill):
    options = {"bounds_error": False, "fill_value": fill}
    same(lambda y, x: interpolate.interp1d(X[::-1], y, kind, **options)(x), Y, POINTS)


def test_an_axis_in_the_middle():
    y = np.cos(np.arange(36.0)).reshape(3, 6, 2)
    fill = np.arange(6.0).reshape(3, 2)
    options = {"axis": 1, "bounds_error": False, "fill_value": fill}
    same(lambda y, x: interpolate.interp1d(X, y, **options)(x), y, POINTS)


@pytest.mark.parametrize("fill", [np.nan, 2.5, None])
@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_values_on_a_grid(method, fill):
    options = {"bounds_error": False, "fill_value": fill}

    def make(values, x):
        return interpolate.RegularGridInterpolator(GRID, values, method, **options)(x)

    same(make, VALUES, AT)
    same(lambda v, x: make(v, (x[:, 0], x[:, 1])), VALUES, AT)


def test_lists_and_numbers_go_where_the_values_are():
    spline = interpolate.CubicSpline(X.tolist(), there(Y[0]))
    own = interpolate.CubicSpline(X, Y[0])
    np.testing.assert_allclose(here(spline([0.3, 1.0])), own([0.3, 1.0]), rtol=1e-12)
    np.testing.assert_allclose(here(spline(0.3)), own(0.3), rtol=1e-12)
    np.testing.assert_allclose(here(spline.integrate(0.2, 1)), own.integrate(0.2, 1), rtol=1e-12)
    line = interpolate.interp1d(there(X), there(Y))
    np.testing.assert_allclose(here(line([0.3])), interpolate.interp1d(X, Y)([0.3]), rtol=1e-12)
    grid = interpolate.RegularGridInterpolator(GRID, there(VALUES))
    assert here(grid([[0.3, 0.4]])).shape == (1, 2)


def test_a_learned_place_of_a_number():
    slope = gx.grad(lambda x: interpolate.CubicSpline(X, there(Y[0]))(x))
    wanted = gx.grad(lambda x: interpolate.CubicSpline(X, Y[0])(x)[()])(1.2)
    np.testing.assert_allclose(slope(1.2), wanted, rtol=1e-12)


def test_no_bound_is_checked():
    line = interpolate.interp1d(X, there(Y[0]))
    np.testing.assert_array_equal(np.isnan(here(line(there(POINTS)))), (POINTS < 0) | (POINTS > 3))
    grid = interpolate.RegularGridInterpolator(GRID, there(VALUES), fill_value=None)
    np.testing.assert_array_equal(np.isnan(here(grid(there(AT)))[:, 0]), [False, False, True, True])


@pytest.mark.parametrize(
    "make",
    [
        lambda y, x: interpolate.CubicSpline(X, y)(x),
        lambda y, x: interpolate.make_interp_spline(X, y)(x),
        lambda y, x: interpolate.interp1d(X, y)(x),
        lambda y, x: interpolate.RegularGridInterpolator((X,), y)(x[:, None]),
    ],
)
def test_points_elsewhere_are_an_error(make):
    for y, x in ((Y[0], there(X)), (there(Y[0]), X)):
        with pytest.raises(gx.DeviceMismatchError, match="takes arrays of one device"):
            make(y, x)
        with pytest.raises(gx.DeviceMismatchError, match="takes arrays of one device"):
            gx.grad(lambda x, y=y: np.sum(make(y, x)))(x)


def test_parts_of_a_spline_there_are_refused():
    with pytest.raises(gx.NotLiftedError, match=r"\.c of a CubicSpline on a device has no deriv"):
        interpolate.CubicSpline(X, there(Y[0])).c  # noqa: B018
    with pytest.raises(gx.NotLiftedError, match="bc_type='periodic' has no derivative by"):
        interpolate.make_interp_spline(X, there(Y[0]), bc_type="periodic")
