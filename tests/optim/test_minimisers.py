"""`lbfgs` and `levenberg_marquardt`: minima of known problems, beside SciPy's, over any value."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import optimize

import gradx as gx
from gradx.errors import NonScalarError, NotDifferentiableError
from gradx.optim import MethodError, Minimum, lbfgs, levenberg_marquardt
from gradx.optim.line_search import Point, WolfeSearch


@dataclass(frozen=True)
class Curve:
    height: float
    rate: np.ndarray
    name: str = "curve"


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# --- Smooth losses --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 10, 50])
def test_the_valley_of_rosenbrock_in_about_as_many_calls_as_scipy(n):
    start = np.full(n, -1.2)
    found = lbfgs()(rosenbrock, start)
    wanted = optimize.minimize(
        rosenbrock, start, jac=gx.grad(rosenbrock), method="L-BFGS-B", options={"gtol": 1e-6}
    )
    np.testing.assert_allclose(found.params, 1.0, atol=1e-5)
    assert found.converged and found.slope <= 1e-6
    assert found.value <= max(wanted.fun, 1e-11)
    assert found.calls <= 1.5 * wanted.nfev + 10
    assert start[0] == -1.2


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e5])
def test_long_bowls(condition):
    d = np.logspace(0, math.log10(condition), 20)
    found = lbfgs(tolerance=1e-6, max_steps=5000)(lambda x: np.sum(d * (x - 1) ** 2) / 2, d * 0)
    assert found.converged
    np.testing.assert_allclose(found.params, 1.0, atol=2e-6)


def test_a_bowl_of_few_numbers_takes_about_as_many_steps(rng):
    a = rng.standard_normal((6, 6))
    a = a @ a.T + np.eye(6)
    b = rng.standard_normal(6)
    found = lbfgs(tolerance=1e-9)(lambda x: x @ a @ x / 2 - b @ x, np.zeros(6))
    np.testing.assert_allclose(found.params, np.linalg.solve(a, b), atol=1e-8)
    assert found.steps < 40


def test_the_minimum_of_a_record_is_one():
    x = np.linspace(0, 2, 30)
    data = 3.0 * np.exp(-0.7 * x) * np.cos(2 * x)

    def loss(c):
        return np.mean((c.height * np.exp(-c.rate[0] * x) * np.cos(c.rate[1] * x) - data) ** 2)

    found = lbfgs(tolerance=1e-9)(loss, Curve(1.0, np.array([0.1, 1.5])))
    assert type(found.params) is Curve and found.params.name == "curve"
    assert found.params.height == pytest.approx(3.0, rel=1e-5)
    np.testing.assert_allclose(found.params.rate, [0.7, 2.0], rtol=1e-5)


def test_single_precision_is_what_the_loss_sees():
    seen = set()

    def loss(p):
        seen.add(p["w"].dtype)
        return rosenbrock(p["w"])

    found = lbfgs(tolerance=1e-3)(loss, {"w": np.full(3, -1.0, "f")})
    assert found.params["w"].dtype == np.float32 and seen == {np.dtype("f")}
    np.testing.assert_allclose(found.params["w"], 1.0, atol=2e-2)


def test_a_loss_that_is_infinite_or_nan_farther_out():
    with np.errstate(all="ignore"):
        found = lbfgs()(lambda x: x - np.log(x), 0.01)
        assert found.params == pytest.approx(1.0) and found.converged
        found = lbfgs()(lambda x: np.sum(np.sqrt(1 - x**2) * -1), np.array([0.9, -0.99]))
    np.testing.assert_allclose(found.params, 0.0, atol=1e-5)


def test_a_start_at_a_minimum_is_one():
    found = lbfgs()(lambda x: x**2, 0.0)
    assert (found.params, found.steps, found.calls, found.converged) == (0.0, 0, 1, True)
    assert found.message == "no number of the gradient is larger than 1e-06"


@pytest.mark.parametrize(
    ("method", "loss", "start", "message"),
    [
        (lbfgs(max_steps=3), rosenbrock, np.full(4, -1.2), "max_steps=3 steps were done; allow m"),
        (lbfgs(), lambda x: -x, 0.0, "the loss falls on and on along a direction; it may have no"),
        (
            lbfgs(),
            lambda x: np.sum(np.abs(x)),
            np.array([1.0, -2.0]),
            "no step along the gradient makes the loss smaller",
        ),
        (
            lbfgs(tolerance=0.0),
            lambda x: np.sum((x - math.pi) ** 4 + (x - 1) ** 2 + 1e3),
            np.zeros(3),
            "no step along the gradient makes the loss smaller",
        ),
    ],
)
def test_why_it_ended_without_a_minimum(method, loss, start, message):
    found = method(loss, start)
    assert not found.converged and found.message.startswith(message)
    assert np.isfinite(found.value) and type(found.params) is type(start)


def test_the_derivative_of_a_minimum():
    def lowest(a):
        return lbfgs(tolerance=1e-10)(
            lambda p: (p["x"] - a) ** 2 + a * (p["y"] - p["x"]) ** 2 + p["y"], {"x": 0.0, "y": 0.0}
        )

    def solved(a):
        return a - 0.5, a - 0.5 - 0.5 / a

    np.testing.assert_allclose(list(lowest(2.0).params.values()), solved(2.0), rtol=1e-6)
    slope = gx.grad(lambda a: lowest(a).params["y"] + lowest(a).value)(2.0)
    # y' = 1 + 1 / (2 a^2); the value at the minimum is a - 3/4 - 1/(4 a)
    assert slope == pytest.approx(1 + 1 / 8 + 1 + 1 / 16, rel=1e-5)


# --- Sums of squares ------------------------------------------------------------------------------


def valley(p):
    return [10 * (p[1] - p[0] ** 2), 1 - p[0]]


@pytest.mark.parametrize("damping", [0.0, 1e-3, 1.0, 100.0])
def test_the_valley_of_rosenbrock_by_squares(damping):
    found = levenberg_marquardt(damping)(valley, [-1.2, 1.0])
    assert found.converged and found.params == pytest.approx([1.0, 1.0])
    assert found.steps < 60


def test_steps_of_gauss_and_newton_solve_a_linear_problem_in_one(rng):
    a, b = rng.standard_normal((9, 4)), rng.standard_normal(9)
    found = levenberg_marquardt(damping=0)(lambda x: a @ x - b, np.zeros(4))
    wanted, squares, *_ = np.linalg.lstsq(a, b)
    np.testing.assert_allclose(found.params, wanted, rtol=1e-12)
    assert found.value == pytest.approx(float(squares[0]) / 2)
    assert found.steps == 1 and "perpendicular to every column" in found.message


def fit(p, x, y):
    return p.height * np.exp(-p.rate[0] * x) + p.rate[1] - y


def test_a_fit_is_that_of_scipy(rng):
    x = np.linspace(0, 4, 40)
    y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.05 * rng.standard_normal(40)
    start = Curve(1.0, np.array([0.5, 0.0]))
    found = levenberg_marquardt()(lambda p: fit(p, x, y), start)
    wanted = optimize.least_squares(
        lambda v: v[0] * np.exp(-v[1] * x) + v[2] - y, [1.0, 0.5, 0.0], method="lm"
    )
    assert found.converged and type(found.params) is Curve
    np.testing.assert_allclose([found.params.height, *found.params.rate], wanted.x, rtol=1e-6)
    assert found.value == pytest.approx(wanted.cost)
    assert found.calls <= 40


def test_a_problem_of_scales_far_apart():
    """Meyer's: three numbers of sizes 0.006, 6,000 and 300."""
    t = 50.0 + 5 * np.arange(16)
    y = "34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872"
    y = np.array(y.split(), float)
    found = levenberg_marquardt(max_steps=500)(
        lambda p: p["a"] * np.exp(p["b"] / (t + p["c"])) - y, {"a": 0.02, "b": 4000.0, "c": 250.0}
    )
    assert found.converged
    assert 2 * found.value == pytest.approx(87.9458, rel=1e-5)
    assert list(found.params.values()) == pytest.approx([0.00560964, 6181.35, 345.224], rel=1e-4)


