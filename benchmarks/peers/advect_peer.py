"""advect: plain NumPy calls, traced, and differentiated by a runtime in Rust."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import advect
import numpy as np

from benchmarks import formulas
from benchmarks.workload import Way, Ways


def setup(threads: int) -> None:
    """It has no setting for threads."""


def _error(p: Any) -> Callable[[Any], Any]:
    error = formulas.error if p.x.ndim == 1 else formulas.rows_error
    return lambda net: error(np, net, p.x, p.target)


def gradient(p: Any) -> Ways:
    """W2."""
    g = advect.grad(_error(p))
    return {"advect": Way(lambda: g(p.net))}


def step(p: Any) -> Ways:
    """W3 and W4."""
    g = advect.grad(_error(p))

    def run() -> Any:
        return tuple(a - p.rate * d for a, d in zip(p.net, g(p.net), strict=True))

    return {"advect": Way(run)}


def chain(p: Any) -> Ways:
    """W6."""
    pull = advect.vjp(lambda x: p.run(np, x, p.constant))
    one = np.ones_like(p.x)

    def run() -> Any:
        y, pullback = pull(p.x)
        pullback(one)
        return y

    return {"advect": Way(run)}


def wide(x: Any) -> Ways:
    """W7."""
    g = advect.grad(lambda v: formulas.wide(np, v))
    return {"advect": Way(lambda: g(x), native=True)}


def leaves(arrays: Any) -> Ways:
    """Many leaves."""

    def total(own: Any) -> Any:
        found: Any = 0.0
        for leaf in own:
            found = found + np.dot(leaf, leaf)
        return found

    g = advect.value_and_grad(total)

    def run() -> Any:
        value, gradients = g(arrays)
        return value, *gradients

    return {"advect": Way(run)}


def second(x: Any) -> Ways:
    """The gradient of a gradient."""
    first = advect.grad(lambda v: formulas.polynomial(np, v))
    g = advect.grad(lambda v: np.sum(first(v)))
    return {"advect": Way(lambda: g(x))}
