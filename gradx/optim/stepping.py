"""Stepping: a formula at every leaf of parameters, as new values or into their arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradx.optim.writing import written
from gradx.records.tree_map import leafwise

__all__ = ["stepped"]


def stepped(
    formula: Callable[..., Any],
    params: Any,
    gradient: Any,
    memories: Sequence[Any] = (),
    numbers: Sequence[Any] = (),
    *,
    in_place: bool = False,
) -> tuple[Any, ...]:
    """The results of a formula: new parameters, and each memory anew.

    Args:
        formula: ``formula(p, g, *memories, *numbers)`` of `gradx.optim.formulas`.
        params: the parameters.
        gradient: their gradient.
        memories: what is remembered, each of the structure of the parameters.
        numbers: the numbers of the formula.
        in_place: whether arrays of the parameters and memories are written into.
    """
    results = (0, *range(2, 2 + len(memories)))
    made: tuple[Any, ...] = leafwise(
        formula, params, (gradient, *memories), numbers, results=results
    )
    if not in_place:
        return made
    names = ("params", *(f"memory {k}" for k in range(len(memories))))
    return written((params, *memories), made, names)
