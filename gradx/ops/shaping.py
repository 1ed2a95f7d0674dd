"""Shaping: rearranging, repeating and joining. Linear, so no rule keeps a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import primal
from gradx.devices.kernel_table import kernel
from gradx.devices.placement import PLACES
from gradx.ops.helpers import summed_to, zeros_for
from gradx.ops.reductions import real_dtype

__all__ = [
    "astype",
    "broadcast_to",
    "computed",
    "concatenate",
    "copy",
    "diagonal",
    "embedded_diagonal",
    "linspace",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "stack",
    "tile",
    "transpose",
    "tril",
    "triu",
]

Shape = tuple[int, ...]


def _untranspose(g: Any, *, axes: Shape | None) -> Any:
    if axes is None:
        return np.transpose(g)
    inverse = [0] * len(axes)
    for i, axis in enumerate(axes):
        inverse[axis] = i
    return np.transpose(g, tuple(inverse))


def _backwards(shift: Any) -> Any:
    return tuple(-n for n in shift) if isinstance(shift, tuple) else -shift


def _part(i: int, axis: int, offsets: Shape) -> tuple[Any, ...]:
    """The index of the part of a concatenation that came from operand ``i``."""
    return (slice(None),) * axis + (slice(offsets[i], offsets[i + 1]),)


def _inside(g: Any, x_shape: Shape, *, pad_width: tuple[tuple[int, int], ...]) -> Any:
    ends = zip(x_shape, pad_width, strict=True)
    return g[tuple(slice(before, before + n) for n, (before, _) in ends)]


def _cast(x: Any, *, dtype: Any, **options: Any) -> Any:
    if not hasattr(x, "astype"):
        return np.asarray(x, dtype)
    if type(x) in PLACES and "casting" in options:  # CuPy's method does not know the rules of casts
        np.empty(0, x.dtype).astype(dtype, casting=options.pop("casting"))
    return x.astype(dtype, **options)


def _embedded(g: Any, *, shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    rest = tuple(n for i, n in enumerate(shape) if i not in (axis1, axis2))
    n, m = shape[axis1], shape[axis2]
    buffer = zeros_for(g, (*rest, n * m))
    start = offset if offset >= 0 else -offset * m
    # The diagonal of a contiguous matrix is every (m + 1)-th item of it.
    buffer[..., start : start + g.shape[-1] * (m + 1) : m + 1] = g
    return np.moveaxis(np.reshape(buffer, (*rest, n, m)), (-2, -1), (axis1, axis2))


def _undiagonal(g: Any, x_shape: Shape, *, offset: int, axis1: int, axis2: int) -> Any:
    place = {"shape": x_shape, "offset": offset, "axis1": axis1, "axis2": axis2}
    return apply(embedded_diagonal, (g,), place)


def _unrepeated(g: Any, x_shape: Shape, *, count: int, axis: int) -> Any:
    """The sum of the cotangents of each item's copies, which stand together."""
    apart = (*x_shape[: axis + 1], count, *x_shape[axis + 1 :])
    return np.sum(np.reshape(g, apart), axis=axis + 1)


def _untiled(g: Any, x_shape: Shape, *, reps: Shape) -> Any:
    """The sum over the copies of the whole, which stand side by side along each axis."""
    counts = (1,) * (len(x_shape) - len(reps)) + reps
    lengths = (1,) * (len(reps) - len(x_shape)) + x_shape
    pairs = tuple(zip(counts, lengths, strict=True))
    apart = np.reshape(g, tuple(k for pair in pairs for k in pair))
    return np.reshape(np.sum(apart, axis=tuple(range(0, 2 * len(pairs), 2))), x_shape)


def _fractions(g: Any, num: int, endpoint: bool) -> Any:
    """How far from the start to the end each point is."""
    return kernel(np.linspace, primal(g))(0.0, 1.0, num, endpoint=endpoint, dtype=real_dtype(g))


