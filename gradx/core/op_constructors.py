"""Constructors of ops from functions that return a result and its pullback.

Ops whose gradient needs no formula are here too: constants, the identity, tuples, and
isomorphisms, which only change how a value is represented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradx.core.op import Op, compose, register_ops
from gradx.core.properties import Property
from gradx.values.operations import zero

__all__ = [
    "compose_op",
    "id_op",
    "op0",
    "op1",
    "op2",
    "op3",
    "op_const",
    "op_iso",
    "op_iso2",
    "op_iso3",
    "op_iso_n",
    "op_n",
    "op_tup",
]

compose_op = compose


def op0(value: Any, name: str = "op0") -> Op:
    """An op of no operands: a constant."""
    return Op(name, lambda: (value, lambda g: ()), pullback_form=True, arity=0)


def _named(fn: Callable[..., Any], name: str | None) -> str:
    return name or str(getattr(fn, "__name__", type(fn).__name__))


Jvp = Callable[[tuple[Any, ...], tuple[Any, ...]], tuple[Any, Any]]
"""A forward rule: from the operands and their tangents to the result and its tangent."""


def op1(
    fn: Callable[[Any], tuple[Any, Callable[[Any], Any]]],
    name: str | None = None,
    *,
    jvp: Jvp | None = None,
) -> Op:
    """An op of one operand.

    Args:
        fn: ``fn(x) -> (y, pullback)``, where ``pullback(g)`` is the cotangent of ``x``.
        name: its name in messages; by default the function's.
        jvp: ``jvp((x,), (t,)) -> (y, tangent)``, the forward rule; by default the pullback is
            transposed.

    >>> op1(lambda x: (x * x, lambda g: g * 2 * x)).run(3.0)
    (9.0, 6.0)
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=1, jvp=jvp)


def op2(
    fn: Callable[[Any, Any], tuple[Any, Callable[[Any], Any]]],
    name: str | None = None,
    *,
    jvp: Jvp | None = None,
) -> Op:
    """An op of two operands.

    Args:
        fn: ``fn(x, y) -> (z, pullback)``, where ``pullback(g)`` is a pair of cotangents.
        name: its name in messages; by default the function's.
        jvp: the forward rule, as of `op1`.

    >>> import numpy as np
    >>> dot = op2(lambda x, y: (x @ y, lambda g: (g * y, x * g)))
    >>> dot.run(np.array([1.0, 2.0]), np.array([3.0, 4.0]))[1]
    (array([3., 4.]), array([1., 2.]))
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=2, jvp=jvp)


def op3(
    fn: Callable[[Any, Any, Any], Any], name: str | None = None, *, jvp: Jvp | None = None
) -> Op:
    """An op of three operands.

    Args:
        fn: ``fn(x, y, z) -> (w, pullback)``, where ``pullback(g)`` is a triple of cotangents.
        name: its name in messages; by default the function's.
        jvp: the forward rule, as of `op1`.
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=3, jvp=jvp)


def op_n(
    fn: Callable[..., tuple[Any, Callable[[Any], Any]]],
    name: str | None = None,
    *,
    jvp: Jvp | None = None,
) -> Op:
    """An op of any number of operands.

    Args:
        fn: ``fn(*xs) -> (y, pullback)``, where ``pullback(g)`` is a tuple with a cotangent for
            each operand, for one operand too.
        name: its name in messages; by default the function's.
        jvp: the forward rule, as of `op1`.
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=-1, jvp=jvp)


def op_const(value: Any, arity: int = -1, name: str = "op_const") -> Op:
    """An op that ignores its operands, whose gradients are zeros.

    Args:
        value: the result.
        arity: how many operands it takes; by default any number.
        name: its name in messages.

    >>> op_const(7.0).run(1.0, [2.0, 3.0])
    (7.0, (0.0, [0.0, 0.0]))
    """

    def constant(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        return value, lambda g: zero(xs[0]) if arity == 1 else tuple(zero(x) for x in xs)

    return Op(name, constant, pullback_form=True, arity=arity)


id_op = Op(
    "id", lambda x: (x, lambda g: g), pullback_form=True, arity=1, properties=Property.LINEAR
)
"""The identity, of a value of any type."""

op_tup = Op(
    "tuple",
    lambda *xs: (xs, lambda g: tuple(g)),
    pullback_form=True,
    arity=-1,
    properties=Property.LINEAR,
)
"""The operands, of any number and types, as one tuple."""


def _iso(to: Callable[..., Any], from_: Callable[[Any], Any], arity: int, name: str | None) -> Op:
    def function(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        return to(*xs), from_

    return Op(name or _named(to, None), function, pullback_form=True, arity=arity)


def op_iso(to: Callable[[Any], Any], from_: Callable[[Any], Any], name: str | None = None) -> Op:
    """An op that changes how a value is represented, and nothing else.

    The cotangent is changed back by the inverse. This is right where ``to`` moves numbers about
    (a pair to a record, a list to an array). It is wrong where it computes with them, as an
    exponential does: such a function has a derivative of its own, so call it instead.

    Args:
        to: ``to(x) -> y``.
        from_: its inverse, ``from_(y) -> x``.
        name: its name in messages; by default the function's.

    >>> swap = op_iso(lambda pair: (pair[1], pair[0]), lambda pair: (pair[1], pair[0]))
    >>> y, pullback = swap.run_with((1.0, 2.0))
    >>> y, pullback((10.0, 20.0))
    ((2.0, 1.0), (20.0, 10.0))
    """
    return _iso(to, from_, 1, name)


def op_iso2(
    to: Callable[[Any, Any], Any], from_: Callable[[Any], Any], name: str | None = None
) -> Op:
    """As `op_iso`, of two operands: ``to(x, y) -> z``, and ``from_(z) -> (x, y)``."""
    return _iso(to, from_, 2, name)


def op_iso3(
    to: Callable[[Any, Any, Any], Any], from_: Callable[[Any], Any], name: str | None = None
) -> Op:
    """As `op_iso`, of three operands: ``to(x, y, z) -> w``, and ``from_(w) -> (x, y, z)``."""
    return _iso(to, from_, 3, name)


def op_iso_n(to: Callable[..., Any], from_: Callable[[Any], Any], name: str | None = None) -> Op:
    """As `op_iso`, of any number of operands, of which ``from_`` gives the tuple.

    >>> op_iso_n(lambda *xs: list(xs), tuple, name="listed").run(1.0, 2.0, 3.0)
    ([1.0, 2.0, 3.0], (1.0, 1.0, 1.0))
    """
    return _iso(to, from_, -1, name)


register_ops((id_op, op_tup))
