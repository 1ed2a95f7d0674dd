"""Windows that slide along an axis, their transpose, which adds them up, and other strides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.ops.helpers import zeros_for
from gradx.ops.indexing import scatter

__all__ = ["as_strided", "overlapped", "windows"]

Shape = tuple[int, ...]


def _windows(x: Any, *, length: int, axis: int) -> Any:
    return np.lib.stride_tricks.sliding_window_view(x, length, axis)


def _overlapped(g: Any, *, shape: Shape, length: int, axis: int) -> Any:
    """Zeros with every window added at its place, by items of windows or by windows.

    The sum has the order of memory of what is added to it, so that a slice of one goes along a
    slice of the other.
    """
    buffer, count = zeros_for(g[..., 0] if length else g, shape), g.shape[axis]
    before = (slice(None),) * axis
    if length <= count:
        for i in range(length):
            buffer[(*before, slice(i, i + count))] += g[..., i]
    else:
        for i in range(count):
            buffer[(*before, slice(i, i + length))] += np.moveaxis(g[(*before, i)], -1, axis)
    return buffer


windows = Op(
    "windows",
    _windows,
    lambda g, x_shape, *, length, axis: apply(
        overlapped, (g,), {"shape": x_shape, "length": length, "axis": axis}
    ),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""All windows of a length along an axis; the items of each along a new last axis."""

overlapped: Op = Op(
    "overlapped",
    _overlapped,
    lambda g, *, shape, length, axis: _windows(g, length=length, axis=axis),
    properties=Property.LINEAR,
)
"""Windows added up where they were taken: the transpose of `windows`."""

as_strided = Op(
    "as_strided",
    lambda x, *, shape, strides, places: np.lib.stride_tricks.as_strided(
        x, shape, strides, writeable=False
    ),
    lambda g, x_shape, *, places: np.reshape(
        apply(scatter, (g,), {"indices": (places,), "shape": (math.prod(x_shape),)}), x_shape
    ),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""An array with other strides.

Args:
    places: for each item of the result where it is in the flat operand.
"""

register_ops(vars().values())
