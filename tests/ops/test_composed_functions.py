"""Polynomials, statistics, functions that call functions: refusals, and what no case shows."""

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.testing import check_grads

REFUSALS = [
    (lambda x: np.polyval(x, np.poly1d([1.0, 2.0])), gx.NotLiftedError, "as p.coeffs"),
    (lambda x: np.polymul(np.eye(2), x), ValueError, r"coefficients of shape \(2, 2\)"),
    (lambda x: np.polyder(x, -1), ValueError, "for an integral write np.polyint"),
    (lambda x: np.polyint(x, -1), ValueError, "for a derivative write np.polyder"),
    (lambda x: np.polyint(x, 3, [1.0, 2.0]), ValueError, "give one for all, or one for each"),
    (lambda x: np.polyder(x[0]), TypeError, "give a vector of coefficients"),
    (lambda x: np.polyint(x[0]), TypeError, "give a vector of coefficients"),
    (lambda x: np.vander(np.outer(x, x)), ValueError, "it takes a vector"),
    (lambda x: np.poly(np.outer(x, x)[1:]), ValueError, "a vector of roots or a square matrix"),
    (lambda x: np.cov(x, ddof=0.5), ValueError, "give a whole number"),
    (lambda x: np.cov(np.ones((1, 1, 1)) * x), ValueError, "vectors and matrices"),
    (lambda x: np.cov(x, aweights=[1.0]), RuntimeError, "a number for each"),
    (lambda x: np.cov(x, fweights=[1.0, 0.5, 1.0]), TypeError, "whole numbers"),
    (lambda x: np.cov(x, fweights=[1, -1, 1]), ValueError, "cannot be negative"),
    (lambda x: np.histogram([1.0], weights=x), ValueError, "a weight for each item"),
    (lambda x: np.histogram(x, "auto", weights=x), TypeError, "give the number of bins"),
    (lambda x: np.polyfit(x, x, -1), ValueError, "cannot be negative"),
    (lambda x: np.polyfit(x, x[1:], 1), TypeError, "a vector or matrix as long"),
    (lambda x: np.polyfit(x, x, 1, w=x[1:]), TypeError, "for 3 points; give one each"),
    (lambda x: np.polyfit(x, x, 2, cov=True), ValueError, "takes more than 3 points"),
    (lambda x: np.roots(np.outer(x, x)), ValueError, "give a vector"),
    (lambda x: np.histogramdd(np.outer(x, x), [2]), ValueError, "give one for each coordinate"),
    (lambda x: np.histogramdd([x, x], weights=x[1:]), ValueError, "a real number for each"),
    (lambda x: np.histogramdd([x, x], weights=1j * x), TypeError, "a real number for each"),
    (lambda x: np.histogram2d(x, x[1:]), ValueError, "give as many of each"),
    (lambda x: gnp.vectorize(np.sin, signature="(n)->()")(x, x), TypeError, "has 1 arguments"),
    (lambda x: gnp.vectorize(1.0)(x), TypeError, "give the function first"),
    (lambda x: np.piecewise(x, [x > 0], [1.0] * 3), ValueError, "1 conditions and 3 functions"),
    (lambda x: np.apply_along_axis(np.sum, 0, x[:0].reshape(3, 0)), ValueError, "has no line"),
    (lambda x: np.apply_over_axes(lambda v, _: np.outer(v, v), x, 0), ValueError, "may drop the"),
]


@pytest.mark.parametrize(("f", "error", "text"), REFUSALS)
def test_refusals(f, error, text):
    with pytest.raises(error, match=text):
        gx.grad_bp(lambda x: f(x), np.array([1.0, -2.0, 3.0]))


def test_polynomials_of_lists_with_variables():
    y, grads = gx.backprop(lambda v, w: gnp.polyval([v, w, 1.0], 2.0), 3.0, 5.0)
    assert (y, grads) == (23.0, (4.0, 2.0))
    _, grads = gx.backprop(lambda v, w: gnp.polymul([v, 1.0], [w, 2.0])[0], 3.0, 5.0)
    assert grads == (5.0, 3.0)


def test_poly1d_of_a_variable_has_the_arithmetic_of_polynomials():
    def f(c):
        p = np.poly1d(c)
        return np.sum((p * p + p).deriv().coeffs)

    x = np.array([1.0, -2.0])
    assert gx.backprop(f, x)[0] == f(x)


def test_a_remainder_is_exact_where_a_quotient_is():
    """u = q v + r, and so the gradients of both sides are the same."""
    u, v = np.array([1.0, -3.0, 0.5, 2.0]), np.array([2.0, 1.0])

    def back(u, v):
        q, r = np.polydiv(u, v)
        return np.polyadd(np.polymul(q, v), r)

    for i in range(4):
        gradients = gx.grad_bp(lambda a, b, i=i: back(a, b)[i], u, v)
        np.testing.assert_allclose(gradients[0], np.eye(4)[i], atol=1e-12)
        np.testing.assert_allclose(gradients[1], 0, atol=1e-12)


def test_the_characteristic_polynomial_of_equal_eigenvalues_has_its_gradient():
    gradient = gx.grad(lambda a: np.poly(a)[-1])(2 * np.eye(3))  # minus the determinant
    np.testing.assert_allclose(gradient, -4 * np.eye(3))


