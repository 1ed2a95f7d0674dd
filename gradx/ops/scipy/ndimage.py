"""Images: correlation with constant weights, and the coefficients of splines on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import array_for

__all__ = ["spline_filter", "valid_correlation"]

Array = np.ndarray[Any, Any]
_correlated = dispatched(scipy.ndimage.correlate)
_along_one = dispatched(scipy.ndimage.correlate1d)
_filtered = dispatched(scipy.ndimage.spline_filter1d)


def _correlate(x: Any, *, weights: Array) -> Any:
    axes = [k for k, n in enumerate(weights.shape) if n > 1]
    if len(axes) == 1:  # faster than the same along all axes
        whole = _along_one(x, array_for(weights.ravel(), x), axes[0], mode="constant")
    else:
        whole = _correlated(x, array_for(weights, x), mode="constant")
    pairs = zip(x.shape, weights.shape, strict=True)
    return whole[tuple(slice(n // 2, n // 2 + length - n + 1) for length, n in pairs)]


def _uncorrelate(g: Any, *, weights: Array) -> Any:
    """Each item took part in as many sums as there are weights: a correlation with these reversed.

    ``y[v] = sum over j of w[j] x[v + j]``, so the cotangent of ``x[m]`` is the sum over j of
    ``w[j] g[m - j]``.
    """
    wide = np.pad(g, [(n - 1, n - 1) for n in weights.shape])
    return apply(valid_correlation, (wide,), {"weights": np.flip(weights)})


valid_correlation: Op = Op(
    "valid_correlation", _correlate, _uncorrelate, properties=Property.LINEAR
)
"""The correlation with constant real weights, where they lie within the array."""


def _filter(x: Any, *, order: int, axis: int, mode: str) -> Any:
    dtype: Any = np.complex128 if x.dtype.kind == "c" else np.float64
    return _filtered(x, order, axis, dtype, mode)


def _unfilter(g: Any, x_shape: tuple[int, ...], *, order: int, axis: int, mode: str) -> Any:
    """The transpose of a matrix that does not depend on the values: that of the filtered ones."""
    matrix = scipy.ndimage.spline_filter1d(np.eye(x_shape[axis]), order, 0, np.float64, mode)
    return np.moveaxis(np.tensordot(array_for(matrix.T, g), g, (1, axis)), 0, axis)


spline_filter = Op("spline_filter", _filter, _unfilter, properties=Property.LINEAR)
"""The coefficients of the spline of an order through values along an axis."""

register_ops(vars().values())
