"""Plain: a value without its variables."""

from __future__ import annotations

from typing import Any, TypeVar

from gradx.core.assignment import frozen
from gradx.core.dispatch import has_variables
from gradx.core.objects import joined
from gradx.core.spec import primal
from gradx.values.leaves import map_leaves

__all__ = ["value"]

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
    plain: T = _plain(x)
    if has_variables(plain):
        plain = map_leaves(plain, lambda leaf, spec: _plain(leaf), own=True)
    return plain


def _plain(x: Any) -> Any:
    """The primal of a value: a copy, where a run may write into it."""
    return primal(frozen(joined(x)))
