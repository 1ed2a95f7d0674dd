"""Where a rule meets 0, infinity, NaN, ties and short numbers: the right value, or NaN, never 0."""

from fractions import Fraction

import numpy as np
import pytest

import gradx as gx

INF, NAN = np.inf, np.nan


@pytest.fixture(autouse=True)
def quiet():
    """What a mask leaves out may overflow."""
    with np.errstate(all="ignore"):
        yield


def hessian(f, x):
    """The matrix of second derivatives, a row for each item of a vector."""
    first = gx.grad(f)
    return np.array([gx.grad(lambda v, i=i: first(v)[i])(x) for i in range(len(x))])


# --- Zero times infinity --------------------------------------------------------------------------

MASKED = {
    "sqrt": (np.sqrt, 0.0, 4.0, 0.25),
    "sqrt-negative": (np.sqrt, -1.0, 4.0, 0.25),
    "cbrt": (np.cbrt, 0.0, 8.0, 1 / 12),
    "log": (np.log, 0.0, 2.0, 0.5),
    "log2": (np.log2, 0.0, 2.0, 0.5 / np.log(2)),
    "log10": (np.log10, -1.0, 2.0, 0.5 / np.log(10)),
    "log1p": (np.log1p, -1.0, 1.0, 0.5),
    "reciprocal": (np.reciprocal, 0.0, 2.0, -0.25),
    "one-over": (lambda x: 1 / x, 0.0, 2.0, -0.25),
    "divide": (lambda x: x / (x - 1), 1.0, 2.0, -1.0),
    "exp": (np.exp, 1e4, 0.0, 1.0),
    "exp2": (np.exp2, 1e4, 0.0, np.log(2)),
    "expm1": (np.expm1, 1e4, 0.0, 1.0),
    "sinh": (np.sinh, 1e4, 0.0, 1.0),
    "cosh": (np.cosh, 1e4, 0.0, 0.0),
    "square": (np.square, INF, 3.0, 6.0),
    "squared": (lambda x: x**2, NAN, 3.0, 6.0),
    "cubed": (lambda x: x**3, INF, 2.0, 12.0),
    "minus-one": (lambda x: x**-1, 0.0, 2.0, -0.25),
    "power": (lambda x: np.power(x, 0.5), 0.0, 4.0, 0.25),
    "power-exponent": (lambda x: np.power(2.0, x), 1e5, 0.0, np.log(2)),
    "multiply": (lambda x: x * x, INF, 3.0, 6.0),
    "sin": (np.sin, INF, 0.0, 1.0),
    "cos": (np.cos, INF, 0.0, 0.0),
    "tan": (np.tan, INF, 0.0, 1.0),
    "arcsin": (np.arcsin, 1.0, 0.0, 1.0),
    "arcsin-outside": (np.arcsin, 2.0, 0.0, 1.0),
    "arccos": (np.arccos, -1.0, 0.0, -1.0),
    "arctanh": (np.arctanh, 1.0, 0.0, 1.0),
    "arccosh": (np.arccosh, 1.0, 2.0, 1 / np.sqrt(3)),
    "arctan": (np.arctan, NAN, 1.0, 0.5),
    "absolute": (np.absolute, NAN, -2.0, -1.0),
    "sinc": (np.sinc, INF, 0.0, 0.0),
    "logaddexp": (lambda x: np.logaddexp(x, 0.0), NAN, 0.0, 0.5),
    "arctan2": (lambda x: np.arctan2(x, 1.0), NAN, 1.0, 0.5),
    "hypot": (lambda x: np.hypot(x, 4.0), NAN, 3.0, 0.6),
    "remainder": (lambda x: np.remainder(7.0, x), 0.0, 2.0, -3.0),
    "fmod": (lambda x: np.fmod(7.0, x), 0.0, 2.0, -3.0),
}


@pytest.mark.parametrize("name", MASKED)
def test_what_a_mask_leaves_out_adds_nothing(name):
    f, outside, inside, slope = MASKED[name]
    x = np.array([outside, inside])
    chosen = np.array([False, True])
    got = gx.grad(lambda x: np.sum(np.where(chosen, f(x), 0.0)))(x)
    np.testing.assert_allclose(got, [0, slope], rtol=1e-12, atol=1e-12)
    large = np.repeat(x, 40_000)
    where = np.repeat(chosen, 40_000)
    got = gx.grad(lambda x: np.sum(np.where(where, f(x), 0.0) * 1.0))(large)
    np.testing.assert_allclose(got, np.repeat([0, slope], 40_000), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MASKED)
