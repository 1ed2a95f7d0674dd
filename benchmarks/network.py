"""Network: the announcement's 784-250-10 on one sample, on batches, and for a whole epoch (W1-W5).

NumPy by hand and gradx stand here. `net - rate * gradient` is taken literally by both; ways named
"in place" change the arrays of the network that they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx
from benchmarks import formulas
from benchmarks.workload import Setting, Way, Ways, Workload
from gradx import mnist

RATE = 0.02
SIZES = (1, 32, 128, 1024)
CHUNK = 5000  # samples of an epoch that one round takes

Arrays = tuple[np.ndarray, ...]


@gx.record
class Net:
    """784-250-10."""

    weights1: np.ndarray
    bias1: np.ndarray
    weights2: np.ndarray
    bias2: np.ndarray


@dataclass(frozen=True)
class Problem:
    """A network and what it is to learn from.

    Attributes:
        net: weights1 (250, 784), bias1 (250,), weights2 (10, 250), bias2 (10,).
        x: one sample (784,), or rows of them.
        target: its target (10,), or rows.
        rate: how far a step goes.
    """

    net: Arrays
    x: np.ndarray
    target: np.ndarray
    rate: float = RATE


def parts(net: Net) -> Arrays:
    """The arrays of a network."""
    return net.weights1, net.bias1, net.weights2, net.bias2


def copied(arrays: Arrays) -> Arrays:
    """Arrays of their own, for ways that change them."""
    return tuple(array.copy() for array in arrays)


def put_back(changed: Arrays, start: Arrays) -> Callable[[], None]:
    """What undoes steps in place."""

    def reset() -> None:
        for array, origin in zip(changed, start, strict=True):
            np.copyto(array, origin)

    return reset


def problem(setting: Setting, rows: int | None = None) -> Problem:
    """The network with one sample or with so many rows; the same numbers every time."""
    rng = np.random.default_rng(0)

    def uniform(low: float, high: float, *shape: int) -> np.ndarray:
        return rng.uniform(low, high, shape).astype(setting.dtype)

    shapes = ((250, 784), (250,), (10, 250), (10,))
    net = tuple(uniform(-0.5, 0.5, *shape) for shape in shapes)
    one_hot = np.eye(10, dtype=setting.dtype)
    if rows is None:
        return Problem(net, uniform(0, 1, 784), one_hot[3])
    return Problem(net, uniform(0, 1, rows, 784), one_hot[rng.integers(0, 10, rows)])


# --- NumPy by hand: the obvious code --------------------------------------------------------------


def hand_gradient(net: Net, x: np.ndarray, target: np.ndarray) -> Net:
    """The gradient on one sample, as anyone would write it down."""
    y = 1 / (1 + np.exp(-(net.weights1 @ x + net.bias1)))
    expz = np.exp(net.weights2 @ y + net.bias2)
    d2 = expz / np.sum(expz) - target
    d1 = net.weights2.T @ d2 * y * (1 - y)
    return Net(np.outer(d1, x), d1, np.outer(d2, y), d2)


def hand_rows_gradient(net: Net, xs: np.ndarray, targets: np.ndarray) -> Net:
    """The gradient of the mean error on rows."""
    y = 1 / (1 + np.exp(-(xs @ net.weights1.T + net.bias1)))
    expz = np.exp(y @ net.weights2.T + net.bias2)
    d2 = (expz / np.sum(expz, axis=1, keepdims=True) - targets) / len(xs)
    d1 = d2 @ net.weights2 * y * (1 - y)
    return Net(d1.T @ xs, d1.sum(axis=0), d2.T @ y, d2.sum(axis=0))


def hand_step(net: Net, g: Net, rate: float) -> Net:
    """A network moved along its gradient."""
    return Net(
        net.weights1 - rate * g.weights1,
        net.bias1 - rate * g.bias1,
        net.weights2 - rate * g.weights2,
        net.bias2 - rate * g.bias2,
    )


def hand_step_in_place(net: Net, g: Net, rate: float) -> None:
    """The same, in the network's own arrays."""
    net.weights1 -= rate * g.weights1
    net.bias1 -= rate * g.bias1
    net.weights2 -= rate * g.weights2
    net.bias2 -= rate * g.bias2


# --- gradx in place: one place for the call -------------------------------------------------------

CAN_DESCEND = hasattr(gx, "descend")


def gradx_descend(loss: Callable[[Any], Any], net: Any, rate: float) -> None:
    """Move a record along its gradient, in its own arrays."""
    gx.descend(loss, net, rate)


# --- The workloads --------------------------------------------------------------------------------


def losses(p: Problem) -> tuple[Net, Callable[[Net], Any]]:
    """The network as a record and its error on the problem's sample or rows, in plain NumPy."""
    error = formulas.error if p.x.ndim == 1 else formulas.rows_error
    return Net(*p.net), lambda net: error(np, parts(net), p.x, p.target)


def evaluation(setting: Setting) -> Workload:
    """W1: the error of one sample, without a gradient."""
    p = problem(setting)
    net, loss = losses(p)
    ways, notes = setting.ways("error", p)
    own = {"numpy": Way(lambda: loss(net)), "gradx": Way(lambda: gx.eval_bp(loss, net))}
    return Workload("W1 eval", own | ways, notes=notes)


