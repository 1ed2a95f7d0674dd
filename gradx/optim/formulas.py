"""Formulas: what each method does to one leaf, written once.

A formula takes a parameter, its gradient, what the method remembers of it, and numbers; it gives
the new parameter and the new memories. It is straight arithmetic on items: an array library may
read it as the code of its kernel, and steps in place are done block by block from it. For complex
parameters the square of a gradient is that of its modulus.
"""

from __future__ import annotations

from typing import Any, cast

from gradx.core.dispatch import Lifted
from gradx.ops.helpers import conj

__all__ = ["adam", "momentum", "nesterov", "sgd"]


def sgd(p: Any, g: Any, rate: Any) -> tuple[Any]:
    """Gradient descent."""
    return (p - rate * g,)


def momentum(p: Any, g: Any, v: Any, rate: Any, decay: Any) -> tuple[Any, Any]:
    """Descent along a running sum of gradients."""
    v = decay * v + g
    return p - rate * v, v


def nesterov(p: Any, g: Any, v: Any, rate: Any, decay: Any) -> tuple[Any, Any]:
    """The same, looking ahead."""
    v = decay * v + g
    return p - rate * (g + decay * v), v


def adam(
    p: Any, g: Any, m: Any, v: Any, size: Any, b1: Any, b2: Any, eps: Any
) -> tuple[Any, Any, Any]:
    """Adam; the numbers are those of `adam_numbers`."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * (g * conj(g))
    return p - size * m / (root(v) + eps), m, v


def adam_numbers(rate: Any, b1: Any, b2: Any, eps: Any, step: int) -> tuple[Any, Any, Any, Any]:
    """The numbers of Adam in step ``step``, counted from 1, with which the bias is undone.

    ``rate * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)`` has fewer operations on arrays in
    the order that the end of section 2 of the paper gives: with ``c`` the root of ``1 - b2**t``,
    ``(rate * c / (1 - b1**t)) * m / (sqrt(v) + c * eps)``.
    """
    c = (1 - b2**step) ** 0.5
    return rate * (c / (1 - b1**step)), b1, b2, c * eps


def root(v: Any) -> Any:
    """The square root; of a variable with derivative 0 at 0, where ``v`` is a square itself.

    So ``rate * m / (root(v) + eps)`` has its own derivative where the gradient was zero all along,
    as of a unit that is off, and not the product of zero and infinity.
    """
    if not isinstance(v, Lifted):
        return v**0.5
    v = cast(Any, v)
    off = v == 0
    return (v + off) ** 0.5 - off
