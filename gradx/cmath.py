"""Python's cmath, lifted: each function works on plain numbers and on variables alike.

The value is that of Python's own function, to the bit, and the derivative that of the ufunc.
"""

from __future__ import annotations

import cmath
import functools
from cmath import e, inf, infj, nan, nanj, pi, tau
from collections.abc import Callable
from typing import Any

from gradx import math
from gradx.core.dispatch import Lifted, apply
from gradx.core.objects import is_lifted
from gradx.core.spec import concrete
from gradx.ops.python_math import CMATH

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


def _lifted(name: str) -> Callable[..., Any]:
    """A function of cmath, of numbers and variables."""
    plain, op = getattr(cmath, name), CMATH[name]

    @functools.wraps(plain)
    def function(*xs: Any) -> Any:
        for x in xs:
            if isinstance(x, Lifted):
                return apply(op, xs)
        return plain(*xs)

    return function


def _reading(name: str) -> Callable[..., Any]:
    """A function of cmath that looks at the value; its result has no derivative."""
    plain = getattr(cmath, name)

    @functools.wraps(plain)
    def function(*xs: Any, **options: Any) -> Any:
        return plain(*(concrete(x, f"cmath.{name}(v)") for x in xs), **options)

    return function


acos = _lifted("acos")
acosh = _lifted("acosh")
asin = _lifted("asin")
asinh = _lifted("asinh")
atan = _lifted("atan")
atanh = _lifted("atanh")
cos = _lifted("cos")
cosh = _lifted("cosh")
exp = _lifted("exp")
log10 = _lifted("log10")
rect = _lifted("rect")
sin = _lifted("sin")
sinh = _lifted("sinh")
sqrt = _lifted("sqrt")
tan = _lifted("tan")
tanh = _lifted("tanh")

isfinite = _reading("isfinite")
isinf = _reading("isinf")
isnan = _reading("isnan")
isclose = _reading("isclose")


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
