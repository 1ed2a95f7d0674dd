"""Stepping: a formula at every leaf of parameters, as new values or into their arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gradx.optim.writing import written
from gradx.records.tree_map import leafwise

__all__ = ["stepped"]


def stepped(
    formula: Callable[..., Any],
    params: Any,
    gradient: Any,
    memories: Mapping[str, Any] = MappingProxyType({}),
    numbers: Sequence[Any] = (),
    *,
    in_place: bool = False,
) -> tuple[Any, ...]:
    """The results of a formula: new parameters, and each memory anew.

    Args:
        formula: ``formula(p, g, *memories, *numbers)`` of `gradx.optim.formulas`.
        params: the parameters.
        gradient: their gradient.
        memories: what is remembered, by the name that it has in the state; each is of the
            structure of the parameters.
        numbers: the numbers of the formula.
        in_place: whether arrays of the parameters and memories are written into.

    Raises:
        StructureError: the structures differ; with the paths.
        InPlaceError: an array cannot be written into; with its path.
    """
    wholes = (params, gradient, *memories.values())
    results = (0, *range(2, len(wholes)))
    if in_place:
        names = ("params", "gradient", *(f"state.{name}" for name in memories))
        return written(formula, wholes, numbers, results, names)
    made: tuple[Any, ...] = leafwise(formula, params, wholes[1:], numbers, results=results)
    return made
