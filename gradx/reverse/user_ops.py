"""Lifting of ops: the function of an op, for plain values and variables alike.

>>> import numpy as np, gradx as gx
>>> @lift
... def dot(x, y):
...     return x @ y, lambda d: (d * y, x * d)
>>> gx.grad(dot)(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
array([3., 4.])
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from gradx.core.dispatch import apply
from gradx.core.hidden import look_through, simple_variables
from gradx.core.op import Op
from gradx.errors import OpError
from gradx.native import native
from gradx.reverse.results import join

__all__ = ["lift", "lift_op", "lift_op1", "lift_op2", "lift_op3"]

P = ParamSpec("P")
Y = TypeVar("Y")


def lift_op(op: Op) -> Callable[..., Any]:
    """The function of an op.

    Args:
        op: the op; its operands may be of any types.

    Returns:
        A function of as many operands, plain or variables; records built out of variables are
        joined on the way in.
    """
    root = f"an operand of {op.name}"
    recorded = native.user_op if native is not None and op.pullback_form else None

    def lifted(*operands: Any) -> Any:
        if recorded is not None:
            y = recorded(op, operands)
            if y is not NotImplemented:
                return y
        op.check_arity(operands)
        found = simple_variables(operands)
        if found is not None:
            return apply(op, operands, among=found)
        found = []
        xs = [join(x, root, found=found) for x in operands]
        return apply(op, xs, among=found)

    lifted.__name__ = lifted.__qualname__ = op.name
    return lifted


def _lift_of(op: Op, arity: int) -> Callable[..., Any]:
    if op.arity not in (arity, -1):
        raise OpError(
            f"lift_op{arity} takes an op of {arity} operands, and {op.name} has {op.arity}; use "
            "lift_op for any number"
        )
    return lift_op(op)


def lift_op1(op: Op) -> Callable[[Any], Any]:
    """The function of an op of one operand."""
    return _lift_of(op, 1)


def lift_op2(op: Op) -> Callable[[Any, Any], Any]:
    """The function of an op of two operands."""
    return _lift_of(op, 2)


def lift_op3(op: Op) -> Callable[[Any, Any, Any], Any]:
    """The function of an op of three operands."""
    return _lift_of(op, 3)


@overload
def lift(fn: Callable[P, tuple[Y, Callable[[Any], Any]]], /) -> Callable[P, Y]: ...
@overload
def lift(
    *, jvp: Callable[..., tuple[Any, Any]] | None
) -> Callable[[Callable[P, tuple[Y, Callable[[Any], Any]]]], Callable[P, Y]]: ...
def lift(fn: Any = None, /, *, jvp: Callable[..., tuple[Any, Any]] | None = None) -> Any:
    """Decorator: a function that returns its result and its pullback becomes differentiable.

    Args:
        fn: ``fn(*xs) -> (y, pullback)``. For one parameter the pullback returns its cotangent,
            for several a tuple of them. In the place of a cotangent it may give a function
            without parameters, which is called where that cotangent is wanted. Keyword-only
            parameters are static: they are passed on and have no derivative.
        jvp: the forward rule, ``jvp(primals, tangents, **static) -> (y, tangent)`` of tuples of
            the operands and their tangents. By default forward mode transposes the pullback,
            which is to be linear in its cotangent then.

    Returns:
        A function of the same operands, plain or variables, that returns the result alone. For
        derivatives of derivatives both ``fn`` and the pullback must be made of functions that
        are lifted themselves.

    Raises:
        OpError: a parameter has a default value and could be an operand or not.
        CotangentError: (in the sweep) the pullback's cotangents are of the wrong number, type or
            shape.
    """
    return functools.partial(_lifted, jvp=jvp) if fn is None else _lifted(fn, jvp)


def _lifted(fn: Any, jvp: Any) -> Any:
    signature = inspect.signature(fn)
    parameters = signature.parameters.values()
    operands = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    for p in operands:
        if p.default is not p.empty:
            raise OpError(
                f"the operand {p.name!r} of {fn.__name__} has a default value; make it "
                "keyword-only (after a *) if it is a static parameter, or drop the default"
            )
    variadic = any(p.kind is p.VAR_POSITIONAL for p in operands)
    arity = -1 if variadic else len(operands)

    names = {p.name for p in operands if p.kind is p.POSITIONAL_OR_KEYWORD}
    usual = lift_op(Op(fn.__name__, fn, pullback_form=True, arity=arity, jvp=jvp))

    @functools.wraps(fn)
    def lifted(*xs: Any, **static: Any) -> Any:
        if not static:
            return usual(*xs)
        if not names.isdisjoint(static):  # operands that are given by name
            bound = signature.bind(*xs, **static)
            return lifted(*bound.args, **bound.kwargs)
        for name, x in static.items():
            root = f"the keyword parameter {name!r} of {fn.__name__}"
            if look_through(x, root)[0] is not None:
                raise OpError(
                    f"the keyword parameter {name!r} of {fn.__name__} is static and was given a "
                    f"variable, whose gradient would be lost; make it an operand, or pass "
                    f"gx.value({name})"
                )
        with_them, along = functools.partial(fn, **static), jvp and functools.partial(jvp, **static)
        return lift_op(Op(fn.__name__, with_them, pullback_form=True, arity=arity, jvp=along))(*xs)

    return lifted
