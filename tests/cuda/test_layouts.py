"""Arrays laid out oddly: views, strides, orders of memory, no items, no axes; NumPy's numbers.

Each function runs on each array on the host and on the device, with gradient.
"""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.testing.gradients import random_like
from tests.cuda.device_numpy import on_device
from tests.cuda.places import assert_same, beside

BASE = np.random.default_rng(0).uniform(0.2, 1.7, (4, 6))

# --- Views of a matrix, as a library makes them of its own arrays ---------------------------------

VIEWS = {
    "contiguous": lambda np, x: x[:2, :3],
    "transposed": lambda np, x: x.T[:2, :3],
    "strided": lambda np, x: x[::2, ::2],
    "strided-columns": lambda np, x: x[:2, 1::2],
    "backwards": lambda np, x: x[1::-1, 2::-1],
    "backwards-strided": lambda np, x: x[::-2, ::-2],
    "offset": lambda np, x: x[2:, 3:],
    "fortran": lambda np, x: np.asfortranarray(x[:2, :3]),
    "repeated-rows": lambda np, x: np.broadcast_to(x[0, :3], (2, 3)),
    "repeated-columns": lambda np, x: np.broadcast_to(x[:2, :1], (2, 3)),
    "repeated-number": lambda np, x: np.broadcast_to(x[0, 0], (2, 3)),
    "swapped-cube": lambda np, x: np.swapaxes(x.reshape(2, 3, 4), 0, 2),
    "sliding": lambda np, x: np.lib.stride_tricks.as_strided(x, (2, 3), (8, 8)),
}
FUNCTIONS = {
    "exp": lambda x: np.exp(x),
    "product": lambda x: x * x[:1] / (x + 1),
    "power": lambda x: x**3 + x**1.5,
    "where": lambda x: np.where(x > 1, x, 0.1 * x * x),
    "maximum": lambda x: np.maximum(x, 0.8),
    "sum": lambda x: np.sum(x * x, axis=-1),
    "mean": lambda x: np.mean(x, axis=0, keepdims=True),
    "max": lambda x: np.max(x, axis=-1),
    "var": lambda x: np.var(x),
    "prod": lambda x: np.prod(x, axis=0),
    "norm": lambda x: np.linalg.norm(x),
    "matmul": lambda x: np.matmul(x, np.swapaxes(x, -1, -2)),
    "matvec": lambda x: x @ x[0].T if x.ndim == 2 else x[0] @ x[0].T,
    "einsum": lambda x: np.einsum("...ij,...kj->...ik", x, x),
    "tensordot": lambda x: np.tensordot(x, x, ((0,), (0,))),
    "outer": lambda x: np.outer(x, x[0]),
    "reshape": lambda x: np.reshape(x, -1) * 2,
    "reshape-fortran": lambda x: np.reshape(x, -1, order="F") ** 2,
    "ravel-memory": lambda x: np.sum(np.ravel(x, order="K") ** 2),
    "transpose": lambda x: x.T * 2,
    "concatenate": lambda x: np.concatenate([x, x * x], axis=1),
    "stack": lambda x: np.stack([x, x], axis=-1),
    "pad": lambda x: np.pad(x, 1, mode="edge"),
    "tile": lambda x: np.tile(x, 2),
    "slice": lambda x: x[..., ::-2] * x[..., ::-2],
    "indices": lambda x: x[[1, 0, 1]] ** 2,
    "mask": lambda x: x[x > 0.5] ** 2,
    "flip": lambda x: np.flip(x) * x,
    "diagonal": lambda x: np.diagonal(x) ** 2,
    "sort": lambda x: np.sort(x + np.arange(x.shape[-1]), axis=-1) ** 2,
    "cumsum": lambda x: np.cumsum(x, axis=0) ** 2,
    "cumprod": lambda x: np.cumprod(x, axis=-1),
    "diff": lambda x: np.diff(x) ** 2,
    "take-along": lambda x: np.take_along_axis(x, np.argsort(x, axis=-1, kind="stable"), -1),
    "median": lambda x: np.median(x + np.arange(x.shape[-1]), axis=-1),
    "clip": lambda x: np.clip(x, 0.5, 1.2),
    "astype": lambda x: x.astype(np.float32) * x,
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True),
}


