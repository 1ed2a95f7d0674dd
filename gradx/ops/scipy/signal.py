"""Signals: convolution along several axes, linear filters, and cosine and sine transforms."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import zeros_for

__all__ = ["TRANSPOSED_TYPE", "convolve_along", "cosine_transform", "lfilter", "sine_transform"]

Axes = tuple[int, ...]
Shape = tuple[int, ...]
_fftconvolve, _of_signals = dispatched(scipy.signal.fftconvolve), dispatched(scipy.signal.convolve)
_filtered = dispatched(scipy.signal.lfilter)
_dct, _dst = dispatched(scipy.fft.dct), dispatched(scipy.fft.dst)

# --- Convolution ----------------------------------------------------------------------------------


def _convolve(a: Any, b: Any, *, mode: str, method: str, axes: Axes | None) -> Any:
    if axes is not None:
        return _fftconvolve(a, b, mode, axes)
    return _of_signals(a, b, mode, method)


def _by_one(g: Any, own: Shape, other: Any, *, mode: str, method: str, axes: Axes | None) -> Any:
    """The cotangent of one operand: the whole cotangent convolved with the other one reversed.

    The whole convolution has n + m - 1 items along an axis. The modes leave out some at both ends,
    whose cotangent is zero. ``y[k] = sum over j of a[k - j] b[j]``, so the cotangent of ``a[i]`` is
    the sum over j of ``g[i + j] b[j]``, where that is whole.
    """
    along = tuple(range(len(own))) if axes is None else axes
    widths = [(0, 0)] * len(own)
    for axis in along:
        n, m = own[axis], other.shape[axis]
        missing = n + m - 1 - g.shape[axis]
        before = min(n, m) - 1 if mode == "valid" else missing // 2
        widths[axis] = (before, missing - before)
    whole = np.pad(g, widths)
    params = {"mode": "valid", "method": method, "axes": axes}
    return apply(convolve_along, (whole, np.flip(other, along)), params)


def _by_first(g: Any, a_shape: Shape, b: Any, *, mode: str, method: str, axes: Axes | None) -> Any:
    return _by_one(g, a_shape, b, mode=mode, method=method, axes=axes)


def _by_second(g: Any, a: Any, b_shape: Shape, *, mode: str, method: str, axes: Axes | None) -> Any:
    return _by_one(g, b_shape, a, mode=mode, method=method, axes=axes)


convolve_along: Op = Op(
    "convolve_along",
    _convolve,
    _by_first,
    _by_second,
    broadcasts=True,
    properties=Property.BILINEAR,
)
"""The convolution along all axes, or along some by Fourier transforms."""

# --- Filters --------------------------------------------------------------------------------------


def _backwards(b: Any, a: Any, g: Any, axis: int) -> Any:
    """The transpose of a filter: the filter from the end to the beginning."""
    return np.flip(apply(lfilter, (b, a, np.flip(g, axis)), {"axis": axis}), axis)


def _lagged(h: Any, x: Any, count: int, axis: int) -> Any:
    """The sums of h[n] x[n - k] for each k below a count, over all axes."""
    n = x.shape[axis]
    h, x = np.moveaxis(h, axis, -1), np.moveaxis(x, axis, -1)
    return np.stack([np.sum(h[..., min(k, n) :] * x[..., : max(n - k, 0)]) for k in range(count)])


def _by_numerator(g: Any, a_shape: Shape, b: Any, c: Any, *, axis: int) -> Any:
    return _lagged(_backwards(b[:1] * 0 + 1, b, g, axis), c, a_shape[0], axis)


def _by_denominator(g: Any, b: Any, y: Any, *, axis: int) -> Any:
    return -_lagged(_backwards(b[:1] * 0 + 1, b, g, axis), y, b.shape[0], axis)


lfilter: Op = Op(
    "lfilter",
    lambda b, a, x, *, axis: _filtered(b, a, x, axis),
    _by_numerator,
    _by_denominator,
    lambda g, a, b, *, axis: _backwards(a, b, g, axis),
)
"""A rational filter, ``sum over k of a[k] y[n - k] = sum over k of b[k] x[n - k]``.

The equation, differentiated, is that of the same denominator for the changes of y; its right-hand
side is b convolved with the change of x, that of b with x, and minus that of a with y.
Source: Oppenheim and Schafer, Discrete-Time Signal Processing (2010), 2.5.
"""

# --- Cosine and sine transforms -------------------------------------------------------------------

TRANSPOSED_TYPE = MappingProxyType({1: 1, 2: 3, 3: 2, 4: 4})
"""From the type of a transform to that of its transpose, and of its inverse, but for weights."""


def _weighed(h: Any, axis: int, places: tuple[int, ...], weight: float) -> Any:
    """An array with the items at places along an axis times a weight."""
    if not places:
        return h
    weights = zeros_for(h, (h.shape[axis],), np.finfo(h.dtype).dtype) + 1
    for place in places:
        weights[place] = weight
    shape = [1] * len(h.shape)
    shape[axis] = h.shape[axis]
    return h * weights.reshape(shape)


def _cosine_back(g: Any, *, type: int, axis: int, norm: str) -> Any:
    """The transpose; the first item of a transform of type 3 has half the weight of the others.

    Of type 1 the first and the last have. With ``norm="ortho"`` the matrices are orthogonal.
    Source: the definitions in SciPy's documentation of `scipy.fft.dct`.
    """
    params = {"type": TRANSPOSED_TYPE[type], "axis": axis, "norm": norm}
    whole = norm != "ortho"
    ends = (0, -1) if type == 1 and whole else ()
    g = _weighed(g, axis, (0,) if type == 2 and whole else ends, 2.0)
    h = apply(cosine_transform, (g,), params)
    return _weighed(h, axis, (0,) if type == 3 and whole else ends, 0.5)


def _sine_back(g: Any, *, type: int, axis: int, norm: str) -> Any:
    """The transpose; the last item of a transform of type 3 has half the weight of the others.

    Source: the definitions in SciPy's documentation of `scipy.fft.dst`.
    """
    params = {"type": TRANSPOSED_TYPE[type], "axis": axis, "norm": norm}
    whole = norm != "ortho"
    g = _weighed(g, axis, (-1,) if type == 2 and whole else (), 2.0)
    h = apply(sine_transform, (g,), params)
    return _weighed(h, axis, (-1,) if type == 3 and whole else (), 0.5)


cosine_transform: Op = Op(
    "cosine_transform",
    lambda x, *, type, axis, norm: _dct(x, type, None, axis, norm),
    _cosine_back,
    properties=Property.LINEAR,
)
sine_transform: Op = Op(
    "sine_transform",
    lambda x, *, type, axis, norm: _dst(x, type, None, axis, norm),
    _sine_back,
    properties=Property.LINEAR,
)

register_ops(vars().values())
