"""SciPy's distributions of variables: what specification rows do not say."""

import numpy as np
import pytest
import scipy.stats

import gradx as gx
import gradx.scipy.stats as st
from gradx.errors import NotLiftedError
from gradx.ops.scipy.counts import DISCRETE
from gradx.ops.scipy.distributions import CONTINUOUS


@pytest.mark.parametrize(("name", "method"), [*CONTINUOUS, *DISCRETE])
def test_the_value_is_scipys_to_the_bit(name, method):
    own, lifted = getattr(scipy.stats, name), getattr(getattr(st, name), method)
    points = np.linspace(0, 1, 5) if method in ("ppf", "isf") else np.linspace(-0.5, 3.0, 8)
    with np.errstate(all="ignore"):
        if (name, method) in CONTINUOUS:
            shapes = [1.5] * own.numargs
            wanted = getattr(own, method)(points, *shapes, loc=1)
            got, _ = gx.backprop_with(lambda loc: lifted(points, *shapes, loc=loc), 1.0)
        else:
            shapes = [2.0, 0.3][-own.numargs :]
            wanted = getattr(own, method)(points, *shapes)
            got, _ = gx.backprop_with(lambda p: lifted(points, *shapes[:-1], p), shapes[-1])
    np.testing.assert_array_equal(got, wanted)
    assert got.dtype == wanted.dtype


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
@pytest.mark.parametrize(
    ("name", "shapes"), [("beta", (2.0, 3.0)), ("uniform", ()), ("pareto", (2.0,))]
)
def test_outside_of_the_support_the_gradient_is_zero(name, shapes, method):
    x = np.array([-1.0, 0.5, 2.0])
    with np.errstate(all="ignore"):
        got = gx.grad_bp(lambda x: getattr(getattr(st, name), method)(x, *shapes), x)
    assert np.isfinite(got).all()
    assert np.all(got[getattr(scipy.stats, name).pdf(x, *shapes) == 0] == 0)


def test_parameters_by_name_and_frozen():
    def negative_log_likelihood(line, x):
        return -np.sum(st.norm.logpdf(x, loc=line["mean"], scale=line["width"]))

    def the_same(line, x):
        return -np.sum(st.norm(line["mean"], scale=line["width"]).logpdf(x))

    x, line = np.array([1.0, 2.0, 4.0]), {"mean": 2.0, "width": 1.5}
    wanted = gx.grad(negative_log_likelihood)(line, x)
    assert gx.grad(the_same)(line, x) == wanted
    assert wanted["mean"] == pytest.approx(-np.sum(x - 2.0) / 1.5**2)
    assert gx.grad(lambda v: st.gamma.pdf(x=v, a=2.0))(1.0) == pytest.approx(0.0, abs=1e-15)
    assert gx.grad(lambda q: st.norm.ppf(q=q))(0.5) == pytest.approx(np.sqrt(2 * np.pi))


def test_vectors_frozen_and_by_name():
    x, mean, cov = np.array([0.3, -0.2]), np.zeros(2), np.array([[2.0, 0.5], [0.5, 1.0]])
    wanted = gx.grad(lambda m: st.multivariate_normal.logpdf(x, m, cov))(mean)
    np.testing.assert_allclose(wanted, np.linalg.solve(cov, x))
    got = gx.grad(lambda m: st.multivariate_normal(mean=m, cov=cov).logpdf(x))(mean)
    np.testing.assert_array_equal(got, wanted)
    got = gx.grad(lambda x: st.multivariate_normal.logpdf(x, cov=cov))(x)
    np.testing.assert_array_equal(got, -wanted)
    assert gx.grad(lambda x: st.multivariate_normal.logpdf(x))(0.5) == -0.5


def test_a_parameter_without_a_derivative_raises_by_name():
    with pytest.raises(
        NotLiftedError, match=r"scipy\.stats\.nbinom\.cdf has no derivative .* argument n in gradx"
    ):
        gx.grad(lambda n: st.nbinom.cdf(1.0, n, 0.5))(2.0)
    with pytest.raises(NotLiftedError, match=r"scipy\.stats\.poisson\.pmf .* argument k in gradx"):
        gx.grad(lambda k: st.poisson.pmf(k, 2.0))(2.0)


def test_what_is_not_lifted_is_scipys_own():
    assert st.norm.rvs(size=2, random_state=1).shape == (2,)
    assert st.norm(1.0, 2.0).mean() == 1.0
    assert st.multivariate_normal.rvs([0.0, 0.0], random_state=1).shape == (2,)
    assert st.skewnorm is scipy.stats.skewnorm
    assert st.norm.pdf(0.5) == scipy.stats.norm.pdf(0.5)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = st.norm.nonsense


def test_a_distribution_says_what_it_is():
    assert repr(st.norm) == "<gradx.scipy.stats.norm>"
    assert repr(st.dirichlet) == "<gradx.scipy.stats.dirichlet>"
    assert repr(st.norm(1, scale=2)) == "<gradx.scipy.stats.norm> with (1,) {'scale': 2}"
