"""Two CUDA devices: arrays go between them, and a run on one stays there.

Where there is only one, as on much real hardware, these tests are not collected.
"""

import cupy as cp
import numpy as np
import pytest

import gradx as gx
from gradx.backend import Device, resolve
from gradx.cli.app import run
from tests.cuda.places import assert_same
from tests.mnist.idx_files import write_dataset

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


def test_training_on_the_second_device(tmp_path):
    images = write_dataset(tmp_path)
    nets = []
    for device in ("cuda:1", "cpu"):
        path = tmp_path / f"{device[:4]}.npz"
        options = ["--data", str(images), "--save", str(path), "--batch-size", "20"]
        assert run(["train", "--device", device, "--hidden", "6", *options]) == 0
        with np.load(path) as archive:
            nets.append({name: archive[name] for name in archive.files if name != "model"})
    for name, x in nets[0].items():
        np.testing.assert_allclose(x, nets[1][name], rtol=1e-9, atol=1e-12)