def test_the_test_is_on_the_derivative_not_on_the_cotangent(name):
    """The cotangent of f in (f(x) - f(a))**2 is 0 at a; the second derivative is 2 f'(a)**2."""
    f, _, a, slope = MASKED[name]
    y = f(a)
    assert gx.grad(gx.grad(lambda x: (f(x) - y) ** 2))(a) == pytest.approx(2 * slope**2, abs=1e-12)
    assert gx.grad(gx.grad(lambda x: (f(x) - y) * (f(x) - y)))(a) == pytest.approx(
        2 * slope**2, abs=1e-12
    )


def test_an_infinite_derivative_stays_where_it_is_asked_for():
    np.testing.assert_array_equal(
        gx.grad(lambda x: np.sum(np.sqrt(x)))(np.array([0.0, 1])), [INF, 0.5]
    )
    assert gx.grad(lambda x: np.sqrt(x))(0.0) == INF
    assert np.isnan(gx.grad(lambda x: x * NAN)(1.0))


def test_the_second_derivative_of_a_squared_sine_at_zero():
    assert gx.grad(gx.grad(lambda x: np.sin(x) ** 2))(0.0) == 2.0


A = np.array([1.0, 2.0, NAN])
LEFT_OUT = {
    "nansum": (lambda b: np.nansum(b * A), 3.0),
    "nanmean": (lambda b: np.nanmean(b * A), 1.5),
    "nanprod": (lambda b: np.nanprod(b * A), 4.0),
    "nanmax": (lambda b: np.nanmax(b * A), 2.0),
    "nanmin": (lambda b: np.nanmin(b * A), 1.0),
    "nanvar": (lambda b: np.nanvar(b * A), 0.5),
    "nanstd": (lambda b: np.nanstd(b * A), 0.5),
    "nanmedian": (lambda b: np.nanmedian(b * A), 1.5),
    "nanquantile": (lambda b: np.nanquantile(b * A, 0.5), 1.5),
    "nanpercentile": (lambda b: np.nanpercentile(b * A, 50), 1.5),
    "nancumsum": (lambda b: np.nancumsum(b * A)[-1], 3.0),
    "nan_to_num": (lambda b: np.sum(np.nan_to_num(b * A)), 3.0),
    "sum": (lambda b: np.sum(b * A, where=[True, True, False]), 3.0),
    "mean": (lambda b: np.mean(b * A, where=[True, True, False]), 1.5),
    "prod": (lambda b: np.prod(b * A, where=[True, True, False]), 4.0),
    "max": (lambda b: np.max(b * A, where=[True, True, False], initial=0), 2.0),
    "var": (lambda b: np.var(b * A, where=[True, True, False]), 0.5),
    "where": (lambda b: np.sum(np.where(np.isnan(A), 0, b * A)), 3.0),
    "divide": (lambda b: np.nansum(b / (1 / A)), 3.0),
    "power": (lambda b: np.nansum((b + 1) ** A), 5.0),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_nan_in_data_that_is_left_out(name):
    f, wanted = LEFT_OUT[name]
    assert gx.grad(f)(1.0) == pytest.approx(wanted)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def test_a_logistic_function_whose_exponential_overflows():
    x = np.array([-100.0, 0.0], np.float32)
    got = gx.grad(lambda x: np.sum(logistic(x)))(x)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [0, 0.25])
    assert gx.grad(lambda x: np.sum(x * logistic(x)))(np.array([-800.0])) == 0
    assert gx.grad(lambda x: np.tanh(np.log(np.cosh(x))))(1000.0) == 0


# --- Squares that over- and underflow, and short constants ----------------------------------------