def test_fewer_residuals_than_parameters_and_parameters_that_do_not_matter():
    for damping in (0.0, 1e-3):
        found = levenberg_marquardt(damping)(lambda p: p[0] + p[1] - 3, [1.0, 5.0, 9.0])
        assert found.converged and found.params[0] + found.params[1] == pytest.approx(3.0)
        assert found.params[2] == pytest.approx(9.0)


def test_residuals_are_numbers_of_any_value():
    found = levenberg_marquardt()(
        lambda p: {"a": p["x"] - 1, "b": (p["y"] ** 2 - np.array([4.0, 4.0]))},
        {"x": 0.0, "y": 1.0},
    )
    assert found.params == pytest.approx({"x": 1.0, "y": 2.0})


def test_a_step_that_goes_where_the_residual_is_infinite():
    def residual(x):
        return np.array([np.log(x)]) if x > 0 else np.array([math.inf * x**0])

    with np.errstate(all="ignore"):
        damped = levenberg_marquardt()(lambda x: np.log(x) - 1, 20.0)
        free = levenberg_marquardt(damping=0)(lambda x: np.log(x) - 1, 20.0)
    assert damped.converged and damped.params == pytest.approx(math.e)
    assert not free.converged
    assert free.message == "a step of Gauss and Newton went where the residual is infinite; damp it"


