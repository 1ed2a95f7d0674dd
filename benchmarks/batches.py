"""Batches: gradients of each example, by `gx.vmap` and by hand-batched NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx
from benchmarks.workload import Setting, Way, Workload


@dataclass
class Small:
    """A network of 20 parameters: three inputs, four neurons, one output."""

    weights: np.ndarray
    bias: np.ndarray
    readout: np.ndarray


def error(net: Small, x: Any, y: Any) -> Any:
    """The squared error of one example."""
    return (net.readout @ np.tanh(net.weights @ x + net.bias) - y) ** 2


def per_example(setting: Setting) -> Workload:
    """The gradients of 10,000 examples, each by itself."""
    rng, count = np.random.default_rng(0), 100 if setting.smoke else 10_000
    drawn = [rng.standard_normal(n) for n in ((4, 3), 4, 4, (count, 3), count)]
    weights, bias, readout, xs, ys = (x.astype(setting.dtype) for x in drawn)
    net = Small(weights, bias, readout)

    def by_hand() -> Any:
        h = np.tanh(xs @ net.weights.T + net.bias)
        g = 2 * (h @ net.readout - ys)
        dz = g[:, None] * net.readout * (1 - h**2)
        return [dz[:, :, None] * xs[:, None, :], dz, g[:, None] * h]

    gradient = gx.vmap(gx.grad(error), in_axes=(None, 0, 0))

    def own() -> Any:
        found = gradient(net, xs, ys)
        return [found.weights, found.bias, found.readout]

    return Workload("per-example gradients", {"numpy": Way(by_hand), "gradx": Way(own)})
