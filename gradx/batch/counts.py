"""Chosen items: what a mask that differs from example to example takes of an array.

There is another number of them in each example, so they are no rows of one array: those of all
examples lie one after the other, the first example's first. How many there are is a length that has
no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from gradx.core.dispatch import Lifted, holds
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import Form, Spec
from gradx.errors import ConversionError

__all__ = ["Chosen", "Count", "Items"]


class Count:
    """The length of an axis that has another one in each example.

    Args:
        numbers: for each item along the axis, of all examples, the number of its example: sorted.
        size: the number of examples.
        lengths: the length in each example: an array of the host, or of an outer batch of which
            each example has others; by default it is counted.
    """

    __slots__ = ("lengths", "numbers", "size")

    def __init__(self, numbers: Any, size: int, lengths: Any = None) -> None:
        self.numbers, self.size = numbers, size
        self.lengths = np.bincount(numbers, minlength=size) if lengths is None else lengths

    @property
    def is_nested(self) -> bool:
        """Whether each example of an outer batch has lengths of its own."""
        return isinstance(self.numbers, Lifted)

    def part(self, i: int) -> slice:
        """Where the items of an example are.

        Raises:
            ConversionError: it is another place in each example of an outer batch.
        """
        if self.is_nested:
            raise as_other_shapes("an array at a mask of an outer gx.vmap", self.numbers)
        start = int(np.sum(self.lengths[:i]))
        return slice(start, start + int(self.lengths[i]))

    def length(self, i: int) -> int:
        """The length in an example."""
        part = self.part(i)
        return int(part.stop - part.start)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Count) or self.size != other.size:
            return False
        return self is other or not holds(np.any(self.lengths != other.lengths))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "?"

    def _refuse(self, *_: Any) -> NoReturn:
        raise ConversionError(
            "write np.count_nonzero(mask) for the number of items, or np.where(mask, a, b), which "
            "keeps the shape: the length of an array at a mask differs from example to example"
        )

    __index__ = __int__ = __float__ = __bool__ = __neg__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = _refuse
    __truediv__ = __rtruediv__ = __lt__ = __le__ = __gt__ = __ge__ = __mod__ = _refuse


class Chosen(Spec):
    """The spec of chosen items: of one example, whose shape has a `Count`."""

    __slots__ = ()

    @property
    def axis(self) -> int:
        """The axis with that length."""
        shape: Any = self.shape
        return next(i for i, n in enumerate(shape) if type(n) is Count)

    @property
    def many(self) -> Count:
        """That length: how many items each example has."""
        shape: Any = self.shape
        found: Count = shape[self.axis]
        return found

    def counted(self, many: Count) -> Chosen:
        """The spec with another such length."""
        shape: Any = self.shape
        new: Any = tuple(many if type(n) is Count else n for n in shape)
        return Chosen(new, self.dtype, self.form)


class Items(NamedTuple):
    """What a rule gives for chosen items.

    Attributes:
        value: the items of all examples along axis 0, and the other axes after it.
        many: how many each example has.
        axis: which axis of an example they are along.
    """

    value: Any
    many: Count
    axis: int

    def joined(self, parts: Sequence[Any]) -> Items:
        """The items of all examples, from those of each."""
        moved = [np.moveaxis(x, self.axis, 0) if self.axis else x for x in parts]
        return self._replace(value=np.concatenate(moved))

    def spec(self) -> Chosen:
        """The spec of an example."""
        rest = tuple(self.value.shape[1:])
        shape: Any = (*rest[: self.axis], self.many, *rest[self.axis :])
        return Chosen(shape, self.value.dtype, Form.ARRAY)
