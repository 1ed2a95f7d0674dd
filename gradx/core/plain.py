"""Plain: a value without its variables."""

from __future__ import annotations

from typing import TypeVar

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
    plain: T = primal(joined(x))
    if has_variables(plain):
        plain = map_leaves(plain, lambda leaf, spec: primal(joined(leaf)), own=True)
    return plain
