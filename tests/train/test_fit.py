"""Fit: any parameters on any data, the same to the bit wherever it is stopped and gone on with."""

import re
import signal
import tracemalloc
from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pytest

import gradx as gx
from gradx.optim import Method, adam, sgd
from gradx.train import (
    Batches,
    Blocks,
    DataError,
    DivergedError,
    OptionError,
    Plan,
    Reported,
    State,
    Stopped,
    Task,
    fit,
    source_of,
    train,
)
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
        self.asked.append(which)
        if not isinstance(which, slice):
            assert isinstance(which, np.ndarray) and (np.diff(which) > 0).all()
        return self._x[which].copy()


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


# --- Going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(kind, method, tmp_path):
    loss, make = SOURCES[kind]
    plan = Plan(
        task=Task(loss if kind != "nothing" else lambda p, _: loss(p)),
        data=source_of(make(tmp_path)),
        validation=None if kind == "nothing" else source_of(make(tmp_path)),
        method=METHODS[method],
        epochs=3,
        batch_size=8,
        report_every=20,
        seed=4,
    )
    start = State(line())
    whole = [e for e in train(plan, start) if isinstance(e, Reported)]
    # After every single step of three epochs it is stopped.
    state, parts, stops = start, [], 0
    while state.epoch < plan.epochs:
        for event in train(plan, state, lambda position: True):
            stops += isinstance(event, Stopped)
            parts += [event] * isinstance(event, Reported)
            state = getattr(event, "state", state)
    assert stops == whole[-1].step - 1 == (2 if kind == "nothing" else 20)
    assert same_state(state, whole[-1].state)
    assert [replace(e, seconds=0.0, state=None) for e in parts] == [
        replace(e, seconds=0.0, state=None) for e in whole
    ]


@pytest.mark.parametrize("kind", SOURCES)
def test_fit_goes_on_from_a_state(kind, tmp_path):
    loss, make = SOURCES[kind]
    how = {"method": adam(0.01), "batch": 8, "eval_every": 16, "seed": 2}
    whole = fit(loss, line(), make(tmp_path), epochs=2, **how)
    part = fit(loss, line(), make(tmp_path), epochs=2, callbacks=[lambda r: True], **how)
    assert len(part.history) == 1
    rest = fit(loss, part.params, make(tmp_path), epochs=2, start=part.state, **how)
    assert same_state(rest.state, whole.state) and bits(rest.params) == bits(whole.params)
    assert told(part.history + rest.history) == told(whole.history)
