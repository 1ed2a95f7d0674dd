"""SciPy's filters of images, and images at any coordinates, under the names of `scipy.ndimage`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.lib.array_utils import normalize_axis_index

from gradx import numpy as gnp
from gradx.core.dispatch import apply
from gradx.core.spec import shape_of
from gradx.devices.placement import PLACES
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import axes_from, is_lifted, on_host, operand, primals
from gradx.numpy.stride_tricks import sliding_window_view
from gradx.ops.scipy.ndimage import valid_correlation
from gradx.scipy.coordinates import map_coordinates
from gradx.scipy.library import passing_on
from gradx.scipy.lifting import as_scipys, constant, depends, refuse_output

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "laplace",
    "map_coordinates",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]

__getattr__ = passing_on("scipy.ndimage")

Array = np.ndarray[Any, Any]

_PADDED = MappingProxyType(
    {
        "reflect": "symmetric",
        "grid-mirror": "symmetric",
        "mirror": "reflect",
        "nearest": "edge",
        "wrap": "wrap",
        "grid-wrap": "wrap",
        "constant": "constant",
        "grid-constant": "constant",
    }
)
"""The modes of SciPy's filters under the names that they have for `np.pad`."""


def _filtered(x: Any, weights: Any, mode: Any, cval: Any, centres: Sequence[int]) -> Any:
    """The correlation of an array with weights, whose centre is at an index for each axis.

    By weights that are variables it is the product of each window of the array with them.
    """
    if mode not in _PADDED:
        raise ValueError(f"{mode!r} is no mode of a filter; use one of {', '.join(_PADDED)}")
    name = _PADDED[mode]
    lengths = zip(shape_of(weights), centres, strict=True)
    widths = [(centre, n - 1 - centre) for n, centre in lengths]
    options = {"constant_values": cval} if name == "constant" else {}
    padded = gnp.pad(x, widths, name, **options)
    if is_lifted(weights):
        windows = sliding_window_view(padded, shape_of(weights))
        y = gnp.tensordot(windows, weights, len(centres))
        return y if y.dtype == windows.dtype else y.astype(windows.dtype)  # SciPy's is the array's
    return apply(valid_correlation, (padded,), {"weights": weights})


def _weights(function: str, weights: Any, output: Any, x: Any) -> Any:
    """Weights as an array of doubles, plain or lifted; those of a device are read.

    Raises:
        NotLiftedError: they are complex, or variables and the array ``x`` is one of
            whole numbers, to which SciPy rounds the result; or it would be written elsewhere.
    """
    refuse_output(function, output, x)
    weights = on_host(weights) if type(weights) in PLACES else operand(weights)
    if not depends(weights):
        weights = np.asarray(weights)
    elif primals(operand(x)).dtype.kind not in "fc":
        raise NotLiftedError(
            f"{function} by its weights has no derivative where the result is rounded to whole "
            "numbers, as of this input; pass input.astype(float)"
        )
    if weights.dtype.kind == "c":
        raise NotLiftedError(
            f"{function} with complex weights has no derivative in gradx; filter with their real "
            "and their imaginary part"
        )
    return weights.astype(float)


def _with_axes(weights: Any, origin: Any, ndim: int, axes: Any) -> tuple[Any, list[int]]:
    """Weights with an axis of length 1 where they have none, and the origin along each axis."""
    places = axes_from(axes, ndim)
    shape, origins = [1] * ndim, [0] * ndim
    each = np.broadcast_to(origin, len(places)).tolist()
    for place, n, shift in zip(places, weights.shape, each, strict=True):
        shape[place], origins[place] = n, shift
    return np.transpose(weights, np.argsort(places)).reshape(shape), origins


# --- Any weights ----------------------------------------------------------------------------------


