"""Reductions: NumPy's results for every argument, the derivatives at kinks, and the refusals."""

import inspect

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.errors import AssignmentError, NotLiftedError
from gradx.numpy import quantiles, reductions

ALL = (*reductions.__all__, *quantiles.__all__)
WITH_Q = ("quantile", "percentile", "nanquantile", "nanpercentile")
A = np.random.default_rng(3).standard_normal((2, 3, 4))
MASK = A > -0.9


def result_of(call, x):
    """The result that a function has on a variable."""
    return gx.backprop_with(call, x)[0]


def arguments_of(name):
    return (0.3,) if name in WITH_Q else ()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 1)])
@pytest.mark.parametrize("name", ALL)
def test_results_are_numpys(name, axis, keepdims):
    function, more = getattr(np, name), arguments_of(name)

    def call(x, f=function):
        return f(x, *more, axis=axis, keepdims=keepdims)

    expected = call(A)
    for y in (result_of(call, A), call(A, vars(reductions).get(name) or vars(quantiles)[name])):
        assert np.shape(y) == np.shape(expected)
        np.testing.assert_allclose(y, expected, rtol=1e-14)


@pytest.mark.parametrize(
    "name", [name for name in ALL if "where" in inspect.signature(getattr(np, name)).parameters]
)
def test_where(name):
    initial = (
        {"initial": 0.25} if "initial" in inspect.signature(getattr(np, name)).parameters else {}
    )

    def call(x):
        return getattr(np, name)(x, axis=1, where=MASK, **initial)

    np.testing.assert_allclose(result_of(call, A), call(A), rtol=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_float32_stays(name):
    x = A.astype(np.float32)
    y, gradient = gx.backprop(lambda v: getattr(np, name)(v, *arguments_of(name), axis=1), x)
    assert y.dtype == gradient.dtype == np.float32


@pytest.mark.parametrize(
    "name", [*(name for name in reductions.__all__ if name != "average"), "median", "quantile"]
)
def test_out_is_refused(name):
    with pytest.raises(
        AssignmentError, match=r"np\.\w+ with out= would write a variable into a plain array"
    ):
        gx.grad_bp(lambda x: getattr(np, name)(x, *arguments_of(name), out=np.zeros(())), A)


def test_out_is_refused_among_nothing_else():
    with pytest.raises(AssignmentError, match=r"np.sum with out= .*gx.adopt"):
        gx.grad_bp(lambda x: np.sum(x, 0, None, np.zeros((3, 4))), A)


def test_ties_share_equally():
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    shares = [[0, 0.5, 0.5], [1 / 3] * 3]
    np.testing.assert_allclose(gx.grad_bp(lambda v: np.max(v, axis=1), x), shares)
    np.testing.assert_allclose(gx.grad_bp(lambda v: np.max(v), x), [[0, 0.5, 0.5], [0, 0, 0]])
    np.testing.assert_allclose(gx.grad_bp(lambda v: np.min(v, axis=1), x), [[1, 0, 0], [1 / 3] * 3])


def test_an_initial_value_takes_part():
    assert gx.grad_bp(lambda v: np.max(v, initial=5.0), np.array([1.0, 3.0])).tolist() == [0, 0]
    assert gx.grad_bp(lambda c: gnp.max(np.array([1.0, 3.0]), initial=c), 5.0) == 1.0
    assert gx.grad_bp(lambda c: gnp.sum(np.array([1.0, 3.0]), initial=c), 5.0) == 1.0
    assert result_of(lambda v: np.max(v, axis=0, initial=2.0), np.zeros((0, 2))).tolist() == [2, 2]


def test_a_nan_extreme_gives_zeros():
    x = np.array([1.0, np.nan, 3.0])
    assert gx.grad_bp(lambda v: np.max(v), x).tolist() == [0, 0, 0]
    assert gx.grad_bp(lambda v: np.nanmax(v), x).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([2.0, 0.0, 3.0], [0, 6, 0]),
        ([0.0, 0.0, 3.0], [0, 0, 0]),
        ([2.0, 5.0, 3.0], [15, 6, 10]),
        ([7.0], [1]),
    ],
)
def test_the_product_is_right_with_zeros(x, expected):
    assert gx.grad_bp(lambda v: np.prod(v), np.array(x)).tolist() == expected


def test_the_second_derivative_of_a_product_with_zeros():
    def second(v):
        return np.sum(gx.grad_bp(lambda w: np.prod(w), v) * np.array([1.0, 10.0, 100.0]))

    assert gx.grad_bp(second, np.array([0.0, 0.0, 3.0])).tolist() == [30, 3, 0]


def test_the_standard_deviation_of_equal_items_is_flat():
    x = np.full((2, 3), 1.5)
    for call in (np.std, lambda v: np.std(v, where=np.ones((2, 3), bool)), np.nanstd):
        assert not gx.grad_bp(call, x).any()


def test_no_freedom_gives_nan():
    with pytest.warns(RuntimeWarning):
        gradient = gx.grad_bp(lambda v: np.var(v, ddof=1), np.array([1.0]))
    assert np.isnan(gradient).all()


def test_a_mean_of_nothing_gives_an_empty_gradient():
    with pytest.warns(RuntimeWarning):
        assert gx.grad_bp(lambda v: np.mean(v), np.zeros((0, 2))).shape == (0, 2)


