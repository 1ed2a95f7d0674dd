"""Recorders: the fast path that records an operation on plain numbers and arrays.

A recorder is a function for one op. It takes variables of one run and plain constants, does the op
and writes its node, as `gradx.reverse.tape.Tape.process` does for any operands. Operands of other
types go to `gradx.core.dispatch.apply`. Where the C code was built, a recorder is one of its
objects; the closures here say what it does.

Recorders are the operators of the reverse run's variables of numbers, scalars and arrays, and are
called first for a ufunc, `np.sum` and `np.dot` of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.dispatch import UFUNCS, Lifted, apply
from gradx.core.objects import OBJECT
from gradx.core.op import Op, cotangent_spec, register_ops
from gradx.core.properties import Property
from gradx.core.rule import RefusedRule
from gradx.core.spec import primal
from gradx.devices.placement import PLACES
from gradx.native import native
from gradx.ops import elementwise, indexing, numbers, products, reductions
from gradx.reverse.tape import InputNode, Tape, commit, record_unary
from gradx.reverse.variables import (
    ArrayVar,
    BVar,
    NumberVar,
    ScalarVar,
    ViewHandle,
    ViewVar,
    WrittenVar,
)

__all__ = ["CONSTANTS", "UFUNC_RECORDERS", "binary_recorder", "install", "ufunc_recorder"]

CONSTANTS = frozenset(
    {float, int, bool, complex, np.ndarray, np.float64, np.float32, np.int64, Fraction, Decimal}
)
"""Types of plain operands that need no look-up."""
_VARIABLES = frozenset({NumberVar, ScalarVar, ArrayVar, ViewVar})


def _on_host(x: Any) -> bool:
    """Whether what a variable holds, through all runs, is not an array on a device."""
    return not PLACES or type(primal(x)) not in PLACES


def _is_of_objects(x: Any) -> bool:
    """Whether a constant is an object array, in which variables may be."""
    return type(x) is np.ndarray and x.dtype is OBJECT


def _is_one(x: Any) -> bool:
    return (type(x) is int or type(x) is float) and x == 1


def _binary(op: Op) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method of an operator, and its reflection."""
    function, broadcasts = op.forward, op.broadcasts
    (pull_a, save_a), (pull_b, save_b) = ((rule.pull, rule.save) for rule in op.rules)

    def forward(self: Any, other: Any) -> Any:
        kind, run, a = type(other), self._run, self._value
        if kind in _VARIABLES:
            b = other._value
            live = self._live or other._live
            if live or other._run is not run or not (_on_host(a) and _on_host(b)):
                return apply(op, (self, other))
            xs, y = (a, b), function(a, b)
            node: Any = (
                *(self._node, pull_a, save_a(y, xs), cotangent_spec(a, y, broadcasts), op),
                *(other._node, pull_b, save_b(y, xs), cotangent_spec(b, y, broadcasts), op),
            )
        elif kind in CONSTANTS and not self._live and _on_host(a) and not _is_of_objects(other):
            y = function(a, other)
            spec = cotangent_spec(a, y, broadcasts)
            node = (self._node, pull_a, save_a(y, (a, other)), spec, op)
        else:
            return apply(op, (self, other)) if self._takes(other, op) else NotImplemented
        return commit(run, node, y, a, other._value if kind in _VARIABLES else other)

    def reflected(self: Any, other: Any) -> Any:
        b = self._value
        if op is numbers.divide and type(b) is np.ndarray and _is_one(other):
            return _one_over(self)  # which keeps only its result for the backward sweep
        plain = type(other) in CONSTANTS and not _is_of_objects(other)
        if not plain or self._live or not _on_host(b):
            return apply(op, (other, self)) if self._takes(other, op) else NotImplemented
        y = function(other, b)
        node = (self._node, pull_b, save_b(y, (other, b)), cotangent_spec(b, y, broadcasts), op)
        return commit(self._run, node, y, other, b)

    return forward, reflected


_LETTERS = MappingProxyType(
    {"x": "a", "a": "a", "b": "b", "y": "y"}
    | {"x_shape": "A", "a_shape": "A", "b_shape": "B", "y_shape": "Y"}
)
"""The letters by which the C code knows what a rule keeps."""


