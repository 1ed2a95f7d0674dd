"""Evaluation programs: those of ``examples/evaluation_model.py``, by which tools are compared.

The way `numpy` is the function alone, as is usual for these programs, with gradx's gradients where
it has some inside: the ratio is that of a derivative to the function. The peer runs the same code
with its own NumPy.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

import gradx as gx
from benchmarks.workload import Setting, Way, Workload

_MODEL = Path(__file__).parents[1] / "examples" / "evaluation_model.py"

Grad = Callable[[Callable[..., Any]], Callable[..., Any]]


def model_with(np_: Any) -> ModuleType:
    """The programs, with a library for their NumPy."""
    spec = importlib.util.spec_from_file_location("evaluation_model", _MODEL)
    if spec is None or spec.loader is None:
        raise ImportError(f"{_MODEL} cannot be imported")
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    model.np = np_  # type: ignore[attr-defined]
    return model


@dataclass(frozen=True)
class Program:
    """A function to differentiate.

    Attributes:
        of: ``of(model, grad)(*inputs)`` is its result, with a library's own gradient inside.
        inputs: by all of which it is differentiated.
    """

    of: Callable[[ModuleType, Grad], Callable[..., Any]]
    inputs: tuple[Any, ...]

    def run(self, np_: Any, grad: Grad) -> Callable[[tuple[Any, ...]], Any]:
        """The function of all inputs in one tuple."""
        f = self.of(model_with(np_), grad)
        return lambda inputs: f(*inputs)


def mixture(smoke: bool) -> Program:
    """The log-likelihood of a mixture of 10 Gaussians, of 1,000 points in 10 dimensions."""
    n, k, d = (5, 2, 2) if smoke else (1000, 10, 10)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n, d))
    parameters = [rng.normal(size=s) for s in ((k,), (k, d), (k, d), (k, d, d))]
    return Program(
        lambda model, _: lambda *xs: model.mixture_log_likelihood(*xs, points), tuple(parameters)
    )


def bundle(smoke: bool) -> Program:
    """The squared reprojection errors of 10 points in 5 cameras."""
    cameras, points = (2, 3) if smoke else (5, 10)
    rng = np.random.default_rng(0)
    pinhole = np.array([0, 0, 0, 0, 0, 0, 700.0, 320.0, 240.0, 0, 0])
    views = pinhole + 0.1 * rng.normal(size=(cameras, 11))
    places = rng.uniform(-1, 1, (points, 3)) + np.array([0, 0, 6])

    def of(model: ModuleType, _: Grad) -> Callable[..., Any]:
        def squared(views: Any, places: Any) -> Any:
            total = 0.0
            for i in range(cameras):
                for j in range(points):
                    total = total + model.np.sum(model.projected(views[i], places[j]) ** 2)
            return 1e-6 * total

        return squared

    return Program(of, (views, places))


def k_means(smoke: bool) -> Program:
    """The diagonal of the Hessian of the cost of k-means: 1,000 points, 10 centers, 10 numbers."""
    n, k, d = (9, 2, 2) if smoke else (1000, 10, 10)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n, d))

    def of(model: ModuleType, grad: Grad) -> Callable[..., Any]:
        slope = grad(lambda centers: model.k_means_cost(centers, points))
        return lambda centers: model.np.sum(slope(centers))

    return Program(of, (rng.normal(size=(k, d)),))


def lstm(smoke: bool) -> Program:
    """Two layers of an LSTM of diagonal matrices on 50 characters of 14 kinds."""
    steps, c = (4, 3) if smoke else (50, 14)
    rng = np.random.default_rng(0)
    sequence = np.eye(c)[rng.integers(0, c, steps)]
    layers = tuple((rng.normal(size=(4, c)), rng.normal(size=(4, c))) for _ in range(2))
    rest = rng.normal(size=c), rng.normal(size=(2, c))
    return Program(lambda model, _: lambda *xs: model.lstm_loss(*xs, sequence), (layers, *rest))


def saddle(smoke: bool) -> Program:
    """The gradient through a descent by gradients, from (1, 1), or from nearer."""
    start = np.full(2, 1e-4 if smoke else 1.0)
    return Program(lambda model, grad: lambda one: model.highest(grad, one, start), (np.ones(2),))


def particle(smoke: bool) -> Program:
    """Where a particle crosses the axis, by Euler's method with a gradient for the force."""
    return Program(
        lambda model, grad: lambda w: model.miss(grad, w), (np.array([0.2 if smoke else 0.0]),)
    )


PROGRAMS = MappingProxyType(
    {
        "mixture": mixture,
        "bundle": bundle,
        "k-means": k_means,
        "LSTM": lstm,
        "saddle": saddle,
        "particle": particle,
    }
)


def workload(setting: Setting, name: str) -> Workload:
    """The gradient of a program by all its inputs, in double precision."""
    program = PROGRAMS[name](setting.smoke)
    own = program.run(np, gx.grad)
    gradient = gx.grad(own)
    answer = gradient(program.inputs)

    def alone() -> Any:
        own(program.inputs)
        return answer

    ways, notes = setting.ways("evaluation", program)
    own_ways = {"numpy": Way(alone), "gradx": Way(lambda: gradient(program.inputs))}
    return Workload(f"evaluation {name}", own_ways | ways, notes=notes)
