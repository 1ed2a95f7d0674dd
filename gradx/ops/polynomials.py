"""Polynomials: values at points, and powers of points. The highest power stands first."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.op import Op, register_ops
from gradx.core.spec import shape_of
from gradx.ops.helpers import in_floats, iota_for, widened, zeros_for
from gradx.ops.reductions import real_dtype
from gradx.ops.scaling import divided, scaled

__all__ = ["polyval", "roots", "vander"]


def _exponents(like: Any, n: int) -> Any:
    """The numbers n - 1, …, 1, 0, of the real dtype and on the device of ``like``."""
    return np.flip(iota_for(like, n)).astype(real_dtype(like))


def _derived(p: Any) -> Any:
    """The coefficients of the derivative; `np.polyder` would make doubles of singles."""
    n = shape_of(p)[0]
    return p[:-1] * _exponents(p, n)[:-1] if n > 1 else p[:0]


def _powers(x: Any, n: int) -> Any:
    """The powers n - 1, …, 1, 0 of points, shape (…,), along a new last axis: shape (…, n)."""
    ones = zeros_for(x, (*shape_of(x), 1)) + 1
    if n < 2:
        return ones[..., :n]
    repeated = np.broadcast_to(x[..., None], (*shape_of(x), n - 1))
    return np.flip(np.cumprod(np.concatenate([ones, repeated], axis=-1), axis=-1), -1)


def _value_by_coefficients(g: Any, a: Any, b: Any) -> Any:
    """The sum over the points of each power, times the cotangent."""
    shape = shape_of(b)
    powers = _powers(np.reshape(widened(in_floats(b), g), shape), shape_of(a)[0])
    return np.sum(scaled(np.reshape(g, (*shape, 1)), powers), axis=tuple(range(len(shape))))


def _value_by_points(g: Any, a: Any, b: Any) -> Any:
    derived = _derived(widened(in_floats(a), g))
    return scaled(g, np.polyval(derived, np.reshape(b, shape_of(b))))


def _vander(g: Any, x: Any, *, N: int, increasing: bool) -> Any:  # noqa: N803, RUF100
    """The sum over the columns, which are powers k, of ``k x**(k - 1)`` times the cotangent."""
    if N < 2:
        return zeros_for(g, shape_of(x))
    exponents = np.flip(_exponents(g, N)) if increasing else _exponents(g, N)
    kept = slice(1, None) if increasing else slice(None, -1)
    lower = np.vander(in_floats(x), N - 1, increasing=increasing)
    return np.sum(scaled(g[:, kept], exponents[kept] * lower), axis=1)


def _roots(g: Any, x: Any, y: Any) -> Any:
    """Each root r of p has dr = -(the sum of r**k dp[k]) / p'(r), by the implicit function theorem.

    So that of a root of several is infinite, and right for coefficients of 0 at either end.
    """
    per_root = divided(-g, np.polyval(_derived(x), y))
    return np.matmul(per_root, _powers(y, shape_of(x)[0]))


polyval = Op("polyval", np.polyval, _value_by_coefficients, _value_by_points)
"""A polynomial, of coefficients of shape (n,), at points of any shape."""

vander = Op(
    "vander",
    lambda x, *, N, increasing: np.vander(x, N, increasing=increasing),
    _vander,
)

roots = Op("roots", np.roots, _roots)

register_ops(vars().values())
