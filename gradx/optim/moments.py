"""Moments: Adam and its kin, which step along running means of the gradient.

As in `gradx.optim.methods`, each class is called like a function and gives a `Method`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gradx.optim import formulas
from gradx.optim.method import Method, Rate, check_between, check_rate, check_state, rate_at
from gradx.optim.parts import marked
from gradx.optim.stepping import put, stepped
from gradx.values.operations import zero

__all__ = ["AdamState", "LionState", "adam", "adamw", "lamb", "lion"]

P = TypeVar("P")


@dataclass(frozen=True)
class AdamState:
    """What Adam, AdamW and LAMB remember.

    Attributes:
        step: how many steps have been done.
        first: the running mean of the gradient.
        second: that of its square.
    """

    step: int
    first: Any
    second: Any


class _WithTwoMeans(Method):
    """A method that keeps running means of the gradient and of its square."""

    rate: Rate
    b1: Any
    b2: Any
    eps: Any

    def __post_init__(self) -> None:
        name = type(self).__name__
        check_rate(self.rate, name)
        check_between(self.b1, name, "b1", 0, 1)
        check_between(self.b2, name, "b2", 0, 1)
        check_between(self.eps, name, "eps", 0)

    def init(self, params: Any) -> AdamState:
        """The state before the first step: see `Method.init`."""
        return AdamState(0, zero(params), zero(params))

    def _numbers(self, rate: Any, state: AdamState) -> tuple[Any, ...]:
        return formulas.adam_numbers(rate, self.b1, self.b2, self.eps, state.step + 1)


def _means(state: AdamState) -> Mapping[str, Any]:
    return {"first": state.first, "second": state.second}


def _marks(mask: Any, params: Any, called: str) -> Any:
    """The leaves whose weights decay, or None for all of them."""
    return None if mask is None else marked(params, (mask,), f"the decay_mask of {called}")


@dataclass(frozen=True)
class adam(_WithTwoMeans):
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

    def update(
        self, gradient: P, state: AdamState, params: P, *, in_place: bool = False
    ) -> tuple[P, AdamState]:
        """One step: see `Method.update`."""
        check_state(state, AdamState, self)
        numbers = self._numbers(rate_at(self.rate, state.step), state)
        new, first, second = stepped(
            formulas.adam, params, gradient, _means(state), numbers, in_place=in_place
        )
        return new, AdamState(state.step + 1, first, second)


@dataclass(frozen=True)
class adamw(_WithTwoMeans):
    """Adam, with a decay of the weights that does not go through its means.

    In each step the parameters lose ``rate * weight_decay`` of themselves.

    Args:
        rate: the learning rate, a number or a schedule.
        b1: how much of the mean of the gradient stays.
        b2: how much of the mean of its square stays.
        eps: added to the root of the latter.
        weight_decay: how fast the weights decay.
        decay_mask: an optic to the parts that decay; by default all do.

    Raises:
        MethodError: an option cannot work, or the mask chooses nothing.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization (2019), in the form that
    PyTorch uses.

    >>> import gradx as gx
    >>> method = adamw(0.1, weight_decay=0.5, decay_mask=gx.ix("w"))
    >>> params = {"w": 1.0, "b": 1.0}
    >>> new, _ = method.update({"w": 0.0, "b": 0.0}, method.init(params), params)
    >>> new
    {'w': 0.95, 'b': 1.0}
    """

    rate: Rate = 1e-3
    b1: Any = 0.9
    b2: Any = 0.999
    eps: Any = 1e-8
    weight_decay: Any = 0.01
    decay_mask: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_between(self.weight_decay, "adamw", "weight_decay", 0)

    def update(
        self, gradient: P, state: AdamState, params: P, *, in_place: bool = False
    ) -> tuple[P, AdamState]:
        """One step: see `Method.update`."""
        check_state(state, AdamState, self)
        rate = rate_at(self.rate, state.step)
        numbers = self._numbers(rate, state)
        marks = _marks(self.decay_mask, params, "adamw")
        new, first, second = stepped(
            formulas.adamw,
            params,
            gradient,
            _means(state),
            (*numbers, 1 - rate * self.weight_decay),
            in_place=in_place,
            marks=marks,
            unmarked=None if marks is None else (*numbers, 1.0),
        )
        return new, AdamState(state.step + 1, first, second)


@dataclass(frozen=True)
class lamb(_WithTwoMeans):
    """LAMB: Adam's direction, with a length in proportion to each array's own.

    An array is a layer of the paper; a number is one too. The step of an array has ``rate`` times
    the length of the array; where that or the direction is zero, it has the direction's own.

    Args:
        rate: the learning rate, a number or a schedule.
        b1: how much of the mean of the gradient stays.
        b2: how much of the mean of its square stays.
        eps: added to the root of the latter.
        weight_decay: how much of the parameters is added to the direction.
        decay_mask: an optic to the parts that decay; by default all do.

    Raises:
        MethodError: an option cannot work, or the mask chooses nothing.

    Source: You et al., Large batch optimization for deep learning: training BERT in 76 minutes
    (2020), algorithm 2, where phi is the identity.

    >>> import numpy as np
    >>> method, params = lamb(0.1), np.array([3.0, 4.0])
    >>> new, _ = method.update(np.array([1.0, 1.0]), method.init(params), params)
    >>> bool(np.isclose(np.linalg.norm(new - params), 0.1 * 5))
    True
    """

    rate: Rate = 1e-3
    b1: Any = 0.9
    b2: Any = 0.999
    eps: Any = 1e-6
    weight_decay: Any = 0.0
    decay_mask: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_between(self.weight_decay, "lamb", "weight_decay", 0)

    def update(
        self, gradient: P, state: AdamState, params: P, *, in_place: bool = False
    ) -> tuple[P, AdamState]:
        """One step: see `Method.update`."""
        check_state(state, AdamState, self)
        numbers, marks = self._numbers(1.0, state), _marks(self.decay_mask, params, "lamb")
        direction, *means = stepped(
            formulas.lamb,
            params,
            gradient,
            _means(state),
            (*numbers, self.weight_decay),
            marks=marks,
            unmarked=None if marks is None else (*numbers, 0.0),
        )
        rate = rate_at(self.rate, state.step)
        (new,) = stepped(formulas.trusted, params, direction, numbers=(rate,))
        after = AdamState(state.step + 1, *means)
        return put(params, state, new, after) if in_place else (new, after)


@dataclass(frozen=True)
class LionState:
    """What Lion remembers.

    Attributes:
        step: how many steps have been done.
        mean: the running mean of the gradient.
    """

    step: int
    mean: Any


@dataclass(frozen=True)
class lion(Method):
    """Lion: every number moves by the rate, along the sign of a mean of the gradient.

    A complex number moves by the rate along the mean's direction.

    Args:
        rate: the learning rate, a number or a schedule; a tenth of Adam's is a beginning.
        b1: how much of the mean of the gradient is in the direction.
        b2: how much of the mean stays.
        weight_decay: how fast the weights decay.
        decay_mask: an optic to the parts that decay; by default all do.

    Raises:
        MethodError: an option cannot work, or the mask chooses nothing.

    Source: Chen et al., Symbolic discovery of optimization algorithms (2023), algorithm 2.

    >>> method = lion(0.25)
    >>> new, state = method.update([4.0, -1.0, 0.0], method.init([1.0, 1.0, 1.0]), [1.0, 1.0, 1.0])
    >>> new
    [0.75, 1.25, 1.0]
    """

    rate: Rate = 1e-4
    b1: Any = 0.9
    b2: Any = 0.99
    weight_decay: Any = 0.0
    decay_mask: Any = None

    def __post_init__(self) -> None:
        check_rate(self.rate, "lion")
        check_between(self.b1, "lion", "b1", 0, 1)
        check_between(self.b2, "lion", "b2", 0, 1)
        check_between(self.weight_decay, "lion", "weight_decay", 0)

    def init(self, params: Any) -> LionState:
        """The state before the first step: see `Method.init`."""
        return LionState(0, zero(params))

    def update(
        self, gradient: P, state: LionState, params: P, *, in_place: bool = False
    ) -> tuple[P, LionState]:
        """One step: see `Method.update`."""
        check_state(state, LionState, self)
        rate = rate_at(self.rate, state.step)
        marks = _marks(self.decay_mask, params, "lion")
        numbers = (rate, self.b1, self.b2)
        new, mean = stepped(
            formulas.lion,
            params,
            gradient,
            {"mean": state.mean},
            (*numbers, 1 - rate * self.weight_decay),
            in_place=in_place,
            marks=marks,
            unmarked=None if marks is None else (*numbers, 1.0),
        )
        return new, LionState(state.step + 1, mean)
