"""What the tests of debugging share: records, and functions with a known mistake."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


@dataclass
class Layer:
    """A layer of a network."""

    w: np.ndarray
    b: float


@dataclass
class Net:
    """A network with a list of layers."""

    layers: list[Layer]
    name: str = "net"


@dataclass
class Leaf:
    """The end of a branch."""

    value: float


@dataclass
class Fork:
    """A tree: a weight and two branches."""

    weight: np.ndarray
    left: Fork | Leaf
    right: Fork | Leaf


def net():
    return Net([Layer(np.full((2, 3), 0.5), 0.1), Layer(np.array([1.0, -1.0]), 0.2)])


def output(net, x):
    for layer in net.layers:
        x = np.tanh(layer.w @ x + layer.b)
    return np.sum(x)


def recurrent(w, x, steps):
    for _ in range(steps):
        x = np.tanh(w @ x)
    return np.sum(x)


def fork():
    return Fork(np.ones(2), Fork(np.full(3, 2.0), Leaf(1.0), Leaf(2.0)), Leaf(3.0))


def total(tree):
    if isinstance(tree, Leaf):
        return tree.value
    return np.sum(tree.weight) * total(tree.left) + total(tree.right)


def place_in(file, function, text):
    """The pattern of a place in an error."""
    return rf"{re.escape(file)}:\d+ in {re.escape(function)}, {re.escape(repr(text))}"
