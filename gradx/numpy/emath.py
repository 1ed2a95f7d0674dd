"""`numpy.emath`, also `numpy.lib.scimath`: roots and logarithms, complex where they must be.

Whether the result is complex depends on the values, so they are read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import implements
from gradx.core.spec import Form, spec_of
from gradx.numpy.arguments import arrays, operand, operands
from gradx.numpy.shaping import reshape
from gradx.ops.helpers import is_complex

__all__ = ["arccos", "arcsin", "arctanh", "log", "log2", "log10", "logn", "power", "sqrt"]

_SINGLE = "fbhBH"
"""The dtypes whose numbers become single complex ones; all others, halves too, become double."""


def _complex(x: Any) -> Any:
    if not hasattr(x, "dtype"):
        return x + 0j
    return np.astype(x, np.complex64 if x.dtype.char in _SINGLE else np.complex128)


def _unless_positive(x: Any) -> Any:
    """A value as a complex one if a number in it is negative."""
    return _complex(x) if not is_complex(x) and bool(np.any(np.less(x, 0))) else x


def _unless_in_unit(x: Any) -> Any:
    """A value as a complex one if a number in it is beyond -1 or 1."""
    return _complex(x) if not is_complex(x) and bool(np.any(np.greater(np.abs(x), 1))) else x


def _as_array(x: Any) -> Any:
    """A value as an array, whose dtype counts where that of a Python number does not."""
    return x if spec_of(x).form is Form.ARRAY else reshape(x, ())


@implements(np.emath.sqrt)
def sqrt(x: Any) -> Any:
    """As `np.emath.sqrt`."""
    return np.sqrt(_unless_positive(operand(x)))


@implements(np.emath.log)
def log(x: Any) -> Any:
    """As `np.emath.log`."""
    return np.log(_unless_positive(operand(x)))


@implements(np.emath.log2)
def log2(x: Any) -> Any:
    """As `np.emath.log2`."""
    return np.log2(_unless_positive(operand(x)))


@implements(np.emath.log10)
def log10(x: Any) -> Any:
    """As `np.emath.log10`."""
    return np.log10(_unless_positive(operand(x)))


@implements(np.emath.logn)
def logn(n: Any, x: Any) -> Any:
    """As `np.emath.logn`: the logarithm of x to the base n."""
    n, x = operands(n, x)
    return log(x) / log(n)


@implements(np.emath.power)
def power(x: Any, p: Any) -> Any:
    """As `np.emath.power`."""
    x, p = (_as_array(each) for each in arrays(x, p))
    if np.dtype(spec_of(p).dtype).kind in "bi" and bool(np.any(np.less(p, 0))):
        p = p * 1.0
    return np.power(_unless_positive(x), p)


@implements(np.emath.arccos)
def arccos(x: Any) -> Any:
    """As `np.emath.arccos`."""
    return np.arccos(_unless_in_unit(operand(x)))


@implements(np.emath.arcsin)
def arcsin(x: Any) -> Any:
    """As `np.emath.arcsin`."""
    return np.arcsin(_unless_in_unit(operand(x)))


@implements(np.emath.arctanh)
def arctanh(x: Any) -> Any:
    """As `np.emath.arctanh`."""
    return np.arctanh(_unless_in_unit(operand(x)))
