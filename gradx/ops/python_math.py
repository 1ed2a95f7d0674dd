"""The functions of Python's math and cmath: their own forward functions, the rules of the ufuncs.

``math.sin(v)`` and ``np.sin(v)`` may differ in the last bit, and only the first gives a Python
number. What stands in no table of ufuncs has a rule here: the gamma function and its logarithm,
the error functions, functions of several numbers.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.asking import of_numbers
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import concrete
from gradx.ops import elementwise
from gradx.ops.scaling import by_size, scaled

__all__ = ["CMATH", "MATH", "UFUNC_OF", "lifted", "polygamma", "reading"]


# --- Of the ufuncs --------------------------------------------------------------------------------


def _as_ufunc(module: Any, name: str, base: Op) -> Op:
    return Op(
        f"{module.__name__}.{name}",
        getattr(module, name),
        *base.rules,
        broadcasts=base.broadcasts,
        structured=base.structured,
        properties=base.properties,
    )


_SAME_RULE = MappingProxyType(
    {
        "exp": elementwise.exp,
        "exp2": elementwise.exp2,
        "expm1": elementwise.expm1,
        "log": elementwise.log,
        "log2": elementwise.log2,
        "log10": elementwise.log10,
        "log1p": elementwise.log1p,
        "sqrt": elementwise.sqrt,
        "cbrt": elementwise.cbrt,
        "sin": elementwise.sin,
        "cos": elementwise.cos,
        "tan": elementwise.tan,
        "asin": elementwise.arcsin,
        "acos": elementwise.arccos,
        "atan": elementwise.arctan,
        "sinh": elementwise.sinh,
        "cosh": elementwise.cosh,
        "tanh": elementwise.tanh,
        "asinh": elementwise.arcsinh,
        "acosh": elementwise.arccosh,
        "atanh": elementwise.arctanh,
        "degrees": elementwise.degrees,
        "radians": elementwise.deg2rad,
        "fabs": elementwise.fabs,
        "pow": elementwise.power,
        "atan2": elementwise.arctan2,
        "copysign": elementwise.copysign,
        "fmod": elementwise.fmod,
        "ldexp": elementwise.ldexp,
        "nextafter": elementwise.nextafter,
    }
)
_COMPLEX: tuple[str, ...] = (
    "exp",
    "log",
    "log10",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
)
_COMPLEX += ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")

# --- Special functions ----------------------------------------------------------------------------

_TERMS = 12
_FAR = 18.0
"""From where the asymptotic series of the polygamma functions has all digits."""
_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510),
    *(43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730),
)
"""B_2, B_4 and so on."""


def _polygamma(x: Any, *, n: int) -> Any:
    """The derivative of order n + 1 of the logarithm of the gamma function, of real numbers.

    By recurrence up to where the asymptotic series holds, by reflection below 1/2.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.4.6, 6.4.7 and 6.4.11.
    """
    x = np.asarray(x, float)
    low = x < 0.5
    y = _polygamma_of_positive(np.where(low, 1 - x, x), n)
    if np.any(low):
        sign = -1.0 if n % 2 else 1.0
        y = np.where(low, sign * y - math.pi * _cotangent(np.where(low, x, 0.5), n), y)
    return y[()]


def _polygamma_of_positive(x: Any, n: int) -> Any:
    sign = -1.0 if n % 2 else 1.0  # of (-1)**n
    y: Any = np.zeros_like(x)
    far = _FAR + n
    while np.any(x < far):
        near = x < far
        y = y - np.where(near, sign * math.factorial(n) / x ** (n + 1), 0.0)
        x = np.where(near, x + 1, x)
    if n == 0:
        series = np.log(x) - 1 / (2 * x)
    else:
        series = -sign * (math.factorial(n - 1) / x**n + math.factorial(n) / (2 * x ** (n + 1)))
    for k, bernoulli in enumerate(_BERNOULLI, 1):
        factor = math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        series = series - sign * bernoulli * factor / x ** (2 * k + n)
    return y + series


def _cotangent(x: Any, n: int) -> Any:
    """The derivative of order n of cot(pi x): a polynomial in the cotangent, c' = -pi (1 + c c)."""
    c = 1 / np.tan(math.pi * x)
    polynomial = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([-math.pi, 0.0, -math.pi])
    return polynomial(c)


