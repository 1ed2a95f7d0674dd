"""Functions of `scipy.special` on a device, beyond the cases of the specification."""

import numpy as np
import pytest
import scipy.special as sc

import gradx as gx
from gradx.scipy import special as gs
from tests.cuda.places import here, there

X = np.random.default_rng(0).uniform(0.4, 2.4, (2, 3))


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("gammainc", lambda x: gs.gammainc(2.5, x)),
        ("gammaincc", lambda x: gs.gammaincc(2.5, x)),
        ("gammaincinv", lambda x: gs.gammaincinv(2.5, x / 3)),
        ("betainc", lambda x: gs.betainc(2.5, 1.5, x / 3)),
        ("boxcox", lambda x: gs.boxcox(x, 0.5)),
        ("chdtr", lambda x: gs.chdtr(2.5, x)),
    ],
)
def test_parameters_that_are_numbers_need_nothing_that_cupy_lacks(name, f):
    y, pullback = gx.backprop_with(f, there(X))
    wanted, host_pullback = gx.backprop_with(f, X)
    np.testing.assert_allclose(here(y), wanted, rtol=1e-12)
    np.testing.assert_allclose(here(pullback(y)), host_pullback(wanted), rtol=1e-11)


def test_scipys_own_functions_take_variables_of_a_device():
    gradient = gx.grad(lambda x: np.sum(sc.gammaln(x) * sc.erf(x)))
    np.testing.assert_allclose(here(gradient(there(X))), gradient(X), rtol=1e-11)


def test_what_cupy_lacks_runs_on_the_host_by_hand():
    def f(x):
        return np.sum(x * gx.to_device(sc.jv(2, gx.to_device(x, "cpu")), "cuda"))

    wanted = gx.grad(lambda x: np.sum(x * sc.jv(2, x)))(X)
    np.testing.assert_allclose(here(gx.grad(f)(there(X))), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "f"),
    [
        (r"cupy has no function for scipy\.special\.jv, ", lambda x: gs.jv(2, x)),
        (r"cupy has no function for scipy\.special\.hyp2f1, ", lambda x: gs.ellipk(x / 3)),
        (r"scipy\.special\.gammainc differentiated by its par", lambda a: gs.gammainc(a, 2.0)),
        (r"cupy has no function for scipy\.special\.comb, ", lambda n: gs.comb(n, 1.0)),
    ],
)
def test_an_error_names_what_cupy_lacks(text, f):
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad(lambda x: np.sum(f(x)))(there(X))
