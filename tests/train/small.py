"""A small data set and a small run for the tests of training."""

from contextlib import nullcontext

import numpy as np

from gradx.backends import Device, DeviceInfo, resolve
from gradx.mnist import Dataset, Split
from gradx.train import Options, State, init_net, map_net, place
from tests.mnist.idx_files import small_arrays

OPTIONS = Options(hidden=(8,), rate=0.1, epochs=2, report_every=70, seed=3)


def dataset(**changes):
    arrays = {**small_arrays(), **changes}
    return Dataset(
        Split(arrays["train_images"], arrays["train_labels"]),
        Split(arrays["test_images"], arrays["test_labels"]),
        "a small data set",
    )


def data(dtype="float64", chosen=None):
    backend, device = resolve("cpu") if chosen is None else chosen
    return place(dataset(), dtype, backend, device)


def first_state(options):
    return State(init_net((36, *options.hidden, 10), options.dtype, options.seed))


def same_net(one, other):
    """Whether two networks are equal bit for bit."""
    mine, theirs = [], []
    map_net(lambda x: mine.append((x.dtype, x.shape, x.tobytes())) or x, one)
    map_net(lambda x: theirs.append((x.dtype, x.shape, x.tobytes())) or x, other)
    return mine == theirs


class CountingBackend:
    """NumPy as a device of its own, which counts what goes to it and comes from it."""

    kind = "counting"
    name = "Counting"
    priority = 1

    def __init__(self):
        self.sent = self.read = 0

    def devices(self):
        return [DeviceInfo(Device("counting"), "a test")]

    def asarray(self, x, device, dtype=None):
        self.sent += 1
        return np.asarray(x, dtype)

    def to_numpy(self, x):
        self.read += 1
        return np.asarray(x)

    def on(self, device):
        return nullcontext()
