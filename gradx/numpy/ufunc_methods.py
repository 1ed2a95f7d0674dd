"""The methods of ufuncs: reduce, accumulate, reduceat and outer.

Those of sums, products and extremes are the reductions that they are, and so are those of
differences and quotients. Those of any other ufunc call it once for each item along the axis, in
NumPy's order.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import FUNCTIONS, UFUNC_METHODS, UFUNCS, apply
from gradx.core.naming import ufunc_name
from gradx.core.op import Op
from gradx.core.spec import primal, shape_of
from gradx.devices.placement import PLACES
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import (
    arrays,
    axes_from,
    has_lifted,
    is_inexact,
    is_lifted,
    on_host,
    operand,
    primals,
    to_the_bit,
)
from gradx.numpy.joining import concatenate, stack
from gradx.numpy.shaping import expand_dims, moveaxis
from gradx.ops import accumulations, reductions

__all__: list[str] = []

# --- Reductions of their own ----------------------------------------------------------------------


def _reduction(function: Any) -> Any:
    """``ufunc.reduce`` as the sum or product it is; its axis is the first by default."""

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
        return FUNCTIONS[function](array, axis=axis, dtype=dtype, **options)

    return reduce


def _extreme(function: Any) -> Any:
    """``ufunc.reduce`` as the extreme it is."""

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
        return FUNCTIONS[function](_cast(operand(array), dtype), axis=axis, **options)

    return reduce


def _truth(ufunc: Any, function: Any) -> Any:
    """``ufunc.reduce`` of truth values, which is plain; `np.all` or `np.any` off the host."""

    def reduce(array: Any, axis: Any = 0, **options: Any) -> Any:
        value, options = primal(operand(array)), {key: primals(x) for key, x in options.items()}
        there = is_lifted(value) or type(value) in PLACES or has_lifted([*options.values()])
        if not there:
            return ufunc.reduce(value, axis=axis, **options)
        initial = options.pop("initial", None)
        y = FUNCTIONS[function](value, axis=axis, **options)
        return y if initial is None else ufunc(y, initial)

    return reduce


def _reduced(ufunc: Any, op: Op, identity: float) -> Any:
    """``ufunc.reduce`` as an op; what ``where`` leaves out is replaced by the identity."""

    @to_the_bit(ufunc.reduce, "dtype", "initial", "where")
    def reduce(
        array: Any,
        axis: Any = 0,
        dtype: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        array = _cast(operand(array), dtype)
        array = array if where is True else np.where(where, array, identity)
        y = apply(op, (array,), {"axis": axis, "keepdims": bool(keepdims)})
        return y if initial is None else ufunc(y, initial)

    return reduce


def _cast(array: Any, dtype: Any) -> Any:
    """An array in the dtype that a method computes in."""
    if dtype is None:
        return array
    return np.astype(array if is_inexact(dtype) else primals(array), dtype)


# --- Any ufunc ------------------------------------------------------------------------------------


def _is_composed(ufunc: Any, method: str) -> bool:
    """Whether a method of a ufunc gives numbers like its operands, of which the first stays itself.

    Raises:
        NotLiftedError: the ufunc is unknown.
    """
    if ufunc not in UFUNCS:
        raise NotLiftedError(
            f"{ufunc_name(ufunc)}.{method} has no derivative in gradx yet; write a loop with "
            "functions that have one, or pass gx.value(v) if no gradient should flow through it"
        )
    return ufunc.signature is None and "dd->d" in ufunc.types


def _of(ufunc: Any, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method composed of calls of the ufunc, with the value of NumPy's own, to the bit."""
    own = getattr(ufunc, method)
    if not _is_composed(ufunc, method):  # truth values, or an error of NumPy's
        return lambda array, *args, **options: own(primals(operand(array)), *args, **options)
    return to_the_bit(own)(functools.partial(function, ufunc))


def _reduce(ufunc: Any, array: Any, *args: Any, **options: Any) -> Any:
    return _of(ufunc, "reduce", _folded)(array, *args, **options)


