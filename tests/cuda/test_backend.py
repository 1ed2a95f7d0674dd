"""The CuPy backend: devices, arrays to and from them, and what CuPy's errors mean."""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.backends import Backend, Device, devices, resolve
from tests.cuda.places import SOFTWARE

CUDA = Device("cuda")


def test_it_follows_the_protocol(backend):
    assert isinstance(backend, Backend)
    assert backend.kind == "cuda"
    assert backend.name == f"CuPy {cp.__version__}"


def test_the_devices_are_those_of_cuda(backend):
    found = [info.device for info in backend.devices()]
    assert found == [Device("cuda", i) for i in range(cp.cuda.runtime.getDeviceCount())]


def test_a_device_is_described(backend):
    words = backend.devices()[0].description
    major, minor = (
        cp.cuda.Device(0).compute_capability[:-1],
        cp.cuda.Device(0).compute_capability[-1],
    )
    assert f"compute capability {major}.{minor}" in words
    assert "GiB" in words
    if SOFTWARE:
        assert "softcuda" in words


def test_auto_prefers_cuda(backend):
    assert resolve("auto") == (backend, CUDA)


def test_the_status_of_every_device_is_told(backend):
    status = {s.device: s for s in devices()}
    assert status["cuda"].usable
    assert status["cuda"].backend == backend.name
    assert status["cpu"].usable


@pytest.mark.parametrize("x", [np.arange(6.0).reshape(2, 3), [1, 2], 2.5, np.float32(1.5)])
def test_a_value_travels_there_and_back(backend, x):
    y = backend.asarray(x, CUDA)
    assert isinstance(y, cp.ndarray)
    assert y.dtype == np.asarray(x).dtype
    back = backend.to_numpy(y)
    assert isinstance(back, np.ndarray)
    np.testing.assert_array_equal(back, x)


def test_a_dtype_can_be_asked_for(backend):
    assert backend.asarray([1, 2], CUDA, np.float32).dtype == np.float32


def test_what_is_there_already_is_not_copied(backend):
    x = cp.arange(3.0)
    assert backend.asarray(x, CUDA) is x


@pytest.mark.parametrize("make", [lambda: np.zeros((0, 2)), lambda: np.array(1.0)])
def test_empty_and_zero_dimensional_arrays_travel(backend, make):
    x = make()
    back = backend.to_numpy(backend.asarray(x, CUDA))
    assert (back.shape, back.dtype) == (x.shape, x.dtype)


def test_an_array_that_is_not_contiguous_travels(backend):
    x = np.arange(24.0).reshape(4, 6)[::2, 1::2]
    np.testing.assert_array_equal(backend.to_numpy(backend.asarray(x, CUDA).T), x.T)


def test_new_arrays_are_made_on_the_current_device(backend):
    with backend.on(CUDA):
        assert backend.device_of(cp.zeros(1)) == CUDA


def test_its_arrays_are_values_of_gradx(backend):
    assert isinstance(gx.zero(cp.ones(2)), cp.ndarray)
    assert cp.all(gx.add(cp.ones(2), cp.ones(2)) == 2)


def test_running_out_of_memory_is_explained(backend):
    errors = (cp.cuda.memory.OutOfMemoryError, cp.cuda.runtime.CUDARuntimeError)  # pool or none
    with pytest.raises(errors) as raised:
        cp.empty(1 << 50, np.uint8)
    told = backend.explain(raised.value)
    assert told.reason.startswith("the CUDA device is out of memory: ")
    assert "smaller batch" in told.fix


def test_a_kernel_that_does_not_compile_is_explained(backend):
    with pytest.raises(cp.cuda.compiler.CompileException) as raised:
        cp.RawKernel("this is no C", "f").compile()
    assert backend.explain(raised.value).reason.startswith("CUDA's compiler refused a kernel: ")


def test_an_error_that_is_not_the_devices_is_left_alone(backend):
    assert backend.explain(ValueError("shapes")) is None
