"""Arrays: the variable of a number or an array.

Where the time goes: an arithmetic operator on numbers or arrays of one run, and a ufunc of one
argument, is done by its recorder (`gradx.recorders`). Everything else, and every operand that a
recorder does not know, goes through `gradx.lifted.apply`, with the same rules and the same nodes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.bvar import BVar, commit, plain, record, record_unary
from gradx.cotangent import STRUCTURAL
from gradx.errors import AssignmentError, NotLiftedAttributeError
from gradx.lifted import FUNCTIONS, UFUNCS, Lifted, apply
from gradx.op import Op, like_of
from gradx.ops import elementwise, indexing, numbers, products, reductions
from gradx.places import PLACES, beside, meet
from gradx.recorders import (
    UFUNC_RECORDERS,
    binary_recorder,
    connect,
    connect_protocols,
    is_operand,
    ufunc_recorder,
)
from gradx.speedups import native
from gradx.value import Kind

__all__ = ["ArrayVar", "NumberVar", "PlacedVar"]

# --- Operators ----------------------------------------------------------------------------------


def _compare(function: Callable[[Any, Any], Any]) -> Any:
    def method(self: Any, other: Any) -> Any:
        try:
            return function(self._value, other._value if isinstance(other, BVar) else other)
        except TypeError:
            meet(function.__name__, (plain(self), plain(other)))
            raise

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


def _are_matrices(a: Any, b: Any) -> bool:
    """Whether two operands are plain arrays, or variables of such, of one or two axes each."""
    for x in (a, b):
        held = x._value if type(x) is ArrayVar else x
        if type(held) is not np.ndarray or not 0 < held.ndim < 3:
            return False
    return True


def _transposed(v: Any) -> Any:
    """The transpose; of a plain matrix the cotangent may stay structured."""
    x = v._value
    if type(x) is np.ndarray and x.ndim == 2:
        return commit(v._run, (v._node, products.flipped, (), STRUCTURAL), x.T)
    return gnp.transpose(v)


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
        # The fast path of functions such as np.exp(v), and of operators with an array on the left.
        if method == "__call__" and not kwargs:
            recorder = UFUNC_RECORDERS.get(ufunc)
            if recorder is None and ufunc in UFUNCS:
                recorder = UFUNC_RECORDERS[ufunc] = ufunc_recorder(UFUNCS[ufunc], ArrayVar)
            if recorder is not None:
                result = recorder(*inputs)
                if result is not NotImplemented:
                    return result
        return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        # The fast path of sums, and of products of two.
        if func is np.sum:
            if len(args) == 1 and args[0] is self and type(self._value) is np.ndarray:
                if not kwargs:
                    return _sum_of_all(self)
                if kwargs.keys() <= _OVER:
                    return _sum_over(self, **kwargs)
        elif func is np.dot and not kwargs and len(args) == 2 and _are_matrices(*args):
            return operator.matmul(*args)
        lifted = FUNCTIONS.get(func)
        if lifted is None or PLACES:  # it raises, also where arrays are on several devices
            return Lifted.__array_function__(self, func, types, args, kwargs)
        return lifted(*args, **kwargs)

    # The recorders of the operators are set below.
    __add__: Any
    __radd__: Any
    __sub__: Any
    __rsub__: Any
    __mul__: Any
    __rmul__: Any
    __truediv__: Any
    __rtruediv__: Any
    __mod__: Any
    __rmod__: Any
    __matmul__: Any
    __rmatmul__: Any
    _power: Any
    __rpow__: Any
    __neg__: Any
    __pos__: Any
    __abs__: Any
    __lt__, __le__ = _compare(operator.lt), _compare(operator.le)
    __gt__, __ge__ = _compare(operator.gt), _compare(operator.ge)
    __eq__, __ne__ = _compare(operator.eq), _compare(operator.ne)

    def __pow__(self, other: Any) -> Any:
        if type(other) is int:  # a parameter of the op, so x ** 2 needs no logarithm
            if other == 2:
                return _squared(self)
            return record_unary(numbers.integer_power, self, {"n": other})
        return self._power(other)

    def __floordiv__(self, other: Any) -> Any:
        return apply(numbers.floor_divide, (self, other)) if is_operand(other) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return apply(numbers.floor_divide, (other, self)) if is_operand(other) else NotImplemented

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
    T = property(lambda self: _transposed(self), doc="The transpose.")
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


connect(ArrayVar)
for _names, _op in (
    ("__add__ __radd__", numbers.add),
    ("__sub__ __rsub__", numbers.subtract),
    ("__mul__ __rmul__", numbers.multiply),
    ("__truediv__ __rtruediv__", numbers.divide),
    ("__mod__ __rmod__", numbers.remainder),
    ("__matmul__ __rmatmul__", products.matmul),
    ("_power __rpow__", numbers.power),
):
    for _name, _method_of_op in zip(_names.split(), binary_recorder(_op, ArrayVar), strict=True):
        setattr(ArrayVar, _name, _method_of_op)
for _name, _op in (
    ("__neg__", numbers.negative),
    ("__pos__", numbers.positive),
    ("__abs__", numbers.absolute),
):
    setattr(ArrayVar, _name, ufunc_recorder(_op, ArrayVar))


_squared: Any = ufunc_recorder(elementwise.squared, ArrayVar)
_one_over: Any = ufunc_recorder(elementwise.one_over, ArrayVar)
_over: Any = ArrayVar.__rtruediv__


def _under(self: Any, other: Any) -> Any:
    """``other / self``; one over an array keeps the result alone, as in the logistic function."""
    kind = type(other)
    if (kind is int or kind is float) and other == 1 and type(self._value) is np.ndarray:
        return _one_over(self)
    return _over(self, other)


if native is None:
    ArrayVar.__rtruediv__ = _under
else:
    native.use(divide=numbers.divide, one_over=_one_over)


def _sum_rule(g: Any, x_shape: tuple[int, ...]) -> Any:
    return reductions.sum.rules[0].pull(g, x_shape, axis=None, keepdims=False)


_sum_of_all: Any = ufunc_recorder(
    Op("sum", lambda x: np.add.reduce(x, axis=None), _sum_rule), ArrayVar
)
"""The function np.sum without its arguments: it is what np.sum does in the end."""
_OVER = frozenset({"axis", "keepdims"})


def _sum_over_rule(g: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    return reductions.sum.rules[0].pull(g, x_shape, axis=axis, keepdims=keepdims)


def _sum_over(v: ArrayVar, axis: Any = None, keepdims: Any = False) -> Any:
    """The function np.sum over some axes of a plain array, likewise."""
    x, keepdims = v._value, bool(keepdims)
    y = np.add.reduce(x, axis=axis, keepdims=keepdims)
    kept = (x.shape, axis, keepdims)
    return commit(v._run, (v._node, _sum_over_rule, kept, like_of(x, y, False)), y)


connect_protocols(ArrayVar, _sum_of_all, _sum_rule, ufunc_recorder(products.matmul, ArrayVar))


def _unlifted(name: str) -> Any:
    return property(lambda self: _attribute(self, name))


# Properties, since a class with __getattr__ is slow to read even the attributes that it has.
for _name in {name for kind in (np.ndarray, np.float64, float, complex) for name in dir(kind)}:
    if not _name.startswith("__") and not hasattr(ArrayVar, _name):
        setattr(ArrayVar, _name, _unlifted(_name))


class NumberVar(ArrayVar, kind="number"):
    """The variable of a number or array that is neither Python's nor NumPy's."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return _attribute(self, name)


def _placed_binary(op: Op) -> tuple[Any, Any]:
    """An operator's method and its reflection, done the general way."""

    def forward(self: Any, other: Any) -> Any:
        return apply(op, (self, other)) if is_operand(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return apply(op, (other, self)) if is_operand(other) else NotImplemented

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

    def __getattr__(self, name: str) -> Any:
        return _attribute(self, name)

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
