"""Options that let a function write into its argument: the caller's arrays stay."""

import numpy as np
import pytest
import scipy.linalg

import gradx as gx
from gradx.scipy import fft, linalg

MATRIX = np.asfortranarray([[4.0, 1.0, 0.5], [1.0, 5.0, -1.0], [0.5, -1.0, 6.0]])
RIGHT = np.asfortranarray([[1.0, 2.0], [-1.0, 0.5], [2.0, 3.0]])
FACTOR = scipy.linalg.lu_factor(MATRIX)
X = np.array([3.0, -1.0, 2.5, 0.5, -2.0])

CALLS = {
    "median": (X, lambda x, **k: np.median(x, **k), "overwrite_input"),
    "nanmedian": (X, lambda x, **k: np.nanmedian(x, **k), "overwrite_input"),
    "percentile": (X, lambda x, **k: np.percentile(x, 30.0, **k), "overwrite_input"),
    "quantile": (X, lambda x, **k: np.quantile(x, 0.3, **k), "overwrite_input"),
    "cho_factor": (MATRIX, lambda a, **k: linalg.cho_factor(a, **k)[0], "overwrite_a"),
    "cho_solve": (RIGHT, lambda b, **k: linalg.cho_solve((MATRIX, True), b, **k), "overwrite_b"),
    "lu_factor": (MATRIX, lambda a, **k: linalg.lu_factor(a, **k)[0], "overwrite_a"),
    "lu_solve": (RIGHT, lambda b, **k: linalg.lu_solve(FACTOR, b, **k), "overwrite_b"),
    "qr": (MATRIX, lambda a, **k: linalg.qr(a, **k)[1], "overwrite_a"),
    "dct": (X, fft.dct, "overwrite_x"),
    "fft": (X + 1j, lambda z, **k: np.abs(fft.fft(z, **k)), "overwrite_x"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_argument_stays(name):
    x, f, option = CALLS[name]
    given = x.copy(order="K")
    y, gradient = gx.backprop(lambda x: f(x, **{option: True}), given)
    wanted, expected = gx.backprop(f, x)
    np.testing.assert_array_equal(given, x)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("name", ["median", "percentile", "quantile", "nanmedian"])
def test_what_a_rule_keeps_stays(name):
    """The rule of `np.abs` keeps its result, which must be there in the order that it had."""
    _, f, option = CALLS[name]
    got = gx.grad(lambda x: f(np.abs(x - 0.1), **{option: True}))(X)
    np.testing.assert_array_equal(got, gx.grad(lambda x: f(np.abs(x - 0.1)))(X))


def test_the_option_may_stand_in_its_place():
    given = X.copy()
    gx.grad(lambda x: np.median(x, None, None, True))(given)
    gx.grad(lambda x: np.sum(fft.dct(x, 2, None, -1, None, True)))(given)
    np.testing.assert_array_equal(given, X)
