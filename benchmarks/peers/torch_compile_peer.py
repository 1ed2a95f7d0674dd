"""PyTorch, compiled: the gradient inside a function that `torch.compile` turns into machine code.

Compiling takes seconds a function, and needs a C++ compiler. It happens before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.peers import torch_peer
from benchmarks.peers.torch_peer import Tensors, data, put_back, tensors
from benchmarks.workload import Way, Ways

NAME = "torch.compile"
setup = torch_peer.setup


def _error(p: Any) -> Callable[..., torch.Tensor]:
    return torch_peer.sample_error if p.x.ndim == 1 else torch_peer.rows_error


def error(p: Any) -> Ways:
    """W1."""
    f = torch.compile(_error(p))
    net, x, target = tensors(p.net, grad=False), data(p.x), data(p.target)
    return {NAME: Way(lambda: f(net, x, target), native=True)}


def gradient(p: Any) -> Ways:
    """W2."""
    f = torch.compile(torch.func.grad(_error(p)))
    net, x, target = tensors(p.net, grad=False), data(p.x), data(p.target)
    return {NAME: Way(lambda: f(net, x, target), native=True)}


def step(p: Any) -> Ways:
    """W3 and W4, functional and in place."""
    g = torch.func.grad(_error(p))

    def functional(net: Tensors, x: torch.Tensor, target: torch.Tensor) -> Tensors:
        return tuple(a - p.rate * d for a, d in zip(net, g(net, x, target), strict=True))

    def in_place(net: Tensors, x: torch.Tensor, target: torch.Tensor) -> None:
        for a, d in zip(net, g(net, x, target), strict=True):
            a.sub_(d, alpha=p.rate)

    compiled, compiled_in_place = torch.compile(functional), torch.compile(in_place)
    net, own = tensors(p.net, grad=False), tensors(p.net, grad=False)
    x, target = data(p.x), data(p.target)

    def run_in_place() -> Tensors:
        compiled_in_place(own, x, target)
        return own

    return {
        NAME: Way(lambda: compiled(net, x, target), native=True),
        f"{NAME} in place": Way(run_in_place, put_back(own, p.net), native=True),
    }


def wide(x: Any) -> Ways:
    """W7."""

    def f(v: torch.Tensor) -> torch.Tensor:
        return (torch.tanh(v) * torch.exp(-(v**2)) + torch.sin(v) / (1 + v**2)).sum()

    g, v = torch.compile(torch.func.grad(f)), data(x)
    return {NAME: Way(lambda: g(v), native=True)}


def second(x: Any) -> Ways:
    """The gradient of a gradient."""

    def f(v: torch.Tensor) -> torch.Tensor:
        return (torch.sin(v) * torch.exp(-(v**2)) + v**3).sum()

    first = torch.func.grad(f)
    g, v = torch.compile(torch.func.grad(lambda v: first(v).sum())), data(x)
    return {NAME: Way(lambda: g(v), native=True)}
