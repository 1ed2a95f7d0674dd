"""`gx.debug`: where numbers stop being finite, forward and backward, and its words for it."""

import re

import numpy as np
import pytest

import gradx as gx
from tests.debugging.samples import net, place_in

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

X = np.array([0.0, 1.0])


def place(function, text):
    return place_in(__file__, function, text)


def logarithm(net, x):
    hidden = net.layers[0].w @ x
    return np.sum(np.log(-hidden))


def root(x):
    return np.sum(np.sqrt(x))


def ratio(x, y):
    return x / y


def test_a_nan_of_the_forward_run_is_told_with_op_line_range_and_inputs():
    with gx.debug(), pytest.raises(gx.NonFiniteError) as caught:
        gx.backprop(logarithm, net(), np.ones(3))
    assert re.fullmatch(
        r"log gave NaN where its operands are finite, at "
        + place("logarithm", "return np.sum(np.log(-hidden))")
        + r"; operand 0 is float64 of shape \(2,\), from -1\.5 to -1\.5; it came from argument "
        r"0\.layers\[0\]\.w, argument 1; keep the operands where the function is finite "
        r"\(np\.where on the operand, not on the result\), or pass inf=False to "
        r"gx\.debug if infinities are meant",
        str(caught.value),
    )


def test_an_infinity_of_the_backward_pass_is_told_with_the_rule():
    with gx.debug(), pytest.raises(gx.NonFiniteError) as caught:
        gx.grad(root)(X)
    assert re.fullmatch(
        r"the backward rule of sqrt made an infinity of a cotangent that is finite \(float64 of "
        r"shape \(2,\), from 1\.0 to 1\.0\), at "
        + place("root", "return np.sum(np.sqrt(x))")
        + r"; operand 0 is float64 of shape \(2,\), from 0\.0 to 1\.0; it came from argument 0; "
        r"the function has no finite derivative there: keep the operands away from such points "
        r"\(np\.where on the operand, not on the result\)",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("f", "xs", "words"),
    [
        (lambda x: np.sum(np.log(x)), (X,), "log gave an infinity .* from 0.0 to 1.0"),
        (lambda x: np.log(-x), (np.float64(1.0),), "log gave NaN .* is the float64 -1.0"),
        (lambda x: np.sum(x / x), (X,), "truediv gave NaN"),
        (ratio, (1.0, np.float64(0.0)), "operand 0 is the float 1.0, operand 1 is the float64 0.0"),
        (lambda x: np.sum(x / np.zeros(2)), (X + 1,), r"operand 1 is .*\(2,\), from 0.0 to 0.0"),
        (lambda x: np.sum(x * 1e200), (X + 1e200,), "mul gave an infinity"),
        (lambda x: x * 1e200 * 1e200, (1.0,), "operand 0 is the float 1e.200"),
        (lambda x: np.sum(np.exp(x)), (X + 1000,), "exp gave an infinity"),
        (lambda x: np.abs(np.sum(1 / x)), (X * 1j,), "absolute values from 0.0 to 1.0"),
        (lambda x: np.sqrt(x), (0.0,), "rule of sqrt made an infinity"),
        (lambda x: np.sum(np.arcsin(x)), (X,), "rule of arcsin made an infinity"),
        (lambda x: np.sum(x**0.5), (X,), "rule of .*pow"),
        (lambda x: gx.grad(lambda y: np.sqrt(y * y))(x), (0.0,), "rule of sqrt made"),
        (lambda x: np.sum(gx.grad(root)(x)), (X,), "rule of sqrt made an infinity"),
    ],
    ids=range(14),
)
def test_what_is_not_finite_is_found(f, xs, words):
    with gx.debug(), pytest.raises(gx.NonFiniteError, match=words):
        gx.backprop(f, *xs)


