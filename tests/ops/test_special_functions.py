"""Bessel functions beside the sum of their power series in many digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import apply
from gradx.ops import special

PLACES = [1e-8, 0.3, 7.9, 8.1, 19.99, 20.01, 35.0, 300.0, 700.0]


def power_series(n, x):
    """I_n(x), the sum of ``(x/2)**(2k+n) / (k! (k+n)!)``, whose terms have one sign."""
    with localcontext(prec=40):
        half = Decimal(x) / 2
        term = half**n
        for k in range(1, n + 1):
            term /= k
        total, k = term, 0
        while k < x or term > total * Decimal("1e-30"):
            k += 1
            term *= half * half / (k * (k + n))
            total += term
        return float(total)


@pytest.mark.parametrize("n", range(7))
def test_bessel_functions_have_the_digits_of_their_series(n):
    x = np.array(PLACES)
    wanted = [power_series(n, place) for place in PLACES]
    np.testing.assert_allclose(apply(special.bessel, (x,), {"n": n}), wanted, rtol=1e-12)
    mirrored = apply(special.bessel, (-x,), {"n": n})
    np.testing.assert_allclose(mirrored, np.multiply(wanted, (-1) ** n), rtol=1e-12)


def test_derivatives_of_i0_have_the_digits_of_their_formulas():
    x = np.array(PLACES)
    first = gx.grad(lambda x: np.sum(np.i0(x)))
    np.testing.assert_allclose(first(x), [power_series(1, p) for p in PLACES], rtol=1e-12)
    second = gx.grad(lambda x: np.sum(first(x)))(x)
    wanted = [(power_series(0, p) + power_series(2, p)) / 2 for p in PLACES]
    np.testing.assert_allclose(second, wanted, rtol=1e-12)


def test_derivatives_of_i0_at_zero():
    found, f = [], np.i0
    for _ in range(5):
        found.append(float(f(0.0)))
        f = gx.grad(f)
    np.testing.assert_allclose(found, [1.0, 0.0, 0.5, 0.0, 0.375], atol=1e-15)


def test_i0_of_complex_numbers_raises_as_numpy_does():
    with pytest.raises(TypeError, match="i0 not supported for complex values"):
        gx.grad_bp(np.i0, np.array([1j]))
