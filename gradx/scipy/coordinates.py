"""Coordinates: an image at any places, by its values and by the places.

Source: the code of `scipy.ndimage`, ni_interpolation.c and ni_splines.c, for what lies beyond ends.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.ndimage
from scipy.interpolate import BSpline, PPoly

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.plain import value
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operands
from gradx.ops.scipy.ndimage import spline_filter
from gradx.scipy.lifting import as_scipys, refuse_output

__all__ = ["map_coordinates"]

Array = np.ndarray[Any, Any]
_MODES = ("constant", "nearest", "mirror", "reflect", "grid-mirror", "grid-wrap")
_MARGIN = 12
"""What SciPy adds at each end where the mode has no filter of its own."""


@as_scipys(scipy.ndimage.map_coordinates)
def map_coordinates(
    input: Any,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    """As `scipy.ndimage.map_coordinates`, by the values and by the coordinates.

    On variables the modes are constant, nearest, mirror, reflect, grid-mirror and grid-wrap.

    Raises:
        NotLiftedError: another mode, or ``output=``.
    """
    refuse_output("map_coordinates", output, input)
    if mode not in _MODES:
        raise NotLiftedError(
            f"map_coordinates with mode={mode!r} has no derivative in gradx; use one of the modes "
            f"{', '.join(_MODES)}"
        )
    x, places = operands(input, coordinates)
    shape = shape_of(x)
    margin = 0
    if prefilter and order > 1:
        if mode == "nearest":
            margin = _MARGIN
            x = gnp.pad(x, margin, "edge")
        for axis, n in enumerate(shape_of(x)):
            if n > 1:
                x = apply(spline_filter, (x,), {"order": order, "axis": axis, "mode": mode})
    beyond: Any = False
    axes = []
    for axis, n in enumerate(shape):
        along = places[axis]
        plain = value(along)
        beyond = beyond | (plain < 0) | (plain > n - 1)
        length = shape_of(x)[axis]
        inside = _folded(along + margin, plain + margin, length, mode)
        axes.append(_neighbours(inside, length, order, mode))
    total = _weighed(x, axes)
    return gnp.where(beyond, cval, total) if mode == "constant" else total


def _weighed(x: Any, axes: list[tuple[list[Array], list[Any]]]) -> Any:
    """The sum over the neighbours of each place, of their values times weights along the axes."""
    total: Any = 0.0
    for which in itertools.product(*[range(len(weights)) for _, weights in axes]):
        weight: Any = 1.0
        for k, (_, weights) in zip(which, axes, strict=True):
            weight = weight * weights[k]
        index = tuple(indices[k] for k, (indices, _) in zip(which, axes, strict=True))
        total = total + x[index] * weight
    return total


def _folded(along: Any, plain: Array, n: int, mode: str) -> Any:
    """Coordinates as the mode brings them back between the ends: plus or minus them, shifted."""
    if mode == "constant":
        return along
    if mode == "nearest":
        within = (plain >= 0) & (plain <= n - 1)
        return gnp.where(within, along, np.clip(plain, 0, n - 1))
    if mode == "grid-wrap":
        return along - n * np.floor(plain / n)
    if mode == "mirror":
        period = max(2 * (n - 1), 1)
        turned = plain - period * np.floor(plain / period)
        back = turned > n - 1
        offset = np.where(back, period, 0.0)
    else:
        period = 2 * n
        turned = plain - period * np.floor(plain / period)
        back = turned > n - 0.5
        offset = np.where(back, period - 1.0, 0.0)
    sign = np.where(back, -1.0, 1.0)
    return sign * (along - period * np.floor(plain / period)) + offset


def _neighbours(along: Any, n: int, order: int, mode: str) -> tuple[list[Array], list[Any]]:
    """The indices of the neighbours of each place along an axis, and their weights."""
    plain = value(along)
    shift = 0.0 if order % 2 else 0.5
    first = np.floor(plain + shift)
    fraction = along + shift - first
    pieces = PPoly.from_spline(BSpline.basis_element(np.arange(order + 2.0), extrapolate=False)).c
    pieces = pieces[:, order : 2 * order + 1]  # without those of length zero at the ends
    indices, weights = [], []
    for k in range(order + 1):
        weight: Any = 0.0
        for coefficient in pieces[:, order - k]:
            weight = weight * fraction + float(coefficient)
        weights.append(weight)
        indices.append(_reflected(first.astype(int) - order // 2 + k, n, mode))
    return indices, weights


def _reflected(index: Array, n: int, mode: str) -> Array:
    """Indices beyond the ends as the filter of the splines continues the array."""
    if mode == "grid-wrap":
        return index % n
    if mode in ("reflect", "grid-mirror"):
        index = index % (2 * n)
        return np.where(index >= n, 2 * n - 1 - index, index)
    period = max(2 * (n - 1), 1)
    index = index % period
    return np.where(index >= n, period - index, index)
