"""Arrays: the variable of a number or an array.

Where the time goes: an arithmetic operator on numbers or arrays of one run is done by `_binary`,
which writes the edges itself, and a ufunc of one argument goes straight to the tape. Everything
else, and every operand they do not know, goes through `gradx.lifted.apply`, with the same rules
and the same nodes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.bvar import BVar, commit, plain, record, record_unary
from gradx.errors import AssignmentError, NotLiftedAttributeError
from gradx.lifted import UFUNCS, Lifted, apply
from gradx.op import Op, like_of
from gradx.ops import indexing, numbers, products
from gradx.places import beside, meet
from gradx.value import Kind, ValueType, registry

__all__ = ["ArrayVar", "PlacedVar"]

_new = object.__new__


# --- Operators ----------------------------------------------------------------------------------

_CONSTANTS = frozenset(
    {float, int, bool, complex, np.ndarray, np.float64, np.float32, np.int64, Fraction, Decimal}
)
_OPERANDS = (int, float, complex, Fraction, Decimal, list, tuple)


def _is_operand(x: Any) -> bool:
    return (
        isinstance(x, _OPERANDS)
        or (isinstance(x, Lifted) and getattr(x, "_numeric", False))
        or hasattr(x, "dtype")
        or _is_registered_number(x)
    )


def _is_registered_number(x: Any) -> bool:
    entry = registry.find(type(x))
    return isinstance(entry, ValueType) and entry.kind is Kind.NUMERIC


def _alike(a: Any, b: Any, y: Any) -> bool:
    """Whether two arrays and their combination are of one shape and dtype."""
    return (
        type(a) is np.ndarray
        and type(b) is np.ndarray
        and a.dtype is b.dtype is y.dtype
        and a.shape == b.shape
    )


def _binary(op: Op) -> tuple[Any, Any]:
    """An operator's method and its reflection.

    The fast path: both operands are plain, or variables of this run, and each edge is written
    here. Lifted operands of other runs go the general way.
    """
    function, (rule_a, rule_b), broadcasts = op.forward, op.rules, op.broadcasts
    pull_a, save_a, pull_b, save_b = rule_a.pull, rule_a.save, rule_b.pull, rule_b.save

    def forward(self: Any, other: Any) -> Any:
        run, a = self._run, self._value
        kind = type(other)
        if kind in _CONSTANTS:
            y = function(a, other)
            like = (
                None
                if type(y) is float
                or (kind is float and type(y) is np.ndarray is type(a) and y.dtype is a.dtype)
                else like_of(a, y, broadcasts)
            )
            node: Any = (self._node, pull_a, save_a(y, (a, other)), like)
        elif kind is ArrayVar and other._run is run:
            b = other._value
            y, pair = function(a, b), (a, b)
            if type(y) is float or (broadcasts and _alike(a, b, y)):
                like = like_b = None
            else:
                like, like_b = like_of(a, y, broadcasts), like_of(b, y, broadcasts)
            node = [
                (self._node, pull_a, save_a(y, pair), like),
                (other._node, pull_b, save_b(y, pair), like_b),
            ]
        elif _is_operand(other):
            return apply(op, (self, other))
        else:
            return NotImplemented
        kind = type(y)
        if kind is not float and kind is not np.ndarray:
            return commit(run, node, y)
        nodes = run.nodes
        if nodes is None:
            raise run.escaped(a)
        nodes.append(node)
        v = _new(ArrayVar)
        v._run, v._node, v._value = run, node, y
        return v

    def reflected(self: Any, other: Any) -> Any:
        if type(other) not in _CONSTANTS:
            return apply(op, (other, self)) if _is_operand(other) else NotImplemented
        run, b = self._run, self._value
        y = function(other, b)
        node = (self._node, pull_b, save_b(y, (other, b)), like_of(b, y, broadcasts))
        return commit(run, node, y)

    return forward, reflected


def _compare(function: Callable[[Any, Any], Any]) -> Any:
    def method(self: Any, other: Any) -> Any:
        try:
            return function(self._value, other._value if isinstance(other, BVar) else other)
        except TypeError:
            meet(function.__name__, (plain(self), plain(other)))
            raise

    return method


def _unary(op: Op) -> Any:
    def method(self: Any) -> Any:
        return record_unary(op, self)

    return method


def _method(name: str) -> Any:
    """The array method that is the NumPy function of the same name."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._call(getattr(gnp, name), self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As `np.{name}` of this array."
    return method


