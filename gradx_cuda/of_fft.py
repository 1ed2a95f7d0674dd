"""Cosine and sine transforms on CuPy's arrays: its own of types 2 and 3, and others by Fourier's.

Source: the definitions in SciPy's documentation of `scipy.fft.dct` and `scipy.fft.dst`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx_cuda.diagnosis import import_cupy, import_cupyx

__all__ = ["transform"]


def transform(name: str) -> Callable[..., Any]:
    """The stand-in of `scipy.fft.dct` or `scipy.fft.dst`.

    Args:
        name: the function.
    """

    def call(x: Any, type: int, n: Any, axis: int, norm: str) -> Any:
        if type in (2, 3):
            return getattr(import_cupyx("scipy.fft"), name)(x, type, n, axis, norm)
        if x.dtype.kind == "c":
            return call(x.real, type, n, axis, norm) + 1j * call(x.imag, type, n, axis, norm)
        x = np.moveaxis(x.astype(np.result_type(x, np.float32), copy=False), axis, -1)
        y = _FORMS[name, type](x, norm == "ortho")
        length = 2 * (x.shape[-1] + ((-1 if name == "dct" else 1) if type == 1 else 0))
        scale = {"ortho": math.sqrt(length), "forward": length}.get(norm, 1.0)
        return np.moveaxis(y / scale, -1, axis).astype(x.dtype, copy=False)

    return call


def _cosines_1(x: Any, ortho: bool) -> Any:
    """Of the sequence that goes on evenly at both ends."""
    x = _ends(x, math.sqrt(2)) if ortho else x
    y = np.fft.fft(np.concatenate([x, x[..., -2:0:-1]], axis=-1))[..., : x.shape[-1]].real
    return _ends(y, math.sqrt(0.5)) if ortho else y


def _ends(x: Any, factor: float) -> Any:
    """The first and the last item times a number."""
    return np.concatenate([factor * x[..., :1], x[..., 1:-1], factor * x[..., -1:]], axis=-1)


def _sines_1(x: Any, ortho: bool) -> Any:
    """Of the sequence that goes on oddly, with 0 at both ends."""
    gap = x[..., :1] * 0
    whole = np.concatenate([gap, x, gap, -x[..., ::-1]], axis=-1)
    return -np.fft.fft(whole)[..., 1 : x.shape[-1] + 1].imag


def _quarters(x: Any) -> Any:
    """The sums of x[n] exp(-i pi (2 k + 1) (2 n + 1) / 4 N)."""
    n = x.shape[-1]
    places = import_cupy().arange(n)
    complex_type = np.result_type(x, np.complex64)
    turn = np.exp(-0.5j * math.pi / n * places).astype(complex_type)
    back = np.exp(-0.25j * math.pi / n * (2 * places + 1)).astype(complex_type)
    return back * np.fft.fft(x * turn, 2 * n)[..., :n]


_FORMS: Mapping[tuple[str, int], Callable[..., Any]] = MappingProxyType(
    {
        ("dct", 1): _cosines_1,
        ("dst", 1): _sines_1,
        ("dct", 4): lambda x, ortho: 2 * _quarters(x).real,
        ("dst", 4): lambda x, ortho: -2 * _quarters(x).imag,
    }
)
