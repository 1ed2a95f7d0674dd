"""What rules share: values made for another value's dtype and device, and small algebra.

Constants in rules are Python scalars, since a ``np.float64`` would promote a float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.cotangent import unbroadcast
from gradx.core.dispatch import Lifted
from gradx.core.spec import home, primal, shape_of, spec_of
from gradx.devices.kernel_table import dispatched, kernel
from gradx.devices.placement import PLACES, on_device_of

__all__ = [
    "array_for",
    "conj",
    "dropped",
    "eye_for",
    "first_device_array",
    "in_floats",
    "iota_for",
    "is_complex",
    "kept",
    "nonzero_or_infinity",
    "nonzero_or_one",
    "sign_of",
    "summed_to",
    "transposed",
    "widened",
    "zeros_for",
]


def is_complex(x: Any) -> bool:
    """Whether a number or array, plain or lifted, is of a complex type."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return bool(dtype.kind == "c")
    return (spec_of(x).dtype if isinstance(x, Lifted) else type(x)) is complex


def in_floats(x: Any) -> Any:
    """An integer or boolean array as one of floats, whose products do not overflow."""
    kind = getattr(getattr(x, "dtype", None), "kind", "f")
    return x.astype(float) if kind in "biu" else x


def widened(x: Any, y: Any) -> Any:
    """A float or complex array in the precision of another, if that is higher.

    An operand of half precision among doubles: the result is computed in double precision, and so
    is what a rule makes of the operand alone, such as its square or its logarithm.
    """
    own, wide = getattr(x, "dtype", None), getattr(y, "dtype", None)
    if own is None or wide is None or own == wide or own.kind not in "fc" or wide.kind not in "fc":
        return x
    dtype = np.result_type(own, np.finfo(wide).dtype)  # the real dtype of the precision
    return x if dtype == own else x.astype(dtype)


def conj(x: Any) -> Any:
    """The complex conjugate; a real value itself, with no copy."""
    return np.conjugate(x) if is_complex(x) else x


def sign_of(x: Any) -> Any:
    """The sign of any number, 0 at 0; of a complex one, the number of modulus one."""
    if isinstance(primal(x), (Fraction, Decimal)):
        return (x > 0) - (x < 0)
    return np.sign(x)


def nonzero_or_one(x: Any) -> Any:
    """The value with every 0 replaced by 1, to divide by; a Python number stays one."""
    return x + (x == 0)


def nonzero_or_infinity(x: Any) -> Any:
    """An array with every 0 replaced by infinity, so that what is divided by it is constant."""
    return kernel(np.where, x)(x == 0, math.inf, x)


_BITS = MappingProxyType({np.dtype("f4"): np.dtype("i4"), np.dtype("f8"): np.dtype("i8")})
_where = dispatched(np.where)


def kept(chosen: Any, g: Any) -> Any:
    """A cotangent where a condition holds, and exactly 0 elsewhere, were it infinite or NaN there.

    That is ``np.where(chosen, g, 0.0)``, which asks item by item. Of plain floats the bits are
    multiplied by 0 or 1 instead: nothing is guessed, so that a condition without a pattern, such
    as that of ``np.maximum(x, 0)``, costs a tenth of it. Benchmark row "convolution".
    """
    bits = _BITS.get(g.dtype) if _is_mask(chosen) and type(g) is np.ndarray else None
    if bits is None:
        return _where(chosen, g, 0.0)
    return np.multiply(chosen, g.view(bits)).view(g.dtype)


def dropped(chosen: Any, g: Any) -> Any:
    """Exactly 0 where a condition holds, and the cotangent elsewhere: see `kept`."""
    return kept(~chosen, g) if _is_mask(chosen) else _where(chosen, 0.0, g)


def _is_mask(x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype == bool


def zeros_for(g: Any, shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Zeros of a shape, of the dtype and on the device of a plain or lifted cotangent."""
    like = home(g)
    if dtype is None and like is not g:
        dtype = spec_of(g).dtype
    if isinstance(like, Lifted):  # no value at all, only a dtype
        return np.zeros(shape, dtype)
    # CuPy takes an empty shape for none.
    zeros = np.zeros_like(like, dtype, shape=shape or 1)
    return zeros if shape else np.reshape(zeros, ())


def array_for(x: Any, like: Any) -> Any:
    """A number, a list or an array as an array on the device of ``like``, plain or lifted.

    What is lifted stays as it is.
    """
    if isinstance(x, Lifted):
        return x
    like = home(like)
    with on_device_of(like):
        return kernel(np.asarray, like)(x)


def iota_for(like: Any, n: int) -> Any:
    """The integers 0, 1, …, n - 1, on the device of ``like``, plain or lifted."""
    like = home(like)
    with on_device_of(like):
        return kernel(np.arange, like)(n)


def first_device_array(xs: Iterable[Any]) -> Any:
    """The first array on a device among values, plain or lifted; None if there is none."""
    if PLACES:
        for x in xs:
            x = home(x)
            if type(x) in PLACES:
                return x
    return None


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
