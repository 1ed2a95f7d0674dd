"""Device work of one training step, counted on the software CUDA device.

Counts need no GPU and are the same on every machine: kernels and library calls that the host
launches, copies between host and device, synchronisations, and allocations that CuPy's pool could
not serve. Times are not measured here, since the software device says nothing about them.

    scripts/test-cuda --python benchmarks/cuda_counts.py
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import softcuda  # before the backend imports CuPy

import gradx as gx
from gradx.backends import REGISTRY, Device, get_backend, register_backend
from gradx.train import Options, init_net, map_net
from gradx.train.model import Net, net_err, net_err_rows, step_net, step_net_rows

BATCH = 128
WARM_UP = 12
STEPS = 5
RATE = 0.02


@dataclass(frozen=True)
class Counts:
    """Device work of one step."""

    name: str
    kernels: float
    library: float
    to_device: int
    to_host: int
    between: float
    fills: float
    syncs: float
    allocations: float
    names: dict[str, int]

    @property
    def launches(self) -> float:
        """Kernels and library calls in all, as the budgets count them."""
        return self.kernels + self.library


def count(name: str, step: Callable[[], Any], steps: int = STEPS) -> Counts:
    """Count what one step does, after the first ones have filled CuPy's caches and pool."""
    for _ in range(WARM_UP):
        step()
    with softcuda.counting() as c:
        for _ in range(steps):
            step()
    names = {key: n for group in (c.kernels, c.library) for key, n in group.items()}
    return Counts(
        name,
        c.launches / steps,
        c.library_calls / steps,
        c.h2d.bytes,
        c.d2h.bytes,
        c.d2d.count / steps,
        c.memset.count / steps,
        c.syncs / steps,
        c.mallocs / steps,
        {key: n // steps for key, n in names.items()},
    )


class Steps:
    """The announcement's network on the device, and its steps."""

    def __init__(self, dtype: str = "float32") -> None:
        if "cuda" not in REGISTRY.kinds():  # gradx's entry points are not installed
            from gradx_cuda.backend import CupyBackend

            register_backend("cuda", CupyBackend)
        backend, device = get_backend("cuda"), Device("cuda")
        rng = np.random.default_rng(0)
        sizes = (784, *Options().hidden, 10)
        images = rng.random((4 * BATCH, 784))
        targets = np.eye(10)[rng.integers(0, 10, 4 * BATCH)]
        self.images = backend.asarray(images, device, dtype)
        self.targets = backend.asarray(targets, device, dtype)
        self.order = backend.asarray(rng.permutation(4 * BATCH), device)
        self.net = map_net(lambda x: backend.asarray(x, device), init_net(sizes, dtype, 0))
        self.velocity = gx.zero(self.net)
        self.adam = gx.updates.adam_start(self.net)
        self.position = 0

    def batch(self) -> tuple[Any, Any]:
        """The next batch, picked on the device as `gradx train` picks it."""
        which = self.order[self.position : self.position + BATCH]
        self.position = (self.position + BATCH) % (4 * BATCH)
        return self.images[which], self.targets[which]

    def forward(self) -> Any:
        """The error of a batch alone."""
        return net_err_rows(self.images[:BATCH], self.targets[:BATCH], self.net)

    def gradient(self) -> Any:
        """The error of a batch and its gradient."""
        xs, targets = self.images[:BATCH], self.targets[:BATCH]
        return gx.backprop(lambda net: net_err_rows(xs, targets, net), self.net)

    def update(self) -> Any:
        """The arithmetic on records that moves a network along its gradient."""
        return self.net - RATE * self.net

    def step(self) -> None:
        """One step on a batch: gradient and update."""
        xs, targets = self.images[:BATCH], self.targets[:BATCH]
        self.net = step_net_rows(xs, targets, RATE, self.net)

    def whole(self) -> None:
        """One step on a batch that is picked first."""
        xs, targets = self.batch()
        self.net = step_net_rows(xs, targets, RATE, self.net)

    def single(self) -> None:
        """One step on one sample."""
        self.net = step_net(self.images[0], self.targets[0], RATE, self.net)

    def single_forward(self) -> Any:
        """The error of one sample alone."""
        return net_err(self.images[0], self.targets[0], self.net)

    def fused_forward(self) -> Any:
        """The error of a batch alone, with gradx's fused functions."""
        return fused_err_rows(self.images[:BATCH], self.targets[:BATCH], self.net)

    def fused_gradient(self) -> Any:
        """The error of a batch and its gradient, with gradx's fused functions."""
        xs, targets = self.images[:BATCH], self.targets[:BATCH]
        return gx.backprop(lambda net: fused_err_rows(xs, targets, net), self.net)

    def fused_step(self) -> None:
        """One step on a batch, with gradx's fused functions."""
        self.net = gx.updates.sgd(self.net, self.fused_gradient()[1], RATE)

    def momentum_step(self) -> None:
        """One step with momentum on a batch, with gradx's fused functions."""
        gradient = self.fused_gradient()[1]
        self.net, self.velocity = gx.updates.momentum(self.net, gradient, self.velocity, RATE)

    def adam_step(self) -> None:
        """One step of Adam on a batch, with gradx's fused functions."""
        gradient = self.fused_gradient()[1]
        self.net, self.adam = gx.updates.adam(self.net, gradient, self.adam)


def fused_err_rows(xs: Any, targets: Any, net: Net) -> Any:
    """`net_err_rows` with gradx's fused functions."""
    *hidden, last = net.layers
    for layer in hidden:
        xs = gx.dense(xs, layer.weights, layer.bias, "logistic")
    logits = gx.dense(xs, last.weights, last.bias)
    return np.mean(gx.softmax_cross_entropy(logits, targets))


def fused_table(dtype: str = "float32") -> list[Counts]:
    """The counts of each part of a training step with gradx's fused functions."""
    steps = Steps(dtype)
    return [
        count(f"forward, batch {BATCH}", steps.fused_forward),
        count(f"forward and gradient, batch {BATCH}", steps.fused_gradient),
        count(f"step, batch {BATCH}", steps.fused_step),
        count(f"step with momentum, batch {BATCH}", steps.momentum_step),
        count(f"step of Adam, batch {BATCH}", steps.adam_step),
    ]


def table(dtype: str = "float32") -> list[Counts]:
    """The counts of each part of a training step in plain ``np.`` calls."""
    steps = Steps(dtype)
    return [
        count(f"forward, batch {BATCH}", steps.forward),
        count(f"forward and gradient, batch {BATCH}", steps.gradient),
        count("update p - rate * g", steps.update),
        count(f"step, batch {BATCH}", steps.step),
        count(f"picking a batch of {BATCH}, and step", steps.whole),
        count("forward, one sample", steps.single_forward),
        count("step, one sample", steps.single),
    ]


def show(title: str, rows: list[Counts]) -> None:
    """Print a table; with --names, the kernels of each row too."""
    columns = "kernels  library  in all  to device  to host  copies  fills  syncs  allocations"
    print(f"{title:38}{columns}")
    for row in rows:
        print(
            f"{row.name:38}{row.kernels:7g}{row.library:9g}{row.launches:8g}{row.to_device:9d} B"
            f"{row.to_host:7d} B{row.between:8g}{row.fills:7g}{row.syncs:7g}{row.allocations:13g}"
        )
        if "--names" in sys.argv:
            for name, n in sorted(row.names.items(), key=lambda item: -item[1]):
                print(f"      {n:3d}  {name}")


def main() -> None:
    """Print the tables."""
    show("plain np. calls, float32", table())
    print()
    show("fused functions, float32", fused_table())


if __name__ == "__main__":
    main()
