"""Recorders: the fast path, by which an operation on plain numbers and arrays gets to the tape.

For each op of the operators, and each ufunc that is called on a variable, a function is generated
once that does the op and writes its node. It says the same as `gradx.bvar.record`, which does
everything else: written out for one op, with its rules' pulls at hand, what they keep as a tuple
display, and the question of what a cotangent must be fitted to answered by two comparisons where
operands and result are alike. Only variables of one run and familiar constants are done here; any
other operand is left to `gradx.lifted.apply`.

The sources below are those functions. ``{y}`` is the forward expression; ``{kept_a}`` and
``{kept_b}`` what the rules keep of ``a``, ``b`` and ``y``; ``{shapes_a}`` and its like, of an op
that broadcasts, that no operand was repeated.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.bvar import commit, record_unary
from gradx.lifted import Lifted, apply
from gradx.op import Op, Rule, like_of, shape_of
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
_PLAIN = frozenset({float, np.ndarray, np.float64, np.float32})
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


_BINARY = """
def forward(self, other):
    a, kind = self._value, type(other)
    if kind is Variable:
        run = self._run
        if other._run is not run:
            return apply(op, (self, other))
        b = other._value
        y = {y}
        kind = type(y)
        if kind is float or (
            type(a) is type(b) is ndarray and (kind is ndarray or kind is float64)
            and y.dtype is a.dtype is b.dtype {shapes_ab}
        ):
            like_a = like_b = None
        else:
            like_a, like_b = like_of(a, y, broadcasts), like_of(b, y, broadcasts)
        node = [
            (self._node, pull_a, {kept_a}, like_a),
            (other._node, pull_b, {kept_b}, like_b),
        ]
    elif kind is float or kind in CONSTANTS:
        run, b, constant = self._run, other, kind
        y = {y}
        kind = type(y)
        if kind is float or (
            type(a) is ndarray and (kind is ndarray or kind is float64)
            and y.dtype is a.dtype {shapes_a}
        ):
            like_a = None
        else:
            like_a = like_of(a, y, broadcasts)
        node = (self._node, pull_a, {kept_a}, like_a)
    else:
        return apply(op, (self, other)) if is_operand(other) else NotImplemented
    nodes = run.nodes
    if nodes is None or (kind is not float and kind is not ndarray and kind is not float64):
        return commit(run, node, y)
    nodes.append(node)
    v = new(Variable)
    v._run, v._node, v._value = run, node, y
    return v

def reflected(self, other):
    kind = type(other)
    if kind is not float and kind not in CONSTANTS:
        return apply(op, (other, self)) if is_operand(other) else NotImplemented
    run, a, b = self._run, other, self._value
    constant, y = kind, {y}
    kind = type(y)
    if kind is float or (
        type(b) is ndarray and (kind is ndarray or kind is float64)
        and y.dtype is b.dtype {shapes_b}
    ):
        like_b = None
    else:
        like_b = like_of(b, y, broadcasts)
    node = (self._node, pull_b, {kept_b}, like_b)
    nodes = run.nodes
    if nodes is None or (kind is not float and kind is not ndarray and kind is not float64):
        return commit(run, node, y)
    nodes.append(node)
    v = new(Variable)
    v._run, v._node, v._value = run, node, y
    return v
"""

_UNARY = """
def unary(self):
    a = self._value
    kind = type(a)
    if kind is not ndarray and kind not in PLAIN:
        return record_unary(op, self)
    y = {y}
    result = type(y)
    plain = result is ndarray or result in PLAIN
    if plain and (kind is float or (result is not float and y.dtype is a.dtype)):
        like_a = None
    else:
        like_a = like_of(a, y, False)
    run, node = self._run, (self._node, pull_a, {kept_a}, like_a)
    nodes = run.nodes
    if nodes is None or not plain:
        return commit(run, node, y)
    nodes.append(node)
    v = new(Variable)
    v._run, v._node, v._value = run, node, y
    return v
"""

_EXPRESSIONS = MappingProxyType(
    {
        operator.add: "a + b",
        operator.sub: "a - b",
        operator.mul: "a * b",
        operator.truediv: "a / b",
        operator.neg: "-a",
        np.matmul: "a @ b",
    }
)
"""Forward functions that Python has an operator for; others are called."""


def _kept(rule: Rule) -> str:
    """What a rule keeps, as the source of a tuple: ``(b, shape_of(a),)``."""
    names = {"x": "a", "x_shape": "shape_of(a)"}
    for name in ("a", "b", "y"):
        names[name], names[f"{name}_shape"] = name, f"shape_of({name})"
    return "(" + "".join(f"{names[need]}, " for need in rule.needs) + ")"


def _compiled(template: str, op: Op, variable: type, **holes: str) -> dict[str, Any]:
    """The functions of a template for one op."""
    called = "function(a, b)" if len(op.rules) == 2 else "function(a)"
    source = template.format(y=_EXPRESSIONS.get(op.forward, called), **holes)
    pulls = {f"pull_{name}": rule.pull for name, rule in zip("ab", op.rules, strict=False)}
    names: dict[str, Any] = {
        **{"op": op, "function": op.forward, "broadcasts": op.broadcasts, "Variable": variable},
        **{"CONSTANTS": CONSTANTS, "PLAIN": _PLAIN, "ndarray": np.ndarray, "float64": np.float64},
        **{"apply": apply, "commit": commit, "is_operand": is_operand, "like_of": like_of},
        **{"new": object.__new__, "record_unary": record_unary, "shape_of": shape_of},
        **pulls,
    }
    exec(compile(source, f"<recorder of {op.name}>", "exec"), names)
    return names


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
    a, b = op.rules
    if native is not None:
        return _native("forward", op), _native("reflected", op)
    made = _compiled(
        _BINARY,
        op,
        variable,
        kept_a=_kept(a),
        kept_b=_kept(b),
        shapes_a="and (constant is float or a.shape == y.shape)" if op.broadcasts else "",
        shapes_b="and (constant is float or b.shape == y.shape)" if op.broadcasts else "",
        shapes_ab="and a.shape == b.shape" if op.broadcasts else "",
    )
    return made["forward"], made["reflected"]


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
    if op.structured and len(op.rules) == 2:  # an operand of an outer run goes the general way
        return None
    if native is not None:
        function: Callable[..., Any] = _native("one" if len(op.rules) == 1 else "either", op)
        return function
    if len(op.rules) == 1:
        made = _compiled(_UNARY, op, variable, kept_a=_kept(op.rules[0]))
        unary: Callable[[Any], Any] = made["unary"]
        return unary
    forward, reflected = binary_recorder(op, variable)

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


def connect_protocols(variable: Any, total: Any, rule: Any, product: Any) -> None:
    """Let the C code, if it is there, take NumPy's calls first.

    Args:
        variable: the class of variables of arrays, whose own methods take the other calls.
        total: the recorder of the sum of a whole array.
        rule: its rule, ``(g, x_shape)``.
        product: the recorder of the product of two matrices.
    """
    if native is not None:
        native.use(
            UFUNC_RECORDERS=UFUNC_RECORDERS,
            np_sum=np.sum,
            np_dot=np.dot,
            sum_recorder=total,
            sum_rule=rule,
            matmul_recorder=product,
            array_ufunc=variable.__array_ufunc__,
            array_function=variable.__array_function__,
        )
        variable.__array_ufunc__, variable.__array_function__ = native.protocol_methods()