@as_scipys(scipy.ndimage.correlate)
def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """As `scipy.ndimage.correlate`, with real weights."""
    x = operand(input)
    w = _weights("ndimage.correlate", weights, output, x)
    w, origins = _with_axes(w, origin, len(shape_of(x)), axes)
    centres = [n // 2 + shift for n, shift in zip(w.shape, origins, strict=True)]
    return _filtered(x, w, mode, cval, centres)


@as_scipys(scipy.ndimage.convolve)
def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """As `scipy.ndimage.convolve`, with real weights."""
    x = operand(input)
    w = _weights("ndimage.convolve", weights, output, x)
    w, origins = _with_axes(w, origin, len(shape_of(x)), axes)
    # Reversed, the weight in the middle of an even number is the one before.
    centres = [(n - 1) // 2 - shift for n, shift in zip(w.shape, origins, strict=True)]
    return _filtered(x, np.flip(w), mode, cval, centres)


def _along(x: Any, weights: Any, axis: int, mode: Any, cval: Any, origin: int = 0) -> Any:
    """The correlation along one axis."""
    ndim = len(shape_of(x))
    axis = normalize_axis_index(axis, ndim)
    shape, centres = [1] * ndim, [0] * ndim
    shape[axis], centres[axis] = len(weights), len(weights) // 2 + origin
    return _filtered(x, weights.reshape(shape), mode, cval, centres)


@as_scipys(scipy.ndimage.correlate1d)
def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """As `scipy.ndimage.correlate1d`, with real weights."""
    w = _weights("ndimage.correlate1d", weights, output, input)
    return _along(operand(input), w, axis, mode, cval, origin)


@as_scipys(scipy.ndimage.convolve1d)
def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """As `scipy.ndimage.convolve1d`, with real weights."""
    w = np.flip(_weights("ndimage.convolve1d", weights, output, input))
    shift = -origin - (1 - len(w) % 2)
    return _along(operand(input), w, axis, mode, cval, shift)


# --- Known weights --------------------------------------------------------------------------------


@as_scipys(scipy.ndimage.uniform_filter1d)
def uniform_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """As `scipy.ndimage.uniform_filter1d`."""
    w = _weights("ndimage.uniform_filter1d", np.full(size, 1 / size), output, input)
    return _along(operand(input), w, axis, mode, cval, origin)


@as_scipys(scipy.ndimage.gaussian_filter1d)
def gaussian_filter1d(
    input: Any,
    sigma: Any,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Any:
    """As `scipy.ndimage.gaussian_filter1d`, with a constant width."""
    constant("ndimage.gaussian_filter1d by sigma", sigma)
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    unit = np.zeros(2 * reach + 1)
    unit[reach] = 1.0
    found = scipy.ndimage.gaussian_filter1d(
        unit, sigma, order=order, mode="constant", truncate=truncate, radius=radius
    )
    w = _weights("ndimage.gaussian_filter1d", np.flip(found), output, input)
    return _along(operand(input), w, axis, mode, cval)


Step = Callable[..., Any]


def _in_turn(x: Any, axes: Any, step: Step, *each: Any) -> Any:
    """A filter along one axis after another, with values of arguments for each axis, or for all."""
    places = axes_from(axes, x.ndim)
    columns = [c if _is_sequence(c) else [c] * len(places) for c in each]
    for row in zip(places, *columns, strict=True):
        x = step(x, *row)
    return x


def _is_sequence(x: Any) -> bool:
    return not isinstance(x, str) and np.iterable(x)


@as_scipys(scipy.ndimage.uniform_filter)
def uniform_filter(
    input: Any,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """As `scipy.ndimage.uniform_filter`."""

    def step(x: Any, axis: int, n: int, how: str, shift: int) -> Any:
        once = inspect.unwrap(uniform_filter1d)
        return once(x, n, axis, output, how, cval, shift) if n > 1 else x

    return _in_turn(operand(input), axes, step, size, mode, origin)


@as_scipys(scipy.ndimage.gaussian_filter)
def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """As `scipy.ndimage.gaussian_filter`, with constant widths."""
    constant("ndimage.gaussian_filter by sigma", sigma)

    def step(x: Any, axis: int, width: float, degree: int, how: str, reach: Any) -> Any:
        if width <= 1e-15:
            return x
        once = inspect.unwrap(gaussian_filter1d)  # SciPy's value is asked for at the end alone
        return once(
            x, width, axis, degree, output, how, cval, truncate, radius=reach
        )  # fmt: skip

    return _in_turn(operand(input), axes, step, sigma, order, mode, radius)


def _slope(name: str, across: Sequence[float]) -> Step:
    """A filter that is a difference along an axis, and weighs its neighbours across."""
    difference, weights = np.array([-1.0, 0.0, 1.0]), np.array(across)

    def filtered(
        input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0
    ) -> Any:
        _weights(f"ndimage.{name}", weights, output, input)
        x = operand(input)
        axis = normalize_axis_index(axis, x.ndim)
        modes = list(mode) if _is_sequence(mode) else [mode] * x.ndim
        x = _along(x, difference, axis, modes[axis], cval)
        for k in range(x.ndim):
            if k != axis:
                x = _along(x, weights, k, modes[k], cval)
        return x

    filtered.__name__ = filtered.__qualname__ = name
    filtered.__doc__ = f"As `scipy.ndimage.{name}`."
    return as_scipys(getattr(scipy.ndimage, name))(filtered)


sobel = _slope("sobel", [1.0, 2.0, 1.0])
prewitt = _slope("prewitt", [1.0, 1.0, 1.0])


@as_scipys(scipy.ndimage.laplace)
def laplace(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:
    """As `scipy.ndimage.laplace`."""
    w = _weights("ndimage.laplace", [1.0, -2.0, 1.0], output, input)
    x = operand(input)
    places = axes_from(axes, x.ndim)
    modes = list(mode) if _is_sequence(mode) else [mode] * len(places)
    parts = [_along(x, w, axis, how, cval) for axis, how in zip(places, modes, strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
