"""Distributions of SciPy on a device, beyond the cases of the specification: ends and tails."""

import numpy as np
import pytest
import scipy.stats

import gradx as gx
from gradx.ops.scipy.distributions import FAMILIES, METHODS
from gradx.scipy import stats
from tests.cuda.places import here, there

SHAPES = {"truncnorm": [(-1.0, 2.0), (1.5, 3.0), (-3.0, -1.0)], "skewnorm": [(1.3,), (-2.0,)]}
POINTS = np.array([-30.0, -1.0, 0.0, 0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 5.0, 30.0, np.nan])
SHARES = np.array([-0.1, 0.0, 0.01, 0.1, 0.3, 0.49, 0.5, 0.51, 0.7, 0.99, 1.0, 1.2, np.nan])
LACKING = {*((name, method) for name in ("skewnorm", "invgauss") for method in ("ppf", "isf"))}
LACKING |= {("skewnorm", method) for method in ("cdf", "logcdf", "sf", "logsf")}


def rows():
    for name, family in FAMILIES.items():
        count = len(family.shapes)
        for shapes in SHAPES.get(name, [(1.3, 0.8)[:count], (2.5, 7.0)[:count]][: 1 + (count > 0)]):
            for method in METHODS:
                if (name, method) not in LACKING:
                    yield pytest.param(name, method, shapes, id=f"{name}-{method}-{shapes}")


@pytest.mark.parametrize(("name", "method", "shapes"), [*rows()])
def test_a_method_is_scipys_in_the_tails_and_beyond_the_ends(name, method, shapes):
    x = SHARES if method in ("ppf", "isf") else POINTS
    with np.errstate(all="ignore"):
        wanted = getattr(getattr(scipy.stats, name), method)(x, *shapes, 0.1, 1.2)
        got = here(getattr(getattr(stats, name), method)(there(x), *shapes, 0.1, 1.2))
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("method", ["pmf", "logpmf", "cdf", "logcdf", "sf", "logsf"])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("poisson", (3.2,)), ("bernoulli", (0.3,)), ("binom", (5, 0.4)), ("geom", (0.25,)),
     ("nbinom", (2.5, 0.4))],
)  # fmt: skip
def test_counts(name, parameters, method):
    k = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 20.0, 1.5, np.nan])
    with np.errstate(all="ignore"):
        wanted = getattr(getattr(scipy.stats, name), method)(k, *parameters, 1)
        got = here(getattr(getattr(stats, name), method)(there(k), *parameters, loc=1))
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-14)


def test_what_no_distribution_has_is_nan():
    x = there(np.array([0.5, 1.0]))
    for y in (
        stats.norm.pdf(x, scale=-1.0),
        stats.gamma.cdf(x, -2.0),
        stats.expon.ppf(x, scale=there(np.array([0.0, -1.0]))),
        stats.poisson.pmf(x, -1.0),
        stats.binom.cdf(x, 3, 1.5),
    ):
        assert np.isnan(here(y)).all()


def test_a_frozen_one_with_parameters_there():
    mean, x = np.array([0.0, 0.5]), np.array([[1.0], [2.0]])

    def misfit(mean, width, x):
        return -np.sum(stats.norm(mean, width).logpdf(x))

    found = gx.grad_bp(misfit, there(mean), 1.5, there(x))
    for got, wanted in zip(found, gx.grad_bp(misfit, mean, 1.5, x), strict=True):
        np.testing.assert_allclose(here(got), wanted, rtol=1e-12)


def test_errors_name_what_is_lacking_and_what_is_elsewhere():
    x = there(np.array([0.5, 0.7]))
    with pytest.raises(gx.NotLiftedError, match=r"no function for scipy\.stats\.skewnorm\.cdf, so"):
        stats.skewnorm.cdf(x, 1.0)
    with pytest.raises(
        gx.NotLiftedError, match=r"gammainc differentiated by its par.* on the host"
    ):
        gx.grad(lambda a: np.sum(stats.gamma.cdf(x, a)))(there(np.array([1.0, 2.0])))
    with pytest.raises(gx.DeviceMismatchError, match=r"norm\.pdf takes arrays of one device"):
        stats.norm.pdf(x, np.array([0.0, 1.0]))


@pytest.mark.parametrize("cov", ["matrix", "diagonal", "number"])
def test_normal_vectors(cov):
    rng = np.random.default_rng(0)
    x, root = rng.normal(size=(4, 3)), rng.normal(size=(3, 3))
    matrix = root @ root.T + np.eye(3)
    c = {"matrix": matrix, "diagonal": np.diag(matrix), "number": 2.0}[cov]
    for mean in (rng.normal(size=3), *([None] if cov == "matrix" else [])):
        for points in (x, x[0]):
            for method in ("pdf", "logpdf"):
                wanted = getattr(scipy.stats.multivariate_normal, method)(points, mean, c)
                operands = [z if z is None else there(z) for z in (points, mean, c)]
                got = getattr(stats.multivariate_normal, method)(*operands)
                np.testing.assert_allclose(here(got), wanted, rtol=1e-12)
