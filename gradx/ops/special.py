"""Special functions: the modified Bessel functions of the first kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.ops.scaling import scaled

__all__ = ["bessel"]

_TERMS = 30
"""The term of that number is below 1e-15 in the asymptotic series where it is used."""


def _bessel(x: Any, *, n: int) -> Any:
    """I_n of real numbers: by NumPy for n = 0, else by the power series and the asymptotic one.

    All terms of the power series have one sign, so nothing cancels:
    ``(u/2)**n / n! * sum of (u*u/4)**k / (k! (n+1)…(n+k))``. Far from 0 stands
    ``exp(u) / sqrt(2 pi u) * (1 - (m-1)/(8u) + (m-1)(m-9)/(2! (8u)**2) - …)``, m = 4 n n.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 9.6.10 and 9.7.1.
    """
    if n == 0:
        return np.i0(x)
    limit = max(20, n * n)
    size = np.absolute(x)
    near = size < limit
    inner, outer = np.where(near, size, 0.0), np.where(near, float(limit), size)
    half = inner / 2
    series: Any = 1.0
    for k in reversed(range(1, 2 * limit + 20)):
        series = 1 + series * (half / k) * (half / (k + n))
    far: Any = 1.0
    for k in reversed(range(1, _TERMS)):
        far = 1 - far * (4 * n * n - (2 * k - 1) ** 2) / (8 * k) / outer
    root = np.exp(outer / 2)  # whose square may overflow where the result does not
    far = root * (far / np.sqrt(2 * math.pi * outer)) * root
    y = np.where(near, series * half**n / math.factorial(n), far)
    return y * np.sign(x) if n % 2 else y


def _bessel_slope(g: Any, x: Any, *, n: int) -> Any:
    """I_0' = I_1, and 2 I_n' = I_(n-1) + I_(n+1): Abramowitz and Stegun, 9.6.26."""
    above = apply(bessel, (x,), {"n": n + 1})
    return scaled(g, above if n == 0 else (apply(bessel, (x,), {"n": n - 1}) + above) / 2)


bessel = Op("bessel", _bessel, _bessel_slope, properties=Property.ELEMENTWISE)
"""The modified Bessel function of the first kind, of order n."""

register_ops(vars().values())
