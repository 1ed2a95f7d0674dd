"""High orders and sparse Jacobians: `gx.taylor` beside nested `gx.jvp`, `gx.sparse_jacobian`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import gradx as gx
from benchmarks.workload import Setting, Way, Workload

X = 0.3


def chain(x: Any) -> Any:
    """Twenty operations."""
    for _ in range(4):
        x = np.tanh(np.exp(np.sin(x) * 1.5) / 2.5)
    return x


def nested(f: Callable[[Any], Any], order: int) -> Callable[[Any], Any]:
    """The derivative of an order, by forward mode over forward mode."""
    for _ in range(order):
        f = (lambda g: lambda x: gx.jvp(g, (x,), (1.0,))[1])(f)
    return f


def _tanh(u: Any) -> Any:
    y, square, k = np.zeros_like(u), np.zeros_like(u), np.arange(len(u))
    y[0] = np.tanh(u[0])
    for n in range(1, len(u)):
        square[n - 1] = y[:n] @ y[:n][::-1]
        y[n] = (n * u[n] - (k * u)[1 : n + 1] @ square[:n][::-1]) / n
    return y


def _exp(u: Any) -> Any:
    y, k = np.zeros_like(u), np.arange(len(u))
    y[0] = np.exp(u[0])
    for n in range(1, len(u)):
        y[n] = (k * u)[1 : n + 1] @ y[:n][::-1] / n
    return y


def _sin(u: Any) -> Any:
    s, c, k = np.zeros_like(u), np.zeros_like(u), np.arange(len(u))
    s[0], c[0] = np.sin(u[0]), np.cos(u[0])
    for n in range(1, len(u)):
        s[n] = (k * u)[1 : n + 1] @ c[:n][::-1] / n
        c[n] = -(k * u)[1 : n + 1] @ s[:n][::-1] / n
    return s


def eighth(setting: Setting) -> Workload:
    """The eighth derivative of a chain of twenty operations."""
    order = 2 if setting.smoke else 8

    def by_hand() -> Any:
        u = np.zeros(order + 1)
        u[:2] = X, 1.0
        for _ in range(4):
            u = _tanh(_exp(_sin(u) * 1.5) / 2.5)
        return u[order] * np.prod(np.arange(1.0, order + 1))

    ways = {
        "numpy": Way(by_hand),
        "gradx nested": Way(lambda: nested(chain, order)(X)),
        "gradx": Way(lambda: gx.taylor(chain, X, order)[order]),
    }
    return Workload("eighth derivative", ways)


def bratu(u: Any) -> Any:
    """``u'' + exp(u)`` on a grid, with zeros around it."""
    v = np.concatenate([[0.0], u, [0.0]])
    return (v[2:] - 2 * u + v[:-2]) * (len(u) + 1.0) ** 2 + np.exp(u)


def tridiagonal(setting: Setting) -> Workload:
    """The Jacobian of a tridiagonal system, whose pattern is kept."""
    count = 1_000 if setting.smoke else 100_000
    u = np.linspace(0, 1, count)
    pattern, calls = gx.sparsity(bratu, u), [0]

    def by_hand() -> Any:
        rows = np.full((count, 3), (count + 1.0) ** 2)
        rows[:, 1] = np.exp(u) - 2 * (count + 1.0) ** 2
        return rows.ravel()[1:-1]

    def counted(u: Any) -> Any:
        calls[0] += 1
        return bratu(u)

    def facts(how: Any) -> dict[str, float]:
        start = time.perf_counter()
        gx.sparse_jacobian(counted, u)
        first = time.perf_counter() - start
        one = _best(lambda: bratu(u))
        kept = _best(lambda: gx.sparse_jacobian(bratu, u, pattern))
        return {"calls": calls[0], "first time": first, "kept over evaluation": kept / one}

    own = {
        "numpy": Way(by_hand),
        "gradx": Way(lambda: gx.sparse_jacobian(bratu, u, pattern).data),
    }
    return Workload("sparse Jacobian", own, facts=facts)


def _best(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(15):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)
