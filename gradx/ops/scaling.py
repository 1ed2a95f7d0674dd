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

from gradx.kernels import dispatched
from gradx.lifted import Lifted, apply
from gradx.op import Op
from gradx.places import PLACES

__all__ = [
    "blockwise",
    "divided",
    "over_b",
    "over_b_squared",
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
    if type(h) in PLACES:  # no number of a device is read
        return _where((h != h) & (g == 0), 0.0, h)
    if h == h or g != 0:
        return h
    return type(h)(0)


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


# --- The rules of products and quotients --------------------------------------------------------


def times_a(g: Any, a: Any) -> Any:
    """The rule of the right operand of a product."""
    return scaled(g, a)


def times_b(g: Any, b: Any) -> Any:
    """The rule of the left operand of a product."""
    return scaled(g, b)


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
