"""Direct paths: an operation on plain numbers and arrays of a forward run, without the dispatch.

They do what `gradx.forward.run.ForwardRun.process` does, for operators and ufuncs of variables of
one run and plain constants; any other operand goes there. The benchmark row "forward, 100-vectors"
pays for them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.dispatch import UFUNCS, Lifted, apply
from gradx.core.linear import negated, passed
from gradx.core.objects import OBJECT
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.rule import Rule
from gradx.forward.variables import DualArray, DualNumber, DualScalar, DualView, WrittenDual
from gradx.ops import elementwise, indexing, numbers, products
from gradx.ops.scaling import factored, scaled
from gradx.reverse.variables import view_of
from gradx.surface.arrays import ArraySurface

__all__ = ["direct_of", "install"]

_PLAIN = frozenset({float, np.float64, np.ndarray})
_CONSTANTS = _PLAIN | {int, bool}
_VARIABLES = frozenset({DualNumber, DualScalar, DualArray, DualView, WrittenDual})
_CLASS_OF = MappingProxyType({float: DualNumber, np.float64: DualScalar, np.ndarray: DualArray})
_new: Any = object.__new__


def _variable(run: Any, y: Any, t: Any) -> Any:
    """The variable of a plain result and a tangent that fits; None where a look is needed."""
    kind = type(y)
    if kind is np.ndarray:
        if type(t) is not kind or t.dtype is not y.dtype or t.shape != y.shape:
            return None
    elif kind is not type(t) or kind not in _PLAIN:
        return None
    v = _new(_CLASS_OF[kind])
    v._run, v._value, v._node = run, y, t
    return v


def _has_rules(op: Op, count: int) -> bool:
    """Whether the result has a direct rule: each operand has a plain one, and the op none."""
    function = getattr(op.forward, "__wrapped__", op.forward)
    usable = len(op.rules) == count and getattr(function, "nout", 1) == 1
    usable = usable and not (op.variadic or op.jvp or op.pullback_form)
    return usable and all(type(rule) is Rule and not rule.params for rule in op.rules)


def _made(v: Any, y: Any, t: Any) -> Any:
    """The variable of a result of an operation on another one; None where a look is needed.

    Args:
        v: the other one.
        y: the result.
        t: its tangent, which is copied if it is the operand's own, into which the run writes.
    """
    if t is v._node and v._live:
        t = t.copy()
    if type(y) is np.ndarray is type(t) and t.dtype is y.dtype and t.shape == y.shape:
        w: Any = _new(DualArray)
        w._run, w._value, w._node = v._run, y, t
        return w
    return _variable(v._run, y, t)


def _pull_of(rule: Rule) -> Callable[..., Any]:
    """A rule, for plain values alone."""
    return scaled if rule.pull is factored else rule.pull


def _unary(op: Op, otherwise: Callable[[Op, Any], Any] = apply) -> Callable[[Any], Any]:
    """The function of an elementwise op on a variable.

    Args:
        op: the op.
        otherwise: what does it for other values.
    """
    rule = op.rules[0]
    function, pull, save = op.forward, _pull_of(rule), rule.save
    of_result, of_operand = rule.needs == ("y",), rule.needs == ("x",)

    def direct(v: Any) -> Any:
        x, t = v._value, v._node
        if type(x) in _PLAIN and type(t) in _PLAIN and v._run.direct:
            y = function(x)
            if y is not x and type(y) in _PLAIN:
                if type(t) is float is not type(y):
                    t = np.float64(t)  # as `y`, since Python's number raises where it divides
                if of_result:
                    h = pull(t, y)
                else:
                    h = pull(t, x) if of_operand else pull(t, *save(y, (x,)))
                made = _made(v, y, h)
                if made is not None:
                    return made
        return otherwise(op, (v,))

    return direct


def _beside_constant(op: Op, i: int) -> Callable[[Any, Any, Any, Any], Any]:
    """The tangent of a result by the operand ``i`` of two, the other being a constant."""
    rule = op.rules[i]
    pull, save = _pull_of(rule), rule.save
    if pull is passed:
        return lambda t, a, b, y: t
    if pull is negated:
        return lambda t, a, b, y: -t
    if Property.ELEMENTWISE in op.properties:
        if rule.needs == ("b",):
            return lambda t, a, b, y: pull(t, b)
        if rule.needs == ("a",):
            return lambda t, a, b, y: pull(t, a)
        return lambda t, a, b, y: pull(t, *save(y, (a, b)))
    function = op.forward  # a bilinear one
    if i == 0:
        return lambda t, a, b, y: function(t, b)
    return lambda t, a, b, y: function(a, t)


def _binary(
    op: Op, otherwise: Callable[[Op, Any], Any] = apply
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method of an operator, and its reflection.

    Args:
        op: the op.
        otherwise: what does it for other values.
    """
    function = op.forward
    first, second = _beside_constant(op, 0), _beside_constant(op, 1)
    linear = Property.LINEAR in op.properties

    def forward(self: Any, other: Any) -> Any:
        kind, a, s, run = type(other), self._value, self._node, self._run
        if type(a) in _PLAIN and type(s) in _PLAIN and run.direct:
            if kind in _CONSTANTS:
                if kind is not np.ndarray or other.dtype is not OBJECT:
                    y = function(a, other)
                    if type(s) is float is not type(y):
                        s = np.float64(s)
                    made = _made(self, y, first(s, a, other, y))
                    if made is not None:
                        return made
            elif kind in _VARIABLES:
                b, t = other._value, other._node
                if other._run is run and type(b) in _PLAIN and type(t) in _PLAIN:
                    y = function(a, b)
                    if type(y) is not float:
                        s = np.float64(s) if type(s) is float else s
                        t = np.float64(t) if type(t) is float else t
                    h = function(s, t) if linear else first(s, a, b, y) + second(t, a, b, y)
                    made = _variable(run, y, h)
                    if made is not None:
                        return made
        return otherwise(op, (self, other)) if self._takes(other, op) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        kind, b, t = type(other), self._value, self._node
        plain = type(b) in _PLAIN and type(t) in _PLAIN and kind in _CONSTANTS
        if plain and self._run.direct and not (kind is np.ndarray and other.dtype is OBJECT):
            y = function(other, b)
            if type(t) is float is not type(y):
                t = np.float64(t)
            made = _made(self, y, second(t, other, b, y))
            if made is not None:
                return made
        return otherwise(op, (other, self)) if self._takes(other, op) else NotImplemented

    return forward, reflected


