"""Small problems for the tests of `fit`: a line through points, with data of every kind."""

from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np

from gradx.optim import adam, sgd
from gradx.values.operations import leaves_of

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(53, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
LABELS = (Y > 0).astype(np.int64)


@dataclass(frozen=True)
class Line:
    """Arrays and a number: the one is written into, the other is replaced."""

    weights: np.ndarray
    bias: float
    name: str = "line"


@dataclass
class Table:
    x: np.ndarray
    y: np.ndarray
    unit: str = "m"


Pair = namedtuple("Pair", "x y")


class Rising:
    """As h5py's data sets: rows by a slice or by strictly rising indices only."""

    def __init__(self, x):
        self._x, self.shape, self.dtype, self.asked = x, x.shape, x.dtype, []

    def __getitem__(self, which):
        found = self._x[which].copy()
        self.asked.append(len(found))
        if not isinstance(which, slice):
            assert isinstance(which, np.ndarray) and (np.diff(which) > 0).all()
        return found


def line():
    return Line(np.zeros(3), 0.0)


def squares(p, x, y):
    return np.mean((x @ p.weights + p.bias - y) ** 2)


def by_pair(p, batch):
    return squares(p, batch[0], batch[1])


def by_name(p, batch):
    return squares(p, batch.x, batch.y)


def by_key(p, batch):
    return squares(p, batch["in"]["x"], batch["y"])


def by_label(p, batch):
    x, labels = batch
    assert labels.dtype == np.int64
    return -np.mean(np.where(labels == 1, 1.0, -1.0) * np.tanh(x @ p.weights + p.bias))


def of_rows(p, batch):
    return squares(p, batch, 1.0)


def alone(p):
    return squares(p, X, Y)


def epochs_batches(epoch):
    order = np.random.default_rng(epoch).permutation(len(X))
    for start in range(0, len(X), 8):
        rows = order[start : start + 8]
        yield X[rows], Y[rows]


def mapped(tmp_path, x):
    path = tmp_path / "x.npy"
    np.save(path, x)
    return np.load(path, mmap_mode="r")


SOURCES = {
    "tuple": (by_pair, lambda _: (X, Y)),
    "list": (by_pair, lambda _: [X, Y]),
    "dict": (by_key, lambda _: {"in": {"x": X}, "y": Y, "note": "metres"}),
    "record": (by_name, lambda _: Table(X, Y)),
    "named tuple": (by_name, lambda _: Pair(X, Y)),
    "one array": (of_rows, lambda _: X),
    "labels": (by_label, lambda _: (X, LABELS)),
    "memory map": (by_pair, lambda tmp_path: (mapped(tmp_path, X), Y)),
    "rising": (by_pair, lambda _: (Rising(X), Y)),
    "batches": (by_pair, lambda _: epochs_batches),
    "nothing": (alone, lambda _: None),
}
METHODS = {
    "sgd": sgd(0.05),
    "momentum": sgd(0.02, momentum=0.9),
    "adam": adam(0.01),
    "schedule": sgd(lambda step: 0.05 / (1 + step)),
}


def bits(value):
    """A value's numbers as bytes."""
    return [np.asarray(x).tobytes() for x in leaves_of(value)]


def same_state(one, other):
    places = [(s.epoch, s.position, s.step, s.loss_sum) for s in (one, other)]
    return (
        places[0] == places[1]
        and bits(one.params) == bits(other.params)
        and one.method.step == other.method.step
        and bits(one.method) == bits(other.method)
    )


def told(history):
    return [replace(report, seconds=0.0) for report in history]
