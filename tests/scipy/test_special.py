"""SciPy's special functions of variables: what specification rows do not say."""

import numpy as np
import pytest
import scipy.special as sc

import gradx as gx
import gradx.scipy.special as gs
from gradx.core.rule import RefusedRule
from gradx.errors import NotLiftedError

WITH_PARAMETERS = [
    (ufunc, i)
    for ufunc, op in gs.LIFTED_UFUNCS.items()
    for i, rule in enumerate(op.rules)
    if type(rule) is RefusedRule and ufunc not in (sc.eval_hermite, sc.eval_hermitenorm)
]
"""The arguments without a derivative that SciPy takes as real numbers."""


@pytest.mark.parametrize(("ufunc", "i"), WITH_PARAMETERS)
def test_a_parameter_without_a_derivative_raises_by_name(ufunc, i):
    operands = [np.full(2, 1.5)] * ufunc.nin
    with pytest.raises(NotLiftedError, match=rf"scipy\.special\.{ufunc.__name__} .* argument \w+ "):
        gx.grad(lambda v: np.sum(ufunc(*operands[:i], v, *operands[i + 1 :])))(2.0)


def test_the_error_of_a_parameter_says_what_to_write():
    with pytest.raises(
        NotLiftedError,
        match=r"scipy\.special\.jv has no derivative with respect to its argument v in gradx; pass "
        r"gx\.value\(v\) if no gradient should flow through it, or make an op of the function with "
        r"@gx\.lift",
    ):
        gx.grad(lambda v: sc.jv(v, 2.0))(1.0)


def test_a_ufunc_without_a_derivative_raises_by_its_own_name():
    with pytest.raises(NotLiftedError, match=r"scipy\.special\.elliprj has no derivative"):
        gx.grad(lambda v: sc.elliprj(v, 2.0, 1.0, 1.0))(1.0)


@pytest.mark.parametrize("ufunc", gs.LIFTED_UFUNCS, ids=lambda u: u.__name__)
def test_the_value_is_scipys_to_the_bit(ufunc):
    rules = gs.LIFTED_UFUNCS[ufunc].rules
    i = max(i for i, rule in enumerate(rules) if type(rule) is not RefusedRule)
    operands = [2] * ufunc.nin
    operands[i] = 0.75 if ufunc.nin == 1 else np.float32([0.25, 0.5])

    def f(v):
        return ufunc(*operands[:i], v, *operands[i + 1 :])

    with np.errstate(all="ignore"):
        wanted, got = f(operands[i]), gx.eval_bp(f, operands[i])
        lifted = gx.backprop_with(f, operands[i])[0]
    for y in (got, lifted):
        for a, b in zip(np.atleast_1d(y), np.atleast_1d(wanted), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


# --- Points where a formula would be 0 / 0 --------------------------------------------------------


def second(f, x):
    return gx.grad(gx.grad(f))(x)


def test_one_over_gamma_at_its_zeros():
    x = np.array([0.0, -1.0, -2.0, -3.0])
    got = gx.grad(lambda v: np.sum(sc.rgamma(v)))(x)
    np.testing.assert_allclose(got, [1.0, -1.0, 2.0, -6.0], rtol=1e-12)
    assert second(sc.rgamma, 0.0) == pytest.approx(2 * np.euler_gamma, rel=1e-12)


def test_powers_of_zero_of_boxcox():
    x = 2.5
    assert gx.grad(lambda p: sc.boxcox(x, p))(0.0) == pytest.approx(np.log(x) ** 2 / 2)
    assert second(lambda p: sc.boxcox(x, p), 0.0) == pytest.approx(np.log(x) ** 3 / 3)
    assert gx.grad(lambda p: sc.inv_boxcox(x, p))(0.0) == pytest.approx(-np.exp(x) * x * x / 2)


@pytest.mark.parametrize(
    ("f", "x", "first", "then"),
    [
        (sc.spence, 1.0, -1.0, 0.5),
        (sc.exprel, 0.0, 0.5, 1 / 3),
        (sc.ellipk, 0.0, np.pi / 8, 9 * np.pi / 64),
        (sc.ellipe, 0.0, -np.pi / 8, -3 * np.pi / 64),
        (sc.j1, 0.0, 0.5, 0.0),
        (sc.i1, 0.0, 0.5, 0.0),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_smooth_points(f, x, first, then):
    assert gx.grad(f)(x) == pytest.approx(first, rel=1e-14)
    assert second(f, x) == pytest.approx(then, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("phi", [0.7, 2.0, -4.0])
def test_incomplete_elliptic_integrals_at_zero(phi):
    """There the integral of sin(t)**2 is the derivative of one, and its negative of the other."""
    wanted = (phi - np.sin(phi) * np.cos(phi)) / 4
    assert gx.grad(lambda m: sc.ellipkinc(phi, m))(0.0) == pytest.approx(wanted, rel=1e-13)
    assert gx.grad(lambda m: sc.ellipeinc(phi, m))(0.0) == pytest.approx(-wanted, rel=1e-13)


def test_entropies_of_nothing():
    a, b = np.array([0.0, 0.5]), np.array([0.0, 2.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        got = gx.grad(lambda a: np.sum(np.where(a > 0, sc.xlogy(a, a), 0.0)))(a)
    np.testing.assert_allclose(got, [0.0, np.log(0.5) + 1])
    np.testing.assert_array_equal(gx.grad(lambda b: np.sum(sc.xlogy(a, b)))(b), [0.0, 0.25])


def test_combinations_outside_of_their_domain():
    k = np.array([-1.0, 2.0, 7.0])
    got = gx.grad(lambda k: np.sum(gs.comb(5.0, k)))(k)
    assert got[0] == got[2] == 0.0 and np.isfinite(got[1])


# --- Functions by their names ---------------------------------------------------------------------


def test_exact_numbers_are_plain():
    assert gs.comb(5, 2, exact=True) == 10
    assert gs.perm(5, 2, exact=True) == 20
    assert gs.factorial(5, exact=True) == 120


def test_lists_with_variables():
    assert gx.grad(lambda v: np.sum(gs.erf([v, 2.0])))(0.5) == gx.grad(sc.erf)(0.5)
    assert gx.grad(lambda v: gs.logsumexp([v, 1.0]))(1.0) == pytest.approx(0.5)


def test_sums_of_exponentials_without_a_number():
    x = np.full(2, -np.inf)
    np.testing.assert_array_equal(gx.grad(gs.logsumexp)(x), [0.0, 0.0])
    with np.errstate(invalid="ignore"):
        got = gx.grad(gs.logsumexp)(np.array([np.inf, 1.0]))
    np.testing.assert_array_equal(got, [np.nan, 0.0])


def test_a_wrapped_ufunc_says_whose_it_is():
    assert repr(gs.erf) == "<gradx.scipy.special.erf>"


def test_the_derivatives_at_an_infinity_return():
    """At which SciPy's own ``hyp1f1(2, 3, inf)`` does not."""
    with np.errstate(all="ignore"):
        assert gx.grad(sc.exprel)(np.inf) == np.inf
        assert gx.grad(lambda b: sc.boxcox(0.0, b))(-0.5) == np.inf