ONE, THREE = np.float32(1), np.arange(3, dtype=np.float32)
EXTREME = {
    "arctan2-half": (lambda y: np.arctan2(y, np.float16(300)), np.float16(300), 1 / 600),
    "arctan2-single": (lambda y: np.arctan2(y, np.float32(1e-23)), np.float32(1e-23), 5e22),
    "arctan2-large-single": (
        lambda y: np.arctan2(y, np.float32(4e20)) * np.float32(1e20),
        np.float32(3e20),
        0.16,
    ),
    "arctan2-tiny": (lambda y: np.arctan2(y, 1e-170), 1e-170, 5e169),
    "arctan2-huge": (lambda y: np.arctan2(y, 1e200), 1e200, 5e-201),
    "arctan2-x": (lambda x: np.arctan2(1e-200, x), 1e-200, -5e199),
    "arctan2-axis": (lambda y: np.arctan2(y, 2.0), 0.0, 0.5),
    "arctan2-infinite": (lambda y: np.arctan2(y, INF), 1.0, 0.0),
    "angle": (lambda y: np.angle(1e-170 + 1j * y), 1e-170, 5e169),
    "hypot-half": (lambda y: np.hypot(y, np.float16(400)), np.float16(300), 0.6),
    "hypot-tiny": (lambda y: np.hypot(y, 4e-200), 3e-200, 0.6),
    "hypot-huge": (lambda y: np.hypot(y, 4e200), 3e200, 0.6),
    "abs-tiny": (lambda y: np.absolute(4e-200 + 1j * y), 3e-200, 0.6),
    "abs-huge": (lambda y: np.absolute(4e200 + 1j * y), 3e200, 0.6),
    "reciprocal-half": (lambda x: np.reciprocal(x) / np.float16(1e3), np.float16(1 / 300), -90.0),
    "reciprocal-single": (lambda x: (1 / x) * np.float32(1e-10), np.float32(1e-20), -1e30),
    "arcsinh-half": (np.arcsinh, np.float16(300), 1 / 300),
    "arcsinh-single": (lambda x: np.arcsinh(x) * np.float32(1e20), np.float32(1e20), 1.0),
    "gradient-single": (lambda y: np.gradient(y * THREE, 1e13)[1] * np.float32(1e13), ONE, 1.0),
    "gradient-tiny": (lambda y: np.gradient(y * np.arange(3.0), 1e-110)[1] * 1e-110, 1.0, 1.0),
    "gradient-places": (
        lambda y: np.gradient(y * np.arange(3.0), np.arange(3) * 1e120)[1] * 1e120,
        1.0,
        1.0,
    ),
    "gradient-ends": (
        lambda y: np.gradient(y * np.arange(3.0), 1e160, edge_order=2)[0] * 1e160,
        1.0,
        1.0,
    ),
    "norm-huge": (lambda y: np.linalg.norm(np.stack([y, y])) / 1e3, 1e150, np.sqrt(2) / 1e3),
}


@pytest.mark.parametrize("name", EXTREME)
def test_squares_do_not_leave_the_range_of_the_dtype(name):
    f, x, wanted = EXTREME[name]
    got = gx.grad(f)(x)
    assert got == pytest.approx(wanted, rel=1e-3 if "half" in name else 1e-6, abs=0)
    assert getattr(got, "dtype", float) == getattr(x, "dtype", float)


