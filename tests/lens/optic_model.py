"""The model of the tests of optics: parts of every kind."""

from dataclasses import dataclass, field

import numpy as np

import gradx as gx
from gradx.reverse.api import run_on

W = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([5.0, 6.0])


@dataclass
class Circle:
    radius: float


@dataclass
class Box:
    width: float
    height: float


Shape = Circle | Box


@gx.record
class Layer:
    w: np.ndarray
    b: np.ndarray


@gx.record(frozen=True)
class Net:
    layers: tuple[Layer, ...]
    shape: Circle | Box
    bias: float | None = None
    table: dict[str, float] = field(default_factory=dict)
    name: str = "net"
    size: int = 2


def net(**changes):
    layers = (Layer(W, B), Layer(2.0 * W, 3.0 * B))
    return Net(**{"layers": layers, "shape": Circle(2.0), "table": {"a": 7.0}} | changes)


def nodes(f, *xs):
    """How many nodes a function records, not counting what its result needs."""
    counts = []

    def counted(probe, *vs):
        before = len(probe._run.nodes)
        f(*vs)
        counts.append(len(probe._run.nodes) - before)
        return probe

    run_on(counted, (1.0, *xs), {})
    return counts[0]


whole = gx.lens(Net)
circle = whole.shape.instance(Circle)
weights = whole.layers.each().w
