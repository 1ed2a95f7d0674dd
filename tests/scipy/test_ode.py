"""Differential equations: every method, closures, records, events, and what is refused."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.integrate

import gradx as gx
from gradx.scipy.integrate import odeint, quad, solve_ivp
from gradx.scipy.runge_kutta import radau_steps


@dataclass
class Epidemic:
    contact: float
    recovery: float
    name: str = "measles"


def spread(t, y, e):
    s, i, _ = y
    return [-e.contact * s * i, e.contact * s * i - e.recovery * i, e.recovery * i]


START = np.array([0.99, 0.01, 0.0])
TIMES = np.linspace(0, 40, 9)
EPIDEMIC = Epidemic(0.5, 0.1)
WEIGHTS = np.random.default_rng(0).normal(size=(3, 9))
METHODS = ("RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA")


def reference():
    """The derivatives by differences of a precise solution."""

    def total(start, contact, recovery):
        e = Epidemic(contact, recovery)
        options = {"args": (e,), "rtol": 1e-12, "atol": 1e-13}
        y = scipy.integrate.solve_ivp(spread, (0, 40), start, "DOP853", TIMES, **options).y
        return np.sum(WEIGHTS * y)

    h = 1e-5
    e = h * np.eye(3)[0]
    return [
        (total(START, 0.5 + h, 0.1) - total(START, 0.5 - h, 0.1)) / (2 * h),
        (total(START, 0.5, 0.1 + h) - total(START, 0.5, 0.1 - h)) / (2 * h),
        (total(START + e, 0.5, 0.1) - total(START - e, 0.5, 0.1)) / (2 * h),
    ]


@pytest.fixture(scope="module")
def wanted():
    return reference()


def check(f, wanted, tolerance):
    y, pullback = gx.backprop_with(f, START, EPIDEMIC)
    np.testing.assert_array_equal(y, f(START, EPIDEMIC))
    start, epidemic = pullback(WEIGHTS)
    assert type(epidemic) is Epidemic
    got = [epidemic.contact, epidemic.recovery, start[0]]
    np.testing.assert_allclose(got, wanted, atol=tolerance)


@pytest.mark.parametrize("method", METHODS)
def test_every_method(method, wanted):
    def f(y, e):
        options = {"args": (e,), "rtol": 1e-7, "atol": 1e-9}
        return solve_ivp(spread, (0, 40), y, method, TIMES, **options).y

    check(f, wanted, 2e-5)


@pytest.mark.parametrize("tfirst", [False, True])
def test_odeint(tfirst, wanted):
    call = spread if tfirst else lambda y, t, e: spread(t, y, e)
    check(lambda y, e: odeint(call, y, TIMES, (e,), tfirst=tfirst).T, wanted, 1e-6)


def test_closures_and_the_value_of_plain_calls():
    def last(k):
        return solve_ivp(lambda t, y: -k * y, (0, 1), [1.0], rtol=1e-8, atol=1e-10).y[0, -1]

    assert last(0.7) == scipy.integrate.solve_ivp(
        lambda t, y: -0.7 * y, (0, 1), [1.0], rtol=1e-8, atol=1e-10
    ).y[0, -1]  # fmt: skip
    y, slope = gx.value_and_grad(last)(0.7)
    assert y == last(0.7) and abs(slope + np.exp(-0.7)) < 1e-7
    assert abs(gx.grad(gx.grad(last))(0.7) - np.exp(-0.7)) < 1e-6
    found = gx.grad(lambda k: odeint(lambda y, t: -k * y, 1.0, [0, 1])[-1, 0])(0.7)
    assert abs(found + np.exp(-0.7)) < 1e-7
    y, info = odeint(lambda y, t: -y, 1.0, [0, 1], full_output=True)
    assert type(y) is np.ndarray and "hu" in info


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_a_stiff_equation(method):
    def slope(t, y, k):
        return [y[1], k * (1 - y[0] ** 2) * y[1] - y[0]]

    def last(k):
        return solve_ivp(slope, (0, 500), [2.0, 0.0], method, args=(k,), rtol=1e-6).y[0, -1]

    assert abs(gx.grad(last)(1000.0) - 5.1520e-4) < 2e-6


@pytest.mark.parametrize("power", [1, 3])
def test_a_jacobian_is_kept_where_it_holds(power):
    """Of a linear equation it is the same in each step, of another one it is not."""
    start = np.cos(np.arange(12.0))

    def slope(t, u, k):
        return k * (np.roll(u, 1) - 2 * u**power + np.roll(u, -1))

    def last(k, method):
        options = {"args": (k,), "rtol": 1e-7, "atol": 1e-9}
        return np.sum(solve_ivp(slope, (0, 0.3), start, method, **options).y[:, -1] ** 3)

    assert abs(gx.grad(last)(2.0, "BDF") - gx.grad(last)(2.0, "DOP853")) < 1e-5


def test_a_terminal_event_has_the_derivative_of_its_time():
    def height(t, y, g):
        return y[0]

    height.terminal, height.direction = True, -1

    def landing(h, g):
        found = solve_ivp(
            lambda t, y, g: [y[1], -g], (0, 100), [h, 0.0 * h], events=height, args=(g,)
        )  # fmt: skip
        return found.t[-1], found.y[1, -1], found.t_events[0][0], found.y_events[0][0, 1]

    time = np.sqrt(20 / 9.8)
    (end, speed, again, also), pullback = gx.backprop_with(landing, 10.0, 9.8)
    assert end == again and speed == also and abs(end - time) < 1e-6
    np.testing.assert_allclose(pullback((1.0, 0, 0, 0)), [time / 20, -time / 19.6], rtol=1e-6)
    np.testing.assert_allclose(pullback((0, 0, 0, 1.0)), [-9.8 * time / 20, -time / 2], rtol=1e-6)


def test_dense_output_is_a_function_of_plain_times():
    def f(k):
        found = solve_ivp(lambda t, y: -k * y, (0, 1), [1.0], dense_output=True, rtol=1e-8)
        assert found.sol.t_max == 1
        return found.sol(0.5)[0]

    assert abs(gx.grad(f)(0.7) + 0.5 * np.exp(-0.35)) < 1e-5


def test_what_has_no_derivative_is_refused_by_name():
    with pytest.raises(gx.NotDifferentiableError, match="solve_ivp has no derivative with respect"):
        gx.grad(lambda t: solve_ivp(lambda t, y: -y, (0, t), [1.0]).y[0, -1])(1.0)
    with pytest.raises(gx.NotDifferentiableError, match="odeint has no derivative with respect"):
        gx.grad(lambda t: odeint(lambda y, t: -y, 1.0, [0.0, t])[-1, 0])(1.0)
    with pytest.raises(gx.NotLiftedError, match="BDF of complex states has no derivative"):
        gx.grad_bp(lambda y: solve_ivp(lambda t, y: -y, (0, 1), y, "BDF").y, np.array([1j]))

    class Own(scipy.integrate.RK45):
        pass

    with pytest.raises(gx.NotLiftedError, match=r"Own.*has no derivative in gradx; use one of"):
        gx.grad_bp(lambda y: solve_ivp(lambda t, y: -y, (0, 1), y, Own).y, np.ones(1))

    def touch(t, y):
        return 0.0 if abs(t - 0.5) < 0.1 else t - 0.5

    with pytest.raises(gx.NotDifferentiableError, match="touches zero without crossing it"):
        gx.grad_bp(lambda y: solve_ivp(lambda t, y: -y, (0, 1), y, events=touch).y, np.ones(1))
    with pytest.raises(gx.NotLiftedError, match="quad with weight= or complex_func="):
        gx.grad(lambda a: quad(lambda x: a * x, 0, 1, weight="cos", wvar=1.0)[0])(1.0)
    with pytest.raises(gx.NotLiftedError, match="quad by points= has no derivative"):
        gx.grad(lambda a: quad(lambda x: a * x, 0, 1, points=[a])[0])(0.5)


def test_quad_near_singularities():
    def f(a):
        return quad(lambda x: np.log(x) * a + x ** (-a / 2), 0, 1)[0]

    assert abs(gx.grad(f)(0.8) - (-1 + 0.5 / 0.36)) < 1e-6
    assert gx.grad(lambda a: quad(lambda x: x * a, a, a)[0])(2.0) == 0
    with pytest.raises(gx.NotDifferentiableError, match="substitute the variable so that"):
        gx.grad(lambda a: quad(lambda x: a * x**-0.98, 0, 1)[0])(1.0)


def test_a_step_whose_equations_have_no_solution_is_refused():
    def f(t, y):
        return y * np.nan

    with pytest.raises(gx.NotDifferentiableError, match="cannot be solved by Newton's method"):
        radau_steps(f, f, lambda t: np.ones(1), np.array([0.0, 1.0]), np.ones(1))
