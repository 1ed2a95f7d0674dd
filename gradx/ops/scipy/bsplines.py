"""B-splines on devices: the values of splines, and the transpose of that map, by formulas.

On the host SciPy has both. Only k + 1 of the functions of degree k are not zero at a point, so what
is worked with has k + 1 columns.

Source: de Boor, A Practical Guide to Splines (1978), chapter X, (8) for the recurrence, and (12)
and (16) for the derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradx.devices.kernel_table import kernel
from gradx.ops.helpers import iota_for, nonzero_or_infinity, zeros_for

__all__ = ["spread", "values"]


def values(c: Any, x: Any, t: Any, k: int, nu: int) -> Any:
    """The values of a derivative of splines.

    Args:
        c: the coefficients, shape (n, m).
        x: the points, shape (r,).
        t: the knots, shape (n + k + 1,).
        k: the degree.
        nu: the order of the derivative, at most k.

    Returns:
        The values, shape (r, m).
    """
    for degree, factors in _differences(t, k, nu):
        c = (c[1:] - c[:-1]) * (degree * factors)
    at, basis = _basis(x, t[nu : len(t) - nu], k - nu)
    return np.sum(basis[:, :, None] * c[at], axis=1)


def spread(g: Any, x: Any, t: Any, k: int, nu: int) -> Any:
    """The transpose of `values` by the coefficients: from shape (r, m) to shape (n, m)."""
    at, basis = _basis(x, t[nu : len(t) - nu], k - nu)
    h = zeros_for(g, (len(t) - k - 1 - nu, g.shape[1]))
    kernel(np.add.at, h)(h, at, basis[:, :, None] * g[:, None, :])
    for degree, factors in reversed([*_differences(t, k, nu)]):
        scaled = h * (degree * factors)
        gap = scaled[:1] * 0
        h = np.concatenate([gap, scaled]) - np.concatenate([scaled, gap])
    return h


def _differences(t: Any, k: int, nu: int) -> Iterator[tuple[int, Any]]:
    """The degrees and factors of the differences of coefficients that give a derivative's."""
    for degree in range(k, k - nu, -1):
        inner = t[k - degree : len(t) - (k - degree)]
        distances = nonzero_or_infinity(inner[degree + 1 : -1] - inner[1 : -degree - 1])
        yield degree, (1 / distances)[:, None]


def _basis(x: Any, t: Any, k: int) -> tuple[Any, Any]:
    """Which functions are not zero at points, shape (r, k + 1), and their values there."""
    n = len(t) - k - 1
    inner = np.clip(kernel(np.searchsorted, x)(t[k : n + 1], x, "right") + (k - 1), k, n - 1)
    window = t[inner[:, None] + iota_for(x, 2 * k) - (k - 1)]
    basis = zeros_for(x, (len(x), 1)) + 1.0
    for d in range(1, k + 1):
        low, high = window[:, k - d : k], window[:, k : k + d]
        part = basis * ((x[:, None] - low) / (high - low))
        gap = part[:, :1] * 0
        basis = np.concatenate([basis - part, gap], 1) + np.concatenate([gap, part], 1)
    return inner[:, None] + iota_for(x, k + 1) - k, basis
