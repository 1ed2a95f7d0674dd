"""Methods and values of many kinds, for the tests of `gx.optim`."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np

import gradx as gx

optim = gx.optim
METHODS = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.sgd(0.1, momentum=0.9),
    "nesterov": optim.sgd(0.1, momentum=0.9, nesterov=True),
    "adagrad": optim.adagrad(0.1),
    "rmsprop": optim.rmsprop(0.1),
    "rmsprop with momentum": optim.rmsprop(0.1, momentum=0.5),
    "adam": optim.adam(0.1),
    "adamw": optim.adamw(0.1),
    "lamb": optim.lamb(0.1, weight_decay=0.1),
    "lion": optim.lion(0.1, weight_decay=0.1),
}
WRAPPED = {
    "clip_by_norm": optim.clip_by_norm(optim.adam(0.1), 1.0),
    "clip_by_value": optim.clip_by_value(optim.adam(0.1), 0.5),
    "accumulate": optim.accumulate(optim.adam(0.1), 3),
    "average": optim.average(optim.sgd(0.1, momentum=0.5), 0.9),
    "frozen": optim.frozen(),
    "several": optim.average(optim.accumulate(optim.clip_by_norm(optim.adam(0.1), 1.0), 2)),
}

Pair = namedtuple("Pair", "a b")


@dataclass(frozen=True)
class Layer:
    weights: np.ndarray
    bias: np.ndarray
    name: str = "layer"


@dataclass(frozen=True)
class Model:
    layers: tuple[Layer, ...]
    scale: float
    sizes: tuple[int, int] = (3, 4)
    nothing: None = None


def model(rng, char="d"):
    """A record of records, with a Python number and static parts."""

    def draw(*shape):
        x = rng.standard_normal(shape)
        x = x + 1j * rng.standard_normal(shape) if char in "FDG" else x
        return np.asarray(x, char)

    layers = Layer(draw(4, 3), draw(4)), Layer(draw(2, 4), draw(2), "last")
    return Model(layers, float(rng.standard_normal()))


def owned(whole):
    """A value with arrays of its own."""
    return gx.map(lambda x: x.copy() if isinstance(x, np.ndarray) else x, whole)


def leaves(whole):
    """The numbers and arrays of a value, in order."""
    found = []
    gx.map(lambda x: found.append(x) or x, whole)
    return found
