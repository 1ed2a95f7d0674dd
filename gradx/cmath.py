"""Python's cmath, lifted: each function works on plain numbers and on variables alike.

The value is that of Python's own function, to the bit, and the derivative that of the ufunc.
"""

from __future__ import annotations

import cmath
from cmath import e, inf, infj, nan, nanj, pi, tau
from typing import Any

from gradx import math
from gradx.core.dispatch import Lifted, apply
from gradx.core.objects import is_lifted
from gradx.ops.python_math import CMATH, lifted, reading

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "e",
    "exp",
    "inf",
    "infj",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "nan",
    "nanj",
    "phase",
    "pi",
    "polar",
    "rect",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "tau",
]


acos = lifted(cmath.acos, CMATH["acos"])
acosh = lifted(cmath.acosh, CMATH["acosh"])
asin = lifted(cmath.asin, CMATH["asin"])
asinh = lifted(cmath.asinh, CMATH["asinh"])
atan = lifted(cmath.atan, CMATH["atan"])
atanh = lifted(cmath.atanh, CMATH["atanh"])
cos = lifted(cmath.cos, CMATH["cos"])
cosh = lifted(cmath.cosh, CMATH["cosh"])
exp = lifted(cmath.exp, CMATH["exp"])
log10 = lifted(cmath.log10, CMATH["log10"])
rect = lifted(cmath.rect, CMATH["rect"])
sin = lifted(cmath.sin, CMATH["sin"])
sinh = lifted(cmath.sinh, CMATH["sinh"])
sqrt = lifted(cmath.sqrt, CMATH["sqrt"])
tan = lifted(cmath.tan, CMATH["tan"])
tanh = lifted(cmath.tanh, CMATH["tanh"])

isfinite = reading(cmath.isfinite)
isinf = reading(cmath.isinf)
isnan = reading(cmath.isnan)
isclose = reading(cmath.isclose)


def log(x: Any, base: Any = None) -> Any:
    """As `cmath.log`."""
    if not isinstance(x, Lifted) and not isinstance(base, Lifted):
        return cmath.log(x) if base is None else cmath.log(x, base)
    y = apply(CMATH["log"], (x,))
    return y if base is None else y / apply(CMATH["log"], (base,))


def phase(z: Any) -> Any:
    """As `cmath.phase`; the phase of 0 has derivative 0."""
    return math.atan2(z.imag, z.real) if is_lifted(z) else cmath.phase(z)


def polar(z: Any) -> tuple[Any, Any]:
    """As `cmath.polar`: the modulus and the phase."""
    return (abs(z), phase(z)) if is_lifted(z) else cmath.polar(z)


def __getattr__(name: str) -> Any:
    return getattr(cmath, name)
