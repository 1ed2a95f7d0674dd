"""Two CUDA devices: arrays go between them, and a run on one stays there.

Where there is only one, as on much real hardware, these tests are not collected.
"""

import warnings

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.backends import Device, resolve
from gradx.cli.app import run
from tests.cuda.places import assert_same
from tests.mnist.idx_files import write_dataset

pytestmark = pytest.mark.modes
FIRST, SECOND = Device("cuda"), Device("cuda", 1)
X = np.linspace(-1, 1, 12).reshape(3, 4)


def test_both_are_found(backend):
    assert [info.device for info in backend.devices()][:2] == [FIRST, SECOND]
    assert resolve("cuda:1") == (backend, SECOND)


@pytest.mark.parametrize("device", [FIRST, SECOND])
def test_an_array_is_made_on_the_device_asked_for(backend, device):
    x = backend.asarray(X, device)
    assert backend.device_of(x) == device
    np.testing.assert_array_equal(backend.to_numpy(x), X)


def test_an_array_goes_to_the_other_device_and_back(backend):
    x = backend.asarray(X, FIRST)
    y = backend.asarray(x, SECOND)
    assert (backend.device_of(x), backend.device_of(y)) == (FIRST, SECOND)
    assert backend.device_of(backend.asarray(y, FIRST)) == FIRST
    np.testing.assert_array_equal(backend.to_numpy(y), X)


def test_memory_is_given_to_other_work_only_when_it_has_been_copied(backend):
    """With late execution (SOFTCUDA_ASYNC=1) the copy would find what was written later."""
    with cp.cuda.using_allocator(cp.cuda.MemoryPool().malloc):
        x = backend.asarray(X, FIRST)
        y, address = backend.asarray(x, SECOND), x.data.ptr
        del x
        z = cp.full(X.shape, 7.0)
        assert z.data.ptr == address
        cp.cuda.Device(0).synchronize()
        np.testing.assert_array_equal(backend.to_numpy(y), X)


def test_the_current_device_is_restored(backend):
    with backend.on(SECOND):
        assert cp.cuda.runtime.getDevice() == 1
        with backend.on(FIRST):
            assert cp.cuda.runtime.getDevice() == 0
        assert cp.cuda.runtime.getDevice() == 1
    assert cp.cuda.runtime.getDevice() == 0


@pytest.mark.parametrize("device", [FIRST, SECOND])
def test_a_run_stays_on_its_device(backend, device):
    def f(v):
        return np.sum(np.tanh(v @ v.T) * np.max(v))

    with backend.on(device):
        y, gradient = gx.backprop(f, backend.asarray(X, device))
        wanted = gx.grad(f)(X)
        assert backend.device_of(y) == backend.device_of(gradient) == device
        assert_same(gradient, wanted)


@pytest.mark.parametrize("current", [FIRST, SECOND])
@pytest.mark.parametrize("device", [FIRST, SECOND])
def test_a_run_works_where_its_arrays_are_whatever_is_current(backend, device, current):
    def f(v, a):
        h = np.concatenate([np.tanh(v @ v.T)[1:], v[:, :3] ** 2])
        return np.sum(h[np.argsort(np.sum(h, axis=1))][0] * a) + np.max(v) * np.std(v)

    x = backend.asarray(X, device)
    wanted, expected = gx.backprop(f, X, 2.0)
    slope = gx.grad_bp(lambda v: np.sum(gx.grad(f)(v, 2.0) ** 2), X)
    with backend.on(current), warnings.catch_warnings():
        warnings.simplefilter("error")  # CuPy warns where work is done on the wrong device
        y, (g, number) = gx.backprop(f, x, 2.0)
        second = gx.grad_bp(lambda v: np.sum(gx.grad(f)(v, 2.0) ** 2), x)
        assert cp.cuda.runtime.getDevice() == current.index
    assert backend.device_of(y) == backend.device_of(g) == backend.device_of(second) == device
    assert_same(y, wanted)
    assert_same(g, expected[0])
    assert number == pytest.approx(expected[1])
    assert_same(second, slope)


def over_devices(host, one, two):
    """Goes host, first, second, first, host, and uses each value more than once."""
    a = gx.to_device(np.exp(host), FIRST) * one
    b = gx.to_device(a, SECOND) @ two.T + gx.to_device(one, SECOND) @ two.T
    c = np.tanh(gx.to_device(b, FIRST) @ one)
    return np.sum(gx.to_device(c, "cpu") * host) + gx.to_device(np.sum(b * b), "cpu")


def on_the_host(host, one, two):
    a = np.exp(host) * one
    b = a @ two.T + one @ two.T
    return np.sum(np.tanh(b @ one) * host) + np.sum(b * b)


def test_a_graph_over_the_host_and_two_devices(backend):
    here = (X, X + 0.5, X - 0.25)
    there = (X, backend.asarray(here[1], FIRST), backend.asarray(here[2], SECOND))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, got = gx.backprop(over_devices, *there)
    wanted, expected = gx.backprop(on_the_host, *here)
    assert y == pytest.approx(wanted)
    assert [gx.device_of(g) for g in got] == [Device("cpu"), FIRST, SECOND]
    np.testing.assert_allclose(got[0], expected[0])
    assert_same(got[1:], expected[1:])