def _linspace(a: Any, b: Any, *, num: int, endpoint: bool, axis: int) -> Any:
    return kernel(np.linspace, a, b)(a, b, num, endpoint=endpoint, axis=axis)


def _weighed(g: Any, weights: Any, axis: int) -> Any:
    """A weighted sum along an axis, which is dropped."""
    return np.sum(np.moveaxis(g, axis, -1) * weights, axis=-1)


# --- Rearranging: the transpose is the inverse --------------------------------------------------

reshape = Op(
    "reshape",
    lambda x, *, shape: np.reshape(x, shape),
    lambda g, x_shape: np.reshape(g, x_shape),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
transpose = Op(
    "transpose",
    lambda x, *, axes: np.transpose(x, axes),
    _untranspose,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
astype = Op("astype", _cast, lambda g: g, properties=Property.LINEAR | Property.ELEMENTWISE)
ravel = Op(
    "ravel",
    np.ravel,
    lambda g, x_shape: np.reshape(g, x_shape),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
copy = Op(
    "copy",
    lambda x, *, order, method: x.copy(order) if method else np.copy(x, order=order),
    lambda g: g,
    properties=Property.LINEAR | Property.ELEMENTWISE | Property.STRUCTURAL,
)

roll = Op(
    "roll",
    lambda x, *, shift, axis: np.roll(x, shift, axis),
    lambda g, *, shift, axis: np.roll(g, _backwards(shift), axis),
    properties=Property.LINEAR | Property.STRUCTURAL,
)

# --- Repeating ----------------------------------------------------------------------------------

broadcast_to = Op(
    "broadcast_to",
    lambda x, *, shape: np.broadcast_to(x, shape),
    lambda g, x_shape: summed_to(g, x_shape),
    properties=Property.LINEAR | Property.STRUCTURAL,
)

repeat = Op(
    "repeat",
    lambda x, *, count, axis: np.repeat(x, count, axis),
    _unrepeated,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
tile = Op(
    "tile",
    lambda x, *, reps: np.tile(x, reps),
    _untiled,
    properties=Property.LINEAR | Property.STRUCTURAL,
)

linspace = Op(
    "linspace",
    _linspace,
    lambda g, *, num, endpoint, axis: _weighed(g, 1 - _fractions(g, num, endpoint), axis),
    lambda g, *, num, endpoint, axis: _weighed(g, _fractions(g, num, endpoint), axis),
    broadcasts=True,
    properties=Property.LINEAR,
)

# --- Joining: a part of the cotangent for each --------------------------------------------------

concatenate = Op(
    "concatenate",
    lambda *xs, axis, offsets: np.concatenate(xs, axis=axis),
    lambda g, i, *, axis, offsets: g[_part(i, axis, offsets)],
    variadic=True,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
stack = Op(
    "stack",
    lambda *xs, axis: np.stack(xs, axis=axis),
    lambda g, i, *, axis: g[(slice(None),) * axis + (i,)],
    variadic=True,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
pad = Op(
    "pad",
    lambda x, *, pad_width, value: np.pad(x, pad_width, constant_values=value),
    _inside,
    properties=Property.STRUCTURAL,
)

# --- Triangles and diagonals ----------------------------------------------------------------------

tril = Op(
    "tril",
    np.tril,
    lambda g, *, k: np.tril(g, k),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
triu = Op(
    "triu",
    np.triu,
    lambda g, *, k: np.triu(g, k),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
diagonal = Op(
    "diagonal",
    lambda x, *, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
    _undiagonal,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
embedded_diagonal = Op(
    "embedded_diagonal",
    _embedded,
    lambda g, *, offset, axis1, axis2: np.diagonal(g, offset, axis1, axis2),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""Zeros of a shape with the operand, shape (…, k), on a diagonal: the transpose of `diagonal`."""

# --- The value of a formula -----------------------------------------------------------------------

computed = Op("computed", lambda a, b: b, lambda g: g, None, properties=Property.ELEMENTWISE)
"""The first operand as another formula computes it, which rounds otherwise."""

register_ops(vars().values())
