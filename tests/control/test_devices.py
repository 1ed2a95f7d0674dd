"""What is done again on a device is done there, and is compared with what it was."""

import numpy as np
import pytest

import gradx as gx
from gradx.backends import REGISTRY, Device, get_backend
from tests.backends.strict import StrictBackend
from tests.control.programs import X


@pytest.fixture
def strict():
    REGISTRY.register("strict", StrictBackend)
    return get_backend("strict")


@pytest.fixture
def on_device(strict):
    return strict.asarray(X, Device("strict", 1))


def test_a_checkpoint(strict, on_device):
    def loss(x, wrap):
        return np.sum(wrap(lambda x: np.exp(x) * x)(x) * x)

    kept, again = (gx.grad(loss)(on_device, wrap) for wrap in (lambda f: f, gx.checkpoint))
    np.testing.assert_allclose(strict.to_numpy(again), strict.to_numpy(kept), rtol=1e-14)
    assert gx.device_of(again) == gx.device_of(on_device)


def test_a_result_that_changes(strict, on_device):
    factors = [1.0, 2.0]
    with pytest.raises(gx.RecomputeError, match="gave another result"):
        gx.grad(lambda x: np.sum(gx.checkpoint(lambda x: x * factors.pop())(x)))(on_device)


def test_stop_gradient(strict, on_device):
    g = gx.grad(lambda x: np.sum(x * gx.stop_gradient(x)))(on_device)
    np.testing.assert_array_equal(strict.to_numpy(g), X)


def test_a_custom_rule(strict, on_device):
    f = gx.custom_vjp(lambda x: x * x).defvjp(lambda x: (x * x, x), lambda x, g: (3.0 * x * g,))
    g = gx.grad(lambda x: np.sum(f(x)))(on_device)
    np.testing.assert_array_equal(strict.to_numpy(g), 3.0 * X)
