"""`gx.debug`: arrays that a rule keeps and that were overwritten before it used them."""

import re

import numpy as np
import pytest

import gradx as gx
from tests.debugging.samples import place_in


def place(function, text):
    return place_in(__file__, function, text)


@pytest.mark.parametrize("size", [3, 20_000], ids=["a copy", "a digest"])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.__setitem__(1, 5.0),
        lambda x: x.__imul__(2.0),
        lambda x: x.sort(),
        lambda x: np.random.default_rng(0).shuffle(x),
        lambda x: x.__setitem__(slice(None), x[::-1].copy()),
    ],
    ids=["an item", "all", "sorted", "shuffled", "reversed"],
)
def test_an_operand_that_was_overwritten_is_found(size, change):
    buffer = np.random.default_rng(1).uniform(size=size)

    def f(x):
        y = x * buffer
        change(buffer)
        return np.sum(y)

    with gx.debug(), pytest.raises(gx.OverwrittenError) as caught:
        gx.grad(f)(np.ones(size))
    assert re.fullmatch(
        r"an array that operator\.mul used, at "
        + place("test_an_operand_that_was_overwritten_is_found.<locals>.f", "y = x * buffer")
        + r", was overwritten before the backward pass, which needs what it was \(float64 of shape "
        rf"\({size},\)\); the gradient would be wrong: pass a copy, np\.copy\(x\), or write into a "
        r"new array",
        str(caught.value),
    )


def test_the_input_that_was_overwritten_is_found_also_between_calls_of_a_pullback():
    x = np.ones(3)
    with gx.debug():
        _, pullback = gx.backprop_with(lambda v: np.sum(v * v), x)
        assert pullback(1.0).tolist() == [2.0, 2.0, 2.0]
        x[0] = 7.0
        with pytest.raises(gx.OverwrittenError, match="mul used"):
            pullback(1.0)


def test_a_large_array_repeated_by_broadcasting_is_compared_as_it_stands_in_memory():
    row = np.ones(50)

    def f(x):
        y = np.sum(x * np.broadcast_to(row, (1000, 50)))
        row[0] = 2.0
        return y

    with gx.debug(), pytest.raises(gx.OverwrittenError, match="mul used"):
        gx.grad(f)(np.ones((1000, 50)))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, buffer: (x + buffer, buffer.fill(9.0))[0],  # the rule keeps nothing of it
        lambda x, buffer: (np.sum(x * 2), x * buffer, buffer.fill(9.0))[0],  # it is not swept
        lambda x, buffer: (np.take(x, [0, 1]), buffer.fill(9.0))[0],
    ],
    ids=["not kept", "not needed", "not met"],
)
def test_an_array_that_no_rule_needs_may_be_overwritten(f):
    with gx.debug():
        gx.grad_bp(lambda x: np.sum(f(x, np.ones(3))), np.ones(3))


def test_a_buffer_that_is_used_again_where_its_last_use_counts_alone():
    buffer = np.zeros(3)

    def last(x, count):
        for k in range(count):
            buffer[:] = k
            y = x * buffer
        return np.sum(y)

    with gx.debug():
        assert gx.grad(last)(np.ones(3), 4).tolist() == [3.0, 3.0, 3.0]


def test_a_buffer_that_is_used_again_where_another_use_counts():
    buffer = np.zeros(3)

    def first(x):
        ys = []
        for k in (1.0, 2.0, 1.0):  # at the end it is what it was for the first and the last
            buffer[:] = k
            ys.append(x * buffer)
        return ys

    with gx.debug():
        for k in (0, 2):
            assert gx.grad(lambda x, k=k: np.sum(first(x)[k]))(np.ones(3)).tolist() == [1.0] * 3
        with pytest.raises(gx.OverwrittenError, match="mul used"):
            gx.grad(lambda x: np.sum(first(x)[1]))(np.ones(3))
