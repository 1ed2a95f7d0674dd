"""The model: a network as a record, and its error as the announcement of `backprop` writes it.

Everything here is plain NumPy on plain values; gradx differentiates it as it stands. The functions
for one sample take vectors, as the announcement does; those ending in `_rows` take a batch, one
sample a row, and give the mean loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import gradx as gx
from gradx.backends import Array

INITIAL_RANGE = 0.5


class Layer(gx.Record, frozen=True):
    """A linear map and what is added to it.

    Attributes:
        weights: (m, n), for n inputs and m outputs.
        bias: (m,).
    """

    weights: Array
    bias: Array


class Net(gx.Record, frozen=True):
    """A network: its layers from input to output."""

    layers: tuple[Layer, ...]


def logistic(x: Array) -> Array:
    """The logistic function, item by item."""
    return 1 / (1 + np.exp(-x))


def soft_max(x: Array) -> Array:
    """Scale the exponentials of a vector so that they add up to one."""
    expx = np.exp(x)
    scaled: Array = expx / np.sum(expx)
    return scaled


def soft_max_rows(x: Array) -> Array:
    """`soft_max` of each row."""
    expx = np.exp(x)
    scaled: Array = expx / np.sum(expx, axis=1, keepdims=True)
    return scaled


def run_net(net: Net, x: Array) -> Array:
    """What a network makes of one sample.

    Args:
        net: a network of n inputs and m outputs.
        x: (n,).

    Returns:
        (m,), the probability of each class.
    """
    *hidden, last = net.layers
    for layer in hidden:
        x = logistic(layer.weights @ x + layer.bias)
    return soft_max(last.weights @ x + last.bias)


def run_net_rows(net: Net, xs: Array) -> Array:
    """`run_net` of each row: (k, n) gives (k, m)."""
    *hidden, last = net.layers
    for layer in hidden:
        xs = logistic(xs @ layer.weights.T + layer.bias)
    return soft_max_rows(xs @ last.weights.T + last.bias)


def cross_entropy(targ: Array, res: Array) -> Any:
    """The cross-entropy of a result and its target: smaller is better."""
    return -(np.log(res) @ targ)


def net_err(x: Array, targ: Array, net: Net) -> Any:
    """How wrong a network is on one sample: (n,) with target (m,) gives a number."""
    return cross_entropy(targ, run_net(net, x))


def net_err_rows(xs: Array, targs: Array, net: Net) -> Any:
    """How wrong a network is on a batch, in the mean: (k, n) with targets (k, m) gives a number."""
    return -np.sum(np.log(run_net_rows(net, xs)) * targs) / len(xs)


def step_net(x: Array, targ: Array, rate: float, net: Net) -> Net:
    """One step of gradient descent on one sample."""
    return net - rate * gx.grad_bp(lambda n: net_err(x, targ, n), net)


def step_net_rows(xs: Array, targs: Array, rate: float, net: Net) -> Net:
    """One step of gradient descent on a batch."""
    return net - rate * gx.grad_bp(lambda n: net_err_rows(xs, targs, n), net)


def random_stream(seed: int, number: int) -> np.random.Generator:
    """One of a seed's independent streams of random numbers.

    Args:
        seed: any number from 0.
        number: 0 for the first weights, an epoch's number for its order.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


def init_net(sizes: Sequence[int], dtype: str, seed: int) -> Net:
    """A network of random weights and biases, uniform between -0.5 and 0.5.

    The numbers are drawn in float64 whatever the dtype, so that one seed means one network.

    Args:
        sizes: the input's size, each layer's in turn.
        dtype: of the parameters.
        seed: the same one gives the same network.

    >>> net = init_net((4, 3, 2), "float32", seed=1)
    >>> [(layer.weights.shape, layer.bias.shape) for layer in net.layers]
    [((3, 4), (3,)), ((2, 3), (2,))]
    """
    random = random_stream(seed, 0)

    def draw(*shape: int) -> Array:
        return random.uniform(-INITIAL_RANGE, INITIAL_RANGE, shape).astype(dtype, copy=False)

    return Net(
        tuple(Layer(draw(outputs, inputs), draw(outputs)) for inputs, outputs in pairwise(sizes))
    )


def map_net(change: Callable[[Array], Array], net: Net) -> Net:
    """A network whose arrays are each changed by a function."""
    return Net(tuple(Layer(change(layer.weights), change(layer.bias)) for layer in net.layers))


def sizes_of(net: Net) -> tuple[int, ...]:
    """The input's size and each layer's in turn."""
    return (net.layers[0].weights.shape[1], *(layer.bias.shape[0] for layer in net.layers))


def count_parameters(sizes: Sequence[int]) -> int:
    """How many numbers a network of these sizes learns.

    >>> count_parameters((784, 250, 10))
    198760
    """
    return sum((n + 1) * m for n, m in pairwise(sizes))
