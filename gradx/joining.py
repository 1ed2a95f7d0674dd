"""Leaves of results: the plain values in what a function returns, and which of them are variables.
"""

from __future__ import annotations

from typing import Any, TypeVar

from gradx.bvar import BVar, plain
from gradx.lifted import has_variables
from gradx.opaque import join, split
from gradx.value import Kind, ValueType, fold, parts_alone

__all__ = ["join", "own_leaves", "split", "value"]

T = TypeVar("T")


def value(x: T) -> T:
    """The plain value of a variable, with no gradient.

    Args:
        x: a variable of this run or an outer one, a container with variables in it, or any other
            value, which is returned as it is.

    >>> import gradx as gx
    >>> gx.grad(lambda x: x * gx.value(x))(3.0)
    3.0
    """
    held: T = plain(x)
    if has_variables(held):
        held = fold(held, None, parts_alone, lambda leaf, *_: plain(leaf), own=True)
    return held


def own_leaves(x: Any, run: Any, found: list[Any]) -> Any:
    """A value with each variable of a run replaced by what that holds.

    Args:
        x: a value; opaque types in it are joined already.
        run: the run.
        found: gets the variable of each leaf in the order of the leaves, None for a leaf that is
            not of the run; leaves are numbers, arrays and opaque values.

    Returns:
        ``x`` itself if there is nothing of the run in it.
    """
    changed = False

    def leaf(v: Any, spec: ValueType, *_: Any) -> Any:
        nonlocal changed
        if spec.kind is Kind.STATIC:
            return v
        if isinstance(v, BVar) and v._run is run:
            found.append(v)
            changed = True
            return v._value
        found.append(None)
        return v

    new = fold(x, None, parts_alone, leaf, "the result")
    return new if changed else x
