"""Methods: gradient descent, momentum, and a rate for each number.

Each class is called like a function and gives a `Method`. The formulas are PyTorch's where it has
the method, with the names of options that Optax uses: ``eps`` stands outside the root, and Adagrad
begins at 0. A state's memories have the structure of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from gradx.optim import formulas
from gradx.optim.errors import MethodError
from gradx.optim.method import (
    Method,
    Rate,
    check_between,
    check_rate,
    check_state,
    left_out,
    rate_at,
)
from gradx.optim.stepping import stepped
from gradx.values.operations import zero

__all__ = ["AdagradState", "RmspropState", "SgdState", "adagrad", "rmsprop", "sgd"]

P = TypeVar("P")


# --- Descent and momentum -------------------------------------------------------------------------


@dataclass(frozen=True)
class SgdState:
    """What gradient descent remembers.

    Attributes:
        step: how many steps have been done.
        velocity: the running sum of gradients; None without momentum.
    """

    step: int
    velocity: Any = None


@dataclass(frozen=True)
class sgd(Method):
    """Gradient descent, with momentum if that is not 0.

    The velocity becomes ``momentum * velocity + gradient``, and the parameters move by ``rate``
    times it; Nesterov's form moves by ``rate * (gradient + momentum * velocity)``.

    Args:
        rate: the learning rate, a number or a schedule.
        momentum: how much of the velocity stays.
        nesterov: whether to look ahead.

    Raises:
        MethodError: an option cannot work.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning
    (2013), in the form that PyTorch and Optax use.

    >>> method = sgd(0.1)
    >>> method.update([10.0], method.init([2.0]), [2.0])
    ([1.0], SgdState(step=1, velocity=None))
    """

    rate: Rate = 0.01
    momentum: Any = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_rate(self.rate, "sgd")
        check_between(self.momentum, "sgd", "momentum", 0, 1)
        if self.nesterov and left_out(self.momentum):
            raise MethodError(
                "sgd: nesterov looks ahead along the momentum, which is 0; give a momentum such as "
                "0.9, or leave nesterov out"
            )

    def init(self, params: Any) -> SgdState:
        """The state before the first step: see `Method.init`."""
        return SgdState(0, None if left_out(self.momentum) else zero(params))

    def update(
        self, gradient: P, state: SgdState, params: P, *, in_place: bool = False
    ) -> tuple[P, SgdState]:
        """One step: see `Method.update`."""
        check_state(state, SgdState, self)
        rate, step = rate_at(self.rate, state.step), state.step + 1
        if left_out(self.momentum):
            (new,) = stepped(formulas.sgd, params, gradient, numbers=(rate,), in_place=in_place)
            return new, SgdState(step)
        formula = formulas.nesterov if self.nesterov else formulas.momentum
        memories, numbers = {"velocity": state.velocity}, (rate, self.momentum)
        new, velocity = stepped(formula, params, gradient, memories, numbers, in_place=in_place)
        return new, SgdState(step, velocity)


# --- A rate for each number -----------------------------------------------------------------------


@dataclass(frozen=True)
class AdagradState:
    """What Adagrad remembers.

    Attributes:
        step: how many steps have been done.
        squares: the sum of the squares of the gradients.
    """

    step: int
    squares: Any


@dataclass(frozen=True)
class adagrad(Method):
    """Adagrad: the rate of each number falls with the squares of its gradients so far.

    Args:
        rate: the learning rate, a number or a schedule.
        eps: added to the root of the sum of squares.

    Raises:
        MethodError: an option cannot work.

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic
    optimization (2011), in the form that PyTorch uses.

    >>> method = adagrad(0.1)
    >>> method.update(5.0, method.init(1.0), 1.0)
    (0.900000000002, AdagradState(step=1, squares=25.0))
    """

    rate: Rate = 0.01
    eps: Any = 1e-10

    def __post_init__(self) -> None:
        check_rate(self.rate, "adagrad")
        check_between(self.eps, "adagrad", "eps", 0)

    def init(self, params: Any) -> AdagradState:
        """The state before the first step: see `Method.init`."""
        return AdagradState(0, zero(params))

    def update(
        self, gradient: P, state: AdagradState, params: P, *, in_place: bool = False
    ) -> tuple[P, AdagradState]:
        """One step: see `Method.update`."""
        check_state(state, AdagradState, self)
        memories, numbers = {"squares": state.squares}, (rate_at(self.rate, state.step), self.eps)
        new, squares = stepped(
            formulas.adagrad, params, gradient, memories, numbers, in_place=in_place
        )
        return new, AdagradState(state.step + 1, squares)


@dataclass(frozen=True)
class RmspropState:
    """What RMSProp remembers.

    Attributes:
        step: how many steps have been done.
        squares: the running mean of the squares of the gradients.
        velocity: the running sum of steps; None without momentum.
    """

    step: int
    squares: Any
    velocity: Any = None


@dataclass(frozen=True)
class rmsprop(Method):
    """RMSProp: the gradient over the root of the running mean of its square.

    Args:
        rate: the learning rate, a number or a schedule.
        decay: how much of the mean of squares stays.
        eps: added to the root of it.
        momentum: how much of the velocity of such steps stays.

    Raises:
        MethodError: an option cannot work.

    Source: Hinton, Neural networks for machine learning, lecture 6e (2012), in the form that
    PyTorch uses.

    >>> method = rmsprop(0.1, decay=0.75)
    >>> new, state = method.update(2.0, method.init(1.0), 1.0)
    >>> round(new, 6), state
    (0.8, RmspropState(step=1, squares=1.0, velocity=None))
    """

    rate: Rate = 0.01
    decay: Any = 0.99
    eps: Any = 1e-8
    momentum: Any = 0.0

    def __post_init__(self) -> None:
        check_rate(self.rate, "rmsprop")
        check_between(self.decay, "rmsprop", "decay", 0, 1)
        check_between(self.eps, "rmsprop", "eps", 0)
        check_between(self.momentum, "rmsprop", "momentum", 0, 1)

    def init(self, params: Any) -> RmspropState:
        """The state before the first step: see `Method.init`."""
        velocity = None if left_out(self.momentum) else zero(params)
        return RmspropState(0, zero(params), velocity)

    def update(
        self, gradient: P, state: RmspropState, params: P, *, in_place: bool = False
    ) -> tuple[P, RmspropState]:
        """One step: see `Method.update`."""
        check_state(state, RmspropState, self)
        formula: Callable[..., Any] = formulas.rmsprop
        memories = {"squares": state.squares}
        numbers = [rate_at(self.rate, state.step), self.decay, self.eps]
        if not left_out(self.momentum):
            formula = formulas.rmsprop_with_momentum
            memories["velocity"] = state.velocity
            numbers.append(self.momentum)
        new, *kept = stepped(formula, params, gradient, memories, numbers, in_place=in_place)
        return new, RmspropState(state.step + 1, *kept)
