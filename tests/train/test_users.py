"""Programs as users write them: whatever holds the parameters and the data, `fit` trains it.

Each learns a line, ``3 x - 2``. The parameters come out as the type they went in, what was given
stays as it is, and a run that goes on from its state gives the same bits as one that did not stop.
"""

from __future__ import annotations

import copy
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.train import OptionError, fit

X = np.random.default_rng(0).uniform(-1, 1, 120)
Y = 3 * X - 2
WHOLE = np.tile(np.arange(-8, 9, dtype=np.int8), 7)
Line = namedtuple("Line", ["slope", "start"])


def misfit(slope, start, batch):
    x, y = batch
    return np.mean((slope * x + start - y) ** 2)


@dataclass
class Part:
    """With what a user keeps beside the numbers."""

    weight: np.ndarray
    name: str = "part"
    activation: Any = np.tanh
    size: int = 1


@dataclass
class Nested:
    """A list of records, a dict, and nothing."""

    parts: list
    more: dict
    nothing: Any = None


class Model(gx.Record):
    """A model with its loss for a method."""

    slope: float
    start: np.ndarray
    seen: list = field(default_factory=list)

    def __call__(self, x):
        """The line."""
        return self.slope * x + self.start

    def loss(self, batch):
        """What is wrong with it."""
        x, y = batch
        return np.mean((self(x) - y) ** 2)


class ByIndex:
    """What a file on disk looks like: a shape, a dtype, and items by slices and rising indices."""

    def __init__(self, x):
        self._x, self.shape, self.dtype = x, x.shape, x.dtype

    def __getitem__(self, which):
        """Some rows."""
        assert isinstance(which, slice) or np.all(np.diff(which) > 0)
        return self._x[which]


def epoch_of_batches(epoch):
    order = np.random.default_rng(epoch).permutation(len(X))
    for rows in np.array_split(order, 5):
        yield X[rows], Y[rows]


def read_only():
    slope = np.zeros(())
    slope.setflags(write=False)
    return {"slope": slope, "start": np.broadcast_to(np.float64(0.0), (1,))}


def tied():
    half = np.zeros(1)
    return {"slope": half, "again": half, "start": 0.0}


def misfit_of_nested(p, batch):
    slope = sum(np.sum(part.weight) for part in p.parts)
    return misfit(slope, p.more["start"], batch)


def misfit_of_a_part_that_is_written(p, batch):
    p["scratch"][:] = p["slope"]
    p["log"].append("looked")
    return misfit(p["scratch"][0], p["start"], batch)


def named(p, batch):
    return misfit(p["slope"], p["start"], batch)


def in_order(p, batch):
    return misfit(*p, batch)


FORTRAN = np.asfortranarray(np.zeros((2, 3)))
PROGRAMS = {
    "a dict of floats": (named, {"slope": 0.0, "start": 0.0}, (X, Y)),
    "an ordered dict": (named, OrderedDict(slope=0.0, start=0.0), (X, Y)),
    "a tuple": (in_order, (0.0, 0.0), (X, Y)),
    "a list of whole numbers": (in_order, [0, 0], (X, Y)),
    "a namedtuple": (in_order, Line(0.0, np.zeros(1)), (X, Y)),
    "one array": (in_order, np.zeros(2), (X, Y)),
    "a part of an array": (in_order, np.zeros((2, 3))[:, 1], (X, Y)),
    "in the order of Fortran": (lambda p, b: misfit(p[1, 0], p[0, 2], b), FORTRAN, (X, Y)),
    "arrays that cannot be written": (named, read_only(), (X, Y)),
    "one array in two places": (
        lambda p, b: misfit(p["slope"] + p["again"], p["start"], b),
        tied(),
        (X, Y),
    ),
    "NumPy's scalars": (in_order, (np.float64(0.0), np.float64(0.0)), (X, Y)),
    "nested, with texts and functions": (
        misfit_of_nested,
        Nested([Part(np.zeros(2)), Part(np.zeros((1, 1)), "b", abs)], {"start": 0.0, "k": None}),
        (X, Y),
    ),
    "with empty parts": (named, {"slope": 0.0, "start": 0.0, "a": [], "b": {}}, (X, Y)),
    "a model with a loss": (Model.loss, Model(0.0, np.zeros(())), (X, Y)),
    "parameters that the loss writes into": (
        misfit_of_a_part_that_is_written,
        {"slope": 0.0, "start": 0.0, "scratch": np.zeros(1), "log": []},
        (X, Y),
    ),
    "complex numbers": (
        lambda p, b: np.mean(np.abs(p[0] * b[0] + p[1] - b[1]) ** 2),
        [0j, np.zeros(1, complex)],
        (X + 0j, Y),
    ),
    "data in a dict": (
        lambda p, b: misfit(*p, (b["x"], b["y"])),
        (0.0, 0.0),
        {"x": X, "y": Y, "name": np.array(["a"] * len(X))},
    ),
    "data in a record": (lambda p, b: misfit(*p, b), (0.0, 0.0), Line(X, Y)),
    "data in one array": (lambda p, b: misfit(*p, b.T), (0.0, 0.0), np.stack([X, Y], axis=1)),
    "data in a structured array": (
        lambda p, b: misfit(*p, (b["x"], b["y"])),
        (0.0, 0.0),
        np.rec.fromarrays([X, Y], names="x,y").view(np.ndarray),
    ),
    "data by index": (in_order, (0.0, 0.0), (ByIndex(X), ByIndex(Y))),
    "whole numbers for data": (
        lambda p, b: misfit(p[0], p[1], (b[0] / 8, b[1] / 8)),
        (0.0, 0.0),
        (WHOLE, 3 * WHOLE - 16),
    ),
    "a function that gives batches": (in_order, (0.0, 0.0), epoch_of_batches),
    "no data": (lambda p: misfit(*p, (X, Y)), (0.0, 0.0), None),
}


