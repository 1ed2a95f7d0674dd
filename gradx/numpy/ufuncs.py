"""The ufuncs of NumPy, taking lists and object arrays of variables too.

A ufunc of NumPy's own makes an object array of a list of variables and computes with its items one
by one, or raises where that cannot be done. These join such operands into one variable first.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from gradx.numpy.arguments import operand

__all__ = [
    "Ufunc",
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_count",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "conj",
    "conjugate",
    "copysign",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "divide",
    "divmod",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "float_power",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "gcd",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "isnat",
    "lcm",
    "ldexp",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "matvec",
    "maximum",
    "minimum",
    "mod",
    "modf",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "power",
    "rad2deg",
    "radians",
    "reciprocal",
    "remainder",
    "right_shift",
    "rint",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "spacing",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
    "vecdot",
    "vecmat",
]


class Ufunc:
    """A ufunc whose operands may be lists and object arrays of variables.

    Args:
        ufunc: that of NumPy or of SciPy, whose attributes it has.
        module: the module of gradx that has it.

    >>> import gradx as gx
    >>> gx.grad_bp(lambda v: gx.numpy.logaddexp([v, 1.0], 0.0)[0], 0.0)
    0.5
    """

    __slots__ = ("_module", "_ufunc")

    def __init__(self, ufunc: np.ufunc, module: str = "gradx.numpy") -> None:
        self._ufunc, self._module = ufunc, module

    def __call__(self, *operands: Any, **options: Any) -> Any:
        """As the ufunc."""
        return self._ufunc(*map(_joined, operands), **options)

    def reduce(self, array: Any, *args: Any, **options: Any) -> Any:
        """As the ufunc's own method."""
        return self._ufunc.reduce(_joined(array), *args, **options)

    def accumulate(self, array: Any, *args: Any, **options: Any) -> Any:
        """As the ufunc's own method."""
        return self._ufunc.accumulate(_joined(array), *args, **options)

    def reduceat(self, array: Any, indices: Any, *args: Any, **options: Any) -> Any:
        """As the ufunc's own method."""
        return self._ufunc.reduceat(_joined(array), indices, *args, **options)

    def outer(self, a: Any, b: Any, /, **options: Any) -> Any:
        """As the ufunc's own method."""
        return self._ufunc.outer(_joined(a), _joined(b), **options)

    @property
    def __signature__(self) -> Any:
        """That of the ufunc, or the error that it has none."""
        return inspect.signature(self._ufunc)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)

    def __repr__(self) -> str:
        return f"<{self._module}.{self._ufunc.__name__}>"


def _joined(x: Any) -> Any:
    return operand(x) if type(x) in (list, tuple, np.ndarray) else x


absolute = Ufunc(np.absolute)
add = Ufunc(np.add)
arccos = Ufunc(np.arccos)
arccosh = Ufunc(np.arccosh)
arcsin = Ufunc(np.arcsin)
arcsinh = Ufunc(np.arcsinh)
arctan = Ufunc(np.arctan)
arctan2 = Ufunc(np.arctan2)
arctanh = Ufunc(np.arctanh)
bitwise_and = Ufunc(np.bitwise_and)
bitwise_count = Ufunc(np.bitwise_count)
bitwise_or = Ufunc(np.bitwise_or)
bitwise_xor = Ufunc(np.bitwise_xor)
cbrt = Ufunc(np.cbrt)
ceil = Ufunc(np.ceil)
conjugate = Ufunc(np.conjugate)
copysign = Ufunc(np.copysign)
cos = Ufunc(np.cos)
cosh = Ufunc(np.cosh)
deg2rad = Ufunc(np.deg2rad)
degrees = Ufunc(np.degrees)
divide = Ufunc(np.divide)
divmod = Ufunc(np.divmod)
equal = Ufunc(np.equal)
exp = Ufunc(np.exp)
exp2 = Ufunc(np.exp2)
expm1 = Ufunc(np.expm1)
fabs = Ufunc(np.fabs)
float_power = Ufunc(np.float_power)
floor = Ufunc(np.floor)
floor_divide = Ufunc(np.floor_divide)
fmax = Ufunc(np.fmax)
fmin = Ufunc(np.fmin)
fmod = Ufunc(np.fmod)
frexp = Ufunc(np.frexp)
gcd = Ufunc(np.gcd)
greater = Ufunc(np.greater)
greater_equal = Ufunc(np.greater_equal)
heaviside = Ufunc(np.heaviside)
hypot = Ufunc(np.hypot)
invert = Ufunc(np.invert)
isfinite = Ufunc(np.isfinite)
isinf = Ufunc(np.isinf)
isnan = Ufunc(np.isnan)
isnat = Ufunc(np.isnat)
lcm = Ufunc(np.lcm)
ldexp = Ufunc(np.ldexp)
left_shift = Ufunc(np.left_shift)
less = Ufunc(np.less)
less_equal = Ufunc(np.less_equal)
log = Ufunc(np.log)
log10 = Ufunc(np.log10)
log1p = Ufunc(np.log1p)
log2 = Ufunc(np.log2)
logaddexp = Ufunc(np.logaddexp)
logaddexp2 = Ufunc(np.logaddexp2)
logical_and = Ufunc(np.logical_and)
logical_not = Ufunc(np.logical_not)
logical_or = Ufunc(np.logical_or)
logical_xor = Ufunc(np.logical_xor)
matmul = Ufunc(np.matmul)
matvec = Ufunc(np.matvec)
maximum = Ufunc(np.maximum)
minimum = Ufunc(np.minimum)
modf = Ufunc(np.modf)
multiply = Ufunc(np.multiply)
negative = Ufunc(np.negative)
nextafter = Ufunc(np.nextafter)
not_equal = Ufunc(np.not_equal)
positive = Ufunc(np.positive)
power = Ufunc(np.power)
rad2deg = Ufunc(np.rad2deg)
radians = Ufunc(np.radians)
reciprocal = Ufunc(np.reciprocal)
remainder = Ufunc(np.remainder)
right_shift = Ufunc(np.right_shift)
rint = Ufunc(np.rint)
sign = Ufunc(np.sign)
signbit = Ufunc(np.signbit)
sin = Ufunc(np.sin)
sinh = Ufunc(np.sinh)
spacing = Ufunc(np.spacing)
sqrt = Ufunc(np.sqrt)
square = Ufunc(np.square)
subtract = Ufunc(np.subtract)
tan = Ufunc(np.tan)
tanh = Ufunc(np.tanh)
trunc = Ufunc(np.trunc)
vecdot = Ufunc(np.vecdot)
vecmat = Ufunc(np.vecmat)

# --- Other names ----------------------------------------------------------------------------------

abs = absolute
acos = arccos
acosh = arccosh
asin = arcsin
asinh = arcsinh
atan = arctan
atan2 = arctan2
atanh = arctanh
bitwise_invert = invert
bitwise_left_shift = left_shift
bitwise_not = invert
bitwise_right_shift = right_shift
conj = conjugate
mod = remainder
pow = power
true_divide = divide
