"""SciPy's Fourier transforms, under the names of `scipy.fft`, and those of cosines and sines."""

from __future__ import annotations

from typing import Any

import scipy.fft

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand
from gradx.ops.scipy import signal
from gradx.scipy.library import passing_on
from gradx.scipy.lifting import as_scipys

__all__ = [
    "dct",
    "dst",
    "fft",
    "fft2",
    "fftn",
    "fftshift",
    "hfft",
    "idct",
    "idst",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftn",
]

__getattr__ = passing_on("scipy.fft")

fftshift, ifftshift = gnp.fft.fftshift, gnp.fft.ifftshift


def _along_one(name: str) -> Any:
    lifted = getattr(gnp.fft, name)

    def transform(
        x: Any,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        return lifted(x, n, axis, norm)

    return _named(transform, name)


def _along_several(name: str) -> Any:
    lifted = getattr(gnp.fft, name)
    axes_of_all = (-2, -1) if name.endswith("2") else None

    def transform(
        x: Any,
        s: Any = None,
        axes: Any = axes_of_all,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        if s is not None and axes is None:
            axes = range(-len(s), 0)
        return lifted(x, s, axes, norm)

    return _named(transform, name)


def _named(transform: Any, name: str) -> Any:
    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"As `scipy.fft.{name}`."
    return as_scipys(getattr(scipy.fft, name))(transform)


fft, ifft = _along_one("fft"), _along_one("ifft")
rfft, irfft = _along_one("rfft"), _along_one("irfft")
hfft, ihfft = _along_one("hfft"), _along_one("ihfft")
fft2, ifft2 = _along_several("fft2"), _along_several("ifft2")
rfft2, irfft2 = _along_several("rfft2"), _along_several("irfft2")
fftn, ifftn = _along_several("fftn"), _along_several("ifftn")
rfftn, irfftn = _along_several("rfftn"), _along_several("irfftn")


# --- Cosines and sines ----------------------------------------------------------------------------

_SWAPPED = (("backward", "forward"), ("forward", "backward"))


def _real_transform(name: str, op: Op) -> Any:
    inverse = name.startswith("i")

    def transform(
        x: Any,
        type: int = 2,
        n: int | None = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: bool | None = None,
    ) -> Any:
        if orthogonalize is not None:
            raise NotLiftedError(
                f"{name} with orthogonalize= has no derivative in gradx; use norm='ortho', or "
                "leave it out"
            )
        x = operand(x)
        norm = norm or "backward"
        if inverse:
            type, norm = signal.TRANSPOSED_TYPE[type], dict(_SWAPPED).get(norm, norm)
        if n is not None:
            x = _fitted(x, n, axis % len(shape_of(x)))
        return apply(op, (x,), {"type": type, "axis": axis, "norm": norm})

    return _named(transform, name)


def _fitted(x: Any, n: int, axis: int) -> Any:
    """An array cropped, or padded with zeros, to a length along an axis."""
    length = shape_of(x)[axis]
    if n < length:
        return x[(*[slice(None)] * axis, slice(n))]
    widths = [(0, 0)] * len(shape_of(x))
    widths[axis] = (0, n - length)
    return gnp.pad(x, widths)


dct, idct = (_real_transform(name, signal.cosine_transform) for name in ("dct", "idct"))
dst, idst = (_real_transform(name, signal.sine_transform) for name in ("dst", "idst"))
