"""Forward mode: products with Jacobians and with Hessians, whole Jacobians, and NumPy by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradx as gx
from benchmarks.network import Net, losses, parts, problem
from benchmarks.workload import Setting, Way, Workload


def hand_rows_jvp(net: Net, along: Net, xs: np.ndarray, targets: np.ndarray) -> tuple[Any, Any]:
    """The mean error on rows and its derivative along a direction, as anyone would write it."""
    y = 1 / (1 + np.exp(-(xs @ net.weights1.T + net.bias1)))
    dy = (xs @ along.weights1.T + along.bias1) * y * (1 - y)
    expz = np.exp(y @ net.weights2.T + net.bias2)
    dz = dy @ net.weights2.T + y @ along.weights2.T + along.bias2
    share = expz / np.sum(expz, axis=1, keepdims=True)
    error = -np.mean(np.sum(targets * np.log(share), axis=1))
    return error, np.mean(np.sum((share - targets) * dz, axis=1))


def direction(net: Net) -> Net:
    """A direction of the network's parameters; the same numbers every time."""
    rng = np.random.default_rng(1)
    return Net(*(rng.standard_normal(x.shape).astype(x.dtype) for x in parts(net)))


def product(setting: Setting) -> Workload:
    """The derivative of the error of a batch of 128 along a direction of all parameters."""
    p = problem(setting, 8 if setting.smoke else 128)
    net, loss = losses(p)
    along = direction(net)
    return Workload(
        "JVP, batch 128",
        {
            "numpy": Way(lambda: list(hand_rows_jvp(net, along, p.x, p.target))),
            "gradx": Way(lambda: list(gx.jvp(loss, (net,), (along,)))),
        },
    )


def hand_rows_hvp(net: Net, along: Net, xs: np.ndarray, targets: np.ndarray) -> Net:
    """The Hessian of the mean error on rows times a direction (Pearlmutter 1994)."""
    y = 1 / (1 + np.exp(-(xs @ net.weights1.T + net.bias1)))
    slope = y * (1 - y)
    dy = (xs @ along.weights1.T + along.bias1) * slope
    expz = np.exp(y @ net.weights2.T + net.bias2)
    dz = dy @ net.weights2.T + y @ along.weights2.T + along.bias2
    share = expz / np.sum(expz, axis=1, keepdims=True)
    g2 = (share - targets) / len(xs)
    h2 = share * (dz - np.sum(share * dz, axis=1, keepdims=True)) / len(xs)
    back = g2 @ net.weights2
    h1 = (h2 @ net.weights2 + g2 @ along.weights2) * slope + back * (1 - 2 * y) * dy
    return Net(h1.T @ xs, h1.sum(axis=0), h2.T @ y + g2.T @ dy, h2.sum(axis=0))


def curvature(setting: Setting) -> Workload:
    """The product of the Hessian of the same error with the direction."""
    p = problem(setting, 8 if setting.smoke else 128)
    net, loss = losses(p)
    along = direction(net)
    return Workload(
        "HVP, batch 128",
        {
            "numpy": Way(lambda: list(parts(hand_rows_hvp(net, along, p.x, p.target)))),
            "gradx": Way(lambda: list(parts(gx.hvp(loss)(net, along)))),
        },
    )


def of_vectors(setting: Setting) -> Workload:
    """A chain of 50 operations on vectors of 100, with tangents."""
    rng = np.random.default_rng(0)
    x, t, c = (rng.standard_normal(100).astype(setting.dtype) for _ in range(3))
    count = 2 if setting.smoke else 10

    def by_hand() -> Any:
        y, d = x, t
        for _ in range(count):
            y, d = np.sin(y), d * np.cos(y)
            y, d = y * c, d * c
            y = y + c
            y, d = y * y, d * (2 * y)
            y, d = np.tanh(y), d * (1 - np.tanh(y) ** 2)
        return [y, d]

    def f(y: Any) -> Any:
        for _ in range(count):
            y = np.tanh(((np.sin(y) * c) + c) ** 2)
        return y

    return Workload(
        "forward, 100-vectors",
        {"numpy": Way(by_hand), "gradx": Way(lambda: list(gx.jvp(f, (x,), (t,))))},
        operations=5 * count,
    )


def jacobian(setting: Setting) -> Workload:
    """The Jacobian of 50 numbers by 40: a layer of a network by its input."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal((60, 40)).astype(setting.dtype)
    second = rng.standard_normal((50, 60)).astype(setting.dtype)
    x = rng.standard_normal(40).astype(setting.dtype)

    def by_hand() -> Any:
        y = np.tanh(first @ x)
        return second @ ((1 - y**2)[:, None] * first)

    of = gx.jacobian(lambda x: second @ np.tanh(first @ x))
    return Workload("Jacobian, 50 by 40", {"numpy": Way(by_hand), "gradx": Way(lambda: of(x))})
