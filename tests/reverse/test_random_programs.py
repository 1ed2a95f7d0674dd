"""Random programs on mixed values: gradx beside a naive engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradx as gx
from tests.reverse import naive
from tests.reverse.naive import numbers
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


def check_gradients(program, seed):
    xs = inputs(np.random.default_rng(seed))
    y, grads = gx.backprop(program, *xs)
    assert_close(y, program(*xs))
    assert_close(grads, as_floats(naive.gradient(program, *xs)))
    assert grads[5].name == "layer" and type(grads[0]) is float


def check_gradients_of_gradients(program, seed):
    xs = inputs(np.random.default_rng(seed))
    ours = gx.grad_bp(lambda *ys: gx.grad_bp(program, *ys), *xs)
    theirs = naive.gradient(lambda *ys: (naive.slope(program, *ys),), *xs)
    assert_close(ours, as_floats(theirs))


@settings(max_examples=120)
@given(programs(20), seeds)
def test_gradients_are_those_of_the_naive_engine(program, seed):
    check_gradients(program, seed)


@settings(max_examples=40)
@given(programs(8), seeds)
def test_gradients_of_gradients_are_those_of_the_naive_engine(program, seed):
    check_gradients_of_gradients(program, seed)


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


# --- Forward mode, and each mode over each --------------------------------------------------------


def check_tangents(program, seed):
    rng = np.random.default_rng(seed)
    xs, ts = inputs(rng), inputs(rng)
    y, tangent = gx.jvp(program, xs, ts)
    assert_close(y, program(*xs))
    assert_close(tangent, as_floats(naive.tangent(program, xs, ts)))
    along = flat(gx.grad_bp(program, *xs)) @ flat(ts)
    assert_close((float(np.sum(flat(tangent))),), (float(along),))


def check_second_derivatives(program, seed):
    """Forward over reverse, reverse over forward and forward over forward, by two naive engines."""
    rng = np.random.default_rng(seed)
    xs, ts, us = inputs(rng), inputs(rng), inputs(rng)
    slope = lambda *ys: (sum(numbers(naive.tangent(program, ys, ts)), 0.0),)  # noqa: E731
    product = as_floats(naive.gradient(slope, *xs))
    forward_over_reverse = gx.jvp(lambda *ys: gx.grad_bp(program, *ys), xs, ts)[1]
    assert_close(forward_over_reverse, product)
    reverse_over_forward = gx.grad_bp(lambda *ys: gx.jvp(program, ys, ts)[1], *xs)
    assert_close(reverse_over_forward, product)
    forward_over_forward = gx.jvp(lambda *ys: gx.jvp(program, ys, ts)[1], xs, us)[1]
    both = naive.tangent(lambda *ys: naive.tangent(program, ys, ts), xs, us)
    assert_close(forward_over_forward, as_floats(both))


@settings(max_examples=60)
@given(programs(20), seeds)
def test_tangents_are_those_of_dual_numbers(program, seed):
    check_tangents(program, seed)


@settings(max_examples=25)
@given(programs(8), seeds)
def test_second_derivatives_of_each_mode_over_each(program, seed):
    check_second_derivatives(program, seed)


# --- The same for long, by scripts/soak -----------------------------------------------------------


@pytest.mark.soak
@settings(max_examples=1500)
@given(programs(40), seeds)
def test_long_programs_in_reverse(program, seed):
    check_gradients(program, seed)


@pytest.mark.soak
@settings(max_examples=1500)
@given(programs(40), seeds)
def test_long_programs_forward(program, seed):
    check_tangents(program, seed)


@pytest.mark.soak
@settings(max_examples=400)
@given(programs(14), seeds)
def test_long_programs_in_reverse_over_reverse(program, seed):
    check_gradients_of_gradients(program, seed)


@pytest.mark.soak
@settings(max_examples=400)
@given(programs(14), seeds)
def test_long_programs_of_each_mode_over_each(program, seed):
    check_second_derivatives(program, seed)


# --- The tester, tested ---------------------------------------------------------------------------


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


def test_dual_numbers_know_some_calculus():
    slope = lambda f, x: naive.tangent(f, (x,), (1.0,))  # noqa: E731
    assert np.isclose(slope(lambda x: np.sin(x) * x, 2.0), np.cos(2.0) * 2.0 + np.sin(2.0))
    assert slope(lambda x: 1.0 / (1.0 + np.exp(-x)), 0.0) == 0.25
    assert slope(lambda x: slope(lambda y: slope(lambda z: z**4, y), x), 2.0) == 48.0
    assert slope(lambda x: x * slope(lambda y: y * x, 1.0), 3.0) == 6.0
    assert slope(lambda x: x * slope(lambda y: x + y, 1.0), 3.0) == 1.0
    assert naive_gradient(lambda x: slope(lambda y: np.tanh(y) * y, x), 0.0) == 2.0


def test_the_naive_engine_finds_a_wrong_rule():
    """The tester, tested: an op wrong by 0.05 % does not pass."""
    wrong = gx.lift(lambda x: (np.sin(x), lambda g: g * np.cos(x) * 1.0005))
    with pytest.raises(AssertionError):
        assert_close((gx.grad_bp(wrong, 0.7),), (naive_gradient(np.sin, 0.7),))
