"""Methods: gradient descent, with what has been done to it.

Each class is called like a function and gives a `Method`. The formulas are PyTorch's, with the
names of options that Optax uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from gradx.optim import formulas
from gradx.optim.method import Method, Rate, check_between, check_rate, rate_at
from gradx.optim.stepping import stepped
from gradx.values.operations import zero

__all__ = ["AdamState", "Steps", "Velocity", "adam", "sgd"]

P = TypeVar("P")


@dataclass(frozen=True)
class Steps:
    """What a method without a memory remembers.

    Attributes:
        step: how many steps have been done.
    """

    step: int


@dataclass(frozen=True)
class Velocity:
    """What descent with momentum remembers.

    Attributes:
        step: how many steps have been done.
        velocity: the running sum of gradients.
    """

    step: int
    velocity: Any


@dataclass(frozen=True)
class AdamState:
    """What Adam and its kin remember.

    Attributes:
        step: how many steps have been done.
        first: the running mean of the gradient.
        second: that of its square.
    """

    step: int
    first: Any
    second: Any


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
    ([1.0], Steps(step=1))
    """

    rate: Rate = 0.01
    momentum: Any = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_rate(self.rate, "sgd")
        check_between(self.momentum, "sgd", "momentum", 0, 1)

    @property
    def _plain(self) -> bool:
        return isinstance(self.momentum, (int, float)) and self.momentum == 0

    def init(self, params: Any) -> Steps | Velocity:
        """The state before the first step: see `Method.init`."""
        return Steps(0) if self._plain else Velocity(0, zero(params))

    def update(
        self, gradient: P, state: Any, params: P, *, in_place: bool = False
    ) -> tuple[P, Any]:
        """One step: see `Method.update`."""
        rate, step = rate_at(self.rate, state.step), state.step + 1
        if self._plain:
            (new,) = stepped(formulas.sgd, params, gradient, numbers=(rate,), in_place=in_place)
            return new, Steps(step)
        formula = formulas.nesterov if self.nesterov else formulas.momentum
        memories, numbers = {"velocity": state.velocity}, (rate, self.momentum)
        new, velocity = stepped(formula, params, gradient, memories, numbers, in_place=in_place)
        return new, Velocity(step, velocity)


@dataclass(frozen=True)
class adam(Method):
    """Adam: steps of one size, as large as the gradient is steady.

    Args:
        rate: the learning rate, a number or a schedule.
        b1: how much of the mean of the gradient stays.
        b2: how much of the mean of its square stays.
        eps: added to the root of the latter, which it keeps from being zero. Half precision needs
            a larger one, such as 1e-3: 1e-8 is zero there.

    Raises:
        MethodError: an option cannot work.

    Source: Kingma and Ba, Adam: a method for stochastic optimization (2015), algorithm 1.

    >>> method = adam(0.1)
    >>> new, state = method.update(5.0, method.init(1.0), 1.0)
    >>> round(new, 6), state.step
    (0.9, 1)
    """

    rate: Rate = 1e-3
    b1: Any = 0.9
    b2: Any = 0.999
    eps: Any = 1e-8

    def __post_init__(self) -> None:
        check_rate(self.rate, "adam")
        check_between(self.b1, "adam", "b1", 0, 1)
        check_between(self.b2, "adam", "b2", 0, 1)

    def init(self, params: Any) -> AdamState:
        """The state before the first step: see `Method.init`."""
        return AdamState(0, zero(params), zero(params))

    def update(
        self, gradient: P, state: AdamState, params: P, *, in_place: bool = False
    ) -> tuple[P, AdamState]:
        """One step: see `Method.update`."""
        step = state.step + 1
        rate = rate_at(self.rate, state.step)
        numbers = formulas.adam_numbers(rate, self.b1, self.b2, self.eps, step)
        memories = {"first": state.first, "second": state.second}
        new, first, second = stepped(
            formulas.adam, params, gradient, memories, numbers, in_place=in_place
        )
        return new, AdamState(step, first, second)
