"""Direct paths: an elementwise op on plain arrays of examples, without operands and rules.

They do what `gradx.batch.run.BatchRun` does by the rule of elementwise ops, for batched arrays and
NumPy scalars that hold plain arrays, and plain constants; anything else goes there. The benchmark
row "per-example gradients" pays for them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.elementwise import batch_last, elementwise, transposed
from gradx.batch.operands import FEW_ITEMS
from gradx.batch.table import rule_of
from gradx.batch.values import BatchArray, BatchScalar
from gradx.core.objects import OBJECT
from gradx.core.op import OPS, Op
from gradx.core.properties import Property
from gradx.core.spec import Form, Spec

__all__ = ["direct"]

_new: Any = object.__new__
_ARRAY, _SCALAR = Form.ARRAY, Form.SCALAR
_CONSTANTS = frozenset({float, int, np.float64})
_TOO_MANY = 99
"""More axes than an array has."""


def direct(run: Any, op: Op, operands: Sequence[Any]) -> Any:
    """The result of an op without parameters, or None where its rule has to look.

    Args:
        run: the batch run.
        op: the op.
        operands: its operands.
    """
    function = _function_of(op) if OPS.get(op.name) is op else None
    if function is None:
        return None
    size, values, mapped = run.size, [], []
    most, least, items, is_laid_out = 0, _TOO_MANY, 1, len(operands) == 1
    for x in operands:
        kind = type(x)
        value, has_batch, ndim = x, False, 0
        if kind is BatchArray or kind is BatchScalar:
            value, has_batch = x._examples, x._mapped
            if x._run is not run or type(value) is not np.ndarray:
                return None
            ndim = value.ndim - has_batch
        elif kind is np.ndarray and x.dtype is not OBJECT:
            ndim = x.ndim
        elif kind not in _CONSTANTS:
            return None
        if has_batch:
            least = min(least, ndim)
            is_laid_out = is_laid_out or value.size > size
        elif ndim:
            items = max(items, value.size)
        most = max(most, ndim)
        values.append(value)
        mapped.append(has_batch)
    if least == _TOO_MANY or (not most and Property.STRUCTURAL in op.properties):
        return None  # it is the same for all examples, or an array without axes, as np.where gives
    if least < most:
        values = list(map(_aligned, values, mapped, [most] * len(values)))
    if not is_laid_out and 1 < items <= FEW_ITEMS and items < size:
        y = function(*map(batch_last, values, mapped))
        return _batched(run, transposed(y, -1, 0)) if type(y) is np.ndarray else None
    y = function(*values)
    return _batched(run, y) if type(y) is np.ndarray and y.base is None else None


def _aligned(value: Any, has_batch: bool, ndim: int) -> Any:
    """The array, with axes of length 1 after the batch axis so that an example has so many."""
    missing = ndim + 1 - value.ndim if has_batch else 0
    return value.reshape(len(value), *(1,) * missing, *value.shape[1:]) if missing else value


def _batched(run: Any, y: Any) -> Any:
    """The batched value of a new array: as `gradx.batch.run.BatchRun.batched`."""
    shape = y.shape[1:]
    v: Any
    if shape:
        v = _new(BatchArray)
        v._owned, v._known = False, Spec(shape, y.dtype, _ARRAY)
    else:
        v = _new(BatchScalar)
        v._known = Spec(shape, y.dtype, _SCALAR)
    v._run, v._examples, v._mapped = run, y, True
    return v


@functools.cache
def _function_of(op: Op) -> Callable[..., Any] | None:
    """What is called for an op that is done on whole arrays as on an example's, or None."""
    if rule_of(op) is not elementwise or op.name.startswith(("math.", "cmath.")):
        return None
    one = getattr(getattr(op.forward, "__wrapped__", op.forward), "nout", 1) == 1
    return op.forward if one else None
