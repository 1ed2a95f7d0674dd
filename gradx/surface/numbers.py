"""The surface of Python numbers: their operators, comparisons and methods.

A lifted number has neither a shape nor a dtype nor a length, since a float has none, and
``isinstance(v, float)`` is true of it: a program that asks takes the branch that a float takes.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.core.dispatch import Form, Lifted, apply
from gradx.core.op import Op
from gradx.core.refusals import as_index, as_key, as_number
from gradx.core.watch import tell
from gradx.errors import NotLiftedAttributeError
from gradx.ops import numbers
from gradx.ops.helpers import is_complex
from gradx.values.operations import ValueType, registry

__all__ = ["NumberSurface", "is_operand"]

_OPERANDS = (int, float, complex, Fraction, Decimal)
_SEQUENCES: tuple[type, ...] = (str, bytes, list, tuple)


_IS_OPERAND: Final = object()


def is_operand(x: Any) -> bool:
    """Whether an operator of a lifted number or array takes a value as its other operand."""
    if isinstance(x, Lifted):
        return isinstance(x, NumberSurface)
    if isinstance(x, _OPERANDS):
        return True
    if getattr(type(x), "__array_ufunc__", _IS_OPERAND) is None:
        return False  # NumPy's arrays leave such operands to their own operators, too
    return hasattr(x, "dtype") or _is_registered_number(x)


def _is_registered_number(x: Any) -> bool:
    entry = registry.find(type(x))
    return isinstance(entry, ValueType) and entry.numeric


def binary(op: Op) -> tuple[Any, Any]:
    """The method of a binary operator, and its reflection."""

    def forward(self: Any, other: Any) -> Any:
        return apply(op, (self, other)) if self._takes(other, op) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return apply(op, (other, self)) if self._takes(other, op) else NotImplemented

    return forward, reflected


def _unary(op: Op) -> Any:
    return lambda self: apply(op, (self,))


def _compare(function: Callable[[Any, Any], Any]) -> Any:
    return lambda self, other: self._compared(function, other)


def _of_function(name: str) -> Any:
    """The method that NumPy's loops over objects call for a ufunc, such as ``v.exp()``."""

    def method(self: Any, *others: Any) -> Any:
        if name in numbers.decimal_methods and isinstance(self._primal(), Decimal):
            return apply(numbers.decimal_methods[name], (self,))
        tell("object array", f"{name} of an array of objects, one item after the other")
        return getattr(np, name)(self, *others)

    method.__name__ = name
    method.__doc__ = f"As `np.{name}` of this number."
    return method


def _of_number(name: str) -> Any:
    """A special method whose result has no derivative: the result for the plain number."""

    def method(self: Any, *args: Any) -> Any:
        return getattr(math, name)(self._concrete(f"math.{name}(v)"))

    method.__name__ = f"__{name}__"
    return method


