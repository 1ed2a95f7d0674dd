"""SciPy's optimisers between variables: solutions with the derivative of their equations."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.optimize

import gradx as gx
from gradx.errors import NotDifferentiableError, NotLiftedError, StructureError
from gradx.testing.gradients import check_grads


def both_orders(f, x, wanted, second, **close):
    """The first two derivatives are what a closed form gives."""
    np.testing.assert_allclose(gx.grad(f)(x), wanted, **({"rtol": 1e-9} | close))
    np.testing.assert_allclose(gx.grad(gx.grad(f))(x), second, **({"rtol": 1e-8} | close))


# --- Roots ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"bracket": (0, 2)}, {"x0": 1.0}, {"x0": 1.0, "method": "halley"}, {"x0": 1.0, "x1": 1.5}],
)
def test_root_scalar_by_what_it_closes_over_and_by_arguments(options):
    def closed(a):
        return gx.root_scalar(lambda x: x**2 - a, **options).root

    def given(a):
        return gx.root_scalar(lambda x, a: x**2 - a["a"], ({"a": a},), **options).root

    for f in (closed, given):
        both_orders(f, 2.0, 0.5 * 2**-0.5, -0.25 * 2**-1.5)


def test_root_scalar_of_a_record_from_a_variable():
    @gx.record
    class Time:
        t: float

    def half_life(rate):
        start = Time(1.0 / rate)
        return gx.root_scalar(lambda p: np.exp(-rate * p.t) - 0.5, x0=start).root.t

    both_orders(half_life, 0.5, -np.log(2) / 0.25, 2 * np.log(2) / 0.125)
    found = gx.value_and_grad(
        lambda a: (a, gx.root_scalar(lambda x: x - a, bracket=(a - 1, a + 2))), has_aux=True
    )(3.0)[0][1]
    assert found.root == 3.0 and found.converged and "root: 3.0" in repr(found)


@dataclass
class Point:
    x: float
    y: np.ndarray
    name: str = "p"


def crossing(p, a):
    """Three equations for the three numbers of a point."""
    return {"sum": p.x + np.sum(p.y) - a["sum"], "rest": p.y**3 + p.y - p.x * a["slope"]}


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov"])
def test_root_of_records(method):
    a = {"sum": 3.0, "slope": np.array([0.4, 0.7])}
    start = Point(1.0, np.array([1.0, 1.2]))
    options = {"options": {"fatol": 1e-12}} if method == "krylov" else {"tol": 1e-13}

    def closed(a):
        found = gx.root(lambda p: crossing(p, a), start, method=method, **options)
        assert found.success and np.shape(found.fun) == (3,) and type(found.x) is Point
        return found.x

    def given(a):
        return gx.root(crossing, start, (a,), method=method, **options).x

    assert gx.value(gx.backprop(closed, a)[0]).name == "p"
    for f in (closed, given):
        check_grads(lambda a, f=f: (f(a).x, f(a).y), a, order=2)


def test_what_gradx_has_no_derivative_of_is_not_in_the_result():
    def f(a):
        found = gx.root(lambda x: x**3 - a, np.array([1.0]))
        assert "fjac" not in found and "success: True" in repr(found)
        with pytest.raises(AttributeError, match="variables has no 'fjac', since gradx has no"):
            found.fjac  # noqa: B018
        with pytest.raises(KeyError, match=r"take it from the same call on gx\.value of them"):
            found["fjac"]
        return found.x[0] + 0 * np.sum(found["fun"])

    assert np.isclose(gx.grad(f)(8.0), 1 / 12)


def test_roots_that_have_no_derivative():
    with pytest.raises(NotDifferentiableError, match=r"gx\.root_scalar: .* Jacobian .* singular"):
        gx.grad(lambda a: gx.root_scalar(lambda x: a * x, bracket=(-1, 1)).root)(0.0)
    with pytest.raises(NotDifferentiableError, match=r"gx\.root: the solution is no root"):
        gx.grad(lambda a: gx.root(lambda x: x**2 + 1 + a, np.array([0.3])).x[0])(1.0)
    with pytest.raises(StructureError, match=r"gx\.root: there are 3 equations for 2 unknowns"):
        gx.grad(
            lambda a: gx.root(
                lambda x: np.stack([x[0] - a, x[1], x[1]]), np.ones(2), method="lm"
            ).x[0]
        )(1.0)


# --- Minima ---------------------------------------------------------------------------------------


def height(p, a):
    return (p.x - a) ** 2 + np.sum(np.cosh(p.y - p.x * a) + p.y**2)


START = Point(0.0, np.zeros(2))


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact", "L-BFGS-B", "SLSQP"])
def test_minimize(method):
    def lowest(a, given=False):
        f, args = (height, (a,)) if given else (lambda p: height(p, a), ())
        found = gx.minimize(f, START, args, method=method, tol=1e-14)
        return found.x.x * np.sum(found.x.y) + found.fun

    check_grads(lowest, 0.8, order=2, tolerance=1e-5)
    assert gx.grad(lambda a: lowest(a, True))(0.8) == gx.grad(lowest)(0.8)


def test_the_minimum_itself_has_the_derivative_of_the_envelope():
    def least(a):
        return gx.minimize(lambda x: np.sum((x - a) ** 4) + a * np.sum(x**2), np.ones(2), tol=1e-12)

    y = gx.minimize(lambda x: np.sum((x - 1.5) ** 4) + 1.5 * np.sum(x**2), np.ones(2), tol=1e-12).x
    assert np.isclose(gx.grad(lambda a: least(a).fun)(1.5), np.sum(-4 * (y - 1.5) ** 3 + y**2))
    assert abs(gx.grad(lambda a: np.sum(least(a).jac))(1.5)) < 1e-9
    assert gx.grad(lambda a: least(a).fun + 0 * least(a).nit)(1.5)


def test_bounds_keep_numbers():
    def lowest(a, field):
        found = gx.minimize(
            lambda p: height(p, a), START, bounds={"x": (None, 0.5), "y": (-9, 9)}, tol=1e-14
        )
        return {"x": found.x.x, "y": found.x.y[1], "jac": found.jac.x}[field]

    assert gx.grad(lowest)(1.3, "x") == 0.0
    for field in ("y", "jac"):
        check_grads(lambda a, field=field: lowest(a, field), 1.3, order=2, tolerance=1e-5)
    # With the bound out of reach it is the free minimum.
    free, far = (
        gx.grad(lambda a, b=b: gx.minimize(lambda p: height(p, a), START, bounds=b, tol=1e-14).x.x)(
            1.3
        )
        for b in (None, {"x": (None, 50.0)})
    )
    assert np.isclose(free, far, rtol=1e-5)


def test_all_numbers_at_bounds():
    def corner(a):
        bounds = [(0, 1), (0, 1)]
        found = gx.minimize(lambda x: np.sum(x * np.stack([a, -a])), np.full(2, 0.5), bounds=bounds)
        return found.x[0] + 10 * found.x[1] + found.fun

    assert gx.value_and_grad(corner)(2.0) == (8.0, -1.0)


def test_a_bound_where_the_function_is_flat():
    def touching(a):
        return gx.minimize(lambda p: (p["w"] - a) ** 2, {"w": 2.0}, bounds={"w": (1.0, 3.0)}).x["w"]

    assert gx.grad(touching)(0.5) == 0.0 and gx.grad(touching)(1.5) == 1.0
    with pytest.raises(
        NotDifferentiableError, match=r"gx\.minimize: \['w'\] is at its bound, where"
    ):
        gx.grad(touching)(1.0)


def test_minima_that_have_no_derivative():
    with pytest.raises(NotDifferentiableError, match=r"gx\.minimize: .* is singular"):
        gx.grad(lambda a: gx.minimize(lambda x: a * (x[0] + x[1] - 1) ** 2, np.ones(2)).fun)(1.0)
    with pytest.raises(NotDifferentiableError, match="let the solver go on for longer"):
        options = {"maxiter": 1}
        gx.grad(lambda a: gx.minimize(height, START, (a,), options=options).x.x)(1.3)
    with pytest.raises(gx.NonScalarError):
        gx.grad(lambda a: gx.minimize(lambda x: x * a, np.ones(2)).x[0])(1.0)


def test_variables_where_there_is_no_derivative():
    def square(x):
        return np.sum(x**2)

    one = {"type": "eq", "fun": lambda x: np.sum(x) - 1}
    for f in (
        lambda a: gx.minimize(lambda x: a * square(x), np.ones(2), constraints=one).x[0],
        lambda a: gx.minimize(
            square, np.ones(2), constraints=[{"type": "eq", "fun": lambda x: x[0] - a}]
        ).x[0],
    ):
        with pytest.raises(NotLiftedError, match=r"constraints with variables .* gx\.implicit, or"):
            gx.grad(f)(2.0)
    for f in (
        lambda a: gx.minimize(square, np.ones(2), bounds=[(a, 9), (0, 9)]).x[0],
        lambda a: gx.least_squares(square, np.ones(2), bounds=[(a, 9), (0, 9)]).x[0],
        lambda a: gx.curve_fit(lambda x, p: p * x, [1.0, 2], [1.0, 2], 1.0, bounds=(a, 9)).x,
    ):
        with pytest.raises(NotLiftedError, match=r"of bounds with variables has no derivative"):
            gx.grad(f)(0.5)


def test_a_saddle_by_two_minimisers():
    """The lowest of the highest: x**2 + x y - y**2 + a y has its saddle at (-a/5, 2a/5)."""

    def saddle(a):
        def highest(x):
            return -gx.minimize(lambda y: y**2 - x * y - a * y - x**2, 0.0, tol=1e-12).fun

        found = gx.minimize(highest, 1.0, method="Newton-CG", tol=1e-12)
        return found.x * 10 + found.fun

    x, y = -1.5 / 5, 2 * 1.5 / 5
    height = x**2 + x * y - y**2 + 1.5 * y
    assert np.isclose(saddle(1.5), 10 * x + height)
    both_orders(saddle, 1.5, -2 + y, 2 / 5, rtol=1e-6)


def test_a_start_is_a_constant():
    assert gx.grad(lambda a: gx.minimize(lambda x: (x - 2) ** 2, a).x * a)(3.0) == pytest.approx(2)
    assert gx.grad(lambda a: gx.root(lambda x: (x[0] ** 3 - 8,), (a,)).x[0] * a)(
        3.0
    ) == pytest.approx(2)


def test_plain_calls_are_scipys():
    found = gx.minimize(scipy.optimize.rosen, np.zeros(3), method="Nelder-Mead")
    own = scipy.optimize.minimize(scipy.optimize.rosen, np.zeros(3), method="Nelder-Mead")
    assert type(found) is type(own) and found.x.tobytes() == own.x.tobytes()
    assert "final_simplex" in found


# --- Least squares --------------------------------------------------------------------------------

T = np.linspace(0, 3, 15)
SEEN = 2 * np.exp(-0.7 * T) + 0.1 * np.cos(5 * T)
GUESS = {"a": 1.0, "k": 1.0}
CLOSE = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-14, "max_nfev": 1000}


def off(p, seen):
    return p["a"] * np.exp(-p["k"] * T) - seen


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "huber", "cauchy", "arctan"])
def test_least_squares_by_every_loss(loss):
    options = {"loss": loss, "f_scale": 0.05, **CLOSE}

    def best(shift):
        return gx.least_squares(off, GUESS, (SEEN + shift * T,), **options)

    def by_minimize(shift):
        """The same by another method, of the cost written down."""
        y = gx.value(best(gx.value(shift)).x)

        def cost(p):
            z = (off(p, SEEN + shift * T) / 0.05) ** 2
            of = {
                "linear": z,
                "soft_l1": 2 * ((1 + z) ** 0.5 - 1),
                "huber": np.where(z <= 1, z, 2 * z**0.5 - 1),
                "cauchy": np.log1p(z),
                "arctan": np.arctan(z),
            }[loss]
            return 0.5 * 0.05**2 * np.sum(of)

        found = gx.minimize(cost, y, method="trust-exact", options={"gtol": 1e-13})
        return found.x["k"], found.fun

    def by_least_squares(shift):
        found = best(shift)
        return found.x["k"], found.cost

    one, other = (
        [[d(lambda s, f=f, i=i: f(s)[i])(0.1) for d in (gx.grad, gx.hessian)] for i in (0, 1)]
        for f in (by_least_squares, by_minimize)
    )
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_residuals_and_bounds_of_least_squares():
    def best(scale, field):
        def residuals(p):
            return [p["a"] * np.exp(-p["k"] * T) - SEEN * scale, 0.1 * p["a"]]

        bounds = {"k": (0.9, 2.0)}
        found = gx.least_squares(residuals, GUESS, bounds=bounds, **CLOSE)
        assert found.active_mask.tolist() == [0, -1] and found.fun.shape == (16,)
        return found.x["k"] if field == "k" else found.x["a"] + np.sum(found.fun**3)

    assert gx.grad(best)(1.0, "k") == 0.0
    check_grads(lambda s: best(s, "a"), 1.0, order=2, tolerance=1e-5)


def test_a_loss_of_the_users():
    def linear(z):
        return np.stack([z, np.ones_like(z), np.zeros_like(z)])

    with pytest.raises(
        NotLiftedError, match=r"a function as loss= has no derivative .* gx.minimize"
    ):
        gx.grad(lambda a: gx.least_squares(off, GUESS, (SEEN * a,), loss=linear).cost)(1.0)


# --- Curves ---------------------------------------------------------------------------------------


def curve(t, p):
    return p["a"] * np.exp(-p["k"] * t)


def fitted(f, t, seen, sigma=None, absolute=False):
    fit = gx.curve_fit(f, t, seen, GUESS, sigma, absolute, ftol=1e-15, xtol=1e-15, gtol=1e-15)
    x, covariance = fit.x, fit.covariance
    return np.stack([x["a"], x["k"], covariance["a", "k"] * 100, covariance.deviations["k"]])


def check_wide(f, x, h=2e-3):
    """Two derivatives against differences of the fourth order, since SciPy's result is noisy."""

    def slope(f, x):
        near, far = (f(x + k * h) - f(x - k * h) for k in (1, 2))
        return (8 * near - far) / (12 * h)

    def total(x):
        return f(x) @ np.array([1.0, -2.0, 0.5, 3.0])

    first = gx.grad(total)
    np.testing.assert_allclose(first(x), slope(total, x), rtol=1e-4)
    np.testing.assert_allclose(gx.grad(first)(x), slope(first, x), rtol=1e-4)


