"""Very large arrays: counts and indices past 2**31, by views that repeat one item."""

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import unbroadcast, unbroadcast_and_cast
from gradx.numpy import queries
from gradx.ops.reductions import axes_of, count_of, restored

SIDE = 1 << 17  # 2**34 items in a square, 2**51 in a cube
HUGE = (SIDE, SIDE)


def huge(x, *shape):
    """One number repeated without memory."""
    return np.broadcast_to(np.asarray(x), shape)


def test_counts_are_python_integers():
    count = count_of(None, (SIDE, SIDE, SIDE))
    assert (type(count), count) == (int, 1 << 51)
    assert count_of((0, -1), (SIDE, 3, SIDE)) == 1 << 34
    assert count_of(0, (np.int64(SIDE), SIDE)) == SIDE
    assert axes_of(-1, 2) == (1,)
    assert queries.size(huge(1.0, *HUGE)) == 1 << 34


def test_a_reduced_cotangent_goes_back_into_place():
    assert restored(huge(1.0, SIDE), 0, False, HUGE).shape == (1, SIDE)
    assert np.broadcast_to(restored(np.ones(()), None, True, HUGE), HUGE).shape == HUGE


def test_broadcasting_is_undone_to_huge_shapes_and_from_long_axes():
    assert unbroadcast(np.ones((3, 1)), (3, 1), (3, SIDE)).shape == (3, SIDE)
    g = unbroadcast(huge(1.0, 1, SIDE), (1, SIDE), (1, 1))
    assert g.item() == SIDE
    wide = unbroadcast(huge(np.float32(1), 1, *HUGE), (1, *HUGE), HUGE)
    assert (wide.shape, wide.dtype, wide.strides) == (HUGE, np.float32, (0, 0))
    assert (
        unbroadcast_and_cast(huge(np.float64(2), *HUGE), (HUGE, np.dtype(np.float64))).shape == HUGE
    )


def test_indices_past_two_to_the_31_are_found():
    n = (1 << 33) + 7
    y = gx.eval_bp(lambda v: v[n - 1] * v[n - 2] + v[-1], huge(3.0, n))
    assert y == 12.0
    value = gx.eval_bp(lambda v: v[n - 3 :: n] * 2.0, huge(3.0, n))
    assert value.tolist() == [6.0]


@pytest.mark.parametrize("f", [np.mean, np.var, np.std])
def test_a_count_that_float16_cannot_hold(f):
    x = np.linspace(-0.5, 0.5, 70_000)
    half = gx.grad(f)(x.astype(np.float16))
    assert half.dtype == np.float16
    wanted = gx.grad(f)(x.astype(np.float16).astype(float))
    np.testing.assert_allclose(half, wanted, rtol=5e-3, atol=2e-7)
    assert np.count_nonzero(half) > 60_000
