"""An array of more than 2**31 items on the device: 4 GiB, so only on hardware or when asked for.

GRADX_LARGE=1 scripts/test-cuda -n 0 -k large
"""

import cupy as cp
import numpy as np
import pytest

import gradx as gx

N = (1 << 31) + 8


@pytest.mark.parametrize(
    ("f", "last"),
    [
        (lambda v: v[N - 1] * v[N - 3], [1, 0, 1]),
        (lambda v: np.sum(v[[N - 1, N - 3, N - 1]]), [1, 0, 2]),
        (lambda v: np.sum(v[cp.asarray([N - 2, N - 2])]), [0, 2, 0]),
        (lambda v: np.sum(v[N - 3 :] * 3), [3, 3, 3]),
    ],
)
def test_the_last_items_get_their_gradient(f, last):
    x = cp.broadcast_to(cp.full((), 1, np.float16), (N,))  # one number; its gradient is large
    gradient = gx.grad(f)(x)
    assert (gradient.dtype, gradient.shape) == (np.float16, (N,))
    assert gradient[-5:].tolist() == [0, 0, *last]
    assert gradient[:8].tolist() == [0] * 8
    del gradient
    cp.get_default_memory_pool().free_all_blocks()
