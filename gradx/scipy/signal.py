"""SciPy's signals, under the names of `scipy.signal`."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import scipy.signal
from numpy.lib.array_utils import normalize_axis_index

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.spec import shape_of
from gradx.numpy.arguments import axes_from, operand
from gradx.ops.helpers import array_for
from gradx.ops.scipy import signal
from gradx.scipy.library import passing_on
from gradx.scipy.lifting import as_scipys, constant
from gradx.scipy.ndimage import convolve1d

__all__ = ["convolve", "correlate", "fftconvolve", "lfilter", "savgol_filter"]

__getattr__ = passing_on("scipy.signal")


@as_scipys(scipy.signal.convolve)
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """As `scipy.signal.convolve`, by both."""
    params = {"mode": mode, "method": method, "axes": None}
    return apply(signal.convolve_along, (operand(in1), operand(in2)), params)


@as_scipys(scipy.signal.correlate)
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """As `scipy.signal.correlate`, by both."""
    return inspect.unwrap(convolve)(in1, gnp.conj(gnp.flip(operand(in2))), mode, method)


@as_scipys(scipy.signal.fftconvolve)
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """As `scipy.signal.fftconvolve`, by both."""
    a, b = operand(in1), operand(in2)
    along = axes_from(axes, len(shape_of(a)))
    params = {"mode": mode, "method": "fft", "axes": along}
    return apply(signal.convolve_along, (a, b), params)


@as_scipys(scipy.signal.lfilter)
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """As `scipy.signal.lfilter`, by the coefficients, the signal and the initial state."""
    b, a, x = (gnp.atleast_1d(operand(each)) for each in (b, a, x))
    axis = normalize_axis_index(axis, len(shape_of(x)))
    y = apply(signal.lfilter, (b, a, x), {"axis": axis})
    if zi is None:
        return y
    return _with_state(b / a[0], a / a[0], gnp.moveaxis(x, axis, -1), y, axis, operand(zi))


def _with_state(b: Any, a: Any, x: Any, y: Any, axis: int, zi: Any) -> tuple[Any, Any]:
    """The result of a filter with an initial state, and the final state.

    The state is what earlier samples add to the results to come, so it is filtered by the
    denominator as if it came in with the first samples.
    """
    zi, y = gnp.moveaxis(zi, axis, -1), gnp.moveaxis(y, axis, -1)
    n, order = shape_of(x)[-1], shape_of(zi)[-1]
    zi = gnp.broadcast_to(zi, (*shape_of(x)[:-1], order))
    none = [(0, 0)] * (len(shape_of(x)) - 1)
    late = gnp.pad(zi, [*none, (0, max(n - order, 0))])
    y = y + apply(signal.lfilter, (a[:1] * 0 + 1, a, late[..., :n]), {"axis": -1})
    b = gnp.pad(b, (0, order + 1 - shape_of(b)[0]))
    a = gnp.pad(a, (0, order + 1 - shape_of(a)[0]))
    final = []
    for i in range(order):
        total = zi[..., n + i] if n + i < order else 0.0
        for k in range(i + 1, order + 1):
            if n - (k - i) >= 0:
                total = total + b[k] * x[..., n - (k - i)] - a[k] * y[..., n - (k - i)]
        final.append(total)
    state = gnp.stack(final, axis=-1) if final else zi
    return gnp.moveaxis(y, -1, axis), gnp.moveaxis(state, -1, axis)


@as_scipys(scipy.signal.savgol_filter)
def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: Any = 0.0,
) -> Any:
    """As `scipy.signal.savgol_filter`, by the signal."""
    constant("savgol_filter by delta and cval", (delta, cval))
    x = operand(x)
    weights = scipy.signal.savgol_coeffs(window_length, polyorder, deriv=deriv, delta=delta)
    filtered = inspect.unwrap(convolve1d)
    if mode != "interp":
        return filtered(x, weights, axis, None, mode, cval)
    x = gnp.moveaxis(x, axis, -1)
    half, n = window_length // 2, shape_of(x)[-1]
    middle = filtered(x, weights, -1, None, "constant")[..., half : n - half]
    # Near the ends a polynomial is fitted to the whole window: the same map for any signal.
    fitted = scipy.signal.savgol_filter(
        np.eye(window_length), window_length, polyorder, deriv, delta, axis=0
    )
    first = x[..., :window_length] @ array_for(fitted[:half].T, x)
    last = x[..., n - window_length :] @ array_for(fitted[window_length - half :].T, x)
    return gnp.moveaxis(gnp.concatenate([first, middle, last], axis=-1), -1, axis)
