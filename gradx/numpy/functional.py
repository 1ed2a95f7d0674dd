"""NumPy's functions that call a function of yours: by pieces, along an axis, over axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import apply, implements
from gradx.core.spec import Form, shape_of, spec_of
from gradx.devices.placement import PLACES, on_device_of
from gradx.numpy.arguments import is_lifted, operand, primals
from gradx.numpy.joining import stack
from gradx.numpy.shaping import broadcast_to, expand_dims, reshape, transpose
from gradx.ops import indexing
from gradx.ops.helpers import array_for, zeros_for

__all__ = ["apply_along_axis", "apply_over_axes", "piecewise"]


# --- Pieces ---------------------------------------------------------------------------------------


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """As `np.piecewise`; the functions may be of variables, and the constants variables."""
    x = operand(x)
    if spec_of(x).form is not Form.ARRAY:
        x = reshape(x, shape_of(x))
    like = primals(x)
    with on_device_of(like):
        masks = _conditions(condlist, x, len(funclist))
    places, parts = [], []
    for mask, function in zip(masks, funclist, strict=True):
        if not callable(function):
            part = operand(function)
            part = (
                broadcast_to(part, shape_of(indexing.taken(x, mask))) if is_lifted(part) else part
            )
        else:
            items = indexing.taken(x, mask)
            if 0 in shape_of(items):
                continue
            part = function(items, *args, **kw)
        places.append(mask)
        parts.append(part)
    with on_device_of(like):
        kept = _not_overwritten(places, like)
    params = {"masks": tuple(places), "kept": kept, "like": like}
    return apply(indexing.pieces, parts, params)


def _conditions(condlist: Any, x: Any, count: int) -> list[Any]:
    """The conditions as masks, with the one for the last function where it has none."""
    given = primals(condlist)
    if np.isscalar(given) or (not _is_condition(given[0]) and shape_of(x) != ()):
        given = [given]
    masks = [array_for(mask, x).astype(bool) for mask in given]
    if len(masks) == count - 1:
        some = masks[0]
        for mask in masks[1:]:
            some = some | mask
        masks.append(~some)
    elif len(masks) != count:
        raise ValueError(
            f"np.piecewise got {len(masks)} conditions and {count} functions; give as many, or one "
            "more for the rest"
        )
    return masks


def _is_condition(x: Any) -> bool:
    """Whether the first of some conditions is one, and not an item of the only one."""
    return type(x) in (list, np.ndarray) or (type(x) in PLACES and len(x.shape) > 0)


def _not_overwritten(masks: Sequence[Any], like: Any) -> tuple[Any, ...]:
    """Which items of each piece no later piece writes over."""
    taken = zeros_for(like, shape_of(like), bool)
    kept = []
    for mask in reversed(masks):
        kept.append(~taken[mask])
        taken[mask] = True
    return tuple(reversed(kept))


# --- Along an axis, over axes ---------------------------------------------------------------------


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """As `np.apply_along_axis`: the function is called with each line of variables."""
    arr = operand(arr)
    ndim = len(shape_of(arr))
    axis = normalize_axis_index(axis, ndim)
    lines = transpose(arr, [i for i in range(ndim) if i != axis] + [axis])
    shape = tuple(shape_of(lines))[:-1]
    results = [
        operand(func1d(lines[(*index, ...)], *args, **kwargs)) for index in np.ndindex(shape)
    ]
    if not results:
        raise ValueError(
            f"np.apply_along_axis of an array of shape {shape_of(arr)}, which has no line along "
            f"axis {axis}"
        )
    first = spec_of(results[0])
    inner, dtype = tuple(first.shape), np.dtype(first.dtype)
    joined = stack([_like_first(x, inner, dtype) for x in results])
    whole = reshape(joined, (*shape, *inner))
    order = list(range(len(shape) + len(inner)))
    return transpose(whole, order[:axis] + order[len(shape) :] + order[axis : len(shape)])


def _like_first(x: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A result of the shape and dtype of the first one, as NumPy writes it beside that."""
    if tuple(shape_of(x)) != shape:
        x = broadcast_to(x, shape)
    return x if np.dtype(spec_of(x).dtype) == dtype else np.astype(x, dtype)


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """As `np.apply_over_axes`: the function is called with variables, once for each axis."""
    a = operand(a)
    ndim = a.ndim
    for axis in (axes,) if np.ndim(axes) == 0 else axes:
        place = axis + ndim if axis < 0 else axis
        y = func(a, place)
        before = len(shape_of(a))
        if len(shape_of(y)) != before:
            y = expand_dims(y, place)
        if len(shape_of(y)) != before:
            raise ValueError(
                f"np.apply_over_axes with a function that gives an array of shape {shape_of(y)} "
                f"for one of {before} axes; it may drop the axis, and no more"
            )
        a = y
    return a
