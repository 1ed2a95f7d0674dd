"""Outer products: the matrix of all products of two vectors, computed or subtracted in place.

NumPy computes it several times slower than memory can be written, and cannot add one to a matrix in
place. The C code does both in one pass over memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradx.native import native

__all__ = ["outer", "outer_step", "scaled_step"]


def outer(column: Any, row: Any) -> Any:
    """The matrix of all products of two vectors.

    Args:
        column: (m,), a plain array or not.
        row: (n,).

    Returns:
        (m, n), a new array.
    """
    made = None if native is None else native.outer(column, row)
    return np.dot(column[:, None], row[None, :]) if made is None else made


def outer_step(x: Any, rate: float, column: Any, row: Any) -> Callable[[], Any] | None:
    """A call that does ``x -= rate * outer(column, row)`` in one pass, or None where C cannot.

    Args:
        x: (m, n), a plain array of the vectors' dtype.
        rate: a real number.
        column: (m,).
        row: (n,).
    """
    if native is None or not native.subtract_outer(x, None, column, row):
        return None
    return partial(native.subtract_outer, x, rate, column, row)


def scaled_step(x: Any, rate: float, g: Any) -> Callable[[], Any] | None:
    """A call that does ``x -= rate * g`` in one pass, or None where C cannot.

    Args:
        x: a plain array of any shape.
        rate: a real number.
        g: an array of the same shape and dtype, with memory of its own.
    """
    if native is None or not native.subtract_scaled(x, None, g):
        return None
    return partial(native.subtract_scaled, x, rate, g)
