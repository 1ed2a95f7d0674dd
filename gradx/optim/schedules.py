"""Schedules: learning rates that go by the number of steps done.

A schedule is a frozen record of its options, called with the step, counted from 0. Where a method
takes a rate, a schedule may stand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradx.optim.errors import MethodError
from gradx.optim.method import Rate, check_between, check_rate, rate_at

__all__ = [
    "Schedule",
    "check_count",
    "constant",
    "cosine",
    "one_cycle",
    "piecewise",
    "step",
    "warmup",
]


class Schedule:
    """The base of all schedules: a call of one gives the rate of a step.

    >>> rate = cosine(0.1, steps=100)
    >>> rate(0), rate(50), rate.horizon
    (0.1, 0.05, 100)
    """

    @property
    def horizon(self) -> int | None:
        """The number of steps that it is made for; None where it has no end."""
        return None

    def __call__(self, step: int) -> Any:
        """The rate of a step.

        Args:
            step: how many steps were done before.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rates")


def check_count(count: Any, called: str, name: str) -> None:
    """Refuse a number of steps that is none.

    Raises:
        MethodError: it is no integer above 0.
    """
    if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < 1:
        raise MethodError(f"{called}: {name} is {count!r}; give an integer above 0")


@dataclass(frozen=True)
class constant(Schedule):
    """The same rate in each step.

    Args:
        rate: the rate.

    Raises:
        MethodError: an option cannot work.

    >>> constant(0.1)(7)
    0.1
    """

    rate: Any

    def __post_init__(self) -> None:
        check_rate(self.rate, "constant")

    def __call__(self, step: int) -> Any:
        """The rate of a step: see `Schedule`."""
        return self.rate


@dataclass(frozen=True)
class cosine(Schedule):
    """From a rate down to another along half a wave of the cosine, where it stays.

    Args:
        rate: that of step 0.
        steps: the step from which on the rate is ``end``.
        end: the last rate.

    Raises:
        MethodError: an option cannot work.

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts (2017),
    equation 5, without restarts.

    >>> [round(cosine(1.0, steps=4)(k), 4) for k in range(6)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.0]
    """

    rate: Any
    steps: int
    end: Any = 0.0

    def __post_init__(self) -> None:
        check_rate(self.rate, "cosine")
        check_rate(self.end, "cosine", "end")
        check_count(self.steps, "cosine", "steps")

    @property
    def horizon(self) -> int:
        """The number of steps that it is made for."""
        return self.steps

    def __call__(self, step: int) -> Any:
        """The rate of a step: see `Schedule`."""
        return _wave(self.rate, self.end, min(step, self.steps) / self.steps)


def _wave(start: Any, end: Any, share: float) -> Any:
    """From one number to another along half a wave."""
    return end + (start - end) * ((1 + math.cos(math.pi * share)) / 2)


@dataclass(frozen=True)
class step(Schedule):
    """A rate that is multiplied by a factor every so many steps.

    Args:
        rate: that of step 0.
        every: how many steps are done at each rate.
        factor: what the rate is multiplied by.

    Raises:
        MethodError: an option cannot work.

    >>> [step(1.0, every=2, factor=0.5)(k) for k in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    rate: Any
    every: int
    factor: Any = 0.1

    def __post_init__(self) -> None:
        check_rate(self.rate, "step")
        check_count(self.every, "step", "every")
        check_between(self.factor, "step", "factor", 0)

    def __call__(self, step: int) -> Any:
        """The rate of a step: see `Schedule`."""
        return self.rate * self.factor ** (step // self.every)


@dataclass(frozen=True)
class piecewise(Schedule):
    """A rate that is multiplied by factors, each from a step of its own on.

    Args:
        rate: that of step 0.
        factors: from a step to what the rate is multiplied by from this step on.

    Raises:
        MethodError: an option cannot work.

    >>> [piecewise(1.0, {2: 0.5, 4: 0.1})(k) for k in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.05, 0.05]
    """

    rate: Any
    factors: Mapping[int, Any] = field(hash=False)

    def __post_init__(self) -> None:
        check_rate(self.rate, "piecewise")
        for begin, factor in self.factors.items():
            check_count(begin, "piecewise", "a step of factors")
            check_between(factor, "piecewise", f"the factor from step {begin} on", 0)
        object.__setattr__(self, "factors", dict(sorted(self.factors.items())))

    def __call__(self, step: int) -> Any:
        """The rate of a step: see `Schedule`."""
        rate = self.rate
        for begin, factor in self.factors.items():
            if step >= begin:
                rate = rate * factor
        return rate


@dataclass(frozen=True)
class warmup(Schedule):
    """A rate that is reached in equal rises; then a schedule begins, if it is one.

    Args:
        rate: a number, or the schedule that follows, whose steps are counted from its beginning.
        steps: how many steps the rise takes; the last of them has the whole rate.

    Raises:
        MethodError: an option cannot work.

    Source: Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour (2017),
    section 2.2.

    >>> [warmup(1.0, steps=4)(k) for k in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    >>> [warmup(step(1.0, every=1, factor=0.5), steps=2)(k) for k in range(5)]
    [0.5, 1.0, 1.0, 0.5, 0.25]
    """

    rate: Rate
    steps: int

    def __post_init__(self) -> None:
        check_rate(self.rate, "warmup")
        check_count(self.steps, "warmup", "steps")

    @property
    def horizon(self) -> int | None:
        """The number of steps that it is made for, if what follows has an end."""
        rest = getattr(self.rate, "horizon", None)
        return None if rest is None else self.steps + rest

    def __call__(self, step: int) -> Any:
        """The rate of a step: see `Schedule`."""
        if step < self.steps:
            return rate_at(self.rate, 0) * ((step + 1) / self.steps)
        return rate_at(self.rate, step - self.steps)


@dataclass(frozen=True)
class one_cycle(Schedule):
    """From a small rate up to a peak, and down to nearly nothing, each along half a wave.

    Args:
        peak: the highest rate.
        steps: how many steps it takes; later ones have the last rate.
        pct_start: the share of the steps in which the rate rises.
        div_factor: how many times the peak is as high as the first rate.
        final_div_factor: how many times the first rate is as high as the last.

    Raises:
        MethodError: an option cannot work.

    Source: Smith and Topin, Super-convergence (2018), with the defaults and the waves of PyTorch.

    >>> rate = one_cycle(1.0, steps=11)
    >>> [round(rate(k), 4) for k in (0, 1, 2, 5, 10)]
    [0.04, 0.4223, 0.9603, 0.7261, 0.0]
    """

    peak: Any
    steps: int
    pct_start: float = 0.3
    div_factor: Any = 25.0
    final_div_factor: Any = 1e4

    def __post_init__(self) -> None:
        check_rate(self.peak, "one_cycle", "peak")
        check_count(self.steps, "one_cycle", "steps")
        check_between(self.pct_start, "one_cycle", "pct_start", 0, 1)
        for name in ("div_factor", "final_div_factor"):
            check_between(getattr(self, name), "one_cycle", name, 0, above=True)

    @property
    def horizon(self) -> int:
        """The number of steps that it is made for."""
        return self.steps

    def __call__(self, step: int) -> Any:
        """The rate of a step: see `Schedule`."""
        first = self.peak / self.div_factor
        last = first / self.final_div_factor
        top, end = self.pct_start * self.steps - 1, self.steps - 1  # steps that may be no integers
        if step <= top and top > 0:
            return _wave(first, self.peak, step / top)
        begin = max(top, 0)
        share = (min(step, end) - begin) / (end - begin) if end > begin else 1.0
        return _wave(self.peak, last, share)
