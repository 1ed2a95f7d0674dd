"""autograd: NumPy under another name, differentiated by tracing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from benchmarks import formulas
from benchmarks.workload import Way, Ways


def setup(threads: int) -> None:
    """It has no threads of its own."""


def _error(p: Any) -> Callable[[Any], Any]:
    error = formulas.error if p.x.ndim == 1 else formulas.rows_error
    return lambda net: error(anp, net, p.x, p.target)


def error(p: Any) -> Ways:
    """W1."""
    f = _error(p)
    return {"autograd": Way(lambda: f(p.net))}


def recorded(p: Any) -> Ways:
    """W1, recorded."""
    pull = autograd.make_vjp(_error(p))
    return {"autograd": Way(lambda: pull(p.net)[1])}


def gradient(p: Any) -> Ways:
    """W2."""
    g = autograd.grad(_error(p))
    return {"autograd": Way(lambda: tuple(g(p.net)))}


def step(p: Any) -> Ways:
    """W3 and W4."""
    g = autograd.grad(_error(p))

    def run() -> Any:
        return tuple(a - p.rate * d for a, d in zip(p.net, g(p.net), strict=True))

    return {"autograd": Way(run)}


def epoch(p: Any) -> Ways:
    """W5."""
    net = p.net
    g = autograd.grad(lambda net, x, target: formulas.error(anp, net, x, target))

    def walk(xs: Any, targets: Any) -> Any:
        nonlocal net
        for x, target in zip(xs, targets, strict=True):
            net = tuple(a - p.rate * d for a, d in zip(net, g(net, x, target), strict=True))
        return net

    return {"autograd": p.way(walk)}


def chain(p: Any) -> Ways:
    """W6."""
    pull = autograd.make_vjp(lambda x: p.run(anp, x, p.constant))
    one = np.ones_like(p.x)

    def run() -> Any:
        pullback, y = pull(p.x)
        pullback(one)
        return y

    return {"autograd": Way(run)}


def wide(x: Any) -> Ways:
    """W7."""
    g = autograd.grad(lambda v: formulas.wide(anp, v))
    return {"autograd": Way(lambda: g(x))}


def deep(f: Callable[[Any], Any]) -> Ways:
    """The deep chain."""
    g = autograd.value_and_grad(f)
    return {"autograd": Way(lambda: g(1.0))}


def leaves(arrays: Any) -> Ways:
    """Many leaves."""

    def total(leaves: Any) -> Any:
        found = 0.0
        for leaf in leaves:
            found = found + anp.dot(leaf, leaf)
        return found

    g = autograd.value_and_grad(total)
    return {"autograd": Way(lambda: tuple(_listed(g(arrays))))}


def _listed(pair: Any) -> Any:
    value, gradients = pair
    return value, list(gradients)


def lstm(cell: Any, xs: Any) -> Ways:
    """The LSTM."""
    g = autograd.grad(lambda c: formulas.lstm(anp, *c, xs))
    return {"autograd": Way(lambda: tuple(g(cell)))}


def second(x: Any) -> Ways:
    """The gradient of a gradient."""
    first = autograd.grad(lambda v: formulas.polynomial(anp, v))
    g = autograd.grad(lambda v: anp.sum(first(v)))
    return {"autograd": Way(lambda: g(x))}


def evaluation(program: Any) -> Ways:
    """The programs by which tools are compared."""
    g = autograd.grad(program.run(anp, autograd.grad))
    return {"autograd": Way(lambda: g(program.inputs))}
