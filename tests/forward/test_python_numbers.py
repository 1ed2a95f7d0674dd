"""Forward mode on Python numbers: poles of NumPy's functions, whole numbers, complex numbers."""

import numpy as np
import pytest

import gradx as gx

POLES = {
    "log": (np.log, 0.0),
    "log of an int": (np.log, 0),
    "log1p": (np.log1p, -1.0),
    "log2": (np.log2, 0.0),
    "log10": (np.log10, 0.0),
    "arctanh": (np.arctanh, 1.0),
    "divide": (lambda x: np.divide(x, 0.0), 1.0),
    "divide by": (lambda x: np.divide(1.0, x), 0.0),
    "divide both": (lambda x: np.divide(x, x), 0.0),
}


@pytest.mark.parametrize(("f", "x"), POLES.values(), ids=POLES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_at_a_pole_of_numpys_function_the_tangent_is_the_gradient(f, x):
    wanted = gx.grad(f)(x)
    assert not np.isfinite(wanted)
    np.testing.assert_array_equal(gx.jvp(f, (x,), (1.0,))[1], wanted)
    np.testing.assert_array_equal(gx.linearize(f, x)[1](1.0), wanted)
    second = gx.grad(lambda x: gx.jvp(f, (x,), (1.0,))[1])(x)
    np.testing.assert_array_equal(gx.jvp(gx.grad(f), (x,), (1.0,))[1], second)


@pytest.mark.parametrize(
    "f",
    [
        lambda n: np.prod(n) * 2.0,
        lambda n: np.cumprod(n)[0] * 2.0,
        lambda n: np.max(n) * 2.0,
        lambda n: np.linalg.norm(n) * 2.0,
        lambda n: np.ptp(np.stack([n, 3 * n])) * 1.0,
        lambda n: np.ldexp(1.5, n) + 2.0 * n,
    ],
)
def test_whole_numbers_have_tangents(f):
    assert gx.grad(f)(8) == 2.0
    assert gx.jvp(f, (8,), (1.0,))[1] == 2.0
    assert gx.linearize(f, 8)[1](1.0) == 2.0


def test_whole_numbers_by_two_operands():
    assert gx.jvp(np.ldexp, (1.5, 3), (1.0, 1.0)) == (12.0, 8.0)
    y, t = gx.jvp(lambda n, m: n**m, (12, -2), (1.0, 0.0))
    assert y == 12**-2
    assert t == pytest.approx(-2 * 12**-3)
    assert gx.grad_bp(lambda n, m: n**m, 12, -2) == pytest.approx((t, 12**-2 * np.log(12)))


def test_a_pair_of_whole_numbers_is_refused():
    with pytest.raises(gx.NotDifferentiableError, match=r"np\.remainder"):
        gx.jvp(lambda n: np.divmod(n, 3)[1] * 1.0, (8,), (1.0,))


@pytest.mark.parametrize("function", [np.maximum, np.fmax])
def test_numpy_orders_complex_numbers(function):
    def f(x):
        return np.real(function(x, 1j)) ** 2

    for x, wanted in ((1.5, 3.0), (-1.5, 0.0)):
        assert gx.grad(f)(x) == wanted
        assert gx.jvp(f, (x,), (1.0,))[1] == wanted
    assert gx.grad(gx.grad(f))(1.5) == 2.0
    assert gx.grad(lambda z: np.real(np.minimum(z, 2.0)))(1 + 1j) == 1.0


def test_the_median_of_a_complex_number():
    y, gradient = gx.value_and_grad(lambda z: np.absolute(np.median(z)))(3 + 4j)
    assert y == 5.0
    assert gradient == pytest.approx(0.6 + 0.8j)
