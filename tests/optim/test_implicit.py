"""Implicit differentiation: against closed forms, differences, loops and another engine."""

import gc
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
import pytest

import gradx as gx
from gradx.testing.gradients import check_grads
from tests.reverse import naive


def by_hand(matvec, b):
    """A solver of a user: Gaussian elimination on the matrix that the products make."""
    return np.linalg.solve(np.stack([matvec(e) for e in np.eye(b.size)], axis=1), b)


LINEAR = pytest.mark.parametrize("linear", ["dense", "cg", "gmres", by_hand])


class Counted:
    """A solver that counts its calls, and sees plain numbers only."""

    def __init__(self, solve):
        self.solve, self.calls = solve, 0

    def __call__(self, *params, **named):
        self.calls += 1
        return self.solve(*params, **named)


# --- One number -----------------------------------------------------------------------------------


def cube_root(linear="dense"):
    def solve(a):
        assert type(a) in (float, np.float64)
        return a ** (1 / 3)

    counted = Counted(solve)
    return gx.implicit(counted, lambda y, a: y**3 - a, linear), counted


@LINEAR
def test_every_order_of_a_number(linear):
    f, counted = cube_root(linear)
    wanted = (8 ** (1 / 3), 1 / 12, -2 / 9 * 8 ** (-5 / 3), 10 / 27 * 8 ** (-8 / 3))
    for order, derivative in enumerate((*wanted, -80 / 81 * 8 ** (-11 / 3))):
        counted.calls = 0
        assert np.isclose(f(8.0), derivative, rtol=1e-9)
        assert counted.calls == 1, order
        f = gx.grad(f)


def test_the_value_is_the_solvers_to_the_bit():
    f, _ = cube_root()
    assert gx.value_and_grad(f)(7.3)[0].hex() == (7.3 ** (1 / 3)).hex()
    off = gx.implicit(lambda a: np.array([-0.0, a + 1e-9]), lambda y, a: y - np.stack([0.0 * a, a]))
    y, pullback = gx.backprop_with(off, 1.0)
    assert y.tobytes() == off(1.0).tobytes() and pullback(np.array([5.0, 2.0])) == 2.0


def test_a_constant_solution_is_plain():
    f = gx.implicit(lambda: 2.0, lambda y: y * y - 4)
    assert type(f()) is float
    assert gx.grad(lambda a: a * f())(3.0) == 2.0


# --- Arrays and records ---------------------------------------------------------------------------

A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])


def newton(residual, y, *params, **named):
    for _ in range(50):
        step = np.linalg.solve(gx.jacobian(residual)(y, *params, **named), residual(y, *params))
        y = y - step
    return y


def bent(y, p):
    """Symmetric and positive definite by y, as the gradient of a convex function."""
    return A @ y + y**3 * p["bend"] - p["load"]


PARAMETERS = {
    "bend": 0.7,
    "load": np.array([1.0, -2.0, 0.5]),
    "name": "beam",
    "count": np.arange(3),
}