def prove(f, x, device_x):
    y, pullback = gx.backprop_with(f, x)
    device_y, device_pullback = gx.backprop_with(on_device(f), device_x)
    tolerance = 1e-5 if x.dtype == np.float32 else 1e-9
    assert_same(device_y, y, tolerance)
    cotangent = random_like(y, np.random.default_rng(1))
    grad = device_pullback(beside(cotangent, device_y))
    assert_same(grad, pullback(cotangent), tolerance)
    assert not grad.size or grad.data.mem.ptr != device_x.data.mem.ptr
    return grad


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("view", VIEWS)
def test_views(view, function):
    base = cp.asarray(BASE)
    x, device_x = VIEWS[view](np, BASE), VIEWS[view](cp, base)
    assert x.strides == device_x.strides
    prove(FUNCTIONS[function], x, device_x)
    np.testing.assert_array_equal(base.get(), BASE)  # nothing was written through the view


# --- No items and no axes -------------------------------------------------------------------------

EMPTY = {
    "exp": lambda x: np.exp(x),
    "product": lambda x: x * 2 + x,
    "where": lambda x: np.where(x > 0, x, 0.0),
    "sum": lambda x: np.sum(x),
    "sum-axis": lambda x: np.sum(x, axis=0),
    "prod": lambda x: np.prod(x, axis=0),
    "cumsum": lambda x: np.cumsum(x),
    "matmul": lambda x: np.matmul(x, x.T),
    "matmul-inside": lambda x: np.matmul(x.T, x),
    "einsum": lambda x: np.einsum("ij,ij->", x, x),
    "tensordot": lambda x: np.tensordot(x, x, 2),
    "reshape": lambda x: np.reshape(x, (0, 5)) * 2,
    "transpose": lambda x: x.T * 2,
    "concatenate": lambda x: np.concatenate([x, x], axis=0) * 2,
    "stack": lambda x: np.stack([x, x]) * 2,
    "broadcast": lambda x: np.broadcast_to(x, (2, *x.shape)) * 2,
    "slice": lambda x: x[:, :1] * 2,
    "indices": lambda x: x[[]] * 2,
    "mask": lambda x: x[x > 0],
    "sort": lambda x: np.sort(x, axis=0),
    "pad": lambda x: np.pad(x, 1),
    "norm": lambda x: np.linalg.norm(x),
    "astype": lambda x: x.astype(np.float32),
    "diff": lambda x: np.diff(x, axis=0),
}
NO_AXES = {
    "exp": lambda x: np.exp(x) * x,
    "sum": lambda x: np.sum(x * x),
    "max": lambda x: np.max(x),
    "mean": lambda x: x.mean(),
    "reshape": lambda x: np.reshape(x, (1, 1)) * 2,
    "new-axis": lambda x: x[None, ...] * 2,
    "empty-index": lambda x: x[()] * x[...],
    "stack": lambda x: np.stack([x, 2 * x, 1.0]),
    "broadcast": lambda x: np.broadcast_to(x, (2, 3)) * x,
    "ravel": lambda x: np.ravel(x) ** 2,
    "atleast": lambda x: np.atleast_2d(x) ** 2,
    "concatenate": lambda x: np.concatenate([x, [1.0]], axis=None),
    "hstack": lambda x: np.hstack([x, 1.0, x]),
    "append": lambda x: np.append(x, x),
    "full-like": lambda x: np.full_like(x, x * 2),
    "where": lambda x: np.where(x > 0, x * x, 0.0),
    "dot": lambda x: np.dot(x, x) + np.dot(2.0, x),
    "outer": lambda x: np.outer(x, [1.0, 2.0]),
    "clip": lambda x: np.clip(x, 0.0, 0.5),
    "linspace": lambda x: np.linspace(0.0, x, 4),
    "python-number": lambda x: x + 1.5 - 2 / x,
    "var": lambda x: np.var(x),
    "norm": lambda x: np.linalg.norm(x),
}


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("name", EMPTY)
def test_no_items(name, shape):
    x = np.ones(shape)
    assert prove(EMPTY[name], x, cp.asarray(x)).shape == shape


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NO_AXES)
def test_no_axes(name, dtype):
    x = np.asarray(1.25, dtype)
    assert prove(NO_AXES[name], x, cp.asarray(x)).shape == ()
