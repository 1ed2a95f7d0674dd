"""Random programs on mixed values: gradx beside a naive engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradx as gx
from tests.reverse import naive
from tests.reverse.programs import Layer, inputs, programs

seeds = st.integers(0, 1000)


def flat(x):
    """All numbers of a value in one vector."""
    parts = []

    def gather(part):
        if isinstance(part, (float, np.ndarray)):
            parts.append(np.ravel(np.asarray(part, float)))
        elif isinstance(part, dict):
            [gather(each) for each in part.values()]
        elif isinstance(part, (tuple, list)):
            [gather(each) for each in part]
        elif isinstance(part, Layer):
            [gather(each) for each in (part.w, part.b, part.scale)]

    gather(x)
    return np.concatenate(parts) if parts else np.zeros(0)


def as_floats(x):
    if isinstance(x, np.ndarray):
        return x.astype(float)
    if isinstance(x, Layer):
        return Layer(as_floats(x.w), as_floats(x.b), float(x.scale))
    if isinstance(x, dict):
        return {key: as_floats(part) for key, part in x.items()}
    return tuple(map(as_floats, x)) if isinstance(x, tuple) else float(x)


def assert_close(ours, theirs):
    ours, theirs = flat(ours), flat(theirs)
    assert ours.shape == theirs.shape
    scale = 1.0 + np.max(np.abs(theirs), initial=0.0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10 * scale)


@settings(max_examples=120)
@given(programs(20), seeds)
def test_gradients_are_those_of_the_naive_engine(program, seed):
    xs = inputs(np.random.default_rng(seed))
    y, grads = gx.backprop(program, *xs)
    assert_close(y, program(*xs))
    assert_close(grads, as_floats(naive.gradient(program, *xs)))
    assert grads[5].name == "layer" and type(grads[0]) is float


@settings(max_examples=40)
@given(programs(8), seeds)
def test_gradients_of_gradients_are_those_of_the_naive_engine(program, seed):
    xs = inputs(np.random.default_rng(seed))
    ours = gx.grad_bp(lambda *ys: gx.grad_bp(program, *ys), *xs)
    theirs = naive.gradient(lambda *ys: (naive.slope(program, *ys),), *xs)
    assert_close(ours, as_floats(theirs))


@settings(max_examples=60)
@given(programs(20), seeds)
def test_pullbacks_are_linear_and_reusable(program, seed):
    rng = np.random.default_rng(seed)
    xs = inputs(rng)
    y, pullback = gx.backprop_with(program, *xs)
    ones = gx.one(y)
    first, twice, again = pullback(ones), pullback(gx.add(ones, ones)), pullback(ones)
    assert np.array_equal(flat(first), flat(again))
    assert_close(flat(twice), 2.0 * flat(first))
    assert_close(first, gx.grad_bp(program, *xs))


def naive_gradient(f, x):
    return float(naive.gradient(f, x)[0])


def test_the_naive_engine_knows_some_calculus():
    """The tester, tested: derivatives from a first-year table."""
    nested = naive.gradient
    assert np.isclose(naive_gradient(lambda x: np.sin(x) * x, 2.0), np.cos(2.0) * 2.0 + np.sin(2.0))
    assert naive_gradient(lambda x: 1.0 / (1.0 + np.exp(-x)), 0.0) == 0.25
    third = lambda x: nested(lambda y: nested(lambda z: z**4, y)[0], x)[0]  # noqa: E731
    assert naive_gradient(third, 2.0) == 48.0
    assert naive_gradient(lambda x: x * nested(lambda y: y * x, 1.0)[0], 3.0) == 6.0


def test_the_naive_engine_finds_a_wrong_rule():
    """The tester, tested: an op wrong by 0.05 % does not pass."""
    wrong = gx.lift(lambda x: (np.sin(x), lambda g: g * np.cos(x) * 1.0005))
    with pytest.raises(AssertionError):
        assert_close((gx.grad_bp(wrong, 0.7),), (naive_gradient(np.sin, 0.7),))
