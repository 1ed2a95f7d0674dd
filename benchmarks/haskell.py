"""Haskell: the benchmark of Haskell's own backprop library, network 784-300-100-10, one sample.

Its gradient, a step of descent and a plain run, each by hand, by field access, by `split`, and as
a hybrid whose layers bring gradients written by hand.

Source: bench/bench.hs of https://github.com/mstksg/backprop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

import gradx as gx
from benchmarks.network import CAN_DESCEND, gradx_descend
from benchmarks.workload import Setting, Way, Ways, Workload

RATE = 0.02
SIZES = (784, 300, 100, 10)


@gx.record
class Layer:
    """A linear map (m, n) and what is added to it (m,)."""

    weights: np.ndarray
    bias: np.ndarray


@gx.record
class Net:
    """Three layers."""

    layer1: Layer
    layer2: Layer
    layer3: Layer


def logistic(x: Any) -> Any:
    """The logistic function, item by item."""
    return 1 / (1 + np.exp(-x))


def soft_max(x: Any) -> Any:
    """Exponentials of a vector scaled to add up to one."""
    expx = np.exp(x)
    return expx / np.sum(expx)


def cross_entropy(target: np.ndarray, result: Any) -> Any:
    """How far a result is from its target."""
    return -np.dot(np.log(result), target)


# --- The ways to run a network --------------------------------------------------------------------


def run_layer(layer: Layer, x: Any) -> Any:
    """The linear part of a layer."""
    return layer.weights @ x + layer.bias


def run_fields(net: Net, x: Any) -> Any:
    """The network, its parts reached as fields."""
    y = logistic(run_layer(net.layer1, x))
    y = logistic(run_layer(net.layer2, y))
    return soft_max(run_layer(net.layer3, y))


def run_split(net: Net, x: Any) -> Any:
    """The network, its parts taken apart first."""
    layers = gx.split(net)
    y = logistic(run_layer(gx.split(layers.layer1), x))
    y = logistic(run_layer(gx.split(layers.layer2), y))
    return soft_max(run_layer(gx.split(layers.layer3), y))


@gx.lift
def logistic_layer(layer: Layer, x: Any) -> Any:
    """A layer whose gradient is written by hand."""
    y = logistic(layer.weights @ x + layer.bias)

    def pullback(g: Any) -> Any:
        d = g * y * (1 - y)
        return Layer(np.outer(d, x), d), lambda: layer.weights.T @ d

    return y, pullback


@gx.lift
def soft_max_layer(layer: Layer, x: Any) -> Any:
    """The last layer, likewise."""
    y = soft_max(layer.weights @ x + layer.bias)

    def pullback(g: Any) -> Any:
        d = y * (g - np.dot(g, y))
        return Layer(np.outer(d, x), d), lambda: layer.weights.T @ d

    return y, pullback


def run_hybrid(net: Net, x: Any) -> Any:
    """The network made of layers that bring their gradients."""
    y = logistic_layer(net.layer1, x)
    return soft_max_layer(net.layer3, logistic_layer(net.layer2, y))


RUNS: MappingProxyType[str, Callable[[Net, Any], Any]] = MappingProxyType(
    {"gradx fields": run_fields, "gradx split": run_split, "gradx hybrid": run_hybrid}
)


def hand_gradient(net: Net, x: np.ndarray, target: np.ndarray) -> Net:
    """The gradient as anyone would write it down."""
    y1 = logistic(net.layer1.weights @ x + net.layer1.bias)
    y2 = logistic(net.layer2.weights @ y1 + net.layer2.bias)
    d3 = soft_max(net.layer3.weights @ y2 + net.layer3.bias) - target
    d2 = net.layer3.weights.T @ d3 * y2 * (1 - y2)
    d1 = net.layer2.weights.T @ d2 * y1 * (1 - y1)
    return Net(Layer(np.outer(d1, x), d1), Layer(np.outer(d2, y1), d2), Layer(np.outer(d3, y2), d3))


def hand_descent(net: Net, x: np.ndarray, target: np.ndarray) -> Net:
    """A step along it."""
    g = hand_gradient(net, x, target)

    def moved(layer: Layer, d: Layer) -> Layer:
        return Layer(layer.weights - RATE * d.weights, layer.bias - RATE * d.bias)

    return Net(
        moved(net.layer1, g.layer1), moved(net.layer2, g.layer2), moved(net.layer3, g.layer3)
    )


# --- The workloads --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """The network, a sample (784,) and its target (10,)."""

    net: Net
    x: np.ndarray
    target: np.ndarray


def sample(setting: Setting) -> Sample:
    """The same numbers every time."""
    rng = np.random.default_rng(0)

    def layer(n: int, m: int) -> Layer:
        weights, bias = rng.uniform(-0.5, 0.5, (m, n)), rng.uniform(-0.5, 0.5, m)
        return Layer(weights.astype(setting.dtype), bias.astype(setting.dtype))

    net = Net(*(layer(n, m) for n, m in pairwise(SIZES)))
    x = rng.uniform(0, 1, SIZES[0]).astype(setting.dtype)
    return Sample(net, x, np.eye(10, dtype=setting.dtype)[3])


def arrays(net: Net) -> tuple[np.ndarray, ...]:
    """The six arrays of a network."""
    layers = (net.layer1, net.layer2, net.layer3)
    return tuple(array for layer in layers for array in (layer.weights, layer.bias))


def gradient(setting: Setting) -> Workload:
    """The gradient of the error."""
    s = sample(setting)
    ways: Ways = {"numpy": Way(lambda: arrays(hand_gradient(s.net, s.x, s.target)))}
    for name, run in RUNS.items():
        error = _error(run, s)
        ways[name] = Way(lambda error=error: arrays(gx.grad_bp(error, s.net)))
    return Workload("Haskell gradient", ways)


def descent(setting: Setting) -> Workload:
    """A step of gradient descent."""
    s = sample(setting)
    ways: Ways = {"numpy": Way(lambda: arrays(hand_descent(s.net, s.x, s.target)))}
    for name, run in RUNS.items():
        error = _error(run, s)
        ways[name] = Way(lambda error=error: arrays(s.net - RATE * gx.grad_bp(error, s.net)))
    if CAN_DESCEND:
        ways["gradx in place"] = _descending(s)
    return Workload("Haskell descent", ways)


def plain_run(setting: Setting) -> Workload:
    """The network alone, without a gradient."""
    s = sample(setting)
    ways: Ways = {"numpy": Way(lambda: run_fields(s.net, s.x))}
    for name, run in RUNS.items():
        ways[name] = Way(partial(gx.eval_bp, partial(_flipped, run, s.x), s.net))
    return Workload("Haskell run", ways)


def _error(run: Callable[[Net, Any], Any], s: Sample) -> Callable[[Net], Any]:
    return lambda net: cross_entropy(s.target, run(net, s.x))


def _flipped(run: Callable[[Net, Any], Any], x: Any, net: Net) -> Any:
    return run(net, x)


def _descending(s: Sample) -> Way:
    net = Net(*(Layer(x.weights.copy(), x.bias.copy()) for x in _layers(s.net)))
    error = _error(run_fields, s)

    def run() -> tuple[np.ndarray, ...]:
        gradx_descend(error, net, RATE)
        return arrays(net)

    def reset() -> None:
        for array, origin in zip(arrays(net), arrays(s.net), strict=True):
            np.copyto(array, origin)

    return Way(run, reset)


def _layers(net: Net) -> tuple[Layer, ...]:
    return net.layer1, net.layer2, net.layer3


PARTS: MappingProxyType[str, Callable[[Setting], Workload]] = MappingProxyType(
    {"gradient": gradient, "descent": descent, "run": plain_run}
)