def _polygamma_slope(g: Any, x: Any, *, n: int) -> Any:
    return scaled(g, apply(polygamma, (x,), {"n": n + 1}))


polygamma = Op("math.polygamma", _polygamma, _polygamma_slope, properties=Property.ELEMENTWISE)
"""The polygamma function of order n; that of order 0 is the digamma function."""


def _gauss(x: Any) -> Any:
    """The derivative of the error function."""
    return 2 / math.sqrt(math.pi) * np.exp(-(x * x))


def _digamma(x: Any) -> Any:
    return apply(polygamma, (x,), {"n": 0})


def _function(name: str, *rules: Callable[..., Any], module: Any = math) -> Op:
    return Op(
        f"{module.__name__}.{name}",
        getattr(module, name),
        *rules,
        broadcasts=len(rules) > 1,
        properties=Property.ELEMENTWISE,
    )


_SPECIAL = MappingProxyType(
    {
        "erf": _function("erf", lambda g, x: scaled(g, _gauss(x))),
        "erfc": _function("erfc", lambda g, x: scaled(-g, _gauss(x))),
        "gamma": _function("gamma", lambda g, x, y: scaled(g, y * _digamma(x))),
        "lgamma": _function("lgamma", lambda g, x: scaled(g, _digamma(x))),
        "hypot": Op(
            "math.hypot",
            math.hypot,
            lambda g, xs, i, y: by_size(g, xs[i], y),
            variadic=True,
            structured=1,
        ),
        "fsum": Op(
            "math.fsum",
            lambda *xs: math.fsum(xs),
            lambda g: g,
            variadic=True,
            properties=Property.LINEAR,
        ),
        "modf": Op("math.modf", lambda x: math.modf(x)[0], lambda g: g),
        "remainder": _function(
            "remainder", lambda g: g, lambda g, a, b, y: scaled(-g, np.rint((a - y) / b))
        ),
    }
)

MATH = MappingProxyType(
    {name: _as_ufunc(math, name, base) for name, base in _SAME_RULE.items()} | _SPECIAL
)
"""The ops of functions of math, by name."""
CMATH = MappingProxyType(
    {name: _as_ufunc(cmath, name, _SAME_RULE[name]) for name in _COMPLEX}
    | {
        "rect": _function(
            "rect",
            lambda g, b: scaled(g, np.exp(1j * b)),
            lambda g, y: scaled(g, 1j * y),
            module=cmath,
        )
    }
)
"""The ops of functions of cmath, by name."""
UFUNC_OF = MappingProxyType(
    {MATH[name]: base for name, base in _SAME_RULE.items()}
    | {CMATH[name]: _SAME_RULE[name] for name in _COMPLEX}
)
"""From an op of a function of math or cmath to that of the ufunc, which takes arrays too."""


def lifted(plain: Callable[..., Any], op: Op) -> Callable[..., Any]:
    """A function of math or cmath, of numbers and variables."""

    @functools.wraps(plain)
    def function(*xs: Any) -> Any:
        for x in xs:
            if isinstance(x, Lifted):
                return apply(op, xs)
        return plain(*xs)

    return function


def reading(plain: Callable[..., Any]) -> Callable[..., Any]:
    """A function of math or cmath that looks at the value; its result has no derivative."""
    called = f"{plain.__module__}.{plain.__name__}(v)"

    @functools.wraps(plain)
    def function(*xs: Any, **options: Any) -> Any:
        return plain(*(concrete(x, called) for x in xs), **options)

    return of_numbers(function)


register_ops(MATH.values())
register_ops(CMATH.values())
register_ops((polygamma,))
