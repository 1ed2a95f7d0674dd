"""BVars: the handle that a differentiated function works on.

The third noun. A `BVar` holds a value, the tape of its run and the node it comes from. It is only
a handle: the node knows nothing of it. `ArrayVar` is the kind for numbers and arrays; the kinds
for records and containers are in `gradx.structures`.

Where the time goes: an arithmetic operator on numbers or arrays of one run is done by `_binary`
below, which writes the edges itself. Everything else, and every operand it does not know, goes
through `gradx.lifted.apply`, with the same rules and the same nodes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, NoReturn

import numpy as np

from gradx import numpy as gnp
from gradx.cotangent import JOINT
from gradx.errors import AssignmentError, ConversionError, NotLiftedAttributeError
from gradx.lifted import Lifted, apply
from gradx.op import Op, checked_pullback, expected_of, like_of
from gradx.ops import indexing, numbers, products
from gradx.tape import Tape
from gradx.value import Kind, ValueType, add, one, registry, value_type, zero

__all__ = ["ArrayVar", "BVar", "OpaqueVar", "value", "wrap"]

_new = object.__new__


class BVar(Lifted):
    """A value inside a differentiated function; what is done with it is recorded.

    Comparisons look at the value and record nothing. What would lose the gradient in silence
    (``float(v)``, ``np.asarray(v)``, ``v[i] = x``) raises and says what to write.
    """

    __slots__ = ("_node", "_value")
    _node: Any
    _value: Any
    _kinds: ClassVar[dict[Kind, type[BVar]]] = {}

    def __init_subclass__(cls, kind: Kind | None = None) -> None:
        if kind is not None:
            BVar._kinds[kind] = cls

    def __init__(self) -> None:
        raise TypeError(
            "a BVar is made by a run; write gx.backprop(f, x) and f is called with variables, or "
            "use the plain value, which every lifted function takes as a constant"
        )

    @classmethod
    def _process(
        cls, run: Tape, op: Op, operands: Sequence[Any], params: dict[str, Any] | None
    ) -> Any:
        nodes = run.nodes
        xs: list[Any] = []
        targets: list[Any] = []
        for x in operands:
            if isinstance(x, BVar) and x._run is run:
                if nodes is None:
                    raise run.escaped(x._value)
                xs.append(x._value)
                targets.append(x._node)
            else:
                xs.append(np.asarray(x) if type(x) is list and not op.pullback_form else x)
                targets.append(None)
        if op.pullback_form:
            return _record_joint(run, op, xs, targets)
        y = apply(op, xs, params)
        edges: list[Any] = []
        for x, target, entry in zip(xs, targets, op.pulls(y, xs, params), strict=True):
            if target is not None and entry is not None:
                edges.append((target, *entry, like_of(x, y, op.broadcasts)))
        return _commit(run, tuple(edges), y) if edges else y

    # What must not happen in silence.

    def _refuse_number(self, call: str) -> NoReturn:
        raise ConversionError(
            f"{call} would drop the gradient of {self!r}; write {call.replace('v', 'gx.value(v)')} "
            "if that is meant, or use the lifted function (np.round, np.exp, v.astype, …)"
        )

    def __float__(self) -> float:
        self._refuse_number("float(v)")

    def __int__(self) -> int:
        self._refuse_number("int(v)")

    def __complex__(self) -> complex:
        self._refuse_number("complex(v)")

    def __index__(self) -> int:
        raise ConversionError(
            f"{self!r} cannot be used as an index or a count, which has no gradient; write "
            "gx.value(v), or make it static with gx.static() in its record"
        )

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ConversionError(
            f"{self!r} cannot be pickled, since it belongs to a run of this process; pickle "
            "gx.value(v)"
        )

    def __setitem__(self, key: Any, item: Any) -> None:
        raise AssignmentError(
            f"an item of {self!r} cannot be assigned to, since a variable does not change; write "
            "np.where(mask, new, v) or np.concatenate for arrays, gx.set(lens, new, v) for records"
        )

    def __copy__(self) -> BVar:
        return wrap(self._run, self._node, self._value)

    def __deepcopy__(self, memo: Any) -> BVar:
        return self.__copy__()

    def __repr__(self) -> str:
        text = repr(self._value)
        return f"BVar({text if len(text) <= 200 else text[:197] + '...'})"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    __hash__ = None  # type: ignore[assignment]


def _commit(run: Tape, node: Any, y: Any) -> Any:
    """Append a node to a tape and hand out its variable."""
    nodes = run.nodes
    if nodes is None:
        raise run.escaped(y)
    nodes.append(node)
    return wrap(run, node, y)


def _record_joint(run: Tape, op: Op, xs: list[Any], targets: list[Any]) -> Any:
    """A user's op: one pullback for all operands, whose cotangents are checked."""
    op.check_arity(xs)
    y, pullback = op.forward(*xs)
    if any(isinstance(x, Lifted) for x in xs):
        y = apply(op, xs)  # the outer run has its own record of the op
    kept = (op, pullback, expected_of([_plain(x) for x in xs]))
    likes = [None if t is None else _like_checked(x) for x, t in zip(xs, targets, strict=True)]
    return _commit(run, ((JOINT, checked_pullback, kept, None, (targets, likes)),), y)