def _of_value(name: str) -> Any:
    """The array method whose result has no derivative: that of the plain value."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._call(getattr(plain(self), name), *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"``{name}`` of the plain array; the result has no derivative."
    return method


def _writing(name: str, remedy: str) -> Any:
    """The array method that would change the array."""

    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise AssignmentError(
            f".{name} would change a variable in place, and a variable does not change; write "
            f"{remedy}"
        )

    method.__name__ = name
    return method


def _attribute_of_value(name: str) -> Any:
    return property(operator.attrgetter(f"_value.{name}"))


class ArrayVar(BVar, kind=Kind.NUMERIC):
    """The variable of a number or an array, with the operators, methods and attributes of one."""

    __slots__ = ()
    _numeric: ClassVar[bool] = True
    # Above ndarray's own, so that arrays of other libraries leave the operation to the variable.
    __array_priority__ = 1000.0

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function where this variable's array is."""
        return function(*args, **kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # The fast path of functions such as np.exp(v); the rest goes the general way.
        if len(inputs) == 1 and method == "__call__" and not kwargs:
            op = UFUNCS.get(ufunc)
            if op is not None and op.arity == 1:
                return record_unary(op, self)
        return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)

    __add__, __radd__ = _binary(numbers.add)
    __sub__, __rsub__ = _binary(numbers.subtract)
    __mul__, __rmul__ = _binary(numbers.multiply)
    __truediv__, __rtruediv__ = _binary(numbers.divide)
    __mod__, __rmod__ = _binary(numbers.remainder)
    __matmul__, __rmatmul__ = _binary(products.matmul)
    _power, __rpow__ = _binary(numbers.power)
    __neg__ = _unary(numbers.negative)
    __pos__ = _unary(numbers.positive)
    __abs__ = _unary(numbers.absolute)
    __lt__, __le__ = _compare(operator.lt), _compare(operator.le)
    __gt__, __ge__ = _compare(operator.gt), _compare(operator.ge)
    __eq__, __ne__ = _compare(operator.eq), _compare(operator.ne)

    def __pow__(self, other: Any) -> Any:
        if type(other) is int:  # a parameter of the op, so x ** 2 needs no logarithm
            return record_unary(numbers.integer_power, self, {"n": other})
        return self._power(other)

    def __floordiv__(self, other: Any) -> Any:
        return apply(numbers.floor_divide, (self, other)) if _is_operand(other) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return apply(numbers.floor_divide, (other, self)) if _is_operand(other) else NotImplemented

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __round__(self, digits: int | None = None) -> Any:
        return round(plain(self), digits)

    def __getitem__(self, index: Any) -> Any:
        return record_unary(indexing.getitem, self, {"index": index})

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, item: Any) -> bool:
        return plain(item) in plain(self)

    # Attributes and methods of arrays.

    shape, ndim, size = (_attribute_of_value(name) for name in ("shape", "ndim", "size"))
    dtype, itemsize, nbytes = (_attribute_of_value(n) for n in ("dtype", "itemsize", "nbytes"))
    T = property(lambda self: gnp.transpose(self), doc="The transpose.")
    mT = property(lambda self: gnp.matrix_transpose(self), doc="The last two axes exchanged.")
    real = property(lambda self: gnp.real(self), doc="The real part.")
    imag = property(lambda self: gnp.imag(self), doc="The imaginary part.")

    sum, mean, prod = _method("sum"), _method("mean"), _method("prod")
    max, min, std, var = _method("max"), _method("min"), _method("std"), _method("var")
    cumsum, cumprod, dot = _method("cumsum"), _method("cumprod"), _method("dot")
    ravel, flatten, swapaxes = _method("ravel"), _method("ravel"), _method("swapaxes")
    squeeze, astype, clip = _method("squeeze"), _method("astype"), _method("clip")
    conj, conjugate, copy = _method("conj"), _method("conj"), _method("copy")
    diagonal, trace, repeat = _method("diagonal"), _method("trace"), _method("repeat")
    take, round = _method("take"), _method("round")

    all, any, nonzero = _of_value("all"), _of_value("any"), _of_value("nonzero")
    argmax, argmin, argsort = _of_value("argmax"), _of_value("argmin"), _of_value("argsort")
    argpartition, searchsorted = _method("argpartition"), _method("searchsorted")

    sort = _writing("sort", "np.sort(v)")
    partition = _writing("partition", "np.partition(v, k)")
    fill = _writing("fill", "value * np.ones_like(v)")
    resize = _writing("resize", "np.resize(v, shape)")
    put = _writing("put", "np.where(mask, new, v)")

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """As `np.reshape`; the shape as one argument or as several."""
        return gnp.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        """As `np.transpose`; the axes as one argument or as several."""
        return gnp.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def item(self, *args: Any) -> NoReturn:
        """Refused: it would drop the gradient."""
        self._refuse_number("v.item()")

    def tolist(self) -> NoReturn:
        """Refused: it would drop the gradient."""
        self._refuse_number("v.tolist()")

    def __getattr__(self, name: str) -> Any:
        return _attribute(self, name)


