"""Host and device in one program: what CuPy's own functions do with variables, foreign arrays,
streams of the user's, and numbers.
"""

from decimal import Decimal
from fractions import Fraction

import cupy as cp
import numpy as np
import pytest

import gradx as gx
import gradx.numpy as gnp
from gradx.backends import Device
from tests.cuda.places import assert_same, here

X = np.linspace(-1, 1, 12).reshape(3, 4)


@pytest.fixture
def x():
    return cp.asarray(X)


# --- Every way to call a function on a variable ---------------------------------------------------


@pytest.mark.parametrize(
    ("f", "same"),
    [
        (lambda v: np.exp(v), np.exp),
        (lambda v: gnp.exp(v), np.exp),
        (lambda v: cp.exp(v), np.exp),
        (lambda v: cp.add(v, 1.0) * 2, lambda v: (v + 1.0) * 2),
        (lambda v: cp.maximum(v, cp.zeros(4)), lambda v: np.maximum(v, np.zeros(4))),
        (lambda v: cp.sum(v, axis=0), lambda v: np.sum(v, axis=0)),
        (lambda v: v.sum(axis=1), lambda v: v.sum(axis=1)),
        (lambda v: gnp.reshape(v, (2, 6)).T, lambda v: v.reshape(2, 6).T),
        (lambda v: cp.ones(4) - v, lambda v: 1 - v),
        (lambda v: cp.asarray(X) * v, lambda v: X * v),
        (lambda v: v @ cp.asarray(X).T, lambda v: v @ X.T),
    ],
)
def test_functions_under_every_name(x, f, same):
    (y, g), (wanted, expected) = gx.backprop(f, x), gx.backprop(same, X)
    assert_same(y, wanted)
    assert_same(g, expected)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda v: cp.concatenate([v, v]), r"cupy\.concatenate was given a variable, and only uf"),
        (lambda v: cp.stack([v, v]), r"write np\.stack, which reaches the device by itself"),
        (lambda v: cp.einsum("ij->i", v), r"cupy\.einsum .*write np\.einsum"),
        (lambda v: cp.asarray(v), r"cupy\.asarray .*write np\.asarray, which"),
    ],
)
def test_other_functions_of_cupy_name_the_call_to_write(x, f, text):
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad_bp(f, x)


def test_a_mistake_of_ones_own_is_not_taken_for_one(x):
    with pytest.raises(TypeError, match="Unsupported type"):
        gx.grad_bp(lambda v: v * cp.add(gx.value(v), "text"), x)


# --- Mixing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda v: v * X,
        lambda v: X * v,
        lambda v: np.add(v, X),
        lambda v: np.where(X > 0, v, 0.0),
        lambda v: np.concatenate([v, X]),
        lambda v: v @ X.T,
        lambda v: v[X > 0] * X[X > 0],
        lambda v: v > X,
    ],
)
def test_an_array_of_the_host_does_not_mix(x, f):
    with pytest.raises(gx.DeviceMismatchError, match=r"takes arrays of one device.* on cpu"):
        gx.grad_bp(f, x)


def test_the_message_names_both_operands_and_the_fix(x):
    text = (
        r"^operator\.mul takes arrays of one device, and was given a cupy\.ndarray of shape "
        r"\(3, 4\) and dtype float64 on cuda and a numpy\.ndarray of "
        r"shape \(4,\) and dtype float64 on cpu; "
        r"nothing is copied in silence: move one of them, for example the other with "
        r"gx\.to_device\(x, 'cuda'\)$"
    )
    with pytest.raises(gx.DeviceMismatchError, match=text):
        gx.grad_bp(lambda v: v * X[0], x)


def test_a_variable_of_the_host_does_not_mix_either(x):
    with pytest.raises(gx.DeviceMismatchError):
        gx.grad_bp(lambda v: v * x, X)
    with pytest.raises(gx.DeviceMismatchError, match="a number that was computed from arrays on"):
        gx.grad_bp(lambda v: np.sum(v) * np.sum(x + 1), X)


def test_numbers_mix(x):
    for number in (2, 2.5, np.float32(2.5), np.float64(2.5), True):
        y = gx.grad_bp(lambda v, n=number: v * n + n, x)
        assert_same(y, np.full_like(X, float(number)))


