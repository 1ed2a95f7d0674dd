"""Types of the runners: a gradient has the type of its input.

A type checker sees `grad` and its kin as overloads over these. They cover one input, two and
three, the first argument or the second; whatever else is asked for gives ``Any``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

__all__ = [
    "First",
    "FirstTwo",
    "Function",
    "GradOfOne",
    "GradOfTwo",
    "Names",
    "OfOne",
    "OfTwo",
    "Positions",
    "Second",
    "Yes",
]

# An input's type is bound by Any: a lambda tells nothing of its parameter, and may do all with it.
A = TypeVar("A", bound=Any)
B = TypeVar("B", bound=Any)
Y = TypeVar("Y")
Y_co = TypeVar("Y_co", covariant=True)
P = ParamSpec("P")


class Function(Protocol[P, Y_co]):
    """A function of the same arguments as another, with another result."""

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> Y_co:
        """The other result."""
        ...


OfOne = Callable[Concatenate[A, P], Y]
OfTwo = Callable[Concatenate[A, B, P], Y]
GradOfOne = Function[Concatenate[A, P], Y]
GradOfTwo = Function[Concatenate[A, B, P], Y]

First = Literal[0]
Second = Literal[1]
FirstTwo = tuple[Literal[0], Literal[1]]
Positions = int | Sequence[int]
Names = str | Sequence[str]
Yes = Literal[True]
