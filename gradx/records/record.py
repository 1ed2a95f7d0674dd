"""Records: arithmetic on whole dataclasses, leaf by leaf.

``net - rate * gradient`` works on the leaves of two records of one structure, or of a record and
a number; static parts are left alone.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar, dataclass_transform, overload

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.spec import shape_of
from gradx.lens.field import add_field_lenses
from gradx.records.tree_map import leafwise
from gradx.values.builtin import param, static

__all__ = ["Record", "combined", "mapped", "record"]

T = TypeVar("T")
Number = complex | np.number[Any]


def _is_number(x: Any) -> bool:
    if isinstance(x, Lifted):
        return shape_of(x) == ()
    if isinstance(x, (int, float, complex)):
        return True
    return hasattr(x, "dtype") and x.shape == () and x.dtype.kind in "fciu"


Function = Callable[[Any, Any], Any]


def combined(x: Any, y: Any, function: Function) -> Any:
    """A record combined with a number or with a record of its structure.

    Args:
        x: the record.
        y: the other operand.
        function: of two leaves.
    """
    if type(y) is type(x):
        return leafwise(function, x, (y,))
    return leafwise(function, x, (), (y,)) if _is_number(y) else NotImplemented


def _binary(function: Function) -> tuple[Any, Any]:
    def turned(a: Any, b: Any) -> Any:
        return function(b, a)

    turned.__name__ = function.__name__

    def forward(self: Any, other: Any) -> Any:
        return combined(self, other, function)

    def reflected(self: Any, other: Any) -> Any:
        return combined(self, other, turned)

    return forward, reflected


def mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    """A record of the results of a function on each of its numbers and arrays."""
    return leafwise(function, x)


def _unary(function: Callable[[Any], Any]) -> Any:
    return lambda self: mapped(self, function)


def _operators() -> Iterator[tuple[str, Any]]:
    for name in ("add", "sub", "mul", "truediv", "pow"):
        forward, reflected = _binary(getattr(operator, f"__{name}__"))
        yield f"__{name}__", forward
        yield f"__r{name}__", reflected
    for name in ("neg", "pos", "abs"):
        yield f"__{name}__", _unary(getattr(operator, f"__{name}__"))
    # NumPy's arrays and numbers leave an operation with a record to the record.
    yield "__array_ufunc__", None


_OPERATORS = MappingProxyType(dict(_operators()))
"""The methods, one for all records: an array library knows their functions by identity."""


def _add_arithmetic(cls: type) -> None:
    """Give a class the operators that it does not define itself."""
    for name, method in _OPERATORS.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)


@overload
def record(cls: type[T], /) -> type[T]: ...


@overload
def record(**options: Any) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(field_specifiers=(dataclasses.field, static, param))
def record(cls: type[T] | None = None, /, **options: Any) -> Any:
    """Decorator: a dataclass with arithmetic, ``+ - * / ** neg abs``, and lenses on the class.

    An operand is a record of the same class and structure, or a number. Operators that the class
    defines itself are kept. A field annotated ``gx.Field[A]`` is an ``A``, and on the class it is
    the lens to it.

    Args:
        cls: a class; it is made a dataclass if it is not one yet.
        options: what `dataclasses.dataclass` takes, such as ``frozen=True``.

    >>> @record
    ... class Point:
    ...     x: float
    ...     y: float
    ...     name: str = "p"
    >>> Point(1.0, 2.0) - 0.5 * Point(2.0, 2.0)
    Point(x=0.0, y=1.0, name='p')
    """
    if cls is None:
        return lambda c: record(c, **options)
    if options or "__dataclass_fields__" not in cls.__dict__:
        cls = dataclasses.dataclass(**options)(cls)
    if not issubclass(cls, Record):  # which inherits them, or those of another base
        _add_arithmetic(cls)
    add_field_lenses(cls)
    return cls


@dataclass_transform(field_specifiers=(dataclasses.field, static, param))
class Record:
    """Base class: the same as `@record`, with arithmetic that type checkers know of.

    A decorator cannot tell a type checker that the class has operators now; a base class can.
    Options of `dataclasses.dataclass` are class arguments: ``class Net(Record, frozen=True)``.

    Raises:
        TypeError: (of a subclass) ``slots=True``, with which `dataclass` makes another class.

    >>> class Point(Record):
    ...     x: float
    ...     y: float
    >>> Point(1.0, 2.0) - 0.5 * Point(2.0, 2.0)
    Point(x=0.0, y=1.0)
    """

    __array_ufunc__ = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__()
        if options.get("slots"):
            raise TypeError(
                f"{cls.__name__} cannot have slots=True as a subclass of gx.Record, since that "
                "makes another class; write @gx.record(slots=True) over a class without this base"
            )
        record(cls, **options)

    if TYPE_CHECKING:  # for type checkers; `_add_arithmetic` makes them

        def __add__(self, other: Self | Number, /) -> Self: ...
        def __radd__(self, other: Number, /) -> Self: ...
        def __sub__(self, other: Self | Number, /) -> Self: ...
        def __rsub__(self, other: Number, /) -> Self: ...
        def __mul__(self, other: Self | Number, /) -> Self: ...
        def __rmul__(self, other: Number, /) -> Self: ...
        def __truediv__(self, other: Self | Number, /) -> Self: ...
        def __rtruediv__(self, other: Number, /) -> Self: ...
        def __pow__(self, other: Self | Number, /) -> Self: ...
        def __rpow__(self, other: Number, /) -> Self: ...
        def __neg__(self) -> Self: ...
        def __pos__(self) -> Self: ...
        def __abs__(self) -> Self: ...


_add_arithmetic(Record)