@pytest.mark.parametrize(
    ("method", "residual", "message"),
    [
        (levenberg_marquardt(), lambda p: p * 0 + 1, "the residual is perpendicular to every colu"),
        (levenberg_marquardt(), lambda p: p * 0, "the residual is zero"),
        (levenberg_marquardt(max_steps=2), lambda p: np.exp(p) - 9, "max_steps=2 steps were done"),
    ],
)
def test_why_it_ended(method, residual, message):
    found = method(residual, np.array([0.5, -1.0]))
    assert found.message.startswith(message)
    assert found.converged is not message.startswith("max_steps")


def test_the_derivative_of_a_fit():
    x = np.array([0.5, 1.0, 2.0])

    def slope(scale):
        found = levenberg_marquardt()(lambda k: np.exp(-k * x) - np.exp(-scale * x), 0.1)
        return found.params**2 + found.value

    assert gx.grad(slope)(1.5) == pytest.approx(3.0, rel=1e-5)


# --- What cannot begin ----------------------------------------------------------------------------

BOTH = {
    "lbfgs": lambda f, x: lbfgs()(f, x),
    "levenberg_marquardt": lambda f, x: levenberg_marquardt()(f, x),
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("start", "path"),
    [
        ({"a": [1.0, math.nan]}, r"params\['a'\]\[1\] is nan"),
        (Curve(1.0, np.array([[1.0, 2.0], [3.0, math.inf]])), r"params\.rate\[1, 1\] is inf"),
        (-math.inf, r"params is -inf"),
    ],
)
def test_a_start_that_is_not_finite_is_told_by_its_path(name, start, path):
    text = rf"gx\.optim\.{name} cannot begin where {path}; give finite numbers"
    with pytest.raises(MethodError, match=text):
        BOTH[name](lambda p: 1.0, start)


@pytest.mark.parametrize("name", BOTH)
def test_complex_parameters_are_told_by_their_path(name):
    text = rf"gx\.optim\.{name} works on real numbers, and \['z'\] is complex; give its real and"
    with pytest.raises(NotDifferentiableError, match=text):
        BOTH[name](lambda p: abs(p["z"]) ** 2, {"a": 1.0, "z": np.ones(2) * 1j})
    with pytest.raises(NotDifferentiableError, match="was given a dict without numbers"):
        BOTH[name](lambda p: 1.0, {"a": "text"})