def _folded(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    array = _cast(operand(array), dtype)
    shape = tuple(shape_of(array))
    axes = axes_from(axis, len(shape))
    if len(axes) != 1 or (initial is None and (not shape[axes[0]] or where is not True)):
        raise ValueError(
            f"{ufunc_name(ufunc)}.reduce of an array of shape {shape} over axis={axis}; it takes "
            "one axis, and needs initial= where that has no items or where= is given"
        )
    items = moveaxis(array, axes[0], 0)
    masks = None
    if where is not True:
        masks = np.moveaxis(np.broadcast_to(primals(where), shape), axes[0], 0)
    y, rest = (items[0], items[1:]) if initial is None else (initial, items)
    if ufunc in _UNDONE:  # which has one operation for all
        whole, identity, _ = _UNDONE[ufunc]
        y = ufunc(y, whole(rest if masks is None else np.where(masks, rest, identity), axis=0))
    else:
        for i in range(len(rest)):
            after = ufunc(y, rest[i])
            y = after if masks is None else np.where(masks[i], after, y)
    return expand_dims(y, axes[0]) if keepdims else y


_UNDONE: Mapping[Any, tuple[Any, float, Any]] = MappingProxyType(
    {np.subtract: (np.sum, 0.0, np.cumsum), np.divide: (np.prod, 1.0, np.cumprod)}
)
"""What is taken from the first item, at once and running, and the number that changes nothing."""


def _accumulate(ufunc: Any, array: Any, *args: Any, **options: Any) -> Any:
    return _of(ufunc, "accumulate", _accumulated)(array, *args, **options)


def _accumulated(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    array = _cast(operand(array), dtype)
    axis = normalize_axis_index(axis, len(shape_of(array)))
    items = moveaxis(array, axis, 0)
    if not len(items):
        return np.copy(array)
    if ufunc in _UNDONE:
        rest = ufunc(items[:1], _UNDONE[ufunc][2](items[1:], axis=0))
        return moveaxis(concatenate([items[:1], rest]), 0, axis)
    results = [items[0]]
    for i in range(1, len(items)):
        results.append(ufunc(results[-1], items[i]))
    return moveaxis(stack(results), 0, axis)


def _reduceat(ufunc: Any, array: Any, *args: Any, **options: Any) -> Any:
    return _of(ufunc, "reduceat", _by_parts)(array, *args, **options)


def _by_parts(ufunc: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    array, axis, places = _parts_of(ufunc, array, indices, axis, dtype)
    if ufunc is np.add and type(primal(array)) not in PLACES:
        return apply(accumulations.add_reduceat, (array,), {"indices": places, "axis": axis})
    before, n = (slice(None),) * axis, shape_of(array)[axis]
    results = [
        ufunc.reduce(array[(*before, slice(*part))], axis=axis)
        for part in accumulations.parts(places, n)
    ]
    return stack(results, axis=axis)


def _parts_of(
    ufunc: Any, array: Any, indices: Any, axis: int, dtype: Any
) -> tuple[Any, int, tuple[int, ...]]:
    """The arguments of ``reduceat``, checked."""
    array = _cast(operand(array), dtype)
    axis = normalize_axis_index(axis, len(shape_of(array)))
    places, n = tuple(on_host(indices).tolist()), shape_of(array)[axis]
    if not places or not all(0 <= i < n for i in places):
        raise IndexError(
            f"{ufunc_name(ufunc)}.reduceat with indices {list(places)} along an axis of {n} items; "
            "give at least one, each from 0 to less than that"
        )
    return array, axis, places


def _outer(ufunc: Any, a: Any, b: Any, **options: Any) -> Any:
    """Every item of one array with every item of the other."""
    a, b = arrays(a, b)
    shape = tuple(shape_of(b))
    a = np.reshape(a, tuple(shape_of(a)) + (1,) * len(shape))
    return ufunc(a, np.reshape(b, shape), **options)


# --- Products of vectors and matrices along other axes --------------------------------------------


def _along_axes(ufunc: Any, *inputs: Any, **options: Any) -> Any:
    """A call of a ufunc of vectors or matrices with ``axis``, ``axes`` or ``keepdims``."""
    return to_the_bit(ufunc)(functools.partial(_moved, ufunc))(*inputs, **options)


def _moved(
    ufunc: Any,
    *inputs: Any,
    axis: int | None = None,
    axes: Any = None,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    """The call of operands whose axes have been moved to the end, and the result moved back."""
    *cores, core = [len(dims.split(",")) if dims else 0 for dims in _cores_of(ufunc)]
    if axis is not None:
        axes = [axis] * len(inputs)
    if axes is None:
        axes = [tuple(range(-n, 0)) for n in cores]
    axes = [(place,) if np.ndim(place) == 0 else tuple(place) for place in axes]
    xs = [
        moveaxis(operand(x), own, tuple(range(-len(own), 0)))
        for x, own in zip(inputs, axes, strict=False)
    ]
    y = ufunc(*xs, **options)
    kept = (axes[len(inputs)] if len(axes) > len(inputs) else axes[0]) if keepdims else ()
    if kept:
        return moveaxis(y[(..., *[None] * len(kept))], tuple(range(-len(kept), 0)), kept)
    if not core or len(axes) <= len(inputs):
        return y
    own = axes[len(inputs)]
    return moveaxis(y, tuple(range(-len(own), 0)), own)


def _cores_of(ufunc: Any) -> list[str]:
    """The axes of each operand and of the result, such as ``m,n``, by the ufunc's signature."""
    found: list[str] = re.findall(r"\(([^()]*)\)", ufunc.signature)
    return found


# --- Accumulations of their own -------------------------------------------------------------------


def _accumulation(function: Any) -> Any:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        return function(array, axis=axis, dtype=dtype)

    return accumulate


def _running(ufunc: Any, op: Op) -> Any:
    """``ufunc.accumulate`` as an op; libraries of device arrays have none."""

    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        array = _cast(operand(array), dtype)
        if type(primal(array)) in PLACES:
            return _accumulated(ufunc, array, axis)
        return apply(op, (array,), {"axis": normalize_axis_index(axis, len(shape_of(array)))})

    return accumulate


UFUNC_METHODS.update(
    {
        (np.add, "reduce"): _reduction(np.sum),
        (np.multiply, "reduce"): _reduction(np.prod),
        (np.maximum, "reduce"): _extreme(np.max),
        (np.minimum, "reduce"): _extreme(np.min),
        (np.fmax, "reduce"): _extreme(np.nanmax),
        (np.fmin, "reduce"): _extreme(np.nanmin),
        (np.logaddexp, "reduce"): _reduced(np.logaddexp, reductions.logaddexp_over, -math.inf),
        (np.logaddexp2, "reduce"): _reduced(np.logaddexp2, reductions.logaddexp2_over, -math.inf),
        (np.hypot, "reduce"): _reduced(np.hypot, reductions.hypot_over, 0.0),
        (np.logical_and, "reduce"): _truth(np.logical_and, np.all),
        (np.logical_or, "reduce"): _truth(np.logical_or, np.any),
        (np.add, "accumulate"): _accumulation(np.cumsum),
        (np.multiply, "accumulate"): _accumulation(np.cumprod),
        (np.maximum, "accumulate"): _running(np.maximum, accumulations.max_running),
        (np.minimum, "accumulate"): _running(np.minimum, accumulations.min_running),
        (np.fmax, "accumulate"): _running(np.fmax, accumulations.fmax_running),
        (np.fmin, "accumulate"): _running(np.fmin, accumulations.fmin_running),
        (None, "reduce"): _reduce,
        (None, "accumulate"): _accumulate,
        (None, "reduceat"): _reduceat,
        (None, "outer"): _outer,
        (None, "axes"): _along_axes,
    }
)
