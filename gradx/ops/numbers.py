"""The arithmetic operators: Python's own forward functions with the rules of the ufuncs.

``v / w`` on Python numbers is Python's division, which raises at zero, and on ``Fraction`` and
``Decimal`` their own; ``np.divide(v, w)`` is NumPy's. Their derivatives are the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.op import POINTWISE, Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import primal
from gradx.ops import elementwise, products
from gradx.ops.scaling import scaled

__all__ = [
    "absolute",
    "add",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "conjugate",
    "decimal_methods",
    "divide",
    "floor_divide",
    "integer_power",
    "invert",
    "left_shift",
    "multiply",
    "negative",
    "positive",
    "power",
    "remainder",
    "right_shift",
    "subtract",
]

_EXACT = (Fraction, Decimal)


def _operator(base: Op, function: Callable[..., Any]) -> Op:
    name = f"operator.{function.__name__}"
    return Op(
        name,
        function,
        *base.rules,
        broadcasts=base.broadcasts,
        structured=base.structured,
        properties=base.properties,
    )


def _power_base(g: Any, a: Any, b: Any) -> Any:
    if type(primal(a)) in _EXACT and type(primal(b)) is type(primal(a)):
        return g * b * a ** (b - 1) if b != 0 else 0 * g
    return elementwise.power.rules[0].pull(g, a, b)


def _power_exponent(g: Any, a: Any, y: Any) -> Any:
    if isinstance(primal(a), Decimal):
        return g * y * a.ln() if a != 0 else 0 * g
    if isinstance(primal(a), Fraction):  # its logarithm is a float
        return g * y * np.log(a * 1.0) if a != 0 else 0 * g
    return elementwise.power.rules[1].pull(g, a, y)


add = _operator(elementwise.add, operator.add)
subtract = _operator(elementwise.subtract, operator.sub)
multiply = _operator(elementwise.multiply, operator.mul)
divide = _operator(elementwise.divide, operator.truediv)
remainder = Op(
    "operator.mod",
    operator.mod,
    lambda g: g,
    lambda g, a, b: scaled(-g, a // b),
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
floor_divide = _operator(elementwise.floor_divide, operator.floordiv)
power = Op(
    "operator.pow",
    operator.pow,
    _power_base,
    _power_exponent,
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
integer_power = elementwise.integer_power
negative = _operator(elementwise.negative, operator.neg)
positive = _operator(elementwise.positive, operator.pos)
absolute = _operator(elementwise.absolute, operator.abs)
conjugate = Op("complex.conjugate", lambda x: x.conjugate(), *elementwise.conjugate.rules)

of_python = Op("number", lambda x, *, kind: kind(x), lambda g: g, properties=Property.LINEAR)
"""A NumPy number as a Python one, of kind ``float`` or ``complex``."""

# --- Of whole numbers and conditions: the result is a plain value --------------------------------

bitwise_and = Op("operator.and_", operator.and_, None, None, properties=Property.ELEMENTWISE)
bitwise_or = Op("operator.or_", operator.or_, None, None, properties=Property.ELEMENTWISE)
bitwise_xor = Op("operator.xor", operator.xor, None, None, properties=Property.ELEMENTWISE)
invert = Op("operator.invert", operator.invert, None, properties=Property.ELEMENTWISE)
left_shift = Op("operator.lshift", operator.lshift, None, None, properties=Property.ELEMENTWISE)
right_shift = Op("operator.rshift", operator.rshift, None, None, properties=Property.ELEMENTWISE)

decimal_methods = MappingProxyType(
    {
        "exp": Op("Decimal.exp", lambda x: x.exp(), lambda g, y: g * y),
        "sqrt": Op("Decimal.sqrt", lambda x: x.sqrt(), lambda g, y: g / (2 * y)),
        "ln": Op("Decimal.ln", lambda x: x.ln(), lambda g, x: g / x),
        "log10": Op("Decimal.log10", lambda x: x.log10(), lambda g, x: g / (x * Decimal(10).ln())),
    }
)
"""Decimal's own functions, which are methods."""

POINTWISE.update(
    {
        operator.add: add,
        operator.sub: subtract,
        operator.mul: multiply,
        operator.truediv: divide,
        operator.pow: power,
        operator.matmul: products.matmul,
        operator.neg: negative,
        operator.pos: positive,
        operator.abs: absolute,
    }
)

register_ops(vars().values())
register_ops(decimal_methods.values())