def _native(form: str, op: Op) -> Any:
    """A recorder of the C code."""
    rules: list[Any] = []
    for rule in op.rules:
        rules += [rule.pull, "".join(_LETTERS[need] for need in rule.needs)]
    return native.Recorder(form, op, op.forward, op.broadcasts, *rules)


def binary_recorder(op: Op) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method of a binary operator, and its reflection.

    Args:
        op: an op of two operands, both of which have rules.
    """
    if native is None:
        return _binary(op)
    return _native("forward", op), _native("reflected", op)


@functools.cache
def ufunc_recorder(op: Op) -> Callable[..., Any] | None:
    """The function that does an op on its operands, one of which is a variable; None if none is.

    It may return NotImplemented, where the operands are not for it.

    Args:
        op: an op of one or two operands and no parameters.
    """
    if len(op.rules) not in (1, 2) or op.variadic:
        return None
    if any(rule is None or type(rule) is RefusedRule for rule in op.rules):
        return None
    if op.structured and len(op.rules) == 2:  # an operand of an outer run goes the general way
        return None
    if native is not None:
        function: Callable[..., Any] = _native("one" if len(op.rules) == 1 else "either", op)
        return function
    if len(op.rules) == 1:
        return lambda v: record_unary(op, v) if _on_host(v._value) else apply(op, (v,))
    forward, reflected = _binary(op)

    def either(a: Any, b: Any) -> Any:
        if type(a) in _VARIABLES:
            return forward(a, b)
        return reflected(b, a) if type(b) in _VARIABLES else NotImplemented

    return either


UFUNC_RECORDERS: dict[Any, Any] = {}
"""From a ufunc that was called on a variable to its recorder."""


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A ufunc of variables: by its recorder, or in general."""
    if method == "__call__" and not kwargs:
        recorder = UFUNC_RECORDERS.get(ufunc)
        if recorder is None and ufunc in UFUNCS:
            recorder = UFUNC_RECORDERS[ufunc] = ufunc_recorder(UFUNCS[ufunc])
        if recorder is not None:
            result = recorder(*inputs)
            if result is not NotImplemented:
                return result
    return Lifted.__array_ufunc__(self, ufunc, method, *inputs, **kwargs)


def _array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """A function of NumPy on variables: sums and products of two by their recorders."""
    if func is np.sum:
        if len(args) == 1 and args[0] is self and type(self._value) is np.ndarray:
            if not kwargs:
                return _sum_of_all(self)
            if kwargs.keys() <= _OVER:
                return _sum_over(self, **kwargs)
    elif func is np.dot and not kwargs and len(args) == 2:
        axes = _axes_of(args[0]), _axes_of(args[1])
        recorder = _dot_of_vectors if axes == (1, 1) else _dot if axes in _MATRICES else None
        result = NotImplemented if recorder is None else recorder(*args)
        if result is not NotImplemented:
            return result
    return Lifted.__array_function__(self, func, types, args, kwargs)


def _axes_of(x: Any) -> int:
    """How many axes a plain array, or the variable of one, has; 0 for anything else."""
    array = x._value if type(x) in _VARIABLES else x
    return array.ndim if type(array) is np.ndarray else 0


_MATRICES = frozenset({(1, 2), (2, 1), (2, 2)})
"""Axes of two operands whose dot is a matrix product, a vector being a row or a column."""
_one_over: Any = ufunc_recorder(elementwise.one_over)
_dot: Any = ufunc_recorder(products.dot)
_dot_of_vectors: Any = ufunc_recorder(products.dot_of_vectors)


if native is not None:
    native.use(
        BVar=BVar,
        NumberVar=NumberVar,
        ScalarVar=ScalarVar,
        ArrayVar=ArrayVar,
        ViewVar=ViewVar,
        ViewHandle=ViewHandle,
        WrittenVar=WrittenVar,
        InputNode=InputNode,
        Tape=Tape,
        PLACES=PLACES,
        CONSTANTS=CONSTANTS,
        apply=apply,
        commit=commit,
        takes=lambda v, other, op: v._takes(other, op),
        cotangent_spec=cotangent_spec,
        number_spec=((), float),
        scalar_spec=((), np.dtype(float)),
        one_over_recorder=_one_over,
    )


# --- The operators --------------------------------------------------------------------------------

