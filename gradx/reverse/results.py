"""Results: the leaves of what a function returns, and which of them are variables of the run."""

from __future__ import annotations

from typing import Any, TypeVar

from gradx.core.dispatch import has_variables
from gradx.reverse.opaque import join, split
from gradx.reverse.variables import BVar, plain
from gradx.values.leaves import map_leaves
from gradx.values.registry import ValueType

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
        held = map_leaves(held, lambda leaf, spec: plain(leaf), own=True)
    return held


def own_leaves(x: Any, run: Any, found: list[Any]) -> Any:
    """A value with each variable of a run replaced by the variable's value.

    Args:
        x: a value; opaque types in it are joined already.
        run: the run.
        found: gets the variable of each leaf in the order of the leaves, None for a leaf that is
            not of the run; leaves are numbers, arrays and opaque values.

    Returns:
        ``x`` itself if there is nothing of the run in it.
    """
    if isinstance(x, BVar):
        found.append(x if x._run is run else None)
        return x._value if x._run is run else x
    changed = False

    def leaf(v: Any, spec: ValueType) -> Any:
        nonlocal changed
        if isinstance(v, BVar) and v._run is run:
            found.append(v)
            changed = True
            return v._value
        found.append(None)
        return v

    new = map_leaves(x, leaf, "the result")
    return new if changed else x
