"""`gx.math` and `gx.cmath`: Python's own values to the bit, and what has no derivative."""

import cmath
import math

import numpy as np
import pytest

import gradx as gx
from gradx.ops.python_math import CMATH, MATH, polygamma

X, Y = 0.7312, 1.37
TWO = {"pow", "atan2", "copysign", "fmod", "remainder", "nextafter", "hypot"}
READING = ("isfinite", "isinf", "isnan", "ulp", "floor", "ceil", "trunc")


def arguments(name):
    return (X, Y) if name in TWO else (X, 3) if name == "ldexp" else (X + (name == "acosh"),)


@pytest.mark.parametrize("name", sorted(set(MATH) - {"fsum", "modf"}))
@pytest.mark.parametrize("kind", [float, np.float64, np.float32, np.array])
def test_the_value_is_that_of_math(name, kind):
    first, *rest = arguments(name)
    x = kind(first)
    function, plain = getattr(gx.math, name), getattr(math, name)
    seen = []

    def program(v):
        y = function(v, *rest)
        seen.append((y, gx.value(y)))
        return y

    gradient = gx.grad_bp(program, x)
    assert function(x, *rest) == plain(x, *rest) == seen[0][1]
    assert type(seen[0][1]) is float and isinstance(seen[0][0], float)
    assert type(gradient) is (np.ndarray if kind is np.array else kind)


@pytest.mark.parametrize("name", sorted(CMATH))
def test_the_value_is_that_of_cmath(name):
    args = (X, Y) if name == "rect" else (complex(X, Y),)
    value, _ = gx.backprop(lambda v: getattr(gx.cmath, name)(v, *args[1:]), args[0])
    assert value == getattr(cmath, name)(*args)
    assert type(value) is complex


@pytest.mark.parametrize("name", READING)
def test_what_has_no_derivative_reads_the_value(name):
    function, plain = getattr(gx.math, name), getattr(math, name)
    assert function(X) == plain(X)
    assert gx.grad(lambda v: v * function(v))(X) == plain(X)


FUNCTIONS = {
    "log/base": (lambda m, x: m.log(x, 3.0)),
    "prod": lambda m, x: m.prod([x, 2, x], start=1.5),
    "fsum": lambda m, x: m.fsum([x, 1e16, x, -1e16]),
    "dist": lambda m, x: m.dist((x, 1.0, 2.0), [0.3, x, 1.0]),
    "hypot": lambda m, x: m.hypot(x, x * 3, 1.1),
    "frexp": lambda m, x: m.frexp(x)[0] * m.frexp(x)[1],
    "modf": lambda m, x: m.modf(x * 5)[0] + m.modf(x * 5)[1],
    "isclose": lambda m, x: x * m.isclose(x, 0.7312, rel_tol=1e-2),
    "names": lambda m, x: m.pi * x + m.comb(5, 2) * m.e,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_several_steps(name):
    f = FUNCTIONS[name]
    value, gradient = gx.value_and_grad(lambda x: f(gx.math, x))(X)
    assert value == f(math, X) == f(gx.math, X)
    step = 1e-6
    if name != "fsum":
        slope = (f(math, X + step) - f(math, X - step)) / (2 * step)
        assert gradient == pytest.approx(slope, rel=1e-6)


def test_phase_and_polar():
    z = 0.3 - 1.2j
    value, _ = gx.backprop(lambda z: gx.cmath.polar(z), z)
    assert value == cmath.polar(z) and gx.cmath.polar(z) == cmath.polar(z)
    assert gx.cmath.log(z, 3) == cmath.log(z, 3)
    assert gx.backprop(lambda z: gx.cmath.log(z, 3), z)[0] == pytest.approx(cmath.log(z, 3))
    assert gx.grad(lambda x: gx.cmath.phase(x + 1j))(1.0) == -0.5


def test_integers_and_errors_are_those_of_math():
    assert gx.grad(gx.math.sqrt)(4) == 0.25
    with pytest.raises(ValueError, match=r"math domain error|expected a nonnegative"):
        gx.grad(gx.math.sqrt)(-1.0)
    with pytest.raises(ValueError, match="same number of dimensions"):
        gx.grad(lambda x: gx.math.dist((x,), (1.0, 2.0)))(1.0)
    with pytest.raises(AttributeError, match="no attribute 'sine'"):
        _ = gx.math.sine
    with pytest.raises(AttributeError, match="no attribute 'sine'"):
        _ = gx.cmath.sine


def test_polygamma_beside_known_values():
    gamma = 0.5772156649015329
    assert polygamma.forward(1.0, n=0) == pytest.approx(-gamma, rel=1e-15)
    assert polygamma.forward(0.5, n=0) == pytest.approx(-gamma - 2 * math.log(2), rel=1e-15)
    assert polygamma.forward(1.0, n=1) == pytest.approx(math.pi**2 / 6, rel=1e-14)
    assert polygamma.forward(0.5, n=1) == pytest.approx(math.pi**2 / 2, rel=1e-14)
    assert polygamma.forward(1.0, n=2) == pytest.approx(-2 * 1.2020569031595942, rel=1e-14)
    assert polygamma.forward(1.0, n=3) == pytest.approx(math.pi**4 / 15, rel=1e-13)
    x = np.array([-3.7, -0.2, 0.1, 0.9, 4.0, 25.0, 1e8])
    for n in range(4):  # the recurrence, through the reflection
        step = (-1) ** n * math.factorial(n) / x ** (n + 1)
        wanted = polygamma.forward(x, n=n) + step
        np.testing.assert_allclose(polygamma.forward(x + 1, n=n), wanted, rtol=1e-9, atol=1e-13)
