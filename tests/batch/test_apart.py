"""Functions that ask for numbers on their way are done for one example after the other."""

import numpy as np
import pytest

import gradx as gx
from gradx import math
from gradx.batch.loops import counted_loops
from gradx.scipy import integrate, interpolate, linalg
from tests.batch.in_a_loop import assert_agrees, rows_of, stacked

RNG = np.random.default_rng(3)
A, B = RNG.standard_normal((3, 5, 2)), RNG.standard_normal((3, 5))
X, Y = RNG.standard_normal((2, 3, 6))
N = X.copy()
N[1, 2] = N[2, :2] = np.nan
K = RNG.integers(0, 3, (3, 6))
C = RNG.uniform(0.5, 1.5, 3)
P = RNG.uniform(0.1, 0.9, (3, 4))
POINTS = np.linspace(0, 1, 6)


def mean_of_middle(x):
    """A Python function of each item, which asks for its sign."""
    return gx.numpy.vectorize(lambda v: v * v if v > 0 else 0.0)(x)


def spline(y, p):
    made = interpolate.CubicSpline(POINTS, y)
    again = made.antiderivative().derivative(2)
    return made(p) * again(p) + made.derivative()(p) + made.integrate(0.0, p[0])


def falling(y, k):
    times = np.linspace(0, 1, 4)
    found = integrate.solve_ivp(lambda t, y, k: -k * y, (0.0, 1.0), y, t_eval=times, args=(k,))
    return found.y


FUNCTIONS = {
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], A, B),
    "lstsq, residuals": (lambda a, b: np.linalg.lstsq(a, b, rcond=None)[1], A, B),
    "scipy lstsq": (lambda a, b: linalg.lstsq(a, b)[0], A, B),
    "lu": (lambda a: linalg.lu(a[:2] @ a[:2].T)[1], A),
    "polyfit": (lambda a, b: np.polyfit(a[:, 0], b, 2), A, B),
    "nanmedian": (lambda x: np.nanmedian(x) * x[3], N),
    "nanquantile": (lambda x: np.nanquantile(x, [0.2, 0.5]), N),
    "nanpercentile": (lambda x: np.nanpercentile(x.reshape(2, 3), 30, axis=0), N),
    "polymul": (lambda x: np.polymul(x[:3], x[3:]), X),
    "polydiv": (lambda x: np.polydiv(x[:4], x[4:])[0], X),
    "emath": (lambda x: np.emath.sqrt(x[0] ** 2) * x, X),
    "histogram edges": (lambda x: np.histogram_bin_edges(x, 4), X),
    "real_if_close": (lambda x: np.real_if_close(x + 0j), X),
    "arange": (lambda x: gx.numpy.arange(x[0], x[0] + 3) * x[1], X),
    "modf": (lambda x: math.modf(x)[0] * x + math.frexp(x)[0], C),
    "vectorize": (mean_of_middle, X),
    "along an axis": (
        lambda x: np.apply_along_axis(lambda v: v if v[0] > 0 else -v, 0, x.reshape(2, 3)),
        X,
    ),
    "spline": (spline, Y, P),
    "interp1d": (lambda y, p: interpolate.interp1d(POINTS, y, "quadratic")(p), Y, P),
    "make_interp_spline": (lambda y, p: interpolate.make_interp_spline(POINTS, y)(p), Y, P),
    "grid": (
        lambda y, p: interpolate.RegularGridInterpolator(
            (np.arange(2.0), np.arange(3.0)), y.reshape(2, 3)
        )(p.reshape(2, 2)),
        Y,
        P,
    ),
    "quad": (
        lambda a, k: integrate.quad(lambda x, k: np.exp(-k * x) * np.sin(x), a, 2.0, (k,))[0],
        C - 0.5,
        C,
    ),
    "odeint": (
        lambda y, k: integrate.odeint(lambda y, t, k: -k * y, y, POINTS, args=(k,)),
        P,
        C,
    ),
    "solve_ivp": (falling, P, C),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    f, *args = FUNCTIONS[name]
    with counted_loops() as loops:
        got = gx.vmap(f)(*args)
    assert loops
    wanted = stacked([f(*row) for row in rows_of(args, [0] * len(args))])
    np.testing.assert_array_equal(got, wanted, strict=True)
    assert_agrees(f, *args)


