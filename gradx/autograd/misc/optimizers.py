"""`autograd.misc.optimizers`: loops of descent for a gradient ``grad(x, i)`` of any container.

They are plain loops, written for autograd's calls. `gx.optim` and `gx.train` are gradx's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.autograd.misc.flatten import flatten

__all__ = ["adam", "rmsprop", "sgd", "unflatten_optimizer"]

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], Any]


def unflatten_optimizer(optimize: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: an optimiser of vectors becomes one of containers.

    Args:
        optimize: ``optimize(grad, x, callback, …)`` of a vector, that returns one.
    """

    @functools.wraps(optimize)
    def optimized(
        grad: Gradient, x0: Any, callback: Callback | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        vector, unflatten = flatten(x0)

        def of_vector(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def told(x: Any, i: int, g: Any) -> None:
            if callback is not None:
                callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(of_vector, vector, told, *args, **kwargs))

    return optimized


@unflatten_optimizer
def sgd(
    grad: Gradient,
    x: Any,
    callback: Callback,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:
    """Stochastic gradient descent with momentum.

    Args:
        grad: from the parameters and the number of the step to the gradient.
        x: the parameters to begin with.
        callback: is given the parameters, the number and the gradient before each step.
        num_iters: how many steps.
        step_size: how far each goes along the velocity.
        mass: how much of the velocity stays.
    """
    velocity = np.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Gradient,
    x: Any,
    callback: Callback,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """Root mean squared propagation.

    Args:
        grad: from the parameters and the number of the step to the gradient.
        x: the parameters to begin with.
        callback: is given the parameters, the number and the gradient before each step.
        num_iters: how many steps.
        step_size: how far each goes.
        gamma: how much of the mean of squares stays.
        eps: is added to the root of that.
    """
    squares = np.ones_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        squares = squares * gamma + g**2 * (1 - gamma)
        x = x - step_size * g / (np.sqrt(squares) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Gradient,
    x: Any,
    callback: Callback,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam, http://arxiv.org/pdf/1412.6980.pdf.

    Args:
        grad: from the parameters and the number of the step to the gradient.
        x: the parameters to begin with.
        callback: is given the parameters, the number and the gradient before each step.
        num_iters: how many steps.
        step_size: how far each goes.
        b1: how much of the mean stays.
        b2: how much of the mean of squares stays.
        eps: is added to the root of that.
    """
    first, second = np.zeros_like(x), np.zeros_like(x)
    for i in range(num_iters):
        g = grad(x, i)
        callback(x, i, g)
        first = (1 - b1) * g + b1 * first
        second = (1 - b2) * (g**2) + b2 * second
        mean, squares = first / (1 - b1 ** (i + 1)), second / (1 - b2 ** (i + 1))
        x = x - step_size * mean / (np.sqrt(squares) + eps)
    return x
