"""Every case of the op specification under `gx.vmap`: its values and gradients are those of a loop.

The batch run stands alone, below a reverse run and above one. A function that needs the numbers of
an example (its case says so) may raise, and gives nothing wrong.
"""

import warnings

import numpy as np
import pytest

import gradx as gx
from gradx.batch.table import looped_ops
from gradx.core.op import OPS
from gradx.testing.gradients import random_like
from gradx.values.leaves import map_leaves
from tests.ops.test_specification import COMPLEX, complex_operands, has_gradient, leaves, per_case

SIZE = 3
MAY_RAISE = (TypeError, ValueError, IndexError)


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_number(x):
    return isinstance(x, np.ndarray | float | complex) and has_gradient(x)


def examples_of(make, rng):
    """The operands of each example, in_axes, and the operands of `gx.vmap`: some are unmapped."""
    drawn = [make(rng) for _ in range(SIZE)]
    first = drawn[0]
    flags = [is_number(x) and (len(first) == 1 or i % 3 != 1) for i, x in enumerate(first)]
    if not any(flags):
        pytest.skip("no operand has an axis")
    rows = [
        tuple(x if flag else same for x, flag, same in zip(xs, flags, first, strict=True))
        for xs in drawn
    ]
    columns = zip(*rows, strict=True)
    batched = [np.stack(c) if flag else c[0] for c, flag in zip(columns, flags, strict=True)]
    return rows, tuple(0 if flag else None for flag in flags), batched


def in_form(first, xs):
    """The operands of one example, a Python number where the case has one."""
    return [
        x.item() if isinstance(like, float | complex) and isinstance(x, np.generic) else x
        for like, x in zip(first, xs, strict=True)
    ]


def assert_close(y, expected, tolerance):
    y, expected = np.asarray(y), np.asarray(expected)
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    size = max(np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0), 1e-3)
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance * size)


def assert_rows(got, wanted, tolerance):
    """Each leaf of a batched result has the leaves of the examples' results for rows."""
    for y, column in zip(leaves(got), zip(*map(leaves, wanted), strict=True), strict=True):
        if is_number(column[0]) or isinstance(column[0], np.ndarray | np.generic | bool | int):
            assert_close(y, np.stack([np.asarray(x) for x in column]), tolerance)


def outcome(case, call):
    """What a call gives; None where it may raise, and does."""
    if case.abstract:
        return call()
    try:
        return call()
    except MAY_RAISE:
        return None


def check_values(case, make, rng):
    rows, axes, batched = examples_of(make, rng)
    mapped = gx.vmap(lambda *xs: case.call(*in_form(rows[0], xs)), in_axes=axes)
    got = outcome(case, lambda: mapped(*batched))
    if got is not None:
        assert_rows(got, [case.call(*xs) for xs in rows], 1e-9)


@per_case(every=3)
def test_values_are_those_of_a_loop(case, rng):
    check_values(case, case.make, rng)


@pytest.mark.thorough
@per_case(COMPLEX, every=10)
def test_complex_values_are_those_of_a_loop(case, rng):
    check_values(case, lambda rng: complex_operands(case, rng), rng)


# --- A reverse run in each example ----------------------------------------------------------------


def gradients_of(case, xs, g):
    grads = gx.backprop_with(case.call, *xs)[1](g)
    return (grads,) if len(xs) == 1 else grads


def check_inside(case, make, rng):
    rows, axes, batched = examples_of(make, rng)
    g = random_like(case.call(*rows[0]), np.random.default_rng(0))

    def f(*xs):
        grads = gradients_of(case, in_form(rows[0], xs), g)
        return [h for h, x in zip(grads, rows[0], strict=True) if has_gradient(x)]

    got = outcome(case, lambda: gx.vmap(f, in_axes=axes)(*batched))
    if got is not None:
        assert_rows(got, [f(*xs) for xs in rows], 1e-8)


@per_case(every=8)
def test_gradients_of_each_example_are_those_of_a_loop(case, rng):
    check_inside(case, case.make, rng)


@pytest.mark.thorough
@per_case(COMPLEX, every=16)
def test_complex_gradients_of_each_example_are_those_of_a_loop(case, rng):
    check_inside(case, lambda rng: complex_operands(case, rng), rng)


# --- A reverse run around all examples ------------------------------------------------------------


def check_outside(case, make, rng):
    rows, axes, batched = examples_of(make, rng)

    def row(xs, i):
        return [x[i] if axis == 0 else x for x, axis in zip(xs, axes, strict=True)]

    def in_a_loop(*xs):
        return [case.call(*in_form(rows[0], row(xs, i))) for i in range(SIZE)]

    def mapped(*xs):
        return gx.vmap(lambda *vs: case.call(*in_form(rows[0], vs)), in_axes=axes)(*xs)

    result = outcome(case, lambda: gx.backprop_with(mapped, *batched))
    if result is None:
        pytest.skip("it needs the numbers of an example")
    results, pullback = gx.backprop_with(in_a_loop, *batched)
    gs = [random_like(y, np.random.default_rng(i)) for i, y in enumerate(results)]
    columns = iter(list(zip(*map(leaves, gs), strict=True)))
    y, mapped_pullback = result
    assert_rows(y, results, 1e-9)
    got = mapped_pullback(map_leaves(y, lambda x, spec: np.stack(next(columns))))
    wanted = pullback(gs)
    pairs = [(got, wanted)] if len(batched) == 1 else zip(got, wanted, strict=True)
    for x, (a, b) in zip(batched, pairs, strict=True):
        if has_gradient(x):
            assert_close(a, b, 1e-8)


@pytest.mark.thorough
@per_case(every=8)
def test_gradients_of_all_examples_are_those_of_a_loop(case, rng):
    check_outside(case, case.make, rng)


@pytest.mark.thorough
@per_case(COMPLEX, every=20)
def test_complex_gradients_of_all_examples_are_those_of_a_loop(case, rng):
    check_outside(case, lambda rng: complex_operands(case, rng), rng)


def test_few_ops_need_a_loop():
    assert len(looped_ops()) <= 0.05 * len(OPS), looped_ops()
