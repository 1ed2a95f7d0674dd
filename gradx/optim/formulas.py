"""Formulas: what each method does to one leaf, written once.

A formula takes a parameter ``p``, its gradient ``g``, what the method remembers of it, and numbers;
it gives the new parameter and the new memories. It is straight arithmetic on items: an array
library may read it as the code of its kernel, and steps in place are done block by block from it.
For complex parameters the square of a gradient is that of its modulus.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.ops.helpers import conj, is_complex, sign_of

__all__ = [
    "adagrad",
    "adam",
    "adam_numbers",
    "adamw",
    "lamb",
    "lion",
    "momentum",
    "nesterov",
    "rmsprop",
    "rmsprop_with_momentum",
    "sgd",
    "squared",
    "trusted",
]


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


def adagrad(p: Any, g: Any, s: Any, rate: Any, eps: Any) -> tuple[Any, Any]:
    """Adagrad; ``s`` is the sum of squares."""
    s = s + squared(g)
    return p - rate * g / (_root(s) + eps), s


def rmsprop(p: Any, g: Any, s: Any, rate: Any, decay: Any, eps: Any) -> tuple[Any, Any]:
    """RMSProp; ``s`` is the running mean of squares."""
    s = decay * s + (1 - decay) * squared(g)
    return p - rate * g / (_root(s) + eps), s


def rmsprop_with_momentum(
    p: Any, g: Any, s: Any, v: Any, rate: Any, decay: Any, eps: Any, momentum: Any
) -> tuple[Any, Any, Any]:
    """RMSProp whose steps are summed as those of descent with momentum."""
    s = decay * s + (1 - decay) * squared(g)
    v = momentum * v + g / (_root(s) + eps)
    return p - rate * v, s, v


def adam(
    p: Any, g: Any, m: Any, v: Any, size: Any, b1: Any, b2: Any, eps: Any
) -> tuple[Any, Any, Any]:
    """Adam; the numbers are those of `adam_numbers`."""
    m, v = _means(g, m, v, b1, b2)
    return p - size * m / (_root(v) + eps), m, v


def adamw(
    p: Any, g: Any, m: Any, v: Any, size: Any, b1: Any, b2: Any, eps: Any, keep: Any
) -> tuple[Any, Any, Any]:
    """Adam with a decay of the weights beside it, which keeps a share of them."""
    m, v = _means(g, m, v, b1, b2)
    return keep * p - size * m / (_root(v) + eps), m, v


def lamb(
    p: Any, g: Any, m: Any, v: Any, size: Any, b1: Any, b2: Any, eps: Any, weight_decay: Any
) -> tuple[Any, Any, Any]:
    """The direction of LAMB in the place of the parameter; `trusted` goes along it."""
    m, v = _means(g, m, v, b1, b2)
    return size * m / (_root(v) + eps) + weight_decay * p, m, v


def trusted(p: Any, r: Any, rate: Any) -> tuple[Any]:
    """A step along ``r`` whose length is the rate times the norm of ``p``, all items together."""
    ours, its = _norm(p), _norm(r)
    fair = (ours > 0) & (its > 0)
    trust = np.where(fair, ours / np.where(fair, its, 1.0), 1.0)
    return (p - rate * trust * r,)


def lion(p: Any, g: Any, m: Any, rate: Any, b1: Any, b2: Any, keep: Any) -> tuple[Any, Any]:
    """Lion: steps of one size along the sign of a mean of the gradient."""
    return keep * p - rate * sign_of(b1 * m + (1 - b1) * g), b2 * m + (1 - b2) * g


def adam_numbers(rate: Any, b1: Any, b2: Any, eps: Any, step: int) -> tuple[Any, Any, Any, Any]:
    """The numbers of Adam in step ``step``, counted from 1, with which the bias is undone.

    ``rate * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)`` has fewer operations on arrays in
    the order that the end of section 2 of the paper gives: with ``c`` the root of ``1 - b2**t``,
    ``(rate * c / (1 - b1**t)) * m / (sqrt(v) + c * eps)``.
    """
    c = (1 - b2**step) ** 0.5
    return rate * (c / (1 - b1**step)), b1, b2, c * eps


def squared(g: Any) -> Any:
    """The square, of a complex number that of its modulus."""
    return g * conj(g)


def _means(g: Any, m: Any, v: Any, b1: Any, b2: Any) -> tuple[Any, Any]:
    """The running means of the gradient and of its square."""
    return b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * squared(g)


def _norm(x: Any) -> Any:
    total = np.sum(squared(x))
    return np.sqrt(np.real(total) if is_complex(x) else total)


def _root(v: Any) -> Any:
    """The square root; of a variable with derivative 0 at 0, where ``v`` is a square itself.

    So ``rate * m / (_root(v) + eps)`` has its own derivative where the gradient was zero all along,
    as of a unit that is off, and not the product of zero and infinity.
    """
    if not isinstance(v, Lifted):
        return v**0.5
    v = cast(Any, v)
    off = v == 0
    return (v + off) ** 0.5 - off
