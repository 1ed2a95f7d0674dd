"""Transposing a rule of tangents: the reverse rule of a function that has a forward one.

The rule is called with tangents that have shapes and no numbers, on a tape of theirs, and the tape
is swept backwards. What is done with tangents must be linear in them; each operation is looked at
for that (`gradx.abstract.linear`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradx.abstract.linear import LinearRun
from gradx.core.check_cotangents import matched
from gradx.core.cotangent import dense, merge
from gradx.errors import OpError
from gradx.reverse.backward import consuming, sweep_host
from gradx.reverse.gradients import sweep_placed
from gradx.reverse.opaque import join
from gradx.reverse.tape import Tape
from gradx.reverse.variables import BVar
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, leaves_of

__all__ = ["pair_of", "transposed_rule"]


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
    abstract, tape = LinearRun(name, "the tangents", _INSTEAD), Tape()
    nodes: list[Any] = []

    def tangent(x: Any, spec: ValueType) -> Any:
        v = abstract.variable(tape, x)
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
            else:
                abstract.check_constant(part)
    finally:
        recorded = tape.close()
    found = (sweep_placed if tape.placed else sweep_host)(consuming(recorded), seeds)
    rest = iter(nodes)

    def cotangent(x: Any, spec: ValueType) -> Any:
        h = found.get(id(next(rest)))
        return spec.zero(x) if h is None and spec.zero is not None else dense(h)

    return [map_leaves(x, cotangent) for x in primals]


_INSTEAD = (
    "compute what is not linear of the primals alone, or give the function a reverse rule, with "
    "defvjp"
)


def _of(name: str) -> str:
    return f"the tangent that {name} gives"


def _second(y: Any, t: Any) -> Any:
    return t
