"""Linear: an abstract run that lets only linear functions pass.

What is transposed must be linear: a forward rule in its tangents, a pullback in its cotangent. One
that clips, say, would give a wrong derivative in silence. Called with values of this run it raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.abstract.run import AbstractRun
from gradx.core.dispatch import holds
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.rule import OPERANDS, Rule
from gradx.core.spec import Form, Spec, primal, spec_of
from gradx.devices.placement import on_device_of
from gradx.errors import NotDifferentiableError
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.values.operations import leaves_of

__all__ = ["LinearRun"]


class LinearRun(AbstractRun):
    """An abstract run that takes only operations that are linear in its values.

    Args:
        name: the function that must be linear, for messages.
        argument: what it must be linear in.
        instead: what to write where it is not.
    """

    __slots__ = ("argument", "instead", "name")

    def __init__(self, name: str, argument: str, instead: str) -> None:
        super().__init__()
        self.name, self.argument, self.instead = name, argument, instead

    def variable(self, tape: Any, x: Any) -> Any:
        """The variable of a tape of a value of this run, like a leaf.

        Raises:
            NotDifferentiableError: the leaf has no numbers.
        """
        shape, dtype, form = spec_of(x)
        if form is Form.OPAQUE:
            raise NotDifferentiableError(
                f"{self.name} has a value of type {type(primal(x)).__name__}, of which it is not "
                f"known what is linear; {self.instead}"
            )
        dtype = float if dtype in (int, bool) else dtype
        self.at = first_device_array((self.at, x))
        return tape.wrap(self.wrap(None, Spec(shape, dtype, form)))

    def check_constant(self, x: Any) -> None:
        """Refuse a leaf of the function's result that is not on the tape, unless it is zero.

        Raises:
            NotDifferentiableError: it is one.
        """
        if self.owns(x) or holds(np.any(primal(x) != 0)):
            raise NotDifferentiableError(
                f"{self.name} must be linear in {self.argument}, and gives a constant; "
                f"{self.instead}"
            )

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """Do an op on made-up numbers, if it is linear.

        Raises:
            NotDifferentiableError: it is not linear in the operands that are tangents.
        """
        mine = [i for i, x in enumerate(operands) if self.owns(x)]
        reason = _why_not_linear(op, mine) or self._constant(op, operands, params)
        if reason:
            raise NotDifferentiableError(
                f"{self.name} must be linear in {self.argument}, and {op.name} {reason}; "
                f"{self.instead}"
            )
        return super().process(op, operands, params)

    def _constant(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> str:
        """Why an op with other operands too is not zero where tangents are; empty if it is."""
        if all(map(self.owns, operands)) or Property.BILINEAR in op.properties:
            return ""
        like = first_device_array(operands)
        with np.errstate(all="ignore"), on_device_of(like):
            xs = [_zero(x, like) if self.owns(x) else primal(x) for x in operands]
            found = leaves_of(op.eval(*xs, **params or {}))
            nonzero = any(holds(np.any((y != 0) & (y == y))) for y in found)  # NaN is none
        return "adds a constant to one" if nonzero else ""


def _why_not_linear(op: Op, mine: Sequence[int]) -> str:
    """Why an op is not linear in some operands together; empty if it is, but for a constant."""
    if op.pullback_form:
        linear = Property.LINEAR in op.properties
        return "" if linear else "is an op of a pullback, of which that is not known"
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


def _zero(x: Any, like: Any) -> Any:
    """A zero of an abstract value's spec, where an array of a device is."""
    shape, dtype, form = spec_of(x)
    if like is not None and form is not Form.NUMBER:
        return zeros_for(like, shape, dtype)
    if form is Form.NUMBER:
        return dtype(0)
    return np.zeros(shape, dtype)[() if form is Form.SCALAR else ...]