def test_a_loss_that_is_not_finite_at_the_start():
    text = "gx.optim.lbfgs cannot begin where the loss is nan; begin elsewhere, or see where it com"
    with pytest.raises(MethodError, match=text):
        lbfgs()(lambda x: x * math.nan, 1.0)
    text = "gx.optim.lbfgs cannot begin where the gradient of the loss is not finite; begin else"
    with pytest.raises(MethodError, match=text), np.errstate(all="ignore"):
        lbfgs()(lambda x: np.sqrt(x), 0.0)
    text = "gx.optim.levenberg_marquardt cannot begin where the residual is inf; begin elsewhere"
    with pytest.raises(MethodError, match=text):
        levenberg_marquardt()(lambda x: x * math.inf, 1.0)


def test_results_that_are_no_real_numbers():
    with pytest.raises(NonScalarError, match="shape"):
        lbfgs()(lambda x: x * 2, np.ones(3))
    text = "gx.optim.levenberg_marquardt works on real numbers, and the residual is complex; give"
    with pytest.raises(NotDifferentiableError, match=text):
        levenberg_marquardt()(lambda x: x * 1j, 1.0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: lbfgs(memory=0), "lbfgs: memory is 0; give an integer above 0"),
        (lambda: lbfgs(max_steps=1.5), "lbfgs: max_steps is 1.5; give an integer above 0"),
        (lambda: lbfgs(tolerance=-1), "lbfgs: tolerance is -1; give a number that is at least 0"),
        (lambda: levenberg_marquardt(-1), "levenberg_marquardt: damping is -1; give a number that"),
        (lambda: levenberg_marquardt(tolerance=0), "levenberg_marquardt: tolerance is 0; give a n"),
        (lambda: levenberg_marquardt(max_steps=0), "levenberg_marquardt: max_steps is 0; give an"),
    ],
)
def test_options_that_cannot_work(make, text):
    with pytest.raises(MethodError, match=text):
        make()


def test_methods_and_results_are_values():
    assert repr(lbfgs()) == "lbfgs(memory=10, tolerance=1e-06, max_steps=1000)"
    assert levenberg_marquardt() == levenberg_marquardt(1e-3)
    found = lbfgs()(lambda x: x**2, 1.0)
    assert isinstance(found, Minimum)
    with pytest.raises(AttributeError, match="cannot assign"):
        found.value = 0.0


# --- The line search ------------------------------------------------------------------------------


