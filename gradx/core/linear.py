"""Linear: the few linear maps of a cotangent that the sweep does itself, and rules made of them.

A rule of a sum, a product or a quotient passes a cotangent on, negates it, or multiplies or
divides it by what it kept. These four are kernels: the sweeps know them by identity and do them
without a call. They are no derivatives: of which operation each is the derivative is said in the
tables of `gradx.ops` alone, where ``times("b")`` is the rule ``lambda g, b: g * b``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Kernel", "negated", "over", "passed", "product", "quotient", "times"]


def passed(g: Any) -> Any:
    """The cotangent itself."""
    return g


def negated(g: Any) -> Any:
    """The cotangent with its sign changed."""
    return -g


def product(g: Any, factor: Any) -> Any:
    """The cotangent multiplied by a value that was kept."""
    return g * factor


def quotient(g: Any, divisor: Any) -> Any:
    """The cotangent divided by a value that was kept."""
    return g / divisor


class Kernel:
    """A rule that is one of the kernels.

    Attributes:
        function: the kernel.
        needs: what the rule keeps, as the parameters of another rule say it.
    """

    __slots__ = ("function", "needs")

    def __init__(self, function: Callable[..., Any], *needs: str) -> None:
        self.function, self.needs = function, needs

    def __repr__(self) -> str:
        return f"Kernel({self.function.__name__}, {', '.join(self.needs)})"


def times(name: str) -> Kernel:
    """The rule ``g * x`` for the operand or result of a name: ``times("b")``."""
    return Kernel(product, name)


def over(name: str) -> Kernel:
    """The rule ``g / x`` for the operand or result of a name: ``over("b")``."""
    return Kernel(quotient, name)
