"""Python's math, lifted: each function works on plain numbers and on variables alike.

``math.sin(v)`` asks its argument for a float, which a variable does not give away. Here the value
is that of Python's own function, to the bit, and the derivative that of the ufunc. What has no
derivative reads the value (`floor`, `isnan`), and all other names are those of Python's math.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable
from math import ceil, e, floor, inf, nan, pi, tau, trunc
from typing import Any

from gradx.core.asking import of_numbers
from gradx.core.dispatch import Lifted, apply
from gradx.core.spec import concrete
from gradx.ops.python_math import MATH, lifted, reading

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "degrees",
    "dist",
    "e",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "fmod",
    "frexp",
    "fsum",
    "gamma",
    "hypot",
    "inf",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "ldexp",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "modf",
    "nan",
    "nextafter",
    "pi",
    "pow",
    "prod",
    "radians",
    "remainder",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "tau",
    "trunc",
    "ulp",
]


acos = lifted(math.acos, MATH["acos"])
acosh = lifted(math.acosh, MATH["acosh"])
asin = lifted(math.asin, MATH["asin"])
asinh = lifted(math.asinh, MATH["asinh"])
atan = lifted(math.atan, MATH["atan"])
atan2 = lifted(math.atan2, MATH["atan2"])
atanh = lifted(math.atanh, MATH["atanh"])
cbrt = lifted(math.cbrt, MATH["cbrt"])
copysign = lifted(math.copysign, MATH["copysign"])
cos = lifted(math.cos, MATH["cos"])
cosh = lifted(math.cosh, MATH["cosh"])
degrees = lifted(math.degrees, MATH["degrees"])
erf = lifted(math.erf, MATH["erf"])
erfc = lifted(math.erfc, MATH["erfc"])
exp = lifted(math.exp, MATH["exp"])
exp2 = lifted(math.exp2, MATH["exp2"])
expm1 = lifted(math.expm1, MATH["expm1"])
fabs = lifted(math.fabs, MATH["fabs"])
fmod = lifted(math.fmod, MATH["fmod"])
gamma = lifted(math.gamma, MATH["gamma"])
ldexp = lifted(math.ldexp, MATH["ldexp"])
lgamma = lifted(math.lgamma, MATH["lgamma"])
log10 = lifted(math.log10, MATH["log10"])
log1p = lifted(math.log1p, MATH["log1p"])
log2 = lifted(math.log2, MATH["log2"])
nextafter = lifted(math.nextafter, MATH["nextafter"])
pow = lifted(math.pow, MATH["pow"])
radians = lifted(math.radians, MATH["radians"])
remainder = lifted(math.remainder, MATH["remainder"])
sin = lifted(math.sin, MATH["sin"])
sinh = lifted(math.sinh, MATH["sinh"])
sqrt = lifted(math.sqrt, MATH["sqrt"])
tan = lifted(math.tan, MATH["tan"])
tanh = lifted(math.tanh, MATH["tanh"])

isfinite = reading(math.isfinite)
isinf = reading(math.isinf)
isnan = reading(math.isnan)
isclose = reading(math.isclose)
ulp = reading(math.ulp)


def log(x: Any, base: Any = None) -> Any:
    """As `math.log`."""
    if not isinstance(x, Lifted) and not isinstance(base, Lifted):
        return math.log(x) if base is None else math.log(x, base)
    y = apply(MATH["log"], (x,))
    return y if base is None else y / apply(MATH["log"], (base,))


def hypot(*coordinates: Any) -> Any:
    """As `math.hypot`; the derivative at the origin is 0."""
    if any(isinstance(x, Lifted) for x in coordinates):
        return apply(MATH["hypot"], coordinates)
    return math.hypot(*coordinates)


def dist(p: Any, q: Any) -> Any:
    """As `math.dist`.

    Raises:
        ValueError: the points have different numbers of coordinates.
    """
    p, q = tuple(p), tuple(q)
    if len(p) != len(q) or not any(isinstance(x, Lifted) for x in p + q):
        return math.dist(p, q)
    return hypot(*map(operator.sub, p, q))


def fsum(seq: Iterable[Any]) -> Any:
    """As `math.fsum`: the sum with no rounding but the last."""
    items = list(seq)
    if any(isinstance(x, Lifted) for x in items):
        return apply(MATH["fsum"], items)
    return math.fsum(items)


def prod(iterable: Iterable[Any], *, start: Any = 1) -> Any:
    """As `math.prod`."""
    items = list(iterable)
    if any(isinstance(x, Lifted) for x in (start, *items)):
        return functools.reduce(operator.mul, items, start)
    return math.prod(items, start=start)


@of_numbers
def frexp(x: Any) -> tuple[Any, int]:
    """As `math.frexp`: the mantissa, of a variable a variable, and the exponent."""
    mantissa, exponent = math.frexp(concrete(x, "math.frexp(v)"))
    return (ldexp(x, -exponent) if isinstance(x, Lifted) else mantissa), exponent


@of_numbers
def modf(x: Any) -> tuple[Any, float]:
    """As `math.modf`: the fraction, of a variable a variable, and the whole part."""
    fraction, whole = math.modf(concrete(x, "math.modf(v)"))
    return (apply(MATH["modf"], (x,)) if isinstance(x, Lifted) else fraction), whole


def __getattr__(name: str) -> Any:
    return getattr(math, name)
