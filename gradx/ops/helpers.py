"""What rules share: values made for another value's dtype and device, and small algebra.

Constants in rules are Python scalars, since a ``np.float64`` would promote a float32.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradx.cotangent import unbroadcast

__all__ = ["conj", "is_complex", "nonzero_or_one", "sign_of", "summed_to", "zeros_for"]


def is_complex(x: Any) -> bool:
    """Whether a number or array, plain or lifted, is of a complex type."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return bool(dtype.kind == "c")
    return isinstance(getattr(x, "_value", x), complex)


def conj(x: Any) -> Any:
    """The complex conjugate; a real value itself, with no copy."""
    return np.conjugate(x) if is_complex(x) else x


def sign_of(x: Any) -> Any:
    """The sign of any number, 0 at 0; of a complex one, the number of modulus one."""
    if isinstance(x, (Fraction, Decimal)):
        return (x > 0) - (x < 0)
    return np.sign(x)


def nonzero_or_one(x: Any) -> Any:
    """The value with every 0 replaced by 1, to divide by."""
    return np.where(x == 0, 1.0, x)


def zeros_for(g: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, of the dtype and on the device of a plain or lifted cotangent."""
    g = getattr(g, "_value", g)
    while hasattr(g, "_value"):
        g = g._value
    return np.zeros_like(g, shape=shape)


def summed_to(g: Any, shape: tuple[int, ...]) -> Any:
    """A cotangent summed over the axes along which its value was repeated."""
    return g if g.shape == shape else unbroadcast(g, g.shape, shape)
