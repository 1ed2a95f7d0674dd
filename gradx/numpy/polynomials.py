"""Polynomials under NumPy's names: vectors of coefficients, that of the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import apply, implements
from gradx.core.spec import shape_of
from gradx.errors import NotLiftedError
from gradx.numpy.arguments import (
    arrays,
    counts,
    is_lifted,
    operand,
    operands,
    primals,
    refuse_on_device,
    to_the_bit,
)
from gradx.numpy.joining import concatenate
from gradx.numpy.products import convolve, dot
from gradx.numpy.repeating import trim_zeros
from gradx.numpy.shaping import atleast_1d
from gradx.ops import polynomials
from gradx.ops.helpers import eye_for, iota_for, is_complex, zeros_for

__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polydiv",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
    "roots",
    "vander",
]


def _refuse_poly1d(function: str, *xs: Any) -> None:
    """Refuse an object of `np.poly1d`, of which the result would be one too.

    Raises:
        NotLiftedError: there is one.
    """
    if any(isinstance(x, np.poly1d) for x in xs):
        raise NotLiftedError(
            f"{function} of a variable and an np.poly1d has no derivative in gradx; give the "
            "coefficients, as p.coeffs"
        )


def _aligned(a: Any, n: int) -> Any:
    """Coefficients with zeros before them, up to n."""
    missing = n - len(a)
    return concatenate((zeros_for(a, (missing,)), a)) if missing > 0 else a


# --- Values ---------------------------------------------------------------------------------------


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """As `np.polyval`."""
    _refuse_poly1d("np.polyval", x)
    p, x = arrays(np.asarray(p) if isinstance(p, np.poly1d) else p, x)
    if len(shape_of(p)) == 1:
        return apply(polynomials.polyval, (p, x))
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803, RUF100
    """As `np.vander`: the powers of each item as a row."""
    x = operand(x)
    if len(shape_of(x)) != 1:
        raise ValueError(
            f"np.vander of an array of shape {shape_of(x)}; it takes a vector, so write "
            "np.vander(np.ravel(x))"
        )
    count = shape_of(x)[0] if N is None else counts(N)
    return apply(polynomials.vander, (x,), {"N": count, "increasing": bool(increasing)})


# --- Arithmetic -----------------------------------------------------------------------------------


def _pair(function: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Two vectors of coefficients of the same length."""
    _refuse_poly1d(function, a, b)
    a, b = (atleast_1d(x) for x in arrays(a, b))
    n = max(len(a), len(b))
    return _aligned(a, n), _aligned(b, n)


