"""Results: the leaves of what a function returns, and which of them are variables of the run."""

from __future__ import annotations

from typing import Any

from gradx.core.assignment import root_of
from gradx.core.dispatch import Lifted
from gradx.core.plain import value
from gradx.reverse.constants import is_constant, stripped
from gradx.reverse.opaque import join, split
from gradx.reverse.variables import BVar
from gradx.values.leaves import map_leaves
from gradx.values.registry import ValueType

__all__ = ["join", "own_leaves", "runs_of", "split", "value", "without"]


def without(run: Any, x: Any) -> Any:
    """What a variable of a run holds in the next lower run; anything else as it is."""
    while isinstance(x, BVar) and x._run is run:
        x = x._value
    return x


def runs_of(x: Any) -> list[Any]:
    """The runs that a variable is of: its own, that of the value which it holds there, and so on.

    Each differentiates once, so a result has derivatives of as many orders as there are of them.
    """
    runs: list[Any] = []
    while isinstance(x, Lifted):
        runs.append(x._run)
        x = x._value if isinstance(x, BVar) else None
    return runs


def _below(v: Any, run: Any) -> Any:
    """What the next lower run has of a variable, for a result: an outer variable is itself."""
    below = v._value
    if isinstance(below, Lifted):
        if any(root_of(v) is raised for raised, _ in run.raised or ()):
            return v  # which goes back when the run ends
        return next((x for kept, x in run.kept if kept is below), below)
    return below


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
        return _below(x, run) if x._run is run else stripped(x)
    changed = False
    done: dict[int, tuple[Any, Any]] = {}

    def leaf(v: Any, spec: ValueType) -> Any:
        nonlocal changed
        if isinstance(v, BVar) and v._run is run:
            found.append(v)
            changed = True
            return _below(v, run)
        found.append(None)
        changed = changed or is_constant(v)
        return stripped(v)

    def met(original: Any, copy: Any) -> Any:
        """One object at several places stays one."""
        return done.setdefault(id(original), (original, copy))[1]

    new = map_leaves(x, leaf, root, met=met)
    return new if changed else x
