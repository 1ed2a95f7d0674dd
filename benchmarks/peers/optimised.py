"""NumPy and SciPy optimised by hand: every buffer made once, and SciPy's BLAS for the updates.

What an expert gets without a compiler. `gemm` and `ger` see a C-ordered matrix as the transpose of
one in Fortran's order, so all matrices are handed to them transposed, without a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

from benchmarks.workload import Way, Ways

Arrays = tuple[np.ndarray, ...]
NAME, IN_PLACE = "optimised", "optimised in place"
BLOCK = 1 << 16  # bytes of an elementwise chain at once: several of them fit the cache


def setup(threads: int) -> None:
    """SciPy's BLAS is limited together with NumPy's."""


class Sample:
    """The network on one sample, in buffers of its own."""

    def __init__(self, net: Arrays) -> None:
        hidden = len(net[1])
        dtype = net[0].dtype
        self.y, self.d1, self.slope = (np.empty(hidden, dtype) for _ in range(3))
        self.z, self.d2 = (np.empty(len(net[3]), dtype) for _ in range(2))
        self.g1, self.g2 = np.empty_like(net[0]), np.empty_like(net[2])
        self.gemm, self.ger = get_blas_funcs(("gemm", "ger"), net[:1])

    def shares(self, net: Arrays, x: np.ndarray) -> np.ndarray:
        """The probability of each class."""
        weights1, bias1, weights2, bias2 = net
        y, z = self.y, self.z
        np.dot(weights1, x, out=y)
        np.add(y, bias1, out=y)
        logistic(y)
        np.dot(weights2, y, out=z)
        np.add(z, bias2, out=z)
        np.exp(z, out=z)
        np.multiply(z, 1 / z.sum(), out=z)
        return z

    def error(self, net: Arrays, x: np.ndarray, target: np.ndarray) -> Any:
        """The cross-entropy."""
        return -np.dot(np.log(self.shares(net, x)), target)

    def cotangents(self, net: Arrays, x: np.ndarray, target: np.ndarray) -> None:
        """Leave those of the two layers in `d1` and `d2`."""
        np.subtract(self.shares(net, x), target, out=self.d2)
        np.dot(self.d2, net[2], out=self.d1)
        np.subtract(1, self.y, out=self.slope)
        np.multiply(self.slope, self.y, out=self.slope)
        np.multiply(self.d1, self.slope, out=self.d1)

    def gradient(self, net: Arrays, x: np.ndarray, target: np.ndarray) -> Arrays:
        """Outer products as matrix products, which write at full bandwidth."""
        self.cotangents(net, x, target)
        self.gemm(1, x[:, None], self.d1[None], 0, self.g1.T, overwrite_c=1)
        self.gemm(1, self.y[:, None], self.d2[None], 0, self.g2.T, overwrite_c=1)
        return self.g1, self.d1, self.g2, self.d2

    def step(self, net: Arrays, x: np.ndarray, target: np.ndarray, rate: float) -> Arrays:
        """A new network: a copy of each matrix with the outer product added."""
        self.cotangents(net, x, target)
        return (
            self.ger(-rate, x, self.d1, a=net[0].T).T,
            net[1] - rate * self.d1,
            self.ger(-rate, self.y, self.d2, a=net[2].T).T,
            net[3] - rate * self.d2,
        )

    def step_in_place(self, net: Arrays, x: np.ndarray, target: np.ndarray, rate: float) -> None:
        """The same in the network's own arrays."""
        self.cotangents(net, x, target)
        self.ger(-rate, x, self.d1, a=net[0].T, overwrite_a=1)
        self.ger(-rate, self.y, self.d2, a=net[2].T, overwrite_a=1)
        np.multiply(self.d1, rate, out=self.d1)
        np.subtract(net[1], self.d1, out=net[1])
        np.multiply(self.d2, rate, out=self.d2)
        np.subtract(net[3], self.d2, out=net[3])


