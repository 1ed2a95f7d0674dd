"""Nothing hidden: device work, host traffic and synchronisations of runs, counted.

Only the software device counts, so on the hardware these tests are not collected.
"""

from concurrent.futures import ThreadPoolExecutor

import cupy as cp
import numpy as np
import pytest
import softcuda

import gradx as gx
from benchmarks.cuda_counts import Steps, count
from gradx.backends import Device
from gradx.train import Options, State, init_net, map_net, place, plan_of, train
from tests.cuda.places import here, leaves
from tests.train.small import dataset


@pytest.fixture(scope="module")
def steps():
    return Steps()


def assert_quiet(counts):
    """No byte between host and device, no synchronisation, no allocation but from the pool."""
    assert (counts.to_device, counts.to_host) == (0, 0)
    assert (counts.syncs, counts.allocations) == (0, 0)


# What one step may launch in plain ``np.`` calls; lower a number when a change makes it lower.
@pytest.mark.parametrize(
    ("part", "most"),
    [("forward", 16), ("gradient", 33), ("update", 2), ("step", 35), ("whole", 37)],
)
def test_a_training_step_on_a_batch(steps, part, most):
    counts = count(part, getattr(steps, part))
    assert_quiet(counts)
    assert counts.launches <= most, counts.names


# With gradx's fused functions: 16 at most in all.
@pytest.mark.parametrize(
    ("part", "most"),
    [
        ("fused_forward", 6),
        ("fused_gradient", 15),
        ("fused_step", 16),
        ("momentum_step", 16),
        ("adam_step", 16),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_step_with_fused_functions(part, most, dtype):
    counts = count(part, getattr(Steps(dtype), part))
    assert_quiet(counts)
    assert counts.launches <= most, counts.names


def test_fused_functions_and_plain_calls_are_the_same_step():
    plain, fused = Steps("float64"), Steps("float64")
    for _ in range(3):
        plain.step()
        fused.fused_step()
    for x, y in zip(leaves(plain.net), leaves(fused.net), strict=True):
        np.testing.assert_allclose(here(y), here(x), rtol=1e-10)


def test_a_training_step_on_one_sample(steps):
    counts = count("single", steps.single)
    assert_quiet(counts)
    assert counts.launches <= 30, counts.names


@pytest.mark.parametrize(
    "f",
    [
        lambda v: v * 2.0 + 1,
        lambda v: np.sum(np.exp(v) / (1 + v * v)),
        lambda v: np.mean(v, axis=0) @ v.T,
        lambda v: np.max(v, axis=1),
        lambda v: np.where(v > 0, v, 0.1 * v),
        lambda v: v[0] * v[1],
        lambda v: np.concatenate([v, v * 2], axis=0),
        lambda v: np.linalg.norm(v),
        lambda v: np.var(v),
    ],
)
def test_a_run_does_not_wait_for_the_device(f):
    x = cp.asarray(np.linspace(-1, 1, 12).reshape(3, 4))
    assert_quiet(count("gradient", lambda: gx.grad_bp(f, x)))


def test_second_order_does_not_wait_either():
    x = cp.asarray(np.linspace(-1, 1, 12).reshape(3, 4))
    slope = gx.grad(lambda v: np.sum(np.tanh(v) * v))
    assert_quiet(count("second", lambda: gx.grad_bp(slope, x)))


def test_indices_on_the_device_do_not_wait():
    x, which = cp.arange(6.0), cp.asarray([0, 2, 2])
    assert_quiet(count("take", lambda: gx.grad_bp(lambda v: v[which] ** 2, x)))


def test_the_gradient_of_a_python_number_is_one_number_read():
    x = cp.arange(3.0)
    gx.grad(lambda a: np.sum(a * x))(2.0)
    with softcuda.counting() as c:
        gx.grad(lambda a: np.sum(a * x))(2.0)
    assert tuple(c.d2h) == (1, 8)
    assert c.h2d.bytes == 0


def test_numbers_of_a_run_are_read_in_one_transfer():
    numbers = np.linspace(-1, 1, 12)
    x = cp.asarray(numbers)

    def f(p):
        return np.sum(p["a"] * x) * p["b"][0] + np.sum(x) * p["b"][1]

    value = {"a": 2.0, "b": (3.0, np.float32(1))}
    gx.grad_bp(f, value)
    with softcuda.counting() as c:
        g = gx.grad_bp(f, value)
    assert c.d2h.count == 1
    assert c.h2d.count == 0
    total = numbers.sum()
    wanted = {"a": total * 3, "b": (2 * total, total)}
    assert g["a"] == pytest.approx(wanted["a"])
    assert g["b"] == pytest.approx(wanted["b"])


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_training_run_reads_once_a_report(backend, epochs):
    device = Device("cuda")
    options = Options(hidden=(8,), batch_size=20, epochs=epochs, report_every=100)
    data = place(dataset(), "float64", backend, device)
    net = map_net(lambda x: backend.asarray(x, device), init_net((36, 8, 10), "float64", 0))
    with softcuda.counting() as c:
        events = [type(event).__name__ for event in train(plan_of(options, data), State(net))]
    assert c.d2h.count == events.count("Reported") == 2 * epochs
    assert c.h2d.count == epochs  # the order of an epoch's samples
    assert c.h2d.bytes == epochs * 200 * 8


def test_memory_comes_from_cupys_pool(backend):
    pool = cp.get_default_memory_pool()
    before = pool.used_bytes()
    x = backend.asarray(np.zeros(1 << 16), Device("cuda"))
    assert pool.used_bytes() >= before + x.nbytes


def test_runs_in_two_threads_have_their_own_streams():
    x = cp.asarray(np.linspace(-1, 1, 64).reshape(8, 8))
    cp.cuda.Device().synchronize()

    def work(scale):
        stream = cp.cuda.Stream(non_blocking=True)
        with stream:
            gradient = gx.grad(lambda v: np.sum(np.tanh(v @ v.T) * scale))(x)
        stream.synchronize()
        return gradient.get()

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(work, [1.0, 2.0])
    np.testing.assert_allclose(2 * one, two, rtol=1e-12)
