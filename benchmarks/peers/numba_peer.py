"""Numba: the gradient written out by hand in one function, compiled to machine code.

Its matrix products are those of SciPy's BLAS. Compiling happens before anything is timed.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import scipy.linalg  # noqa: F401 - Numba takes its BLAS from there, and says so only on use

from benchmarks.workload import Way, Ways

Arrays = tuple[np.ndarray, ...]
NAME, IN_PLACE = "numba", "numba in place"
compiled = numba.njit(fastmath=True, error_model="numpy")


def setup(threads: int) -> None:
    """The functions here are not parallel."""


@compiled
def _shares(w1: Any, b1: Any, w2: Any, b2: Any, x: Any) -> Any:
    y = np.dot(w1, x)
    for i in range(y.size):
        y[i] = 1 / (1 + np.exp(-(y[i] + b1[i])))
    z = np.dot(w2, y)
    total = z[0] * 0
    for i in range(z.size):
        z[i] = np.exp(z[i] + b2[i])
        total += z[i]
    for i in range(z.size):
        z[i] /= total
    return y, z


@compiled
def _error(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, target: Any) -> Any:
    _, z = _shares(w1, b1, w2, b2, x)
    return -np.dot(np.log(z), target)


@compiled
def _cotangents(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, target: Any) -> Any:
    y, z = _shares(w1, b1, w2, b2, x)
    d2 = z - target
    d1 = np.dot(d2, w2)
    for i in range(y.size):
        d1[i] *= y[i] * (1 - y[i])
    return y, d1, d2


@compiled
def _gradient(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, target: Any) -> Any:
    y, d1, d2 = _cotangents(w1, b1, w2, b2, x, target)
    return np.outer(d1, x), d1, np.outer(d2, y), d2


@compiled
def _moved(w: Any, d: Any, x: Any, rate: Any, out: Any) -> None:
    """A matrix with an outer product taken away, in one pass."""
    for i in range(w.shape[0]):
        scale = rate * d[i]
        for j in range(w.shape[1]):
            out[i, j] = w[i, j] - scale * x[j]


@compiled
def _step(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, target: Any, rate: Any) -> Any:
    y, d1, d2 = _cotangents(w1, b1, w2, b2, x, target)
    v1, v2 = np.empty_like(w1), np.empty_like(w2)
    _moved(w1, d1, x, rate, v1)
    _moved(w2, d2, y, rate, v2)
    return v1, b1 - rate * d1, v2, b2 - rate * d2


@compiled
def _step_in_place(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, target: Any, rate: Any) -> None:
    y, d1, d2 = _cotangents(w1, b1, w2, b2, x, target)
    _moved(w1, d1, x, rate, w1)
    _moved(w2, d2, y, rate, w2)
    b1 -= rate * d1
    b2 -= rate * d2


@compiled
def _rows_gradient(w1: Any, b1: Any, w2: Any, b2: Any, xs: Any, targets: Any) -> Any:
    y = np.dot(xs, w1.T)
    for k in range(y.shape[0]):
        for i in range(y.shape[1]):
            y[k, i] = 1 / (1 + np.exp(-(y[k, i] + b1[i])))
    z = np.dot(y, w2.T)
    for k in range(z.shape[0]):
        total = z[0, 0] * 0
        for i in range(z.shape[1]):
            z[k, i] = np.exp(z[k, i] + b2[i])
            total += z[k, i]
        for i in range(z.shape[1]):
            z[k, i] = (z[k, i] / total - targets[k, i]) / len(xs)
    d = np.dot(z, w2)
    for k in range(d.shape[0]):
        for i in range(d.shape[1]):
            d[k, i] *= y[k, i] * (1 - y[k, i])
    return np.dot(d.T, xs), d.sum(axis=0), np.dot(z.T, y), z.sum(axis=0)


@compiled
def _rows_step(w1: Any, b1: Any, w2: Any, b2: Any, xs: Any, targets: Any, rate: Any) -> Any:
    g1, h1, g2, h2 = _rows_gradient(w1, b1, w2, b2, xs, targets)
    return w1 - rate * g1, b1 - rate * h1, w2 - rate * g2, b2 - rate * h2


@compiled
def _rows_in_place(w1: Any, b1: Any, w2: Any, b2: Any, xs: Any, targets: Any, rate: Any) -> None:
    g1, h1, g2, h2 = _rows_gradient(w1, b1, w2, b2, xs, targets)
    w1 -= rate * g1
    b1 -= rate * h1
    w2 -= rate * g2
    b2 -= rate * h2


@compiled
def _steps(w1: Any, b1: Any, w2: Any, b2: Any, xs: Any, targets: Any, rate: Any) -> None:
    for k in range(len(xs)):
        _step_in_place(w1, b1, w2, b2, xs[k], targets[k], rate)


@compiled
def _wide(x: Any) -> Any:
    g = np.empty_like(x)
    for i in range(x.size):
        v = x[i]
        t, e, q = np.tanh(v), np.exp(-v * v), 1 + v * v
        g[i] = (1 - t * (t + 2 * v)) * e + (np.cos(v) - 2 * v * np.sin(v) / q) / q
    return g


def error(p: Any) -> Ways:
    """W1."""
    return {NAME: Way(lambda: _error(*p.net, p.x, p.target), native=True)}


def gradient(p: Any) -> Ways:
    """W2."""
    return {NAME: Way(lambda: _gradient(*p.net, p.x, p.target), native=True)}


def step(p: Any) -> Ways:
    """W3 and W4."""
    net, rate = tuple(array.copy() for array in p.net), p.net[0].dtype.type(p.rate)
    functional, in_place = (
        (_step, _step_in_place) if p.x.ndim == 1 else (_rows_step, _rows_in_place)
    )

    def run_in_place() -> Arrays:
        in_place(*net, p.x, p.target, rate)
        return net

    def reset() -> None:
        for array, origin in zip(net, p.net, strict=True):
            np.copyto(array, origin)

    return {
        NAME: Way(lambda: functional(*p.net, p.x, p.target, rate), native=True),
        IN_PLACE: Way(run_in_place, reset, native=True),
    }


def epoch(p: Any) -> Ways:
    """W5: a whole round in one call, compiled before the first."""
    rate = p.net[0].dtype.type(p.rate)
    xs, targets = next(p.chunks())
    _steps(*(array.copy() for array in p.net), xs[:1], targets[:1], rate)
    net = tuple(array.copy() for array in p.net)

    def walk(xs: Any, targets: Any) -> Arrays:
        _steps(*net, xs, targets, rate)
        return net

    return {IN_PLACE: p.way(walk, native=True)}


def wide(x: Any) -> Ways:
    """W7."""
    return {NAME: Way(lambda: _wide(x), native=True)}