DIAGONAL, FULL = 0.1 + 0.05 * T, 0.1 * np.eye(15) + 0.02


@pytest.mark.parametrize(
    ("sigma", "absolute"),
    [
        pytest.param(None, False, marks=pytest.mark.soak),
        pytest.param(DIAGONAL, True, marks=pytest.mark.soak),
        (FULL, False),
    ],
)
def test_curve_fit_by_everything(sigma, absolute):
    check_wide(lambda s: fitted(curve, T, SEEN + s * T, sigma, absolute), 0.1)
    check_wide(lambda s: fitted(curve, T * s, SEEN, sigma, absolute), 1.1)
    check_wide(lambda c: fitted(lambda t, p: curve(t, p) + c, T, SEEN, sigma, absolute), 0.05)
    if sigma is not None:
        check_wide(lambda s: fitted(curve, T, SEEN, sigma**s, absolute), 1.2)


def test_a_straight_line_has_the_closed_form():
    """Parameters and covariance of a linear model are known functions of the data."""
    x = np.array([0.0, 1.0, 2.0, 4.0])
    design = np.stack([x, np.ones(4)], axis=1)
    inverse = np.linalg.inv(design.T @ design)

    def by_fit(y):
        fit = gx.curve_fit(lambda x, p: p[0] * x + p[1], x, y, (1.0, 1.0))
        return fit.x[0], fit.covariance["[0]", "[1]"]

    def by_hand(y):
        p = inverse @ design.T @ y
        return p[0], np.sum((design @ p - y) ** 2) / 2 * inverse[0, 1]

    y = np.array([1.0, 2.5, 2.0, 5.0])
    for derivative in (gx.grad, gx.hessian):
        one, other = (
            [derivative(lambda y, f=f, i=i: f(y)[i])(y) for i in (0, 1)] for f in (by_fit, by_hand)
        )
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


def test_curve_fit_with_another_loss():
    with pytest.raises(
        NotLiftedError, match=r"loss='cauchy' has no derivative .* gx.least_squares"
    ):
        gx.grad(
            lambda a: gx.curve_fit(curve, T, SEEN * a, GUESS, method="trf", loss="cauchy").x["k"]
        )(1.0)