_BINARY = (
    ("__add__ __radd__", numbers.add),
    ("__sub__ __rsub__", numbers.subtract),
    ("__mul__ __rmul__", numbers.multiply),
    ("__truediv__ __rtruediv__", numbers.divide),
    ("__mod__ __rmod__", numbers.remainder),
    ("__matmul__ __rmatmul__", products.matmul),
    ("_power __rpow__", numbers.power),
)
_UNARY = (
    ("__neg__", numbers.negative),
    ("__pos__", numbers.positive),
    ("__abs__", numbers.absolute),
)


def _install_operators(variable: Any) -> None:
    """Give a class of variables the recorders for those operators that its surface has."""
    for names, op in _BINARY:
        for name, method in zip(names.split(), binary_recorder(op), strict=True):
            if hasattr(variable, name):
                setattr(variable, name, method)
    for name, op in _UNARY:
        setattr(variable, name, ufunc_recorder(op))


_squared: Any = ufunc_recorder(elementwise.squared)


def _power(general: Callable[..., Any]) -> Callable[..., Any]:
    """The method of ``self ** other``; a square needs neither a power nor its parameter."""

    def power(self: Any, other: Any, modulus: Any = None) -> Any:
        if type(other) is int and other == 2 and modulus is None:
            return _squared(self)
        return general(self, other, modulus)

    return power


def _item(general: Callable[..., Any]) -> Callable[..., Any]:
    """The method of ``self[index]``."""

    def item(self: Any, index: Any) -> Any:
        plain = type(index) in _BASIC or not indexing.has_lifted_places(index)
        if plain and _on_host(self._value):
            return record_unary(indexing.getitem, self, {"index": index})
        return general(self, index)

    return item


_BASIC = frozenset({int, slice})


_transpose = Op(
    "transposed",
    lambda x: x.T,
    products.flipped,
    structured=2,
    properties=Property.LINEAR | Property.STRUCTURAL,
)


def _transposed(self: Any) -> Any:
    """The transpose; of a plain matrix the cotangent may stay structured."""
    x = self._value
    if type(x) is np.ndarray and x.ndim == 2:
        return record_unary(_transpose, self)
    return np.transpose(self)


def _sum_rule(g: Any, x_shape: tuple[int, ...]) -> Any:
    return reductions.sum.rules[0].pull(g, x_shape, axis=None, keepdims=False)


_sum = Op("sum_of_all", lambda x: np.add.reduce(x, axis=None), _sum_rule)
_sum_of_all: Any = ufunc_recorder(_sum)
"""The function np.sum without its arguments: it is what np.sum does in the end."""
_OVER = frozenset({"axis", "keepdims"})


def _sum_over_rule(g: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    return reductions.sum.rules[0].pull(g, x_shape, axis=axis, keepdims=keepdims)


def _sum_over(v: ArrayVar, axis: Any = None, keepdims: Any = False) -> Any:
    """Record np.sum over some axes of a plain array."""
    x, keepdims = v._value, bool(keepdims)
    y = np.add.reduce(x, axis=axis, keepdims=keepdims)
    residuals, spec = (x.shape, axis, keepdims), cotangent_spec(x, y, False)
    node = (v._node, _sum_over_rule, residuals, spec, reductions.sum)
    return commit(v._run, node, y, x, params={"axis": axis, "keepdims": keepdims})


register_ops((_transpose, _sum))


def install() -> None:
    """Give the reverse run's variables their recorders in the place of the general methods."""
    variables: tuple[Any, ...] = (NumberVar, ScalarVar, ArrayVar)
    for variable in variables:
        _install_operators(variable)
        variable.__pow__ = _power(variable.__pow__)
    ScalarVar.__getitem__ = _item(ScalarVar.__getitem__)  # type: ignore[method-assign]
    ArrayVar.__getitem__ = _item(ArrayVar.__getitem__)  # type: ignore[method-assign]
    ArrayVar.T = property(_transposed, doc="The transpose.")
    protocols: Any = (_array_ufunc, _array_function)
    if native is not None:
        native.use(
            UFUNC_RECORDERS=UFUNC_RECORDERS,
            np_sum=np.sum,
            np_dot=np.dot,
            sum_recorder=_sum_of_all,
            dot_recorder=_dot,
            vector_dot_recorder=_dot_of_vectors,
            array_ufunc=_array_ufunc,
            array_function=_array_function,
        )
        protocols = native.protocol_methods()
    for variable in variables:
        variable.__array_ufunc__, variable.__array_function__ = protocols