@pytest.mark.parametrize("number", [Fraction(1, 2), Decimal("0.5")])
def test_an_exact_number_does_not_mix(x, number):
    text = r"^operator\.mul of an array of cupy and .*; write float\((1/2|0\.5)\)$"
    with pytest.raises(gx.NotLiftedError, match=text):
        gx.grad_bp(lambda v: v * number, x)


def test_host_and_device_in_one_graph(x):
    def f(there, here):
        h = np.tanh(gx.to_device(there, "cpu") * here)
        return np.sum(gx.to_device(h, "cuda") * there)

    wanted = gx.grad_bp(lambda a, b: np.sum(np.tanh(a * b) * a), X, X + 1)
    there, host = gx.grad_bp(f, x, X + 1)
    assert isinstance(host, np.ndarray)
    assert_same(there, wanted[0])
    np.testing.assert_allclose(host, wanted[1])


def test_a_record_goes_to_the_device_and_its_gradient_comes_back():
    def f(model, on):
        there = gx.to_device(model, on)
        return np.sum(np.tanh(there["w"] @ there["layers"][0]) * there["scale"])

    model = {"w": X, "layers": [X[0], X[1]], "scale": 0.5, "name": "m", "n": np.arange(3)}
    got, wanted = (gx.grad_bp(lambda m, on=on: f(m, on), model) for on in ("cuda", "cpu"))
    np.testing.assert_allclose(got["w"], wanted["w"])
    np.testing.assert_allclose(got["layers"][0], wanted["layers"][0])
    assert got["scale"] == pytest.approx(wanted["scale"])
    assert gx.device_of(got) == Device("cpu")
    assert gx.device_of(gx.to_device(model, "cuda")) == Device("cuda")


def test_arrays_are_known_before_anyone_asks_for_the_device():
    assert type(gx.zero(cp.ones(2))) is cp.ndarray


# --- Foreign arrays -------------------------------------------------------------------------------


class Tensor:
    """An array of a library that has DLPack and nothing of NumPy's."""

    dtype, shape = "float64", (3, 4)

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


def test_a_foreign_array_on_the_device_is_taken_over_without_a_copy(x):
    y = gx.from_dlpack(Tensor(x))
    assert y.data.ptr == x.data.ptr
    assert_same(gx.grad_bp(lambda v: np.sum(v * v), y), 2 * X)


def test_a_foreign_array_is_refused_with_the_conversion(x):
    text = r"Tensor, an array of a library that gradx does not know; .*gx\.from_dlpack\(x\)"
    with pytest.raises(gx.UnregisteredTypeError, match=text):
        gx.grad_bp(lambda v: v * Tensor(x), x)


# --- Streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
def test_a_graph_may_be_recorded_on_a_stream_of_ones_own(x, order):
    """With late execution (SOFTCUDA_ASYNC=1) a step on another stream would see old values."""

    def f(v):
        h = np.tanh(v @ v.T)
        return np.sum(h * np.max(v)) + np.sum(v[1:] * v[:-1])

    wanted = gx.grad_bp(f, X)
    slope = gx.grad(lambda v: np.sum(gx.grad_bp(f, v) ** 2))
    expected = slope(X)
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        here_first = cp.asarray(X)
        g = gx.grad_bp(f, here_first) if order == 1 else slope(here_first)
    stream.synchronize()
    np.testing.assert_allclose(here(g), wanted if order == 1 else expected, rtol=1e-9, atol=1e-12)


def test_numbers_are_read_after_the_work_of_the_stream(x):
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        there = cp.asarray(X)
        g = gx.grad_bp(lambda a, b: np.sum(np.exp(a * there)) * b, 0.5, 2.0)
    wanted = gx.grad_bp(lambda a, b: np.sum(np.exp(a * X)) * b, 0.5, 2.0)
    assert g == pytest.approx(wanted)
    assert all(type(part) is float for part in g)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: gx.softmax(Tensor(v)),
        lambda v: gx.softmax_cross_entropy(v, Tensor(v)),
        lambda v: gx.dense(v, Tensor(v), v[0]),
    ],
)
def test_the_fused_functions_refuse_a_foreign_array_too(x, f):
    text = r"gx\.\w+ was given a .*Tensor, an array of a library .*gx\.from_dlpack\(x\)"
    with pytest.raises(gx.UnregisteredTypeError, match=text):
        f(x)


def test_a_variable_is_no_foreign_array(x):
    with pytest.raises(gx.ConversionError, match="an array of another library has no gradient"):
        gx.grad_bp(lambda v: gx.from_dlpack(v), x)
