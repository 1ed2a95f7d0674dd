"""Conversions between number types, with the gradient converted back."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.errors import StructureError
from gradx.ops.helpers import is_complex
from gradx.reverse.results import value

__all__ = ["from_integral", "real_to_frac", "round"]


def round(x: Any) -> Any:
    """The nearest whole number, with the gradient of the identity ("straight through").

    The true derivative, that of ``np.round``, is zero wherever it exists.

    Args:
        x: a number or an array.

    >>> import gradx as gx
    >>> gx.backprop(lambda x: round(x) ** 2, 2.7)
    (9.0, 6.0)
    """
    return apply(_round, (x,))


def _rounded(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    x = value(x)
    if isinstance(x, Decimal):
        return x.to_integral_value(), lambda g: g
    if isinstance(x, Fraction) or (isinstance(x, float) and math.isfinite(x)):
        return type(x)(builtins.round(x)), lambda g: g
    if isinstance(x, float):  # infinity or NaN, on which Python's round raises
        return x, lambda g: g
    return (float(x) if isinstance(x, int) else np.round(x)), lambda g: g


_round = Op("round straight through", _rounded, pullback_form=True, arity=1)


def from_integral(x: Any, to: Any = float) -> Any:
    """A whole number, or an array of them, as a number with a derivative.

    Args:
        x: an integer, or a number or array as for `real_to_frac`.
        to: the type or dtype of the result.

    >>> from_integral(3), from_integral(np.array([1, 2]))
    (3.0, array([1., 2.]))
    """
    return real_to_frac(x, to)


def real_to_frac(x: Any, to: Any) -> Any:
    """Convert a number to another type; its gradient is converted back.

    Args:
        x: a real number or an array.
        to: ``float``, ``Fraction``, ``Decimal``, or a floating dtype of NumPy; for an array only
            a dtype.

    Raises:
        StructureError: the value is complex, or the other type has no derivative.

    >>> import gradx as gx
    >>> gx.backprop(lambda x: real_to_frac(x, Fraction) / 3, 0.5)
    (Fraction(1, 6), 0.3333333333333333)
    """
    if is_complex(x):
        raise StructureError(
            f"the complex value {value(x)!r} cannot be converted to a real type; take np.real(x) "
            "or np.absolute(x) first"
        )

    if to not in (float, Fraction, Decimal) and np.dtype(to).kind != "f":
        raise StructureError(
            f"{getattr(to, '__name__', to)} is not a type of numbers with a derivative; give "
            "float, Fraction, Decimal or a floating dtype, or round with gx.prelude.round(x)"
        )

    def function(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        plain = value(x)
        own = getattr(plain, "dtype", None) or type(plain)
        own = own if own in (Fraction, Decimal) or np.dtype(own).kind == "f" else float
        return _converted(plain, to), lambda g: real_to_frac(g, own)

    return apply(Op("convert", function, pullback_form=True, arity=1), (x,))


def _converted(x: Any, to: Any) -> Any:
    if hasattr(x, "dtype") and not isinstance(x, np.generic):
        return x.astype(to)
    number: Any = x.item() if isinstance(x, np.generic) else x
    if to is Decimal and isinstance(number, Fraction):
        return Decimal(number.numerator) / Decimal(number.denominator)
    return to(number) if to in (float, Fraction, Decimal) else np.dtype(to).type(number)


register_ops((_round,))
