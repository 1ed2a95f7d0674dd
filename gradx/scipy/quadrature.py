"""Quadrature: the integral of samples, and of a function."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from gradx import numpy as gnp
from gradx.core.asking import of_numbers
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import shape_of, spec_of
from gradx.errors import NotDifferentiableError, NotLiftedError
from gradx.numpy.arguments import operand, refuse_on_device
from gradx.ops import shaping
from gradx.ops.helpers import array_for, first_device_array
from gradx.scipy.lifting import as_scipys, constant, depends

__all__ = ["cumulative_trapezoid", "fixed_quad", "quad", "simpson", "trapezoid"]


# --- Samples --------------------------------------------------------------------------------------


@as_scipys(scipy.integrate.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """As `scipy.integrate.trapezoid`, by samples and places."""
    return gnp.trapezoid(y, x, dx, axis)


def _distances(x: Any, dx: Any, axis: int, ndim: int) -> Any:
    """The distances of neighbouring places along the last axis, or the one distance."""
    if x is None:
        return operand(dx)
    x = operand(x)
    return gnp.diff(x if len(shape_of(x)) != ndim else gnp.moveaxis(x, axis, -1))


@as_scipys(scipy.integrate.cumulative_trapezoid)
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """As `scipy.integrate.cumulative_trapezoid`, by samples and places."""
    y = operand(y)
    h = _distances(x, dx, axis, y.ndim)
    y = gnp.moveaxis(y, axis, -1)
    total = gnp.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        first = array_for(gnp.full((*shape_of(y)[:-1], 1), initial, spec_of(total).dtype), y)
        total = gnp.concatenate([first, total], axis=-1)
    return gnp.moveaxis(total, -1, axis)


@as_scipys(scipy.integrate.simpson)
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """As `scipy.integrate.simpson`, by samples and places.

    Source: Cartwright, Simpson's rule cumulative integration with MS Excel and irregularly-spaced
    data (2017), for the last interval of an odd number.
    """
    y = operand(y)
    h = _distances(x, dx, axis, y.ndim)
    y = gnp.moveaxis(y, axis, -1)
    n = shape_of(y)[-1]
    if not shape_of(h):
        h = h * gnp.ones_like(y[..., 1:])
    if n % 2:
        return _pairs(y, h)
    last, before = h[..., -1], h[..., -2] if n > 2 else None
    if before is None:
        return last * (y[..., -1] + y[..., -2]) / 2
    alpha = (2 * last**2 + 3 * before * last) / (6 * (last + before))
    beta = (last**2 + 3 * before * last) / (6 * before)
    eta = last**3 / (6 * before * (before + last))
    rest = alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]
    return _pairs(y[..., :-1], h[..., :-1]) + rest if n > 2 else rest


def _pairs(y: Any, h: Any) -> Any:
    """Simpson's rule over pairs of intervals, of different lengths."""
    a, b = h[..., ::2], h[..., 1::2]
    both = a + b
    left, middle, right = y[..., :-2:2], y[..., 1:-1:2], y[..., 2::2]
    terms = left * (2 - b / a) + middle * (both * both / (a * b)) + right * (2 - a / b)
    return gnp.sum(both / 6.0 * terms, axis=-1)


# --- Functions ------------------------------------------------------------------------------------


def fixed_quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """As `scipy.integrate.fixed_quad`, by the limits, ``args``, and what ``func`` closes over."""
    if not has_variables((a, b, args)):
        args = args if isinstance(args, tuple) else (args,)
    x, w = np.polynomial.legendre.leggauss(n)
    there = first_device_array((a, b, *(args if isinstance(args, tuple) else (args,))))
    if there is not None:
        x = array_for(x, there)
    y = operand(func((b - a) * (x + 1) / 2.0 + a, *args))
    return (b - a) / 2.0 * gnp.sum(array_for(w, y) * y, axis=-1), None


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(21)


@of_numbers
def quad(
    func: Callable[..., Any],
    a: Any,
    b: Any,
    args: Any = (),
    full_output: int = 0,
    *rest: Any,
    weight: str | None = None,
    complex_func: bool = False,
    **options: Any,
) -> Any:
    """As `scipy.integrate.quad`.

    The derivative is by the limits, by ``args`` of any types, and by what ``func`` closes over. It
    is that of Gauss's rule of 21 points on the intervals into which SciPy divided the range, and on
    smaller ones near a singularity. The estimate of the error has none.

    Raises:
        NotDifferentiableError: a singularity is too strong for that.
        NotLiftedError: with ``weight`` or ``complex_func``, or ``points`` that are variables.
    """
    args = args if isinstance(args, tuple) else (args,)
    refuse_on_device("scipy.integrate.quad", a, b, *args)
    plain_args = [value(x) for x in args]
    lifted = depends((a, b, args))

    def plain(x: float) -> Any:
        nonlocal lifted
        y = func(x, *plain_args)
        lifted = lifted or depends(y)
        return value(y)

    constant("quad by points=", options.get("points"))
    options |= {"weight": weight} if weight is not None else {}
    options |= {"complex_func": True} if complex_func else {}
    ends = (value(a), value(b))
    own = scipy.integrate.quad(plain, *ends, (), full_output, *rest, **options)
    if not lifted:
        return own
    if weight is not None or complex_func:
        raise NotLiftedError(
            "quad with weight= or complex_func= has no derivative in gradx; write the weight into "
            "the function, and integrate its real and its imaginary part"
        )
    detail = own if full_output else scipy.integrate.quad(plain, *ends, (), 1, *rest, **options)
    limits = _Range(a, b)
    pieces = limits.refined(plain, own[0], limits.pieces(detail[2]))
    total = limits.integral(lambda x: func(x, *args), pieces)
    return (apply(shaping.computed, (total, own[0])), *own[1:])