class Rows:
    """The network on rows, likewise."""

    def __init__(self, net: Arrays, rows: int) -> None:
        hidden, dtype = len(net[1]), net[0].dtype
        self.y, self.d1, self.slope = (np.empty((rows, hidden), dtype) for _ in range(3))
        self.d2 = np.empty((rows, len(net[3])), dtype)
        (self.gemm,) = get_blas_funcs(("gemm",), net[:1])

    def cotangents(self, net: Arrays, xs: np.ndarray, targets: np.ndarray) -> None:
        """Leave those of the two layers in `d1` and `d2`."""
        weights1, bias1, weights2, bias2 = net
        np.dot(xs, weights1.T, out=self.y)
        np.add(self.y, bias1, out=self.y)
        logistic(self.y)
        np.dot(self.y, weights2.T, out=self.d2)
        np.add(self.d2, bias2, out=self.d2)
        np.exp(self.d2, out=self.d2)
        np.divide(self.d2, self.d2.sum(axis=1, keepdims=True), out=self.d2)
        np.subtract(self.d2, targets, out=self.d2)
        np.multiply(self.d2, 1 / len(xs), out=self.d2)
        np.dot(self.d2, weights2, out=self.d1)
        np.subtract(1, self.y, out=self.slope)
        np.multiply(self.slope, self.y, out=self.slope)
        np.multiply(self.d1, self.slope, out=self.d1)

    def step(
        self, net: Arrays, xs: np.ndarray, targets: np.ndarray, rate: float, in_place: bool
    ) -> Arrays:
        """The products added straight to the matrices, or to copies of them."""
        self.cotangents(net, xs, targets)
        weights1, bias1, weights2, bias2 = net if in_place else tuple(a.copy() for a in net)
        self.gemm(-rate, xs.T, self.d1.T, 1, weights1.T, trans_b=1, overwrite_c=1)
        self.gemm(-rate, self.y.T, self.d2.T, 1, weights2.T, trans_b=1, overwrite_c=1)
        bias1 -= rate * self.d1.sum(axis=0)
        bias2 -= rate * self.d2.sum(axis=0)
        return weights1, bias1, weights2, bias2


def logistic(y: np.ndarray) -> None:
    """The logistic function in place."""
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.add(y, 1, out=y)
    np.reciprocal(y, out=y)


def error(p: Any) -> Ways:
    """W1."""
    own = Sample(p.net)
    return {NAME: Way(lambda: own.error(p.net, p.x, p.target))}


def gradient(p: Any) -> Ways:
    """W2."""
    own = Sample(p.net)
    return {NAME: Way(lambda: own.gradient(p.net, p.x, p.target))}


def step(p: Any) -> Ways:
    """W3 and W4."""
    net = tuple(array.copy() for array in p.net)
    in_place: Callable[[], Any]
    if p.x.ndim == 1:
        sample = Sample(p.net)
        functional = lambda: sample.step(p.net, p.x, p.target, p.rate)  # noqa: E731

        def in_place() -> Arrays:
            sample.step_in_place(net, p.x, p.target, p.rate)
            return net
    else:
        rows = Rows(p.net, len(p.x))
        functional = lambda: rows.step(p.net, p.x, p.target, p.rate, in_place=False)  # noqa: E731
        in_place = lambda: rows.step(net, p.x, p.target, p.rate, in_place=True)  # noqa: E731

    def reset() -> None:
        for array, origin in zip(net, p.net, strict=True):
            np.copyto(array, origin)

    return {NAME: Way(functional), IN_PLACE: Way(in_place, reset)}


def epoch(p: Any) -> Ways:
    """W5, in place."""
    own, net = Sample(p.net), tuple(array.copy() for array in p.net)

    def walk(xs: Any, targets: Any) -> Arrays:
        for x, target in zip(xs, targets, strict=True):
            own.step_in_place(net, x, target, p.rate)
        return net

    return {IN_PLACE: p.way(walk)}


def wide(x: Any) -> Ways:
    """W7, in blocks that stay in the cache."""
    size = BLOCK // x.itemsize
    g = np.empty_like(x)
    buffers = [np.empty(size, x.dtype) for _ in range(4)]

    def run() -> np.ndarray:
        for start in range(0, len(x), size):
            v, out = x[start : start + size], g[start : start + size]
            _wide_block(v, out, *(buffer[: len(v)] for buffer in buffers))
        return g

    return {NAME: Way(run)}


def _wide_block(
    v: np.ndarray, out: np.ndarray, t: np.ndarray, e: np.ndarray, s: np.ndarray, q: np.ndarray
) -> None:
    """(1 - t²) e - 2 x t e + cos x / q - 2 x s / q², with t = tanh x, e = exp(-x²), q = 1 + x²."""
    np.multiply(v, v, out=q)
    np.negative(q, out=e)
    np.exp(e, out=e)
    np.add(q, 1, out=q)
    np.tanh(v, out=t)
    np.add(v, v, out=s)
    np.add(s, t, out=out)  # 1 - t² - 2 x t = 1 - t (t + 2 x)
    np.multiply(out, t, out=out)
    np.subtract(1, out, out=out)
    np.multiply(out, e, out=out)
    np.sin(v, out=e)
    np.multiply(s, e, out=s)
    np.divide(s, q, out=s)
    np.cos(v, out=e)
    np.subtract(e, s, out=e)
    np.divide(e, q, out=e)
    np.add(out, e, out=out)