def _like_checked(x: Any) -> Any:
    dtype = getattr(x, "dtype", None)
    return None if dtype is None else (x.shape, dtype)


def _plain(x: Any) -> Any:
    while isinstance(x, BVar):
        x = x._value
    return x


def wrap(run: Tape, node: Any, y: Any) -> Any:
    """The variable of a node, of the kind for its value; a static value stays as it is."""
    kind = value_type(y).kind
    if kind is Kind.STATIC:
        if getattr(y, "dtype", None) is None:
            return y
        kind = Kind.NUMERIC
    v = _new(BVar._kinds[kind])
    v._run, v._node, v._value = run, node, y
    return v


def value(x: Any) -> Any:
    """The plain value of a variable, with no gradient; anything else is returned as it is.

    Args:
        x: a variable, of this run or an outer one, or any other value.

    >>> import gradx as gx
    >>> gx.grad(lambda x: x * gx.value(x))(3.0)
    3.0
    """
    while isinstance(x, BVar):
        x = x._value
    return x


# --- Operators ----------------------------------------------------------------------------------

_CONSTANTS = frozenset(
    {float, int, bool, complex, np.ndarray, np.float64, np.float32, np.int64, Fraction, Decimal}
)
_OPERANDS = (int, float, complex, Fraction, Decimal, list)


def _is_operand(x: Any) -> bool:
    return (
        isinstance(x, _OPERANDS)
        or (isinstance(x, Lifted) and getattr(x, "_numeric", False))
        or hasattr(x, "dtype")
    )


def _binary(op: Op) -> tuple[Any, Any]:
    """An operator's method and its reflection.

    The fast path: both operands are plain, or variables of this run, and each edge is written
    here. Lifted operands of other runs go the general way.
    """
    function, (rule_a, rule_b) = op.forward, op.rules
    pull_a, save_a, pull_b, save_b = rule_a.pull, rule_a.save, rule_b.pull, rule_b.save

    def forward(self: Any, other: Any) -> Any:
        run, a = self._run, self._value
        kind = type(other)
        if kind in _CONSTANTS:
            y = function(a, other)
            node: Any = (
                (self._node, pull_a, save_a(y, (a, other)), None, like_of(a, y, True)),
            )
        elif kind is ArrayVar and other._run is run:
            b = other._value
            y, pair = function(a, b), (a, b)
            node = (
                (self._node, pull_a, save_a(y, pair), None, like_of(a, y, True)),
                (other._node, pull_b, save_b(y, pair), None, like_of(b, y, True)),
            )
        elif _is_operand(other):
            return apply(op, (self, other))
        else:
            return NotImplemented
        nodes = run.nodes
        if nodes is None:
            raise run.escaped(a)
        nodes.append(node)
        kind = type(y)
        if kind is float or kind is np.ndarray or kind is np.float64:
            v = _new(ArrayVar)
            v._run, v._node, v._value = run, node, y
            return v
        return wrap(run, node, y)

    def reflected(self: Any, other: Any) -> Any:
        if type(other) not in _CONSTANTS:
            return apply(op, (other, self)) if _is_operand(other) else NotImplemented
        run, b = self._run, self._value
        y = function(other, b)
        node = ((self._node, pull_b, save_b(y, (other, b)), None, like_of(b, y, True)),)
        return _commit(run, node, y)

    return forward, reflected


