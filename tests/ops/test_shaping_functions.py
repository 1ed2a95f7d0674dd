"""Shaping, joining and creation: NumPy's results on variables, lists of variables, the refusals."""

import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.errors import AssignmentError, NotLiftedError
from gradx.numpy import creation, joining, shaping
from tests.ops import cases_indexing, cases_reductions, cases_shaping

CASES = [*cases_shaping.CASES, *cases_indexing.CASES, *cases_reductions.CASES]
A = np.arange(12.0).reshape(3, 4)


def result_of(call, *xs):
    """The result that a function has on variables."""
    return gx.backprop_with(call, *xs)[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_results_are_numpys(case, rng):
    xs = case.make(rng)
    y, expected = result_of(case.call, *xs), case.call(*xs)
    assert np.shape(y) == np.shape(expected)
    assert np.asarray(y).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(y, expected, rtol=1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.ravel(x, "K"),
        lambda x: np.ravel(x, "A"),
        lambda x: np.reshape(x.T, (2, 6), order="A"),
        lambda x: np.flip(x, ()),
        lambda x: np.roll(x, 0),
        lambda x: np.roll(x, 5, 1),
        lambda x: np.tile(x, ()),
        lambda x: np.tile(x, [[2]][0]),
        lambda x: np.repeat(x, [2]),
        lambda x: np.repeat(x, np.arange(12)),
        lambda x: np.pad(x, ((1, 0),), "wrap"),
        lambda x: np.pad(x, [[1], [2]]),
        lambda x: np.trim_zeros(np.zeros(3)),
        lambda x: np.trim_zeros(x.ravel()),
        lambda x: np.trim_zeros(np.array([0.0, 1.0, 0.0]), "b"),
        lambda x: np.split(x, [1, 9]),
        lambda x: np.array_split(x, 5),
        lambda x: np.split(x, [1, 3], 1)[1],
        lambda x: np.insert(x, slice(0, 2), 5.0, axis=0),
        lambda x: np.insert(x, [], [], axis=None),
        lambda x: np.delete(x, np.array([True, False, True]), 0),
        lambda x: np.delete(x, -1, 1),
        lambda x: np.diag(np.diag(x, -1), 2),
        lambda x: np.meshgrid(x[0]),
        lambda x: np.meshgrid(x[0], x[1], x[2], sparse=True),
        lambda x: np.broadcast_arrays(x, 1.0),
        lambda x: np.atleast_1d(x, x[0, 0]),
        lambda x: np.atleast_3d(x, x[0], x[0, 0]),
        lambda x: np.hstack([x[0, 0], x[1]]),
        lambda x: np.concatenate([x, x], dtype=np.float32),
        lambda x: np.stack([x, x], dtype=np.float32),
        lambda x: np.linspace(x, 2.0, 3, retstep=True),
        lambda x: np.linspace(x, 2.0, 3, dtype=int),
        lambda x: np.logspace(x[0], 2.0, 3, base=np.array([2.0, 3.0, 4.0, 5.0])),
        lambda x: np.geomspace(-x - 1, -2.0, 3),
        lambda x: np.rollaxis(x, -1, -1),
        lambda x: np.rollaxis(x, 0, -1),
        lambda x: np.rollaxis(x, -1, -2),
        lambda x: np.expand_dims(x, [0, 2]),
    ],
)
def test_unusual_arguments(call):
    expected, y = call(A), result_of(lambda x: call(np.multiply(x, 1.0)), A)
    if not isinstance(expected, (tuple, list)):
        expected, y = [expected], [y]
    assert len(expected) == len(y)
    for each, own in zip(expected, y, strict=True):
        assert np.shape(own) == np.shape(each)
        assert np.asarray(own).dtype == np.asarray(each).dtype
        np.testing.assert_allclose(own, each, rtol=1e-13)


def test_several_results_share_one_gradient():
    def call(x):
        first, *_, last = np.array_split(x, 3)
        return np.sum(first * 2) + np.sum(last * last)

    assert gx.grad_bp(call, np.arange(6.0)).tolist() == [2, 2, 0, 0, 8, 10]


