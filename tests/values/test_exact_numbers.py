"""Fractions and Decimals: differentiated in their own arithmetic."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import same

HALF = Fraction(1, 2)
THIRD = Fraction(1, 3)
FRACTIONS = [
    (lambda x: x * x, HALF, Fraction(1)),
    (lambda x: x * x / 3 + x**3 - 1, HALF, Fraction(13, 12)),
    (lambda x: 2 / x, HALF, Fraction(-8)),
    (lambda x: x**-2, HALF, Fraction(-16)),
    (lambda x: THIRD * x + x * THIRD - (1 - x), HALF, Fraction(5, 3)),
    (lambda x: abs(x) + -x, -HALF, Fraction(-2)),
    (lambda x: abs(x), Fraction(0), Fraction(0)),
    (lambda x: x % THIRD, HALF, Fraction(1)),
    (lambda x: x // THIRD + x, HALF, Fraction(1)),
    (lambda x: x if x > THIRD else x * 5, HALF, Fraction(1)),
    (lambda x: x**2 * x**0, HALF, Fraction(1)),
    (lambda x: max(x, THIRD) * 3, HALF, Fraction(3)),
]


@pytest.mark.parametrize(("f", "x", "gradient"), FRACTIONS)
def test_fractions_are_exact(f, x, gradient):
    y, g = gx.backprop(f, x)
    assert same((y, g), (f(x), gradient))


def test_fractions_of_higher_order_are_exact():
    cube = lambda x: x**3 / 7  # noqa: E731
    assert same(gx.grad(gx.grad(cube))(HALF), Fraction(3, 7))
    assert same(gx.grad(gx.grad(gx.grad(cube)))(HALF), Fraction(6, 7))
    y, g = gx.backprop(gx.grad(lambda x: abs(x) * x), -HALF)
    assert same((y, g), (Fraction(1), Fraction(-2)))


def test_fractions_in_containers():
    g = gx.grad_bp(lambda p: p["a"] * p["b"][0], {"a": HALF, "b": [THIRD], "c": 1.0})
    assert same(g, {"a": THIRD, "b": [HALF], "c": 0.0})
    assert same(gx.grad_bp(sum, [HALF, THIRD]), [Fraction(1), Fraction(1)])


def test_fractions_beside_floats():
    assert same(gx.grad_bp(lambda x, y: x * y, HALF, 2.0), (Fraction(2), 0.5))
    assert same(gx.grad(lambda x: 0.5 * x)(HALF), HALF)


@pytest.mark.parametrize("f", [lambda x: x**x, lambda x: 2**x, lambda x: HALF**x, lambda x: 2.0**x])
def test_fractions_as_exponents(f):
    g = gx.grad(f)(Fraction(2))
    assert type(g) is Fraction and np.isclose(float(g), gx.grad(f)(2.0))


DECIMALS = [
    (lambda x: x * x / 2, "1.5", "1.5"),
    (lambda x: x**3, "0.1", "0.03"),
    (lambda x: 1 / x, "0.5", "-4"),
    (lambda x: abs(x) - x, "-0.1", "-2"),
    (lambda x: x % Decimal(2) + x // Decimal(2), "5.5", "1"),
    (lambda x: x.sqrt(), "6.25", "0.2"),
    (lambda x: x.ln(), "0.8", "1.25"),
    (lambda x: round(x, 1) * x, "5.55", "5.6"),
]


@pytest.mark.parametrize(("f", "x", "gradient"), DECIMALS)
def test_decimals(f, x, gradient):
    y, g = gx.backprop(f, Decimal(x))
    assert type(g) is Decimal and y == f(Decimal(x)) and g == Decimal(gradient)


def test_decimals_use_the_precision_of_the_context():
    with localcontext(prec=50):
        g = gx.grad(lambda x: x.exp() * x.ln())(Decimal(2))
        assert g == Decimal(2).exp() * Decimal(2).ln() + Decimal(2).exp() / Decimal(2)
        assert len(g.as_tuple().digits) == 50


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.exp() * x.sqrt() + x.ln() / 2,
        lambda x: x.log10(),
        lambda x: x ** Decimal("1.5"),
        lambda x: Decimal(2) ** x,
        lambda x: x**x,
    ],
)
def test_functions_of_decimals_in_two_orders(f):
    check_grads(f, Decimal("1.5"))


def test_decimals_do_not_mix_with_floats():
    for f in (lambda x: x * 2.0, lambda x: 2.0 + x):
        with pytest.raises(TypeError, match="unsupported operand"):
            gx.grad(f)(Decimal(1))
    assert gx.grad(lambda x: 2 * x + 1)(Decimal(1)) == 2


@pytest.mark.parametrize(("x", "name"), [(HALF, "numerator"), (Decimal(1), "quantize")])
def test_other_attributes_say_that_they_have_no_derivative(x, name):
    with pytest.raises(gx.NotLiftedError, match=rf"\.{name} of a variable has no derivative"):
        gx.grad_bp(lambda v: getattr(v, name), x)


def test_cotangents_of_exact_numbers():
    _, pullback = gx.backprop_with(lambda x: x * x, HALF)
    assert same(pullback(THIRD), THIRD)
    assert same(pullback(2), Fraction(2))
