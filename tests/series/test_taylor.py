"""Derivatives of high order: closed forms, values of any type, other modes, and what is refused."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx

N = 9


@dataclass
class Body:
    name: str
    mass: float
    place: np.ndarray


def falling(p, k):
    """``p (p - 1) … (p - k + 1)``."""
    return math.prod(p - i for i in range(k))


X = 0.3
CLOSED = {
    "exp": (np.exp, lambda k: math.exp(X)),
    "sin": (np.sin, lambda k: math.sin(X + k * math.pi / 2)),
    "cos": (np.cos, lambda k: math.cos(X + k * math.pi / 2)),
    "sinh": (np.sinh, lambda k: math.cosh(X) if k % 2 else math.sinh(X)),
    "geometric": (lambda x: 1 / (1 - x), lambda k: math.factorial(k) / (1 - X) ** (k + 1)),
    "sqrt": (np.sqrt, lambda k: falling(0.5, k) * X ** (0.5 - k)),
    "log": (np.log, lambda k: -falling(-1, k - 1) * -1 * X**-k if k else math.log(X)),
    "power": (lambda x: x**2.5, lambda k: falling(2.5, k) * X ** (2.5 - k)),
    "cube": (lambda x: x**3, lambda k: falling(3, k) * X ** (3 - k)),
    "reciprocal": (np.reciprocal, lambda k: falling(-1, k) * X ** (-1 - k)),
    "arctan": (
        np.arctan,
        lambda k: (
            np.imag((-1) ** (k - 1) * math.factorial(k - 1) / (X - 1j) ** k) if k else np.arctan(X)
        ),
    ),
    "arctanh": (
        np.arctanh,
        lambda k: (
            math.factorial(k - 1) * ((1 - X) ** -k - (-1 - X) ** -k) / 2 if k else np.arctanh(X)
        ),
    ),
    "product": (
        lambda x: x * np.exp(2 * x),
        lambda k: 2.0**k * (X + k / 2) * math.exp(2 * X),
    ),
    "quotient of itself": (lambda x: np.sin(x) / np.sin(x), lambda k: float(k == 0)),
}


@pytest.mark.parametrize("form", [float, np.float64, lambda x: np.full((2, 3), x)])
@pytest.mark.parametrize("name", CLOSED)
def test_derivatives_are_those_of_the_closed_form(name, form):
    f, wanted = CLOSED[name]
    x = form(X)
    found = gx.taylor(f, x, N)
    assert len(found) == N + 1
    np.testing.assert_array_equal(found[0], f(x))
    for k, d in enumerate(found):
        assert type(d) is type(f(x))
        np.testing.assert_allclose(d, np.full(np.shape(x), wanted(k)), rtol=1e-9, atol=1e-9)


def chain(x):
    """Twenty operations."""
    for _ in range(4):
        x = np.tanh(np.exp(np.sin(x) * 1.5) / 2.5)
    return x


def nested(f, order):
    """The derivative of an order along ones, by forward mode over forward mode."""
    for _ in range(order):
        f = (lambda g: lambda x: gx.jvp(g, (x,), (gx.one(x),))[1])(f)
    return f


FUNCTIONS = {
    "chain": chain,
    "two operands": lambda x: np.arctan2(x, 1 + x * x) + np.hypot(x, np.cos(x)) + x**x,
    "logaddexp": lambda x: np.logaddexp(x, x * x),
    "inverse": lambda x: np.arcsin(x) * np.arccos(x) / np.arcsinh(x),
    "kinks": lambda x: np.abs(x - 1) * np.maximum(x, x * x) + np.where(x > 0, x**3, x),
    "product": lambda x: np.prod(np.stack([x, np.sin(x), x + 1])),
    "spread": lambda x: np.std(np.stack([x, np.sin(x), x * x])),
    "matrices": lambda x: np.linalg.inv(np.eye(2) * np.exp(x) + x) @ np.ones(2),
    "convolution": lambda x: np.convolve(np.stack([x, x * x]), np.stack([x, np.exp(x), 1 + 0 * x])),
    "einsum": lambda x: np.einsum("i,i,i->", *[np.stack([np.sin(k * x), x]) for k in (1, 2, 3)]),
    "fourier": lambda x: np.abs(np.fft.fft(np.stack([x, np.cos(x), x * x]))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_nested_forward_mode(name):
    f = FUNCTIONS[name]
    for k, d in enumerate(gx.taylor(f, X, 5)):
        np.testing.assert_allclose(d, nested(f, k)(X), rtol=1e-9, atol=1e-9)


def test_the_cost_of_a_chain_grows_as_the_square_of_the_order():
    calls = []

    @np.errstate(all="ignore")
    def counted(x):
        calls.append(1)
        return chain(x)

    gx.taylor(counted, X, 8)
    assert len(calls) == 1
    assert gx.taylor(chain, X, 8)[8] == pytest.approx(gx.taylor(chain, X, 40)[8], rel=1e-12)


def test_records_go_in_and_come_out_along_ones_in_every_leaf():
    body = Body("b", 2.0, np.array([1.0, 3.0]))

    def f(b):
        return Body(b.name, b.mass**2, b.mass * b.place), {"total": np.sum(b.place) ** 3}

    value, first, second, third = gx.taylor(f, body, 3)
    assert value[0].mass == 4.0 and value[1] == {"total": 64.0}
    assert (first[0].name, first[0].mass, first[1]) == ("b", 4.0, {"total": 96.0})
    np.testing.assert_array_equal(first[0].place, [3.0, 5.0])
    assert (second[0].mass, second[1]) == (2.0, {"total": 96.0})
    np.testing.assert_array_equal(second[0].place, [2.0, 2.0])
    assert (third[0].mass, third[1]) == (0.0, {"total": 48.0})


def test_results_own_their_memory():
    y, first, second = gx.taylor(lambda x: x, np.ones(2), 2)
    first[0] = 5.0
    np.testing.assert_array_equal((y, second), [[1.0, 1.0], [0.0, 0.0]])


def test_order_zero_is_the_value_and_a_constant_has_zeros():
    assert gx.taylor(np.sin, X, 0) == (np.sin(X),)
    assert gx.taylor(lambda x: 7.0, X, 2) == (7.0, 0.0, 0.0)
    assert gx.taylor(np.floor, 1.5, 2) == (1.0, 0.0, 0.0)


def test_numbers_keep_their_types():
    assert gx.taylor(lambda x: 1 / x, Fraction(1, 2), 3) == (2, -4, 16, -96)
    found = gx.taylor(lambda x: np.exp(x) / x, np.float32([1.0, 2.0]), 3)
    assert {d.dtype for d in found} == {np.dtype(np.float32)}


def test_complex_functions():
    z = 0.3 + 0.4j
    for k, d in enumerate(gx.taylor(lambda z: 1 / (1 - z), z, 4)):
        assert d == pytest.approx(math.factorial(k) / (1 - z) ** (k + 1))
    assert gx.taylor(lambda z: abs(z) ** 2, z, 3) == pytest.approx((0.25, 0.6, 2.0, 0.0))
    x = gx.taylor(lambda t: np.exp(1j * t), 0.5, 2)
    np.testing.assert_allclose(x, np.exp(0.5j) * np.array([1, 1j, -1]))


def test_under_and_over_the_other_modes():
    x = np.array([0.3, 0.7])

    def f(v):
        return np.sum(np.sin(v) * v**3)

    third = nested(f, 3)
    np.testing.assert_allclose(gx.grad(lambda v: gx.taylor(f, v, 3)[3])(x), gx.grad(third)(x))
    np.testing.assert_allclose(gx.taylor(gx.grad(f), x, 3)[3], nested(gx.grad(f), 3)(x))
    t = np.array([2.0, -1.0])
    along = gx.jvp(lambda v: gx.taylor(f, v, 2)[2], (x,), (t,))[1]
    assert along == pytest.approx(gx.jvp(nested(f, 2), (x,), (t,))[1])
    np.testing.assert_allclose(
        gx.vmap(lambda v: gx.taylor(np.tanh, v, 3)[3])(x), nested(np.tanh, 3)(x)
    )
    np.testing.assert_allclose(gx.taylor(gx.vmap(np.tanh), x, 3)[3], nested(np.tanh, 3)(x))
    inner = gx.taylor(lambda v: gx.taylor(np.tanh, v, 2)[2] * v, X, 2)[2]
    assert inner == pytest.approx(nested(lambda v: nested(np.tanh, 2)(v) * v, 2)(X))


def test_a_loop_of_python_and_a_branch_look_at_the_value():
    def f(x):
        while x < 10:
            x = x * x
        return x if x > 5 else 0.0

    assert gx.taylor(f, 2.0, 3) == (16.0, 32.0, 48.0, 48.0)


class Own:
    def __add__(self, other):
        return self


def test_results_of_an_operation_of_several():
    def f(t):
        m = np.array([[2.0, 1.0], [1.0, -1.0]]) + t * np.array([[0.0, 1.0], [1.0, 0.0]])
        values, vectors = np.linalg.eigh(m)  # of which the values are (1 ± sqrt(13 + 8t + 4t²)) / 2
        return values[1], (vectors[:, 1] @ m @ vectors[:, 0], np.modf(3 * t)[0])

    got = gx.taylor(f, 0.25, 3)
    wanted = gx.taylor(lambda t: (1 + np.sqrt(13 + 8 * t + 4 * t**2)) / 2, 0.25, 3)
    np.testing.assert_allclose([y[0] for y in got], wanted, rtol=1e-12)
    np.testing.assert_allclose([y[1][0] for y in got], 0, atol=1e-12)
    assert [y[1][1] for y in got] == [0.75, 3.0, 0.0, 0.0]


def test_what_is_refused():
    square = gx.lift(lambda x: (gx.value(x) ** 2, lambda g: 2 * g * x))
    with pytest.raises(
        gx.NotLiftedError, match=r"has no rule in series arithmetic: gx.taylor takes.*gx.jvp"
    ):
        gx.taylor(square, 2.0, 2)
    with pytest.raises(ValueError, match="taylor was given the order -1; give 0 or more"):
        gx.taylor(np.sin, 2.0, -1)
    with pytest.raises(TypeError, match="integer"):
        gx.taylor(np.sin, 2.0, 1.5)
    with pytest.raises(gx.NotDifferentiableError, match="has no gradient; cast it with"):
        gx.taylor(np.sin, np.arange(3), 1)
    kept = []
    gx.taylor(lambda x: kept.append(x) or x, 2.0, 1)
    with pytest.raises(gx.EscapedVarError, match="was used after run"):
        kept[0] * 2


def test_a_value_of_its_own_has_no_ones_to_go_along():
    gx.register(Own, zero=lambda x: Own(), add=lambda x, y: x, one=lambda x: x)
    with pytest.raises(gx.NotDifferentiableError, match="taylor goes along ones, and a Own is one"):
        gx.taylor(lambda x: x, Own(), 1)
    with pytest.raises(gx.NotDifferentiableError, match="has a row for each number"):
        gx.sparse_jacobian(lambda x: x, Own())