def test_what_a_function_closes_over_has_its_gradient():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])

    def along(k):
        return np.sum(gnp.apply_along_axis(lambda v: k * v**2, 1, x))

    assert gx.grad(along)(2.0) == 30.0
    pieces = [lambda v: v * 2.0, lambda v: v * 3.0]
    assert gx.grad(lambda k: np.sum(gnp.piecewise(x * k, [x > 2], pieces)))(1.0) == 23.0
    assert gx.grad(lambda k: np.sum(gnp.piecewise(x, [x > 2], [k, 1.0])))(5.0) == 2.0


def test_counts_of_a_histogram_are_plain_and_its_edges_are_not():
    seen = []

    def f(x):
        counts, edges = np.histogram(x, bins=2)
        seen.append(counts)
        return edges[1]

    assert gx.grad(f)(np.array([1.0, 5.0, 2.0])).tolist() == [0.5, 0.5, 0.0]
    assert type(seen[0]) is np.ndarray
    assert seen[0].tolist() == [2, 1]


def test_log_sum_exp_by_reduce_is_right_for_extreme_numbers():
    gradient = gx.grad(np.logaddexp.reduce)
    np.testing.assert_allclose(gradient(np.array([1000.0, 1000.0, -1000.0])), [0.5, 0.5, 0.0])
    np.testing.assert_allclose(gradient(np.array([np.inf, 0.0, np.inf])), [0.5, 0.0, 0.5])
    np.testing.assert_allclose(gradient(np.array([-np.inf, -np.inf])), [0.5, 0.5])


@pytest.mark.parametrize("x", [2.0, -2.0])
@pytest.mark.parametrize("f", [np.arcsin, np.arccos, np.arctanh, np.sqrt, np.log])
def test_the_gradient_on_a_branch_cut_is_that_of_the_side_of_the_value(f, x):
    step = 1e-6
    slope = (f(x + step + 0j) - f(x - step + 0j)) / (2 * step)
    found = gx.grad(lambda z: np.real(f(z)))(x + 0j)
    assert found == pytest.approx(np.conj(slope), abs=1e-6)


VECTORIZED = {
    "numbers": (lambda v: v * 2, {}, (2.0,)),
    "matrix": (lambda v, w: v * w, {}, (np.ones((2, 2)), np.array([1.0, 3.0]))),
    "singles": (lambda v: v * 0.1, {}, (np.ones(2, np.float32),)),
    "integers": (lambda v: v * 2.5, {"otypes": [int]}, (np.ones(2),)),
    "first": (lambda v: 1 if v > 1 else v, {}, (np.array([2.0, 0.5]),)),
    "empty": (lambda v: v, {"otypes": "f"}, (np.ones((0, 2)),)),
    "excluded": (lambda p, v: p[0] * v, {"excluded": [0]}, ([2.0], np.ones(2))),
    "signature": (np.dot, {"signature": "(n),(n)->()"}, (np.ones((2, 3)), np.ones(3))),
}


@pytest.mark.parametrize("kind", VECTORIZED)
def test_vectorized_functions_give_what_numpys_do(kind):
    function, options, xs = VECTORIZED[kind]
    wanted = np.vectorize(function, **options)(*xs)
    for got in (
        gnp.vectorize(function, **options)(*xs),
        gx.backprop(gnp.vectorize(function, **options), *xs)[0],
    ):
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)


def test_a_vectorized_function_may_have_closed_over_variables():
    grad = gx.grad_bp(lambda w: gnp.vectorize(lambda k: k * w)(np.arange(3.0)), 2.0)
    assert grad == 3.0
    named = gnp.vectorize(np.hypot)
    assert (named.__name__, repr(named)) == ("hypot", "<gradx.numpy.vectorize of <ufunc 'hypot'>>")


def test_a_simple_root_beside_a_double_one_has_a_gradient():
    p = np.array([1.0, -3.0, 0.0, 0.0])  # 3, and twice 0
    with np.errstate(all="ignore"):
        grad = gx.grad(lambda v: np.roots(v)[0])(p)
        assert not np.isfinite(gx.grad(lambda v: np.roots(v)[1])(p)).all()
    np.testing.assert_allclose(grad, -np.array([27.0, 9.0, 3.0, 1.0]) / 9)


OF_POLYNOMIALS = {
    "polyval": lambda v: np.polynomial.polynomial.polyval(v, [1.0, 2.0, 3.0]),
    "coefficients": lambda v: np.polynomial.Polynomial(v)(np.array([0.3, -0.4])),
    "deriv": lambda v: np.polynomial.Polynomial(v).deriv()(0.7),
    "chebyshev": lambda v: np.polynomial.chebyshev.chebval(v, v),
    "legendre": lambda v: np.polynomial.legendre.legval(v, [1.0, 2.0, 3.0]),
    "hermite": lambda v: np.polynomial.hermite.hermvander(v, 2),
}


@pytest.mark.parametrize("name", OF_POLYNOMIALS)
def test_what_numpy_writes_of_polynomials_in_python_takes_variables(name):
    call, x = OF_POLYNOMIALS[name], np.array([0.3, 0.7, -0.4])
    np.testing.assert_array_equal(gx.backprop(call, x)[0], call(x))
    check_grads(call, x)
