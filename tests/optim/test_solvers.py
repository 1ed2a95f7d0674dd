"""SciPy's optimisers on records: the same answers as SciPy's own, and derivatives of gradx."""

import numpy as np
import pytest
import scipy.optimize

import gradx as gx
from gradx.optim.flat import bounds_of, jacobian_of


@gx.record(frozen=True)
class Point:
    x: float
    y: np.ndarray


def valley(p):
    """Rosenbrock's function of three numbers; the minimum is at ones."""
    z = np.concatenate([np.reshape(p.x, 1), p.y])
    return np.sum(100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2)


START = Point(-1.2, np.array([1.0, 0.5]))
METHODS = ("BFGS", "CG", "L-BFGS-B", "SLSQP", "Newton-CG", "trust-ncg", "trust-krylov")
METHODS += ("trust-exact", "trust-constr", "Powell")


@pytest.mark.parametrize("method", METHODS)
def test_minimize_by_every_method(method):
    found = gx.minimize(valley, START, method=method)
    assert type(found.x) is Point and type(found.x.x) is float
    assert abs(found.x.x - 1) < 0.03 and np.allclose(found.x.y, 1, atol=0.05)


def test_dogleg_gets_a_hessian():
    found = gx.minimize(lambda x: np.sum(np.cosh(x - 1.0)), np.array([0.5, 2.0]), method="dogleg")
    assert np.allclose(found.x, 1)


def test_minimize_is_scipys_with_a_gradient():
    found = gx.minimize(valley, START, bounds={"y": (None, 0.8)}, method="L-BFGS-B")
    own = scipy.optimize.minimize(
        scipy.optimize.rosen,
        [-1.2, 1.0, 0.5],
        jac=scipy.optimize.rosen_der,
        bounds=[(None, None), (None, 0.8), (None, 0.8)],
    )
    np.testing.assert_allclose(gx.ravel(found.x)[0], own.x, rtol=1e-6)
    assert found.nit == own.nit and type(found.jac) is Point


def test_constraints_are_of_the_record():
    circle = {"type": "ineq", "fun": lambda p, r: r - p.x**2 - np.sum(p.y**2), "args": (1.5,)}
    same = {"type": "eq", "fun": lambda p: {"difference": p.y[0] - p.y[1]}}
    found = gx.minimize(valley, START, constraints=[circle, same])
    assert found.success
    assert found.x.x**2 + np.sum(found.x.y**2) <= 1.5 + 1e-6
    assert abs(found.x.y[0] - found.x.y[1]) < 1e-8
    limit = scipy.optimize.NonlinearConstraint(lambda p: p.x * p.y, -np.inf, 0.5)
    found = gx.minimize(valley, START, constraints=limit, method="trust-constr")
    assert np.all(found.x.x * found.x.y <= 0.5 + 1e-6)


def test_callbacks_get_records():
    seen = []
    gx.minimize(valley, START, callback=seen.append)
    assert all(type(p) is Point for p in seen) and len(seen) > 3
    states = []

    def note(intermediate_result):
        states.append(intermediate_result.x)

    gx.minimize(valley, START, callback=note)
    assert all(type(p) is Point for p in states) and len(states) == len(seen)
    points = []
    gx.root(
        lambda p: (p[0] ** 3 - 2,), (1.0,), method="krylov", callback=lambda p, f: points.append(p)
    )
    assert points and all(type(p) is tuple for p in points)


def test_single_precision_is_seen_by_the_function():
    def f(x):
        assert x.dtype == np.float32
        return np.sum((x - 2) ** 2)

    found = gx.minimize(f, np.float32([0, 1]))
    assert found.x.dtype == np.float32 and np.allclose(found.x, 2, atol=1e-3)


def test_bounds_by_structure():
    low, high = bounds_of(START, Point((0, None), (np.array([-1, 0]), [5, None])))
    assert low.tolist() == [0, -1, 0] and high.tolist() == [np.inf, 5, np.inf]
    low, high = bounds_of((1.0, [np.zeros(2), 2.0]), (None, [[(0, 1), (None, 2)], (3, 4)]))
    assert low.tolist() == [-np.inf, 0, -np.inf, 3] and high.tolist() == [np.inf, 1, 2, 4]
    low, high = bounds_of(np.zeros((2, 1)), scipy.optimize.Bounds(0, 1))
    assert low.tolist() == [0, 0] and high.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Point(3, None), r"bounds\.x is 3; give a pair \(low, high\)"),
        (Point(None, (np.zeros(3), None)), r"bounds\.y has a limit of shape \(3,\)"),
        (
            {"z": (0, 1)},
            "the bounds of a Point are .*; give another Point or a dict of some of x, y",
        ),
        ([1], "the bounds of a Point are"),
    ],
)
def test_bounds_that_do_not_match(bounds, message):
    with pytest.raises(gx.StructureError, match=message):
        gx.minimize(valley, START, bounds=bounds)


