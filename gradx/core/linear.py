"""Linear: rules that the sweep does itself, without a call.

A cotangent is passed on, negated, or multiplied or divided by what was kept (`gradx.ops.scaling`).
The sweeps know these by identity. They are no derivatives: of which operation each is the
derivative is said in the tables of `gradx.ops` alone, where ``times("b")`` is the rule
``lambda g, b: g * b``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Kernel", "multiplied", "negated", "passed"]


def passed(g: Any) -> Any:
    """The cotangent itself."""
    return g


def negated(g: Any) -> Any:
    """The cotangent with its sign changed."""
    return -g


def multiplied(g: Any, x: Any) -> Any:
    """The cotangent times a factor, whatever the two are: infinity times zero is not a number."""
    return g * x


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
