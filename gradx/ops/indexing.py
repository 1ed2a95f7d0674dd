"""Indexing: taking items, and its transpose, adding items into zeros.

A cotangent of an indexed array is kept per index (`Scattered`) and written into one buffer at the
end, so that reading every item of a vector costs as much as reading the vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.cotangent import Structured, dense
from gradx.lifted import Lifted, apply
from gradx.op import Op
from gradx.ops.helpers import zeros_for

__all__ = ["Scattered", "getitem", "scatter"]


def _repeats(index: Any) -> bool:
    """Whether an index may name an item twice: only arrays or lists of integers can."""
    parts = index if type(index) is tuple else (index,)
    return any(
        type(part) is list or getattr(getattr(part, "dtype", None), "kind", "") in "iu"
        for part in parts
        if not isinstance(part, (int, np.integer))
    )


def _add_at(buffer: Any, index: Any, g: Any) -> None:
    """``buffer[index] += g`` in place, items that are named twice counting twice."""
    if _repeats(index):
        np.add.at(buffer, index, g)
    else:
        buffer[index] += g


def _scatter(g: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    buffer = zeros_for(g, shape)
    _add_at(buffer, index, g)
    return buffer


scatter = Op("scatter", _scatter, lambda g, *, index: g[index])
"""Zeros of a shape with a cotangent added at an index: the transpose of `getitem`."""


class Scattered(Structured):
    """The cotangent of an array of which items were taken: where they were, and theirs.

    Attributes:
        shape: the shape of the array.
        pieces: pairs of an index and the cotangent of what was taken there.
        base: a dense cotangent to add them to, or None.
    """

    __slots__ = ("base", "pieces", "shape")

    def __init__(
        self, shape: tuple[int, ...], pieces: list[tuple[Any, Any]], base: Any = None
    ) -> None:
        self.shape, self.pieces, self.base = shape, pieces, base

    def merged(self, other: Any) -> Any:
        """The sum, nothing written yet."""
        if isinstance(other, Scattered):
            self.pieces.extend(other.pieces)
            other = other.base
        if other is not None:
            other = dense(other)
            self.base = other if self.base is None else self.base + other
        return self

    def dense(self) -> Any:
        """The whole array, shape ``shape``, in one buffer."""
        base, pieces = self.base, [(index, dense(g)) for index, g in self.pieces]
        if isinstance(base, Lifted) or any(isinstance(g, Lifted) for _, g in pieces):
            for index, g in pieces:
                term = apply(scatter, (g,), {"index": index, "shape": self.shape})
                base = term if base is None else base + term
            return base
        buffer = zeros_for(pieces[0][1], self.shape)
        if base is not None:
            buffer += base
        for index, g in pieces:
            _add_at(buffer, index, g)
        return buffer


getitem = Op(
    "getitem",
    lambda x, *, index: x[index],
    lambda g, x_shape, *, index: Scattered(x_shape, [(index, g)]),
)
