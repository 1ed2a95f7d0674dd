"""Networks of any depth: layers chained so that a type checker knows which fit on which.

A `Network[Point, Answer]` takes points and gives answers, however many layers lie between. `then`
takes only a layer whose input is what the last one gives: mypy and pyright refuse the others, and
sizes that do not match are refused as well. The gradient of a network is a network of its depth.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

import gradx as gx

In = TypeVar("In")
Out = TypeVar("Out")
Next = TypeVar("Next")


class Layer(gx.Record, Generic[In, Out], frozen=True):
    """A layer from an `In` to an `Out`, which are names for spaces; there are no values of them."""

    weights: np.ndarray  # (o, i)
    bias: np.ndarray  # (o,)


class Network(gx.Record, Generic[In, Out], frozen=True):
    layers: tuple[Layer, ...]

    def then(self, layer: Layer[Out, Next]) -> Network[In, Next]:
        given, taken = len(self.layers[-1].bias), layer.weights.shape[1]
        if given != taken:
            raise ValueError(f"a layer of {taken} inputs cannot follow one of {given} outputs")
        return Network((*self.layers, layer))


def start(layer: Layer[In, Out]) -> Network[In, Out]:
    return Network((layer,))


def run(network: Network[In, Out], x: np.ndarray) -> np.ndarray:
    *hidden, last = network.layers
    for layer in hidden:
        x = np.tanh(x @ layer.weights.T + layer.bias)
    return x @ last.weights.T + last.bias


# --- Points on two rings, to be told apart --------------------------------------------------------


class Point: ...


class Hidden: ...


class Narrow: ...


class Answer: ...


SIZES = {Point: 2, Hidden: 12, Narrow: 6, Answer: 1}


def random_layer(rng: np.random.Generator, i: type[In], o: type[Out]) -> Layer[In, Out]:
    shape = SIZES[o], SIZES[i]
    return Layer(rng.normal(size=shape) / np.sqrt(shape[1]), np.zeros(shape[0]))


def rings(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points at distance 1 from the middle, with target 0, and at 2, with target 1."""
    outer = rng.integers(0, 2, n)
    angle, radius = rng.uniform(0, 2 * np.pi, n), 1 + outer + 0.15 * rng.normal(size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), outer


def loss(network: Network[Point, Answer], x: np.ndarray, target: np.ndarray) -> np.floating:
    """Cross-entropy of the logistic function of the answer, in a form that cannot overflow."""
    answer = run(network, x)[:, 0]
    return np.mean(np.logaddexp(0, answer) - target * answer)


rng = np.random.default_rng(0)
x, target = rings(rng, 200)
networks: dict[str, Network[Point, Answer]] = {
    "no hidden layer": start(random_layer(rng, Point, Answer)),
    "one": start(random_layer(rng, Point, Hidden)).then(random_layer(rng, Hidden, Answer)),
    "two": start(random_layer(rng, Point, Hidden))
    .then(random_layer(rng, Hidden, Narrow))
    .then(random_layer(rng, Narrow, Answer)),
}

right = {}
for depth, network in networks.items():
    for _ in range(300):
        network = network - 0.5 * gx.grad(loss)(network, x, target)
    right[depth] = np.mean((run(network, x)[:, 0] > 0) == target)
    print(f"{depth:16} loss {loss(network, x, target):.4f}  right {100 * right[depth]:.1f}%")

gradient = gx.grad(loss)(networks["two"], x, target)
assert isinstance(gradient, Network) and len(gradient.layers) == 3
# A straight line cannot separate two rings; one hidden layer can.
assert right["no hidden layer"] < 0.75 < 0.98 < min(right["one"], right["two"])

try:
    start(random_layer(rng, Point, Hidden)).then(random_layer(rng, Narrow, Answer))  # type: ignore[arg-type]
except ValueError as error:
    print("refused:", error)
else:
    raise AssertionError("a layer that does not fit was taken")
