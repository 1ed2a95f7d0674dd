"""Tuples with elementwise arithmetic: ``T2``, ``T3`` and a tuple of any size.

Plain tuples can be differentiated as they are. These tuples can also be added and scaled, so that
a pair of parameters can take a step as a record does: ``pair - 0.1 * gradient``.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gradx.errors import StructureError
from gradx.records.record import combined, mapped

__all__ = ["T2", "T3", "NumTuple"]


class NumTuple(tuple[Any, ...]):
    """A tuple of any size with elementwise arithmetic, ``+ - * / ** neg abs``.

    The other operand is a tuple of the same class and structure, or a number. A gradient with
    respect to such a tuple is of the same class.

    Args:
        items: the items, of any types that have these operators.

    >>> NumTuple(1.0, 2.0, 3.0) - 0.5 * NumTuple(2.0, 2.0, 2.0)
    NumTuple(0.0, 1.0, 2.0)
    >>> import gradx as gx
    >>> gx.grad_bp(lambda t: sum(t * t), NumTuple(1.0, 2.0))
    NumTuple(2.0, 4.0)
    """

    __slots__ = ()
    _size: ClassVar[int | None] = None
    # NumPy's arrays and numbers leave an operation with a tuple to the tuple.
    __array_ufunc__: ClassVar[None] = None

    def __new__(cls, *items: Any) -> Self:  # noqa: D102
        if cls._size not in (None, len(items)):
            raise StructureError(
                f"a {cls.__name__} has {cls._size} items and was given {len(items)}; write each as "
                "an argument, or use gx.NumTuple for any number of items"
            )
        return tuple.__new__(cls, items)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self))})"

    def __add__(self, other: Any) -> Self:
        return combined(self, other, operator.add)  # type: ignore[no-any-return]

    def __radd__(self, other: Any) -> Self:
        return combined(self, other, lambda a, b: operator.add(b, a))  # type: ignore[no-any-return]

    def __sub__(self, other: Any) -> Self:
        return combined(self, other, operator.sub)  # type: ignore[no-any-return]

    def __rsub__(self, other: Any) -> Self:
        return combined(self, other, lambda a, b: operator.sub(b, a))  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Self:
        return combined(self, other, operator.mul)  # type: ignore[no-any-return]

    def __rmul__(self, other: Any) -> Self:
        return combined(self, other, lambda a, b: operator.mul(b, a))  # type: ignore[no-any-return]

    def __truediv__(self, other: Any) -> Self:
        return combined(self, other, operator.truediv)  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Any) -> Self:
        return combined(self, other, lambda a, b: operator.truediv(b, a))  # type: ignore[no-any-return]

    def __pow__(self, other: Any) -> Self:
        return combined(self, other, operator.pow)  # type: ignore[no-any-return]

    def __rpow__(self, other: Any) -> Self:
        return combined(self, other, lambda a, b: operator.pow(b, a))  # type: ignore[no-any-return]

    def __neg__(self) -> Self:
        return mapped(self, operator.neg)  # type: ignore[no-any-return]

    def __pos__(self) -> Self:
        return mapped(self, operator.pos)  # type: ignore[no-any-return]

    def __abs__(self) -> Self:
        return mapped(self, operator.abs)  # type: ignore[no-any-return]


class T2(NumTuple):
    """A pair with arithmetic.

    >>> x, y = T2(3.0, 4.0) / 2
    >>> x, y
    (1.5, 2.0)
    """

    __slots__ = ()
    _size = 2

    if TYPE_CHECKING:

        def __new__(cls, first: Any, second: Any, /) -> Self: ...  # noqa: D102


class T3(NumTuple):
    """A triple with arithmetic."""

    __slots__ = ()
    _size = 3

    if TYPE_CHECKING:

        def __new__(cls, first: Any, second: Any, third: Any, /) -> Self: ...  # noqa: D102
