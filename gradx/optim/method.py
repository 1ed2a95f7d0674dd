"""Method: how parameters step along a gradient, and what is remembered from step to step.

A method is a frozen record of options with two functions. ``init(params)`` gives its state before
the first step; ``update(gradient, state, params)`` gives new parameters and the new state. Both are
values of the structure of the parameters, so they are saved, moved to a device and mapped as any
other value. Wrappers, which do something before or after another method, are methods too.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

from gradx.core.dispatch import Lifted
from gradx.errors import StructureError
from gradx.optim.errors import MethodError

__all__ = [
    "Method",
    "Rate",
    "check_between",
    "check_method",
    "check_rate",
    "check_state",
    "left_out",
    "rate_at",
]

P = TypeVar("P")
Rate = Any
"""A learning rate: a number, or a schedule, which is called with the number of steps done."""


class Method:
    """The base of all methods and wrappers.

    >>> import gradx as gx
    >>> method = gx.optim.sgd(0.1)
    >>> params, state = {"w": 1.0}, method.init({"w": 1.0})
    >>> method.update({"w": 5.0}, state, params)
    ({'w': 0.5}, SgdState(step=1, velocity=None))
    """

    def init(self, params: Any) -> Any:
        """The state before the first step.

        Args:
            params: the parameters, of any type with a gradient.

        Returns:
            A value that gradx knows, with a count ``step`` and memories of the structure of
            ``params``. It shares no array with them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no init")

    def update(
        self, gradient: P, state: Any, params: P, *, in_place: bool = False
    ) -> tuple[P, Any]:
        """One step.

        Args:
            gradient: the gradient, of the structure of the parameters.
            state: what the last step returned; at first ``init(params)``.
            params: the parameters.
            in_place: whether the arrays of ``params`` and ``state`` are written into. Numbers are
                replaced also then, so what is returned is what counts.

        Returns:
            New parameters and the new state.

        Raises:
            StructureError: the gradient or the state is of another structure; with the paths.
            InPlaceError: an array cannot be written into; with its path. Nothing is written then.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def advance(self, gradient: P, state: Any, params: P) -> tuple[P, Any]:
        """One step in place, for who owns the arrays and drops them after an exception.

        It is ``update(…, in_place=True)``, but that of a wrapper may be left half done, and that
        the gradient shares no memory with the parameters is up to the caller.
        """
        return self.update(gradient, state, params, in_place=True)


def rate_at(rate: Rate, step: int) -> Any:
    """The learning rate of a step, counted from 0."""
    return rate(step) if callable(rate) and not isinstance(rate, Lifted) else rate


def check_method(method: Any, called: str) -> None:
    """Refuse what is no method.

    Raises:
        MethodError: it is none.
    """
    if not isinstance(method, Method):
        raise MethodError(
            f"{called}: {method!r} is no method; give gx.optim.adam() or another first"
        )


def check_state(state: Any, kind: type, method: Method) -> None:
    """Refuse what another method remembers.

    Raises:
        StructureError: it is no state of that kind.
    """
    if not isinstance(state, kind):
        raise StructureError(
            f"{type(method).__name__}: state is a {type(state).__name__}, and it remembers a "
            f"{kind.__name__}; give what its init gave, or its last update"
        )


def left_out(x: Any) -> bool:
    """Whether an option such as a momentum is 0; a variable, which has a derivative there, never.

    A variable of a float says that it is one.
    """
    return not isinstance(x, Lifted) and isinstance(x, (int, float)) and x == 0


def check_rate(rate: Rate, called: str, name: str = "rate") -> None:
    """Refuse a learning rate that is no schedule and no number that can be one.

    Raises:
        MethodError: it is negative, or not finite.
    """
    if isinstance(rate, str) or rate is None:
        raise MethodError(f"{called}: {name} is {rate!r}; give a number or a schedule")
    check_between(rate, called, name, 0)


def check_between(
    x: Any, called: str, name: str, low: float, high: float = math.inf, *, above: bool = False
) -> None:
    """Refuse a number outside an interval, ``high`` excluded; only Python's are looked at.

    Args:
        x: the number.
        called: the method.
        name: the option.
        low: the least value.
        high: what it must be less than.
        above: whether the least value is excluded too.

    Raises:
        MethodError: it is outside, or nan.
    """
    if isinstance(x, Lifted) or not isinstance(x, (int, float)):
        return
    if not (low < x < high or (x == low and not above)):
        least = f"above {low}" if above else f"at least {low}"
        bound = "finite" if high == math.inf else f"below {high}"
        raise MethodError(f"{called}: {name} is {x!r}; give a number that is {least} and {bound}")