def test_sorting_by_keys_needs_no_loop():
    def f(x, k):
        own = x[np.lexsort((x, k))]
        return own + x[np.lexsort((np.arange(6)[::-1], k))] + x.reshape(2, 3)[0, 0]

    def of_matrices(x, k):
        return np.lexsort((x.reshape(2, 3), k.reshape(2, 3)), axis=0)

    with counted_loops() as loops:
        gx.vmap(f)(X, K)
        got = gx.vmap(of_matrices)(X, K)
    assert not loops
    np.testing.assert_array_equal(got, [of_matrices(*pair) for pair in zip(X, K, strict=True)])
    assert_agrees(f, X, K)


def test_splines_through_other_points_in_each_example():
    points = np.sort(RNG.uniform(0, 1, (3, 6)), axis=1)
    got = gx.vmap(lambda x, y: interpolate.CubicSpline(x, y)(0.5))(points, Y)
    wanted = [interpolate.CubicSpline(x, y)(0.5) for x, y in zip(points, Y, strict=True)]
    np.testing.assert_array_equal(got, wanted)


def test_what_a_spline_of_each_example_does_not_have():
    with pytest.raises(gx.NotLiftedError, match=r"\.c of what CubicSpline makes for each example"):
        gx.vmap(lambda y: interpolate.CubicSpline(POINTS, y).c)(Y)


def test_nested_batches():
    w = RNG.standard_normal((2, 3, 6))
    got = gx.vmap(gx.vmap(lambda x: np.nanmedian(x)))(w)
    np.testing.assert_array_equal(got, np.median(w, axis=-1))


def test_shared_arguments():
    f = lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0]  # noqa: E731
    assert_agrees(f, A[0], B, axes=(None, 0))
    assert_agrees(f, A, B[0], axes=(0, None))


def test_labels_of_an_op_of_a_user_have_no_gradient():
    @gx.lift
    def scaled(x, k):
        return x * k * float(x[0]), lambda g: (g * k * float(x[0]), 0)

    def f(xs):
        return np.sum(gx.vmap(scaled)(xs, K[:, 0]))

    np.testing.assert_array_equal(gx.grad(f)(X), K[:, :1] * X[:, :1] * np.ones(6))


def test_a_function_that_reads_a_batched_value_from_outside_raises():
    def f(x, c):
        return np.apply_along_axis(lambda v: v * c if v[0] < 99 else v, 0, x)

    with pytest.raises(gx.ConversionError) as caught:
        gx.vmap(f)(X, C)
    assert any("reads a batched value from outside" in note for note in caught.value.__notes__)


def test_the_examples_results_differ_in_shape():
    def f(x):
        return np.polymul(x[:3], np.where(x[0] > 0, x[3:], x[3:] * [0, 1, 1]))

    with pytest.raises(gx.ConversionError, match="the mapped function gives each example"):
        gx.vmap(f)(X * np.array([[1], [-1], [1]]) * np.sign(X[:, :1]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.nanmedian(x) ** 2 * x,
        lambda x: np.polyfit(np.arange(6.0), x**2, 1),
        lambda x: np.linalg.lstsq(np.vander(x[:3]), x[3:] ** 2)[0],
    ],
)
def test_jacobians_and_hessians_of_each_example(f):
    wanted = np.stack([gx.jacobian(f)(x) for x in X])
    np.testing.assert_allclose(gx.vmap(gx.jacobian(f))(X), wanted, rtol=1e-9, atol=1e-9)

    def total(x):
        return np.sum(f(x) ** 2)

    wanted = np.stack([gx.hessian(total)(x) for x in X])
    np.testing.assert_allclose(gx.vmap(gx.hessian(total))(X), wanted, rtol=1e-7, atol=1e-7)
