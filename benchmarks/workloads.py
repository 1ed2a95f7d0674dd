"""Workloads: the announcement's network, long chains of operations, and a wide elementwise chain.

Each workload is a set of implementations by name, `numpy` (by hand) and `gradx` among them, that
take no arguments and return the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx

try:
    import autograd
    import autograd.numpy as anp
except ImportError:  # a peer; its figures are left out
    autograd = None

Implementations = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Workload:
    """One thing to compute, in several ways.

    Attributes:
        name: as in docs/performance.md.
        ways: the implementations.
        operations: how many operations the figure is divided by, where it is one per operation.
    """

    name: str
    ways: Implementations
    operations: int = 1


@gx.record
class Net:
    """784-250-10."""

    weights1: np.ndarray
    bias1: np.ndarray
    weights2: np.ndarray
    bias2: np.ndarray


def parts(net: Net) -> tuple[np.ndarray, ...]:
    """The arrays of a network."""
    return net.weights1, net.bias1, net.weights2, net.bias2


def forward(np_: Any, weights1: Any, bias1: Any, weights2: Any, bias2: Any, x: Any) -> Any:
    """The network on one sample (n,), with NumPy or a peer of it."""
    y = 1 / (1 + np_.exp(-(np_.dot(weights1, x) + bias1)))
    expz = np_.exp(np_.dot(weights2, y) + bias2)
    return expz / np_.sum(expz)


def error(np_: Any, net: tuple[Any, ...], x: Any, targ: Any) -> Any:
    """The cross-entropy on one sample."""
    return -np_.dot(np_.log(forward(np_, *net, x)), targ)


def rows_error(np_: Any, net: tuple[Any, ...], xs: Any, targs: Any) -> Any:
    """The mean cross-entropy on rows (k, n)."""
    weights1, bias1, weights2, bias2 = net
    y = 1 / (1 + np_.exp(-(np_.dot(xs, weights1.T) + bias1)))
    expz = np_.exp(np_.dot(y, weights2.T) + bias2)
    shares = expz / np_.sum(expz, axis=1, keepdims=True)
    return -np_.sum(np_.log(shares) * targs) / len(xs)


def hand_gradient(net: Net, x: np.ndarray, targ: np.ndarray) -> tuple[np.ndarray, ...]:
    """The gradient on one sample, as anyone would write it down."""
    y = 1 / (1 + np.exp(-(net.weights1 @ x + net.bias1)))
    expz = np.exp(net.weights2 @ y + net.bias2)
    d2 = expz / np.sum(expz) - targ
    d1 = net.weights2.T @ d2 * y * (1 - y)
    return np.outer(d1, x), d1, np.outer(d2, y), d2


def hand_rows_gradient(net: Net, xs: np.ndarray, targs: np.ndarray) -> tuple[np.ndarray, ...]:
    """The gradient of the mean on rows."""
    y = 1 / (1 + np.exp(-(xs @ net.weights1.T + net.bias1)))
    expz = np.exp(y @ net.weights2.T + net.bias2)
    d2 = (expz / np.sum(expz, axis=1, keepdims=True) - targs) / len(xs)
    d1 = d2 @ net.weights2 * y * (1 - y)
    return d1.T @ xs, d1.sum(axis=0), d2.T @ y, d2.sum(axis=0)


def network(dtype: str) -> Iterator[Workload]:
    """W1 to W4: the announcement's network, one sample and batches."""
    rng = np.random.default_rng(0)

    def uniform(*shape: int) -> np.ndarray:
        return rng.uniform(-0.5, 0.5, shape).astype(dtype)

    net = Net(uniform(250, 784), uniform(250), uniform(10, 250), uniform(10))
    x, targ = rng.uniform(0, 1, 784).astype(dtype), np.eye(10, dtype=dtype)[3]

    def loss(n: Net) -> Any:
        return error(np, parts(n), x, targ)

    def by_hand() -> Net:
        g = hand_gradient(net, x, targ)
        return Net(*(p - 0.02 * d for p, d in zip(parts(net), g, strict=True)))

    yield Workload("W1 eval", {"numpy": lambda: loss(net), "gradx": lambda: gx.eval_bp(loss, net)})
    yield Workload(
        "W1 recorded",
        {"numpy": lambda: loss(net), "gradx": lambda: gx.backprop_with(loss, net)[0]},
    )
    ways: Implementations = {
        "numpy": lambda: hand_gradient(net, x, targ),
        "gradx": lambda: parts(gx.grad_bp(loss, net)),
    }
    if autograd:
        gradient = autograd.grad(lambda n: error(anp, n, x, targ))
        ways["autograd"] = lambda: gradient(parts(net))
    yield Workload("W2 gradient", ways)
    yield Workload(
        "W3 step",
        {
            "numpy": lambda: parts(by_hand()),
            "gradx": lambda: parts(net - 0.02 * gx.grad_bp(loss, net)),
        },
    )
    for size in (32, 128, 1024):
        yield batch(net, size, dtype, rng)


