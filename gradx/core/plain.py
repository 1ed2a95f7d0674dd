"""Plain: a value without its variables."""

from __future__ import annotations

from typing import Any, TypeVar

from gradx.core.dispatch import has_variables, variables_in
from gradx.core.objects import joined
from gradx.core.spec import primal
from gradx.values.leaves import map_leaves

__all__ = ["depends", "value"]

T = TypeVar("T")


def depends(x: Any) -> bool:
    """Whether there is a variable in a value to which a gradient may flow: one of an open run.

    A lifted value of level 0 belongs to none; it is a constant that could hold a variable.
    """
    return any(v._run.level for v in variables_in(x))


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
