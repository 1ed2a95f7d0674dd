"""Gradients of functions of CuPy arrays: NumPy's numbers, computed and kept on the device."""

from dataclasses import dataclass
from typing import Any

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.testing.gradients import random_like
from tests.cuda.places import assert_same, beside, here, there

pytestmark = pytest.mark.modes


def check(f, *xs, tolerance=1e-9, order=2):
    """A function's value and gradients on the device are those on the host."""
    device = there(xs)
    assert_same(gx.backprop(f, *device), gx.backprop(f, *xs), tolerance)
    y, pullback = gx.backprop_with(f, *xs)
    cotangent = random_like(y, np.random.default_rng(0))
    device_y, device_pullback = gx.backprop_with(f, *device)
    assert_same(device_pullback(beside(cotangent, device_y)), pullback(cotangent), tolerance)
    if order == 2:
        check(lambda *vs: gx.grad_bp(f, *vs), *xs, tolerance=tolerance, order=1)


MATRIX = np.array([[0.3, -1.2, 0.7], [1.9, 0.4, -0.6]])
ROW = np.array([0.8, -0.5, 1.4])


@pytest.mark.parametrize(
    "f",
    [
        lambda v: v * v + 2 * v - 1,
        lambda v: 1 / (1 + np.exp(-v)),
        lambda v: np.tanh(v) * np.sin(v) / np.cosh(v),
        lambda v: v**3 - v**2.0 + abs(v),
        lambda v: np.log1p(v**2) + np.sqrt(v * v + 1),
        lambda v: np.where(v > 0, v, 0.1 * v),
        lambda v: np.maximum(v, 0.0) + np.minimum(v, 0.5) + np.clip(v, -1, 1),
        lambda v: np.logaddexp(v, 1.0) + np.arctan2(v, 2.0) + np.hypot(v, 1.0),
    ],
)
def test_elementwise(f):
    check(f, MATRIX)


@pytest.mark.parametrize(
    "f", [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: a / b]
)
@pytest.mark.parametrize("other", [ROW, np.array([[2.0], [3.0]]), np.array(1.5), 1.5])
def test_broadcasting_is_undone(f, other):
    check(f, MATRIX, other)


@pytest.mark.parametrize(
    "f",
    [
        np.sum,
        np.mean,
        np.max,
        np.var,
        lambda v: np.sum(v, axis=0),
        lambda v: np.mean(v, axis=1, keepdims=True),
        lambda v: np.std(v, axis=-1),
        lambda v: v.sum(axis=(0, 1)),
        lambda v: np.cumsum(v, axis=1),
        lambda v: np.linalg.norm(v),
    ],
)
def test_reductions(f):
    check(f, MATRIX)


@pytest.mark.parametrize(
    "f",
    [
        lambda v, r: v @ v.T,
        lambda v, r: np.outer(r, r) @ v.T,
        lambda v, r: np.einsum("ij,j->i", v, r),
        lambda v, r: np.tensordot(v, r, 1),
    ],
)
def test_products(f):
    check(f, MATRIX, ROW)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: v.T,
        lambda v: v.reshape(3, 2) * 2,
        lambda v: np.concatenate([v, v * v], axis=1),
        lambda v: np.stack([v, 2 * v]),
        lambda v: np.broadcast_to(v, (4, 2, 3)) * v,
        lambda v: np.tile(v, (2, 1)),
    ],
)
def test_shapes(f):
    check(f, MATRIX)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: v[0] * v[1],
        lambda v: sum(row @ row for row in v),
        lambda v: v[v > 0],
    ],
)
def test_indexing(f):
    check(f, MATRIX)


def test_indices_on_the_device_count_as_often_as_they_are_named():
    which = np.array([1, 0, 1, 1])
    wanted = gx.grad(lambda v: np.sum(v[which] ** 2))(MATRIX)
    there_which = cp.asarray(which)
    assert_same(gx.grad(lambda v: np.sum(v[there_which] ** 2))(cp.asarray(MATRIX)), wanted)


@dataclass
class Line:
    slope: Any
    offsets: Any
    name: str = "line"


