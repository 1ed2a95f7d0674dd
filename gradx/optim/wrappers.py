"""Wrappers: methods that do something before or after another method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from gradx.devices.placement import copied
from gradx.errors import StructureError
from gradx.lens import at_instances_of, to_list
from gradx.ops.helpers import is_complex
from gradx.optim import formulas
from gradx.optim.errors import MethodError
from gradx.optim.method import Method, check_between, check_method, check_state
from gradx.optim.schedules import check_count
from gradx.optim.stepping import check_both_writable, explained, put, stepped
from gradx.records.tree_map import leafwise
from gradx.values.leaves import map_leaves
from gradx.values.operations import (
    ValueType,
    Where,
    fold,
    leaves_of,
    parts_alone,
    zero,
)

__all__ = [
    "AccumulateState",
    "AverageState",
    "accumulate",
    "average",
    "averaged",
    "clip_by_norm",
    "clip_by_value",
]

P = TypeVar("P")
Update = Callable[[Any, Any, Any], tuple[Any, Any]]
"""The step of the method that is wrapped: ``update``, or ``advance`` in place."""


# --- Gradients that are too large -----------------------------------------------------------------


@dataclass(frozen=True)
class clip_by_norm(Method):
    """A method whose gradient is made shorter where it is longer than a limit.

    The length is that of all numbers of the gradient together. On a device nothing is read back.

    Args:
        method: the method.
        limit: the greatest length.

    Raises:
        MethodError: an option cannot work.

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks
    (2013), algorithm 1.

    >>> import gradx as gx
    >>> method = clip_by_norm(gx.optim.sgd(1.0), 1.0)
    >>> method.update((3.0, 4.0), method.init((0.0, 0.0)), (0.0, 0.0))[0]
    (-0.6000000000000001, -0.8)
    """

    method: Method
    limit: Any

    def __post_init__(self) -> None:
        check_method(self.method, "clip_by_norm")
        check_between(self.limit, "clip_by_norm", "limit", 0, above=True)

    def init(self, params: Any) -> Any:
        """The state of the method: see `Method.init`."""
        return self.method.init(params)

    def update(
        self, gradient: P, state: Any, params: P, *, in_place: bool = False
    ) -> tuple[P, Any]:
        """One step: see `Method.update`."""
        return self.method.update(self._clipped(gradient), state, params, in_place=in_place)

    def advance(self, gradient: P, state: Any, params: P) -> tuple[P, Any]:
        """One step: see `Method.advance`."""
        return self.method.advance(self._clipped(gradient), state, params)

    def _clipped(self, gradient: P) -> P:
        with explained(gradient, "gradient"):
            total = sum(_sum_of_squares(x) for x in leaves_of(gradient))
            scale = self.limit / np.maximum(np.sqrt(total), self.limit)
            (shorter,) = leafwise(_scaled, gradient, (), (scale,), results=(0,))
        return shorter  # type: ignore[no-any-return]


def _sum_of_squares(g: Any) -> Any:
    """The sum of squares of a leaf; those of half precision in single, which they fit into."""
    if getattr(g, "dtype", None) == np.float16:
        g = g.astype(np.float32)
    total = np.sum(formulas.squared(g))
    return np.real(total) if is_complex(g) else total


def _scaled(g: Any, scale: Any) -> tuple[Any]:
    return (g * scale,)


@dataclass(frozen=True)
class clip_by_value(Method):
    """A method whose gradient is cut off, number by number, where it is beyond a limit.

    Args:
        method: the method.
        limit: the greatest modulus of a number.

    Raises:
        MethodError: an option cannot work.

    >>> import gradx as gx
    >>> method = clip_by_value(gx.optim.sgd(1.0), 1.0)
    >>> method.update((3.0, -0.5), method.init((0.0, 0.0)), (0.0, 0.0))[0]
    (-1.0, 0.5)
    """

    method: Method
    limit: Any

    def __post_init__(self) -> None:
        check_method(self.method, "clip_by_value")
        check_between(self.limit, "clip_by_value", "limit", 0, above=True)

    def init(self, params: Any) -> Any:
        """The state of the method: see `Method.init`."""
        return self.method.init(params)

    def update(
        self, gradient: P, state: Any, params: P, *, in_place: bool = False
    ) -> tuple[P, Any]:
        """One step: see `Method.update`.

        Raises:
            StructureError: a part of the gradient is complex, and has no order.
        """
        return self.method.update(self._clipped(gradient), state, params, in_place=in_place)

    def advance(self, gradient: P, state: Any, params: P) -> tuple[P, Any]:
        """One step: see `Method.advance`."""
        return self.method.advance(self._clipped(gradient), state, params)

    def _clipped(self, gradient: P) -> P:
        if any(is_complex(g) for g in leaves_of(gradient)):
            raise StructureError(
                f"{_first_complex(gradient)} is complex, and what is beyond a limit has no order "
                "there; use gx.optim.clip_by_norm, or by_part for the real parts"
            )
        with explained(gradient, "gradient"):
            (cut,) = leafwise(_cut, gradient, (), (self.limit,), results=(0,))
        return cut  # type: ignore[no-any-return]


def _first_complex(gradient: Any) -> str:
    paths: list[str] = []

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> None:
        if not spec.static and is_complex(x):
            paths.append(where())

    fold(gradient, None, parts_alone, leaf, "gradient", rebuild=lambda *_: None)
    return paths[0]


def _cut(g: Any, limit: Any) -> tuple[Any]:
    return (np.minimum(np.maximum(g, -limit), limit),)


# --- Several gradients, several parameters --------------------------------------------------------


@dataclass(frozen=True)
class AccumulateState:
    """What `accumulate` remembers.

    Attributes:
        step: how many gradients there were.
        total: the sum of those since the method's last step.
        inner: the state of the method.
    """

    step: int
    total: Any
    inner: Any


@dataclass(frozen=True)
class accumulate(Method):
    """A method that takes a step after every so many gradients, along their mean.

    Between these steps the parameters stay; the method and its schedule count only its own steps.

    Args:
        method: the method.
        steps: how many gradients there are to a step.

    Raises:
        MethodError: an option cannot work.

    >>> import gradx as gx
    >>> method = accumulate(gx.optim.sgd(1.0), steps=2)
    >>> params, state = method.update(1.0, method.init(0.0), 0.0)
    >>> params
    0.0
    >>> method.update(3.0, state, params)[0]
    -2.0
    """

    method: Method
    steps: int

    def __post_init__(self) -> None:
        check_method(self.method, "accumulate")
        check_count(self.steps, "accumulate", "steps")

    def init(self, params: Any) -> AccumulateState:
        """The state before the first step: see `Method.init`."""
        return AccumulateState(0, zero(params), self.method.init(params))

    def update(
        self, gradient: P, state: AccumulateState, params: P, *, in_place: bool = False
    ) -> tuple[P, AccumulateState]:
        """One gradient more: see `Method.update`."""
        check_state(state, AccumulateState, self)
        if not in_place:
            return self._step(gradient, state, params, self.method.update, False)
        if (state.step + 1) % self.steps:  # the sum alone is written
            check_both_writable(params, state)
            return self.advance(gradient, state, params)
        new = self._step(gradient, state, params, self.method.update, False)
        return put(params, state, *new)

    def advance(self, gradient: P, state: AccumulateState, params: P) -> tuple[P, AccumulateState]:
        """One gradient more: see `Method.advance`."""
        return self._step(gradient, state, params, self.method.advance, True)

    def _step(
        self, gradient: P, state: AccumulateState, params: P, step: Update, in_place: bool
    ) -> tuple[P, AccumulateState]:
        formula = _summed if state.step % self.steps else _begun
        (total,) = stepped(formula, state.total, gradient, in_place=in_place, name="state.total")
        inner = state.inner
        if (state.step + 1) % self.steps == 0:
            (mean,) = leafwise(_shared, total, (), (self.steps,), results=(0,))
            params, inner = step(mean, inner, params)
        return params, AccumulateState(state.step + 1, total, inner)


def _begun(total: Any, g: Any) -> tuple[Any]:
    return (+g,)


def _summed(total: Any, g: Any) -> tuple[Any]:
    return (total + g,)


def _shared(total: Any, steps: Any) -> tuple[Any]:
    return (total / steps,)


# --- The mean of the parameters -------------------------------------------------------------------


@dataclass(frozen=True)
class AverageState:
    """What `average` remembers.

    Attributes:
        step: how many steps have been done.
        averaged: the running mean of the parameters.
        inner: the state of the method.
    """

    step: int
    averaged: Any
    inner: Any


@dataclass(frozen=True)
class average(Method):
    """A method beside which a running mean of the parameters is kept.

    It begins as the parameters before the first step, and becomes ``decay`` times itself and
    ``1 - decay`` times the new parameters. `averaged` takes it out of the state.

    Args:
        method: the method.
        decay: how much of the mean stays.

    Raises:
        MethodError: an option cannot work.

    Source: Polyak and Juditsky, Acceleration of stochastic approximation by averaging (1992), with
    exponential weights.

    >>> import gradx as gx
    >>> method = average(gx.optim.sgd(1.0), decay=0.75)
    >>> params, state = method.update(4.0, method.init(0.0), 0.0)
    >>> params, gx.optim.averaged(state)
    (-4.0, -1.0)
    """

    method: Method
    decay: Any = 0.999

    def __post_init__(self) -> None:
        check_method(self.method, "average")
        check_between(self.decay, "average", "decay", 0, 1)

    def init(self, params: Any) -> AverageState:
        """The state before the first step: see `Method.init`."""
        mean = map_leaves(params, lambda x, _: copied(x))
        return AverageState(0, mean, self.method.init(params))

    def update(
        self, gradient: P, state: AverageState, params: P, *, in_place: bool = False
    ) -> tuple[P, AverageState]:
        """One step: see `Method.update`."""
        check_state(state, AverageState, self)
        new = self._step(gradient, state, params, self.method.update, False)
        return put(params, state, *new) if in_place else new

    def advance(self, gradient: P, state: AverageState, params: P) -> tuple[P, AverageState]:
        """One step: see `Method.advance`."""
        return self._step(gradient, state, params, self.method.advance, True)

    def _step(
        self, gradient: P, state: AverageState, params: P, step: Update, in_place: bool
    ) -> tuple[P, AverageState]:
        new, inner = step(gradient, state.inner, params)
        (mean,) = stepped(
            _blended,
            state.averaged,
            new,
            numbers=(self.decay,),
            in_place=in_place,
            name="state.averaged",
        )
        return new, AverageState(state.step + 1, mean, inner)


def _blended(mean: Any, p: Any, decay: Any) -> tuple[Any]:
    return (decay * mean + (1 - decay) * p,)


def averaged(state: Any) -> Any:
    """The running mean of the parameters that `average` keeps, wherever it is in a state.

    Args:
        state: that of a method with `average` in it.

    Returns:
        Parameters; of the part that is averaged, where that is one of `by_part`.

    Raises:
        MethodError: there is none, or more than one.
    """
    found = to_list(at_instances_of(AverageState), state)
    if len(found) != 1:
        raise MethodError(
            f"a {type(state).__name__} with {len(found)} averages in it; give the state of a "
            "method with one gx.optim.average(method) in it"
        )
    return found[0].averaged