@functools.cache
def direct_of(op: Op) -> Callable[..., Any] | None:
    """The direct path of an op of the tables without parameters, which gives None where it ends.

    The run takes it too: a reverse run above does its ops on variables of this one.
    """
    if Property.ELEMENTWISE not in op.properties:
        return None
    if _has_rules(op, 1):
        return _unary(op, lambda op, operands: None)
    if not _has_rules(op, 2):
        return None
    forward, reflected = _binary(op, lambda op, operands: None)

    def either(a: Any, b: Any) -> Any:
        if type(a) in _VARIABLES:
            return forward(a, b)
        return reflected(b, a) if type(b) in _VARIABLES else None

    return either


def _ufunc(op: Op) -> Callable[..., Any] | None:
    """The function of a ufunc's op on operands of which one is a variable."""
    direct = Property.ELEMENTWISE in op.properties or Property.BILINEAR in op.properties
    if direct and Property.ELEMENTWISE in op.properties and _has_rules(op, 1):
        return _unary(op)
    if not direct or not _has_rules(op, 2):
        return None
    forward, reflected = _binary(op)

    def either(a: Any, b: Any) -> Any:
        if type(a) in _VARIABLES:
            return forward(a, b)
        return reflected(b, a) if type(b) in _VARIABLES else NotImplemented

    return either


UFUNCS_DIRECT: dict[Any, Any] = {}
"""From a ufunc that was called on a variable to its direct path, or None."""


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A ufunc of variables: by its direct path, or in general."""
    if method == "__call__" and not kwargs:
        direct = UFUNCS_DIRECT.get(ufunc)
        if direct is None and ufunc in UFUNCS and ufunc not in UFUNCS_DIRECT:
            direct = UFUNCS_DIRECT[ufunc] = _ufunc(UFUNCS[ufunc])
        if direct is not None:
            result = direct(*inputs)
            if result is not NotImplemented:
                return result
    return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)


def _array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy on variables: sums by a direct path, any other in general."""
    if func is np.sum and len(args) == 1 and args[0] is self and kwargs.keys() <= _OVER:
        x, t, run = self._value, self._node, self._run
        summed: Any = functools.partial(np.add.reduce, **{"axis": None, **kwargs})
        plain = type(x) is np.ndarray is type(t) and x.dtype.kind in "fc" and run.direct
        made = _variable(run, summed(x), summed(t)) if plain else None
        if made is not None:
            return made
    return Lifted.__array_function__(self, func, types, args, kwargs)


_OVER = frozenset({"axis", "keepdims"})


def _item(self: Any, index: Any) -> Any:
    """The item at an index."""
    x, t, run = self._value, self._node, self._run
    if type(x) is np.ndarray is type(t) and type(index) in _BASIC and run.direct:
        y = x[index]
        if type(y) is np.ndarray and y.base is not None:
            return view_of(self, indexing.getitem, {"index": index}, t[index], y, DualView)
        made = _variable(run, y, t[index])
        if made is not None:
            return made
    return ArraySurface.__getitem__(self, index)


_BASIC = frozenset({int, slice})
"""Types of indices of which NumPy makes an item or a view."""

_BINARY = (
    ("__add__ __radd__", numbers.add),
    ("__sub__ __rsub__", numbers.subtract),
    ("__mul__ __rmul__", numbers.multiply),
    ("__truediv__ __rtruediv__", numbers.divide),
    ("__matmul__ __rmatmul__", products.matmul),
)


_squared = _unary(elementwise.squared)


def _power(general: Callable[..., Any]) -> Callable[..., Any]:
    """The method of ``self ** other``: a square needs no parameter."""

    def power(self: Any, other: Any, modulus: Any = None) -> Any:
        if type(other) is int and other == 2 and modulus is None:
            return _squared(self)
        return general(self, other, modulus)

    return power


def install() -> None:
    """Give a forward run's variables their direct paths in the place of the general methods."""
    variables: tuple[Any, ...] = (DualNumber, DualScalar, DualArray)
    for variable in variables:
        for names, op in _BINARY:
            for name, method in zip(names.split(), _binary(op), strict=True):
                if hasattr(variable, name):
                    setattr(variable, name, method)
        variable.__neg__ = _unary(numbers.negative)
        variable.__pow__ = _power(variable.__pow__)
        variable.__array_ufunc__ = _array_ufunc
    DualArray.__array_function__ = _array_function  # type: ignore[method-assign]
    DualArray.__getitem__ = _item  # type: ignore[method-assign]