STEPS = np.arange(3, dtype=np.float16)
BINARY = {
    "arctan2": np.arctan2,
    "hypot": np.hypot,
    "power": np.power,
    "divide": np.divide,
    "multiply": np.multiply,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "remainder": np.remainder,
    "float_power": np.float_power,
    "interp": lambda x, c: np.interp(x, np.append(-c, c), np.append(0 * c, c)),
    "average": lambda x, c: np.average(x, weights=c),
    "convolve": lambda x, c: np.convolve(x, c),
    "gradient": lambda x, c: np.gradient(np.stack([x, 2 * x, x * x])[:, 0], c[0] * STEPS),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("value", [300.3, 1.7, 0.007])
def test_a_short_constant_is_computed_with_in_the_precision_of_the_result(name, dtype, value):
    f, c = BINARY[name], np.array([value], dtype)
    x = np.array([1.5])
    got = gx.grad(lambda x: np.sum(f(x, c)))(x)
    wanted = gx.grad(lambda x: np.sum(f(x, c.astype(float))))(x)
    np.testing.assert_allclose(got, wanted, rtol=1e-14)
    if name in ("power", "arctan2", "hypot", "float_power"):
        got = gx.grad(lambda x: np.sum(f(c, x)))(x)
        wanted = gx.grad(lambda x: np.sum(f(c.astype(float), x)))(x)
        np.testing.assert_allclose(got, wanted, rtol=1e-14)


def test_weights_are_added_up_in_the_precision_of_the_average():
    for dtype, weight in (("f2", 100.0), ("u8", 2**62)):
        w = np.full(1000, weight, dtype)
        y, g = gx.backprop(lambda x, w=w: np.average(x, weights=w), np.arange(1000.0))
        assert y == np.average(np.arange(1000.0), weights=w)
        np.testing.assert_allclose(g, np.full(1000, 0.001))


# --- Squares of sizes, at 0 -----------------------------------------------------------------------

EYE = np.eye(2)
SQUARED_SIZES = {
    "norm": (lambda w: np.linalg.norm(w) ** 2, 2 * EYE),
    "norm-float-power": (lambda w: np.linalg.norm(w) ** 2.0, 2 * EYE),
    "norm-square": (lambda w: np.square(np.linalg.norm(w)), 2 * EYE),
    "norm-cubed": (lambda w: np.linalg.norm(w) ** 3, 0 * EYE),
    "norm-times": (lambda w: (lambda y: y * y)(np.linalg.norm(w)), 2 * EYE),
    "norm-half": (lambda w: 0.5 * np.linalg.norm(w) ** 2, EYE),
    "norm-sum": (lambda w: np.linalg.norm(w) ** 2 + np.linalg.norm(w) ** 2, 4 * EYE),
    "norm-axis": (lambda w: np.sum(np.linalg.norm(np.stack([w, w]), axis=0) ** 2), 4 * EYE),
    "norm-fro": (lambda w: np.linalg.norm(np.stack([w, w]), "fro") ** 2, 4 * EYE),
    "sqrt-of-sum": (lambda w: np.sqrt(np.sum(w**2)) ** 2, 2 * EYE),
    "abs": (lambda w: np.sum(abs(w) ** 2), 2 * EYE),
    "fabs": (lambda w: np.sum(np.fabs(w) ** 2), 2 * EYE),
    "abs-complex": (lambda w: np.sum(np.absolute(w + 0j) ** 2), 2 * EYE),
    "abs-complex-parts": (lambda w: np.absolute(w[0] + 1j * w[1]) ** 2, 2 * EYE),
    "hypot": (lambda w: np.hypot(w[0], w[1]) ** 2, 2 * EYE),
    "hypot-broadcast": (lambda w: np.sum(np.hypot(w, np.stack([w[0]])) ** 2), np.diag([6.0, 2.0])),
    "hypot-reduce": (lambda w: np.hypot.reduce(w) ** 2, 2 * EYE),
    "std": (lambda w: np.std(w) ** 2, EYE - 0.5),
    "std-scaled": (lambda w: (2 * np.std(w)) ** 2, 4 * EYE - 2),
    "norm-scaled": (lambda w: (np.linalg.norm(w) * 2) ** 2, 8 * EYE),
    "norm-divided": (lambda w: (-np.linalg.norm(w) / 2) ** 2, EYE / 2),
    "norm-divided-square": (lambda w: np.square(np.linalg.norm(w) / 2 * 6), 18 * EYE),
    "abs-scaled": (
        lambda w: np.sum((abs(w) * np.array([2.0, 3.0], w.dtype)) ** 2),
        np.diag([8, 18]),
    ),
    "hypot-scaled": (lambda w: (np.hypot(w[0], w[1]) / 3) ** 2, 2 / 9 * EYE),
    "norm-axis-scaled": (
        lambda w: np.sum((np.linalg.norm(np.stack([w, w]), axis=0) / 2) ** 2),
        EYE,
    ),
    "math-hypot": (lambda w: gx.math.hypot(w[0], w[1], w[0]) ** 2, np.diag([4.0, 2.0])),
    "math-dist": (lambda w: gx.math.dist(w, [0.0, 0.0]) ** 2, 2 * EYE),
}


@pytest.mark.parametrize("name", SQUARED_SIZES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_second_derivative_of_a_squared_size_at_zero(name, dtype):
    f, wanted = SQUARED_SIZES[name]
    got = hessian(f, np.zeros(2, dtype))
    assert got.dtype == dtype
    np.testing.assert_allclose(got, wanted)
    if name != "norm-cubed":
        away = np.array([0.3, -0.4], dtype)
        np.testing.assert_allclose(hessian(f, away), wanted, atol=1e-5)


def bell(w, scale):
    return np.exp(-((np.linalg.norm(w) / scale) ** 2))


@pytest.mark.parametrize("second", [gx.hessian, lambda f: gx.jacobian(gx.grad(f))])
def test_a_size_over_a_variable_at_zero(second):
    w = np.zeros(2)
    np.testing.assert_allclose(second(lambda w: bell(w, 2.0))(w), -EYE / 2)
    by_scale = gx.jacobian(lambda s: second(lambda w: bell(w, s))(w))(2.0)
    np.testing.assert_allclose(by_scale, EYE / 2)  # of -2 / s**2
    both = second(lambda ws: bell(ws[:2], ws[2]))(np.array([0.0, 0.0, 2.0]))
    np.testing.assert_allclose(both, np.diag([-0.5, -0.5, 0.0]))
    rows = gx.vmap(second(lambda w: bell(w, 2.0)))(np.zeros((3, 2)))
    np.testing.assert_allclose(rows, np.broadcast_to(-EYE / 2, (3, 2, 2)))


def test_what_is_not_a_multiple_of_a_size_does_not_pass_for_one():
    """The cotangent of ``2 n`` is a multiple of something else there."""

    def f(w):
        n = np.linalg.norm(w)
        return (w[0] + 1.0) * (n * 2.0) + (n + 1.0) ** 2 + (3.0 * (n - w[1])) ** 2

    check = np.array([0.6, -0.3])
    wanted = gx.hessian(lambda w: f(w) + 0.0)(check)
    step = 1e-5
    slopes = [
        (gx.grad(f)(check + step * e) - gx.grad(f)(check - step * e)) / (2 * step) for e in EYE
    ]
    np.testing.assert_allclose(wanted, slopes, rtol=1e-6)
    np.testing.assert_allclose(gx.jacobian(gx.grad(f))(check), slopes, rtol=1e-6)


def test_the_third_derivative_of_a_squared_size_at_zero():
    f = gx.grad(lambda w: np.hypot(w, 0.0) ** 2 * np.exp(w))  # w**2 exp(w)
    assert gx.grad(gx.grad(f))(0.0) == 6.0


# --- Infinities, cusps and intervals of no width --------------------------------------------------

LOGADDEXP = {
    (INF, 0.0): (1.0, 0.0),
    (0.0, INF): (0.0, 1.0),
    (INF, INF): (0.5, 0.5),
    (INF, -INF): (1.0, 0.0),
    (-INF, 0.0): (0.0, 1.0),
    (-INF, -INF): (0.0, 0.0),
    (1e5, 0.0): (1.0, 0.0),
    (3.0, 3.0): (0.5, 0.5),
}


@pytest.mark.parametrize("at", LOGADDEXP)
@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_logaddexp_at_infinities(f, at):
    assert gx.grad_bp(f, *at) == LOGADDEXP[at]
    arrays = [np.array([x]) for x in at]
    got = gx.grad_bp(f, *arrays)
    np.testing.assert_array_equal(np.ravel(got), LOGADDEXP[at])


def test_the_second_derivative_of_logaddexp_at_a_tie():
    assert gx.grad(gx.grad(lambda x: np.logaddexp(x, 2.0)))(2.0) == pytest.approx(0.25)


@pytest.mark.parametrize("p", [0.5, 1.5, 3])
def test_a_norm_of_any_order_with_a_zero_among_the_items(p):
    def norm(v):
        return np.linalg.norm(v, p)

    v = np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(gx.grad(norm)(v)[1:], gx.grad(norm)(v[1:]))
    assert gx.grad(norm)(v)[0] == 0
    got = hessian(norm, v)
    np.testing.assert_allclose(got[1:, 1:], hessian(norm, v[1:]))
    np.testing.assert_array_equal(got[0, 1:], [0, 0])
    assert got[0, 0] == {0.5: -INF, 1.5: INF, 3: 0.0}[p]


CLIPPED = {
    (0.0, 0.0, 0.0): (0.0, 0.5, 0.5),
    (-1.0, 0.0, 0.0): (0.0, 0.5, 0.5),
    (1.0, 0.0, 0.0): (0.0, 0.0, 1.0),
    (1.0, 2.0, 0.0): (0.0, 0.0, 1.0),
    (0.5, 0.0, 1.0): (1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0): (0.5, 0.5, 0.0),
    (1.0, 0.0, 1.0): (0.5, 0.0, 0.5),
    (-1.0, 0.0, 1.0): (0.0, 1.0, 0.0),
    (2.0, 0.0, 1.0): (0.0, 0.0, 1.0),
    (2.0, 0.0, INF): (1.0, 0.0, 0.0),
}


@pytest.mark.parametrize("at", CLIPPED)
def test_clip_at_its_bounds(at):
    assert gx.grad_bp(np.clip, *at) == CLIPPED[at]
    assert gx.backprop(np.clip, *at)[0] == np.clip(*at)


def test_clip_to_an_interval_of_no_width():
    assert gx.grad(lambda x: np.clip(x, 0.0, 0.0))(0.0) == 0
    assert gx.grad(lambda x: np.clip(x, None, 0.0))(0.0) == 0.5
    got = gx.backprop(lambda x: np.clip(x, 1.0, [0.0, 1.0, 2.0]), np.array([NAN, 1.0, 1.5]))
    np.testing.assert_array_equal(got[0], [NAN, 1.0, 1.5])
    np.testing.assert_array_equal(got[1], [0, 0, 1])


# --- Values and types -----------------------------------------------------------------------------

Z = np.array([1 + 5j, 2 - 1j, 3 + 0j, 4 + 2j])


def test_the_median_of_complex_numbers_is_numpys():
    for f in (np.median, np.nanmedian, lambda z: np.median(z.reshape(2, 2), axis=1)):
        np.testing.assert_array_equal(gx.backprop(f, Z)[0], f(Z))
    np.testing.assert_array_equal(gx.grad_bp(np.median, Z), [0, 0.5, 0.5, 0])


@pytest.mark.parametrize("f", [np.quantile, np.percentile, np.nanquantile, np.nanpercentile])
def test_a_quantile_of_complex_numbers_is_refused_as_numpy_does(f):
    with pytest.raises(TypeError):
        f(Z, 0.5)
    with pytest.raises(TypeError, match="of complex numbers, which have no order; give real"):
        gx.grad_bp(lambda z: f(z, 0.5), Z)


V = np.array([3.0, 1.0, 2.0, 5.0])
SCALARS = {
    "median": np.median,
    "nanmedian": np.nanmedian,
    "quantile": lambda v: np.quantile(v, 0.3),
    "percentile": lambda v: np.percentile(v, 30),
    "nanquantile": lambda v: np.nanquantile(v, 0.3),
    "interp": lambda v: np.interp(1.5, [1, 2, 3, 4], v),
    "nanmean": np.nanmean,
    "nanvar": np.nanvar,
    "nanstd": np.nanstd,
    "mean-where": lambda v: np.mean(v, where=v > 1),
    "std-where": lambda v: np.std(v, where=v > 1),
    "average": lambda v: np.average(v, weights=v),
    "ptp": np.ptp,
    "trapezoid": np.trapezoid,
    "trace": lambda v: np.trace(v.reshape(2, 2)),
    "dot": lambda v: np.dot(v, v),
    "det": lambda v: np.linalg.det(v.reshape(2, 2)),
    "norm": np.linalg.norm,
    "median-keepdims": lambda v: np.median(v, keepdims=True),
}


@pytest.mark.parametrize("name", SCALARS)
def test_a_number_is_a_number_as_in_numpy(name):
    got = gx.backprop(SCALARS[name], V)[0]
    assert type(got) is type(SCALARS[name](V))


def test_a_fraction_among_arrays():
    x = np.array([1.0, 2.0])
    assert gx.grad_bp(lambda r: np.sum(x * r), Fraction(1, 2)) == 3
    assert gx.grad_bp(lambda r: np.sum(x + r), Fraction(1, 2)) == 2
    assert gx.grad_bp(lambda r: np.sum(x.reshape(2, 1) * r - r), Fraction(1, 2)) == 1
    assert type(gx.grad_bp(lambda r: np.sum(x * r), Fraction(1, 2))) is Fraction
