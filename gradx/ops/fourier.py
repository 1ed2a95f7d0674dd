"""Fourier transforms. Linear over the real numbers, so no rule keeps a value.

The transform of n points is the sum over j of ``x[j] exp(-2πi jk/n)``, a symmetric matrix, so that
it is its own transpose, and so is its inverse. ``n`` crops an axis or pads it with zeros before
that, and what is the transpose of the one is the other.

The transforms between n real numbers and the half of a Hermitian spectrum, q = n // 2 + 1 points,
are one another's transposes up to weights. `np.fft.irfft` and `np.fft.hfft` take each point for
itself and for its mirror image, whose term is the conjugate, so they are the real parts of sums

    irfft(z)[j] = Re sum over k < q of w[k] z[k] exp(+2πi jk/n) / n
    hfft(z)[j]  = Re sum over k < q of w[k] conj(z[k]) exp(+2πi jk/n)
                = Re sum over k < q of w[k] z[k] exp(-2πi jk/n)

where the weights w are 2, and 1 for a point that is its own image: the first, and the last one if n
is even. The real part of a linear map has the transpose of the map, so the cotangent of z is
``w[k]`` times the sum over j of ``g[j] exp(±2πi jk/n)``, which is `np.fft.ihfft` for the one and
`np.fft.rfft` for the other. It is real where a point is its own image: its imaginary part does not
matter. Read from right to left, the real part that a real operand takes of its cotangent makes
`np.fft.hfft` of ``g / w`` the transpose of `np.fft.rfft`, and `np.fft.irfft` that of
`np.fft.ihfft`. In each pair both have the same factor for the same ``norm``.

A transform over several axes is one along each after another, so its transpose is the transposes
in the other order. Along different axes the order does not matter.

Source: the definitions in NumPy's documentation of `numpy.fft`, under "Implementation details".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.ops.helpers import zeros_for
from gradx.ops.reductions import real_dtype

__all__ = [
    "fft",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftn",
]

Shape = tuple[int, ...]
Axes = tuple[int, ...]
Norm = Literal["backward", "ortho", "forward"] | None


def _fitted(h: Any, shape: Shape) -> Any:
    """An array cropped, or padded with zeros, at the end of each axis."""
    own = h.shape
    if any(n < length for n, length in zip(shape, own, strict=True)):
        h = h[tuple(slice(n) for n in shape)]
    missing = [n - length for n, length in zip(shape, h.shape, strict=True)]
    return np.pad(h, [(0, n) for n in missing]) if any(missing) else h


def _weighed(h: Any, n: int, axis: int, weight: float) -> Any:
    """Half of a spectrum with the points that have a mirror image multiplied by a weight.

    Args:
        h: n // 2 + 1 points along the axis.
        n: the length of the whole spectrum.
        axis: the axis.
        weight: the weight; a power of two, so that nothing is rounded.
    """
    shape = [1] * len(h.shape)
    shape[axis] = n // 2 + 1
    weights = zeros_for(h, (n // 2 + 1,), real_dtype(h))
    weights[...] = 1
    weights[1 : (n + 1) // 2] = weight
    return h * weights.reshape(shape)


# --- Along one axis -------------------------------------------------------------------------------


def _fft(g: Any, x_shape: Shape, *, axis: int, norm: Norm) -> Any:
    return _fitted(np.fft.fft(g, axis=axis, norm=norm), x_shape)


def _ifft(g: Any, x_shape: Shape, *, axis: int, norm: Norm) -> Any:
    return _fitted(np.fft.ifft(g, axis=axis, norm=norm), x_shape)


def _rfft(g: Any, x_shape: Shape, *, n: int | None, axis: int, norm: Norm) -> Any:
    n = x_shape[axis] if n is None else n
    return _fitted(np.fft.hfft(_weighed(g, n, axis, 0.5), n, axis, norm), x_shape)


def _hfft(g: Any, x_shape: Shape, *, axis: int, norm: Norm) -> Any:
    h = np.fft.rfft(g, axis=axis, norm=norm)
    return _fitted(_weighed(h, g.shape[axis], axis, 2.0), x_shape)


def _irfft(g: Any, x_shape: Shape, *, axis: int, norm: Norm) -> Any:
    h = np.fft.ihfft(g, axis=axis, norm=norm)
    return _fitted(_weighed(h, g.shape[axis], axis, 2.0), x_shape)


def _ihfft(g: Any, x_shape: Shape, *, n: int | None, axis: int, norm: Norm) -> Any:
    n = x_shape[axis] if n is None else n
    return _fitted(np.fft.irfft(_weighed(g, n, axis, 0.5), n, axis, norm), x_shape)


# --- Along several axes, each of them once --------------------------------------------------------


def _axes(ndim: int, s: Shape | None, axes: Axes | None) -> Axes:
    """The axes, where by default they are as many of the last as there are lengths, or all."""
    count = ndim if s is None else len(s)
    return tuple(range(ndim - count, ndim) if axes is None else axes)


def _fftn(g: Any, x_shape: Shape, *, s: Shape | None, axes: Axes | None, norm: Norm) -> Any:
    return _fitted(np.fft.fftn(g, axes=_axes(len(x_shape), s, axes), norm=norm), x_shape)


def _ifftn(g: Any, x_shape: Shape, *, s: Shape | None, axes: Axes | None, norm: Norm) -> Any:
    return _fitted(np.fft.ifftn(g, axes=_axes(len(x_shape), s, axes), norm=norm), x_shape)


def _rfftn(g: Any, x_shape: Shape, *, s: Shape | None, axes: Axes | None, norm: Norm) -> Any:
    *others, last = _axes(len(x_shape), s, axes)
    if others:
        g = np.fft.fftn(g, axes=others, norm=norm)
    return _rfft(g, x_shape, n=None if s is None else s[-1], axis=last, norm=norm)


def _irfftn(g: Any, x_shape: Shape, *, s: Shape | None, axes: Axes | None, norm: Norm) -> Any:
    *others, last = _axes(len(x_shape), s, axes)
    h = _weighed(np.fft.ihfft(g, axis=last, norm=norm), g.shape[last], last, 2.0)
    return _fitted(np.fft.ifftn(h, axes=others, norm=norm) if others else h, x_shape)


# --- The table ------------------------------------------------------------------------------------


def _along_one(function: Callable[..., Any], rule: Any) -> Op:
    def forward(x: Any, *, n: int | None, axis: int, norm: Norm) -> Any:
        return function(x, n, axis, norm)

    return Op(function.__name__, forward, rule, properties=Property.LINEAR)


def _along_several(function: Callable[..., Any], rule: Any) -> Op:
    def forward(x: Any, *, s: Shape | None, axes: Axes | None, norm: Norm) -> Any:
        return function(x, s, axes, norm)

    return Op(function.__name__, forward, rule, properties=Property.LINEAR)


fft = _along_one(np.fft.fft, _fft)
ifft = _along_one(np.fft.ifft, _ifft)
rfft = _along_one(np.fft.rfft, _rfft)
irfft = _along_one(np.fft.irfft, _irfft)
hfft = _along_one(np.fft.hfft, _hfft)
ihfft = _along_one(np.fft.ihfft, _ihfft)

fftn = _along_several(np.fft.fftn, _fftn)
ifftn = _along_several(np.fft.ifftn, _ifftn)
rfftn = _along_several(np.fft.rfftn, _rfftn)
irfftn = _along_several(np.fft.irfftn, _irfftn)

# The transpose of a permutation is its inverse.
fftshift = Op(
    "fftshift",
    lambda x, *, axes: np.fft.fftshift(x, axes),
    lambda g, *, axes: np.fft.ifftshift(g, axes),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
ifftshift = Op(
    "ifftshift",
    lambda x, *, axes: np.fft.ifftshift(x, axes),
    lambda g, *, axes: np.fft.fftshift(g, axes),
    properties=Property.LINEAR | Property.STRUCTURAL,
)

register_ops(vars().values())
