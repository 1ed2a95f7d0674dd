"""Every case of the op specification under `gx.vmap`: its values and gradients are those of a loop.

The batch run stands alone, below a reverse run and above one.
"""

import warnings

import numpy as np
import pytest

import gradx as gx
from gradx.batch.loops import counted_loops
from gradx.core.op import OPS
from gradx.batch.table import looped_ops
from gradx.testing.gradients import random_like
from tests.ops.cases import ALL_CASES
from tests.ops.test_specification import COMPLEX, complex_operands, has_gradient, leaves, per_case

SIZE = 3


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_mapped(x, i, count):
    """Of several operands some stay the same for all examples."""
    return isinstance(x, np.ndarray | float | complex) and has_gradient(x) and (
        count == 1 or i % 3 != 1
    )


def examples_of(make, rng):
    """Operands for each example, and the axes and the batched operands for `gx.vmap`."""
    drawn = [make(rng) for _ in range(SIZE)]
    first = drawn[0]
    flags = [is_mapped(x, i, len(first)) for i, x in enumerate(first)]
    if not any(flags):
        flags = [has_gradient(x) and isinstance(x, np.ndarray | float | complex) for x in first]
    rows = [
        tuple(x if flag else same for x, flag, same in zip(xs, flags, first, strict=True))
        for xs in drawn
    ]
    columns = zip(*rows, strict=True)
    batched = [np.stack(c) if flag else c[0] for c, flag in zip(columns, flags, strict=True)]
    return rows, tuple(0 if flag else None for flag in flags), batched


def assert_rows(got, wanted, tolerance=1e-9):
    """Each leaf of a batched result has the leaves of the examples' results for rows."""
    columns = list(zip(*[leaves(w) for w in wanted], strict=True))
    found = leaves(got)
    assert len(found) == len(columns)
    for y, column in zip(found, columns, strict=True):
        if not isinstance(column[0], np.ndarray | np.generic | float | int | complex | bool):
            continue
        expected = np.stack([np.asarray(x) for x in column])
        assert np.shape(y) == expected.shape
        assert np.asarray(y).dtype == expected.dtype
        size = max(np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0), 1e-3)
        np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance * size)


def check_values(case, make, rng):
    rows, axes, batched = examples_of(make, rng)
    if not any(axis == 0 for axis in axes):
        pytest.skip("no operand has an axis")
    wanted = [case.call(*xs) for xs in rows]
    got = gx.vmap(lambda *xs: case.call(*unboxed(rows[0], xs)), in_axes=axes)(*batched)
    assert_rows(got, wanted)


def unboxed(first, xs):
    """A Python number for a NumPy scalar where the case has one."""
    return [
        x.item() if isinstance(like, float | complex) and isinstance(x, np.generic) else x
        for like, x in zip(first, xs, strict=True)
    ]


@per_case()
def test_values_are_those_of_a_loop(case, rng):
    check_values(case, case.make, rng)


@per_case(COMPLEX)
def test_complex_values_are_those_of_a_loop(case, rng):
    check_values(case, lambda rng: complex_operands(case, rng), rng)


def gradients_of(case, xs, g):
    """The gradients by the operands that have some, for a cotangent."""
    y, pullback = gx.backprop_with(case.call, *xs)
    grads = pullback(g)
    return (grads,) if len(xs) == 1 else grads


def numeric(grads, xs):
    return [g for g, x in zip(grads, xs, strict=True) if has_gradient(x)]


def check_inside(case, make, rng):
    """Reverse runs inside the batch run: the gradients of each example in one pass."""
    rows, axes, batched = examples_of(make, rng)
    if not any(axis == 0 for axis in axes):
        pytest.skip("no operand has an axis")
    g = random_like(case.call(*rows[0]), np.random.default_rng(0))
    wanted = [numeric(gradients_of(case, xs, g), xs) for xs in rows]

    def f(*xs):
        return numeric(gradients_of(case, unboxed(rows[0], xs), g), rows[0])

    assert_rows(gx.vmap(f, in_axes=axes)(*batched), wanted, 1e-8)


@per_case()
def test_gradients_inside_are_those_of_a_loop(case, rng):
    check_inside(case, case.make, rng)


@per_case(COMPLEX)
def test_complex_gradients_inside_are_those_of_a_loop(case, rng):
    check_inside(case, lambda rng: complex_operands(case, rng), rng)


def check_outside(case, make, rng):
    """A reverse run around the batch run: the gradients by whole batches."""
    rows, axes, batched = examples_of(make, rng)
    if not any(axis == 0 for axis in axes):
        pytest.skip("no operand has an axis")

    def every(*xs):
        return [case.call(*row_of(xs, axes, rows[0], i)) for i in range(SIZE)]

    def mapped(*xs):
        return gx.vmap(lambda *vs: case.call(*unboxed(rows[0], vs)), in_axes=axes)(*xs)

    results, pullback = gx.backprop_with(every, *batched)
    gs = [random_like(y, np.random.default_rng(i)) for i, y in enumerate(results)]
    wanted = pullback(gs)
    y, pullback = gx.backprop_with(mapped, *batched)
    columns = iter(list(zip(*[leaves(g) for g in gs], strict=True)))
    got = pullback(_stacked(y, columns))
    if len(batched) == 1:
        got, wanted = (got,), (wanted,)
    for x, a, b in zip(batched, got, wanted, strict=True):
        if has_gradient(x):
            close(a, b)


def close(a, b):
    b = np.asarray(b)
    assert np.shape(a) == b.shape and np.asarray(a).dtype == b.dtype
    size = max(np.max(np.abs(b[np.isfinite(b)]), initial=0.0), 1e-3)
    np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * size)


def row_of(xs, axes, first, i):
    return unboxed(first, [x[i] if axis == 0 else x for x, axis in zip(xs, axes, strict=True)])


def _stacked(y, columns):
    from gradx.values.leaves import map_leaves

    return map_leaves(y, lambda x, spec: np.stack(next(columns)))


@per_case()
def test_gradients_outside_are_those_of_a_loop(case, rng):
    check_outside(case, case.make, rng)


@per_case(COMPLEX)
def test_complex_gradients_outside_are_those_of_a_loop(case, rng):
    check_outside(case, lambda rng: complex_operands(case, rng), rng)


def test_few_ops_need_a_loop():
    assert len(looped_ops()) <= 0.05 * len(OPS), looped_ops()
