"""Operands of a batched operation: which have the batch axis, and how axes are brought in line.

In the next lower run a batched operand has the batch along axis 0 and the axes of an example after
it; any other operand is as it was, and NumPy repeats it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.core.assignment import frozen
from gradx.core.dispatch import Lifted
from gradx.core.objects import joined
from gradx.core.op import Op
from gradx.core.spec import Spec

__all__ = [
    "FEW_ITEMS",
    "Operand",
    "Rule",
    "aligned",
    "filled",
    "flat",
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
    """An axis of an example, or several, as those of the value."""
    if isinstance(axis, (tuple, list)):
        return tuple(shifted(a, ndim) for a in axis)
    return axis + 1 if axis >= 0 else axis + ndim + 1


# --- Operands inside of other values --------------------------------------------------------------


class _Place:
    """Where an operand stands among the arguments."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def taken_apart(x: Any, places: list[Any]) -> Any:
    """Arguments with places for their lifted values, which are added to a list."""
    x = joined(x)
    if isinstance(x, Lifted):
        places.append(frozen(x))
        return _Place(len(places) - 1)
    return _mapped(x, lambda part: taken_apart(part, places))


def filled(x: Any, xs: Any) -> Any:
    """Arguments with values in those places."""
    return xs[x.number] if type(x) is _Place else _mapped(x, lambda part: filled(part, xs))


def _mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    """A tuple, list or dict with the results of a function of its parts; any other value itself."""
    if hasattr(x, "_fields"):
        return type(x)(*map(function, x))
    if type(x) in (tuple, list):
        return type(x)(map(function, x))
    return {key: function(part) for key, part in x.items()} if type(x) is dict else x
