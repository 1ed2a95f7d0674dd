"""Scaling: a cotangent times a local derivative, which every elementwise rule ends with.

Where the derivative is not finite and the cotangent exactly 0, the product is 0 and not NaN: an
item that a mask left out, as in ``np.where(x > 0, np.sqrt(x), 0)``, adds nothing to a gradient.
Everywhere else it is the plain product. The test is on the derivative: a product is NaN where the
cotangent is 0 only if the derivative is not finite, so it is the product that is looked at. (With
a test on the cotangent alone, the second derivative of ``sin(x)**2`` at 0 would be 0, not 2.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from gradx.core.cotangent import Structured, dense, merge
from gradx.core.dispatch import Lifted, apply
from gradx.core.linear import Kernel, negated
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.watch import tell
from gradx.devices.kernel_table import TABLES, dispatched, kernel
from gradx.native import native
from gradx.ops.helpers import nonzero_or_infinity, nonzero_or_one

__all__ = [
    "Multiple",
    "by_divisor",
    "by_size",
    "divided",
    "factored",
    "multiple",
    "over",
    "over_value",
    "scaled",
    "times",
]

_where = dispatched(np.where)


def _without_zero_times_infinity(h: Any, g: Any) -> Any:
    """A plain product ``h``, with 0 where it is NaN and the cotangent ``g`` is exactly 0."""
    if type(h) is np.ndarray:
        # argmax finds a NaN first, in a fraction of the time of the product.
        if h.dtype.kind not in "fc" or not h.size:
            return h
        row_major = h if h.flags.c_contiguous else h.T  # of any other order argmax makes a copy
        largest = row_major.item(row_major.argmax())
        if largest == largest:
            return h
        lost = (h != h) & (g == 0)
        if lost.any():
            tell(*_TAKEN_AS_ZERO)
        return np.where(lost, 0.0, h)
    if type(h) is not np.float64 and hasattr(h, "__array_function__"):
        return _where((h != h) & (g == 0), 0.0, h)  # no number of a device is read
    if isinstance(h, (float, complex, np.inexact)) and h != h and g == 0:
        tell(*_TAKEN_AS_ZERO)
        return type(h)(0)
    return h


_TAKEN_AS_ZERO = ("zero times infinity", "a cotangent of 0 times a derivative that is not finite")
"""What `gx.debug` is told of a product that is 0 and not NaN."""


def _product(a: Any, b: Any) -> Any:
    return _without_zero_times_infinity(a * b, a)


def _quotient(a: Any, b: Any) -> Any:
    return _without_zero_times_infinity(a / b, a)


def _scaled(g: Any, d: Any) -> Any:
    """A cotangent times a derivative, plain or lifted; 0 where g is 0 and d is not finite.

    Args:
        g: the cotangent.
        d: the derivative, of a shape that broadcasts with g's.
    """
    if type(g) is type(d) is float:
        h = g * d
        return h if h == h else _without_zero_times_infinity(h, g)
    if isinstance(g, Lifted) or isinstance(d, Lifted):
        return apply(product, (g, d))
    return kernel(_product, g, d)(g, d) if TABLES else _product(g, d)


def _divided(g: Any, b: Any) -> Any:
    """A cotangent over the reciprocal of a derivative; 0 where g is 0 and b is 0 or NaN.

    Args:
        g: the cotangent.
        b: one over the derivative, of a shape that broadcasts with g's.
    """
    if isinstance(g, Lifted) or isinstance(b, Lifted):
        return apply(quotient, (g, b))
    return kernel(_quotient, g, b)(g, b) if TABLES else _quotient(g, b)


scaled: Callable[[Any, Any], Any] = _scaled if native is None else native.scaled
"""As `_scaled`; the C code has it for plain numbers and arrays."""
divided: Callable[[Any, Any], Any] = _divided if native is None else native.divided
"""As `_divided`, likewise."""


# --- Multiples of a value -------------------------------------------------------------------------


class Multiple(Structured):
    """A cotangent that is a multiple of a variable, kept as the two factors.

    The cotangent of y in ``y**2`` is ``2 y``. If y is a norm, |x|, its rule makes ``2 y x / y`` of
    it, and 0 / 0 at x = 0, from which no second derivative can be had. From the factors it makes
    ``2 x``. They are kept only where a second derivative may be wanted: in a nested run.

    In ``(c * y)**2`` it is a multiple of ``c * y``, and stays one on its way to y.

    Attributes:
        of: the variable.
        per: how many times that variable is the one whose cotangent this is; None if not known.
    """

    __slots__ = ("_derivative", "_g", "of", "per")

    def __init__(self, of: Any, g: Any, derivative: Any = None, per: Any = None) -> None:
        self.of, self._g, self._derivative, self.per = of, g, derivative, per

    @property
    def by(self) -> Any:
        """What the variable is multiplied by."""
        return self._g if self._derivative is None else scaled(self._g, self._derivative)

    def dense(self) -> Any:
        """The product. The cotangent comes last, so that one of 0 gives 0 in every order."""
        d = self._derivative
        return scaled(self._g, self.of if d is None else d * self.of)

    def merged(self, other: Any) -> Any:
        """The sum, which is a multiple of the same variable if both are."""
        if type(other) is Multiple and other.of is self.of:
            per = other.per if self.per is None else self.per
            return Multiple(self.of, self.by + other.by, None, per)
        return merge(self.dense(), other)

    def through(self, pull: Any, residuals: tuple[Any, ...]) -> Any:
        """As `Structured.through`: the rules of ``-y``, ``c * y`` and ``y / c``."""
        if self.per is None:
            return None
        if pull is negated:
            return Multiple(self.of, -self._g, self._derivative, -self.per)
        if len(residuals) == 1 and pull in (factored, divided):
            by = scaled if pull is factored else divided
            g, per = (by(part, residuals[0]) for part in (self._g, self.per))
            return Multiple(self.of, g, self._derivative, per)
        return None


def multiple(of: Any, g: Any, derivative: Any = None, own: bool = False) -> Any:
    """``g * of``, or ``g * derivative * of``, kept as the factors where ``of`` is lifted.

    Args:
        of: a factor.
        g: the cotangent.
        derivative: the other one.
        own: whether the product is the cotangent of ``of`` itself.
    """
    if isinstance(of, Lifted):
        return Multiple(of, g, derivative, 1.0 if own else None)
    return scaled(g, of if derivative is None else derivative * of)


def over_value(g: Any, y: Any) -> Any:
    """``g / y``, 0 where y is 0, for a rule that multiplies it by what y is the size of.

    Args:
        g: the cotangent of y; also a `Multiple` of y, whose factor it is.
        y: the value.
    """
    if type(g) is Multiple and g.of is y:
        return g.by
    if type(g) is Multiple and g.per is not None:
        return g.by * g.per
    return divided(dense(g), nonzero_or_one(y))


def by_size(g: Any, x: Any, y: Any, spread: Callable[[Any], Any] | None = None) -> Any:
    """``g * x / y``, 0 where y is 0: the rule of a size y by x, of which it is one.

    Args:
        g: the cotangent of y; also a `Multiple` of y.
        x: what y is the size of.
        y: the size.
        spread: makes of y, and of g, what broadcasts with x; they do so as they are by default.
    """
    spread = spread or (lambda part: part)
    if type(g) is Multiple:
        return scaled(spread(over_value(g, y)), x)
    return scaled(spread(dense(g)), x / spread(nonzero_or_infinity(y)))


# --- Rules ----------------------------------------------------------------------------------------


def factored(g: Any, d: Any) -> Any:
    """``g * d``, kept as the factors where ``d`` is lifted: the rule of a factor."""
    return multiple(d, g)


def times(name: str) -> Kernel:
    """The rule ``g * x`` for the operand or result of a name: ``times("b")``."""
    return Kernel(scaled if name == "y" else factored, name)


def over(name: str) -> Kernel:
    """The rule ``g / x`` for the operand or result of a name: ``over("b")``."""
    return Kernel(divided, name)


def by_divisor(g: Any, b: Any, y: Any) -> Any:
    """``-y / b`` for y = a / b.

    Of variables the derivative comes first: then a g of 0 gives 0 in every order. Of plain values
    it comes last, since it may leave the range of the dtype where the result does not.
    """
    if isinstance(y, Lifted):
        return -scaled(g, divided(y, b))
    return divided(-scaled(g, y), b)


product = Op(
    "scaled",
    wraps(_product)(lambda a, b: scaled(a, b)),
    times("b"),
    times("a"),
    broadcasts=True,
    properties=Property.BILINEAR | Property.ELEMENTWISE,
)
"""`scaled` as an op, so that derivatives of every order keep to it."""
quotient = Op(
    "divided",
    wraps(_quotient)(lambda a, b: divided(a, b)),
    over("b"),
    by_divisor,
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)

register_ops(vars().values())

if native is not None:
    native.use(
        Multiple=Multiple,
        scaled=scaled,
        factored=factored,
        divided=divided,
        scaled_in_general=_scaled,
        divided_in_general=_divided,
        without_zero_times_infinity=_without_zero_times_infinity,
    )