def _placed_binary(op: Op) -> tuple[Any, Any]:
    """An operator's method and its reflection, done the general way."""

    def forward(self: Any, other: Any) -> Any:
        return apply(op, (self, other)) if _is_operand(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return apply(op, (other, self)) if _is_operand(other) else NotImplemented

    return forward, reflected


def _placed_compare(function: Callable[[Any, Any], Any]) -> Any:
    def method(self: Any, other: Any) -> Any:
        a, b = plain(self), plain(other)
        meet(function.__name__, (a, b))
        return self._call(function, a, b)

    return method


def _placed_unary(op: Op) -> Any:
    return lambda self: apply(op, (self,))


class PlacedVar(ArrayVar, kind="placed"):
    """The variable of an array on a device.

    Every operation goes the general way, which finds the device and works there.
    """

    __slots__ = ()

    @classmethod
    def _process(
        cls, run: Any, op: Op, operands: Sequence[Any], params: dict[str, Any] | None
    ) -> Any:
        return record(run, op, operands, params)

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with beside(plain(self)):
            return function(*args, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._call(super().__array_function__, func, types, args, kwargs)

    __array_ufunc__ = Lifted.__array_ufunc__
    __add__, __radd__ = _placed_binary(numbers.add)
    __sub__, __rsub__ = _placed_binary(numbers.subtract)
    __mul__, __rmul__ = _placed_binary(numbers.multiply)
    __truediv__, __rtruediv__ = _placed_binary(numbers.divide)
    __mod__, __rmod__ = _placed_binary(numbers.remainder)
    __matmul__, __rmatmul__ = _placed_binary(products.matmul)
    _power, __rpow__ = _placed_binary(numbers.power)
    __lt__, __le__ = _placed_compare(operator.lt), _placed_compare(operator.le)
    __gt__, __ge__ = _placed_compare(operator.gt), _placed_compare(operator.ge)
    __eq__, __ne__ = _placed_compare(operator.eq), _placed_compare(operator.ne)
    __neg__ = _placed_unary(numbers.negative)
    __pos__ = _placed_unary(numbers.positive)
    __abs__ = _placed_unary(numbers.absolute)

    def __pow__(self, other: Any) -> Any:
        if type(other) is int:
            return apply(numbers.integer_power, (self,), {"n": other})
        return self._power(other)

    def __getitem__(self, index: Any) -> Any:
        return indexing.taken(self, index)


def _attribute(v: ArrayVar, name: str) -> Any:
    """An attribute that the variable does not have: a method of Decimal's, or an error."""
    held = plain(v)
    if isinstance(held, Decimal) and name in numbers.decimal_methods:
        return lambda: apply(numbers.decimal_methods[name], (v,))
    if name.startswith("__") or not hasattr(held, name):
        raise AttributeError(f"{type(held).__name__!r} variable has no attribute {name!r}")
    raise NotLiftedAttributeError(
        f".{name} of a variable has no derivative in gradx; use a lifted function, or "
        f"gx.value(v).{name} if no gradient should flow through it"
    )