def test_infinity_minus_infinity_of_constants_and_results():
    def f(x):
        return np.sum((x + np.inf) - np.array([np.inf, 1.0]))

    with gx.debug() as report:  # the operands are not finite: infinite constants pass
        y = gx.backprop(f, X)[0]
    assert np.isnan(y)
    assert report.events == {}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x + np.array([-np.inf, 0.0])),
        lambda x: np.sum(np.inf / (x + 1)),
        lambda x: np.sum(np.inf - x),
        lambda x: np.max(np.where(x > 2, x, -np.inf) + x),
        lambda x: np.sum(np.maximum(x, np.nan)),
        lambda x: np.sum(np.concatenate([x, [np.inf]])),
    ],
    ids=range(6),
)
def test_constants_that_are_not_finite_pass(f):
    plain = gx.backprop(f, X)
    with gx.debug():
        checked = gx.backprop(f, X)
    assert repr(plain) == repr(checked)


def test_an_infinite_input_passes():
    with gx.debug():
        assert gx.backprop(lambda x: np.exp(x), np.inf)[0] == np.inf


def test_infinities_may_be_left_alone():
    with gx.debug(inf=False):
        assert np.isinf(gx.grad(root)(X)[0])
        assert gx.backprop(lambda x: x * 1e200 * 1e200, 1.0)[0] == np.inf
        with pytest.raises(gx.NonFiniteError, match="sub gave NaN"):
            gx.backprop(lambda x: np.sum(np.log(x) - np.log(x)), X)


def test_a_nan_of_a_users_op_is_found():
    @gx.lift
    def bad(x):
        return x * 2.0, lambda g: g * np.nan

    with gx.debug(), pytest.raises(gx.NonFiniteError, match="rule of bad made NaN"):
        gx.grad(lambda x: bad(x))(1.0)


def test_a_sum_of_cotangents_that_overflows_is_found():
    with gx.debug(), pytest.raises(gx.NonFiniteError, match="mul made an infinity"):
        gx.backprop(lambda x: x * 1e308 + x * 1e308, 0.5)


def test_three_inputs_at_most_the_nearest_first():
    def f(*xs):
        far = xs[0] + 1.0 + 1.0
        return np.log(far - (xs[1] + xs[2] + xs[3] + xs[4]))

    with gx.debug(), pytest.raises(gx.NonFiniteError) as caught:
        gx.backprop(f, 0.0, 5.0, 5.0, 5.0, 5.0)
    assert "it came from argument 4, argument 0, argument 3; keep" in str(caught.value)


def test_many_operands_are_counted():
    with gx.debug(), pytest.raises(gx.NonFiniteError, match="and 2 more; it came"):
        gx.backprop(lambda xs: np.einsum("i,i,i,i,i,i->", *xs), [np.full(1, 1e100)] * 6)


def test_gradients_of_each_example_are_checked():
    x = np.array([1.0, 2.0, 3.0])
    with gx.debug() as report:
        found = gx.vmap(gx.grad(lambda x: np.sin(x) * x))(x)
        gx.vmap(gx.grad(lambda x, y: np.sum(np.sin(x) * y)))(np.ones((3, 2)), x)
    np.testing.assert_array_equal(found, np.cos(x) * x + np.sin(x))
    assert str(report).endswith("nothing to tell")
    with gx.debug(), np.errstate(all="ignore"):
        with pytest.raises(gx.NonFiniteError, match="log gave an infinity where its operands"):
            gx.vmap(gx.grad(lambda x: np.log(x - 1)))(x)
        with pytest.raises(gx.NonFiniteError, match="the backward rule of sqrt made an infinity"):
            gx.vmap(gx.grad(lambda x: np.sqrt(x - 1)))(x)


def test_rules_of_tangents_are_transposed_in_a_block():
    f = gx.custom_jvp(lambda x: x * x)
    f.defjvp(lambda xs, ts: (f(*xs), 2 * xs[0] * ts[0]))
    with gx.debug():
        assert gx.grad(f)(3.0) == 6.0
        assert gx.grad(lambda x: gx.jvp(lambda v: v**3, (x,), (1.0,))[1])(2.0) == 12.0
