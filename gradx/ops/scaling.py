"""Scaling: a cotangent times a local derivative, which every elementwise rule ends with.

Where the derivative is not finite and the cotangent exactly 0, the product is 0 and not NaN: an
item that a mask left out, as in ``np.where(x > 0, np.sqrt(x), 0)``, adds nothing to a gradient.
Everywhere else it is the plain product. The test is on the derivative: a product is NaN where the
cotangent is 0 only if the derivative is not finite, so it is the product that is looked at. (With
a test on the cotangent alone, the second derivative of ``sin(x)**2`` at 0 would be 0, not 2.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.cotangent import Structured, dense, merge
from gradx.kernels import dispatched
from gradx.lifted import Lifted, apply
from gradx.op import Op
from gradx.ops.helpers import nonzero_or_one

__all__ = [
    "Multiple",
    "blockwise",
    "divided",
    "multiple",
    "over_b",
    "over_b_squared",
    "over_value",
    "over_x",
    "scaled",
    "times_a",
    "times_b",
    "times_y",
]

_where = dispatched(np.where)


def _without_zero_times_infinity(h: Any, g: Any) -> Any:
    """A plain product ``h``, with 0 where it is NaN and the cotangent ``g`` is exactly 0."""
    if type(h) is np.ndarray:
        # argmax finds a NaN first, in a fraction of the time of the product.
        if h.dtype.kind not in "fc" or not h.size:
            return h
        largest = h.item(h.argmax())
        return h if largest == largest else np.where((h != h) & (g == 0), 0.0, h)
    if type(h) is not np.float64 and hasattr(h, "__array_function__"):
        return _where((h != h) & (g == 0), 0.0, h)  # no number of a device is read
    lost = isinstance(h, (float, complex, np.inexact)) and h != h and g == 0
    return type(h)(0) if lost else h


def _product(a: Any, b: Any) -> Any:
    return _without_zero_times_infinity(a * b, a)


def _quotient(a: Any, b: Any) -> Any:
    return _without_zero_times_infinity(a / b, a)


def scaled(g: Any, d: Any) -> Any:
    """A cotangent times a derivative, plain or lifted; 0 where g is 0 and d is not finite.

    Args:
        g: the cotangent.
        d: the derivative, of a shape that broadcasts with g's.
    """
    if type(g) is type(d) is float:
        h = g * d
        return h if h == h or g != 0 else 0.0
    if isinstance(g, Lifted) or isinstance(d, Lifted):
        return apply(product, (g, d))
    return _without_zero_times_infinity(g * d, g)


def divided(g: Any, b: Any) -> Any:
    """A cotangent over the reciprocal of a derivative; 0 where g is 0 and b is 0 or NaN.

    Args:
        g: the cotangent.
        b: one over the derivative, of a shape that broadcasts with g's.
    """
    if isinstance(g, Lifted) or isinstance(b, Lifted):
        return apply(quotient, (g, b))
    return _without_zero_times_infinity(g / b, g)


# --- Multiples of a value -------------------------------------------------------------------------


class Multiple(Structured):
    """A cotangent that is a multiple of a variable, kept as the two factors.

    The cotangent of y in ``y**2`` is ``2 y``. If y is a norm, |x|, its rule makes ``2 y x / y`` of
    it, and 0 / 0 at x = 0, from which no second derivative can be had. From the factors it makes
    ``2 x``. They are kept only where a second derivative may be wanted: in a nested run.

    Attributes:
        of: the variable.
        by: what it is multiplied by.
    """

    __slots__ = ("by", "of")

    def __init__(self, of: Any, by: Any) -> None:
        self.of, self.by = of, by

    def dense(self) -> Any:
        """The product."""
        return scaled(self.by, self.of)

    def merged(self, other: Any) -> Any:
        """The sum, which is a multiple of the same variable if both are."""
        if type(other) is Multiple and other.of is self.of:
            return Multiple(self.of, self.by + other.by)
        return merge(self.dense(), other)


def multiple(of: Any, by: Any) -> Any:
    """``by * of``, kept as the factors where ``of`` is lifted."""
    return Multiple(of, by) if isinstance(of, Lifted) else scaled(by, of)


def over_value(g: Any, y: Any) -> Any:
    """``g / y``, 0 where y is 0, for a rule that multiplies it by what y is the size of.

    Args:
        g: the cotangent of y; also a `Multiple` of y, whose factor it is.
        y: the value.
    """
    if type(g) is Multiple and g.of is y:
        return g.by
    return divided(dense(g), nonzero_or_one(y))


# --- The rules of products and quotients --------------------------------------------------------


def times_a(g: Any, a: Any) -> Any:
    """The rule of the right operand of a product, in that order for numbers of users."""
    if isinstance(a, Lifted) or isinstance(g, Lifted):
        return multiple(a, g)
    return _without_zero_times_infinity(a * g, g)


def times_b(g: Any, b: Any) -> Any:
    """The rule of the left operand of a product."""
    return multiple(b, g)


def times_y(g: Any, y: Any) -> Any:
    """The rule of a function that is its own derivative."""
    return scaled(g, y)


def over_b(g: Any, b: Any) -> Any:
    """The rule of what is divided."""
    return divided(g, b)


def over_x(g: Any, x: Any) -> Any:
    """The rule of a logarithm."""
    return divided(g, x)


def over_b_squared(g: Any, b: Any, y: Any) -> Any:
    """The rule of what is divided by, ``-a / b**2``."""
    return divided(-scaled(g, y), b)


product = Op("scaled", _product, times_b, times_a, broadcasts=True)
"""`scaled` as an op, so that derivatives of every order keep to it."""
quotient = Op("divided", _quotient, over_b, over_b_squared, broadcasts=True)

# --- Rules that write into their cotangent --------------------------------------------------------
# To write into a large array takes a third of the time of making one. What a rule makes on the way
# stays in the processor's cache if it is made for a block at a time.

_BLOCK = 1 << 14


def blockwise(pull: Callable[..., Any]) -> Callable[..., Any]:
    """A rule of an elementwise function that writes its result into the cotangent.

    Args:
        pull: the rule. What it keeps are arrays of the shape and dtype of the cotangent.
    """

    def run(g: Any, *kept: Any) -> Any:
        if not all(x.flags.c_contiguous for x in (g, *kept)):
            g[...] = pull(g, *kept)
            return g
        flat, rows = g.reshape(-1), [x.reshape(-1) for x in kept]
        for start in range(0, flat.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            flat[part] = pull(flat[part], *[row[part] for row in rows])
        return g

    return run