@LINEAR
def test_an_array_by_a_dict(linear):
    counted = Counted(partial(newton, bent, np.zeros(3)))
    f = gx.implicit(counted, bent, linear)
    y, pullback = gx.backprop_with(f, PARAMETERS)
    assert counted.calls == 1
    own = A + np.diag(3 * 0.7 * y**2)
    gradient = pullback(np.array([1.0, 2.0, 3.0]))
    w = np.linalg.solve(own.T, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(gradient["load"], w, rtol=1e-8)
    np.testing.assert_allclose(gradient["bend"], -w @ y**3, rtol=1e-8)
    assert gradient["name"] == "beam" and gradient["count"].dtype == PARAMETERS["count"].dtype
    check_grads(f, {"bend": 0.7, "load": np.array([1.0, -2.0, 0.5])}, order=2)


def test_an_unsymmetric_jacobian_is_transposed():
    b = np.triu(np.arange(9.0).reshape(3, 3)) + 10 * np.eye(3)
    for linear in ("dense", "gmres", by_hand):
        f = gx.implicit(lambda x: np.linalg.solve(b, x), lambda y, x: b @ y - x, linear)
        jacobian = gx.jacobian(f)(np.array([1.0, 2.0, 3.0]))
        np.testing.assert_allclose(jacobian, np.linalg.inv(b), rtol=1e-8)


@gx.record
class Orbit:
    centre: tuple[float, float]
    radii: np.ndarray
    name: str = gx.static()
    turns: int = 3


@dataclass(frozen=True)
class Forces:
    pull: float
    push: list
    scale: float = field(default=1.0, kw_only=True)


def balance(y, forces, *, lift):
    """A residual that is a record of the solution's class."""
    a, b = y.centre
    return Orbit(
        (a**3 + a - forces.pull * b, b + a * lift["up"] - forces.push[0]),
        y.radii * forces.scale + np.sin(y.radii) - np.stack([a, forces.push[1]]),
        y.name,
        y.turns,
    )


def settle(forces, *, lift):
    guess = Orbit((0.1, 0.1), np.array([0.1, 0.1]), "orbit")
    vector, unravel = gx.ravel(guess)

    def flat(v):
        return gx.ravel(balance(unravel(v), forces, lift=lift))[0]

    return unravel(newton(flat, vector))


@pytest.mark.parametrize("linear", ["dense", pytest.param("gmres", marks=pytest.mark.soak)])
def test_records_by_records_and_keywords(linear):
    f = gx.implicit(settle, balance, linear)
    forces, lift = Forces(0.8, [1.0, 0.4], scale=1.5), {"up": 0.3}
    y = f(forces, lift=lift)
    assert type(y) is Orbit and y.name == "orbit" and type(y.centre[0]) is float

    def size(forces, lift):
        y = f(forces, lift=lift)
        assert isinstance(y.centre[0], float) and y.turns == 3
        return y.centre[0] * y.centre[1] + np.sum(y.radii**2)

    check_grads(size, forces, lift, order=2)
    gradient = gx.grad(size)(forces, lift)
    assert type(gradient) is Forces
    hessian = gx.hessian(size)(forces, lift)
    nudged = gx.grad(size)(Forces(0.8 + 1e-5, [1.0, 0.4], scale=1.5), lift)
    before = gx.grad(size)(Forces(0.8 - 1e-5, [1.0, 0.4], scale=1.5), lift)
    assert abs(hessian.pull.scale - (nudged.scale - before.scale) / 2e-5) < 1e-7
    assert abs(hessian.scale.pull - hessian.pull.scale) < 1e-12


def test_single_precision_stays():
    f = gx.implicit(np.sqrt, lambda y, a: y * y - a)
    for linear in ("dense", "cg", "gmres"):
        f = gx.implicit(np.sqrt, lambda y, a: y * y - a, linear)
        y, g = gx.backprop(f, np.array([4.0, 9.0], np.float32))
        assert y.dtype == g.dtype == np.float32
        np.testing.assert_allclose(g, [0.25, 1 / 6], rtol=1e-5)


def test_complex_solutions():
    root = gx.implicit(np.sqrt, lambda z, c: z * z - c)
    turned = gx.implicit(lambda c: np.conj(c) * 2, lambda z, c: np.conj(z) - 2 * c)
    for f, own in ((root, np.sqrt), (turned, lambda c: 2 * np.conj(c))):
        for c in (1 + 2j, np.array([1 + 2j, -0.5j])):
            of = [
                gx.grad(lambda c, h=h: np.sum(np.real(h(c) * (2 - 1j)) ** 2))(c) for h in (f, own)
            ]
            np.testing.assert_allclose(of[0], of[1], rtol=1e-10)
    mixed = gx.implicit(
        lambda p: {"z": np.sqrt(p["c"]), "x": p["a"] ** 2},
        lambda y, p: {"z": y["z"] ** 2 - p["c"], "x": y["x"] - p["a"] ** 2},
    )
    check_grads(lambda p: np.abs(mixed(p)["z"] * mixed(p)["x"]), {"a": 1.5, "c": 1 + 2j})


# --- Fixed points and optima, against unrolled loops ----------------------------------------------


def turn(y, p):
    """A contraction of two numbers."""
    return (0.1 * np.tanh(y[1] * p[0]) + p[1], 0.1 * np.sin(y[0] * p[1]) - p[0] * y[1] * 0.05)


def iterated(p):
    y = (0.0, 0.0)
    for _ in range(16):
        y = turn(y, p)
    return y


def test_a_fixed_point_against_the_unrolled_loop_and_another_engine():
    fixed = gx.implicit(
        iterated, lambda y, p: tuple(a - b for a, b in zip(turn(y, p), y, strict=True))
    )

    def total(f):
        return lambda p: f(p)[0] * 2 + f(p)[1] ** 2

    p = (0.8, 0.6)
    by_naive = naive.gradient(lambda p: total(iterated)(p), p)[0]
    for wanted in (gx.grad(total(iterated))(p), [naive.value(x) for x in by_naive]):
        np.testing.assert_allclose(gx.grad(total(fixed))(p), wanted, rtol=1e-12)
    own, unrolled = (gx.ravel(gx.hessian(total(f))(p))[0] for f in (fixed, iterated))
    np.testing.assert_allclose(own, unrolled, rtol=1e-11)
    second = naive.gradient(lambda p: sum(naive.numbers(naive.gradient(total(iterated), p)[0])), p)[
        0
    ]
    np.testing.assert_allclose(np.sum(own.reshape(2, 2), 0), [naive.value(x) for x in second])


def height(y, p):
    return np.sum(np.cosh(y - p["at"])) + p["weight"] * np.sum(y**2) ** 2


@pytest.mark.parametrize(
    "linear",
    ["cg", *(pytest.param(x, marks=pytest.mark.soak) for x in ("dense", "gmres", by_hand))],
)
def test_an_optimum_by_the_gradient_of_its_objective(linear):
    gradient = gx.grad(height)

    def solve(p):
        return newton(gradient, np.zeros(2), p)

    lowest = gx.implicit(solve, gradient, linear)
    p = {"at": np.array([1.0, -0.5]), "weight": 0.3}
    check_grads(lowest, p, order=2)

    def descended(p):
        y = np.zeros(2)
        for _ in range(200):
            y = y - 0.2 * gradient(y, p)
        return y

    for i in (0, 1):
        own, unrolled = (gx.grad(lambda p, f=f, i=i: f(p)[i])(p) for f in (lowest, descended))
        np.testing.assert_allclose(gx.ravel(own)[0], gx.ravel(unrolled)[0], rtol=1e-9)


def test_hvp_and_jacobians_go_through():
    f, counted = cube_root()
    assert np.isclose(gx.hvp(f)(8.0, 2.0), -4 / 9 * 8 ** (-5 / 3))
    counted.calls = 0
    each = gx.jacobian(lambda x: np.stack([f(x[0]), f(x[1])]))(np.array([8.0, 27.0]))
    np.testing.assert_allclose(each, [[1 / 12, 0], [0, 1 / 27]], atol=1e-14)
    assert counted.calls == 2


def slope(f):
    """The derivative by forward mode."""
    return lambda x: gx.jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize(
    ("modes", "wanted"),
    [
        ((slope,), 1 / 12),
        *[(modes, -2 / 9 * 8 ** (-5 / 3)) for modes in ((slope, gx.grad), (gx.grad, slope))],
        *[((slope,) * 2, -2 / 9 * 8 ** (-5 / 3)), ((slope,) * 3, 10 / 27 * 8 ** (-8 / 3))],
        *[((a, b, a), 10 / 27 * 8 ** (-8 / 3)) for a, b in ((slope, gx.grad), (gx.grad, slope))],
    ],
)
@pytest.mark.parametrize("linear", ["dense", "gmres"])
def test_forward_mode_and_all_mixtures(modes, wanted, linear):
    f, counted = cube_root(linear)
    for mode in modes:
        f = mode(f)
    assert np.isclose(f(8.0), wanted, rtol=1e-10) and counted.calls == 1


def test_forward_mode_of_records():
    f = gx.implicit(settle, balance)
    forces, lift = Forces(0.8, [1.0, 0.4], scale=1.5), {"up": 0.3}
    along = Forces(1.0, [-0.5, 2.0], scale=0.3)
    y, tangent = gx.jvp(lambda p: f(p, lift=lift), (forces,), (along,))
    jacobian = gx.jacobian(lambda p: f(p, lift=lift).radii)(forces)
    wanted = jacobian.pull - 0.5 * jacobian.push[0] + 2 * jacobian.push[1] + 0.3 * jacobian.scale
    np.testing.assert_allclose(tangent.radii, wanted, rtol=1e-10)
    assert type(y) is type(tangent) is Orbit

    # A tangent may be a variable of a run around.
    def pushed(t):
        return gx.jvp(lambda p: f(p, lift=lift), (forces,), (Forces(t, [0.0, 0.0], scale=0.0),))[1]

    assert np.isclose(gx.grad(lambda t: pushed(t).radii[0])(1.0), jacobian.pull[0])


# --- What functions close over --------------------------------------------------------------------


def test_closures_of_both_functions_are_inputs():
    def area(a):
        table = {"factor": [a * 2.0]}

        def factor(k=table["factor"][0]):
            return k

        @lru_cache
        def doubled(x):
            assert type(x) is float
            return factor() * x

        def solve(b, *, c):
            assert {type(b), type(c), type(table["factor"][0])} == {float}
            return float(np.sqrt(float(doubled(b)) * c))

        return gx.implicit(solve, lambda y, b, *, c: y * y - 2 * a * b * c)(3.0, c=0.5)

    assert np.isclose(area(2.0), np.sqrt(6))
    assert np.isclose(gx.grad(area)(2.0), 0.5 * np.sqrt(3 / 2))
    assert np.isclose(gx.grad(gx.grad(area))(2.0), -0.25 * np.sqrt(3) * 2**-1.5)


def test_variables_of_several_runs():
    def outer(a):
        def inner(b):
            return a * gx.implicit(lambda b: (a * b) ** 0.5, lambda y, b: y * y - a * b)(b)

        return gx.grad(inner)(3.0) + gx.grad(lambda b: inner(2.0) * b)(1.0)

    a = 2.0
    wanted = 1.5 * a**0.5 * 0.5 / np.sqrt(3) + 1.5 * np.sqrt(2 * a)
    assert np.isclose(gx.grad(outer)(a), wanted)


def test_only_the_solver_knows_the_start():
    def solve(a, start):
        y = start
        for _ in range(30):
            y -= (y**3 - a) / (3 * y**2)
        return y

    f = gx.implicit(solve, lambda y, a, start: y**3 - a)
    assert np.allclose(gx.grad(f, (0, 1))(8.0, 1.0), (1 / 12, 0.0))


def test_a_parameter_that_is_a_function():
    f = gx.implicit(lambda g, a: g(a), lambda y, g, a: y - g(a))
    assert (
        gx.grad(lambda a: f(lambda x: float(x) * float(a) if type(x) is float else x * a, a))(3.0)
        == 6.0
    )


def test_counters_are_shared_and_objects_of_unknown_types_pass():
    class Tool:
        def root(self, x):
            return x**0.5

    count = 0

    def length(a):
        def solve(b, tool):
            nonlocal count
            count += 1
            return tool.root(float(a) * b)

        return gx.implicit(solve, lambda y, b, tool: y * y - a * b)(2.0, Tool())

    assert np.isclose(gx.grad(length)(8.0), 0.25) and count == 1


def test_a_solver_that_runs_another():
    inner = gx.implicit(lambda a: a**0.5, lambda y, a: y * y - a)
    outer = gx.implicit(lambda a: inner(a) ** 0.5, lambda y, a: y * y - inner(a))
    assert np.isclose(gx.grad(outer)(16.0), 0.25 * 16**-0.75)
    assert np.isclose(gx.grad(gx.grad(outer))(16.0), -0.1875 * 16**-1.75)


@LINEAR
def test_a_jacobian_is_let_go_of(linear):
    a = np.ones(3)
    f = gx.implicit(lambda p: 0.5 * p, lambda y, p: 2.0 * y - p, linear)

    def ops():
        return sum(type(x) is gx.Op for x in gc.get_objects())

    def all_modes():
        gx.grad(lambda p: np.sum(f(p) ** 2))(a)
        gx.jvp(lambda p: gx.jvp(f, (p,), (p * p,))[1], (a,), (a,))
        gx.jacfwd(f)(a)
        gx.vmap(lambda s: gx.jvp(lambda z: f(z * a), (1.0,), (s,))[1])(a)

    all_modes()
    gc.collect()
    before = ops()
    gc.disable()
    try:
        all_modes()
        assert ops() == before  # without a collection
    finally:
        gc.enable()
