"""Slices of device arrays, and what is built on them: their transpose adds into zeros."""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from tests.cuda.places import SOFTWARE, assert_same
from tests.cuda.test_gradients import MATRIX, ROW, check

if SOFTWARE:  # only it counts
    from benchmarks.cuda_counts import count

pytestmark = pytest.mark.modes


@pytest.mark.parametrize(
    "f",
    [
        lambda v: v[:, ::2],
        lambda v: v[..., None, 1:] ** 2,
        lambda v: v[::-1] * v,
        lambda v: v[[1, 0, 1]] ** 2,
        lambda v: v[:, [2, 0, 0]] ** 2,
        lambda v: v[np.array([1, 1]), np.array([0, 2])] ** 2,
        lambda v: np.flip(v, 0) * v,
        lambda v: np.take(v, [0, 2, 2], axis=1) ** 2,
        lambda v: np.sort(v, axis=1) * v,
        np.prod,
    ],
)
def test_slices(f):
    check(f, MATRIX)
    check(f, MATRIX + 0.5j * MATRIX[::-1], order=1)


@pytest.mark.parametrize("f", [lambda v, r: v @ r, lambda v, r: r @ v.T, np.dot])
def test_products_with_vectors(f):
    check(f, MATRIX, ROW)


def test_indices_on_the_device_are_added_on_the_device():
    x, which = cp.arange(6.0), cp.asarray([0, 2, 2])
    if SOFTWARE:
        counts = count("take", lambda: gx.grad_bp(lambda v: v[which] ** 2 + v[1:4], x))
        assert (counts.to_device, counts.to_host, counts.syncs) == (0, 0, 0)
    assert_same(gx.grad_bp(lambda v: v[which] ** 2, x), np.array([0.0, 0, 8, 0, 0, 0]))
