"""Chosen items: what a mask that differs from example to example takes of an array.

There is another number of them in each example, so they are no rows of one array: those of all
examples lie one after the other, the first example's first. How many there are is a length that has
no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from gradx.core.dispatch import Lifted, holds
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import Form, Spec, primal, shape_of
from gradx.errors import ConversionError
from gradx.ops.helpers import array_for, first_device_array
from gradx.values.builtin import STATIC
from gradx.values.operations import registry

__all__ = ["Chosen", "Count", "Items", "in_one"]


class Count:
    """The length of an axis that has another one in each example.

    Args:
        numbers: for each item along the axis, of all examples, the number of its example: sorted.
        size: the number of examples.
        lengths: the length in each example: an array of the host, or of an outer batch of which
            each example has others; by default it is counted.

    Attributes:
        run: the batch run, once there is a value of it with the length.
    """

    __slots__ = ("lengths", "numbers", "run", "size")

    def __init__(self, numbers: Any, size: int, lengths: Any = None) -> None:
        self.numbers, self.size = numbers, size
        self.run: Any = None
        self.lengths = np.bincount(numbers, minlength=size) if lengths is None else lengths

    @property
    def is_nested(self) -> bool:
        """Whether each example of an outer batch has lengths of its own."""
        return isinstance(self.numbers, Lifted)

    def part(self, i: int) -> Any:
        """Where the items of an example are: a slice, or a mask where an outer batch has others."""
        if self.is_nested:
            return self.numbers == i
        start = int(np.sum(self.lengths[:i]))
        return slice(start, start + int(self.lengths[i]))

    def length(self, i: int) -> Any:
        """The length in an example, which has no number where an outer batch has others."""
        part = self.part(i)
        return part.stop - part.start if type(part) is slice else self.numbers[part].shape[0]

    def regular(self) -> int | None:
        """The length, if it is the same in all examples by chance; None if it is not."""
        lengths = primal(self.lengths)
        while isinstance(lengths, Lifted):
            lengths = primal(lengths._numbers())
        n = None if lengths is None else int(lengths.ravel()[0])
        return None if n is None or np.any(lengths != n) else n

    def agrees(self, other: Count) -> bool:
        """Whether each example has as many items as of another length."""
        if self is other:
            return True
        return self.size == other.size and not holds(np.any(self.lengths != other.lengths))

    def __eq__(self, other: object) -> bool:
        """Whether it is another length, or a number, in each example.

        It is never 1, of which NumPy repeats what is beside it.

        Raises:
            ConversionError: it is 0, for which programs look, in some of the examples alone.
        """
        if isinstance(other, Count):
            return self.agrees(other)
        if type(other) is not int or other == 1:
            return False
        if not holds(np.any(self.lengths != other)):
            return True
        if other == 0 and holds(np.any(self.lengths == other)):
            self._refuse()
        return False

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


class Items:
    """What a rule gives for chosen items.

    Attributes:
        value: the items of all examples along axis 0, and the other axes after it.
        many: how many each example has.
        axis: which axis of an example they are along.
    """

    __slots__ = ("axis", "many", "value")

    def __init__(self, value: Any, many: Count, axis: int) -> None:
        self.value, self.many, self.axis = value, many, axis

    def joined(self, parts: Sequence[Any]) -> Items:
        """The items of all examples, from those of each."""
        return Items(_concatenated(parts, self.axis), self.many, self.axis)

    def spec(self) -> Chosen:
        """The spec of an example."""
        rest = tuple(self.value.shape[1:])
        shape: Any = (*rest[: self.axis], self.many, *rest[self.axis :])
        return Chosen(shape, self.value.dtype, Form.ARRAY)


registry.register(Items, STATIC)  # a leaf of a result of several


def _concatenated(parts: Sequence[Any], axis: int) -> Any:
    """Arrays one after the other along an axis, which comes first."""
    return np.concatenate([np.moveaxis(x, axis, 0) if axis else x for x in parts])


def in_one(parts: Sequence[Any], name: str) -> Any:
    """The numbers or arrays of all examples: with the batch along axis 0, or as chosen items.

    Args:
        parts: that of each example, plain or lifted.
        name: what gave them, for the message.

    Raises:
        ConversionError: they differ in more than the length of one axis.
    """
    shapes = list(map(shape_of, parts))
    if len(set(map(len, shapes))) > 1:
        raise as_other_shapes(name, parts[0])
    columns = list(zip(*shapes, strict=True))
    axes = [axis for axis, column in enumerate(columns) if _differs(column)]
    if not axes:
        return np.stack(parts)
    if len(axes) > 1:
        raise as_other_shapes(name, parts[0])
    (axis,) = axes
    value, lengths = _concatenated(parts, axis), columns[axis]
    if all(type(n) is int for n in lengths):
        numbers = np.repeat(np.arange(len(parts)), lengths)
        like = first_device_array(parts)
        count = Count(array_for(numbers, like), len(parts), np.array(lengths, int))
    else:
        count = Count(_numbers_of(parts, axis), len(parts))
    return Items(value, count, axis)


def _differs(column: Sequence[Any]) -> bool:
    """Whether lengths differ: from one another, or in an outer batch."""
    first = column[0]
    return any(type(n) is Count or n != first for n in column)


def _numbers_of(parts: Sequence[Any], axis: int) -> Any:
    """For each item along an axis of some arrays the number of its array, in an outer batch."""
    rest = tuple(i for i in range(len(shape_of(parts[0]))) if i != axis)
    counted = [np.any(x != x, axis=rest) if rest else x != x for x in map(primal, parts)]
    return np.concatenate([0 * x + i for i, x in enumerate(counted)])
