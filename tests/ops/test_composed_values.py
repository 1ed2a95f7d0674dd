"""Functions composed of others have the value of NumPy's own to the bit, and its errors."""

import numpy as np
import pytest

import gradx as gx
from gradx.core.spec import spec_of
from gradx.testing.abstract import AbstractRun

RNG = np.random.default_rng(11)
ARRAYS = {
    "doubles": RNG.standard_normal((3, 4)),
    "singles": RNG.standard_normal((3, 4)).astype(np.float32),
    "columns": np.asfortranarray(RNG.standard_normal((4, 3))),
    "special": np.array([[1.0, np.nan, 2.0], [np.inf, -0.0, 0.5]]),
    "empty": np.zeros((0, 3)),
}
FUNCTIONS = {
    "quantile": lambda x: np.quantile(x, [0.1, 0.55, 0.7]),
    "quantile/method": lambda x: np.quantile(x, 0.7, method="hazen"),
    "percentile": lambda x: np.percentile(x, 66, axis=-1),
    "median": lambda x: np.median(x, axis=0),
    "nanquantile": lambda x: np.nanquantile(x, 0.77),
    "nanmedian": lambda x: np.nanmedian(x),
    "nanmean": lambda x: np.nanmean(x),
    "nanvar": lambda x: np.nanvar(x),
    "nanstd": lambda x: np.nanstd(x, axis=0),
    "geomspace": lambda x: np.geomspace(1, np.abs(x) + 1, 5),
    "logspace": lambda x: np.logspace(0, x, 5),
    "gradient": lambda x: np.gradient(x, 0.3, axis=-1),
    "gradient/places": lambda x: np.gradient(x, np.arange(x.shape[-1]) ** 1.5, axis=-1),
    "gradient/axes": lambda x: np.gradient(x, edge_order=2),
    "interp": lambda x: np.interp(x, [-1, 0, 0.3, 2.0], [1.0, 0.3, 2.0, 0.7]),
    "inner": lambda x: np.inner(np.stack([x, 2 * x]), np.stack([x, x])),
    "outer": lambda x: np.linalg.outer(x, x),
    "matrix_power": lambda x: np.linalg.matrix_power(x @ x.T, 3),
    "lstsq": lambda x: np.linalg.lstsq(x.T, np.ones(x.shape[1]), rcond=None),
    "qr": lambda x: np.linalg.qr(x),
    "average": lambda x: np.average(x),
    "average/weights": lambda x: np.average(x, weights=np.abs(x)),
    "sum/where": lambda x: np.sum(x, where=x > 0, initial=2.0),
    "mean/where": lambda x: np.mean(x, where=x > 0),
    "var/where": lambda x: np.var(x, where=x > 0),
    "var/mean": lambda x: np.var(x * 1j, axis=0, mean=np.mean(x * 1j, axis=0, keepdims=True)),
    "vecmat": lambda x: np.vecmat((x * (1 + 2j))[:, 0], x * (2 - 1j)),
    "matvec": lambda x: np.matvec(x * (2 - 1j), x[0] * 1j),
    "histogram2d": lambda x: np.histogram2d(x[0], x[-1], bins=3, density=True),
    "polyfit": lambda x: np.polyfit(x[0], x[-1], 1, cov=True, w=np.abs(x[0])),
    "ufunc methods": lambda x: np.subtract.reduce(np.divide.accumulate(x, axis=0), axis=-1),
    "quantile/weights": lambda x: np.quantile(
        x, [0.1, 0.6], axis=1, weights=np.abs(x), method="inverted_cdf"
    ),
    "svd/hermitian": lambda x: np.linalg.svd(x @ x.T, hermitian=True),
    "max/where": lambda x: np.max(x, where=x > 0, initial=0.2),
    "cumulative_sum": lambda x: np.cumulative_sum(x, axis=0, include_initial=True),
}