def types_of(value):
    """Types, dtypes and shapes, through the containers."""
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype, value.shape
    if isinstance(value, dict):
        return type(value), {key: types_of(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [types_of(part) for part in value]
    if isinstance(value, (Nested, Part, Model)):
        return type(value), types_of(vars(value))
    return float if type(value) is int else type(value)


def text_of(value):
    with np.printoptions(precision=17, floatmode="unique"):
        return repr(value)


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_trained(program):
    loss, params, data = PROGRAMS[program]
    before = copy.deepcopy(params)
    how = {"method": gx.optim.adam(0.1), "batch": 40, "seed": 1}
    epochs = 80 if data is None else 30
    found = fit(loss, params, data, epochs=epochs, **how)
    assert found.history[-1].training.loss < 0.01 * found.history[0].training.loss
    assert types_of(found.params) == types_of(params)
    assert text_of(params) == text_of(before)
    half = fit(loss, params, data, epochs=epochs // 2, **how)
    rest = fit(loss, params, data, epochs=epochs, start=half.state, **how)
    assert text_of(rest.params) == text_of(found.params)


def test_single_precision_and_labels():
    labels = (Y > -2).astype(np.uint8)

    def loss(p, batch):
        x, label = batch
        z = np.stack([p["slope"] * x + p["start"], np.zeros_like(x)])
        return np.mean(np.logaddexp.reduce(z) - z[label, np.arange(len(label))])

    def metrics(p, batch):
        return {"error": np.mean((p["slope"] * batch[0] + p["start"] > 0) == batch[1])}

    data = X.astype(np.float32), labels
    params = {"slope": np.zeros((), np.float32), "start": np.float32(0)}
    found = fit(
        loss, params, data, metrics=metrics, validation=data, epochs=20, method=gx.optim.adam(0.1)
    )
    assert found.params["slope"].dtype == found.params["start"].dtype == np.float32
    assert found.history[-1].validation.metrics["error"] <= 0.1
    assert found.history[-1].training.metrics["error"] <= 0.1


def test_memory_maps_are_left_as_they_are(tmp_path):
    np.save(tmp_path / "x.npy", X)
    before = (tmp_path / "x.npy").read_bytes()
    x = np.load(tmp_path / "x.npy", mmap_mode="r+")
    found = fit(in_order, (0.0, 0.0), (x, Y), method=gx.optim.adam(0.1), epochs=30)
    assert (
        found.params
        == fit(in_order, (0.0, 0.0), (X, Y), method=gx.optim.adam(0.1), epochs=30).params
    )
    assert (tmp_path / "x.npy").read_bytes() == before


def test_fractions_stay_exact():
    found = fit(lambda p: (p - 3) ** 2, Fraction(1), method=gx.optim.sgd(Fraction(1, 10)), epochs=3)
    assert found.params == Fraction(247, 125)


# --- What is wrong is told where it was written ---------------------------------------------------


@pytest.mark.parametrize("params", [{"w": "text"}, [], None, np.zeros(3, int), (True, abs)])
def test_parameters_of_which_nothing_is_learned(params):
    with pytest.raises(OptionError) as caught:
        fit(lambda p, batch: 1.0, params, (X, Y))
    assert str(caught.value) == (
        f"params is {params!r:.60}, which holds no number to learn: texts, flags and arrays of "
        "whole numbers stay as they are; give floats, such as np.zeros(3)"
    )


def test_one_callback_in_no_list():
    with pytest.raises(OptionError) as caught:
        fit(in_order, (0.0, 0.0), (X, Y), callbacks=print)
    assert str(caught.value) == (
        "callbacks is a function; give a list of functions, even for one: callbacks=[…]"
    )


def test_a_loss_that_writes_into_its_batch():
    def loss(p, batch):
        x, y = batch
        x -= x.mean()
        return misfit(*p, (x, y))

    with pytest.raises(ValueError, match="is read-only") as caught:
        fit(loss, (0.0, 0.0), (X, Y))
    assert caught.value.__notes__[-1] == (
        "A batch is read-only, so that a loss cannot change the data; write into a copy of it: "
        "x = np.copy(x)"
    )


@pytest.mark.parametrize(
    "how",
    [{"validation": (X,)}, {"metrics": lambda p, batch: {"error": batch[2]}}],
    ids=["validation", "metrics"],
)
def test_an_error_in_a_measurement_says_so(how):
    with pytest.raises((ValueError, IndexError)) as caught:
        fit(in_order, (0.0, 0.0), (X, Y), epochs=2, **how)
    assert caught.value.__notes__ == [
        "This was after step 4, in epoch 1, in metrics or in the loss on the validation data; the "
        "parameters given to the run are as they were."
    ]