def recorded(setting: Setting) -> Workload:
    """W1 recorded: the forward part of a gradient run."""
    p = problem(setting)
    net, loss = losses(p)
    ways, notes = setting.ways("recorded", p)
    own = {"numpy": Way(lambda: loss(net)), "gradx": Way(lambda: gx.backprop_with(loss, net)[0])}
    return Workload("W1 recorded", own | ways, notes=notes)


def gradient(setting: Setting) -> Workload:
    """W2: the gradient on one sample."""
    p = problem(setting)
    net, loss = losses(p)
    ways, notes = setting.ways("gradient", p)
    own = {
        "numpy": Way(lambda: parts(hand_gradient(net, p.x, p.target))),
        "gradx": Way(lambda: parts(gx.grad_bp(loss, net))),
    }
    return Workload("W2 gradient", own | ways, notes=notes)


def step(setting: Setting) -> Workload:
    """W3: a step on one sample."""
    return _steps("W3 step", setting, problem(setting), hand_gradient)


def batch(setting: Setting, size: int) -> Workload:
    """W4: a step on a batch."""
    p = problem(setting, min(size, 8) if setting.smoke else size)
    return _steps(f"W4 batch {size}", setting, p, hand_rows_gradient)


def _steps(name: str, setting: Setting, p: Problem, hand: Callable[..., Net]) -> Workload:
    net, loss = losses(p)
    own_arrays = copied(p.net)
    changed = Net(*own_arrays)

    def in_place() -> Arrays:
        hand_step_in_place(changed, hand(changed, p.x, p.target), p.rate)
        return own_arrays

    own: Ways = {
        "numpy": Way(lambda: parts(hand_step(net, hand(net, p.x, p.target), p.rate))),
        "numpy in place": Way(in_place, put_back(own_arrays, p.net)),
        "gradx": Way(lambda: parts(net - p.rate * gx.grad_bp(loss, net))),
    }
    notes: tuple[str, ...] = ()
    if CAN_DESCEND:
        own["gradx in place"] = descending(loss, p)
    else:
        notes = ("gradx in place left out: this version has no gx.descend",)
    ways, left_out = setting.ways("step", p)
    return Workload(name, own | ways, notes=notes + left_out)


def descending(loss: Callable[[Net], Any], p: Problem) -> Way:
    """A step of gradx in the network's own arrays."""
    own_arrays = copied(p.net)
    changed = Net(*own_arrays)

    def run() -> Arrays:
        gradx_descend(loss, changed, p.rate)
        return own_arrays

    return Way(run, put_back(own_arrays, p.net))


# --- W5: an epoch ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Epoch:
    """A network and the samples of an epoch in their order, for ways that go on chunk by chunk.

    Attributes:
        net: as in `Problem`.
        xs: (k, 784).
        targets: (k, 10).
        chunk: samples a round.
        rate: how far a step goes.
    """

    net: Arrays
    xs: np.ndarray
    targets: np.ndarray
    chunk: int
    rate: float = RATE

    def chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The samples of one round after the other, each with its targets."""
        for start in range(0, len(self.xs), self.chunk):
            stop = start + self.chunk
            yield self.xs[start:stop], self.targets[start:stop]

    def way(self, walk: Callable[[np.ndarray, np.ndarray], Any], native: bool = False) -> Way:
        """A way of going on: `walk` takes the samples of one round and gives the arrays so far."""
        chunks = self.chunks()
        return Way(lambda: walk(*next(chunks)), native=native)


def epoch(setting: Setting) -> Workload:
    """W5: an epoch of steps on one sample each, a round a chunk."""
    train = mnist.load().train
    count = 40 if setting.smoke else len(train)
    order = np.random.default_rng(0).permutation(len(train))[:count]
    xs = (train.images.reshape(len(train), -1)[order] / 255).astype(setting.dtype)
    targets = np.eye(10, dtype=setting.dtype)[train.labels[order]]
    p = Epoch(problem(setting).net, xs, targets, count // 2 if setting.smoke else CHUNK)
    ways, notes = setting.ways("epoch", p)
    own: Ways = {
        "numpy": p.way(
            _walk(Net(*p.net), lambda n, x, t: hand_step(n, hand_gradient(n, x, t), RATE))
        ),
        "numpy in place": p.way(_walk(Net(*copied(p.net)), _hand_in_place)),
        "gradx": p.way(_walk(Net(*p.net), _gradx_step)),
    }
    if CAN_DESCEND:
        own["gradx in place"] = p.way(_walk(Net(*copied(p.net)), _gradx_in_place))
    return Workload("W5 epoch", own | ways, rounds=-(-count // p.chunk), notes=notes)


def _walk(net: Net, step: Callable[[Net, Any, Any], Net]) -> Callable[[Any, Any], Arrays]:
    """Steps over the samples of a round; the network is kept for the next one."""

    def walk(xs: np.ndarray, targets: np.ndarray) -> Arrays:
        nonlocal net
        for x, target in zip(xs, targets, strict=True):
            net = step(net, x, target)
        return parts(net)

    return walk


def _hand_in_place(net: Net, x: np.ndarray, target: np.ndarray) -> Net:
    hand_step_in_place(net, hand_gradient(net, x, target), RATE)
    return net


def _gradx_step(net: Net, x: np.ndarray, target: np.ndarray) -> Net:
    return net - RATE * gx.grad_bp(lambda n: formulas.error(np, parts(n), x, target), net)


def _gradx_in_place(net: Net, x: np.ndarray, target: np.ndarray) -> Net:
    gradx_descend(lambda n: formulas.error(np, parts(n), x, target), net, RATE)
    return net
