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
    p: Any, g: Any, m: Any, v: Any, rate: Any, b1: Any, b2: Any, k1: Any, k2: Any, eps: Any
) -> tuple[Any, Any, Any]:
    """Adam; ``k1`` and ``k2`` undo the bias of the two means."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * (g * conj(g))
    return p - rate * (m * k1) / (root(v * k2) + eps), m, v


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
