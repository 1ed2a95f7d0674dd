"""Structures: values of many parts, recursive ones, a recurrent network, a second derivative."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx
from benchmarks import formulas, measure
from benchmarks.workload import Setting, Way, Workload

LEAVES = 200


# --- A record of many small leaves ----------------------------------------------------------------


def record_of(count: int, dtype: str) -> Any:
    """A record with so many fields, each an array (10,)."""
    cls = dataclasses.make_dataclass("Many", [f"x{i}" for i in range(count)])
    rng = np.random.default_rng(0)
    return gx.record(cls)(*(rng.uniform(-1, 1, 10).astype(dtype) for _ in range(count)))


def sum_of_squares(many: Any, names: tuple[str, ...]) -> Any:
    """A number that depends on every leaf."""
    total = 0.0
    for name in names:
        leaf = getattr(many, name)
        total = total + np.dot(leaf, leaf)
    return total


def leaves(setting: Setting) -> Workload:
    """The gradient of a record of 200 leaves: no more than its leaves' own."""
    count = 20 if setting.smoke else LEAVES
    many = record_of(count, setting.dtype)
    names = _names(many)
    arrays = tuple(getattr(many, name) for name in names)

    def by_hand() -> tuple[float, list[np.ndarray]]:
        total = 0.0
        for leaf in arrays:
            total = total + np.dot(leaf, leaf)
        return total, [2 * leaf for leaf in arrays]

    def gradient(many: Any, names: tuple[str, ...]) -> Any:
        return gx.backprop(lambda m: sum_of_squares(m, names), many)

    def own() -> Any:
        y, g = gradient(many, names)
        return y, [getattr(g, name) for name in names]

    def facts(how: measure.How) -> dict[str, float]:
        double = record_of(2 * count, setting.dtype)
        twice = _names(double)
        return {
            "time of twice the leaves": measure.growth(
                lambda: gradient(many, names), lambda: gradient(double, twice), how
            ),
            "zero arrays": measure.calls_of(np.zeros, lambda: gradient(many, names)),
        }

    ways, notes = setting.ways("leaves", arrays)
    own_ways = {"numpy": Way(by_hand), "gradx": Way(own)}
    return Workload("200 leaves", own_ways | ways, facts=facts, notes=notes)


def _names(many: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(many))


# --- A recurrent network --------------------------------------------------------------------------


@gx.record
class Cell:
    """An LSTM of n inputs and h outputs: (4 h, n), (4 h, h), (4 h,)."""

    weights: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray


def lstm(setting: Setting) -> Workload:
    """The gradient through 50 steps of an LSTM of 32 inputs and 64 outputs."""
    inputs, size, steps = (3, 4, 5) if setting.smoke else (32, 64, 50)
    rng = np.random.default_rng(0)
    weights, recurrent, bias = (
        rng.uniform(-0.2, 0.2, shape).astype(setting.dtype)
        for shape in ((4 * size, inputs), (4 * size, size), (4 * size,))
    )
    xs = rng.uniform(-1, 1, (steps, inputs)).astype(setting.dtype)

    def error(cell: Cell) -> Any:
        return formulas.lstm(np, cell.weights, cell.recurrent, cell.bias, xs)

    cell = Cell(weights, recurrent, bias)

    def own() -> tuple[np.ndarray, ...]:
        g = gx.grad_bp(error, cell)
        return g.weights, g.recurrent, g.bias

    ways, notes = setting.ways("lstm", (weights, recurrent, bias), xs)
    by_hand = Way(lambda: hand_lstm_gradient(weights, recurrent, bias, xs))
    return Workload("LSTM", {"numpy": by_hand, "gradx": Way(own)} | ways, notes=notes)


