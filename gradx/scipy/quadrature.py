"""Quadrature: the integral of samples, and of a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.integrate

from gradx import numpy as gnp
from gradx.core.dispatch import apply, has_variables
from gradx.core.plain import value
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import operand
from gradx.ops import shaping
from gradx.scipy.lifting import as_scipys, constant

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
        total = gnp.concatenate([gnp.full((*shape_of(y)[:-1], 1), initial), total], axis=-1)
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
        h = h * np.ones(n - 1)
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
    places = (b - a) * (x + 1) / 2.0 + a
    return (b - a) / 2.0 * gnp.sum(w * operand(func(places, *args)), axis=-1), None


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(21)


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
    is that of Gauss's rule of 21 points on the intervals into which SciPy divided the range. The
    estimate of the error has none.

    Raises:
        NotLiftedError: with ``weight`` or ``complex_func``, or ``points`` that are variables.
    """
    args = args if isinstance(args, tuple) else (args,)
    plain_args = [value(x) for x in args]
    lifted = has_variables((a, b, args))

    def plain(x: float) -> Any:
        nonlocal lifted
        y = func(x, *plain_args)
        lifted = lifted or has_variables(y)
        return value(y)

    constant("quad by points=", options.get("points"))
    options |= {"weight": weight, "complex_func": complex_func}
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
    total = _by_gauss(lambda x: func(x, *args), a, b, detail[2])
    return (apply(shaping.computed, (total, own[0])), *own[1:])


def _by_gauss(f: Callable[[Any], Any], a: Any, b: Any, found: dict[str, Any]) -> Any:
    """The integral by Gauss's rule on each of the intervals that QUADPACK made.

    Source: Piessens et al., QUADPACK (1983), for the transformation of infinite ranges.
    """
    count = found["last"]
    pieces = [*zip(found["alist"][:count], found["blist"][:count], strict=True)]
    low, high = value(a), value(b)
    if low > high:
        a, b, low, high = b, a, high, low
        sign = -1.0
    else:
        sign = 1.0
    u = np.concatenate([(q - p) / 2 * _NODES + (q + p) / 2 for p, q in pieces])
    w = sign * np.concatenate([(q - p) / 2 * _WEIGHTS for p, q in pieces])
    if not math.isinf(low) and not math.isinf(high):
        t = ((u - low) / (high - low)).tolist()
        return (b - a) / (high - low) * _sum([f(a + (b - a) * s) for s in t], w)
    far, w = ((1 - u) / u).tolist(), w / u**2
    if math.isinf(low) and math.isinf(high):
        return _sum([f(x) + f(-x) for x in far], w)
    return _sum([f(a + x) if math.isinf(high) else f(b - x) for x in far], w)


def _sum(values: Sequence[Any], weights: Any) -> Any:
    return gnp.sum(gnp.stack(values) * weights)
