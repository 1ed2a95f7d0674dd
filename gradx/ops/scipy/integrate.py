"""Integration: what the steps of a Runge-Kutta method are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.op import Op, register_ops
from gradx.core.properties import Property

__all__ = ["Weights", "combination"]


class Weights:
    """Constants of a sum of arrays, which nothing changes.

    Args:
        items: a tuple of floats, or a matrix (n, r) for r sums of n arrays.
    """

    __slots__ = ("items", "single")

    def __init__(self, items: Any) -> None:
        self.items, self.single = items, isinstance(items, tuple)


def _combine(*xs: Any, weights: Weights) -> Any:
    if not weights.single:
        return np.tensordot(weights.items.T, np.stack(xs), 1)
    total: Any = xs[0] * weights.items[0]
    for x, weight in zip(xs[1:], weights.items[1:], strict=True):
        total = total + x * weight
    return total


def _uncombine(g: Any, i: int, *, weights: Weights) -> Any:
    row = weights.items[i]
    return g * row if weights.single else np.tensordot(row, g, 1)


combination = Op("combination", _combine, _uncombine, variadic=True, properties=Property.LINEAR)
"""The sum of arrays of one shape times constants, or several such sums."""

register_ops(vars().values())
