"""Derived ops: created from a function alone, without a pullback written by hand.

`bp_op` turns any function that gradx can differentiate into an op; it is the inverse of
`gradx.lift_op`. `no_grad` does so for a function without a derivative, and the op raises if its
gradient is needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from gradx.core.op import Op
from gradx.core.spec import primal
from gradx.errors import NoGradientError
from gradx.lens import Lens, view
from gradx.ops.helpers import conj
from gradx.records.edit import coerce_var
from gradx.reverse.api import backprop_with
from gradx.reverse.results import value
from gradx.values.operations import ValueType, Where, fold, parts_alone

__all__ = ["bp_op", "no_grad", "no_grad1", "op_coerce", "op_lens"]


def _conjugate_leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
    return conj(x) if spec.numeric else x


def _conjugated(x: Any) -> Any:
    """Convert a cotangent between the convention of users and that of ops, either way."""
    return fold(x, None, parts_alone, _conjugate_leaf)


def bp_op(f: Callable[..., Any], name: str | None = None, *, arity: int | None = None) -> Op:
    """An op whose pullback gradx derives from a function.

    ``lift_op(bp_op(f))`` is the function again and ``bp_op(lift_op(op))`` the op.

    Args:
        f: a function of values of any types. Variables that it uses must be arguments of it.
        name: the name of the op in messages; by default that of the function.
        arity: the number of operands. By default the number of parameters of the function, or
            any number if it takes ``*args`` or has default values.

    >>> bp_op(lambda x, y: x * x * y).run(3.0, 4.0)
    (36.0, (24.0, 9.0))
    """
    count = _arity_of(f) if arity is None else arity

    def function(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        if not xs:
            return value(f()), lambda g: ()
        y, pull = backprop_with(f, *xs)

        def pullback(g: Any) -> Any:
            parts = _conjugated(pull(_conjugated(g)))
            return (parts,) if len(xs) == 1 and count != 1 else parts

        return y, pullback

    return Op(name or _name_of(f), function, pullback_form=True, arity=count)


def _name_of(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__name__", type(f).__name__))


def _arity_of(f: Callable[..., Any]) -> int:
    """The number of a function's parameters, or -1 for any number."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        return -1
    positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    fixed = all(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in positional)
    return len(positional) if fixed else -1


def op_lens(lens: Lens[Any, Any]) -> Op:
    """The op that reads a part of a value.

    Args:
        lens: the path to the part.

    >>> import gradx as gx
    >>> op_lens(gx.lens(tuple)[1]).run((3.0, 4.0, 5.0))
    (4.0, (0.0, 1.0, 0.0))
    """
    return bp_op(lambda whole: view(lens, whole), repr(lens), arity=1)


def op_coerce(cls: type) -> Op:
    """The op that converts a value to another type with the same parts, see `gradx.coerce_var`.

    Args:
        cls: the type of the result.

    >>> op_coerce(list).run((3.0, 4.0))
    ([3.0, 4.0], (1.0, 1.0))
    """

    def function(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        return coerce_var(cls, x), lambda g: coerce_var(type(primal(x)), g)

    return Op(f"coerce to {cls.__name__}", function, pullback_form=True, arity=1)


def no_grad(f: Callable[..., Any], name: str | None = None) -> Op:
    """An op of any number of operands that has no gradient.

    Its result may be used where no gradient is needed: in a comparison, or in a computation that
    the output does not depend on. Anywhere else it is an error. (To treat a value as a constant,
    with gradient zero, write ``gx.value(x)``.)

    Args:
        f: a function of plain values.
        name: the name of the op in messages; by default that of the function.

    Raises:
        NoGradientError: (in the sweep) the gradient of the result is needed.

    >>> no_grad(divmod).eval(7.0, 2.0)
    (3.0, 1.0)
    """
    called = name or _name_of(f)

    def refuse(g: Any) -> NoReturn:
        raise NoGradientError(
            f"the op {called} was created with no_grad, but its gradient is needed; define the "
            "gradient with gx.lift, or use gx.value(x) where x should be a constant"
        )

    def function(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        return f(*map(value, xs)), refuse

    return Op(called, function, pullback_form=True, arity=-1)


def no_grad1(f: Callable[[Any], Any], name: str | None = None) -> Op:
    """As `no_grad`, with one operand.

    >>> import gradx as gx
    >>> floor = gx.lift_op(no_grad1(lambda x: x // 1))
    >>> gx.grad(lambda x: x * x if floor(x) > 2 else x)(3.5)
    7.0
    """
    op = no_grad(f, name)
    return Op(op.name, op.forward, pullback_form=True, arity=1)