# --- Lists, records and numbers -----------------------------------------------------------------


def test_lists_of_variables_are_joined():
    assert gx.grad_bp(lambda x, y: np.sum(gnp.array([[x, y], [1.0, x]]) ** 2), 2.0, 3.0) == (
        8.0,
        6.0,
    )
    assert gx.grad_bp(lambda x: gnp.reshape([x, 2 * x], (2, 1))[1, 0], 2.0) == 2.0
    assert gx.grad_bp(lambda x: gnp.broadcast_to([x, 1.0], (3, 2))[2, 0], 2.0) == 1.0
    row = np.ones(3)
    np.testing.assert_array_equal(gx.grad_bp(lambda v: np.sum(gnp.array([v, v])[1]), row), row)


def test_a_list_as_one_input_is_joined():
    assert gx.grad_bp(lambda xs: np.sum(np.stack(xs) ** 2), [1.0, 2.0]) == [2.0, 4.0]
    first, second = gx.grad_bp(lambda xs: np.sum(np.concatenate(xs) ** 2), (np.ones(2), np.ones(1)))
    assert (first.tolist(), second.tolist()) == ([2, 2], [2])
    assert gx.grad_bp(lambda xs: np.sum(gnp.array(xs) ** 2), [1.0, 2.0]) == [2.0, 4.0]


def test_a_variable_is_a_sequence_of_its_rows():
    call = lambda x: np.concatenate(x) * np.array([1.0, 10.0, 2.0, 20.0])  # noqa: E731
    assert gx.grad_bp(call, np.ones((2, 2))).tolist() == [[1, 10], [2, 20]]


def test_an_array_of_a_variable_has_its_dtype_and_axes():
    y = result_of(lambda x: gnp.array(x, dtype=np.float32, ndmin=3), np.ones(2))
    assert (y.shape, y.dtype) == ((1, 1, 2), np.float32)
    assert result_of(lambda x: gnp.asarray(x, dtype=int), 2.5).dtype == int
    assert result_of(lambda x: gnp.fromiter((x * k for k in range(5)), float, 3), 2.0).tolist() == [
        0,
        2,
        4,
    ]


def test_casts_keep_the_gradients_dtype():
    for dtype in (np.float32, np.float64, np.complex64):
        x = np.ones(2, np.float32)
        gradient = gx.grad_bp(lambda v, d=dtype: np.sum(np.real(np.astype(v, d) * 2)), x)
        assert gradient.dtype == np.float32
        assert gradient.tolist() == [2, 2]


def test_a_cast_to_integers_is_a_constant():
    assert gx.grad_bp(lambda x: np.sum(np.astype(x, int) * x), np.array([1.5, 2.5])).tolist() == [
        1,
        2,
    ]


def test_joining_arrays_of_several_dtypes():
    single, double = gx.grad_bp(
        lambda x, y: np.sum(np.concatenate([x, y]) ** 2), np.ones(2, np.float32), np.ones(1)
    )
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    real, both = gx.grad_bp(lambda x, z: np.sum(np.abs(np.stack([x, z])) ** 2), 1.0, 1.0 + 2.0j)
    assert (real, both) == (2.0, 2 + 4j)


