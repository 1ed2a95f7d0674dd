"""MyGrad: tensors around NumPy arrays, with and without its guard against writing into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mygrad as mg

from benchmarks import formulas
from benchmarks.workload import Way, Ways

GUARDED, UNGUARDED = "mygrad", "mygrad unguarded"


def setup(threads: int) -> None:
    """It has no threads of its own."""


def _both(run: Callable[[], Any]) -> Ways:
    def unguarded() -> Any:
        with mg.mem_guard_off:
            return run()

    return {GUARDED: Way(run), UNGUARDED: Way(unguarded)}


def _error(p: Any) -> Callable[[Any], Any]:
    """The formulas, with the names that MyGrad has for them."""
    if p.x.ndim == 1:
        return lambda net: _sample_error(net, p.x, p.target)
    return lambda net: _rows_error(net, p.x, p.target)


def _sample_error(net: Any, x: Any, target: Any) -> Any:
    weights1, bias1, weights2, bias2 = net
    y = 1 / (1 + mg.exp(-(mg.matmul(weights1, x) + bias1)))
    expz = mg.exp(mg.matmul(weights2, y) + bias2)
    return -mg.matmul(mg.log(expz / mg.sum(expz)), target)


def _rows_error(net: Any, xs: Any, targets: Any) -> Any:
    weights1, bias1, weights2, bias2 = net
    y = 1 / (1 + mg.exp(-(mg.matmul(xs, weights1.T) + bias1)))
    expz = mg.exp(mg.matmul(y, weights2.T) + bias2)
    shares = expz / mg.sum(expz, axis=1, keepdims=True)
    return -mg.sum(mg.log(shares) * targets) / len(xs)


def _gradients(f: Callable[[Any], Any], arrays: Any) -> Any:
    own = tuple(mg.tensor(array, copy=False) for array in arrays)
    f(own).backward()
    return tuple(tensor.grad for tensor in own)


def error(p: Any) -> Ways:
    """W1: with MyGrad's own switch for no gradients."""
    f = _error(p)

    def run() -> Any:
        with mg.no_autodiff:
            return f(p.net)

    return {GUARDED: Way(run)}


def recorded(p: Any) -> Ways:
    """W1, recorded."""
    f = _error(p)
    return _both(lambda: f(tuple(mg.tensor(array, copy=False) for array in p.net)))


def gradient(p: Any) -> Ways:
    """W2."""
    f = _error(p)
    return _both(lambda: _gradients(f, p.net))


def step(p: Any) -> Ways:
    """W3 and W4."""
    f = _error(p)

    def run() -> Any:
        return tuple(a - p.rate * d for a, d in zip(p.net, _gradients(f, p.net), strict=True))

    return _both(run)


def chain(p: Any) -> Ways:
    """W6."""

    def run() -> Any:
        y = p.run(mg, mg.tensor(p.x), p.constant)
        y.backward()
        return y

    return _both(run)


def wide(x: Any) -> Ways:
    """W7."""
    return _both(lambda: _gradients(lambda own: formulas.wide(mg, own[0]), (x,)))


def deep(f: Callable[[Any], Any]) -> Ways:
    """The deep chain."""

    def run() -> Any:
        x = mg.tensor(1.0)
        y = f(x)
        y.backward()
        return y, x.grad

    return _both(run)


def leaves(arrays: Any) -> Ways:
    """Many leaves."""

    def run() -> Any:
        own = tuple(mg.tensor(array, copy=False) for array in arrays)
        total: Any = 0.0
        for leaf in own:
            total = total + mg.matmul(leaf, leaf)
        total.backward()
        return total, *(leaf.grad for leaf in own)

    return _both(run)
