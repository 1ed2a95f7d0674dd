"""Transposing a rule of tangents: the reverse rule of a function that has a forward one.

The rule is called with tangents that have shapes and no numbers, on a tape of theirs, and the tape
is swept backwards. What is done with tangents must be linear in them; each operation is looked at
for that (`TangentRun`), so a rule that clips a tangent, say, raises. It gives no wrong gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.abstract.run import AbstractRun
from gradx.core.check_cotangents import matched
from gradx.core.cotangent import dense, merge
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.rule import OPERANDS, Rule
from gradx.core.spec import Form, Spec, primal, spec_of
from gradx.errors import NotDifferentiableError, OpError
from gradx.reverse.backward import consuming, sweep_host
from gradx.reverse.gradients import sweep_placed
from gradx.reverse.opaque import join
from gradx.reverse.tape import Tape
from gradx.reverse.variables import BVar
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, leaves_of

__all__ = ["TangentRun", "pair_of", "transposed_rule"]


class TangentRun(AbstractRun):
    """An abstract run that takes only operations that are linear in its values.

    Args:
        name: what is being transposed, for messages.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on made-up numbers, if it is linear.

        Raises:
            NotDifferentiableError: it is not linear in the operands that are tangents.
        """
        mine = [i for i, x in enumerate(operands) if self.owns(x)]
        reason = _why_not_linear(op, mine) or self._constant(op, operands, params)
        if reason:
            raise NotDifferentiableError(
                f"{self.name} must be linear in the tangents, and {op.name} {reason}; compute what "
                "is not linear of the primals alone, or give the function a reverse rule, with "
                "defvjp"
            )
        return super().process(op, operands, params)

    def _constant(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> str:
        """Why an op with other operands too is not zero where tangents are; empty if it is."""
        if all(map(self.owns, operands)) or Property.BILINEAR in op.properties:
            return ""
        with np.errstate(all="ignore"):
            y = op.eval(
                *[_zero(x) if self.owns(x) else primal(x) for x in operands], **params or {}
            )
        found = [np.asarray(leaf) for leaf in leaves_of(y)]
        nonzero = any(
            np.any((leaf != 0) & (leaf == leaf)) for leaf in found
        )  # not a number is none
        return "adds a constant to one" if nonzero else ""


def _why_not_linear(op: Op, mine: Sequence[int]) -> str:
    """Why an op is not linear in some operands together; empty if it is, but for a constant."""
    if op.pullback_form:
        return "is an op of a pullback, of which that is not known"
    rules = op.rules * (max(mine) + 1) if op.variadic else op.rules
    if any(rules[i] is None for i in mine) or op.name == "stop_gradient":
        return "has no derivative"
    if Property.LINEAR in op.properties:
        return ""
    if Property.BILINEAR in op.properties:
        return "" if len(mine) == 1 else "multiplies two of them"
    names = OPERANDS.get(len(op.rules), ())
    if op.variadic or any(type(rules[i]) is not Rule for i in mine):
        return "is not linear"
    kept = {need for i in mine for need in rules[i].needs}
    return "is not linear" if kept & {"y", *(names[i] for i in mine)} else ""


def _zero(x: Any) -> Any:
    shape, dtype, form = spec_of(x)
    if form is Form.NUMBER:
        return dtype(0)
    return np.zeros(shape, dtype)[() if form is Form.SCALAR else ...]


def pair_of(result: Any, name: str, meaning: str) -> tuple[Any, Any]:
    """A result that must be a pair.

    Raises:
        OpError: it is not.
    """
    if type(result) is not tuple or len(result) != 2:
        raise OpError(f"{name} returned a {type(result).__name__}; return a pair {meaning}")
    return result


def transposed_rule(
    rule: Callable[[tuple[Any, ...], tuple[Any, ...]], Any],
    primals: Sequence[Any],
    y: Any,
    g: Any,
    name: str,
) -> list[Any]:
    """The cotangents of the operands of a function, by its forward rule.

    Args:
        rule: ``rule(primals, tangents)`` gives the result and its tangent.
        primals: the operands.
        y: the result.
        g: its cotangent.
        name: what the rule is called in messages.

    Returns:
        A value like each operand.

    Raises:
        NotDifferentiableError: the rule is not linear in the tangents.
        CotangentError: the tangent that it gives is not of the result's form.
    """
    abstract, tape = TangentRun(name), Tape()
    nodes: list[Any] = []

    def tangent(x: Any, spec: ValueType) -> Any:
        shape, dtype, form = spec_of(x)
        if form is Form.OPAQUE:
            raise NotDifferentiableError(
                f"{name} has an operand of type {type(primal(x)).__name__}, whose tangents are not "
                "made of numbers; give the function a reverse rule, with defvjp"
            )
        dtype = float if dtype in (int, bool) else dtype
        v = tape.wrap(abstract.wrap(None, Spec(shape, dtype, form)))
        nodes.append(v._node)
        return v

    try:
        tangents = tuple(map_leaves(x, tangent, f"an operand of {name}") for x in primals)
        t = pair_of(rule(tuple(primals), tangents), name, "(result, tangent)")[1]
        t = matched(y, join(t, f"the tangent of {name}", tape), _of(name), "result", _second)
        seeds: dict[int, Any] = {}
        for part, h in zip(leaves_of(t), leaves_of(g), strict=True):
            if isinstance(part, BVar) and part._run is tape:
                key = id(part._node)
                seeds[key] = merge(seeds[key], h) if key in seeds else h
            elif abstract.owns(part) or np.any(np.asarray(primal(part)) != 0):
                raise NotDifferentiableError(
                    f"{name} gives a tangent that is not linear in those that it was given, but a "
                    "constant beside them; it must be zero where they are"
                )
    finally:
        recorded = tape.close()
    found = (sweep_placed if tape.placed else sweep_host)(consuming(recorded), seeds)
    rest = iter(nodes)

    def cotangent(x: Any, spec: ValueType) -> Any:
        h = found.get(id(next(rest)))
        return spec.zero(x) if h is None and spec.zero is not None else dense(h)

    return [map_leaves(x, cotangent) for x in primals]


def _of(name: str) -> str:
    return f"the tangent that {name} gives"


def _second(y: Any, t: Any) -> Any:
    return t
