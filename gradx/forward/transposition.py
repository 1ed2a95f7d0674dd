"""Transposition: a linear function, run backwards.

A pullback is the transpose of the derivative, linear in the cotangent. Recorded on a tape of the
cotangent and swept backwards it is transposed again, which is the derivative itself. So forward
mode needs no rules of its own.

What is recorded must be linear in the cotangent. The rules of gradx are, and a test says so. A
user's pullback is checked (`gradx.abstract.linear`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.abstract.linear import LinearRun
from gradx.core.cotangent import dense, merge
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.spec import Form, spec_of
from gradx.errors import ConversionError, NotLiftedError
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.reverse.backward import consuming, sweep_host
from gradx.reverse.gradients import sweep_placed
from gradx.reverse.run import Execution
from gradx.reverse.tape import Tape
from gradx.reverse.variables import BVar
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of, one

__all__ = ["LinearFunction", "transposable", "transposed"]


class LinearTape(Tape):
    """The tape of a linear function, which calls pullbacks of users that may not be linear."""

    __slots__ = ()

    def pulled(self, op: Op, pullback: Callable[[Any], Any], g: Any) -> Any:
        """What a user's pullback gives for a variable of this tape.

        Raises:
            NotDifferentiableError: it is not linear; names the operation.
        """
        if Property.LINEAR not in op.properties:
            check_linear(op, pullback, g)
        return pullback(g)


def check_linear(op: Op, pullback: Callable[[Any], Any], g: Any) -> None:
    """Call a user's pullback with a cotangent that has no numbers, to see that it is linear.

    Raises:
        NotDifferentiableError: it is not; names the operation.
    """
    abstract, tape = LinearRun(f"the pullback of {op.name}", "its cotangent", _INSTEAD), Tape()
    try:
        try:
            parts = pullback(map_leaves(g, lambda x, spec: abstract.variable(tape, x)))
        except (ConversionError, NotLiftedError) as error:
            error.add_note(f"gradx: forward mode transposes the pullback of {op.name}; {_INSTEAD}")
            raise
        for leaf in _leaves(parts):
            if _node_in(tape, leaf) is None:
                abstract.check_constant(leaf)
    finally:
        tape.close()


_INSTEAD = "write it of linear functions that are lifted, or give the op a forward rule with jvp="


class LinearFunction:
    """A linear function, recorded once, to be transposed for any number of arguments.

    Args:
        function: the function of one value, which returns a list of values, None for zero.
        like: a value like its argument.

    Raises:
        NotDifferentiableError: a pullback of a user's that it calls is not linear.
    """

    __slots__ = ("beside", "inputs", "nodes", "outputs", "placed")

    def __init__(self, function: Callable[[Any], Sequence[Any]], like: Any) -> None:
        tape = LinearTape()
        self.inputs: list[Any] = []
        lift = tape.lifter(self.inputs)
        argument = map_leaves(like, lambda x, spec: lift(one(x), spec), "the cotangent")
        try:
            results = [_leaves(h) for h in function(argument)]
            self.outputs = [[_node_in(tape, h) for h in leaves] for leaves in results]
            self.beside = [first_device_array(leaves) for leaves in results]
        finally:
            self.nodes = tape.close()
        self.placed = tape.placed

    def transpose(self, ts: Sequence[Any], nodes: Any) -> list[Any]:
        """The transposed function.

        Args:
            ts: for each value that the function returned its argument here, or a list of those of
                its leaves; None for zero.
            nodes: the nodes, latest first.

        Returns:
            What belongs to each leaf of the function's argument; None for zero.
        """
        known: dict[int, Any] = {}
        for outputs, beside, t in zip(self.outputs, self.beside, ts, strict=True):
            if t is None:
                continue
            for node, part in zip(outputs, t if type(t) is list else [t], strict=True):
                if node is not None and part is not None:
                    if spec_of(part).form is Form.NUMBER:
                        part = np.positive(part)  # which may be divided by zero
                    if beside is not None and spec_of(part).form is not Form.ARRAY:
                        part = part + zeros_for(beside, ())  # a number goes to the device
                    key = id(node)
                    known[key] = merge(known[key], part) if key in known else part
        if known:
            known = (sweep_placed if self.placed else sweep_host)(nodes, known)
        return [dense(known.get(id(node))) for node in self.inputs]


def _leaves(h: Any) -> list[Any]:
    return [h] if h is None or isinstance(h, BVar) else leaves_of(h)


def _node_in(tape: Tape, h: Any) -> Any:
    """The node of a variable of a tape; None for a constant."""
    return h._node if isinstance(h, BVar) and h._run is tape else None


def transposable(run: Execution) -> LinearFunction:
    """The pullback of a finished run, whose tape is kept: its transpose is the derivative."""

    def pullback(g: Any) -> list[Any]:
        return [dense(h) for h in run.cotangents(reversed(run.nodes), run.seeds(g))]

    return LinearFunction(pullback, run.value)


def transposed(pullback: Callable[[Any], Sequence[Any]], y: Any, ts: Sequence[Any]) -> Any:
    """The tangent of a result, by its pullback.

    Args:
        pullback: from a cotangent of the result to those of the operands; None for zero.
        y: the result.
        ts: the tangents of the operands: one each, or a list of those of its leaves; None for zero.

    Returns:
        A value like ``y``; None for zero.
    """
    run = LinearFunction(pullback, y)
    parts = run.transpose(ts, consuming(run.nodes))
    if all(part is None for part in parts):
        return None
    if len(parts) == 1 and not isinstance(y, (tuple, list, dict)):
        return parts[0]
    rest = iter(parts)
    return map_leaves(y, lambda x, spec: _or_zero(next(rest), x, spec), "the tangent")


def _or_zero(t: Any, x: Any, spec: Any) -> Any:
    return spec.zero(x) if t is None else t
