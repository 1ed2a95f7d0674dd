"""`gx.vmap` of whole numbers and truth values, and dtypes: what a loop over the examples gives."""

import numpy as np
import pytest

import gradx as gx
from gradx.batch.loops import counted_loops

COUNTS = np.array([[1, 2, 3, 5], [4, 0, 7, 1], [2, 2, 0, 9]])
OF_COUNTS = {
    "pad by means": lambda x: np.pad(x, 2, mode="mean"),
    "average": lambda x: np.average(x, weights=x),
    "sum from a fraction": lambda x: np.sum(x, initial=2.5),
    "largest and a fraction": lambda x: np.max(x, where=x > 2, initial=0.5),
    "reduce from a fraction": lambda x: np.maximum.reduce(x, initial=0.3),
    "difference of all": lambda x: np.subtract.reduce(x),
    "running differences": lambda x: np.subtract.accumulate(x),
    "quotients": lambda x: np.divide.reduce(x[::-1] - 3),
    "quantile": lambda x: np.quantile(x, 0.3, method="nearest"),
    "unwrap": lambda x: np.unwrap(x * 4, period=3),
    "nancumsum": lambda x: np.nancumsum(x),
    "nancumprod": lambda x: np.nancumprod(x),
    "cumulative_sum": lambda x: np.cumulative_sum(x, include_initial=True),
    "cumulative_prod": lambda x: np.cumulative_prod(x, include_initial=True),
    "norm 1": lambda x: np.linalg.norm(x, 1),
    "norm inf": lambda x: np.linalg.norm(x.reshape(2, 2), np.inf),
    "vector norm": lambda x: np.linalg.vector_norm(x, ord=np.inf),
    "correlate": lambda x: np.correlate(x > 1, x > 2),
    "vdot": lambda x: np.vdot(x > 1, x > 2),
    "insert": lambda x: np.insert(x > 1, 2, 3),
    "angle": lambda x: np.angle(x > 1),
    "cov": lambda x: np.cov(x, x[::-1]),
    "clip": lambda x: np.clip(x, 1, 3),
    "select": lambda x: np.select([x > 2, x > 0], [x, 1], 7),
    "delete": lambda x: np.delete(x, 1),
    "inner": lambda x: np.inner(x > 1, x > 2),
}
DTYPES = ["i2", "i4", "i8"]


def in_a_loop(f, xs):
    return np.stack([f(x) for x in xs])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_COUNTS)
def test_a_function_of_whole_numbers_is_that_of_each_example(name, dtype):
    f, xs = OF_COUNTS[name], COUNTS.astype(dtype)
    got, wanted = gx.vmap(f)(xs), in_a_loop(f, xs)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


def test_it_is_one_beside_a_gradient_and_around_one_too():
    def f(x, k):
        return np.sum(x ** np.unwrap(k * 4, period=3))

    xs = np.linspace(0.5, 1.5, 12).reshape(3, 4)
    wanted = np.stack([gx.grad(f)(x, k) for x, k in zip(xs, COUNTS, strict=True)])
    np.testing.assert_allclose(gx.vmap(gx.grad(f))(xs, COUNTS), wanted)
    around = gx.grad(lambda xs: np.sum(gx.vmap(f)(xs, COUNTS)))(xs)
    np.testing.assert_allclose(around, wanted)


@pytest.mark.parametrize("name", ["clip", "select", "delete"])
def test_what_chooses_is_done_for_all_examples_at_once(name):
    with counted_loops() as loops:
        gx.vmap(OF_COUNTS[name])(COUNTS)
        gx.vmap(lambda x: np.mean(x > 1))(COUNTS)
        gx.vmap(lambda x: np.select([x > 2, x > 0], [1.0, 2.0]))(COUNTS)
    assert not loops


ROWS = np.random.default_rng(3).uniform(-1, 1, (3, 2, 5))
IN_DTYPES = {
    "cov": lambda x: np.cov(x, dtype="f4"),
    "corrcoef": lambda x: np.corrcoef(x, dtype="f4"),
    "mean": lambda x: np.mean(x, dtype="f4", where=x > 0),
    "nanmean": lambda x: np.nanmean(x, dtype="f4"),
    "var": lambda x: np.var(x, dtype="f4"),
    "std": lambda x: np.std(x, dtype="f4"),
    "std of whole numbers": lambda x: np.std(x, dtype=int),
    "std of complex numbers": lambda x: np.std(x * (1 + 2j), dtype="f4"),
    "polyval of singles": lambda x: np.polyval(x[0].astype("f4"), 0.4),
    "polyval of nothing": lambda x: np.polyval(x[0, :0], 0.4),
    "select of singles": lambda x: np.select([x > 0.5, x > 0], [x.astype("f4"), 1]),
    "largest of nothing": lambda x: np.max(x[:0], initial=2),
    "norm of nothing": lambda x: np.linalg.norm(x[:0], 2),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", IN_DTYPES)
def test_the_dtype_is_that_of_each_example(name):
    f = IN_DTYPES[name]
    got, wanted = gx.vmap(f)(ROWS), in_a_loop(f, ROWS)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("p", [None, -2, 1, "fro"])
def test_the_condition_of_a_matrix_of_zeros_is_infinite(p):
    xs = np.stack([np.zeros((2, 2)), np.diag([1.0, 4.0])])

    def f(x):
        return np.linalg.cond(x, p)

    np.testing.assert_allclose(gx.vmap(f)(xs), in_a_loop(f, xs))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(gx.vmap(gx.grad(f))(xs), in_a_loop(gx.grad(f), xs))