def test_plain_values_give_plain_results():
    for name in (*shaping.__all__, *joining.__all__):
        assert callable(getattr(gnp, name))
    assert type(gnp.tile([1, 2], 2)) is np.ndarray
    assert gnp.concatenate([[1], [2]]).dtype == int
    assert creation.zeros is np.zeros


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: np.reshape(x, (4, 3), order="X"),
            ValueError,
            "order='X' is not known to np.reshape",
        ),
        (lambda x: np.squeeze(x, 1), ValueError, r"axis 1 of shape \(3, 4\) cannot be squeezed"),
        (lambda x: np.matrix_transpose(x[0]), ValueError, "np.matrix_transpose needs matrices"),
        (lambda x: np.moveaxis(x, 0, (0, 1)), ValueError, "1 axes in source and 2 in destination"),
        (lambda x: np.pad(x, 1, "empty"), NotLiftedError, "np.pad with mode='empty'"),
        (lambda x: np.pad(x, 1, "mean", end_values=1), ValueError, "that mode takes stat_length"),
        (lambda x: np.pad(x, 1, "means"), ValueError, "mode='means'; use one of constant, edge"),
        (lambda x: np.pad(x, -1), ValueError, "a width cannot be negative"),
        (lambda x: np.pad(x, 1.5), TypeError, "pad_width=1.5; give integers"),
        (
            lambda x: np.pad(x[:0], 1, "mean"),
            ValueError,
            "axis 0, which is empty, with mode='mean'",
        ),
        (
            lambda x: gnp.pad(x, 1, "linear_ramp", end_values=(x[0, 0], 1.0)),
            NotLiftedError,
            "several variables in end_values",
        ),
        (
            lambda x: np.lib.stride_tricks.sliding_window_view(x, 9, 0),
            ValueError,
            "a window cannot be longer",
        ),
        (
            lambda x: np.lib.stride_tricks.sliding_window_view(x, 2),
            ValueError,
            "give a length for each axis",
        ),
        (
            lambda x: np.lib.stride_tricks.sliding_window_view(x, -1, 0),
            ValueError,
            "none is negative",
        ),
        (
            lambda x: gnp.pad(x, 1, constant_values=(x[0, 0], 1.0)),
            NotLiftedError,
            "several variables",
        ),
        (
            lambda x: np.diag(x[None]),
            ValueError,
            r"needs a vector or a matrix, not shape \(1, 3, 4\)",
        ),
        (lambda x: np.meshgrid(x, x, indexing="no"), ValueError, "indexing='no' is not known"),
        (
            lambda x: np.concatenate([x, x], out=np.zeros((6, 4))),
            AssignmentError,
            "np.concatenate with out=",
        ),
        (
            lambda x: np.stack([x, x], out=np.zeros((2, 3, 4))),
            AssignmentError,
            "np.stack with out=",
        ),
        (lambda x: np.concatenate([x, x[0]]), ValueError, r"not of shapes \[\(3, 4\), \(4,\)\]"),
        (lambda x: gnp.concatenate(iter([])), ValueError, "np.concatenate was given no arrays"),
        (lambda x: gnp.stack(iter([])), ValueError, "np.stack was given no arrays"),
        (lambda x: gnp.block([[x], []]), ValueError, "np.block was given an empty list"),
        (lambda x: np.block([[x], x]), ValueError, "lists nested to one depth"),
        (lambda x: np.unstack(x[0, 0]), ValueError, "np.unstack needs at least one axis"),
        (lambda x: np.split(x, 2), ValueError, "length 3 does not split into 2 equal parts"),
        (lambda x: np.array_split(x, 0), ValueError, "cannot be split into 0 parts"),
        (
            lambda x: np.vsplit(x[0], 2),
            ValueError,
            r"np.vsplit needs at least 2 axes, and shape \(4,\)",
        ),
        (lambda x: gnp.r_["-1", x], ValueError, "takes no directive '-1'"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        gx.grad_bp(call, A)


def test_an_axis_that_is_not_there():
    for call in (
        lambda x: np.expand_dims(x, 5),
        lambda x: np.swapaxes(x, 0, 2),
        lambda x: np.concatenate([x, x], axis=2),
        lambda x: np.stack([x, x], axis=4),
        lambda x: np.flip(x, 2),
    ):
        with pytest.raises(np.exceptions.AxisError):
            gx.grad_bp(call, A)


# --- Other strides --------------------------------------------------------------------------------

as_strided = gnp.lib.stride_tricks.as_strided


def test_numpys_as_strided_would_read_memory_and_raises():
    """Of singles it would read half of a reference and end the process."""
    for x in (np.ones(6, np.float32), np.ones(6)):
        with pytest.raises(
            gx.ConversionError, match=r"write gx\.numpy\.lib\.stride_tricks\.as_str"
        ):
            gx.grad_bp(lambda v: np.lib.stride_tricks.as_strided(v, (4, 3), (8, 8)), x)


@pytest.mark.parametrize("order", ["C", "F"])
def test_other_strides_of_an_array_in_any_order_of_memory(order):
    x = np.asarray(np.arange(12.0).reshape(3, 4), order=order)

    def call(v):
        return as_strided(v, (5, 3), (8, 16))

    y, pullback = gx.backprop_with(call, x)
    np.testing.assert_array_equal(y, call(x))
    g = np.arange(15.0).reshape(5, 3)
    wanted = np.zeros_like(x)
    np.add.at(as_strided(wanted, (12,), (8,)), np.add.outer(np.arange(5), [0, 2, 4]), g)
    np.testing.assert_array_equal(pullback(g), wanted)


OUTSIDE = {
    "too long": lambda x: as_strided(x, (4, 4), (8, 8)),
    "backwards": lambda x: as_strided(x, (2,), (-8,)),
    "half": lambda x: as_strided(x, (2,), (4,)),
    "turned": lambda x: as_strided(np.flip(x), (2,), (8,)),
    "with gaps": lambda x: as_strided(x[::2], (2,), (8,)),
}


@pytest.mark.parametrize("kind", OUTSIDE)
def test_strides_that_lead_out_of_an_array_are_refused(kind):
    with pytest.raises(ValueError, match=r"reads what is not of the array; write np\.copy\(v\)"):
        gx.grad_bp(OUTSIDE[kind], np.arange(6.0))


def test_no_items_and_the_same_strides():
    assert gx.backprop(lambda x: as_strided(x, (0, 9), (8, 8)), np.ones(2))[0].shape == (0, 9)
    y, grad = gx.backprop(lambda x: as_strided(x) * 2, np.ones(2))
    assert (y.tolist(), grad.tolist()) == ([2.0, 2.0], [2.0, 2.0])


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (2, 4, 5, 0, 1, 3), (3, 4, 5, 2, 0, 1)])
def test_windows_are_added_up_in_the_order_of_memory_of_their_cotangent(order, rng):
    """Slices of the one go along slices of the other, whatever axis is the last in memory."""
    x, shape = np.zeros((2, 8, 9, 3)), (2, 6, 8, 3, 3, 2)  # windows of 3 by 2 along the axes 1, 2
    g = rng.normal(size=[shape[i] for i in order]).transpose(np.argsort(order))
    _, pull = gx.backprop_with(
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2)), x
    )
    summed, expected = pull(g), np.zeros(x.shape)
    for i, j in np.ndindex(3, 2):
        expected[:, i : i + 6, j : j + 8] += g[..., i, j]
    np.testing.assert_allclose(summed, expected, rtol=1e-13, atol=1e-15)
    assert np.argsort(summed.strides).tolist() == np.argsort(g.strides[:4]).tolist()


@pytest.mark.parametrize("order", [None, "c", "f", "a", "C", "F", "A"])
def test_orders_by_all_names_that_numpy_has(order):
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for f in (lambda x: np.reshape(x, (3, 2), order), lambda x: np.ravel(x, order)):
        wanted = f(x)
        np.testing.assert_array_equal(gx.backprop(f, x)[0], wanted)
        weighted = gx.grad(lambda x: np.sum(f(x) * wanted))(x)  # noqa: B023
        np.testing.assert_array_equal(weighted, x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.append(x, 0.1),
        lambda x: np.append(0.1, x),
        lambda x: np.append(x, x[0].item()),
        lambda x: np.append(x, [x[0], 0.1]),
        lambda x: np.append(x[None], x[None], 0),
    ],
)
def test_numbers_that_are_appended_decide_the_dtype_as_numpys_do(f):
    x = np.array([0.5, 2.0], np.float32)
    got = result_of(f, x)
    assert got.dtype == f(x).dtype
    np.testing.assert_array_equal(got, f(x))
