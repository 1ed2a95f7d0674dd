"""Updates: steps of gradient descent on whole records, as functions of plain values.

Each takes parameters and a gradient of the same structure, of any types that gradx knows, and
gives new parameters; what must be remembered from step to step is a value of that structure too,
and is handed in and out. Nothing is changed in place. On a CUDA device a step is one kernel for
all the arrays. Steps may be differentiated through, by the rate as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from gradx.optim import formulas
from gradx.optim.stepping import stepped
from gradx.records.record import record
from gradx.values.operations import zero

__all__ = ["AdamState", "adam", "adam_start", "momentum", "sgd"]

T = TypeVar("T")


def sgd(params: T, gradient: T, rate: Any) -> T:
    """One step of gradient descent: ``params - rate * gradient``.

    Args:
        params: a value of any type with a gradient.
        gradient: its gradient.
        rate: the learning rate.

    Returns:
        New parameters.

    Raises:
        StructureError: the gradient is of another structure.

    >>> sgd({"w": 2.0, "b": [1.0]}, {"w": 10.0, "b": [0.0]}, rate=0.1)
    {'w': 1.0, 'b': [1.0]}
    """
    (new,) = stepped(formulas.sgd, params, gradient, numbers=(rate,))
    return new  # type: ignore[no-any-return]


def momentum(
    params: T, gradient: T, velocity: T, rate: Any, decay: Any = 0.9, *, nesterov: bool = False
) -> tuple[T, T]:
    """One step of gradient descent with momentum.

    The velocity becomes ``decay * velocity + gradient``, and the parameters move by ``rate`` times
    it; Nesterov's form moves by ``rate * (gradient + decay * velocity)``.

    Args:
        params: a value of any type with a gradient.
        gradient: its gradient.
        velocity: what the last step returned; at first ``gx.zero(params)``.
        rate: the learning rate.
        decay: how much of the velocity stays.
        nesterov: whether to look ahead.

    Returns:
        New parameters and the new velocity.

    Raises:
        StructureError: the gradient or the velocity is of another structure.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning
    (2013), in the form that PyTorch and Optax use.

    >>> params, velocity = momentum(1.0, 2.0, 0.0, rate=0.25)
    >>> momentum(params, 2.0, velocity, rate=0.25, decay=0.5)
    (-0.25, 3.0)
    """
    formula = formulas.nesterov if nesterov else formulas.momentum
    new, moved = stepped(formula, params, gradient, {"velocity": velocity}, (rate, decay))
    return new, moved


@record
@dataclass(frozen=True)
class AdamState:
    """What Adam remembers from step to step.

    Attributes:
        first: the running mean of the gradient, of the structure of the parameters.
        second: that of its square, likewise.
        steps: how many steps have been done.
    """

    first: Any
    second: Any
    steps: int = 0


def adam_start(params: Any) -> AdamState:
    """What Adam remembers before the first step: zeros.

    Args:
        params: the parameters.

    >>> adam_start([1.0, 2.0])
    AdamState(first=[0.0, 0.0], second=[0.0, 0.0], steps=0)
    """
    return AdamState(zero(params), zero(params), 0)


def adam(
    params: T,
    gradient: T,
    state: AdamState,
    rate: Any = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[T, AdamState]:
    """One step of Adam.

    For complex parameters the square of the gradient is that of its modulus.

    Args:
        params: a value of any type with a gradient.
        gradient: its gradient.
        state: what the last step returned; at first ``adam_start(params)``.
        rate: the learning rate.
        beta1: how much of the mean of the gradient stays.
        beta2: how much of the mean of its square stays.
        epsilon: added to the root of the latter, which it keeps from being zero. On the CPU half
            precision needs a larger one, such as 1e-3: 1e-8 is zero there.

    Returns:
        New parameters and the new state.

    Raises:
        StructureError: the gradient or the state is of another structure.

    Source: Kingma and Ba, Adam: a method for stochastic optimization (2015), algorithm 1.

    >>> params, state = adam(1.0, 5.0, adam_start(1.0), rate=0.1)
    >>> round(params, 6), state.steps
    (0.9, 1)
    """
    steps = state.steps + 1
    numbers = formulas.adam_numbers(rate, beta1, beta2, epsilon, steps)
    memories = {"first": state.first, "second": state.second}
    new, first, second = stepped(formulas.adam, params, gradient, memories, numbers)
    return new, AdamState(first, second, steps)