def _compare(function: Callable[[Any, Any], Any]) -> Any:
    def method(self: Any, other: Any) -> Any:
        return function(self._value, other._value if isinstance(other, BVar) else other)

    return method


def _unary(op: Op) -> Any:
    def method(self: Any) -> Any:
        return apply(op, (self,))

    return method


def _function(name: str) -> Any:
    """An array method that is the NumPy function of the same name."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(gnp, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"``np.{name}`` of this array."
    return method


class ArrayVar(BVar, kind=Kind.NUMERIC):
    """The variable of a number or an array, with the operators, methods and attributes of one."""

    __slots__ = ()
    _numeric: ClassVar[bool] = True
    # Above ndarray's own, so that arrays of other libraries leave the operation to the variable.
    __array_priority__ = 1000.0

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
            return apply(numbers.integer_power, (self,), {"n": other})
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
        return round(_plain(self), digits)

    def __getitem__(self, index: Any) -> Any:
        return apply(indexing.getitem, (self,), {"index": index})

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, item: Any) -> bool:
        return _plain(item) in _plain(self)

    @property
    def T(self) -> Any:
        """The transpose."""
        return gnp.transpose(self)

    def __getattr__(self, name: str) -> Any:
        return _attribute(self, name)


def _attribute(v: ArrayVar, name: str) -> Any:
    """An attribute that the variable does not have: a method of Decimal's, or an error."""
    held = _plain(v)
    if isinstance(held, Decimal) and name in numbers.decimal_methods:
        return lambda: apply(numbers.decimal_methods[name], (v,))
    if name.startswith("__") or not hasattr(held, name):
        raise AttributeError(f"{type(held).__name__!r} variable has no attribute {name!r}")
    raise NotLiftedAttributeError(
        f".{name} of a variable has no derivative in gradx; use a lifted function, or "
        f"gx.value(v).{name} if no gradient should flow through it"
    )


def _install(methods: Sequence[str], plain: Sequence[str], attributes: Sequence[str]) -> None:
    """Give `ArrayVar` the methods and attributes that are functions of their name."""
    for name in methods:
        setattr(ArrayVar, name, _function(name))
    for name in plain:
        setattr(ArrayVar, name, _plain_method(name))
    for name in attributes:
        setattr(ArrayVar, name, property(operator.attrgetter(f"_value.{name}")))


def _plain_method(name: str) -> Any:
    """A method whose result has no derivative: that of the value."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(_plain(self), name)(*args, **kwargs)

    method.__name__ = name
    return method


_install(
    methods=("sum",),
    plain=("all", "any", "argmax", "argmin", "argsort", "nonzero", "searchsorted"),
    attributes=("shape", "ndim", "size", "dtype", "itemsize", "nbytes"),
)


class OpaqueVar(BVar, kind=Kind.OPAQUE):
    """The variable of a value whose inside gradx does not know: ops made for it take it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = type(_plain(self)).__name__
        raise NotLiftedAttributeError(
            f".{name} of a variable of the registered type {kind} cannot be followed; register "
            f"its parts with gx.register({kind}, children=…), or make an op of what you need"
        )


add_values = Op("add", add, lambda g: g, lambda g: g)
"""The sum of any two values of one type, as an op."""


# Variables of outer runs are values too, with the operations of what they hold.
registry.register(
    ArrayVar,
    ValueType(Kind.NUMERIC, lambda x: zero(_plain(x)), operator.add, lambda x: one(_plain(x))),
)
registry.register(
    OpaqueVar,
    ValueType(
        Kind.OPAQUE,
        lambda x: zero(_plain(x)),
        lambda x, y: apply(add_values, (x, y)),
        lambda x: one(_plain(x)),
    ),
)
