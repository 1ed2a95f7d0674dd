"""Methods and keyword arguments of ufuncs: NumPy's value to the bit, refusals, kinks."""

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp

VECTOR = np.array([1.5, 0.5, 2.5, 0.7])
BINARY = (
    *("add", "subtract", "multiply", "divide", "power", "float_power", "floor_divide"),
    *("remainder", "fmod", "arctan2", "hypot", "logaddexp", "logaddexp2", "maximum", "minimum"),
    *("fmax", "fmin", "copysign", "nextafter", "heaviside"),
)
MATRIX = np.random.default_rng(0).uniform(0.5, 2.0, (5, 7))


@pytest.mark.parametrize("name", BINARY)
def test_every_method_of_every_binary_ufunc_has_numpys_value(name):
    ufunc = getattr(np, name)
    calls = {
        "reduce": lambda x: ufunc.reduce(x, axis=1),
        "accumulate": lambda x: ufunc.accumulate(x, axis=1),
        "reduceat": lambda x: ufunc.reduceat(x, [0, 3, 1, 4], axis=1),
        "outer": lambda x: ufunc.outer(x, x[0]),
    }
    for call in calls.values():
        y, _ = gx.backprop(call, MATRIX)
        wanted = call(MATRIX)
        assert (type(y), y.dtype, y.tobytes()) == (type(wanted), wanted.dtype, wanted.tobytes())


@pytest.mark.parametrize("name", ["equal", "less", "logical_and", "logical_xor"])
def test_methods_of_comparisons_are_numpys(name):
    ufunc = getattr(np, name)
    for method, more in {"reduce": (), "accumulate": (), "reduceat": ([0, 2],)}.items():
        try:
            wanted = getattr(ufunc, method)(VECTOR, *more)
        except TypeError as error:
            with pytest.raises(TypeError) as raised:
                gx.grad_bp(lambda v: getattr(ufunc, method)(v, *more), VECTOR)  # noqa: B023
            assert str(raised.value) == str(error)
        else:
            y, _ = gx.backprop(lambda v: getattr(ufunc, method)(v, *more), VECTOR)  # noqa: B023
            np.testing.assert_array_equal(y, wanted)


def test_equal_items_share_a_running_extreme():
    x = np.array([1.0, 1.0, 0.0, 1.0, 2.0, 2.0])
    g = np.arange(1.0, 7.0)
    y, pullback = gx.backprop_with(np.maximum.accumulate, x)
    np.testing.assert_array_equal(y, np.maximum.accumulate(x))
    shares = 2 / 2 + 3 / 2 + 4 / 3
    np.testing.assert_allclose(pullback(g), [1 + shares, shares, 0, 4 / 3, 5 + 6 / 2, 6 / 2])


def test_a_running_extreme_of_nan_has_no_gradient():
    x = np.array([1.0, np.nan, 2.0, 3.0])
    assert gx.grad_bp(np.maximum.accumulate, x).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert gx.grad_bp(np.fmax.accumulate, x).tolist() == [2.0, 0.0, 1.0, 1.0]
    assert gx.grad_bp(np.fmin.accumulate, x[1:]).tolist() == [0.0, 2.0, 0.0]


def test_a_running_extreme_of_many_items_costs_little_more_than_they():
    x = np.random.default_rng(0).normal(size=100_000)
    grad = gx.grad_bp(lambda v: np.maximum.accumulate(v), x)
    assert grad.sum() == len(x)
    assert np.count_nonzero(grad) == len(np.unique(np.maximum.accumulate(x)))


REFUSED = {
    "axes": (lambda v: np.subtract.reduce(v[:, None] * v, axis=None), ValueError, "one axis"),
    "empty": (lambda v: np.subtract.reduce(v[:0]), ValueError, "needs initial="),
    "where": (lambda v: np.divide.reduce(v, where=v > 1), ValueError, "needs initial="),
    "indices": (lambda v: np.multiply.reduceat(v, [0, 4]), IndexError, "axis of 4 items"),
    "none": (lambda v: np.add.reduceat(v, []), IndexError, "give at least one"),
    "whole": (lambda v: np.gcd.reduce(v), TypeError, "gcd"),
    "python": (
        lambda v: np.frompyfunc(lambda a, b: a * b, 2, 1).reduce(v),
        gx.NotLiftedError,
        "has no derivative in gradx yet; write a loop",
    ),
    "call-where": (
        lambda v: np.exp(v, where=v > 1),
        gx.NotLiftedError,
        r"leaves undefined what it skips; write np.where\(condition, np.exp\(x\), other\)",
    ),
    "signature": (lambda v: np.exp(v, signature="f->f"), gx.NotLiftedError, r"x.astype\(dtype\)"),
    "order": (lambda v: np.exp(v, order="F"), gx.NotLiftedError, r"np.copy\(x, order\)"),
    "casting": (lambda v: np.add(v, 1j, dtype=float), TypeError, "same_kind"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusals(kind):
    f, error, text = REFUSED[kind]
    with pytest.raises(error, match=text):
        gx.grad_bp(f, VECTOR)


def test_keyword_arguments_that_change_nothing_are_taken():
    options = {"where": True, "order": "K", "subok": True, "casting": "same_kind"}
    y, grad = gx.backprop(lambda v: np.multiply(v, 2.0, **options), VECTOR)
    np.testing.assert_array_equal(y, 2 * VECTOR)
    assert grad.tolist() == [2.0] * 4
    y, _ = gx.backprop(lambda v: np.add(v, 1.0, dtype=np.float32, casting="unsafe"), VECTOR)
    assert y.dtype == np.float32
    empty = np.subtract.accumulate(np.zeros(0))
    assert gx.backprop(np.subtract.accumulate, np.zeros(0))[0].dtype == empty.dtype


def test_reductions_cast_first_as_numpys_do():
    for call in (
        lambda v: np.maximum.reduce(v, dtype=np.float32),
        lambda v: np.add.reduce(v, dtype=np.float32),
        lambda v: np.subtract.reduce(v, dtype=np.float32),
    ):
        y, grad = gx.backprop(call, VECTOR / 3)
        wanted = call(VECTOR / 3)
        assert (type(y), y) == (type(wanted), wanted)
        assert grad.dtype == float


def test_methods_take_lists_of_variables_under_gradx_numpy():
    grads = gx.grad_bp(lambda v, w: gnp.add.reduceat([v, w, 1.0], [0, 1])[0], 2.0, 3.0)
    assert grads == (1.0, 0.0)


LIKE = {
    "array": lambda v: np.array([v[0], 2.0], like=v),
    "asarray": lambda v: np.asarray([v[0], 2.0], like=v),
    "asanyarray": lambda v: np.asanyarray(v, like=v) * 2,
    "ascontiguousarray": lambda v: np.ascontiguousarray(v[::2], like=v),
    "ascontiguousarray-0-d": lambda v: np.ascontiguousarray(v[0], like=v),
    "full": lambda v: np.full((2, 2), v[0], like=v),
    "arange": lambda v: np.arange(4, like=v) * v,
    "zeros": lambda v: np.zeros(4, like=v) + v,
    "eye": lambda v: np.eye(4, like=v) @ v,
    "fromfunction": lambda v: np.fromfunction(lambda i: 2.0 * i, (4,), like=v) * v,
}


@pytest.mark.parametrize("name", LIKE)
def test_arrays_made_like_a_variable(name):
    y, grad = gx.backprop(LIKE[name], VECTOR)
    wanted = LIKE[name](VECTOR)
    assert (y.shape, y.strides, y.tobytes()) == (wanted.shape, wanted.strides, wanted.tobytes())
    assert grad.any()