IN_ORDER = {
    "sum/initial": lambda x: np.sum(x, 0, None, None, False, 2.3),
    "prod/initial": lambda x: np.prod(x, 0, None, None, True, 2.3),
    "nansum/initial": lambda x: np.nansum(x, 0, None, None, False, 2.3),
    "max/initial": lambda x: x.max(0, None, False, 0.3),
    "var/dtype": lambda x: x.var(0, "f4"),
    "std/dtype": lambda x: np.std(x, 0, "f4", None, 1),
    "add.reduce/initial": lambda x: np.add.reduce(x, 0, "f4", None, True, 2.3, x > 0),
    "logaddexp.reduce/initial": lambda x: np.logaddexp.reduce(x, 0, None, None, False, 2.3),
}


def outcome(call, x):
    """The type, the dtype, the shape and the bits of each part of a result, or the error."""
    with np.errstate(all="ignore"):
        try:
            y = call(x)
        except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError) as error:
            return type(error)
    parts = y if isinstance(y, tuple) else (y,)
    return [(type(p), np.asarray(p).dtype, np.shape(p), np.asarray(p).tobytes()) for p in parts]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_value_is_that_of_the_plain_call(name, array):
    call, x = FUNCTIONS[name], ARRAYS[array]
    assert outcome(lambda x: gx.backprop_with(call, x)[0], x) == outcome(call, x)


@pytest.mark.parametrize("name", IN_ORDER)
def test_an_option_may_be_given_without_its_name(name):
    call, x = IN_ORDER[name], RNG.standard_normal((37, 5))
    assert outcome(lambda x: gx.backprop_with(call, x)[0], x) == outcome(call, x)


def test_a_reduction_in_a_dtype_that_the_ufunc_lacks_is_refused():
    with pytest.raises(TypeError, match="No loop matching"):
        gx.eval_bp(lambda x: np.logaddexp.reduce(x, dtype=int), np.ones(3))
    with pytest.raises(TypeError, match="No loop matching"):
        gx.backprop(lambda x: np.logaddexp.reduce(x, dtype=int), np.ones(3))


def test_a_complex_place_of_an_interpolation_is_refused_as_by_numpy():
    with pytest.raises(TypeError, match="Cannot cast"):
        gx.grad_bp(lambda x: np.interp(x, [0.0, 1.0], [0.0, 1.0]), np.array([0.5 + 1j]))


def test_the_value_keeps_the_gradient_of_a_gradient():
    x = np.array([0.3, 1.7, 0.9, 2.2])

    def curved(x):
        return np.quantile(x, 0.7) ** 3 + np.geomspace(1.0, x[0], 4).sum()

    def slope(x):
        return np.sum(gx.grad(curved)(x) ** 2)

    got, h = gx.grad(slope)(x), 1e-6
    wanted = [(slope(x + h * e) - slope(x - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


def test_values_without_numbers_are_computed_by_the_composed_function():
    run = AbstractRun()
    x = run.wrap(None, spec_of(np.ones((3, 4))))
    for name in ("quantile", "gradient", "average/weights", "sum/where"):
        y, _ = gx.backprop_with(FUNCTIONS[name], x)
        assert spec_of(y) == spec_of(FUNCTIONS[name](np.ones((3, 4))))


@pytest.mark.parametrize("places", [0, [0, 1], slice(0, 2)])
def test_what_is_inserted_among_whole_numbers_is_cast(places):
    counts = np.array([1, 2, 3])
    value, gradient = gx.backprop(lambda v: np.insert(counts, places, v), 1.7)
    wanted = np.insert(counts, places, 1.7)
    assert value.dtype == wanted.dtype
    np.testing.assert_array_equal(value, wanted)
    assert gradient == 0.0
    each = gx.vmap(lambda v: np.insert(counts, places, v))(np.array([1.7, 5.2]))
    assert each.dtype == wanted.dtype
    np.testing.assert_array_equal(each[0], wanted)
