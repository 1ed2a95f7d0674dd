"""Discrete Fourier transforms under the names of `numpy.fft`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.fft import fftfreq, rfftfreq

from gradx.core.dispatch import apply, implements
from gradx.core.op import Op
from gradx.core.spec import shape_of
from gradx.numpy.arguments import counts, operand, refuse_out
from gradx.ops import fourier

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
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
    "rfftfreq",
    "rfftn",
]

Lengths = Sequence[int] | None
Axes = Sequence[int] | None
Norm = Literal["backward", "ortho", "forward"] | None
Steps = tuple[Callable[..., Any], Callable[..., Any]]

# --- Along one axis -------------------------------------------------------------------------------


def _along_one(op: Op, a: Any, n: int | None, axis: int, norm: Norm, out: Any) -> Any:
    refuse_out(f"np.fft.{op.name}", out)
    return apply(op, (operand(a),), {"n": counts(n), "axis": counts(axis), "norm": norm})


@implements(np.fft.fft)
def fft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.fft`."""
    return _along_one(fourier.fft, a, n, axis, norm, out)


@implements(np.fft.ifft)
def ifft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.ifft`: the inverse of `fft`."""
    return _along_one(fourier.ifft, a, n, axis, norm, out)


@implements(np.fft.rfft)
def rfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.rfft`: the first half of the spectrum of real numbers."""
    return _along_one(fourier.rfft, a, n, axis, norm, out)


@implements(np.fft.irfft)
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.irfft`: real numbers from the first half of their spectrum."""
    return _along_one(fourier.irfft, a, n, axis, norm, out)


@implements(np.fft.hfft)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.hfft`: the real spectrum of a Hermitian signal from its first half."""
    return _along_one(fourier.hfft, a, n, axis, norm, out)


@implements(np.fft.ihfft)
def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.ihfft`: the inverse of `hfft`."""
    return _along_one(fourier.ihfft, a, n, axis, norm, out)


# --- Along several axes ---------------------------------------------------------------------------


@implements(np.fft.fftn)
def fftn(a: Any, s: Lengths = None, axes: Axes = None, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.fftn`, over all axes by default."""
    refuse_out("np.fft.fftn", out)
    return _along_several(fourier.fftn, (fft, fft), a, s, axes, norm)


@implements(np.fft.ifftn)
def ifftn(a: Any, s: Lengths = None, axes: Axes = None, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.ifftn`: the inverse of `fftn`."""
    refuse_out("np.fft.ifftn", out)
    return _along_several(fourier.ifftn, (ifft, ifft), a, s, axes, norm)


@implements(np.fft.rfftn)
def rfftn(a: Any, s: Lengths = None, axes: Axes = None, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.rfftn`: half of the spectrum of real numbers, along the last of the axes."""
    refuse_out("np.fft.rfftn", out)
    return _along_several(fourier.rfftn, (fft, rfft), a, s, axes, norm)


@implements(np.fft.irfftn)
def irfftn(a: Any, s: Lengths = None, axes: Axes = None, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.irfftn`: the inverse of `rfftn`."""
    refuse_out("np.fft.irfftn", out)
    return _along_several(fourier.irfftn, (ifft, irfft), a, s, axes, norm)


_LAST = (-2, -1)


@implements(np.fft.fft2)
def fft2(a: Any, s: Lengths = None, axes: Axes = _LAST, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.fft2`: `fftn` over the last two axes."""
    refuse_out("np.fft.fft2", out)
    return fftn(a, s, axes, norm)


@implements(np.fft.ifft2)
def ifft2(a: Any, s: Lengths = None, axes: Axes = _LAST, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.ifft2`: `ifftn` over the last two axes."""
    refuse_out("np.fft.ifft2", out)
    return ifftn(a, s, axes, norm)


@implements(np.fft.rfft2)
def rfft2(a: Any, s: Lengths = None, axes: Axes = _LAST, norm: Norm = None, out: Any = None) -> Any:
    """As `np.fft.rfft2`: `rfftn` over the last two axes."""
    refuse_out("np.fft.rfft2", out)
    return rfftn(a, s, axes, norm)


@implements(np.fft.irfft2)
def irfft2(
    a: Any, s: Lengths = None, axes: Axes = _LAST, norm: Norm = None, out: Any = None
) -> Any:
    """As `np.fft.irfft2`: `irfftn` over the last two axes."""
    refuse_out("np.fft.irfft2", out)
    return irfftn(a, s, axes, norm)


def _along_several(op: Op, steps: Steps, a: Any, s: Lengths, axes: Axes, norm: Norm) -> Any:
    """A transform over several axes: one op, unless an axis is named twice.

    Args:
        op: the transform over different axes.
        steps: the transforms along one of the axes but the last, and along the last.
        a: the operand.
        s: lengths along the axes; -1 is that of the operand.
        axes: the axes.
        norm: the normalisation.
    """
    a, s, axes = operand(a), counts(s), counts(axes)
    if all(x is None or np.iterable(x) for x in (s, axes)):  # NumPy's error says it otherwise
        shape = tuple(shape_of(a))
        if s is not None:
            s = tuple(s)
            places = range(len(shape) - len(s), len(shape)) if axes is None else axes
            if len(s) == len(places):
                s = tuple(shape[i] if n == -1 else n for n, i in zip(s, places, strict=True))
        if axes is not None and _has_twice(axes, len(shape)) and len(s or axes) == len(axes):
            return _in_turn(steps, a, s or _own_lengths(shape, axes, steps), axes, norm)
    return apply(op, (a,), {"s": s, "axes": axes, "norm": norm})


def _has_twice(axes: Sequence[int], ndim: int) -> bool:
    """Whether one axis is named twice; whether all exist, the op says."""
    places = [axis + ndim if axis < 0 else axis for axis in axes]
    return len(set(places)) < len(places) and all(0 <= place < ndim for place in places)


def _own_lengths(shape: tuple[int, ...], axes: Sequence[int], steps: Steps) -> Any:
    lengths = [shape[axis] for axis in axes]
    if steps[1] is irfft:
        lengths[-1] = 2 * (lengths[-1] - 1)
    return lengths


def _in_turn(steps: Steps, a: Any, lengths: Sequence[int], axes: Sequence[int], norm: Norm) -> Any:
    """One transform after another, from the last axis to the first, as NumPy's own; irfft last."""
    step, last = steps
    turns = [*zip(lengths, axes, strict=True)]
    if last is irfft:
        for n, axis in turns[:-1]:
            a = step(a, n, axis, norm)
        return last(a, *turns[-1], norm)
    a = last(a, *turns[-1], norm)
    for n, axis in reversed(turns[:-1]):
        a = step(a, n, axis, norm)
    return a


# --- The order of frequencies ---------------------------------------------------------------------


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """As `np.fft.fftshift`: the frequency 0 in the middle."""
    return apply(fourier.fftshift, (operand(x),), {"axes": counts(axes)})


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """As `np.fft.ifftshift`: the inverse of `fftshift`."""
    return apply(fourier.ifftshift, (operand(x),), {"axes": counts(axes)})
