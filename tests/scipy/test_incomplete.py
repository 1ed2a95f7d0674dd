"""Incomplete gamma and beta functions by their parameters: small and large ones, and both tails."""

import numpy as np
import pytest
import scipy.special as sc

import gradx as gx
from gradx.ops.scipy.incomplete import beta_slope, gamma_slope, t_slope


def difference(f, a):
    """The derivative by differences of fourth order."""
    h = 1e-3 * min(a, np.sqrt(a))
    return (f(a - 2 * h) - 8 * f(a - h) + 8 * f(a + h) - f(a + 2 * h)) / (12 * h)


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("a", [0.01, 0.3, 1.0, 20.0, 300.0, 1e4])
def test_gamma(a, above):
    function = sc.gammaincc if above else sc.gammainc
    x = a + np.sqrt(a) * np.array([-0.9, -0.5, 0.0, 1.0, 3.0])
    x = x[x > 0]
    wanted = difference(lambda q: function(q, x), a)
    np.testing.assert_allclose(gamma_slope(a, x, above), wanted, rtol=1e-8)


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize(
    ("a", "b"), [(0.05, 0.1), (0.1, 4.0), (2.0, 3.0), (7.0, 900.0), (3e3, 2e3)]
)
def test_beta(a, b, above):
    function = sc.betaincc if above else sc.betainc
    x = sc.betaincinv(a, b, np.array([0.01, 0.3, 0.5, 0.9]))
    by_a = difference(lambda q: function(q, b, x), a)
    by_b = difference(lambda q: function(a, q, x), b)
    np.testing.assert_allclose(beta_slope(0, a, b, x, above), by_a, rtol=1e-6)
    np.testing.assert_allclose(beta_slope(1, a, b, x, above), by_b, rtol=1e-6)


def test_far_tails_keep_their_digits():
    x = 60.0
    wanted = difference(lambda q: sc.gammaincc(q, x), 2.0)
    assert wanted < 1e-20
    assert gamma_slope(2.0, x, above=True) == pytest.approx(wanted, rel=1e-9)
    wanted = difference(lambda df: sc.stdtr(df, -40.0), 5.0)
    assert t_slope(5.0, -40.0) == pytest.approx(wanted, rel=1e-9)
    wanted = difference(lambda df: sc.stdtr(df, -57.0), 26.0)
    assert t_slope(26.0, -57.0) == pytest.approx(wanted, rel=1e-8)


def test_ends_of_the_intervals():
    np.testing.assert_array_equal(gamma_slope(2.0, np.array([0.0])), [0.0])
    np.testing.assert_array_equal(beta_slope(0, 2.0, 3.0, np.array([0.0])), [0.0])
    np.testing.assert_array_equal(beta_slope(1, 2.0, 3.0, np.array([1.0]), above=True), [0.0])
    np.testing.assert_allclose(gamma_slope(2.0, np.array([np.inf])), 0.0, atol=1e-14)
    np.testing.assert_allclose(beta_slope(0, 2.0, 3.0, np.array([1.0])), 0.0, atol=1e-14)
    np.testing.assert_array_equal(t_slope(3.0, np.array([0.0])), [0.0])


def test_third_derivative_by_a_parameter():
    def first(a):
        return gx.grad(lambda a: sc.gammainc(a, 1.5))(a)

    third = gx.grad(gx.grad(first))(2.0)
    h = 1e-3
    wanted = (first(2.0 + h) - 2 * first(2.0) + first(2.0 - h)) / h**2
    assert third == pytest.approx(wanted, rel=1e-4)


def test_single_precision():
    a, x = np.float32([1.5, 2.5]), np.float32([1.0, 3.0])
    assert gx.grad(lambda a: np.sum(sc.gammainc(a, x)))(a).dtype == np.float32


def test_the_middle_of_students_distribution():
    """There it is x times the density at 0, and 1 - w would round."""

    def density(df):
        return np.exp(sc.gammaln((df + 1) / 2) - sc.gammaln(df / 2)) / np.sqrt(df * np.pi)

    for x in (1e-8, -1e-5):
        assert t_slope(3.0, x) == pytest.approx(x * difference(density, 3.0), rel=1e-8)
