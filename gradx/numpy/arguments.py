"""What lifted functions do with their arguments: operands, plain values, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.errors import AssignmentError
from gradx.lifted import Lifted, apply
from gradx.ops import shaping

__all__ = ["has_lifted", "is_inexact", "is_lifted", "operand", "plain", "refuse_out"]


def is_lifted(x: Any) -> bool:
    """Whether a value is a variable or of another lifted kind."""
    return isinstance(x, Lifted)


def has_lifted(x: Any) -> bool:
    """Whether a value, or nested lists and tuples, holds a variable."""
    if is_lifted(x):
        return True
    return isinstance(x, (list, tuple)) and any(has_lifted(item) for item in x)


def plain(x: Any) -> Any:
    """A value with every level of variables taken off, also inside lists and tuples."""
    while is_lifted(x) and hasattr(x, "_value"):
        x = x._value
    if type(x) in (list, tuple) and has_lifted(x):
        return type(x)(plain(item) for item in x)
    return x


def operand(x: Any) -> Any:
    """An array-like as one operand: nested lists that hold variables are joined into an array."""
    if is_lifted(x):
        return _joined(list(x)) if isinstance(plain(x), (list, tuple)) else x
    return _joined(x) if type(x) in (list, tuple) else x


def _joined(x: Any) -> Any:
    if not has_lifted(x):
        return np.asarray(x)
    return apply(shaping.stack, [operand(item) for item in x], {"axis": 0})


def refuse_out(function: str, out: Any) -> None:
    """Refuse an ``out`` argument.

    Raises:
        AssignmentError: there is one.
    """
    if out is not None and not (isinstance(out, tuple) and out == (None,)):
        raise AssignmentError(
            f"{function} with out= would write a variable into a plain array and lose its "
            f"gradient; write a = {function}(…) instead"
        )


def is_inexact(dtype: Any) -> bool:
    """Whether a dtype argument is None or one of real or complex numbers."""
    return dtype is None or np.dtype(dtype).kind in "fc"
