"""Batching of ops that work along axes: the op itself, with its axes shifted by the batch axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.batch.loops import looped
from gradx.batch.operands import Operand, Rule, aligned, flat, shifted, whole
from gradx.core.dispatch import apply
from gradx.core.op import Op

__all__ = [
    "along",
    "along_all",
    "beside_rows",
    "joined",
    "reduced",
    "rolled",
    "rows_and_labels",
    "spaced",
    "spread",
    "summed",
    "together",
    "whole_aligned",
]


def reduced(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A reduction, over some axes of each example or over all."""
    (x,), axis = xs, params.get("axis")
    if axis is not None and not x.ndim:  # which some functions take for a number, too
        return looped(op, xs, params, size)
    if axis is not None:
        return apply(op, (x.value,), {**params, "axis": shifted(axis, x.ndim)})
    known = {"axis": 1} | ({"keepdims": False} if "keepdims" in params else {})
    y = apply(op, (flat(x, size),), {**params, **known})
    return np.reshape(y, (size, *(1,) * x.ndim)) if params.get("keepdims") else y


def summed(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The sum of all items of each example."""
    return np.sum(xs[0].value, axis=tuple(range(1, xs[0].ndim + 1)))


def along(*shapes: str) -> Rule:
    """The rule of an op along one axis or several, whose operands have the same axes.

    Args:
        shapes: parameters that are shapes, which get the batch axis too.
    """

    def rule(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
        if params.get("axis", 0) is None:
            return _on_flat(op, xs, params, size)
        ndim = max(x.ndim for x in xs)
        values = [xs[0].value] if len(xs) == 1 else [whole(x, size) for x in xs]
        new = {
            name: shifted(value, ndim if name not in _OF_RESULT else len(params["shape"]))
            for name, value in params.items()
            if name in _AXES and value is not None
        }
        new |= {name: (size, *params[name]) for name in shapes}
        return apply(op, values, {**params, **new})

    return rule


def _on_flat(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An op of one operand over all items of each example in their order, of the same shape."""
    y = apply(op, (flat(xs[0], size),), {**params, "axis": 1})
    return np.reshape(y, (size, *xs[0].shape))


_AXES = frozenset({"axis", "axis1", "axis2"})
_OF_RESULT = frozenset({"axis1", "axis2"})


def along_all(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An op along some axes, by default all (with as many lengths ``s``, by default the last)."""
    (x,), axes = xs, params["axes"]
    if axes is None:
        lengths = params.get("s")
        axes = range(x.ndim)[-len(lengths) :] if lengths is not None else range(x.ndim)
    return apply(op, (x.value,), {**params, "axes": shifted(tuple(np.atleast_1d(axes)), x.ndim)})


def together(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An op of operands with the same axes, the last of which it works along."""
    ndim = max(x.ndim for x in xs)
    return apply(op, [aligned(x, ndim) for x in xs], params or None)


def joined(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.concatenate` and `np.stack`."""
    ndim = xs[0].ndim + (op.name == "stack")
    values = [whole(x, size) for x in xs]
    return apply(op, values, {**params, "axis": shifted(params["axis"], ndim)})


def rolled(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.roll`, which without an axis rolls the items of an example in their order."""
    (x,), axis = xs, params["axis"]
    if axis is not None:
        return apply(op, (x.value,), {**params, "axis": shifted(axis, x.ndim)})
    shift = params["shift"]
    total = sum(shift) if isinstance(shift, tuple) else shift
    y = apply(op, (flat(x, size),), {"shift": total, "axis": 1})
    return np.reshape(y, (size, *x.shape))


def spaced(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.linspace` of operands that broadcast."""
    ndim = max(x.ndim for x in xs)
    axis = shifted(params["axis"], ndim + 1)
    return apply(op, [aligned(x, ndim) for x in xs], {**params, "axis": axis})


def spread(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The cotangent of a bias: summed to its shape, over all axes but the batch axis."""
    ndim = max(x.ndim for x in xs)
    shape = params["shape"]
    shape = (size, *(1,) * (ndim - len(shape)), *shape)
    y = apply(op, [whole_aligned(x, ndim, size) for x in xs], {**params, "shape": shape})
    return np.reshape(y, (size, *params["shape"]))


def whole_aligned(x: Operand, ndim: int, size: int) -> Any:
    """The value with a batch axis and so many axes of an example."""
    return np.reshape(whole(x, size), (size, *(1,) * (ndim - x.ndim), *x.shape))


def beside_rows(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The cotangent of a loss of rows, beside the rows and their targets."""
    rows = max(xs[1].ndim, xs[0].ndim + 1)
    ndims = [rows - 1, rows, rows if xs[2].ndim == xs[1].ndim else rows - 1]
    values = [whole_aligned(x, n, size) for x, n in zip(xs, ndims, strict=True)]
    return apply(op, values, params or None)


def rows_and_labels(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The loss of rows, each with the number of its class."""
    ndim = max(xs[0].ndim, xs[1].ndim + 1)
    values = [whole_aligned(x, n, size) for x, n in zip(xs, (ndim, ndim - 1), strict=True)]
    return apply(op, values, params or None)