def long_lstm(setting: Setting) -> Workload:
    """The same through 10,000 steps: all kept, or one state in a hundred (`gx.scan`)."""
    inputs, size, steps = (3, 4, 50) if setting.smoke else (32, 64, 10_000)
    rng = np.random.default_rng(0)
    arrays = tuple(
        rng.uniform(-0.2, 0.2, shape).astype(setting.dtype)
        for shape in ((4 * size, inputs), (4 * size, size), (4 * size,))
    )
    xs = rng.uniform(-1, 1, (steps, inputs)).astype(setting.dtype)
    zero = np.zeros(size, setting.dtype)

    def kept(cell: Cell) -> Any:
        return formulas.lstm(np, cell.weights, cell.recurrent, cell.bias, xs)

    def scanned(cell: Cell) -> Any:
        def step(state: Any, x: Any) -> Any:
            return formulas.lstm_step(np, cell.weights, cell.recurrent, cell.bias, state, x), None

        (h, _), _ = gx.scan(step, (zero, zero), xs, checkpoint="sqrt")
        return np.sum(h**2)

    def gradient(error: Callable[[Cell], Any]) -> tuple[np.ndarray, ...]:
        g = gx.grad_bp(error, Cell(*arrays))
        return g.weights, g.recurrent, g.bias

    def facts(how: measure.How) -> dict[str, float]:
        own = sum(x.nbytes for x in arrays)
        peaks = [measure.traced(lambda f=f: gradient(f)) - own for f in (scanned, kept)]
        return {"share of the peak": peaks[0] / peaks[1]}

    ways = {
        "numpy": Way(lambda: hand_lstm_gradient(*arrays, xs)),
        "gradx": Way(lambda: gradient(kept)),
        "gradx scan": Way(lambda: gradient(scanned)),
    }
    return Workload("LSTM, 10,000 steps", ways, facts=facts)