class NumberSurface(Lifted):
    """The operators, comparisons and methods of a Python number."""

    __slots__ = ()
    # Above ndarray's own, so that arrays of other libraries leave the operation to the variable.
    __array_priority__ = 1000.0

    def _takes(self, other: Any, op: Op) -> bool:
        """Whether an operator of this value takes another one as its operand.

        Raises:
            ConversionError: an integer would say how often a sequence is repeated.
        """
        if isinstance(other, _SEQUENCES) and not isinstance(other, Lifted):
            if op is numbers.multiply:
                is_whole = isinstance(self, int)  # as `__class__` answers
                if is_whole:
                    self._refuse_index()
            return False
        return is_operand(other)

    __add__, __radd__ = binary(numbers.add)
    __sub__, __rsub__ = binary(numbers.subtract)
    __mul__, __rmul__ = binary(numbers.multiply)
    __truediv__, __rtruediv__ = binary(numbers.divide)
    __floordiv__, __rfloordiv__ = binary(numbers.floor_divide)
    __mod__, __rmod__ = binary(numbers.remainder)
    _power, __rpow__ = binary(numbers.power)
    __neg__, __pos__ = _unary(numbers.negative), _unary(numbers.positive)
    __abs__ = _unary(numbers.absolute)
    __and__, __rand__ = binary(numbers.bitwise_and)
    __or__, __ror__ = binary(numbers.bitwise_or)
    __xor__, __rxor__ = binary(numbers.bitwise_xor)
    __lshift__, __rlshift__ = binary(numbers.left_shift)
    __rshift__, __rrshift__ = binary(numbers.right_shift)
    __invert__ = _unary(numbers.invert)
    __lt__, __le__ = _compare(operator.lt), _compare(operator.le)
    __gt__, __ge__ = _compare(operator.gt), _compare(operator.ge)
    __eq__, __ne__ = _compare(operator.eq), _compare(operator.ne)

    def __hash__(self) -> int:
        self._refuse_key()

    def __pow__(self, other: Any, modulus: None = None) -> Any:
        if modulus is not None:
            self._refuse_number("pow(v, n, modulus)")
        if type(other) is int:  # a parameter of the op, so x ** 2 needs no logarithm
            return apply(numbers.integer_power, (self,), {"n": other})
        return self._power(other)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    # Methods that read the number; their results have no derivative.

    def __bool__(self) -> bool:
        return bool(self._concrete("bool(v), as in 'if v' or 'v and w',"))

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._concrete("round(v)"), digits)

    __floor__, __ceil__, __trunc__ = (_of_number(name) for name in ("floor", "ceil", "trunc"))

    # Attributes and methods.

    real = property(lambda self: gnp.real(self), doc="The real part.")
    imag = property(lambda self: gnp.imag(self), doc="The imaginary part.")

    def conjugate(self) -> Any:
        """The complex conjugate; a real value is its own."""
        if not is_complex(self):
            return self
        is_number = self._spec().form is Form.NUMBER
        return apply(numbers.conjugate, (self,)) if is_number else gnp.conj(self)

    def __getattr__(self, name: str) -> Any:
        return self._attribute(name)

    def _attribute(self, name: str) -> Any:
        """An attribute that no surface has: one of the plain number without a derivative."""
        private = name.startswith("_")
        if private and any(name in vars(cls).get("__slots__", ()) for cls in type(self).__mro__):
            raise AttributeError(
                f"this {type(self).__name__} has no {name}, since no run made it; write "
                "gx.backprop(f, x) and f is called with variables"
            )
        if name.startswith("__"):
            raise AttributeError(f"{self.__class__.__name__!r} variable has no attribute {name!r}")
        kind = self._kind()
        if issubclass(kind, Decimal) and name in numbers.decimal_methods:
            return lambda: apply(numbers.decimal_methods[name], (self,))
        own = self._primal()  # which may have attributes that its class does not
        if not hasattr(kind, name) and (own is self or not hasattr(own, name)):
            raise AttributeError(f"{kind.__name__!r} variable has no attribute {name!r}")
        if name == "as_integer_ratio":
            return functools.partial(self._refuse_number, "v.as_integer_ratio()")
        if name in _WITHOUT_DERIVATIVE:
            return getattr(self._concrete(f"v.{name}"), name)
        raise NotLiftedAttributeError(
            f".{name} of a variable has no derivative in gradx; use a lifted function, or "
            f"gx.value(v).{name} if no gradient should flow through it"
        )

    # Conversions, which would lose the gradient in silence.

    def _refuse_number(self, call: str) -> NoReturn:
        raise as_number(self, call)

    def _refuse_index(self) -> NoReturn:
        raise as_index(self)

    def _refuse_key(self) -> NoReturn:
        raise as_key(self)

    def __float__(self) -> float:
        self._refuse_number("float(v)")

    def __int__(self) -> int:
        self._refuse_number("int(v)")

    def __complex__(self) -> complex:
        self._refuse_number("complex(v)")


_WITHOUT_DERIVATIVE = frozenset(
    {"is_integer", "bit_length", "bit_count", "hex"}
    | {"is_nan", "is_infinite", "is_finite", "is_zero", "is_signed"}
)
"""Methods and attributes of numbers that read the number, and have no derivative."""

_OF_UFUNCS = (
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh"),
    *("arccosh", "arctanh", "deg2rad", "rad2deg", "degrees", "radians", "fabs", "reciprocal"),
    *("rint", "sign", "arctan2", "hypot", "fmod", "logical_not", "logical_xor"),
)
for _name in _OF_UFUNCS:
    setattr(NumberSurface, _name, _of_function(_name))
