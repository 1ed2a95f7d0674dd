"""Results: the leaves of what a function returns, and which of them are variables of the run."""

from __future__ import annotations

from typing import Any, TypeVar

from gradx.core.assignment import frozen
from gradx.core.dispatch import has_variables
from gradx.core.objects import joined
from gradx.core.spec import primal
from gradx.reverse.constants import is_constant, stripped
from gradx.reverse.opaque import join, split
from gradx.reverse.variables import BVar
from gradx.values.leaves import map_leaves
from gradx.values.registry import ValueType

__all__ = ["join", "own_leaves", "split", "value", "without"]

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
    """The primal of a value; a copy, if its run may write into that."""
    x = joined(x)
    return primal(frozen(x) if isinstance(x, BVar) and x._live else x)


def without(run: Any, x: Any) -> Any:
    """What a variable of a run holds in the next lower run; anything else as it is."""
    while isinstance(x, BVar) and x._run is run:
        x = x._value
    return x


def own_leaves(x: Any, run: Any, found: list[Any], root: str = "the result") -> Any:
    """A value with each variable of a run replaced by what that holds.

    Args:
        x: a value; opaque types in it are joined already.
        run: the run.
        found: gets the variable of each leaf in the order of the leaves, None for a leaf that is
            not of the run; leaves are numbers, arrays and opaque values.
        root: how the value is called in messages.

    Returns:
        ``x`` itself if there is nothing of the run in it.
    """
    if isinstance(x, BVar):
        found.append(x if x._run is run else None)
        return x._value if x._run is run else stripped(x)
    changed = False
    done: dict[int, tuple[Any, Any]] = {}

    def leaf(v: Any, spec: ValueType) -> Any:
        nonlocal changed
        if isinstance(v, BVar) and v._run is run:
            found.append(v)
            changed = True
            return v._value
        found.append(None)
        changed = changed or is_constant(v)
        return stripped(v)

    def met(original: Any, copy: Any) -> Any:
        """One object at several places stays one."""
        return done.setdefault(id(original), (original, copy))[1]

    new = map_leaves(x, leaf, root, met=met)
    return new if changed else x