def hand_lstm_gradient(
    weights: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, xs: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The gradient of `formulas.lstm`, by going back through the steps."""
    size = len(bias) // 4
    h = c = np.zeros(size, xs.dtype)
    kept = []
    for x in xs:
        z = weights @ x + recurrent @ h + bias
        i, f, o = np.split(1 / (1 + np.exp(-z[: 3 * size])), 3)
        u = np.tanh(z[3 * size :])
        after = f * c + i * u
        t = np.tanh(after)
        kept.append((x, h, c, i, f, o, u, t))
        c, h = after, o * t
    gw, gr, gb = np.zeros_like(weights), np.zeros_like(recurrent), np.zeros_like(bias)
    gh, gc = 2 * h, np.zeros(size, xs.dtype)
    for x, h, c, i, f, o, u, t in reversed(kept):
        gc = gc + gh * o * (1 - t**2)
        gz = np.concatenate(
            [gc * u * i * (1 - i), gc * c * f * (1 - f), gh * t * o * (1 - o), gc * i * (1 - u**2)]
        )
        gw += np.outer(gz, x)
        gr += np.outer(gz, h)
        gb += gz
        gh, gc = recurrent.T @ gz, gc * f
    return gw, gr, gb


# --- A recursive type -----------------------------------------------------------------------------


@dataclass
class Node:
    """A number and two trees, or None for none."""

    value: float
    left: Node | None
    right: Node | None


def tree_of(depth: int, value: float = 1.0) -> Node | None:
    """A full tree of 2**depth - 1 nodes."""
    if depth == 0:
        return None
    return Node(value, tree_of(depth - 1, value * 0.9), tree_of(depth - 1, value * 1.1))


def sum_of_tree(node: Any) -> Any:
    """A number that depends on every node, and on its place."""
    if node is None:
        return 0.0
    return node.value * node.value + 0.5 * (sum_of_tree(node.left) - sum_of_tree(node.right))


def hand_tree_gradient(node: Node | None, g: float = 1.0) -> Node | None:
    """Its gradient."""
    if node is None:
        return None
    left, right = hand_tree_gradient(node.left, 0.5 * g), hand_tree_gradient(node.right, -0.5 * g)
    return Node(2 * node.value * g, left, right)


def tree(setting: Setting) -> Workload:
    """The value and gradient of a recursive type, a full tree of 1,023 numbers."""
    root = tree_of(4 if setting.smoke else 10)

    def numbers(node: Node | None) -> list[float]:
        if node is None:
            return []
        return [node.value, *numbers(node.left), *numbers(node.right)]

    def by_hand() -> Any:
        return sum_of_tree(root), numbers(hand_tree_gradient(root))

    def own() -> Any:
        y, g = gx.backprop(sum_of_tree, root)
        return y, numbers(g)

    return Workload("tree", {"numpy": Way(by_hand), "gradx": Way(own)})


# --- Nested containers ----------------------------------------------------------------------------


def nested(count: int) -> list[Any]:
    """So many containers in a list: dicts of a tuple and a list of numbers."""
    return [{"pair": (1.0 + 0.001 * i, 2.0), "list": [0.5, 0.25 * i]} for i in range(count // 3)]


def sum_of_nested(items: Any) -> Any:
    """A number that depends on every number in them."""
    total = 0.0
    for item in items:
        a, b = item["pair"]
        c, d = item["list"]
        total = total + a * b + c * d
    return total


def containers(setting: Setting) -> Workload:
    """The value and gradient of 1,000 nested containers."""
    items = nested(30 if setting.smoke else 1000)

    def flat(items: list[Any]) -> list[float]:
        return [x for item in items for part in (item["pair"], item["list"]) for x in part]

    def by_hand() -> Any:
        g = [
            {"pair": item["pair"][::-1], "list": item["list"][::-1]}  # d(a b) = b da + a db
            for item in items
        ]
        return sum_of_nested(items), flat(g)

    def own() -> Any:
        y, g = gx.backprop(sum_of_nested, items)
        return y, flat(g)

    return Workload("containers", {"numpy": Way(by_hand), "gradx": Way(own)})


# --- A million numbers ----------------------------------------------------------------------------


def _of_a_million(use: Callable[[Any], Any], by_hand: Callable[[list[float]], list[float]]) -> Any:
    def make(setting: Setting) -> Workload:
        numbers = [1.0 + i % 7 for i in range(1_000 if setting.smoke else 1_000_000)]
        hand = Way(lambda: (use(numbers), by_hand(numbers)))
        return Workload("", {"numpy": hand, "gradx": Way(lambda: gx.backprop(use, numbers))})

    return make


def two_of_a_million(setting: Setting) -> Workload:
    """The value and gradient of a list of a million floats, two of which are used."""
    made = _of_a_million(lambda v: v[0] * v[1], lambda v: [v[1], v[0], *([0.0] * (len(v) - 2))])(
        setting
    )
    return dataclasses.replace(made, name="million floats, two used")


def a_million_summed(setting: Setting) -> Workload:
    """The same where all of them are summed."""
    made = _of_a_million(sum, lambda v: [1.0] * len(v))(setting)
    return dataclasses.replace(made, name="million floats, summed")


# --- A second derivative --------------------------------------------------------------------------


def second(setting: Setting) -> Workload:
    """The gradient of the gradient of a sum over 1,000 numbers, which is its Hessian's diagonal."""
    x = np.linspace(-1, 1, 1000).astype(setting.dtype)

    def by_hand() -> np.ndarray:
        s, c, e = np.sin(x), np.cos(x), np.exp(-(x**2))
        return e * (-s - 4 * x * c + (4 * x**2 - 2) * s) + 6 * x

    first: Callable[[Any], Any] = lambda v: gx.grad_bp(lambda w: formulas.polynomial(np, w), v)  # noqa: E731
    own = Way(lambda: gx.grad_bp(lambda v: np.sum(first(v)), x))
    ways, notes = setting.ways("second", x)
    return Workload(
        "gradient of gradient", {"numpy": Way(by_hand), "gradx": own} | ways, notes=notes
    )
