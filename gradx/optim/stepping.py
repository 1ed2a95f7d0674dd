"""Stepping: a formula at every leaf of parameters, as new values or into their arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from gradx.errors import GradxError, NotDifferentiableError
from gradx.optim.parts import joined_parts, only
from gradx.optim.writing import check_writable, written
from gradx.records.tree_map import expand, leafwise
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = ["check_both_writable", "explained", "put", "stepped"]

P = TypeVar("P")
S = TypeVar("S")


def stepped(
    formula: Callable[..., Any],
    params: Any,
    gradient: Any,
    memories: Mapping[str, Any] = MappingProxyType({}),
    numbers: Sequence[Any] = (),
    *,
    in_place: bool = False,
    marks: Any = None,
    unmarked: Sequence[Any] | None = None,
    name: str = "params",
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
        marks: of the structure of the parameters, with None at leaves that get other numbers.
        unmarked: those numbers; by default all leaves get the same.
        name: how the parameters are called in messages.

    Raises:
        StructureError: the structures differ; with the paths.
        InPlaceError: an array cannot be written into; with its path.
    """
    wholes = (params, gradient, *memories.values())
    results = (0, *range(2, len(wholes)))
    with explained(params, name):
        if in_place:
            names = (name, "gradient", *(f"state.{each}" for each in memories))
            return written(formula, wholes, numbers, results, names, marks, unmarked)
        if unmarked is None:
            made: tuple[Any, ...] = leafwise(formula, params, wholes[1:], numbers, results=results)
            return made
        parts = []
        for mark, given in (("0", numbers), (None, unmarked)):
            first, *others = (only(whole, marks, mark) for whole in wholes)
            parts.append(leafwise(formula, first, others, given, results=results))
    return tuple(
        joined_parts(params, marks, {"0": part, None: rest})
        for part, rest in zip(*parts, strict=True)
    )


@contextmanager
def explained(whole: Any, name: str) -> Iterator[None]:
    """Context manager: what a leaf of a type with operations of its own lacks is told by its path.

    Args:
        whole: the parameters, or their gradient.
        name: how they are called in messages.

    Raises:
        NotDifferentiableError: such a leaf has not the arithmetic that the block asks of it.
    """
    try:
        yield
    except GradxError:
        raise
    except (TypeError, AttributeError) as error:
        found: list[tuple[str, str]] = []

        def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> None:
            if not spec.static and not spec.numeric:
                found.append((where(), type(x).__name__))

        fold(whole, None, parts_alone, leaf, name, rebuild=lambda *_: None)
        if not found:
            raise
        path, kind = found[0]
        raise NotDifferentiableError(
            f"{path} is a {kind}, which has not the arithmetic of this method: {error}; give it to "
            "gx.optim.sgd or another method by gx.optim.by_part"
        ) from error


@dataclass(frozen=True)
class _Both:
    """All that a step in place writes into."""

    params: Any
    state: Any


def put(params: P, state: S, new: P, after: S) -> tuple[P, S]:
    """Write the parameters and the state after a step into the arrays of those before, all or none.

    So a step that is more than one formula is done in place: as new values first.

    Args:
        params: the parameters before the step.
        state: the state before it.
        new: the parameters after it.
        after: the state after it.

    Returns:
        The old arrays with the new numbers.

    Raises:
        InPlaceError: an array cannot be written into; with its path. Nothing is written then.
    """
    wholes = _Both(params, state), _Both(new, after)
    (done,) = written(_second, wholes, (), (0,), ("", ""))

    def leaf(x: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> Any:
        return x if spec.static else mates[0]  # the count of steps is the new one

    return done.params, fold(after, (done.state,), expand, leaf, "state")


def _second(old: Any, new: Any) -> tuple[Any]:
    return (new,)


def check_both_writable(params: Any, state: Any) -> None:
    """Refuse parameters and a state that cannot be written into together.

    Raises:
        InPlaceError: an array of them cannot, or two share memory; with the paths.
    """
    check_writable(_Both(params, state), "")
