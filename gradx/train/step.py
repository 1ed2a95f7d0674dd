"""Step: the one place where a loss, its gradient and a method become the next parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradx as gx
from gradx.devices.placement import PLACES
from gradx.optim.method import Method, left_out, rate_at
from gradx.optim.methods import SgdState, sgd
from gradx.train.gradients import Gradients, Loss, Piece
from gradx.values.operations import leaves_of

__all__ = ["Stepper", "rate_of", "stepper"]

Stepper = Callable[[Any, Any, Any], tuple[Any, Any, Any]]
"""``loss, params, state = step(params, state, batch)``; arrays of both are written into."""


def stepper(method: Method, loss: Loss, params: Any, gradients: Gradients | None = None) -> Stepper:
    """The function that does the steps of a run.

    It is made once, for parameters of one structure, and called for each batch. Arrays of the
    parameters and the state are written into, and numbers replaced: give it copies of what must
    stay, `gradx.train.own`, and use what it returns.

    Args:
        method: such as ``gx.optim.adam(1e-3)``.
        loss: ``loss(params, batch)`` gives one number.
        params: the parameters, all of whose arrays can be written.
        gradients: how a gradient comes about. Where it cuts batches, a step is given a pair: the
            pieces, and the number of rows of the global batch.

    Returns:
        ``step(params, state, batch)``, which gives the loss before the step, the new parameters
        and the new state.

    >>> method = gx.optim.sgd(0.5)
    >>> params = {"w": np.array([1.0, 2.0])}
    >>> step = stepper(method, lambda p, x: np.sum(p["w"] * x), params)
    >>> y, params, state = step(params, method.init(params), np.array([1.0, 0.0]))
    >>> float(y), params, state.step
    (1.0, {'w': array([0.5, 2. ])}, 1)
    """
    if gradients is not None and not gradients.whole:
        return _of_pieces(method, loss, gradients)
    if type(method) is sgd and left_out(method.momentum) and _all_writable(params):
        return _descent(method, loss)
    both = gx.value_and_grad(loss)

    def step(params: Any, state: Any, batch: Any) -> tuple[Any, Any, Any]:
        y, gradient = both(params, batch)
        params, state = method.advance(gradient, state, params)
        return y, params, state

    return step


def _of_pieces(method: Method, loss: Loss, gradients: Gradients) -> Stepper:
    def step(params: Any, state: Any, batch: tuple[list[Piece], int]) -> tuple[Any, Any, Any]:
        y, gradient = gradients.of(loss, params, *batch)
        params, state = method.advance(gradient, state, params)
        return y, params, state

    return step


def _descent(method: sgd, loss: Loss) -> Stepper:
    """Plain descent, straight from the cotangents: no gradient is made (`gx.descend`)."""
    rate = method.rate
    varies = callable(rate)

    def step(params: Any, state: Any, batch: Any) -> tuple[Any, Any, Any]:
        now = rate_at(rate, state.step) if varies else rate
        return gx.descend(lambda p: loss(p, batch), params, now), params, SgdState(state.step + 1)

    return step


def _all_writable(params: Any) -> bool:
    return all(
        type(x) in PLACES or (isinstance(x, np.ndarray) and x.flags.writeable)
        for x in leaves_of(params)
    )


def rate_of(method: Any, state: Any) -> float | None:
    """The learning rate of the last step; None where a method has none of its own.

    >>> method = gx.optim.clip_by_norm(gx.optim.sgd(gx.optim.step(0.5, 1, 0.1)), 1.0)
    >>> params, state = method.update(1.0, method.init(0.0), 0.0)
    >>> rate_of(method, state), rate_of(gx.optim.frozen(), state)
    (0.5, None)
    """
    while not hasattr(method, "rate"):
        if not hasattr(method, "method"):
            return None
        method, state = method.method, getattr(state, "inner", state)
    step = getattr(state, "step", None)
    return None if step is None else float(rate_at(method.rate, max(step - 1, 0)))