@implements(np.polyadd)
@to_the_bit(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """As `np.polyadd`."""
    a, b = _pair("np.polyadd", a1, a2)
    return a + b


@implements(np.polysub)
@to_the_bit(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """As `np.polysub`."""
    a, b = _pair("np.polysub", a1, a2)
    return a - b


@implements(np.polymul)
@to_the_bit(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """As `np.polymul`; zeros before the first coefficient are left out, by NumPy too."""
    _refuse_poly1d("np.polymul", a1, a2)
    a, b = (_without_leading_zeros(atleast_1d(x)) for x in arrays(a1, a2))
    return convolve(a, b)


def _without_leading_zeros(a: Any) -> Any:
    if len(shape_of(a)) != 1:
        raise ValueError(f"a polynomial of coefficients of shape {shape_of(a)}; they are a vector")
    trimmed = trim_zeros(a, "f")
    return trimmed if len(trimmed) else zeros_for(a, (1,))


@implements(np.polydiv)
@to_the_bit(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """As `np.polydiv`: the quotient and the remainder.

    Coefficients of the remainder that are nearly zero are left out, so it reads values.
    """
    _refuse_poly1d("np.polydiv", u, v)
    u, v = (atleast_1d(x) + 0.0 for x in arrays(u, v))
    shorter = len(u) - len(v)
    both = u[0] + v[0]
    scale, rest, quotient = 1.0 / v[0], np.astype(u, both.dtype), []
    for k in range(shorter + 1):
        factor = scale * rest[k]
        quotient.append(factor)
        kept = (rest[:k], rest[k : k + len(v)] - factor * v, rest[k + len(v) :])
        rest = concatenate(kept)
    q = np.astype(operand(quotient), both.dtype) if quotient else zeros_for(rest, (1,))
    while len(rest) > 1 and bool(np.allclose(primals(rest[0]), 0, rtol=1e-14)):
        rest = rest[1:]
    return q, rest


# --- Derivatives and integrals --------------------------------------------------------------------


@implements(np.polyder)
@to_the_bit(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """As `np.polyder`."""
    m = int(counts(m))
    if m < 0:
        raise ValueError(f"np.polyder with m={m}; for an integral write np.polyint")
    _refuse_poly1d("np.polyder", p)
    p = operand(p)
    if not shape_of(p):
        raise TypeError(f"np.polyder of the number {primals(p)!r}; give a vector of coefficients")
    for _ in range(m):
        p = p[:-1] * np.flip(iota_for(p, len(p)))[:-1]
    return p


@implements(np.polyint)
@to_the_bit(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """As `np.polyint`; the constants of integration have a derivative too."""
    m = int(counts(m))
    if m < 0:
        raise ValueError(f"np.polyint with m={m}; for a derivative write np.polyder")
    _refuse_poly1d("np.polyint", p)
    p = operand(p)
    k = _constants(k, m, p)
    if len(k) < m:
        raise ValueError(
            f"np.polyint with m={m} and {len(k)} constants; give one for all, or one for each"
        )
    if m and not shape_of(p):
        raise TypeError(f"np.polyint of the number {primals(p)!r}; give a vector of coefficients")
    for i in range(m):
        p = concatenate((p / (np.flip(iota_for(p, len(p))) + 1), k[i : i + 1]))
    return p


def _constants(k: Any, m: int, p: Any) -> Any:
    """The constants of m integrations, as a vector where the coefficients are."""
    if k is None:
        return zeros_for(p, (m,), float)
    if not is_lifted(k) and np.ndim(k) == 0:
        return zeros_for(p, (max(m, 1),), float) + k
    k = atleast_1d(operands(k, p)[0])
    return k[0] * (zeros_for(p, (m,), float) + 1) if len(k) == 1 and m > 1 else k


# --- Fits -----------------------------------------------------------------------------------------


@implements(np.polyfit)
@to_the_bit(np.polyfit)
def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: bool | str = False,
) -> Any:
    """As `np.polyfit`: the points, the values and the weights have derivatives."""
    x, y, w = arrays(x, y, w) if w is not None else (*arrays(x, y), None)
    x, y, deg = x + 0.0, y + 0.0, int(counts(deg))
    _check_points(x, y, deg, w)
    rcond = len(x) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    left = vander(x, deg + 1)
    if w is not None:
        w = w + 0.0
        left, y = left * w[:, None], y * (w[:, None] if len(shape_of(y)) == 2 else w)
    scale = np.sqrt(np.sum(left * left, axis=0))
    left = left / scale
    c, residuals, rank, s = np.linalg.lstsq(left, y, rcond)
    c = (c.T / scale).T
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    spread = np.linalg.inv(dot(left.T, left)) / np.outer(scale, scale)
    if cov == "unscaled":
        factor: Any = 1
    elif len(x) > deg + 1:
        factor = residuals / (len(x) - deg - 1)
    else:
        raise ValueError(
            f"np.polyfit of degree {deg} with cov=True takes more than {deg + 1} points, and was "
            f"given {len(x)}; give cov='unscaled', or more points"
        )
    return c, (spread if len(shape_of(y)) == 1 else spread[:, :, None]) * factor


def _check_points(x: Any, y: Any, deg: int, w: Any) -> None:
    if deg < 0:
        raise ValueError(f"np.polyfit with deg={deg}; it cannot be negative")
    shape, values = shape_of(x), shape_of(y)
    if len(shape) != 1 or not shape[0] or len(values) not in (1, 2) or values[0] != shape[0]:
        raise TypeError(
            f"np.polyfit of points of shape {shape} and values of shape {values}; give a vector, "
            "and a vector or matrix as long"
        )
    if w is not None and shape_of(w) != shape:
        raise TypeError(
            f"np.polyfit with weights of shape {shape_of(w)} for {shape[0]} points; give one each"
        )


# --- Roots, and from roots ------------------------------------------------------------------------


@implements(np.roots)
def roots(p: Any) -> Any:
    """As `np.roots`: complex where NumPy's are, so the values are read.

    The derivative of a root that occurs several times is infinite.
    """
    p = atleast_1d(operand(p.coeffs if isinstance(p, np.poly1d) else p))
    if len(shape_of(p)) != 1:
        raise ValueError(f"np.roots of coefficients of shape {shape_of(p)}; give a vector")
    refuse_on_device("np.roots", p)
    return apply(polynomials.roots, (p,))


@implements(np.poly)
@to_the_bit(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """As `np.poly`: of roots, or the characteristic polynomial of a matrix.

    Complex roots that are pairs of conjugates give real coefficients, so their values are read.
    """
    x = atleast_1d(operand(seq_of_zeros))
    shape = shape_of(x)
    if len(shape) == 2 and shape[0] == shape[1] != 0:
        return _characteristic(x)
    if len(shape) != 1:
        raise ValueError(
            f"np.poly of an array of shape {shape}; give a vector of roots or a square matrix"
        )
    if not shape[0]:
        return 1.0
    x = np.astype(x, np.mintypecode(x.dtype.char))
    one = zeros_for(x, (1,)) + 1
    zero, p = 0 * one, one
    for root in x:
        p = concatenate((p, zero)) - root * concatenate((zero, p))
    if is_complex(x):
        roots = primals(x)
        if bool(np.all(np.sort(roots) == np.sort(np.conjugate(roots)))):
            return np.real(p)
    return p


def _characteristic(a: Any) -> Any:
    """The coefficients of ``det(t - a)``, by traces of products, which are smooth.

    Source: the method of Faddeev and Le Verrier, Gantmacher, The Theory of Matrices, chapter IV.
    """
    n = shape_of(a)[0]
    eye = eye_for(a, n)
    m, p = eye, [eye[0, 0]]
    for k in range(1, n + 1):
        product = np.matmul(a, m)
        p.append(-np.trace(product) / k)
        m = product + p[-1] * eye
    return operand(p)
