"""What rules share: values made for another value's dtype and device, and small algebra.

Constants in rules are Python scalars, since a ``np.float64`` would promote a float32.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradx.cotangent import held, shape_of, unbroadcast
from gradx.lifted import Lifted

__all__ = [
    "conj",
    "eye_for",
    "in_floats",
    "is_complex",
    "nonzero_or_one",
    "sign_of",
    "summed_to",
    "transposed",
    "zeros_for",
]


def is_complex(x: Any) -> bool:
    """Whether a number or array, plain or lifted, is of a complex type."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return bool(dtype.kind == "c")
    return isinstance(held(x), complex)


def in_floats(x: Any) -> Any:
    """An integer or boolean array as one of floats, whose products do not overflow."""
    kind = getattr(getattr(x, "dtype", None), "kind", "f")
    return x.astype(float) if kind in "biu" else x


def conj(x: Any) -> Any:
    """The complex conjugate; a real value itself, with no copy."""
    return np.conjugate(x) if is_complex(x) else x


def sign_of(x: Any) -> Any:
    """The sign of any number, 0 at 0; of a complex one, the number of modulus one."""
    if isinstance(held(x), (Fraction, Decimal)):
        return (x > 0) - (x < 0)
    return np.sign(x)


def nonzero_or_one(x: Any) -> Any:
    """The value with every 0 replaced by 1, to divide by; a Python number stays one."""
    return x + (x == 0)


def zeros_for(g: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, of the dtype and on the device of a plain or lifted cotangent."""
    while hasattr(g, "_value"):
        g = g._value
    if isinstance(g, Lifted):  # no value at all, only a dtype
        return np.zeros(shape, g.dtype)  # type: ignore[attr-defined]
    return np.zeros_like(g, shape=shape)


def eye_for(g: Any, n: int) -> Any:
    """The identity matrix, shape (n, n), of the dtype and on the device of ``g``."""
    flat = zeros_for(g, (n * n,))
    flat[:: n + 1] = 1
    return flat.reshape(n, n)


def transposed(x: Any) -> Any:
    """A matrix or a stack of them with the last two axes exchanged."""
    return x.T if len(x.shape) == 2 else np.swapaxes(x, -1, -2)


def summed_to(g: Any, shape: tuple[int, ...]) -> Any:
    """A cotangent summed over the axes along which its value was repeated."""
    own = shape_of(g)
    return g if own == shape else unbroadcast(g, own, shape)
