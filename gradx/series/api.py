"""Derivatives of high order along a direction."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from gradx.core.spec import primal
from gradx.errors import NotDifferentiableError
from gradx.forward.api import ForwardExecution, tangent_like
from gradx.reverse.run import names_of
from gradx.series.coefficients import Series
from gradx.series.run import SeriesRun
from gradx.values.builtin import check_differentiable
from gradx.values.operations import leaves_of, one, value_type

__all__ = ["taylor"]


def taylor(f: Callable[[Any], Any], x: Any, order: int) -> tuple[Any, ...]:
    """The result of a function and its derivatives up to an order, in one run.

    They are those of ``f(x + t)`` by t at 0: along ones, in every number of x. Truncated power
    series are propagated. Of elementwise operations, linear ones and products the cost grows as the
    square of the order; nested `jvp` double theirs with each. Source of the maths: A. Griewank and
    A. Walther, "Evaluating Derivatives" (2008), chapter 13.

    Args:
        f: a function of one value.
        x: the input: a number, an array, or a value of any other type.
        order: that of the last derivative, 0 or more.

    Returns:
        ``order + 1`` values of the result's type: f(x), f'(x), f''(x), …

    Raises:
        NotLiftedError: ``f`` calls an op of a user.
        NotDifferentiableError: the input is an integer array, or has a leaf without numbers.
        ValueError: the order is negative.

    >>> taylor(lambda x: x**3, 2.0, 4)
    (8.0, 12.0, 12.0, 6.0, 0.0)
    """
    order = operator.index(order)
    if order < 0:
        raise ValueError(f"taylor was given the order {order}; give 0 or more")
    check_differentiable(x, "the input")
    leaves = leaves_of(x)
    for leaf in leaves:
        if not value_type(leaf).numeric:
            raise NotDifferentiableError(
                f"taylor goes along ones, and a {type(leaf).__name__} is one value of its own; "
                "write the function of its numbers"
            )
    series = [Series([leaf, one(leaf)]) for leaf in leaves]
    run = ForwardExecution(f, (x,), series, names_of(1), run=SeriesRun(order))

    def derivative(k: int) -> Any:
        coefficients = [None if u is None else u[k] for u in run.tangents]
        return tangent_like(run.value, [_times_factorial(c, k) for c in coefficients])

    return (run.value, *map(derivative, range(1, order + 1)))


def _times_factorial(c: Any, k: int) -> Any:
    """A coefficient of an order as the derivative."""
    if c is None or k < 2:
        return c
    factor = math.factorial(k)
    return c * (float(factor) if hasattr(primal(c), "dtype") else factor)
