"""Transposition: a linear function, run backwards.

A pullback is the transpose of the derivative, linear in the cotangent. Recorded on a tape of the
cotangent and swept backwards it is transposed again, which is the derivative itself. So forward
mode needs no rules of its own.

What is recorded must be linear in the cotangent. The rules of gradx are, and a test says so. A
user's pullback is checked: one that clips its cotangent, say, would give nonsense, in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.core.cotangent import dense, merge, op_of
from gradx.core.dispatch import Lifted
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from gradx.core.rule import OPERANDS
from gradx.core.spec import primal
from gradx.devices.placement import PLACES
from gradx.errors import ConversionError, NotLiftedError, OpError
from gradx.reverse.backward import consuming, sweep_host
from gradx.reverse.gradients import sweep_placed
from gradx.reverse.tape import Tape
from gradx.reverse.variables import BVar
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of, one, value_type, zero

__all__ = ["LinearRun", "transposed"]


class LinearTape(Tape):
    """The tape of a linear function; to a user's pullback its variables give no number away."""

    __slots__ = ("blind",)

    def __init__(self) -> None:
        super().__init__()
        self.blind = False

    def pulled(self, op: Op, pullback: Callable[[Any], Any], g: Any) -> Any:
        """What a user's pullback gives for a variable of this tape.

        Raises:
            OpError: it is not linear; names the operation.
        """
        nodes = self.nodes
        assert nodes is not None
        start, self.blind = len(nodes), True
        try:
            parts = pullback(g)
        except (ConversionError, NotLiftedError) as error:
            error.add_note(f"gradx: forward mode transposes the pullback of {op.name}; {_GIVE}")
            raise
        finally:
            self.blind = False
        wrong = next((node for node in nodes[start:] if not _is_linear(node)), None)
        if wrong is not None:
            raise OpError(
                f"the pullback of {op.name} is not linear in its cotangent, since it takes "
                f"{op_of(wrong).name} of it, and forward mode transposes it; {_GIVE}"
            )
        for part in leaves_of(pullback(map_leaves(g, lambda x, spec: zero(primal(x))))):
            if _is_something(primal(part)):
                raise OpError(
                    f"the pullback of {op.name} is not linear in its cotangent, since it does not "
                    f"give zero for zero, and forward mode transposes it; {_GIVE}"
                )
        return parts


class LinearRun:
    """A linear function, recorded once, to be transposed for any number of arguments.

    Args:
        function: the function of one value, which returns a list of values, None for zero.
        like: a value like its argument.

    Raises:
        OpError: a pullback of a user's that it calls is not linear; names the operation.
    """

    __slots__ = ("inputs", "nodes", "outputs", "placed")

    def __init__(self, function: Callable[[Any], Sequence[Any]], like: Any) -> None:
        tape = LinearTape()
        self.inputs: list[Any] = []
        lift = tape.lifter(self.inputs)
        argument = map_leaves(like, lambda x, spec: lift(one(x), spec), "the cotangent")
        try:
            self.outputs = [[_node_in(tape, h) for h in _leaves(h)] for h in function(argument)]
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
        for outputs, t in zip(self.outputs, ts, strict=True):
            if t is None:
                continue
            for node, part in zip(outputs, t if type(t) is list else [t], strict=True):
                if node is not None and part is not None:
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


_GIVE = "write it linear, of functions that are lifted, or give the op a forward rule with jvp="


def _is_something(x: Any) -> bool:
    """Whether a plain number or array on the host has an item that is neither zero nor NaN."""
    known = value_type(x).numeric and not isinstance(x, Lifted) and type(x) not in PLACES
    return known and bool(np.any((x != 0) & (x == x)))


def _is_linear(node: Any) -> bool:
    """Whether a node is of an operation that is linear in the operands that are on the tape."""
    op, edges = op_of(node), [node] if type(node) is tuple else node
    if Property.LINEAR in op.properties:
        return True
    alone = len(edges) == 1
    if op.pullback_form:
        return OPS.get(op.name) is op
    if Property.BILINEAR in op.properties:
        return alone
    if op.variadic:
        return False
    names = OPERANDS[len(op.rules)]
    for _, pull, *_ in edges:
        function = getattr(pull, "func", pull)
        rules = [(n, r) for n, r in zip(names, op.rules, strict=True) if r and r.pull is function]
        if not alone or any("y" in rule.needs or name in rule.needs for name, rule in rules):
            return False
    return True


def transposed(pullback: Callable[[Any], Sequence[Any]], y: Any, ts: Sequence[Any]) -> Any:
    """The tangent of a result, by its pullback.

    Args:
        pullback: from a cotangent of the result to those of the operands; None for zero.
        y: the result.
        ts: the tangents of the operands: one each, or a list of those of its leaves; None for zero.

    Returns:
        A value like ``y``; None for zero.
    """
    run = LinearRun(pullback, y)
    parts = run.transpose(ts, consuming(run.nodes))
    if all(part is None for part in parts):
        return None
    if len(parts) == 1 and not isinstance(y, (tuple, list, dict)):
        return parts[0]
    rest = iter(parts)
    return map_leaves(y, lambda x, spec: _or_zero(next(rest), x, spec), "the tangent")


def _or_zero(t: Any, x: Any, spec: Any) -> Any:
    return spec.zero(x) if t is None else t
