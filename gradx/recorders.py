"""Recorders: the fast path, by which an operation on plain numbers and arrays gets to the tape.

A recorder is the function of one op that takes variables of one run and familiar constants, does
the op and writes its node. It says the same as `gradx.bvar.record`, which does everything else,
without its loops. Any other operand is left to `gradx.lifted.apply`. Where the C code was built, a
recorder is an object of it; the closures here say what it does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.bvar import commit, record_unary
from gradx.lifted import Lifted, apply
from gradx.op import Op, like_of
from gradx.speedups import native
from gradx.tape import InputNode, Tape
from gradx.value import Kind, ValueType, registry

__all__ = [
    "CONSTANTS",
    "UFUNC_RECORDERS",
    "binary_recorder",
    "connect",
    "connect_protocols",
    "is_operand",
    "ufunc_recorder",
]

CONSTANTS = frozenset(
    {float, int, bool, complex, np.ndarray, np.float64, np.float32, np.int64, Fraction, Decimal}
)
"""Types of plain operands that need no look-up."""
_OPERANDS = (int, float, complex, Fraction, Decimal, list, tuple)


def is_operand(x: Any) -> bool:
    """Whether an operator of an array variable takes a value as its other operand."""
    return (
        isinstance(x, _OPERANDS)
        or (isinstance(x, Lifted) and getattr(x, "_numeric", False))
        or hasattr(x, "dtype")
        or _is_registered_number(x)
    )


def _is_registered_number(x: Any) -> bool:
    entry = registry.find(type(x))
    return isinstance(entry, ValueType) and entry.kind is Kind.NUMERIC


def _binary(op: Op, variable: type) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method of an operator, and its reflection."""
    function, broadcasts = op.forward, op.broadcasts
    (pull_a, save_a), (pull_b, save_b) = ((rule.pull, rule.save) for rule in op.rules)

    def forward(self: Any, other: Any) -> Any:
        kind, run, a = type(other), self._run, self._value
        if kind is variable:
            if other._run is not run:
                return apply(op, (self, other))
            b = other._value
            xs, y = (a, b), function(a, b)
            node: Any = [
                (self._node, pull_a, save_a(y, xs), like_of(a, y, broadcasts)),
                (other._node, pull_b, save_b(y, xs), like_of(b, y, broadcasts)),
            ]
        elif kind in CONSTANTS:
            y = function(a, other)
            node = (self._node, pull_a, save_a(y, (a, other)), like_of(a, y, broadcasts))
        else:
            return apply(op, (self, other)) if is_operand(other) else NotImplemented
        return commit(run, node, y)

    def reflected(self: Any, other: Any) -> Any:
        if type(other) not in CONSTANTS:
            return apply(op, (other, self)) if is_operand(other) else NotImplemented
        b = self._value
        y = function(other, b)
        node = (self._node, pull_b, save_b(y, (other, b)), like_of(b, y, broadcasts))
        return commit(self._run, node, y)

    return forward, reflected


_LETTERS = MappingProxyType(
    {"x": "a", "a": "a", "b": "b", "y": "y"}
    | {"x_shape": "A", "a_shape": "A", "b_shape": "B", "y_shape": "Y"}
)
"""How the C code is told what a rule keeps."""


def _native(form: str, op: Op) -> Any:
    """A recorder of the C code."""
    rules: list[Any] = []
    for rule in op.rules:
        rules += [rule.pull, "".join(_LETTERS[need] for need in rule.needs)]
    return native.Recorder(form, op, op.forward, op.broadcasts, *rules)


def binary_recorder(op: Op, variable: type) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method of a binary operator, and its reflection.

    Args:
        op: an op of two operands, both of which have rules.
        variable: the class of variables of arrays.
    """
    if native is None:
        return _binary(op, variable)
    return _native("forward", op), _native("reflected", op)


@functools.cache
def ufunc_recorder(op: Op, variable: type) -> Callable[..., Any] | None:
    """The function that does an op on its operands, one of which is a variable; None if none is.

    It may return NotImplemented, where the operands are not for it.

    Args:
        op: an op of one or two operands and no parameters.
        variable: the class of variables of arrays.
    """
    if None in op.rules or len(op.rules) not in (1, 2) or op.variadic:
        return None
    if native is not None:
        function: Callable[..., Any] = _native("one" if len(op.rules) == 1 else "either", op)
        return function
    if len(op.rules) == 1:
        return lambda v: record_unary(op, v)
    forward, reflected = _binary(op, variable)

    def either(a: Any, b: Any) -> Any:
        if type(a) is variable:
            return forward(a, b)
        return reflected(b, a) if type(b) is variable else NotImplemented

    return either


UFUNC_RECORDERS: dict[Any, Any] = {}
"""From a ufunc that was called on a variable to its recorder."""


def connect(variable: Any) -> None:
    """Tell the C code, if it is there, the class of variables of arrays, before its operators."""
    if native is not None:
        native.use(
            Variable=variable,
            InputNode=InputNode,
            Tape=Tape,
            CONSTANTS=CONSTANTS,
            apply=apply,
            commit=commit,
            is_operand=is_operand,
            like_of=like_of,
            record_unary=record_unary,
            number_like=((), float),
        )


def connect_protocols(variable: Any, total: Any, product: Any) -> None:
    """Let the C code, if it is there, take NumPy's calls first.

    Args:
        variable: the class of variables of arrays, whose own methods take the other calls.
        total: the recorder of the sum of a whole array.
        product: the recorder of the product of two matrices.
    """
    if native is not None:
        native.use(
            UFUNC_RECORDERS=UFUNC_RECORDERS,
            np_sum=np.sum,
            np_dot=np.dot,
            sum_recorder=total,
            matmul_recorder=product,
            array_ufunc=variable.__array_ufunc__,
            array_function=variable.__array_function__,
        )
        variable.__array_ufunc__, variable.__array_function__ = native.protocol_methods()
