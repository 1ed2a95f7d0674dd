"""Updates: steps of gradient descent on whole records, as functions of plain values.

Each takes parameters and a gradient of the same structure, of any types that gradx knows, and
gives new parameters; what must be remembered from step to step is a value of that structure too,
and is handed in and out. Nothing is changed in place. On a CUDA device a step is one kernel for
all the arrays. Steps may be differentiated through, by the rate as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from gradx.core.dispatch import Lifted
from gradx.ops.helpers import conj
from gradx.records.record import record
from gradx.records.tree_map import leafwise
from gradx.values.operations import zero

__all__ = ["AdamState", "adam", "adam_start", "momentum", "sgd"]

T = TypeVar("T")

# The functions of one leaf. An array library may read them as formulas of its kernels, so they
# are straight arithmetic.


def _sgd(p: Any, g: Any, rate: Any) -> tuple[Any]:
    return (p - rate * g,)


def _momentum(p: Any, g: Any, v: Any, rate: Any, decay: Any) -> tuple[Any, Any]:
    v = decay * v + g
    return p - rate * v, v


def _nesterov(p: Any, g: Any, v: Any, rate: Any, decay: Any) -> tuple[Any, Any]:
    v = decay * v + g
    return p - rate * (g + decay * v), v


def _adam(
    p: Any, g: Any, m: Any, v: Any, rate: Any, b1: Any, b2: Any, k1: Any, k2: Any, epsilon: Any
) -> tuple[Any, Any, Any]:
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * (g * conj(g))
    return p - rate * (m * k1) / (_root(v * k2) + epsilon), m, v


def _root(v: Any) -> Any:
    """The square root; of a variable with derivative 0 at 0, where ``v`` is a square itself.

    So ``rate * m / (_root(v) + epsilon)`` has its own derivative where the gradient was zero all
    along, as of a unit that is off, and not the product of zero and infinity.
    """
    if not isinstance(v, Lifted):
        return v**0.5
    v = cast(Any, v)
    off = v == 0
    return (v + off) ** 0.5 - off


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
    updated: tuple[T] = leafwise(_sgd, params, (gradient,), (rate,), results=(0,))
    return updated[0]


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
    function = _nesterov if nesterov else _momentum
    others = (gradient, velocity)
    moved: tuple[T, T] = leafwise(function, params, others, (rate, decay), results=(0, 2))
    return moved


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
    unbiased = (1 / (1 - beta1**steps), 1 / (1 - beta2**steps))
    others = (gradient, state.first, state.second)
    numbers = (rate, beta1, beta2, *unbiased, epsilon)
    updated, first, second = leafwise(_adam, params, others, numbers, results=(0, 2, 3))
    return updated, AdamState(first, second, steps)
