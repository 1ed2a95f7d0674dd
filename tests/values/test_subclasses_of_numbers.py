"""Numbers and arrays of classes that are built upon Python's and NumPy's own."""

import numpy as np
import pytest

import gradx as gx


class Count(int):
    """A whole number with a name."""


class Metres(float):
    """A number with a unit."""


class Tenfold(np.ndarray):
    """An array with a product of its own."""

    def __mul__(self, other):
        return np.ndarray.__mul__(self, other * 10)


@pytest.mark.parametrize("number", [3, Count(3)])
def test_the_gradient_of_a_whole_number_is_a_float_and_not_rounded(number):
    g = gx.grad(lambda n: n / 2)(number)
    assert type(g) is float and g == 0.5
    assert gx.grad(lambda n: gx.grad(lambda m: m * m * 0.25)(n))(number) == 0.5


def test_a_variable_is_an_instance_of_the_class_of_its_number():
    def f(x):
        return x * 2 if isinstance(x, Metres) and isinstance(x, float) else x * 3

    assert gx.backprop(f, Metres(1.5)) == (3.0, 2.0)


@pytest.mark.parametrize(
    "call", [lambda x, a: x * a, lambda x, a: a * x, lambda x, a: np.sum(x + a)]
)
def test_an_array_with_arithmetic_of_its_own_is_refused(call):
    a = np.array([1.0, 2.0]).view(Tenfold)
    with pytest.raises(gx.NotDifferentiableError, match=r"a Tenfold is an array with arithmetic"):
        gx.grad_bp(lambda x: call(x, a), np.array([1.0, 2.0]))
    with pytest.raises(gx.NotDifferentiableError, match=r"arithmetic of its own.*np\.asarray"):
        gx.grad_bp(lambda x: x * 2, a)
