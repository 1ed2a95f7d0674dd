"""SciPy's older Fourier transforms, under the names of `scipy.fftpack`.

They are those of `gradx.scipy.fft`, with a fixed norm; those of real numbers put the real and the
imaginary parts of a half spectrum side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fftpack

from gradx import numpy as gnp
from gradx.core.spec import shape_of
from gradx.numpy.arguments import operand
from gradx.scipy import fft as own
from gradx.scipy.library import passing_on
from gradx.scipy.lifting import as_scipys

__all__ = [
    "dct",
    "dst",
    "fft",
    "fft2",
    "fftn",
    "fftshift",
    "idct",
    "idst",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "irfft",
    "rfft",
]

__getattr__ = passing_on("scipy.fftpack")

fftshift, ifftshift = gnp.fft.fftshift, gnp.fft.ifftshift


def _named(name: str, transform: Any) -> Any:
    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"As `scipy.fftpack.{name}`."
    return as_scipys(getattr(scipy.fftpack, name))(transform)


def _along_one(name: str) -> Any:
    lifted = getattr(own, name)

    def transform(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
        return lifted(x, n, axis)

    return _named(name, transform)


def _along_several(name: str) -> Any:
    lifted = getattr(own, name)
    axes_of_all = (-2, -1) if name.endswith("2") else None

    def transform(
        x: Any, shape: Any = None, axes: Any = axes_of_all, overwrite_x: bool = False
    ) -> Any:
        return lifted(x, shape, axes)

    return _named(name, transform)


def _of_cosines(name: str) -> Any:
    lifted, backwards = getattr(own, name.removeprefix("i")), name.startswith("i")
    transposed = {1: 1, 2: 3, 3: 2, 4: 4}

    def transform(
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
    ) -> Any:
        return lifted(x, transposed[type] if backwards else type, n, axis, norm)

    return _named(name, transform)


fft, ifft = _along_one("fft"), _along_one("ifft")
fft2, ifft2 = _along_several("fft2"), _along_several("ifft2")
fftn, ifftn = _along_several("fftn"), _along_several("ifftn")
dct, idct = _of_cosines("dct"), _of_cosines("idct")
dst, idst = _of_cosines("dst"), _of_cosines("idst")


@as_scipys(scipy.fftpack.rfft)
def rfft(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
    """As `scipy.fftpack.rfft`: y0, Re y1, Im y1, Re y2, … along the axis."""
    x = operand(x)
    count = shape_of(x)[axis] if n is None else n
    z = gnp.moveaxis(gnp.fft.rfft(x, n, axis), axis, -1)
    pairs = gnp.stack([np.real(z), np.imag(z)], -1)
    flat = gnp.reshape(pairs, (*shape_of(z)[:-1], -1))
    first, rest = flat[..., :1], flat[..., 2 : count + 1]
    return gnp.moveaxis(gnp.concatenate([first, rest], -1), -1, axis)


@as_scipys(scipy.fftpack.irfft)
def irfft(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
    """As `scipy.fftpack.irfft`, of what `rfft` gives."""
    y = gnp.moveaxis(operand(x), axis, -1)
    count = shape_of(y)[-1] if n is None else n
    have = min(shape_of(y)[-1], count)
    y = gnp.pad(y[..., :have], [(0, 0)] * (len(shape_of(y)) - 1) + [(0, count + 1 - have)])
    zero = 0.0 * y[..., :1]
    whole = gnp.concatenate([y[..., :1], zero, y[..., 1 : 2 * (count // 2) + 1]], -1)
    z = whole[..., ::2] + 1j * whole[..., 1::2]
    return gnp.moveaxis(gnp.fft.irfft(z, count), -1, axis)
