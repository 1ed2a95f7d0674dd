"""Elementwise ops: NumPy's ufuncs.

Grouped by property. For complex arguments the rules are those of the real ones, since a plain
transpose of a holomorphic function has no conjugate; the few that are not holomorphic (modulus,
conjugate, sign) are named functions.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.core.cotangent import dense, unbroadcast_and_cast
from gradx.core.dispatch import UFUNCS, Lifted, apply
from gradx.core.linear import Kernel, negated, passed
from gradx.core.objects import is_lifted
from gradx.core.op import POINTWISE, Op, cotangent_spec, register_ops
from gradx.core.properties import Property
from gradx.core.spec import spec_of
from gradx.devices.kernel_table import dispatched
from gradx.ops.fused import logistic
from gradx.ops.helpers import (
    conj,
    in_floats,
    is_complex,
    kept,
    nonzero_or_infinity,
    nonzero_or_one,
    sign_of,
    summed_to,
    widened,
)
from gradx.ops.scaling import (
    Multiple,
    by_divisor,
    by_size,
    divided,
    multiple,
    over,
    over_value,
    scaled,
    times,
)

_LN2 = 0.6931471805599453
_LN10 = 2.302585092994046
_DEGREE = 0.017453292519943295


def _elementwise(
    name: str,
    forward: Callable[..., Any],
    *rules: Callable[..., Any] | Kernel | None,
    properties: Property = Property.NONE,
    **known: Any,
) -> Op:
    known |= {"broadcasts": len(rules) > 1, "properties": properties | Property.ELEMENTWISE}
    return Op(name, forward, *rules, **known)


def _ufunc(ufunc: Any, *rules: Callable[..., Any] | Kernel | None, **known: Any) -> Op:
    forward = dispatched(ufunc) if ufunc is np.spacing else ufunc
    op = _elementwise(ufunc.__name__, forward, *rules, **known)
    UFUNCS[ufunc] = POINTWISE[ufunc] = op
    return op


_linear = functools.partial(_ufunc, properties=Property.LINEAR)


# --- Rules too long for a line ------------------------------------------------------------------


_where = dispatched(np.where)


def _absolute(g: Any, x: Any, y: Any) -> Any:
    """``|x|``, 0 at 0. With z = x + iy: d|z| = Re(conj(z) dz) / |z|."""
    if type(g) is Multiple:
        return scaled(over_value(g, y), conj(x))
    return scaled(dense(g), conj(sign_of(x)))


def _sign(g: Any, x: Any) -> Any:
    """``u = z / |z|``: zero for real numbers; du = (dz - u Re(conj(u) dz)) / |z|.

    As ``conj(u) u`` is 1, that is (dz - u u conj(dz)) / (2 |z|).
    """
    if not is_complex(x):
        return None
    r = nonzero_or_one(np.absolute(x))
    u = x / r
    other = scaled(np.conjugate(g), divided(np.conjugate(u * u), 2 * r))
    return np.where(x == 0, 0.0, divided(g, 2 * r) - other)


def _sign_along(ts: Any, xs: Any, y: Any) -> Any:
    """``(dz - u u conj(dz)) / (2 |z|)``, the transpose of `_sign`; zero for real numbers."""
    (t,), (x,) = ts, xs
    if not is_complex(x):
        return None
    r = nonzero_or_one(np.absolute(x))
    u = x / r
    return np.where(x == 0, 0.0, divided(t, 2 * r) - scaled(np.conjugate(t), divided(u * u, 2 * r)))


def _reciprocal(g: Any, y: Any) -> Any:
    """``-y y``, in the order that `by_divisor` explains."""
    if type(y) is not np.ndarray and is_lifted(y):
        return -scaled(g, y * y)
    return -scaled(scaled(g, y), y)


def _power_base(g: Any, a: Any, b: Any) -> Any:
    """``b * a**(b - 1)``, and 0 where b is 0, even at a = 0.

    The exponent is written b - (b != 0), which keeps its dtype and is 0 where b is 0.
    """
    if getattr(getattr(b, "dtype", None), "kind", "") == "b":
        b = b.astype(np.int8)  # a difference of booleans is not defined
    if is_complex(g) and not is_complex(a):
        a = a + 0j  # a power of a negative number may be complex
    if spec_of(a).dtype is int:
        a = a * 1.0  # NumPy has no negative powers of whole numbers
    b = widened(b, g)
    if is_lifted(a) and type(b) in (int, float) and b >= 2:
        return multiple(a, g, b * np.power(a, b - 2), own=True)
    return scaled(g, b * np.power(a, b - (b != 0)))


def _power_exponent(g: Any, a: Any, y: Any) -> Any:
    """``a**b * log(a)``, and 0 where a is 0."""
    if is_complex(y) and not is_complex(a):
        a = a + 0j
    if type(a) in (int, float, complex):
        return scaled(g, y * _log_of_number(a))
    if getattr(getattr(a, "dtype", None), "kind", "f") in "biu":
        a = a.astype(y.dtype)  # NumPy's logarithm of a short integer is a short float
    return scaled(g, np.where(a == 0, 0.0, y * np.log(nonzero_or_one(widened(a, y)))))


def _log_of_number(a: complex) -> complex:
    """The logarithm of a Python number as one, so that it promotes no float32; 0 at 0."""
    log: complex = np.log(a or 1).item()
    return log


def _power_integer(g: Any, x: Any, *, n: int) -> Any:
    if n == 0:
        return 0 * g
    if n == 1:
        return g
    if n == 2:
        return multiple(x, 2 * g, own=True)
    if n > 2 and hasattr(x, "_run"):
        return multiple(x, g, n * x ** (n - 2), own=True)
    return scaled(g, n * x ** (n - 1))


def _sqrt(g: Any, y: Any) -> Any:
    """``1 / (2 y)``."""
    return over_value(g, y) / 2 if type(g) is Multiple else divided(dense(g), 2 * y)


def _larger(g: Any, a: Any, b: Any) -> Any:
    """The share of ``a`` in max(a, b): the whole, nothing, or half at a tie.

    NumPy orders complex numbers, Python does not.
    """
    return np.where(a == b, 0.5 * g, kept(np.greater(a, b), g))


def _larger_or_number(g: Any, a: Any, b: Any) -> Any:
    """As `_larger`, where a NaN loses against any number."""
    return np.where(a == b, 0.5 * g, kept(np.greater(a, b) | (b != b), g))


def _smaller_or_number(g: Any, a: Any, b: Any) -> Any:
    return np.where(a == b, 0.5 * g, kept(np.less(a, b) | (b != b), g))


def _share_of_sum(a: Any, b: Any, unit: float) -> Any:
    """``1 / (1 + exp(unit * (b - a)))``: half at equal infinities, but 0 at two negative ones."""
    tie = (a == b) & (np.absolute(a) == math.inf)
    if hasattr(a, "dtype"):  # of a Python number np.where would make a double
        gap = _where(tie, 0.0, a) - b
    else:
        gap = a - (_where(tie, 0.0, b) if hasattr(b, "dtype") else b)
    share = _where(tie, 0.5, apply(logistic, (unit * gap,)))
    return _where(a == -math.inf, 0.0, share)


def _logaddexp(g: Any, a: Any, b: Any) -> Any:
    return scaled(g, _share_of_sum(a, b, 1))


def _logaddexp2(g: Any, a: Any, b: Any) -> Any:
    return scaled(g, _share_of_sum(a, b, _LN2))


def _clipped(g: Any, a: Any, b: Any, c: Any) -> Any:
    """``a`` in min(max(a, b), c): nothing where the interval from b to c has no width."""
    inside = _where((a > b) & (a < c), g, _where((a == b) | (a == c), 0.5 * g, 0.0))
    return _where(b < c, inside, 0.0)


def _lower_bound(g: Any, a: Any, b: Any, c: Any) -> Any:
    below = _where(a < b, g, _where(a == b, 0.5 * g, 0.0))
    return _where(b < c, below, _where((b == c) & (a <= b), 0.5 * g, 0.0))


def _upper_bound(g: Any, a: Any, b: Any, c: Any) -> Any:
    above = _where(a > c, g, _where(a == c, 0.5 * g, 0.0))
    no_width = _where((b == c) & (a <= b), 0.5 * g, _where(b >= c, g, 0.0))
    return _where(b < c, above, no_width)


def _copysign(g: Any, a: Any, y: Any) -> Any:
    """The sign that ``a`` got: 1 where it kept its own, -1 where it changed, 0 at 0."""
    return _where(a == 0, 0.0, _where((a < 0) == (y < 0), g, -g))


def _larger_modulus(a: Any, b: Any) -> Any:
    """The larger of two moduli to divide by, so 1 for 0."""
    return nonzero_or_one(np.maximum(abs(a), abs(b)))  # of a Python number, one


larger_modulus = Op("larger_modulus", _larger_modulus, None, None, broadcasts=True)
"""What two numbers are divided by before they are squared; a constant, since it cancels."""


def _angle_slope(a: Any, b: Any, g: Any) -> Any:
    """``a / (a**2 + b**2)``, with no over- or underflow; 0 at the origin and at infinity."""
    a, b = widened(in_floats(a), g), widened(in_floats(b), g)
    size = apply(larger_modulus, (a, b))
    u, v = a / size, b / size
    slope = u / nonzero_or_one(u * u + v * v) / size
    return _where(size == math.inf, 0.0, slope)


def _hypot(g: Any, a: Any, y: Any) -> Any:
    """``a / y``, 0 at the origin."""
    h = by_size(g, a, y)
    spec = cotangent_spec(a, y, True) if isinstance(y, Lifted) else None
    return h if spec is None else unbroadcast_and_cast(h, spec)


def _hypot_along(ts: Any, xs: Any, y: Any) -> Any:
    """``(a da + b db) / y``, 0 at the origin."""
    size = nonzero_or_infinity(y)
    terms = [scaled(t, x / size) for t, x in zip(ts, xs, strict=True) if t is not None]
    return functools.reduce(operator.add, terms)


def _cosine_of_arcsine(x: Any) -> Any:
    """``sqrt(1 - x * x)``; for complex numbers on the side of the branch cut that NumPy is on."""
    return np.sqrt(-(x - 1)) * np.sqrt(x + 1) if is_complex(x) else np.sqrt(1 - x * x)


def _distance_from_one(x: Any) -> Any:
    """``sqrt(1 + x**2)``; of real numbers with no overflow of the square."""
    return np.sqrt(x * x + 1) if is_complex(x) else np.hypot(x, 1)


# --- Linear -------------------------------------------------------------------------------------

add = _linear(np.add, passed, passed)
subtract = _linear(np.subtract, passed, negated)
negative = _linear(np.negative, negated)
positive = _linear(np.positive, lambda g: g)
conjugate = _linear(np.conjugate, lambda g: conj(g))
deg2rad = _linear(np.deg2rad, lambda g: g * _DEGREE)
radians = _linear(np.radians, lambda g: g * _DEGREE)
rad2deg = _linear(np.rad2deg, lambda g: g / _DEGREE)
degrees = _linear(np.degrees, lambda g: g / _DEGREE)
ldexp = _linear(np.ldexp, lambda g, b: np.ldexp(g, b), None)
nextafter = _ufunc(np.nextafter, lambda g: g, None)

# --- Bilinear and quotients ---------------------------------------------------------------------

multiply = _ufunc(np.multiply, times("b"), times("a"), properties=Property.BILINEAR)
divide = _ufunc(np.divide, over("b"), by_divisor)
remainder = _ufunc(np.remainder, lambda g: g, lambda g, a, b: scaled(-g, np.floor_divide(a, b)))
fmod = _ufunc(np.fmod, lambda g: g, lambda g, a, b, y: scaled(-g, np.rint((a - y) / b)))
reciprocal = _ufunc(np.reciprocal, _reciprocal)
one_over = _elementwise("one_over", lambda x: 1 / x, reciprocal.rules[0].pull)
"""``1 / x``, which of whole numbers is not their reciprocal to NumPy; it keeps no ``x``."""

# --- Powers, exponentials, logarithms -----------------------------------------------------------

square = _ufunc(np.square, lambda g, x: multiple(x, 2 * g, own=True))
squared = _elementwise("squared", lambda x: x**2, square.rules[0].pull)
sqrt = _ufunc(np.sqrt, _sqrt, structured=1)
cbrt = _ufunc(np.cbrt, lambda g, y: divided(g, 3 * (y * y)))
power = _ufunc(np.power, _power_base, _power_exponent)
float_power = _ufunc(np.float_power, _power_base, _power_exponent)
integer_power = _elementwise("integer_power", lambda x, n: x**n, _power_integer)
exp = _ufunc(np.exp, times("y"))
exp2 = _ufunc(np.exp2, lambda g, y: scaled(g, _LN2 * y))
expm1 = _ufunc(np.expm1, lambda g, y: scaled(g, y + 1))
log = _ufunc(np.log, over("x"))
log2 = _ufunc(np.log2, lambda g, x: divided(g, _LN2 * x))
log10 = _ufunc(np.log10, lambda g, x: divided(g, _LN10 * x))
log_base = _elementwise(
    "log_base",
    lambda a, b: np.log(b) / np.log(a),
    lambda g, a, y: -scaled(g, divided(y, np.log(widened(a, y)) * a)),
    lambda g, a, b: divided(g, b * np.log(widened(a, g))),
)
log1p = _ufunc(np.log1p, lambda g, x: divided(g, x + 1))
logaddexp = _ufunc(np.logaddexp, _logaddexp, lambda g, a, b: _logaddexp(g, b, a))
logaddexp2 = _ufunc(np.logaddexp2, _logaddexp2, lambda g, a, b: _logaddexp2(g, b, a))

# --- Trigonometric and hyperbolic ---------------------------------------------------------------

sin = _ufunc(np.sin, lambda g, x: scaled(g, np.cos(x)))
cos = _ufunc(np.cos, lambda g, x: scaled(-g, np.sin(x)))
tan = _ufunc(np.tan, lambda g, y: scaled(g, 1 + y * y))
arcsin = _ufunc(np.arcsin, lambda g, x: divided(g, _cosine_of_arcsine(x)))
arccos = _ufunc(np.arccos, lambda g, x: divided(-g, _cosine_of_arcsine(x)))
arctan = _ufunc(np.arctan, lambda g, x: divided(g, 1 + x * x))
sinh = _ufunc(np.sinh, lambda g, x: scaled(g, np.cosh(x)))
cosh = _ufunc(np.cosh, lambda g, x: scaled(g, np.sinh(x)))
tanh = _ufunc(np.tanh, lambda g, y: scaled(g, 1 - y * y))
arcsinh = _ufunc(np.arcsinh, lambda g, x: divided(g, _distance_from_one(x)))
arccosh = _ufunc(np.arccosh, lambda g, x: divided(g, np.sqrt(x - 1) * np.sqrt(x + 1)))
arctanh = _ufunc(np.arctanh, lambda g, x: divided(g, 1 - x * x))
arctan2 = _ufunc(
    np.arctan2,
    lambda g, a, b: scaled(g, _angle_slope(b, a, g)),
    lambda g, a, b: scaled(-g, _angle_slope(a, b, g)),
)
hypot = _ufunc(np.hypot, _hypot, lambda g, b, y: _hypot(g, b, y), structured=1, jvp=_hypot_along)

# --- Kinks: at a kink the derivative is that of design: 0 for abs and sign, shared for ties ------

absolute = _ufunc(np.absolute, _absolute, structured=1)
fabs = _ufunc(np.fabs, _absolute, structured=1)
sign = _ufunc(np.sign, _sign, jvp=_sign_along)
maximum = _ufunc(np.maximum, _larger, lambda g, a, b: _larger(g, b, a))
minimum = _ufunc(np.minimum, lambda g, a, b: _larger(g, b, a), _larger)
fmax = _ufunc(np.fmax, _larger_or_number, lambda g, a, b: _larger_or_number(g, b, a))
fmin = _ufunc(np.fmin, _smaller_or_number, lambda g, a, b: _smaller_or_number(g, b, a))
clip = _elementwise(
    "clip",
    lambda a, b, c: np.clip(a, b, c),
    _clipped,
    _lower_bound,
    _upper_bound,
)
copysign = _ufunc(np.copysign, _copysign, None)
heaviside = _ufunc(np.heaviside, None, lambda g, a: np.where(a == 0, g, 0.0))

# --- Piecewise constant: the derivative is zero and the result a plain value ----------------------

floor_divide = _ufunc(np.floor_divide, None, None)
round = _elementwise("round", lambda x, *, decimals: np.round(x, decimals), None)
fix = _elementwise("fix", np.trunc, None)
for _constant in (
    *(np.floor, np.ceil, np.trunc, np.rint, np.spacing, np.signbit, np.isnan, np.isinf),
    *(np.isfinite, np.logical_not, np.invert, np.bitwise_count, np.isnat),
):
    _ufunc(_constant, None)
for _comparison in (
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.logical_and, np.logical_or, np.logical_xor),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift),
    *(np.gcd, np.lcm),
):
    _ufunc(_comparison, None, None)

# --- Two results: the cotangent is a pair ---------------------------------------------------------

divmod = Op(
    "divmod",
    np.divmod,
    lambda g, a_shape: summed_to(g[1], a_shape),
    lambda g, b_shape, y: summed_to(scaled(-g[1], y[0]), b_shape),
    properties=Property.ELEMENTWISE,
)
UFUNCS[np.divmod] = divmod
modf = _ufunc(np.modf, lambda g: g[0])
frexp = _ufunc(np.frexp, lambda g, y: np.ldexp(g[0], -y[1]))

# --- Complex parts --------------------------------------------------------------------------------
# A result that is real has a real cotangent; Im(z) is Re(-i z).

real = _elementwise("real", np.real, lambda g: g, properties=Property.LINEAR)
imag = _elementwise("imag", np.imag, lambda g: -1j * g, properties=Property.LINEAR)

# --- More functions of NumPy ----------------------------------------------------------------------


def _finite_only(g: Any, x: Any) -> Any:
    """What was a number keeps its cotangent, the two parts of a complex one apart."""
    if not is_complex(x):
        return np.where(np.isfinite(x), g, 0.0)
    parts = np.real(x), np.imag(x)
    re = np.where(np.isfinite(parts[0]), np.real(g), 0.0)
    return re + 1j * np.where(np.isfinite(parts[1]), np.imag(g), 0.0)


nan_to_num = _elementwise(
    "nan_to_num",
    lambda x, *, nan, posinf, neginf: np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    _finite_only,
)


def _sine_quotient(x: Any, *, n: int) -> Any:
    """The n-th derivative of ``sin(u) / u`` by u, at u = pi x.

    From u times it = sin(u) follows u f[n] + n f[n-1] = sin(u + n pi / 2), which loses digits near
    0; there stands Taylor's series, whose term of u**(2k) is (-1)**k / (2k + 1)!.
    """
    if n == 0:
        return np.sinc(x)
    u = math.pi * x
    near = np.absolute(u) < 1.5 + n
    inner, outer = np.where(near, u, 0.0), np.where(near, 1.0, u)
    f = np.sin(outer) / outer
    for k in range(1, n + 1):
        f = (np.sin(outer + k * (math.pi / 2)) - k * f) / outer
    series: Any = 0.0
    for k in reversed(range((n + 1) // 2, n // 2 + 16 + n)):
        term = (-1) ** k * math.perm(2 * k, n) / math.factorial(2 * k + 1)
        series = series * (inner * inner) + term
    return np.where(near, series * inner ** (n % 2), f)


def _sinc(g: Any, x: Any, *, n: int) -> Any:
    return scaled(g, math.pi * apply(sinc, (x,), {"n": n + 1}))


sinc = _elementwise("sinc", _sine_quotient, _sinc)
"""``sin(pi x) / (pi x)``, or its n-th derivative by ``pi x``: smooth at 0, in every order."""

register_ops(vars().values())
register_ops(UFUNCS.values())
