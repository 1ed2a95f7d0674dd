"""Batching of operations on chosen items, of which each example has another number.

An elementwise operation on them is one on those of all examples; what else it is given has one item
for all or for each example. They can be written where a mask has as many places. Any other
operation is done for one example after the other (`gradx.batch.apart`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gradx.batch.counts import Chosen, Count, Items
from gradx.batch.elementwise import computed, elementwise, in_one_precision, like_of, masked
from gradx.batch.loops import each, looped
from gradx.batch.operands import Operand, Rule, whole
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import Form, shape_of
from gradx.numpy.arguments import on_host
from gradx.ops import indexing
from gradx.ops.python_math import UFUNC_OF

__all__ = [
    "at_items",
    "count_of_mask",
    "pieces",
    "places_of_mask",
    "rule_of_chosen",
    "scattered_items",
]


def places_of_mask(mask: Any) -> Sequence[Any]:
    """`np.nonzero` of the masks of all examples, also of ones of an outer batch."""
    if not isinstance(mask, Lifted):
        return mask.nonzero()  # type: ignore[no-any-return]
    shape = shape_of(mask)
    places = np.indices(shape, sparse=True)
    return [indexing.taken(np.broadcast_to(place, shape), mask) for place in places]


def count_of_mask(mask: Any) -> Count:
    """How many items the mask of each example chooses; on a device it is waited for."""
    (size, *rest), numbers = shape_of(mask), places_of_mask(mask)[0]
    lengths: Any
    if issubclass(type(mask), Lifted):
        lengths = np.count_nonzero(mask, axis=tuple(range(1, len(rest) + 1)))
    else:
        lengths = np.bincount(on_host(numbers), minlength=size)
    return Count(numbers, size, lengths)


def at_items(x: Operand, count: Count, after: int, ndim: int) -> Any:
    """An operand beside chosen items: one of its items for each of them, where it is batched.

    Args:
        x: the operand.
        count: how many items each example has.
        after: how many axes of an example follow that of the items.
        ndim: how many axes an example has.

    Raises:
        ConversionError: the operand has other lengths there than one.
    """
    shape, value, before = x.shape, x.value, ndim - after - 1
    if type(x.spec) is Chosen:
        if not x.spec.many.agrees(count) or x.ndim - x.spec.axis - 1 != after:
            raise as_other_shapes("an operation on items at two masks", x.spec)
        return _padded(value, before - x.spec.axis)
    if len(shape) > after:
        at = len(shape) - after - 1
        n, shape = shape[at], (*shape[:at], *shape[at + 1 :])
        if n != 1:
            if count != n:
                raise as_other_shapes("an operation on items at a mask and on others", x.spec)
            value = np.moveaxis(whole(x, count.size), at + 1, 1)  # as many by chance
            return _padded(np.reshape(value, (count.size * n, *shape)), before - at)
        value = np.reshape(value, (*value.shape[:1], *shape) if x.batched else shape)
    if not x.batched:
        return value
    value = apply(indexing.getitem, (value,), {"index": count.numbers})
    return _padded(value, ndim - 1 - len(shape))


def _padded(value: Any, missing: int) -> Any:
    """A value with so many more axes of length 1 after the first."""
    shape = value.shape
    return np.reshape(value, (shape[0], *(1,) * missing, *shape[1:])) if missing else value


# --- Rules ----------------------------------------------------------------------------------------


def _elementwise(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An elementwise op of chosen items, and of what has one item for all or for each example."""
    first: Any = next(x for x in xs if type(x.spec) is Chosen)
    ndim = max(x.ndim for x in xs)
    count, after = first.spec.many, first.ndim - first.spec.axis - 1
    values = [at_items(x, count, after, ndim) for x in in_one_precision(xs)]
    y = apply(UFUNC_OF.get(op, op), values, params or None)
    if type(y) is tuple:
        return tuple([Items(part, count, ndim - after - 1) for part in y])
    return Items(y, count, ndim - after - 1)


def _is_whole(index: Any) -> bool:
    """Whether an index names all items in their order."""
    parts = index if type(index) is tuple else (index,)
    return all(p is Ellipsis or (type(p) is slice and p == slice(None)) for p in parts)


def _taken(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """All items, as ``x[...]`` has them, or the first one and the like."""
    return (_same if _is_whole(params["index"]) else looped)(op, xs, params, size)


def _same(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    spec: Any = xs[0].spec
    return Items(xs[0].value, spec.many, spec.axis)


def scattered_items(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The transpose of that, for several such operations on chosen items."""
    spec: Any = Chosen(params["shape"], None, Form.ARRAY)
    if not all(map(_is_whole, params["indices"])):
        return Items(None, spec.many, spec.axis).joined(each(op, xs, params, size))
    total, *rest = (x.value for x in xs)
    for value in rest:
        total = total + value
    return Items(total, spec.many, spec.axis)


def _put(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """All items written anew: what ``t += w`` is of items ``t`` that were taken."""
    if params["path"] or not _is_whole(params["index"]):
        _refuse(op, xs, params, size)
    a, b = xs
    spec: Any = a.spec
    value = at_items(b, spec.many, a.ndim - spec.axis - 1, a.ndim)
    new = {"path": (), "index": Ellipsis, "axes": tuple(range(a.ndim))}
    return Items(apply(op, (a.value, value), new), spec.many, spec.axis)


def _written(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The transpose of that, for what has as many items."""
    if params["path"] or not _is_whole(params["index"]) or params["shape"] != xs[0].shape:
        _refuse(op, xs, params, size)
    return _same(op, xs, params, size)


def _refuse(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> NoReturn:
    raise as_other_shapes(f"{op.name} of items at a mask", xs[0].spec)


def pieces(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """Items that overwrite what masks choose: those of all examples are in the order of masks."""
    given = [*params["masks"], *params["kept"]]
    if not any(isinstance(mask, Operand) for mask in given):
        return masked(op, xs, params, size)
    masks = [_for_all(mask, size) for mask in params["masks"]]
    parts = [at_items(x, count_of_mask(m), 0, 1) for x, m in zip(xs, masks, strict=True)]
    kept = [_for_all(k, size) for k in params["kept"]]
    like = like_of(params)
    new = {"masks": masks, "kept": kept, "like": np.broadcast_to(like, (size, *np.shape(like)))}
    return apply(op, parts, {**params, **new})


def _for_all(x: Any, size: int) -> Any:
    return x.value if isinstance(x, Operand) else np.broadcast_to(x, (size, *np.shape(x)))


_RULES: Mapping[Rule, Rule] = MappingProxyType({elementwise: _elementwise, computed: _elementwise})
_BY_NAME: Mapping[str, Rule] = MappingProxyType(
    {"getitem": _taken, "put": _put, "written": _written, "filled_like": _elementwise}
)


_WRITING = frozenset({"put", "added_at"})
"""Ops whose rules take chosen items as what is written."""


def rule_of_chosen(
    run: Any, op: Op, rule: Rule, xs: Sequence[Operand], params: dict[str, Any]
) -> Rule:
    """The batching rule of an op one of whose operands are chosen items, or its result is.

    Args:
        run: the batch run.
        op: the op.
        rule: its rule for other operands, which also takes such ones as what is written or added.
        xs: its operands.
        params: its parameters.
    """
    if op.name == "scatter":
        own = any(type(n) is Count and n.run is run for n in params["shape"])
        return scattered_items if own else rule
    if op.name == "pieces" or (op.name in _WRITING and type(xs[0].spec) is not Chosen):
        return rule
    return _BY_NAME.get(op.name) or _RULES.get(rule, _refuse)
