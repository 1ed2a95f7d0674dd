"""Operands of a batched operation: which have the batch axis, and how axes are brought in line.

In the next lower run a batched operand has the batch along axis 0 and the axes of an example after
it; any other operand is as it was, and NumPy repeats it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.batch.counts import Count
from gradx.core.assignment import frozen
from gradx.core.dispatch import Lifted, has_variables
from gradx.core.objects import joined
from gradx.core.op import Op
from gradx.core.spec import Spec
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType

__all__ = [
    "FEW_ITEMS",
    "Operand",
    "Rule",
    "aligned",
    "filled",
    "flat",
    "has_operands",
    "shifted",
    "taken_apart",
    "whole",
]

Rule = Callable[[Op, Sequence["Operand"], dict[str, Any], int], Any]
"""A batching rule: of an op, its operands, its parameters and the number of examples.

It gives the results of all examples, with the batch along axis 0.
"""


FEW_ITEMS = 64
"""Items of an example up to which the examples lie next to one another in memory.

NumPy's loops go along memory: over the examples, and not over the few items of each. See the
benchmark row "per-example gradients".
"""


class Operand:
    """An operand as the next lower run has it.

    Attributes:
        value: the value.
        spec: that of one example.
        batched: whether the value has the batch along axis 0.
    """

    __slots__ = ("batched", "spec", "value")

    def __init__(self, value: Any, spec: Spec, batched: bool) -> None:
        self.value, self.spec, self.batched = value, spec, batched

    @property
    def shape(self) -> tuple[int, ...]:
        """That of an example."""
        return self.spec.shape

    @property
    def ndim(self) -> int:
        """The number of axes of an example."""
        return len(self.spec.shape)


def aligned(x: Operand, ndim: int) -> Any:
    """The value, with axes of length 1 after the batch axis so that an example has so many."""
    missing = ndim - len(x.spec.shape)
    if not x.batched or missing <= 0:
        return x.value
    return np.reshape(x.value, (x.value.shape[0], *(1,) * missing, *x.spec.shape))


def whole(x: Operand, size: int) -> Any:
    """The value with a batch axis: what has none is repeated, without a copy."""
    return x.value if x.batched else np.broadcast_to(x.value, (size, *x.spec.shape))


def flat(x: Operand, size: int) -> Any:
    """The value with one axis for the examples' items."""
    n = math.prod(x.spec.shape)
    return x.value if x.ndim == 1 else np.reshape(x.value, (size, n))


def shifted(axis: Any, ndim: int) -> Any:
    """An axis of an example, or several, as those of the value.

    Raises:
        AxisError: NumPy's own, for one that an example does not have; it is not that of the batch.
    """
    if isinstance(axis, (tuple, list)):
        return tuple(shifted(a, ndim) for a in axis)
    return normalize_axis_index(axis, ndim) + 1


def has_operands(x: Any) -> bool:
    """Whether there is a batched value in a parameter."""
    if isinstance(x, Operand):
        return True
    if type(x) in (tuple, list):
        return any(map(has_operands, x))
    return type(x) is dict and any(map(has_operands, x.values()))


# --- Operands inside of other values --------------------------------------------------------------


class _Place:
    """Where an operand stands among the arguments."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class _Record:
    """A value of another type with operands in it: which leaves, in order, are operands."""

    __slots__ = ("leaves", "value")

    def __init__(self, value: Any, leaves: list[Any]) -> None:
        self.value, self.leaves = value, leaves


def taken_apart(x: Any, places: list[Any]) -> Any:
    """Arguments with places for their lifted values and lengths, which are added to a list."""
    x = joined(x)
    if isinstance(x, Lifted) or type(x) is Count:
        places.append(frozen(x))
        return _Place(len(places) - 1)
    if type(x) in (tuple, list):
        return type(x)(taken_apart(part, places) for part in x)
    if type(x) is dict:
        return {key: taken_apart(part, places) for key, part in x.items()}
    if not has_variables(x):
        return x
    leaves: list[Any] = []

    def note(v: Any, spec: ValueType) -> Any:
        leaves.append(taken_apart(v, places))
        return v

    return _Record(map_leaves(x, note, "an argument", static=note), leaves)


def filled(x: Any, xs: Any) -> Any:
    """Arguments with values in those places."""
    if type(x) is _Place:
        return xs[x.number]
    if type(x) in (tuple, list):
        return type(x)(filled(part, xs) for part in x)
    if type(x) is dict:
        return {key: filled(part, xs) for key, part in x.items()}
    if type(x) is not _Record:
        return x
    rest = iter(x.leaves)

    def fill(v: Any, spec: ValueType) -> Any:
        return filled(next(rest), xs)

    return map_leaves(x.value, fill, "an argument", static=fill)
