"""Choosing: of two values of one form, for each example the one that a predicate says."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.spec import shape_of
from gradx.errors import StructureError
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType

__all__ = ["chosen"]


def chosen(p: Any, yes: Any, no: Any) -> Any:
    """A value like two others, with the parts of the first one for the examples where ``p`` holds.

    Raises:
        StructureError: the two are not of one form.
    """
    others: list[Any] = []

    def note(x: Any, spec: ValueType) -> Any:
        others.append(x)
        return x

    map_leaves(no, note, static=note)
    rest = iter(others)

    def leaf(x: Any, spec: ValueType) -> Any:
        y = next(rest, None)
        if x is y:
            return x
        numbers = all(isinstance(z, Lifted) or np.asarray(z).dtype.kind in "biufc" for z in (x, y))
        if not numbers or shape_of(x) != shape_of(y):
            raise StructureError(
                f"a predicate of a batch chooses between {_described(x)} and {_described(y)}; give "
                "values of one structure, with arrays of one shape, in either case"
            )
        return np.where(p, x, y)

    return map_leaves(yes, leaf, static=leaf)


def _described(x: Any) -> str:
    shape = getattr(x, "shape", None)
    return f"a {type(x).__name__}" + (f" of shape {shape}" if shape else "")
