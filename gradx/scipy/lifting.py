"""Lifting: functions of SciPy's that are composed of NumPy's have SciPy's own value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradx.core.dispatch import has_variables
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import to_the_bit

__all__ = ["as_scipys", "constant"]


def as_scipys(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: a composed function is SciPy's own on plain values, and has its value on others.

    Args:
        function: SciPy's own, with the same arguments.
    """

    def decorate(composed: Callable[..., Any]) -> Callable[..., Any]:
        on_variables = to_the_bit(function)(composed)

        @functools.wraps(composed)
        def call(*args: Any, **kwargs: Any) -> Any:
            lifted = has_variables((args, kwargs))
            return on_variables(*args, **kwargs) if lifted else function(*args, **kwargs)

        return call

    return decorate


def constant(what: str, x: Any) -> Any:
    """An argument that has no derivative, and may not be a variable.

    Args:
        what: the function and the argument, for the message.
        x: the argument.

    Raises:
        NotLiftedError: there is a variable in it.
    """
    if has_variables(x):
        raise NotLiftedError(
            f"{what} has no derivative in gradx; pass gx.value(v) if it should be a constant"
        )
    return x
