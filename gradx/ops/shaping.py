"""Shaping: rearranging, repeating and joining. Linear, so no rule keeps a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.op import Op
from gradx.ops.helpers import summed_to

__all__ = ["astype", "broadcast_to", "concatenate", "reshape", "transpose"]


def _unreshape(g: Any, x_shape: tuple[int, ...]) -> Any:
    return np.reshape(g, x_shape)


def _untranspose(g: Any, *, axes: tuple[int, ...] | None) -> Any:
    if axes is None:
        return np.transpose(g)
    inverse = [0] * len(axes)
    for i, axis in enumerate(axes):
        inverse[axis] = i
    return np.transpose(g, tuple(inverse))


def _concatenate(g: Any, i: int, *, axis: int, offsets: tuple[int, ...]) -> Any:
    """The part of the cotangent that the operand ``i`` filled."""
    return g[(slice(None),) * axis + (slice(offsets[i], offsets[i + 1]),)]


reshape = Op("reshape", lambda x, *, shape: np.reshape(x, shape), _unreshape)
transpose = Op("transpose", lambda x, *, axes: np.transpose(x, axes), _untranspose)
broadcast_to = Op(
    "broadcast_to",
    lambda x, *, shape: np.broadcast_to(x, shape),
    lambda g, x_shape: summed_to(g, x_shape),
)
concatenate = Op(
    "concatenate",
    lambda *xs, axis, offsets: np.concatenate(xs, axis=axis),
    _concatenate,
    variadic=True,
)
astype = Op("astype", lambda x, *, dtype: x.astype(dtype), lambda g: g)

