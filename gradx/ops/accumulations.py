"""Methods of ufuncs as ops: running extremes, and sums over parts of an axis."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.ops.helpers import array_for, zeros_for
from gradx.ops.indexing import scatter
from gradx.ops.reductions import real_dtype

__all__ = ["add_reduceat", "fmax_running", "fmin_running", "max_running", "min_running", "parts"]

Shape = tuple[int, ...]

# --- Sums over parts ------------------------------------------------------------------------------


def parts(indices: Sequence[int], n: int) -> Iterator[tuple[int, int]]:
    """Where each part of ``reduceat`` starts and ends: at the next index, if that is greater."""
    ends = [*indices[1:], n]
    for start, end in zip(indices, ends, strict=True):
        yield start, (end if end > start else start + 1)


def _add_reduceat(g: Any, x_shape: Shape, *, indices: Shape, axis: int) -> Any:
    """Each item gets the cotangent of each part that it is in."""
    before = (slice(None),) * axis
    spans = [*parts(indices, x_shape[axis])]
    which = np.repeat(np.arange(len(spans)), [end - start for start, end in spans])
    items = np.take(g, array_for(which, g), axis=axis)
    places: Any = slice(indices[0], None)
    if not all(a < b for a, b in itertools.pairwise(indices)):  # an item may be in two parts
        places = np.concatenate([np.arange(*span) for span in spans])
    return apply(scatter, (items,), {"indices": ((*before, places),), "shape": x_shape})


add_reduceat = Op(
    "add_reduceat",
    lambda x, *, indices, axis: np.add.reduceat(x, indices, axis=axis),
    _add_reduceat,
    properties=Property.LINEAR,
)

# --- Running extremes -----------------------------------------------------------------------------


def _running(g: Any, x: Any, y: Any, *, axis: int) -> Any:
    """The items up to a place that attain its extreme share its cotangent equally.

    Items of one extreme make a span, which starts with the first that attains it. The cotangents
    of a span's places, each over the number of those that share it, are added up from the span's
    end by doubling, as in G. Blelloch, "Prefix sums and their applications" (1990).
    """
    g, x, y = (np.moveaxis(v, axis, -1) for v in (g, x, y))
    attained, valid = np.equal(x, y), np.equal(y, y)
    moved = np.not_equal(y[..., 1:], y[..., :-1])
    first = np.concatenate([attained[..., :1], moved & attained[..., 1:]], axis=-1)
    span, total = np.cumsum(first, axis=-1), np.cumsum(attained, axis=-1)
    before = np.maximum.accumulate(np.where(first, total - 1, 0), axis=-1)
    count = np.maximum(total - before, 1).astype(real_dtype(g))
    share, n = np.where(valid, g / count, 0.0), x.shape[-1]
    step = 1
    while step < n:
        later = np.where(span[..., step:] == span[..., :-step], share[..., step:], 0.0)
        share = share + np.concatenate([later, zeros_for(g, (*x.shape[:-1], step))], axis=-1)
        step *= 2
    return np.moveaxis(np.where(attained, share, 0.0), -1, axis)


max_running = Op("max_running", lambda x, *, axis: np.maximum.accumulate(x, axis=axis), _running)
min_running = Op("min_running", lambda x, *, axis: np.minimum.accumulate(x, axis=axis), _running)
fmax_running = Op("fmax_running", lambda x, *, axis: np.fmax.accumulate(x, axis=axis), _running)
fmin_running = Op("fmin_running", lambda x, *, axis: np.fmin.accumulate(x, axis=axis), _running)

register_ops(vars().values())