def test_integer_dtype_gives_a_constant():
    assert gx.grad_bp(lambda v: np.sum(v, dtype=int) * v, np.array([1.5, 2.5])).tolist() == [3, 3]


def test_average_can_return_its_weights():
    w = np.array([1.0, 2.0, 5.0])
    y, total = result_of(lambda x: np.average(x, axis=1, weights=w, returned=True), A)
    expected, expected_total = np.average(A, axis=1, weights=w, returned=True)
    np.testing.assert_allclose(y, expected)
    np.testing.assert_allclose(total, expected_total)
    _, count = result_of(lambda x: np.average(x, returned=True), A)
    assert count == 24


def test_wrong_weights():
    with pytest.raises(
        ValueError, match=r"weights of shape \(2,\) for an array of shape \(2, 3, 4\) and axis=1"
    ):
        gx.grad_bp(lambda x: np.average(x, axis=1, weights=np.ones(2)), A)


def test_extremes_of_some_items_need_an_initial_value():
    with pytest.raises(ValueError, match=r"np\.max with where= needs initial="):
        gx.grad_bp(lambda x: np.max(x, where=MASK), A)


def test_ddof_and_correction():
    with pytest.raises(ValueError, match="ddof=1 and correction=2 mean the same; give one of them"):
        gx.grad_bp(lambda x: np.var(x, ddof=1, correction=2), A)


def test_lists_of_variables():
    assert gx.grad_bp(lambda x, y: gnp.sum([x, 3.0 * y, 1.0]), 1.0, 2.0) == (1.0, 3.0)
    assert gx.grad_bp(lambda x, y: gnp.max([[x, y], [0.0, 1.0]]), 1.5, 2.0) == (0.0, 1.0)
    assert gx.grad_bp(lambda xs: gnp.mean(xs), [1.0, 2.0, 3.0, 4.0]) == [0.25] * 4


def test_a_weighted_quantile_is_an_item():
    x, weights = np.array([3.0, 1.0, np.nan, 2.0]), np.array([1.0, 1.0, 5.0, 3.0])
    options = {"weights": weights, "method": "inverted_cdf"}
    y, grad = gx.backprop(lambda v: np.nanquantile(v, 0.5, **options), x)
    assert (y, grad.tolist()) == (2.0, [0.0, 0.0, 0.0, 1.0])
    y, grad = gx.backprop(lambda v: np.quantile(v, 0.5, **options), x)
    assert np.isnan(y)
    assert not grad.any()
    options["weights"] = x[:2] * 1.0
    assert gx.grad_bp(
        lambda w: np.quantile(x[:2], 0.9, weights=w, method="inverted_cdf") * w[0], x[:2]
    ).tolist() == [3.0, 0.0]


def test_variable_quantiles_are_linear():
    x = np.array([1.0, 2.0, 4.0])
    assert gx.grad_bp(lambda q: np.quantile(x, q), 0.75) == 4.0
    assert gx.grad_bp(lambda q: np.percentile(x, q), 25.0) == 0.02
    with pytest.raises(NotLiftedError, match=r"method='hazen' has no derivative with respect to q"):
        gx.grad_bp(lambda q: np.quantile(x, q, method="hazen"), 0.75)


def test_quantiles_with_nans():
    x = np.array([[1.0, np.nan, 2.0, 5.0], [3.0, 1.0, 2.0, 4.0]])
    assert np.isnan(result_of(lambda v: np.median(v, axis=1), x)).tolist() == [True, False]
    assert result_of(lambda v: np.nanmedian(v, axis=1), x).tolist() == [2.0, 2.5]
    gradient = gx.grad_bp(lambda v: np.nanmedian(v, axis=1), x)
    assert gradient.tolist() == [[0, 0, 1, 0], [0.5, 0, 0.5, 0]]


Z = A[0] + 1j * A[1]
IN_A_DTYPE = {
    "var": lambda x, dtype: np.var(x, dtype=dtype),
    "std": lambda x, dtype: np.std(x, 0, dtype)[1],
    "nanvar": lambda x, dtype: np.nanvar(x, dtype=dtype),
    "prod": lambda x, dtype: np.prod(x, dtype=dtype),
    "prod of columns": lambda x, dtype: np.multiply.reduce(x, dtype=dtype)[2],
}


@pytest.mark.filterwarnings("ignore:Casting complex")
@pytest.mark.parametrize("name", IN_A_DTYPE)
def test_a_real_dtype_of_complex_items_leaves_out_what_numpy_leaves_out(name):
    def f(x):
        return IN_A_DTYPE[name](x, float)

    def slope(step):
        return (f(Z + 1e-6 * step) - f(Z - 1e-6 * step)) / 2e-6

    value, gradient = gx.value_and_grad(f)(Z)
    assert value == f(Z)
    units = np.eye(Z.size).reshape(-1, *Z.shape)
    wanted = [slope(unit) + 1j * slope(1j * unit) for unit in units]
    np.testing.assert_allclose(gradient.ravel(), wanted, atol=1e-8)
    np.testing.assert_allclose(gx.vmap(f)(np.stack([Z, 2 * Z])), [f(Z), f(2 * Z)])