Pieces = list[tuple[float, float]]
_MOST_PIECES = 500
_AGREES, _NEAR = 1e-9, 1e-6


class _Range:
    """The range of an integral, as QUADPACK maps it to a finite one.

    Source: Piessens et al., QUADPACK (1983), for the transformation of infinite ranges.

    Args:
        a: the one limit, which may be a variable.
        b: the other.
    """

    def __init__(self, a: Any, b: Any) -> None:
        self._sign = -1.0 if value(a) > value(b) else 1.0
        self._a, self._b = (b, a) if self._sign < 0 else (a, b)
        self._low, self._high = float(value(self._a)), float(value(self._b))
        self._finite = math.isfinite(self._low) and math.isfinite(self._high)

    def pieces(self, found: dict[str, Any]) -> Pieces:
        """The intervals into which QUADPACK divided the range."""
        count = found["last"]
        pairs = zip(found["alist"][:count].tolist(), found["blist"][:count].tolist(), strict=True)
        return list(pairs) or [(self._low, self._high) if self._finite else (0.0, 1.0)]

    def _terms(self, f: Callable[[Any], Any], p: float, q: float, plain: bool) -> tuple[Any, Any]:
        """The values of a function at the nodes of an interval, and their weights."""
        u, w = (q - p) / 2 * _NODES + (q + p) / 2, self._sign * (q - p) / 2 * _WEIGHTS
        a, b = (self._low, self._high) if plain else (self._a, self._b)
        if self._finite:
            span = self._high - self._low or 1.0
            places = [a + (b - a) * t for t in ((u - self._low) / span).tolist()]
            return [f(x) * ((b - a) / span) for x in places], w
        far, w = ((1 - u) / u).tolist(), w / u**2
        if math.isinf(self._low) and math.isinf(self._high):
            return [f(x) + f(-x) for x in far], w
        return [f(a + x) if math.isinf(self._high) else f(b - x) for x in far], w

    def integral(self, f: Callable[[Any], Any], pieces: Pieces) -> Any:
        """The integral of a function of variables, by Gauss's rule on each interval."""
        every = [self._terms(f, p, q, False) for p, q in pieces]
        values = [y for ys, _ in every for y in ys]
        return gnp.sum(gnp.stack(values) * np.concatenate([w for _, w in every]))

    def refined(self, f: Callable[[Any], Any], own: float, pieces: Pieces) -> Pieces:
        """The intervals, and smaller ones where an integrand is singular.

        QUADPACK extrapolates towards a singularity, and Gauss's rule does not.

        Raises:
            NotDifferentiableError: their sum is far from the integral all the same.
        """

        def gauss(piece: tuple[float, float]) -> float:
            values, weights = self._terms(f, *piece, True)
            return float(np.dot(values, weights))

        def divided(piece: tuple[float, float], whole: float) -> Any:
            middle = (piece[0] + piece[1]) / 2
            halves = [(part, gauss(part)) for part in ((piece[0], middle), (middle, piece[1]))]
            return -abs(halves[0][1] + halves[1][1] - whole), piece, whole, halves

        known = [(piece, gauss(piece)) for piece in pieces]
        off = sum(each for _, each in known) - own
        if abs(off) <= _AGREES * max(abs(own), 1e-3):
            return pieces
        waiting = [divided(*each) for each in known]
        heapq.heapify(waiting)
        while abs(off) > _AGREES * max(abs(own), 1e-3) and len(waiting) < _MOST_PIECES:
            _, _, whole, halves = heapq.heappop(waiting)
            off += halves[0][1] + halves[1][1] - whole
            for half in halves:
                heapq.heappush(waiting, divided(*half))
        if not abs(off) <= _NEAR * max(abs(own), 1e-3):
            raise NotDifferentiableError(
                f"quad found {own}, by extrapolation to a singularity, and a sum that can be "
                f"differentiated is off by {off}; substitute the variable so that the integrand "
                "is smooth, such as x = t**4"
            )
        return [piece for _, piece, _, _ in waiting]
