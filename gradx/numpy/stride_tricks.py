"""Windows and other strides under the names of `numpy.lib.stride_tricks`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradx.core.dispatch import apply, implements, one_by_one
from gradx.core.plain_calls import unless_plain
from gradx.core.spec import Form, shape_of, spec_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import counts, operand, primals, refuse_on_device
from gradx.numpy.shaping import copy
from gradx.ops import windows

__all__ = ["as_strided", "sliding_window_view"]


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """As `np.lib.stride_tricks.sliding_window_view`, a read-only view.

    Raises:
        ValueError: windows that are larger than the array, or not as many as axes.
    """
    x = operand(x)
    if spec_of(x).form is not Form.ARRAY:
        x = copy(x)
    shape = shape_of(x)
    given = counts(window_shape)
    lengths = tuple(given) if isinstance(given, Iterable) else (given,)
    if any(n < 0 for n in lengths):
        raise ValueError(
            f"sliding_window_view with window_shape={window_shape!r}; none is negative"
        )
    if axis is None:
        axes = tuple(range(len(shape)))
    else:
        axes = normalize_axis_tuple(axis, len(shape), allow_duplicate=True)
    if len(axes) != len(lengths):
        raise ValueError(
            f"sliding_window_view with window_shape={window_shape!r} for {len(axes)} axes of an "
            f"array of shape {shape}; give a length for each axis"
        )
    for place, length in zip(axes, lengths, strict=True):
        if length > shape_of(x)[place]:
            raise ValueError(
                f"sliding_window_view with a window of {length} items along axis {place} of an "
                f"array of shape {shape}; a window cannot be longer than the array"
            )
        x = apply(windows.windows, (x,), {"length": int(length), "axis": place})
    return x


def _as_strided(
    x: Any, shape: Any = None, strides: Any = None, subok: bool = False, writeable: bool = True
) -> Any:
    """As `np.lib.stride_tricks.as_strided`, of an array whose items lie side by side.

    NumPy's own cannot ask a variable, so it is here alone. The view is read-only.

    Raises:
        NotLiftedError: the array is on a device or has no numbers.
        ValueError: strides that lead out of the array, or that are no whole numbers of items.
    """
    x = operand(x)
    own = primals(x)
    refuse_on_device("as_strided", own)
    if type(own) is not np.ndarray:
        raise NotLiftedError(f"as_strided takes arrays of NumPy, not {own!r}; index it instead")
    shape = own.shape if shape is None else tuple(counts(shape))
    strides = own.strides if strides is None else tuple(counts(strides))
    places = _places_of(own, shape, strides)
    return apply(windows.as_strided, (x,), {"shape": shape, "strides": strides, "places": places})


as_strided = unless_plain(np.lib.stride_tricks.as_strided, _as_strided, one_by_one)


def _places_of(x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """Where in a flat array the items of another shape and other strides are."""
    places = np.empty_like(x, dtype=np.int64)  # in the order of memory of x
    places[...] = np.arange(x.size).reshape(x.shape)
    size = x.itemsize
    steps = tuple([step // size for step in strides])
    lasts = [(n - 1) * step for n, step in zip(shape, steps, strict=True)]
    whole = all(step % size == 0 for step in (*strides, *x.strides))
    alike = places.strides == tuple([step // size * 8 for step in x.strides])
    inside = sum(min(n, 0) for n in lasts) >= 0 and sum(max(n, 0) for n in lasts) < x.size
    if not whole or not alike or (0 not in shape and not inside):
        raise ValueError(
            f"as_strided with shape={shape} and strides={strides} of an array of shape {x.shape} "
            f"and strides {x.strides} reads what is not of the array; write np.copy(v) first, and "
            "strides that stay inside"
        )
    return np.lib.stride_tricks.as_strided(places, shape, [8 * step for step in steps]).copy()
