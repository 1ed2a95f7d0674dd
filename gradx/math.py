"""Python's math, lifted: each function works on plain numbers and on variables alike.

``math.sin(v)`` asks its argument for a float, which a variable does not give away. Here the value
is that of Python's own function, to the bit, and the derivative that of the ufunc. What has no
derivative reads the value (`floor`, `isnan`), and all other names are those of Python's math.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable
from math import ceil, e, floor, inf, nan, pi, tau, trunc
from typing import Any

from gradx.core.dispatch import Lifted, apply
from gradx.core.spec import concrete
from gradx.ops.python_math import MATH

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


def _lifted(name: str) -> Callable[..., Any]:
    """A function of math, of numbers and variables."""
    plain, op = getattr(math, name), MATH[name]

    @functools.wraps(plain)
    def function(*xs: Any) -> Any:
        for x in xs:
            if isinstance(x, Lifted):
                return apply(op, xs)
        return plain(*xs)

    return function


def _reading(name: str) -> Callable[..., Any]:
    """A function of math that looks at the value; its result has no derivative."""
    plain = getattr(math, name)

    @functools.wraps(plain)
    def function(*xs: Any, **options: Any) -> Any:
        return plain(*(concrete(x, f"math.{name}(v)") for x in xs), **options)

    return function


acos = _lifted("acos")
acosh = _lifted("acosh")
asin = _lifted("asin")
asinh = _lifted("asinh")
atan = _lifted("atan")
atan2 = _lifted("atan2")
atanh = _lifted("atanh")
cbrt = _lifted("cbrt")
copysign = _lifted("copysign")
cos = _lifted("cos")
cosh = _lifted("cosh")
degrees = _lifted("degrees")
erf = _lifted("erf")
erfc = _lifted("erfc")
exp = _lifted("exp")
exp2 = _lifted("exp2")
expm1 = _lifted("expm1")
fabs = _lifted("fabs")
fmod = _lifted("fmod")
gamma = _lifted("gamma")
ldexp = _lifted("ldexp")
lgamma = _lifted("lgamma")
log10 = _lifted("log10")
log1p = _lifted("log1p")
log2 = _lifted("log2")
nextafter = _lifted("nextafter")
pow = _lifted("pow")
radians = _lifted("radians")
remainder = _lifted("remainder")
sin = _lifted("sin")
sinh = _lifted("sinh")
sqrt = _lifted("sqrt")
tan = _lifted("tan")
tanh = _lifted("tanh")

isfinite = _reading("isfinite")
isinf = _reading("isinf")
isnan = _reading("isnan")
isclose = _reading("isclose")
ulp = _reading("ulp")


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


def frexp(x: Any) -> tuple[Any, int]:
    """As `math.frexp`: the mantissa, of a variable a variable, and the exponent."""
    mantissa, exponent = math.frexp(concrete(x, "math.frexp(v)"))
    return (ldexp(x, -exponent) if isinstance(x, Lifted) else mantissa), exponent


def modf(x: Any) -> tuple[Any, float]:
    """As `math.modf`: the fraction, of a variable a variable, and the whole part."""
    fraction, whole = math.modf(concrete(x, "math.modf(v)"))
    return (apply(MATH["modf"], (x,)) if isinstance(x, Lifted) else fraction), whole


def __getattr__(name: str) -> Any:
    return getattr(math, name)
