"""`autograd.scipy.signal`: convolution along chosen axes, with sums over others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradx import numpy as gnp

__all__ = ["convolve"]

Axes = Sequence[Sequence[int]]
_MODES = ("full", "valid", "same")


def convolve(
    A: Any, B: Any, axes: Axes | None = None, dot_axes: Axes = ((), ()), mode: str = "full"
) -> Any:
    """The convolution of two arrays along some axes, summed over products along others.

    Args:
        A: an array.
        B: an array.
        axes: the axes of each to convolve; by default all.
        dot_axes: the axes of each to sum over, of the same lengths.
        mode: ``"full"``; ``"valid"``, for which one array is as long as the other along each axis,
            or longer; or ``"same"``, the middle of the full one, as long as ``A``.

    Returns:
        An array: the remaining axes of ``A``, those of ``B``, and the axes of the convolution.

    Raises:
        ValueError: another mode, or neither array is the longer one along all axes.
    """
    if mode not in _MODES:
        raise ValueError(f"mode={mode!r} of convolve; use one of {', '.join(map(repr, _MODES))}")
    (a_axes, b_axes) = (range(A.ndim), range(B.ndim)) if axes is None else axes
    pairs = [(A.shape[i], B.shape[j]) for i, j in zip(a_axes, b_axes, strict=True)]
    if mode != "valid":
        widths = [(0, 0)] * A.ndim
        for i, (_, n) in zip(a_axes, pairs, strict=True):
            before = n - 1 if mode == "full" else n // 2
            widths[i] = (before, n - 1 if mode == "full" else n - 1 - before)
        return _valid(gnp.pad(A, widths), B, a_axes, b_axes, dot_axes)
    if all(m >= n for m, n in pairs):
        return _valid(A, B, a_axes, b_axes, dot_axes)
    if all(m <= n for m, n in pairs):
        y = _valid(B, A, b_axes, a_axes, dot_axes[::-1])
        own = B.ndim - len(b_axes) - len(dot_axes[1])
        others = A.ndim - len(a_axes) - len(dot_axes[0])
        return gnp.moveaxis(y, range(own), range(others, others + own))
    raise ValueError(
        f"mode='valid' of convolve with lengths {pairs} along its axes; one array has to be the "
        "longer one along all of them"
    )


def _valid(A: Any, B: Any, a_axes: Any, b_axes: Any, dot_axes: Axes) -> Any:
    lengths = [B.shape[j] for j in b_axes]
    windows = gnp.lib.stride_tricks.sliding_window_view(A, lengths, tuple(a_axes))
    within = range(A.ndim, A.ndim + len(lengths))
    first, second = (*within, *dot_axes[0]), (*b_axes, *dot_axes[1])
    y = gnp.tensordot(windows, np.flip(B, tuple(b_axes)), (first, second))
    # Of the axes of A, those of the convolution stand where they did among those that are left.
    left = [i for i in range(A.ndim) if i not in tuple(dot_axes[0])]
    return gnp.moveaxis(y, [left.index(i) for i in a_axes], range(-len(lengths), 0))