def test_records():
    line = Line(MATRIX, (ROW, {"more": ROW * 2}))

    def f(line):
        first, rest = line.offsets
        return np.sum((line.slope * first + rest["more"]) ** 2)

    check(f, line)
    assert gx.grad(f)(there(line)).name == "line"


def test_a_field_that_is_not_used_gets_zeros_on_the_device():
    gradient = gx.grad(lambda pair: np.sum(pair[0]))((cp.ones(2), cp.ones(3, "f")))
    assert_same(gradient, (np.ones(2), np.zeros(3, "f")))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_the_dtype_stays(dtype):
    x = MATRIX.astype(dtype)
    tolerance = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}.get(dtype, 1e-12)
    check(lambda v: 1 / (1 + np.exp(-(v @ v.T) / 2)) * 3, x, tolerance=tolerance, order=1)
    gradient = gx.grad_bp(lambda v: np.float64(2) * v, cp.asarray(x)) if dtype[0] == "f" else None
    assert gradient is None or gradient.dtype == dtype


def test_a_python_number_among_device_arrays_gets_a_python_number():
    x = cp.asarray(ROW)
    y, (g, h) = gx.backprop(lambda a, v: np.sum(a * v), 2.0, x)
    assert isinstance(y, cp.ndarray)
    assert isinstance(g, float)
    assert g == pytest.approx(ROW.sum())
    assert_same(h, np.full(3, 2.0))


def test_zero_dimensional_arrays_stay_arrays():
    gradient = gx.grad(lambda v: v * v)(cp.asarray(3.0))
    assert isinstance(gradient, cp.ndarray)
    assert (gradient.shape, float(gradient)) == ((), 6.0)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_arrays(shape):
    check(lambda v: np.exp(v) * v + v.sum(), np.zeros(shape))


def test_arrays_that_are_not_contiguous():
    x = cp.arange(24.0).reshape(4, 6)
    got = gx.grad(lambda v: np.sum(np.sin(v) * v))(x[::2, 1::2].T)
    wanted = gx.grad(lambda v: np.sum(np.sin(v) * v))(x.get()[::2, 1::2].T)
    assert_same(got, wanted)


def test_gradients_have_memory_of_their_own():
    x, y = cp.ones(3), cp.ones(3)
    value, (g, h) = gx.backprop(lambda a, b: a + b, x, y)
    arrays = [x, y, value, g, h]
    assert len({a.data.ptr for a in arrays}) == len(arrays)
    g[...] = 7
    assert float(h[0]) == float(x[0]) == 1


def test_an_operand_that_is_indexed_is_not_modified():
    x = cp.asarray(MATRIX)
    gx.grad(lambda v: np.sum(v[0] * v[0]) + np.sum(v))(x)
    np.testing.assert_array_equal(here(x), MATRIX)


def test_a_pullback_can_be_called_again():
    _, pullback = gx.backprop_with(lambda v: v * v, cp.asarray(ROW))
    first, again = pullback(cp.ones(3)), pullback(cp.ones(3))
    assert_same(first, 2 * ROW)
    assert_same(again, 2 * ROW)


def test_a_function_on_plain_device_arrays_is_just_the_function():
    y = gx.eval_bp(lambda v: np.exp(v).sum(), cp.asarray(ROW))
    assert isinstance(y, cp.ndarray)


def test_hessian_vector_product():
    x = cp.asarray(ROW)
    product = gx.grad(lambda v: np.sum(gx.grad(lambda u: np.sum(u**3))(v) * 2.0))(x)
    assert_same(product, 12 * ROW)


def test_an_op_of_a_user_with_a_kernel_of_cupy():
    square = cp.ElementwiseKernel("T x", "T y", "y = x * x", "square")
    op = gx.op1(lambda x: (square(x), lambda g: g * 2 * x))
    lifted = gx.lift_op1(op)
    assert_same(gx.grad(lambda v: np.sum(lifted(v)))(cp.asarray(ROW)), 2 * ROW)


def test_work_on_a_stream_of_the_user():
    x = cp.asarray(MATRIX)
    cp.cuda.Device().synchronize()
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        gradient = gx.grad(lambda v: np.sum(np.tanh(v @ v.T)))(x)
    stream.synchronize()
    assert_same(gradient, gx.grad(lambda v: np.sum(np.tanh(v @ v.T)))(MATRIX))