def along(f, df):
    def at(step):
        return Point(step, f(step), df(step), None)

    return at


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize(
    ("f", "df"),
    [
        (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
        (lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,
         lambda t: 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3),
        (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
        (lambda t: math.inf if t > 2 else -t + t**3 / 9, lambda t: -1 + t * t / 3),
        (lambda t: math.cos(t + 1), lambda t: -math.sin(t + 1)),
    ],
)  # fmt: skip
def test_a_step_meets_the_conditions(f, df, first):
    """The first two are the functions of Moré and Thuente (1994)."""
    search, at = WolfeSearch(c2=0.1), along(f, df)
    start = at(0.0)
    found = search(at, start, first)
    assert found.value <= start.value + 1e-4 * found.step * start.slope
    assert abs(found.slope) <= 0.1 * abs(start.slope)


def test_no_step_is_found_where_there_is_none():
    at = along(lambda t: t, lambda t: -1.0)  # a wrong slope
    assert WolfeSearch()(at, at(0.0), 1.0) is None


# --- What a function may give ---------------------------------------------------------------------


@pytest.mark.parametrize("residual", [lambda p: None, lambda p: np.zeros(0) * p])
def test_a_residual_without_numbers_is_no_minimum(residual):
    text = r"^gx\.optim\.levenberg_marquardt was given a residual without numbers; return an array"
    with pytest.raises(NotDifferentiableError, match=text):
        levenberg_marquardt()(residual, 1.0)


def test_a_loss_in_an_array_of_one_item():
    found = lbfgs()(lambda x: (x - 3.0) ** 2, np.zeros(1))
    assert found.converged and np.allclose(found.params, 3.0)


def test_a_damping_that_holds_every_step_back_is_no_end_either():
    found = levenberg_marquardt(1e40)(lambda x: x**3 - 8, np.ones(2))
    assert (found.converged, found.steps) == (False, 1)
    assert found.message == "damping=1e+40 holds every step back; give less"
    assert levenberg_marquardt(1e40)(lambda x: x - 1, np.ones(2)).converged


@pytest.mark.parametrize("damping", [1e4, 1e8])
def test_steps_that_are_small_from_damping_are_no_end(damping):
    found = levenberg_marquardt(damping)(lambda x: x**3 - 8, np.ones(2))
    assert found.converged
    np.testing.assert_allclose(found.params, 2.0, rtol=1e-7)


# --- Problems of the literature -------------------------------------------------------------------

T = np.arange(1, 21) / 5
X = np.linspace(0.0, 10.0, 40)


def beale(x):
    return np.stack([c - x[0] + x[0] * x[1] ** k for k, c in enumerate((1.5, 2.25, 2.625), 1)])


def powell(x):
    ends = np.sqrt(10.0) * (x[0] - x[3]) ** 2
    return np.stack([x[0] + 10 * x[1], np.sqrt(5.0) * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2, ends])


def wood(x):
    return np.stack(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            np.sqrt(90.0) * (x[3] - x[2] ** 2),
            1 - x[2],
            np.sqrt(10.0) * (x[1] + x[3] - 2),
            (x[1] - x[3]) / np.sqrt(10.0),
        ]
    )


def brown_dennis(x):
    one, two = x[0] + T * x[1] - np.exp(T), x[2] + x[3] * np.sin(T) - np.cos(T)
    return one**2 + two**2


def helical(x):
    turn = np.arctan2(x[1], x[0]) / (2 * np.pi)
    return np.stack([10 * (x[2] - 10 * turn), 10 * (np.hypot(x[0], x[1]) - 1), x[2]])


def freudenstein(x):
    one = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]
    return np.stack([one, -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]])


def exponentials(x):
    return x[0] * np.exp(-x[1] * X) + x[2] * np.exp(-x[3] * X) - 3 * np.exp(-0.3 * X) - np.cos(X)


def steep(x):
    return np.logspace(0, 6, 8) * (x - 1)


def of_less_rank(x):
    return (x[0] + x[1]) * X + x[2] - (2 * X + np.sin(X))


PROBLEMS = {
    "beale": (beale, [1.0, 1.0]),
    "powell": (powell, [3.0, -1.0, 0.0, 1.0]),
    "wood": (wood, [-3.0, -1.0, -3.0, -1.0]),
    "brown and dennis": (brown_dennis, [25.0, 5.0, -5.0, -1.0]),
    "helical": (helical, [-1.0, 1e-9, 0.0]),
    "freudenstein and roth": (freudenstein, [0.5, -2.0]),
    "exponentials": (exponentials, [1.0, 0.1, 2.0, 1.0]),
    "steep": (steep, [0.0] * 8),
    "of less rank": (of_less_rank, [0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_sum_of_squares_is_as_small_as_that_of_scipy(name):
    residual, start = PROBLEMS[name]
    start = np.array(start)
    found = levenberg_marquardt(max_steps=1000)(residual, start)
    wanted = optimize.least_squares(
        residual, start, jac=lambda x: gx.jacobian(residual)(x), method="lm"
    )
    assert found.converged
    assert found.value <= wanted.cost * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "steep"])
def test_a_loss_is_as_small_as_that_of_scipy(name):
    residual, start = PROBLEMS[name]
    start = np.array(start)

    def loss(x):
        return np.sum(residual(x) ** 2) / 2

    found = lbfgs(tolerance=1e-5)(loss, start)
    wanted = optimize.minimize(loss, start, jac=lambda x: gx.grad(loss)(x), method="L-BFGS-B")
    assert found.converged or "rounding" in found.message
    assert found.value <= wanted.fun * (1 + 1e-6) + 1e-8
