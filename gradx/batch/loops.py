"""The loop over examples: what is done with an op that has no batching rule, and its count.

It is right for every op and costs one call of the op for each example, so it is never silent: the
report of `gx.debug` has it, `counted_loops` counts, and `looped_ops` lists the ops of the tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from gradx.batch.counts import Chosen, Count, in_one
from gradx.batch.operands import Operand
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.spec import Form
from gradx.core.watch import tell
from gradx.errors import StructureError
from gradx.ops import indexing, numbers
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType

__all__ = ["count", "counted_loops", "each", "example", "looped", "stacked_results"]

_NUMBERS = frozenset({bool, int, float, complex})
_COUNTS: ContextVar[Counter[str] | None] = ContextVar("loops", default=None)


@contextmanager
def counted_loops() -> Iterator[Counter[str]]:
    """A block in which the loops over examples are counted, by the names of the ops.

    >>> import gradx as gx
    >>> with counted_loops() as loops:
    ...     y = gx.vmap(np.roots)(np.array([[1.0, -3.0, 2.0], [1.0, -5.0, 6.0]]))
    >>> loops
    Counter({'roots': 2})
    """
    counts: Counter[str] = Counter()
    token = _COUNTS.set(counts)
    try:
        yield counts
    finally:
        _COUNTS.reset(token)


def example(x: Any, i: int) -> Any:
    """One example of an operand, of the form that it has in the plain program."""
    if not isinstance(x, Operand):
        if type(x) in (tuple, list):
            return type(x)(example(part, i) for part in x)
        if type(x) is Count:
            return x.length(i)
        return {key: example(part, i) for key, part in x.items()} if type(x) is dict else x
    if not x.batched:
        return x.value
    form = x.spec.form
    if type(x.spec) is Chosen:
        items = apply(indexing.getitem, (x.value,), {"index": x.spec.many.part(i)})
        return np.moveaxis(items, 0, x.spec.axis) if x.spec.axis else items
    if form is Form.ARRAY:
        return apply(indexing.getitem, (x.value,), {"index": (i, ...)})
    y = apply(indexing.getitem, (x.value,), {"index": i})
    if form is Form.NUMBER:
        y = apply(numbers.of_python, (y,), {"kind": x.spec.dtype})
    return y


def looped(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An op done for one example after the other, and the results in one array."""
    return stacked_results(each(op, xs, params, size), op.name)


def each(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> list[Any]:
    """The results of an op for one example after the other."""
    count(op.name, size)
    return [apply(op, [example(x, i) for x in xs], example(params, i) or None) for i in range(size)]


def count(name: str, size: int) -> None:
    """Note so many loops of an op, where someone counts, and tell whoever watches."""
    tell("fallback loop", f"gx.vmap did {name} for {size} examples one after the other")
    counts = _COUNTS.get()
    if counts is not None:
        counts[name] += size


def stacked_results(
    results: Sequence[Any], name: str, joined: Callable[[Sequence[Any], str], Any] = in_one
) -> Any:
    """The results of all examples in one value, with the batch along axis 0 of each leaf.

    A leaf of which each example has another number of items is given as `Items`.

    Args:
        results: those.
        name: what gave them, for messages.
        joined: what makes one of a leaf of all examples.

    Raises:
        ConversionError: a leaf differs between the examples in more than the length of one axis.
        StructureError: a leaf that is no number differs from example to example.
    """
    columns: list[list[Any]] = [[] for _ in results]

    def collect(column: list[Any]) -> Callable[[Any, ValueType], Any]:
        def leaf(x: Any, spec: ValueType) -> Any:
            column.append(x)
            return x

        return leaf

    for column, result in zip(columns, results, strict=True):
        map_leaves(result, collect(column), "the result", static=collect(column))
    rows = iter(list(zip(*columns, strict=True)))

    def join(x: Any, spec: ValueType) -> Any:
        row = next(rows)
        known = isinstance(x, Lifted) or hasattr(x, "shape") or type(x) in _NUMBERS
        if known:
            return joined(row, name)
        if any(other is not x and other != x for other in row):
            raise StructureError(
                f"{name} gave {x!r} for one example and something else for another, which is no "
                "number and has no axis for the examples; return arrays and numbers"
            )
        return x

    return map_leaves(results[0], join, "the result", static=join)
