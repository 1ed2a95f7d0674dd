"""`autograd.misc.fixed_points`: fixed points of a function, and their derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradx as gx

__all__ = ["fixed_point"]


def fixed_point(
    f: Callable[[Any], Callable[[Any], Any]],
    a: Any,
    x0: Any,
    distance: Callable[[Any, Any], Any],
    tol: float,
) -> Any:
    """The fixed point of ``f(a)``, by iteration; differentiable by ``a``, not through the steps.

    Args:
        f: from the parameters to a function of x.
        a: the parameters.
        x0: where to begin.
        distance: how far two values are from one another.
        tol: a step of this length is the last.

    Source: the implicit function theorem; see `gradx.implicit`.
    """

    def solve(a: Any) -> Any:
        step = f(a)
        x, before = step(x0), x0
        while distance(x, before) > tol:
            x, before = step(x), x
        return x

    def residual(x: Any, a: Any) -> Any:
        return f(a)(x) - x

    return gx.implicit(solve, residual, tolerance=None)(a)
