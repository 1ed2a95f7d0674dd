"""Plain: a value without its variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gradx.core.assignment import frozen
from gradx.core.dispatch import has_variables
from gradx.core.objects import joined
from gradx.core.spec import concrete, primal
from gradx.values.leaves import map_leaves

__all__ = ["primals", "value"]

T = TypeVar("T")


def value(x: T) -> T:
    """The plain value of a variable, with no gradient.

    Args:
        x: a variable of this run or an outer one, a container with variables in it, or any other
            value, which is returned as it is.

    Raises:
        ConversionError: the variable has no one value, as inside `gradx.vmap`.

    >>> import gradx as gx
    >>> gx.grad(lambda x: x * gx.value(x))(3.0)
    3.0
    """
    return _of_leaves(x, lambda leaf: concrete(_primal(leaf), "gx.value(v)"))


def primals(x: T) -> T:
    """A value with what its variables hold through all runs that hold values."""
    return _of_leaves(x, _primal)


def _of_leaves(x: T, leaf: Callable[[Any], Any]) -> T:
    plain: T = leaf(x)
    if has_variables(plain):
        plain = map_leaves(plain, lambda part, spec: leaf(part), own=True)
    return plain


def _primal(x: Any) -> Any:
    """The primal of a value: a copy, where a run may write into it."""
    return primal(frozen(joined(x)))
