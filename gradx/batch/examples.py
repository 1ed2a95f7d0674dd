"""A batched value taken apart into its examples, and put together again: two linear ops.

They are transposes of one another, so that what is done for one example after the other, between
the two, has its derivatives by the rules of what is done. A run above the batch run records them as
it does any op; a batch run above it does them on what its own values hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from gradx.batch.counts import Chosen, Count, Items, in_one
from gradx.batch.loops import example
from gradx.batch.operands import Operand, whole
from gradx.core.cotangent import Structured, dense, merge
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.refusals import as_other_shapes
from gradx.ops import indexing
from gradx.values.operations import zero

__all__ = ["example_of", "of_all", "put_together", "taken_out", "together"]


class _Parts(Structured):
    """The cotangent of a value, from those of its examples: a value of the batch run.

    Attributes:
        value: the value, which may be the same for all examples.
        parts: from the number of an example to its cotangent.
        into: the batch run, and a value of it.
        base: a cotangent of the whole value to add, or None.
    """

    __slots__ = ("base", "into", "parts", "value")
    base: Any

    def __init__(self, value: Any, parts: dict[int, Any], into: tuple[Any, Any]) -> None:
        self.value, self.parts, self.into, self.base = value, parts, into, None

    def dense(self) -> Any:
        (run, like), parts = self.into, self.parts
        if len(parts) < run.size:
            empty = zero(self.value)
            parts = {i: taken_out(run, empty, i, like) for i in range(run.size)} | parts
        columns = [dense(parts[i]) for i in range(run.size)]
        known = run.counted(self.value)
        total = put_together(run, columns, like, "the pullback of a loop", known)
        return total if self.base is None else self.base + total

    def merged(self, other: Any) -> Any:
        if isinstance(other, _Parts):
            for i, g in other.parts.items():
                self.parts[i] = merge(self.parts[i], g) if i in self.parts else g
            other = other.base
        if other is not None:
            more = dense(other)
            self.base = more if self.base is None else self.base + more
        return self


def taken_out(run: Any, x: Any, i: int, like: Any) -> Any:
    """An example of a value, which may be of runs above a batch run.

    Args:
        run: the batch run.
        x: the value, or a length. One that is the same for all examples is taken too, since it has
            other cotangents in each.
        i: the number of the example.
        like: a value of the run.
    """
    if type(x) is Count:
        return x.length(i) if x.run is run else x
    if not isinstance(x, Lifted) or x._run.level < run.level:
        return x
    return apply(example_of, (x,), {"run": run, "i": i, "like": like})


def put_together(run: Any, xs: Sequence[Any], like: Any, name: str, known: Any = None) -> Any:
    """The value of a batch run that has such examples, which may be of runs above it.

    Args:
        run: the batch run.
        xs: the examples.
        like: a value of the run.
        name: what gave them, for messages.
        known: how many items each example has, as `Items`, if it has another number; None to look.

    Raises:
        ConversionError: the examples differ in more than the length of one axis.
    """
    first = apply(indexing.beside, (xs[0], like))
    params = {"run": run, "like": like, "name": name, "known": known}
    return apply(together, (first, *xs[1:]), params)


def _along(ts: Sequence[Any], xs: Sequence[Any], y: Any, **params: Any) -> Any:
    """The tangent of a value, from those of its examples, of which none may be of the run."""
    filled = [zero(x) if t is None else t for t, x in zip(ts, xs, strict=True)]
    return put_together(xs=filled, **params)


def _never(*xs: Any, **params: Any) -> NoReturn:
    raise AssertionError("examples are put together beside a value of their run")


example_of = Op(
    "example",
    lambda x, *, run, i, like: x,
    lambda g, x, *, run, i, like: _Parts(x, {i: dense(g)}, (run, like)),
    jvp=lambda ts, xs, y, *, run, i, like: taken_out(run, ts[0], i, like),
)
"""One example of a value. It is not said to be linear, since what is its operand is not the operand
to a run above: that of a value that is the same for all examples has other cotangents in each."""

together = Op(
    "together",
    _never,
    lambda g, i, *, run, like: taken_out(run, g, i, like),
    variadic=True,
    properties=Property.LINEAR,
    jvp=_along,
)
"""The value of a batch run that has such examples; see `put_together`."""


def of_all(run: Any, op: Op, xs: Sequence[Operand], params: dict[str, Any]) -> Any:
    """What one of the two ops gives in a batch run, as a batching rule does.

    Args:
        run: the run, which may be another than that of the op.
        op: the op.
        xs: its operands.
        params: its parameters.
    """
    if params["run"] is run:
        if op is example_of:
            return example(xs[0], params["i"])
        values = [x.value for x in xs]
        return params["known"].joined(values) if params["known"] else in_one(values, params["name"])
    if any(type(x.spec) is Chosen for x in xs):
        raise as_other_shapes("a loop over the examples of an outer batch", xs[0].spec)
    known = params.get("known")
    if known:
        params = {**params, "known": Items(None, known.many, known.axis + 1)}
    return apply(op, [whole(x, run.size) for x in xs], params)
