"""Windows under the name of `numpy.lib.stride_tricks`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradx.core.dispatch import apply, implements
from gradx.core.spec import Form, shape_of, spec_of
from gradx.numpy.arguments import counts, operand
from gradx.numpy.shaping import copy
from gradx.ops import windows

__all__ = ["sliding_window_view"]


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """As `np.lib.stride_tricks.sliding_window_view`; no variable can be written into.

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
