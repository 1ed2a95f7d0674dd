"""Integration: what the steps of a Runge-Kutta method are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.op import Op, register_ops
from gradx.core.properties import Property

__all__ = ["combination"]


def _combine(*xs: Any, weights: Any) -> Any:
    if isinstance(weights, tuple):
        total = xs[0] * weights[0]
        for x, weight in zip(xs[1:], weights[1:], strict=True):
            total = total + x * weight
        return total
    return np.tensordot(weights.T, np.stack(xs), 1)


def _uncombine(g: Any, i: int, *, weights: Any) -> Any:
    if isinstance(weights, tuple):
        return g * weights[i]
    return np.tensordot(weights[i], g, 1)


combination = Op("combination", _combine, _uncombine, variadic=True, properties=Property.LINEAR)
"""The sum of n arrays of one shape times constants: a tuple, or a matrix (n, r) for r sums."""

register_ops(vars().values())
