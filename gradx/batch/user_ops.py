"""Ops of users in a batch run: functions that give a result and its pullback.

Where a run below records, the op is done there as one op of all examples, so that its own pullback
is what gives the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.counts import Chosen, Count
from gradx.batch.operands import Operand, filled, taken_apart
from gradx.batch.values import BATCHED
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import Form, shape_of, spec_of
from gradx.ops.helpers import conj
from gradx.reverse.api import backprop_with
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, leaves_of, registry, zero

__all__ = ["ForEach", "for_all", "pullback_of"]


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

    nested = [x.spec for x in places if type(x.spec) is Chosen and x.spec.many.is_nested]

    def forward(*values: Any) -> tuple[Any, Callable[[Any], Any]]:
        inner, rest = new_run(), iter(zip(values, places, strict=False))
        numbers = iter(values[len(places) :])

        def fill(v: Any, spec: ValueType) -> Any:
            if not isinstance(v, Lifted):
                return v
            value, place = next(rest)
            known: Any = place.spec
            if type(known) is Chosen and known.many.is_nested:
                known = known.counted(Count(next(numbers), run.size))
            wrapped = place.batched or known.form is Form.ARRAY
            return inner.wrap(value, known, place.batched) if wrapped else value

        y, pull = inner.called(op, [_mapped(x, fill) for x in operands])

        def batched(x: Any, spec: ValueType) -> Any:
            return inner.batched(x) if hasattr(x, "dtype") else x

        def pullback(g: Any) -> Any:
            hs = pull(map_leaves(g, batched, static=batched))
            several = hs if len(operands) > 1 else (hs,)
            pairs = zip(operands, several, strict=True)
            found = [part for x, h in pairs for part in _of_lifted_leaves(x, h)]
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


class ForEach:
    """A pullback for all examples that is made of one for each: a linear function.

    Args:
        run: the batch run.
        name: the op, for messages and counts.
        functions: the pullback of each example.
        targets: for each operand, how many items each example has of it, if each has another
            number.
    """

    def __init__(
        self,
        run: Any,
        name: str,
        functions: Sequence[Callable[[Any], Any]],
        targets: Sequence[Any],
    ) -> None:
        self._run, self._name, self._functions, self._targets = run, name, functions, targets

    def __call__(self, g: Any) -> Any:
        """The cotangents of the operands."""
        parts: list[Any] = []
        structure = taken_apart(g, parts)
        if all(v._run.level <= self._run.level for v in parts):
            return self._run.for_each(self._name, self._functions, g, self._targets)
        size, top = self._run.size, max(parts, key=lambda v: v._run.level)
        if type(top) in BATCHED:
            return self._in_batch(top._run, structure, parts)

        def of_parts(function: Callable[[Any], Any]) -> Callable[..., Any]:
            return lambda *ys: function(filled(structure, ys))

        def forward(*xs: Any) -> tuple[Any, ForEach]:
            inner = [_within(self._run, x) for x in xs]
            points = [[_row(self._run.example(x, i), n) for x, n in inner] for i in range(size)]
            pairs = zip(self._functions, points, strict=True)
            back = [pullback_of(of_parts(f), *point) for f, point in pairs]
            counts = [(self._run.count_of(x), n) for x, n in inner]
            targets = [each and each._replace(axis=each.axis - n) for each, n in counts]
            return of_parts(self)(*xs), ForEach(self._run, self._name, back, targets)

        linear = Property.LINEAR  # a run above, which asks for a transpose, may ask whether it is
        op = Op(self._name, forward, pullback_form=True, arity=len(parts), properties=linear)
        return apply(op, parts)

    def _in_batch(self, run: Any, structure: Any, parts: Sequence[Any]) -> Any:
        """The cotangents where those of the result have a batch within, such as rows of a Hessian.

        Each example's pullback is called for all rows at once.
        """
        places = list(map(run.operand, parts))
        if any(type(place.spec) is Chosen for place in places):
            raise as_other_shapes(self._name, parts[0])

        def for_rows(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def of_rows(values: Any) -> Any:
                inner = type(run)(run.size)
                pairs = zip(values, places, strict=True)
                xs = [_row_of(inner, v, place) if place.batched else v for v, place in pairs]

                def whole(x: Any, spec: ValueType) -> Any:
                    return x if spec.static and not isinstance(x, Lifted) else _whole(inner, x)

                return map_leaves(function(filled(structure, xs)), whole, static=whole)

            return of_rows

        functions = list(map(for_rows, self._functions))
        targets = [each and each._replace(axis=each.axis + 1) for each in self._targets]
        below = ForEach(self._run, self._name, functions, targets)
        return run._each(below([place.value for place in places]))


def _within(run: Any, x: Any) -> tuple[Any, int]:
    """The value of a run in one of batches within, and how many axes of those it has."""
    axes = 0
    while type(x) in BATCHED and x._run is not run:
        x, axes = x._examples, axes + x._mapped
    return x, axes


def _row(x: Any, axes: int) -> Any:
    """A value of the shape of one row: at which a linear function has the pullback of all rows."""
    return np.sum(x, axis=tuple(range(axes))) if axes else x


def _row_of(run: Any, v: Any, place: Operand) -> Any:
    """A row of an array as a batched value, of the shape that it has in one example."""
    return run.wrap(v, place.spec._replace(shape=tuple(shape_of(v)[1:])))


def pullback_of(function: Callable[..., Any], *xs: Any) -> Callable[[Any], Any]:
    """The pullback of a function of values, as an op has it; the function is called once more."""
    chosen = [i for i, x in enumerate(xs) if np.dtype(spec_of(x).dtype).kind in "fc"]

    def of_chosen(*ys: Any) -> Any:
        own = dict(zip(chosen, ys, strict=True))
        return function(*[own.get(i, x) for i, x in enumerate(xs)])

    def pullback(g: Any) -> Any:
        hs = list(map(zero, xs))
        if chosen:
            pull = backprop_with(of_chosen, *[xs[i] for i in chosen])[1]
            found = _conjugated(pull(_conjugated(g)))
            for i, h in zip(chosen, found if len(chosen) > 1 else (found,), strict=True):
                hs[i] = h
        return hs[0] if len(hs) == 1 else tuple(hs)

    return pullback


def _conjugated(g: Any) -> Any:
    """A value with conjugated leaves: the engine's cotangents and the runners' are conjugate.

    A whole number of Python's, which a batch has as NumPy's, has a cotangent that is 0.
    """

    def whole(x: Any, spec: ValueType) -> Any:
        return 0.0 if getattr(x, "dtype", None) is not None and not x.shape else x

    return map_leaves(g, lambda x, spec: conj(x), static=whole)


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
