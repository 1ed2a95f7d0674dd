"""Minimum: what a minimiser of gradx's own found, and where it may begin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradx.optim.errors import MethodError
from gradx.optim.flat import Flat

__all__ = ["Array", "Minimum", "begin", "refuse_start"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Minimum:
    """What `lbfgs` or `levenberg_marquardt` found.

    Attributes:
        params: where, a value like the one to begin with.
        value: the loss there; of a residual half the sum of its squares.
        steps: how many steps it took.
        converged: whether the tolerance was reached.
        message: why it ended.
        slope: the largest modulus of a number of the gradient there.
        calls: how often the function was called.
    """

    params: Any
    value: Any
    steps: int
    converged: bool
    message: str
    slope: float
    calls: int


def begin(params: Any, called: str) -> Flat:
    """The parameters to begin with, as a vector.

    Raises:
        NotDifferentiableError: they have no numbers, or complex ones; with the path.
        MethodError: a number of them is not finite; with its path.
    """
    flat = Flat(params, called)
    wrong = np.flatnonzero(~np.isfinite(flat.start))
    if wrong.size:
        first = int(wrong[0])
        part = next(part for part in flat.known.parts if first < part.place.stop)
        place = np.unravel_index(first - part.start, part.spec.shape)
        index = f"[{', '.join(map(str, place))}]" if place else ""
        raise MethodError(
            f"{called} cannot begin where params{part.path}{index} is {flat.start[first]}; give "
            "finite numbers"
        )
    return flat


def refuse_start(value: float, gradient: Array, what: str, called: str) -> None:
    """Refuse a start at which a function has no finite value or gradient.

    Raises:
        MethodError: it has none.
    """
    if not math.isfinite(value):
        raise MethodError(
            f"{called} cannot begin where {what} is {value}; begin elsewhere, or see where it "
            "comes from with gx.debug()"
        )
    if not np.isfinite(gradient).all():
        raise MethodError(
            f"{called} cannot begin where the gradient of {what} is not finite; begin elsewhere, "
            "or see where it comes from with gx.debug()"
        )
