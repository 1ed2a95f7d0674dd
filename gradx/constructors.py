"""Constructors: ops that users make, from functions that return a result and its pullback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradx.op import Op

__all__ = ["op0", "op1", "op2", "op3", "op_n"]


def op0(value: Any, name: str = "op0") -> Op:
    """An op of no operands: a constant."""
    return Op(name, lambda: (value, lambda g: ()), pullback_form=True, arity=0)


def _named(fn: Callable[..., Any], name: str | None) -> str:
    return name or str(getattr(fn, "__name__", type(fn).__name__))


def op1(fn: Callable[[Any], tuple[Any, Callable[[Any], Any]]], name: str | None = None) -> Op:
    """An op of one operand.

    Args:
        fn: ``fn(x) -> (y, pullback)``, where ``pullback(g)`` is the cotangent of ``x``.
        name: its name in messages; by default the function's.

    >>> op1(lambda x: (x * x, lambda g: g * 2 * x)).run(3.0)
    (9.0, 6.0)
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=1)


def op2(fn: Callable[[Any, Any], tuple[Any, Callable[[Any], Any]]], name: str | None = None) -> Op:
    """An op of two operands.

    Args:
        fn: ``fn(x, y) -> (z, pullback)``, where ``pullback(g)`` is a pair of cotangents.
        name: its name in messages; by default the function's.

    >>> import numpy as np
    >>> dot = op2(lambda x, y: (x @ y, lambda g: (g * y, x * g)))
    >>> dot.run(np.array([1.0, 2.0]), np.array([3.0, 4.0]))[1]
    (array([3., 4.]), array([1., 2.]))
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=2)


def op3(fn: Callable[[Any, Any, Any], Any], name: str | None = None) -> Op:
    """An op of three operands.

    Args:
        fn: ``fn(x, y, z) -> (w, pullback)``, where ``pullback(g)`` is a triple of cotangents.
        name: its name in messages; by default the function's.
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=3)


def op_n(fn: Callable[..., tuple[Any, Callable[[Any], Any]]], name: str | None = None) -> Op:
    """An op of any number of operands.

    Args:
        fn: ``fn(*xs) -> (y, pullback)``, where ``pullback(g)`` is a tuple with a cotangent for
            each operand, for one operand too.
        name: its name in messages; by default the function's.
    """
    return Op(_named(fn, name), fn, pullback_form=True, arity=-1)
