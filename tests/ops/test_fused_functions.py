"""The fused functions: what they refuse, where there is no derivative, extreme numbers, dtypes."""

import numpy as np
import pytest

import gradx as gx

INF, NAN = np.inf, np.nan
X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
T = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])

ERRORS = {
    "softmax-complex": (lambda: gx.softmax(X + 1j), TypeError, "gx.softmax takes real numbers"),
    "log_softmax-complex": (lambda: gx.log_softmax(X + 1j), TypeError, "complex128.*np.real"),
    "logistic-complex": (lambda: gx.logistic(1j), TypeError, "gx.logistic takes real numbers"),
    "relu-complex": (lambda: gx.relu(X * 1j), TypeError, "gx.relu takes real numbers"),
    "softmax-number": (lambda: gx.softmax(2.0), ValueError, "gx.softmax goes along an axis"),
    "softmax-axis": (lambda: gx.softmax(X, 2), np.exceptions.AxisError, "axis 2"),
    "logits-complex": (
        lambda: gx.softmax_cross_entropy(X + 0j, T),
        TypeError,
        "gx.softmax_cross_entropy takes real numbers",
    ),
    "targets-complex": (lambda: gx.softmax_cross_entropy(X, T + 0j), TypeError, "real numbers"),
    "logits-number": (lambda: gx.softmax_cross_entropy(1.0, 1.0), ValueError, "a single number"),
    "targets-shape": (
        lambda: gx.softmax_cross_entropy(X, T[:, :2]),
        ValueError,
        r"logits of shape \(2, 3\) and targets of shape \(2, 2\); give probabilities of shape "
        r"\(2, 3\), or integer labels of shape \(2,\)",
    ),
    "targets-one-class": (lambda: gx.softmax_cross_entropy(X, T[:, :1]), ValueError, r"\(2, 1\)"),
    "targets-more-rows": (
        lambda: gx.softmax_cross_entropy(X[0], T),
        ValueError,
        r"give probabilities of shape \(3,\), or integer labels of shape \(\)",
    ),
    "label-large": (
        lambda: gx.softmax_cross_entropy(X, np.array([0, 3])),
        IndexError,
        "the label 3 and logits of 3 classes; labels are from 0 to 2",
    ),
    "label-negative": (lambda: gx.softmax_cross_entropy(X[0], -1), IndexError, "the label -1"),
    "dense-shapes": (
        lambda: gx.dense(X, X.T, X[0]),
        ValueError,
        r"x of shape \(2, 3\), weights of shape \(3, 2\) and bias of shape \(3,\); give x \(…, n\)",
    ),
    "dense-bias": (lambda: gx.dense(X, X, X[0]), ValueError, r"bias \(m,\)"),
    "dense-number": (lambda: gx.dense(1.0, X, X[:, 0]), ValueError, r"x of shape \(\)"),
    "dense-activation": (
        lambda: gx.dense(X, X, X[:, 0], "gelu"),
        ValueError,
        "activation='gelu'; it is one of None, 'logistic', 'tanh', 'relu'",
    ),
    "dense-complex": (
        lambda: gx.dense(X, X + 0j, X[:, 0], "relu"),
        TypeError,
        "activation='relu' takes real numbers",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_what_to_write(name):
    call, error, match = ERRORS[name]
    with pytest.raises(error, match=match):
        call()


def test_errors_are_the_same_for_variables():
    with pytest.raises(TypeError, match=r"gx\.softmax takes real numbers"):
        gx.grad_bp(gx.softmax, X + 1j)
    with pytest.raises(IndexError, match="the label 9"):
        gx.grad_bp(lambda x: gx.softmax_cross_entropy(x, np.array([9, 0])), X)


@pytest.fixture
def strict():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


def test_nothing_overflows(strict):
    large = np.array([1e4, -1e4, 0.0])
    np.testing.assert_array_equal(gx.softmax(large), [1, 0, 0])
    np.testing.assert_array_equal(gx.log_softmax(large), [0, -2e4, -1e4])
    np.testing.assert_array_equal(gx.logistic(large), [1, 0, 0.5])
    loss, gradient = gx.backprop(lambda x: gx.softmax_cross_entropy(x, np.eye(3)[1]), large)
    assert loss == 2e4
    np.testing.assert_array_equal(gradient, [1, -1, 0])
    np.testing.assert_array_equal(gx.grad_bp(gx.logistic, large), [0, 0, 0.25])


def test_the_logistic_function_keeps_its_digits_far_out():
    np.testing.assert_allclose(gx.logistic(-np.array([40.0, 700.0])), np.exp([-40.0, -700.0]))


def test_impossible_classes_count_nothing_where_the_target_is_zero(strict):
    x = np.array([-INF, 1.0, 1.0])
    loss, gradient = gx.backprop(
        lambda x: gx.softmax_cross_entropy(x, np.array([0.0, 0.5, 0.5])), x
    )
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(gradient, [0, 0, 0], atol=1e-15)
    assert gx.softmax_cross_entropy(x, np.array([1.0, 0.0, 0.0])) == INF


def test_relu_at_zero_is_flat_and_keeps_nan(strict):
    np.testing.assert_array_equal(gx.grad_bp(gx.relu, np.array([-1.0, 0.0, 2.0])), [0, 0, 1])
    assert np.isnan(gx.relu(np.array([NAN]))[0])
    bias = gx.grad_bp(lambda b: gx.dense(np.zeros((2, 1)), np.zeros((2, 1)), b, "relu"), X[0, :2])
    np.testing.assert_array_equal(bias, [2, 0])


@pytest.mark.parametrize("char", "efd")
def test_precision_stays(char):
    x, t, w, b = X.astype(char), T.astype(char), X.astype(char), X[:, 0].astype(char)
    for f, xs in (
        (gx.softmax, (x,)),
        (gx.log_softmax, (x,)),
        (gx.logistic, (x,)),
        (gx.relu, (x,)),
        (gx.softmax_cross_entropy, (x, t)),
        (lambda x: gx.softmax_cross_entropy(x, np.array([0, 2])), (x,)),
        (lambda x, w, b: gx.dense(x, w, b, "logistic"), (x, w, b)),
    ):
        y, gradient = gx.backprop(f, *xs)
        gradients = gradient if len(xs) > 1 else (gradient,)
        assert {y.dtype, f(*xs).dtype, *[g.dtype for g in gradients]} == {np.dtype(char)}


def test_targets_of_integers_take_the_precision_of_the_logits():
    one_hot = np.eye(3, dtype=int)[[0, 2]]
    assert gx.softmax_cross_entropy(X.astype("f"), one_hot).dtype == np.float32


def test_half_precision_is_summed_in_single():
    x = np.zeros(70_000, np.float16)  # more items than the largest half
    np.testing.assert_allclose(gx.softmax(x)[:2].astype(float), 1 / 70_000, rtol=0.01)


def test_integers_and_lists_are_taken_as_numbers():
    np.testing.assert_allclose(gx.softmax([0, 0]), [0.5, 0.5])
    assert gx.logistic(0) == 0.5
    assert gx.relu(True) == 1.0
    np.testing.assert_allclose(
        gx.softmax_cross_entropy([[0, 0], [1, 1]], [[1, 0], [0, 1]]), np.log([2, 2])
    )


def test_a_list_of_variables_is_joined():
    gradient = gx.grad(lambda x, y: gx.softmax([x, y])[0], (0, 1))(0.0, 0.0)
    assert gradient == pytest.approx((0.25, -0.25))


def test_labels_and_one_hot_targets_agree():
    labels = np.array([2, 0])
    by_label = gx.backprop(lambda x: gx.softmax_cross_entropy(x, labels), X)
    by_target = gx.backprop(lambda x: gx.softmax_cross_entropy(x, np.eye(3)[labels]), X)
    np.testing.assert_allclose(by_label[0], by_target[0])
    np.testing.assert_allclose(by_label[1], by_target[1])


def test_the_gradient_of_weights_is_in_their_own_order():
    gradient = gx.grad_bp(lambda w: gx.dense(X, w, np.zeros(4), "tanh"), np.ones((4, 3)))
    assert gradient.flags.c_contiguous


def test_a_dense_layer_is_the_plain_formula():
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((5, 3)), rng.standard_normal((2, 3)), rng.standard_normal(2)
    plain = gx.backprop(lambda x, w, b: 1 / (1 + np.exp(-(x @ w.T + b))), x, w, b)
    fused = gx.backprop(lambda x, w, b: gx.dense(x, w, b, "logistic"), x, w, b)
    np.testing.assert_allclose(fused[0], plain[0], rtol=1e-12)
    for got, wanted in zip(fused[1], plain[1], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_the_fused_functions_of_rows_are_those_of_each_row():
    for row, t, loss in zip(X, T, gx.softmax_cross_entropy(X, T), strict=True):
        assert gx.softmax_cross_entropy(row, t) == pytest.approx(loss)