def test_bounds_of_a_list_of_another_length():
    with pytest.raises(gx.StructureError, match="bounds of a list of 2 parts are"):
        gx.minimize(lambda p: p[0] ** 2, [1.0, 2.0], bounds=[(0, 1)])


def test_what_is_no_real_number_is_refused():
    with pytest.raises(gx.NotDifferentiableError, match=r"real numbers, and \['z'\] is complex"):
        gx.minimize(lambda p: abs(p["z"]), {"z": 1j})
    with pytest.raises(gx.NotDifferentiableError, match="was given a list without numbers"):
        gx.minimize(lambda p: 1.0, ["text"])
    with pytest.raises(gx.NonScalarError):
        gx.minimize(lambda x: x, np.ones(2))


@pytest.mark.parametrize("m", [2, 7])
def test_the_jacobian_by_rows_or_by_columns(m):
    matrix = np.random.default_rng(0).normal(size=(m, 3))
    jacobian = jacobian_of(lambda p: np.sin(matrix @ np.concatenate([[p.x], p.y])), START)
    inner = np.cos(matrix @ [-1.2, 1.0, 0.5])
    np.testing.assert_allclose(jacobian, inner[:, None] * matrix, atol=1e-14)


def test_least_squares_is_scipys():
    x = np.linspace(0, 3, 30)
    y = 2 * np.exp(-1.3 * x) + 0.01 * np.sin(40 * x)
    found = gx.least_squares(
        lambda p, x: p["a"] * np.exp(-p["k"] * x) - y, {"a": 1.0, "k": 1.0}, (x,),
        bounds={"k": (0, 1.2)},
    )  # fmt: skip
    own = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * x) - y, [1, 1], bounds=([-np.inf, 0], [np.inf, 1.2])
    )
    np.testing.assert_allclose(gx.ravel(found.x)[0], own.x, rtol=1e-5)
    assert found.jac.shape == (30, 2) and set(found.grad) == {"a", "k"}


def test_roots():
    found = gx.root(lambda p: {"u": p.x**2 - 2, "v": p.y - [p.x, 1.0]}, START)
    assert type(found.x) is Point and abs(abs(found.x.x) - 2**0.5) < 1e-8
    assert gx.root(lambda x: x**3 - 8, 1.0, method="lm").x == pytest.approx(2)
    for options in ({"x0": 1.0}, {"x0": 1.0, "method": "halley"}, {"bracket": (0.0, 2.0)}):
        assert gx.root_scalar(lambda x, a: x**2 - a, (2.0,), **options).root == pytest.approx(
            2**0.5
        )
    found = gx.root_scalar(lambda p: p["x"] ** 2 - 2, x0={"x": 1.0})
    assert found.root["x"] == pytest.approx(2**0.5)
    with pytest.raises(gx.StructureError, match="of 2 numbers; for several use gx"):
        gx.root_scalar(lambda p: p[0], x0=(1.0, 2.0))
    with pytest.raises(ValueError, match="neither a bracket nor x0"):
        gx.root_scalar(lambda x: x)


def test_curve_fit_is_scipys():
    rng = np.random.default_rng(1)
    x = np.linspace(0, 2, 40)
    y = 1.5 * np.exp(-2 * x) + 0.3 + 0.02 * rng.normal(size=40)
    sigma = np.full(40, 0.02)

    def curve(x, p):
        return p.x * np.exp(-p.y[0] * x) + p.y[1]

    fit = gx.curve_fit(curve, x, y, Point(1.0, np.array([1.0, 0.0])), sigma, True)
    found, matrix = scipy.optimize.curve_fit(
        lambda x, a, k, c: a * np.exp(-k * x) + c, x, y, [1, 1, 0], sigma, True
    )
    np.testing.assert_allclose(gx.ravel(fit.x)[0], found, rtol=1e-6)
    np.testing.assert_allclose(fit.covariance.matrix, matrix, rtol=1e-4)
    assert fit.covariance.paths == (".x", ".y")
    assert fit.covariance["x"] == fit.covariance.matrix[0, 0]
    np.testing.assert_array_equal(fit.covariance["x", ".y"], fit.covariance.matrix[0, 1:])
    assert fit.covariance.deviations.x == fit.covariance["x"] ** 0.5
    with pytest.raises(KeyError, match=r"no path of the parameters, which have \.x, \.y"):
        fit.covariance["z"]
    bounded = gx.curve_fit(curve, x, y, Point(1.0, np.array([1.0, 0.0])), bounds={"x": (0, 1.2)})
    assert bounded.x.x <= 1.2
