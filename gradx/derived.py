"""Derived ops: made of a function alone, with no pullback written by hand.

`bp_op` makes an op of any function that gradx can differentiate; it and `gradx.lift_op` are
inverse to each other. `no_grad` makes one of a function that has no derivative, and raises if
one is asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from gradx.cotangent import held
from gradx.errors import NoGradientError
from gradx.gradient import backprop_with
from gradx.joining import join, value
from gradx.lens import Lens, view
from gradx.op import Op
from gradx.ops.helpers import conj
from gradx.parts import coerce_var
from gradx.value import Kind, ValueType, Where, fold, parts_alone

__all__ = ["bp_op", "no_grad", "no_grad1", "op_coerce", "op_lens"]


def _conjugate_leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
    return conj(x) if spec.kind is Kind.NUMERIC else x


def _conjugated(x: Any) -> Any:
    """A cotangent as users see it from one as ops have it, or the other way round."""
    return fold(x, None, parts_alone, _conjugate_leaf)


def bp_op(f: Callable[..., Any], name: str | None = None, *, arity: int | None = None) -> Op:
    """An op from a function that gradx differentiates.

    ``lift_op(bp_op(f))`` is the function again and ``bp_op(lift_op(op))`` the op.

    Args:
        f: a function of values of any types. Variables that it uses must be its arguments.
        name: its name in messages; by default the function's.
        arity: how many operands it takes. By default as many as the function has parameters, or
            any number where these vary or have default values.

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
    """The number of a function's parameters, or -1 for any."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        return -1
    positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    fixed = all(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in positional)
    return len(positional) if fixed else -1


def op_lens(lens: Lens[Any, Any]) -> Op:
    """The op that views a part of a value.

    Args:
        lens: the path to the part.

    >>> import gradx as gx
    >>> op_lens(gx.lens(tuple)[1]).run((3.0, 4.0, 5.0))
    (4.0, (0.0, 1.0, 0.0))
    """
    return bp_op(lambda whole: view(lens, whole), repr(lens), arity=1)


def op_coerce(cls: type) -> Op:
    """The op that gives a value's parts to another type, as `gradx.coerce_var` does.

    Args:
        cls: the type of the result.

    >>> op_coerce(list).run((3.0, 4.0))
    ([3.0, 4.0], (1.0, 1.0))
    """

    def function(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        return coerce_var(cls, x), lambda g: join(coerce_var(type(held(x)), g))

    return Op(f"coerce to {cls.__name__}", function, pullback_form=True, arity=1)


def no_grad(f: Callable[..., Any], name: str | None = None) -> Op:
    """An op of any number of operands that has no gradient.

    It is an error to ask for one, but not to use the result where none is asked for: in a
    comparison, or on the way to an output that does not depend on it. (To treat a value as a
    constant, with gradient zero, write ``gx.value(x)``.)

    Args:
        f: a function of plain values.
        name: its name in messages; by default the function's.

    Raises:
        NoGradientError: (in the sweep) the gradient of the result is asked for.

    >>> no_grad(divmod).eval(7.0, 2.0)
    (3.0, 1.0)
    """
    called = name or _name_of(f)

    def refuse(g: Any) -> NoReturn:
        raise NoGradientError(
            f"the op {called} was made with no_grad and its gradient was asked for; give it one "
            "with gx.lift, or use gx.value(x) where x should count as a constant"
        )

    def function(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        return f(*map(value, xs)), refuse

    return Op(called, function, pullback_form=True, arity=-1)


def no_grad1(f: Callable[[Any], Any], name: str | None = None) -> Op:
    """As `no_grad`, of one operand.

    >>> import gradx as gx
    >>> floor = gx.lift_op(no_grad1(lambda x: x // 1))
    >>> gx.grad(lambda x: x * x if floor(x) > 2 else x)(3.5)
    7.0
    """
    op = no_grad(f, name)
    return Op(op.name, op.forward, pullback_form=True, arity=1)
