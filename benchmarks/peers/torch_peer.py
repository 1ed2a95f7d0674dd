"""PyTorch, eager: tensors that record what is done with them, and its own SGD optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.workload import Way, Ways

Tensors = tuple[torch.Tensor, ...]


def setup(threads: int) -> None:
    """Its number of threads is its own affair, apart from NumPy's BLAS."""
    if threads:
        torch.set_num_threads(threads)


def tensors(arrays: Any, grad: bool = True) -> Tensors:
    """Tensors with a copy of some arrays."""
    return tuple(torch.tensor(array, requires_grad=grad) for array in arrays)


def data(array: Any) -> torch.Tensor:
    """A tensor that is not differentiated."""
    return torch.tensor(array)


def sample_error(net: Tensors, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The cross-entropy on one sample."""
    weights1, bias1, weights2, bias2 = net
    y = torch.sigmoid(weights1 @ x + bias1)
    return -(torch.log_softmax(weights2 @ y + bias2, 0) @ target)


def rows_error(net: Tensors, xs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy on rows."""
    weights1, bias1, weights2, bias2 = net
    y = torch.sigmoid(xs @ weights1.T + bias1)
    return -(torch.log_softmax(y @ weights2.T + bias2, 1) * targets).sum() / len(xs)


def error_of(p: Any) -> Callable[[Tensors], torch.Tensor]:
    """The error of a network on a problem's sample or rows."""
    x, target = data(p.x), data(p.target)
    f = sample_error if p.x.ndim == 1 else rows_error
    return lambda net: f(net, x, target)


def error(p: Any) -> Ways:
    """W1."""
    f, net = error_of(p), tensors(p.net, grad=False)
    return {"torch": Way(lambda: f(net), native=True)}


def recorded(p: Any) -> Ways:
    """W1, recorded."""
    f, net = error_of(p), tensors(p.net)
    return {"torch": Way(lambda: f(net), native=True)}


def gradient(p: Any) -> Ways:
    """W2."""
    f, net = error_of(p), tensors(p.net)
    return {"torch": Way(lambda: torch.autograd.grad(f(net), net), native=True)}


def step(p: Any) -> Ways:
    """W3 and W4: functional, in place, and by the optimiser."""
    f, net, own, fitted = error_of(p), tensors(p.net), tensors(p.net), tensors(p.net)
    optimiser = torch.optim.SGD(fitted, lr=p.rate)

    def functional() -> Tensors:
        g = torch.autograd.grad(f(net), net)
        with torch.no_grad():
            return tuple(a - p.rate * d for a, d in zip(net, g, strict=True))

    def in_place() -> Tensors:
        g = torch.autograd.grad(f(own), own)
        with torch.no_grad():
            for a, d in zip(own, g, strict=True):
                a.sub_(d, alpha=p.rate)
        return own

    def sgd() -> Tensors:
        optimiser.zero_grad()
        f(fitted).backward()
        optimiser.step()
        return fitted

    return {
        "torch": Way(functional, native=True),
        "torch in place": Way(in_place, put_back(own, p.net), native=True),
        "torch SGD": Way(sgd, put_back(fitted, p.net), native=True),
    }


def put_back(changed: Tensors, start: Any) -> Callable[[], None]:
    """What undoes steps in place."""
    origins = tensors(start, grad=False)

    def reset() -> None:
        with torch.no_grad():
            for tensor, origin in zip(changed, origins, strict=True):
                tensor.copy_(origin)

    return reset


def epoch(p: Any) -> Ways:
    """W5, by the optimiser."""
    net = tensors(p.net)
    optimiser = torch.optim.SGD(net, lr=p.rate)

    def walk(xs: Any, targets: Any) -> Tensors:
        for x, target in zip(data(xs), data(targets), strict=True):
            optimiser.zero_grad()
            sample_error(net, x, target).backward()
            optimiser.step()
        return net

    return {"torch SGD": p.way(walk, native=True)}


def chain(p: Any) -> Ways:
    """W6."""
    x = torch.tensor(p.x, requires_grad=True, dtype=_dtype(p.x))
    constant = p.constant if isinstance(p.x, float) else data(p.constant)

    def run() -> torch.Tensor:
        y = p.run(torch, x, constant)
        torch.autograd.grad(y.sum(), x)
        return y

    return {"torch": Way(run, native=True)}


def _dtype(x: Any) -> torch.dtype:
    return torch.float64 if isinstance(x, float) else torch.as_tensor(x).dtype


def wide(x: Any) -> Ways:
    """W7."""
    v = torch.tensor(x, requires_grad=True)

    def run() -> Any:
        y = (torch.tanh(v) * torch.exp(-(v**2)) + torch.sin(v) / (1 + v**2)).sum()
        return torch.autograd.grad(y, v)

    return {"torch": Way(run, native=True)}


def deep(f: Callable[[Any], Any]) -> Ways:
    """The deep chain."""
    x = torch.tensor(1.0, requires_grad=True, dtype=torch.float64)

    def run() -> Any:
        y = f(x)
        return y, *torch.autograd.grad(y, x)

    return {"torch": Way(run, native=True)}


def leaves(arrays: Any) -> Ways:
    """Many leaves."""
    own = tensors(arrays)

    def run() -> Any:
        total: Any = 0.0
        for leaf in own:
            total = total + leaf @ leaf
        return total, *torch.autograd.grad(total, own)

    return {"torch": Way(run, native=True)}


def lstm(cell: Any, xs: Any) -> Ways:
    """The LSTM, written out as for the others."""
    own, inputs = tensors(cell), data(xs)

    def run() -> Any:
        weights, recurrent, bias = own
        size = len(bias) // 4
        h = c = torch.zeros(size, dtype=bias.dtype)
        for x in inputs:
            z = weights @ x + recurrent @ h + bias
            i, f, o = torch.sigmoid(z[: 3 * size]).chunk(3)
            c = f * c + i * torch.tanh(z[3 * size :])
            h = o * torch.tanh(c)
        return torch.autograd.grad((h**2).sum(), own)

    return {"torch": Way(run, native=True)}


def second(x: Any) -> Ways:
    """The gradient of a gradient."""
    v = torch.tensor(x, requires_grad=True)

    def run() -> Any:
        y = (torch.sin(v) * torch.exp(-(v**2)) + v**3).sum()
        (g,) = torch.autograd.grad(y, v, create_graph=True)
        return torch.autograd.grad(g.sum(), v)

    return {"torch": Way(run, native=True)}
