"""Lifting: functions of SciPy's that are composed of NumPy's have SciPy's own value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.core.dispatch import variables_in
from gradx.core.spec import concrete, primal
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand, to_the_bit
from gradx.scipy.library import in_place_of

__all__ = ["as_scipys", "constant", "depends", "refuse_output"]


def as_scipys(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: a composed function is SciPy's own on plain values, and has its value on others.

    Args:
        function: SciPy's own, with the same arguments.
    """

    def decorate(composed: Callable[..., Any]) -> Callable[..., Any]:
        return in_place_of(function)(to_the_bit(function)(composed))

    return decorate


def depends(x: Any) -> bool:
    """Whether there is a variable in a value to which a gradient may flow: one of an open run.

    A lifted value of level 0 belongs to none; it is a constant that could hold a variable.
    """
    return any(v._run.level for v in variables_in(x))


def refuse_output(function: str, output: Any, x: Any) -> None:
    """Refuse to write a result elsewhere, or in another dtype.

    Args:
        function: for the message.
        output: SciPy's argument, an array or a dtype.
        x: the array, whose dtype the result has.

    Raises:
        NotLiftedError: it is an array, or another dtype.
    """
    is_dtype = isinstance(output, (type, str, np.dtype))
    if output is not None and not (is_dtype and np.dtype(output) == operand(x).dtype):
        raise NotLiftedError(
            f"{function} with output= has no derivative in gradx; cast the result with .astype"
        )


def constant(what: str, x: Any) -> Any:
    """An argument that has no derivative, and may not be a variable.

    Args:
        what: the function and the argument, for the message.
        x: the argument.

    Raises:
        NotLiftedError: there is a variable in it.
        ConversionError: there is a value of a batch in it, which has no one number.
    """
    for v in variables_in(x):
        concrete(primal(v), what)
    if depends(x):
        raise NotLiftedError(
            f"{what} has no derivative in gradx; pass gx.value(v) if it should be a constant"
        )
    return x
