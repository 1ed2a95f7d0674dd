"""Batching of elementwise ops: the op itself, with the examples' axes in line."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx.batch.loops import example
from gradx.batch.operands import FEW_ITEMS, Operand, aligned, whole
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op
from gradx.core.spec import Form, primal, spec_of
from gradx.ops import shaping
from gradx.ops.helpers import array_for
from gradx.ops.python_math import UFUNC_OF

__all__ = [
    "UFUNC_OF",
    "batch_last",
    "choose",
    "computed",
    "elementwise",
    "formed",
    "fraction",
    "hypotenuse",
    "in_one_precision",
    "like",
    "like_of",
    "masked",
    "polynomial",
    "powers",
    "transposed",
]


def elementwise(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The op on all items at once."""
    ndim = max(len(x.spec.shape) for x in xs)
    values = [aligned(x, ndim) for x in in_one_precision(xs)]
    if op.name.startswith("cmath."):
        values = [apply(shaping.astype, (x,), {"dtype": complex}) for x in values]
    if ndim and len(xs) > 1 and _is_order_open(values, xs, size):
        values = [batch_last(v, x.batched) for v, x in zip(values, xs, strict=True)]
        y = apply(op, values, params or None)
        if type(y) is tuple:
            return tuple([transposed(part, -1, 0) for part in y])
        return transposed(y, -1, 0)
    return apply(UFUNC_OF.get(op, op), values, params or None)


def _is_order_open(values: Sequence[Any], xs: Sequence[Operand], size: int) -> bool:
    """Whether no operand says in which order NumPy lays out a result of many small examples.

    Then the examples are to lie next to one another, as in the inputs (`gradx.batch.mapping`).
    """
    items = 1
    for v, x in zip(values, xs, strict=True):
        if isinstance(v, Lifted):
            return False
        n = math.prod(x.spec.shape)
        if x.batched and n > 1:
            return False
        items = max(items, n)
    return 1 < items <= FEW_ITEMS and items < size


def batch_last(value: Any, batched: bool) -> Any:
    """An operand with the batch along the last axis; what has none is repeated along it."""
    if batched:
        return transposed(value, 0, -1)
    return value[..., None] if getattr(value, "ndim", 0) else value


def transposed(value: Any, source: int, destination: int) -> Any:
    """As `np.moveaxis` of a plain array, but sooner."""
    if value.ndim == 2:
        return value.T
    axes = list(range(value.ndim))
    axes.insert(destination % value.ndim, axes.pop(source))
    return value.transpose(axes)


def formed(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A number in another form: for all examples that is another dtype at most."""
    value, dtype = xs[0].value, np.dtype(params["dtype"] if "dtype" in params else params["kind"])
    return value if value.dtype == dtype else apply(shaping.astype, (value,), {"dtype": dtype})


def choose(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.choose`, where the choice may be batched too."""
    which = params["which"]
    if not isinstance(which, Operand):
        which = Operand(which, spec_of(which), False)
    ndim = max(len(x.spec.shape) for x in (*xs, which))
    return apply(op, [aligned(x, ndim) for x in xs], {"which": aligned(which, ndim)})


def like(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An array in the likeness of another, to be filled: each example has its own."""
    options = dict(params["options"])
    shape = options.get("shape")
    if shape is not None:
        options["shape"] = (size, *(shape if isinstance(shape, (tuple, list)) else (shape,)))
    fill = options.get("fill_value")
    if isinstance(fill, Operand):
        ndim = len(xs[0].shape if shape is None else options["shape"][1:])
        options["fill_value"] = aligned(fill, ndim)
    return apply(op, [xs[0].value], {**params, "options": options})


def in_one_precision(xs: Sequence[Operand]) -> Sequence[Operand]:
    """The operands, with batched Python numbers in the precision of the arrays beside them.

    A Python number takes on that of an array, which the array of such numbers would not.
    """
    if all(x.spec.form is not Form.NUMBER or not x.batched for x in xs):
        return xs
    strong = [x.spec.dtype for x in xs if isinstance(x.spec.dtype, np.dtype)]
    if not strong:
        return xs
    out: list[Operand] = []
    for x in xs:
        if x.batched and x.spec.form is Form.NUMBER:
            dtype = np.result_type(*strong, x.spec.dtype(0))
            if x.value.dtype != dtype:
                value = apply(shaping.astype, (x.value,), {"dtype": dtype})
                x = Operand(value, x.spec, True)
        out.append(x)
    return out


def fraction(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The fractional part of a Python number, as `math.modf` gives it."""
    return np.fmod(xs[0].value, 1.0)


def computed(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A value as another formula computes it, of which each of the two may be the same for all."""
    return apply(op, [whole(x, size) for x in xs])


def hypotenuse(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`math.hypot` of any number of coordinates."""
    values = [x.value for x in xs]
    return np.absolute(values[0]) if len(xs) == 1 else functools.reduce(np.hypot, values)


def masked(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """Items that overwrite what masks choose, where the masks are the same for all examples."""
    masks, like = params["masks"], like_of(params)
    new = {
        "masks": [(slice(None), mask) for mask in masks],
        "like": np.broadcast_to(like, (size, *np.shape(like))),
    }
    parts = [_filling(x, mask, size) for x, mask in zip(xs, masks, strict=True)]
    return apply(op, parts, {**params, **new})


def like_of(params: dict[str, Any]) -> Any:
    """What tells the shape and the dtype of pieces put together, of no run."""
    like = params["like"]
    return primal(example(like, 0)) if isinstance(like, Operand) else like


def _filling(x: Operand, mask: Any, size: int) -> Any:
    """What overwrites the items of a mask in every example; a number overwrites all of them."""
    if x.spec.shape:
        return whole(x, size)
    column = np.reshape(whole(x, size), (size, 1))
    return np.broadcast_to(column, (size, int(np.count_nonzero(mask))))


def polynomial(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The values of a polynomial, by Horner's method, as `np.polyval` has it."""
    p, x = xs
    if not p.batched:
        return apply(op, (p.value, x.value))
    points = whole(x, size) if x.batched else array_for(x.value, p.value)
    y: Any = np.broadcast_to(np.zeros_like(points), (size, *x.shape))
    for k in range(p.shape[0]):
        y = y * points + np.reshape(p.value[:, k], (size, *(1,) * x.ndim))
    return y


def powers(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The powers of the items of a vector, as the rows of a matrix."""
    (x,) = xs
    y = apply(op, (np.reshape(x.value, (size * x.shape[0],)),), params)
    return np.reshape(y, (size, x.shape[0], params["N"]))
