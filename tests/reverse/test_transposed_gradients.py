"""A gradient that is a transposed product is handed out as it is, unless its memory is known."""

import numpy as np
import pytest

import gradx as gx


def test_the_gradient_of_a_transposed_factor_is_not_copied():
    x, w = np.ones((3, 4)), np.ones((2, 4))
    gradient = gx.grad_bp(lambda w: np.sum((x @ w.T) ** 2), w)
    np.testing.assert_array_equal(gradient, np.full((2, 4), 24.0))
    assert gradient.flags.owndata  # the product was made the other way round
    assert gradient.flags.c_contiguous
    assert gradient.flags.writeable


def test_the_gradient_of_a_transposed_copy_is_not_copied():
    x, w = np.ones((3, 4)), np.ones((2, 4))
    gradient = gx.grad_bp(lambda w: np.sum((x @ np.transpose(w)) ** 2), w)
    np.testing.assert_array_equal(gradient, np.full((2, 4), 24.0))
    assert gradient.base is not None  # the product itself, of which there is no other view
    assert gradient.flags.writeable


KNOWN = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "rule",
    [
        lambda _: KNOWN.T,  # all of an array that someone has
        lambda _: np.arange(12.0).reshape(4, 3)[::2].T,  # a part of one
        lambda _: np.broadcast_to(np.float64(1), (3, 2)),  # one item, repeated
    ],
)
def test_memory_that_is_shared_or_more_than_the_gradient_is_copied(rule):
    transpose = gx.lift(lambda x: (x * 1, rule))
    gradient = gx.grad_bp(lambda x: np.sum(transpose(x)), np.ones((3, 2)))
    assert gradient.base is None
    np.testing.assert_array_equal(gradient, rule(None))
    assert not np.shares_memory(gradient, KNOWN)


def test_two_inputs_do_not_get_one_memory():
    product = gx.lift(lambda x, y: (x + y, lambda g: (h := (g * 2).T.copy()) is None or (h.T, h.T)))
    one, two = gx.grad_bp(lambda x, y: np.sum(product(x, y)), np.ones((3, 2)), np.ones((3, 2)))
    assert not np.shares_memory(one, two)


def test_a_cotangent_of_the_caller_is_not_handed_back():
    g = np.ones((2, 3))
    gradient = gx.backprop_with(lambda x: x.T, np.ones((3, 2)))[1](g)
    assert not np.shares_memory(gradient, g)