def test_second_order_over_devices(backend):
    def squared(f):
        def slope(*xs):
            return np.sum(gx.grad(f)(*xs) ** 2)  # of the value on the host

        return slope

    here = (X, X + 0.5, X - 0.25)
    there = (X, backend.asarray(here[1], FIRST), backend.asarray(here[2], SECOND))
    got = gx.grad_bp(squared(over_devices), *there)
    expected = gx.grad_bp(squared(on_the_host), *here)
    np.testing.assert_allclose(got[0], expected[0])
    assert_same(got[1:], expected[1:])


def test_a_pullback_may_be_called_from_any_device(backend):
    here = (X, X + 0.5, X - 0.25)
    there = (X, backend.asarray(here[1], FIRST), backend.asarray(here[2], SECOND))
    _, pullback = gx.backprop_with(over_devices, *there)
    expected = gx.grad_bp(on_the_host, *here)
    for device in (FIRST, SECOND):
        with backend.on(device):
            assert_same(pullback(1.0)[1:], expected[1:])


def test_streams_of_two_devices_wait_for_each_other(backend):
    """Each device works on a stream of its own; with late execution (SOFTCUDA_ASYNC=1) a missing
    wait would hand over memory that was not written yet, or was written again.
    """
    streams = []
    for device in (FIRST, SECOND):
        with backend.on(device):
            streams.append(cp.cuda.Stream(non_blocking=True))
            streams[-1].use()
    try:
        x = backend.asarray(np.full((2000, 2), 2.0), FIRST)
        for _ in range(3):
            y = (np.exp(x) + 1.0)[::2, 1]
            there = backend.asarray(y, SECOND)
            del y
            x = x * 1.0  # may take the memory that was given back
            with backend.on(SECOND):
                there = there * 3.0
            back = backend.asarray(there[::-1], FIRST)
            del there
        np.testing.assert_allclose(backend.to_numpy(back), 3 * (np.exp(2.0) + 1))
        here = (X, X + 0.5, X - 0.25)
        placed = (X, backend.asarray(here[1], FIRST), backend.asarray(here[2], SECOND))
        got = gx.grad_bp(over_devices, *placed)
        expected = gx.grad_bp(on_the_host, *here)
        for g, e in zip(got, expected, strict=True):
            np.testing.assert_allclose(g if isinstance(g, np.ndarray) else backend.to_numpy(g), e)
    finally:
        for device in (FIRST, SECOND):
            with backend.on(device):
                cp.cuda.Stream.null.use()


def test_devices_do_not_mix(backend):
    one, two = backend.asarray(X, FIRST), backend.asarray(X, SECOND)
    text = r"on cuda and a cupy\.ndarray .* on cuda:1; .*gx\.to_device\(x, 'cuda:1'\)"
    for f in (lambda v: v * two, lambda v: np.concatenate([v, two]), lambda v: v @ two.T):
        with pytest.raises(gx.DeviceMismatchError, match=text):
            gx.grad_bp(f, one)


def test_the_current_device_is_given_back_after_an_error(backend):
    @gx.lift
    def failing(x):
        def pullback(g):
            raise ArithmeticError

        return x * 2, pullback

    with pytest.raises(ArithmeticError):
        gx.grad_bp(lambda v: np.sum(failing(v)), backend.asarray(X, SECOND))
    assert cp.cuda.runtime.getDevice() == 0


def test_training_on_the_second_device(tmp_path):
    images = write_dataset(tmp_path)
    nets = []
    for device in ("cuda:1", "cpu"):
        path = tmp_path / f"{device[:4]}.npz"
        options = ["--data", str(images), "--save", str(path), "--batch-size", "20"]
        assert run(["train", "--device", device, "--hidden", "6", *options]) == 0
        with np.load(path) as archive:
            nets.append(
                {name: archive[name] for name in archive.files if name.startswith("layers")}
            )
    for name, x in nets[0].items():
        np.testing.assert_allclose(x, nets[1][name], rtol=1e-9, atol=1e-12)


def test_an_op_of_a_record_is_done_where_its_arrays_are():
    current = []

    @gx.lift
    def dot(pair):
        current.append(cp.cuda.runtime.getDevice())
        x, y = pair["x"], pair["y"]

        def pullback(g):
            current.append(cp.cuda.runtime.getDevice())
            return {"x": g * y, "y": g * x}

        return np.sum(x * y), pullback

    pair = {"x": gx.to_device(X, SECOND), "y": gx.to_device(2 * X, SECOND)}
    g = gx.grad_bp(dot, pair)
    assert current == [1, 1]
    assert_same(g, {"x": 2 * X, "y": X})


def test_a_gradient_of_a_gradient_on_the_other_device():
    def f(v):
        return np.sum(np.exp(v) * v - v[0] / (2 + v * v) - np.max(v, axis=0))

    def along(f, v):
        return np.sum(gx.grad_bp(f, v) * v)

    x = gx.to_device(X, SECOND)
    with warnings.catch_warnings(action="error"):
        got = gx.grad_bp(lambda v: along(f, v), x)
    assert gx.device_of(got) == SECOND
    assert_same(got, gx.grad_bp(lambda v: along(f, v), X))
