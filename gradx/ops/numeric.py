"""Numeric ops: arithmetic and elementary functions as values of type `gradx.Op`.

The names are NumPy's. An op runs on plain values without a tape, can be composed, and becomes a
function with `gradx.lift_op`. Arithmetic on ops is pointwise.

>>> multiply.run(3.0, 4.0)
(12.0, (4.0, 3.0))
>>> (multiply + subtract).run(3.0, 4.0)
(11.0, (5.0, 2.0))
>>> (negative >> exp).eval(0.0)
np.float64(1.0)
"""

from __future__ import annotations

from gradx.ops.elementwise import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    cos,
    cosh,
    exp,
    log,
    log_base,
    reciprocal,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from gradx.ops.numbers import absolute, add, divide, multiply, negative, power, subtract

__all__ = [
    "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "cos",
    "cosh",
    "divide",
    "exp",
    "log",
    "log_base",
    "multiply",
    "negative",
    "power",
    "reciprocal",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "subtract",
    "tan",
    "tanh",
]
