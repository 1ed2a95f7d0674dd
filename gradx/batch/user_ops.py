"""Ops of users in a batch run: functions that give a result and its pullback.

Where a run below records, the op is done there as one op of all examples, so that its own pullback
is what gives the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.counts import Chosen, Count
from gradx.batch.operands import Operand
from gradx.core.check_cotangents import given_by
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.refusals import as_other_shapes
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

    has_lifted = []
    for x in operands:
        before = len(places)
        _mapped(x, note)
        has_lifted.append(len(places) > before)

    nested = [x.spec for x in places if type(x.spec) is Chosen and x.spec.many.is_nested]

    def forward(*values: Any) -> tuple[Any, Callable[[Any], Any]]:
        inner, rest = new_run(), iter(zip(values, places, strict=False))
        numbers = iter(values[len(places) :])

        def fill(v: Any, spec: ValueType) -> Any:
            if not isinstance(v, Lifted):
                return v
            value, place = next(rest)
            known: Any = place.spec
            if type(known) is Chosen:
                many = known.many
                own = (next(numbers), None) if many.is_nested else (many.numbers, many.lengths)
                known = known.counted(Count(own[0], run.size, own[1]))
            wrapped = place.batched or known.form is Form.ARRAY
            return inner.wrap(value, known, place.batched) if wrapped else value

        y, pull = op.call([_mapped(x, fill) for x in operands])

        def batched(x: Any, spec: ValueType) -> Any:
            return inner.batched(x) if hasattr(x, "dtype") else x

        def pullback(g: Any) -> Any:
            g = map_leaves(g, batched, static=batched)
            hs = given_by(pull, op, len(operands), lambda i: has_lifted[i], g)
            pairs = zip(operands, hs, has_lifted, strict=True)
            found = [part for x, h, own in pairs if own for part in _of_lifted_leaves(x, h)]
            out = [_cotangent(inner, h, place) for h, place in zip(found, places, strict=True)]
            out += [0.0] * len(nested)
            return out[0] if len(out) == 1 else tuple(out)

        def whole(x: Any, spec: ValueType) -> Any:
            return x if spec.static and not isinstance(x, Lifted) else _whole(inner, x)

        return map_leaves(y, whole, static=whole), pullback

    values = [x.value for x in places] + [spec.many.numbers for spec in nested]
    return apply(Op(op.name, forward, pullback_form=True, arity=len(values)), values)


def _mapped(x: Any, leaf: Callable[[Any, ValueType], Any]) -> Any:
    """An operand with other leaves; a constant of an unregistered type is left as it is."""
    if registry.find(type(x)) is None:
        return x
    return map_leaves(x, leaf, "the operand", static=leaf)


def _of_lifted_leaves(x: Any, h: Any) -> list[Any]:
    """The parts of an operand's cotangent for its lifted leaves; 0 for one of whole numbers."""
    parts, found = iter(leaves_of(h)), []

    def note(v: Any, spec: ValueType) -> Any:
        part = 0.0 if spec.static else next(parts)
        if isinstance(v, Lifted):
            found.append(part)
        return v

    _mapped(x, note)
    return found


def _whole(run: Any, x: Any) -> Any:
    """A leaf with the batch axis, as the next lower run has it.

    Raises:
        ConversionError: it is of items of which each example has another number.
    """
    place = run.operand(x)
    if type(place.spec) is Chosen:
        raise as_other_shapes("an operation of yours", x)
    if place.batched:
        return place.value
    return np.array(np.broadcast_to(place.value, (run.size, *place.shape)))


def _cotangent(run: Any, h: Any, place: Operand) -> Any:
    """The cotangent of an operand: that of one value of all examples is the sum of theirs."""
    value = run.operand(h).value if type(place.spec) is Chosen else _whole(run, h)
    return value if place.batched else np.sum(value, axis=0)
