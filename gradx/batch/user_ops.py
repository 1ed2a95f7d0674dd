"""Ops of users in a batch run: functions that give a result and its pullback.

Where a run below records, the op is done there as one op of all examples, so that its own pullback
is what gives the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.operands import Operand
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.spec import Form
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, leaves_of, registry

__all__ = ["for_all"]


def for_all(run: Any, new_run: Callable[[], Any], op: Op, operands: Sequence[Any]) -> Any:
    """The result of an op of a user, in the next lower run: with the batch along axis 0.

    Args:
        run: the batch run.
        new_run: makes another of as many examples, for what the op does with the values.
        op: the op.
        operands: its operands, with lifted values in them.
    """
    places: list[Operand] = []

    def note(v: Any, spec: ValueType) -> Any:
        if isinstance(v, Lifted):
            places.append(run.operand(v))
        return v

    for x in operands:
        _mapped(x, note)

    def forward(*values: Any) -> tuple[Any, Callable[[Any], Any]]:
        inner, rest = new_run(), iter(zip(values, places, strict=True))

        def fill(v: Any, spec: ValueType) -> Any:
            if not isinstance(v, Lifted):
                return v
            value, place = next(rest)
            known = place.spec
            wrapped = place.batched or known.form is Form.ARRAY
            return inner.wrap(value, known, place.batched) if wrapped else value

        y, pull = inner.called(op, [_mapped(x, fill) for x in operands])

        def pullback(g: Any) -> Any:
            hs = pull(map_leaves(g, lambda x, spec: inner.batched(x)))
            several = hs if len(operands) > 1 else (hs,)
            found: list[Any] = []
            for x, h in zip(operands, several, strict=True):
                pairs = zip(leaves_of(x), leaves_of(h), strict=True)
                found += [part for leaf, part in pairs if isinstance(leaf, Lifted)]
            out = [_cotangent(inner, h, place) for h, place in zip(found, places, strict=True)]
            return out[0] if len(out) == 1 else tuple(out)

        return map_leaves(y, lambda x, spec: _whole(inner, x)), pullback

    every = Op(op.name, forward, pullback_form=True, arity=len(places))
    return apply(every, [place.value for place in places])


def _mapped(x: Any, leaf: Callable[[Any, ValueType], Any]) -> Any:
    """An operand with other leaves; a constant of an unregistered type is left as it is."""
    if registry.find(type(x)) is None:
        return x
    return map_leaves(x, leaf, "the operand", static=leaf)


def _whole(run: Any, x: Any) -> Any:
    """A leaf with the batch axis, as the next lower run has it."""
    place = run.operand(x)
    if place.batched:
        return place.value
    return np.array(np.broadcast_to(place.value, (run.size, *place.shape)))


def _cotangent(run: Any, h: Any, place: Operand) -> Any:
    """The cotangent of an operand: that of one value of all examples is the sum of theirs."""
    value = _whole(run, h)
    return value if place.batched else np.sum(value, axis=0)
