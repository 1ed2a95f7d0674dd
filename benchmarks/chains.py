"""Chains: the cost of one operation (W6), a wide elementwise chain (W7) and a very deep one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx
from benchmarks import formulas, measure
from benchmarks.workload import Setting, Way, Workload

WIDE = 1_000_000
DEEP = 100_000
FLOAT_BYTES = 24  # a Python float: the value that each operation of a deep chain makes anyway

# W6: what is repeated. `np_` is the library, y the value so far, x the input, c a constant like x.
CHAINS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "float * constant": lambda np_, y, x, c: y * c,
    "float * variable": lambda np_, y, x, c: y * x,
    "float + variable": lambda np_, y, x, c: y + x,
    "sin(float)": lambda np_, y, x, c: np_.sin(y),
    "vector * constant": lambda np_, y, x, c: y * c,
    "vector * variable": lambda np_, y, x, c: y * x,
    "vector + variable": lambda np_, y, x, c: y + x,
    "sin(vector)": lambda np_, y, x, c: np_.sin(y),
}


@dataclass(frozen=True)
class Chain:
    """The same operation again and again.

    Attributes:
        x: the input, a Python float or (100,).
        constant: one like it that is not differentiated.
        length: how many operations.
        step: the operation, of the library, the value so far, the input and the constant.
    """

    x: Any
    constant: Any
    length: int
    step: Callable[[Any, Any, Any, Any], Any]

    def run(self, np_: Any, x: Any, constant: Any) -> Any:
        """The end of the chain."""
        step, y = self.step, x
        for _ in range(self.length):
            y = step(np_, y, x, constant)
        return y


def chain(setting: Setting, name: str) -> Workload:
    """W6: value and gradient of a chain, the figure being that of one operation."""
    length = 20 if setting.smoke else 1000
    if "float" in name:
        p = Chain(1.0, 1.0001, length, CHAINS[name])
    else:
        x = np.linspace(0.999, 1.001, 100).astype(setting.dtype)
        p = Chain(x, np.full_like(x, 1.0001), length, CHAINS[name])
    ways, notes = setting.ways("chain", p)
    own = {
        "numpy": Way(lambda: p.run(np, p.x, p.constant)),
        "gradx": Way(lambda: gx.backprop(lambda x: p.run(np, x, p.constant), p.x)[0]),
    }
    return Workload(f"W6 {name}", own | ways, operations=length, notes=notes)


def wide(setting: Setting) -> Workload:
    """W7: a gradient where time and memory go to large arrays."""
    x = np.linspace(-1.0, 1.0, 1000 if setting.smoke else WIDE).astype(setting.dtype)

    def by_hand() -> np.ndarray:
        t, e, s, q = np.tanh(x), np.exp(-(x**2)), np.sin(x), 1 + x**2
        return (1 - t**2) * e - 2 * x * t * e + np.cos(x) / q - 2 * x * s / q**2

    ways, notes = setting.ways("wide", x)
    own = {
        "numpy": Way(by_hand),
        "gradx": Way(lambda: gx.grad_bp(lambda v: formulas.wide(np, v), x)),
    }
    return Workload("W7 wide chain", own | ways, notes=notes)


def deep(setting: Setting) -> Workload:
    """A chain so deep that a recursive engine would fail: time and memory must be linear."""
    length = 1000 if setting.smoke else DEEP

    def f(x: Any, count: int = length) -> Any:
        y = x
        for _ in range(count):
            y = y * 1.000001
        return y

    def by_hand() -> tuple[float, float]:
        y, g = 1.0, 1.0
        for _ in range(length):
            y = y * 1.000001
        for _ in range(length):
            g = g * 1.000001
        return y, g

    def facts(how: measure.How) -> dict[str, float]:
        peak = measure.traced(lambda: gx.backprop(f, 1.0))
        return {
            "time of twice the length": measure.growth(
                lambda: gx.backprop(f, 1.0),  # half of it would fit in the processor's cache
                lambda: gx.backprop(lambda x: f(x, 2 * length), 1.0),
                how,
            ),
            "bytes per operation": peak / length - FLOAT_BYTES,
        }

    ways, notes = setting.ways("deep", f)
    own = {"numpy": Way(by_hand), "gradx": Way(lambda: gx.backprop(f, 1.0))}
    return Workload("deep chain", own | ways, operations=length, facts=facts, notes=notes)
