"""Batching of ops that move items: the same op with other parameters, of which NumPy makes views.

Each is a translation of an op and its parameters for one example into those for all, by which
writes through views go too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.batch.operands import Operand, shifted
from gradx.core.dispatch import apply
from gradx.core.op import OPS, Op
from gradx.errors import AssignmentError
from gradx.ops import indexing, shaping

__all__ = ["TRANSLATED", "broadcast", "moved", "padded", "path_for_all", "raveled", "tiled"]

Step = tuple[Op, dict[str, Any] | None]
Shape = tuple[int, ...]
Translation = Callable[[dict[str, Any], Shape, int], Step]


def _reshaped(params: dict[str, Any], shape: Shape, size: int) -> Step:
    new = params["shape"]
    new = tuple(np.atleast_1d(new).tolist())
    if -1 in new:
        known = math.prod(n for n in new if n != -1)
        new = tuple(math.prod(shape) // known if n == -1 and known else n for n in new)
    return shaping.reshape, {"shape": (size, *new)}


def _raveled(params: dict[str, Any], shape: Shape, size: int) -> Step:
    return shaping.reshape, {"shape": (size, math.prod(shape))}


def _turned(params: dict[str, Any], shape: Shape, size: int) -> Step:
    axes = params.get("axes")
    axes = range(len(shape))[::-1] if axes is None else axes
    return shaping.transpose, {"axes": (0, *shifted(tuple(axes), len(shape)))}


def _diagonal(params: dict[str, Any], shape: Shape, size: int) -> Step:
    axes = {name: shifted(params[name], len(shape)) for name in ("axis1", "axis2")}
    return shaping.diagonal, {**params, **axes}


def _item(params: dict[str, Any], shape: Shape, size: int) -> Step:
    index = params["index"]
    parts = index if type(index) is tuple else (index,)
    return indexing.getitem, {"index": (slice(None), *parts)}


def _same(name: str) -> Translation:
    return lambda params, shape, size: (OPS[name], params or None)


TRANSLATED: Mapping[str, Translation] = MappingProxyType(
    {
        "reshape": _reshaped,
        "transpose": _turned,
        "transposed": _turned,
        "diagonal": _diagonal,
        "real": _same("real"),
        "imag": _same("imag"),
    }
)
"""From the name of an op to the op and the parameters for all examples."""


def moved(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """An op that NumPy does by a view, where it can."""
    (x,) = xs
    all_op, all_params = TRANSLATED[op.name](params, x.shape, size)
    return apply(all_op, (x.value,), all_params)


def raveled(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.ravel`; the axes are in order already (`gradx.numpy.ravel`)."""
    (x,) = xs
    return np.reshape(x.value, (size, math.prod(x.shape)))


def broadcast(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.broadcast_to`."""
    (x,), shape = xs, params["shape"]
    shape = tuple(np.atleast_1d(shape).tolist())
    value = np.reshape(x.value, (size, *(1,) * (len(shape) - x.ndim), *x.shape))
    return apply(op, (value,), {"shape": (size, *shape)})


def tiled(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.tile`."""
    (x,), reps = xs, tuple(np.atleast_1d(params["reps"]).tolist())
    ndim = max(x.ndim, len(reps))
    value = np.reshape(x.value, (size, *(1,) * (ndim - x.ndim), *x.shape))
    return apply(op, (value,), {"reps": (1, *(1,) * (ndim - len(reps)), *reps)})


def padded(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.pad` with a constant."""
    width = ((0, 0), *params["pad_width"])
    return apply(op, (xs[0].value,), {**params, "pad_width": width})


def path_for_all(path: Any, shape: Shape, size: int) -> Any:
    """The views through which an array is written, for all examples; and the shape of the last.

    Args:
        path: those of one example: an op and its parameters for each.
        shape: that of an example of the array.
        size: the number of examples.

    Raises:
        AssignmentError: a view is of a kind that cannot be written into here.
    """
    if not path:
        return (), shape
    steps = []
    like = np.broadcast_to(np.zeros((), complex), shape)
    for op, params in path:
        translated = _item if op.name == "getitem" else TRANSLATED.get(op.name)
        if op.name == "ravel":
            translated = _raveled
        if translated is None:
            raise AssignmentError(
                f"a batched array cannot be written into through np.{op.name}; write into the "
                "array itself, or build it with np.where or np.concatenate"
            )
        steps.append(translated(params or {}, like.shape, size))
        like = op.forward(like, **(params or {}))
    return tuple(steps), like.shape
