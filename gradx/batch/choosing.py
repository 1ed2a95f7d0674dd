"""Choosing: of two values of one form, for each example the one that a predicate says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.fixed import check_alike
from gradx.core.spec import shape_of
from gradx.errors import AssignmentError, StructureError
from gradx.values.leaves import map_leaves, renewed
from gradx.values.operations import (
    Item,
    ValueType,
    Where,
    children_of,
    fold,
    registry,
)

__all__ = ["branch", "chosen"]


def branch(f: Callable[..., Any], xs: Sequence[Any]) -> Any:
    """What a branch gives, which gets containers of its own.

    Raises:
        AssignmentError: it has changed one of them, which would show for all examples.
    """
    own = list(map(renewed, xs))
    y = f(*own)
    before, after = _parts(xs), _parts(own)
    if len(before) != len(after) or any(a is not b for a, b in zip(before, after, strict=True)):
        raise AssignmentError(
            f"{getattr(f, '__name__', f)!r}, a branch of gx.cond, changed a list, a dict or a "
            "record that it was given, and only some of the examples take it; return a new one"
        )
    return y


def _parts(xs: Sequence[Any]) -> list[Any]:
    """The leaves of values, static ones too."""
    found: list[Any] = []

    def note(x: Any, _: ValueType) -> Any:
        found.append(x)
        return x

    known = [x for x in xs if registry.find(type(x)) is not None]
    map_leaves(known, note, static=note)
    return found


def chosen(p: Any, yes: Any, no: Any) -> Any:
    """A value like two others, with the parts of the first one for the examples where ``p`` holds.

    Raises:
        StructureError: the two are not of one form.
    """

    def leaf(x: Any, spec: ValueType, y: Any, where: Where) -> Any:
        if x is y:
            return x
        numbers = all(isinstance(z, Lifted) or np.asarray(z).dtype.kind in "biufc" for z in (x, y))
        if not numbers or shape_of(x) != shape_of(y):
            raise _differ(x, y)
        return np.where(p, x, y)

    return fold(yes, no, _in_pairs, leaf, "the result")


def _in_pairs(x: Any, spec: ValueType, y: Any) -> tuple[Any, list[Item]]:
    """The parts of a container, each with that of another one of its form."""
    mine = children_of(x, spec)
    theirs = dict(children_of(y, spec)) if type(y) is type(x) else {}
    if len(mine) != len(theirs) or any(key not in theirs for key, _ in mine):
        raise _differ(x, y)
    check_alike(x, y, spec)
    return x, [(key, part, theirs[key]) for key, part in mine]


def _differ(x: Any, y: Any) -> StructureError:
    return StructureError(
        f"a predicate of a batch chooses between {_described(x)} and {_described(y)}; give values "
        "of one structure, with arrays of one shape, in either case"
    )


def _described(x: Any) -> str:
    shape = getattr(x, "shape", None)
    return f"a {type(x).__name__}" + (f" of shape {shape}" if shape else "")