def batch(net: Net, size: int, dtype: str, rng: np.random.Generator) -> Workload:
    """W4: a step on a batch."""
    xs = rng.uniform(0, 1, (size, 784)).astype(dtype)
    targs = np.eye(10, dtype=dtype)[rng.integers(0, 10, size)]

    def loss(n: Net) -> Any:
        return rows_error(np, parts(n), xs, targs)

    def by_hand() -> tuple[np.ndarray, ...]:
        g = hand_rows_gradient(net, xs, targs)
        return tuple(p - 0.02 * d for p, d in zip(parts(net), g, strict=True))

    ways: Implementations = {
        "numpy": by_hand,
        "gradx": lambda: parts(net - 0.02 * gx.grad_bp(loss, net)),
    }
    if autograd:
        gradient = autograd.grad(lambda n: rows_error(anp, n, xs, targs))
        ways["autograd"] = lambda: tuple(
            p - 0.02 * d for p, d in zip(parts(net), gradient(parts(net)), strict=True)
        )
    return Workload(f"W4 batch {size}", ways)


def chains(length: int) -> Iterator[Workload]:
    """W6: what one operation costs, forward and backward, in a chain of many."""
    vector, factors = np.linspace(0.1, 0.9, 100), np.full(100, 1.0001)

    def chain(step: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            y = x
            for _ in range(length):
                y = step(y, x)
            return y

        return run

    for name, step, x in (
        ("float * constant", lambda y, x: y * 1.0001, 1.0),
        ("float * variable", lambda y, x: y * x, 1.0),
        ("vector * constant", lambda y, x: y * factors, vector),
        ("vector * variable", lambda y, x: y * x, vector),
        ("sin(vector)", lambda y, x: np.sin(y), vector),
    ):
        f = chain(step)
        ways: Implementations = {
            "numpy": lambda f=f, x=x: f(x),
            "gradx": lambda f=f, x=x: gx.backprop(f, x)[0],
        }
        if autograd and name != "sin(vector)":
            pull = autograd.make_vjp(f)
            ways["autograd"] = lambda pull=pull, x=x: _with_sweep(pull(x), x)
        yield Workload(f"W6 {name}", ways, operations=length)


def _with_sweep(pulled: Any, x: Any) -> Any:
    pull, y = pulled
    pull(np.ones_like(x))
    return y


def wide(n: int) -> Workload:
    """W7: a wide elementwise chain, where time and memory go to the arrays."""
    x = np.linspace(-1.0, 1.0, n)

    def f(np_: Any, x: Any) -> Any:
        return np_.sum(np_.tanh(x) * np_.exp(-(x**2)) + np_.sin(x) / (1 + x**2))

    def by_hand() -> np.ndarray:
        t, e, s, q = np.tanh(x), np.exp(-(x**2)), np.sin(x), 1 + x**2
        return (1 - t**2) * e - 2 * x * t * e + np.cos(x) / q - 2 * x * s / q**2

    ways: Implementations = {"numpy": by_hand, "gradx": lambda: gx.grad_bp(lambda v: f(np, v), x)}
    if autograd:
        gradient = autograd.grad(lambda v: f(anp, v))
        ways["autograd"] = lambda: gradient(x)
    return Workload("W7 wide chain", ways)


def workloads(smoke: bool, dtype: str = "float64") -> Iterator[Workload]:
    """All of them, small for a smoke run."""
    yield from network(dtype)
    yield from chains(50 if smoke else 1000)
    yield wide(1000 if smoke else 1_000_000)
