"""Closed forms: the methods of SciPy's continuous distributions on devices, by formulas of arrays.

On the host each method is SciPy's own. A formula is of z = (x - loc) / scale and of the shape
parameters; what a family has no formula for follows from its others. They are values only: the
derivatives are those of `gradx.ops.scipy.distributions`.

Source: N. Johnson, S. Kotz and N. Balakrishnan, Continuous Univariate Distributions, second
edition, in the parameters of `scipy.stats`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.devices.kernel_table import dispatched, lacking
from gradx.ops.helpers import first_device_array
from gradx.ops.scipy.table import called

__all__ = ["ClosedForm", "closed_form"]

Formula = Callable[..., Any]
_where = dispatched(np.where)
_ndtr, _log_ndtr, _ndtri = called(sc.ndtr), called(sc.log_ndtr), called(sc.ndtri)
_gammaln, _betaln, _xlogy, _xlog1py = map(called, (sc.gammaln, sc.betaln, sc.xlogy, sc.xlog1py))
_gammainc, _gammaincc = called(sc.gammainc), called(sc.gammaincc)
_gammaincinv, _gammainccinv = called(sc.gammaincinv), called(sc.gammainccinv)
_betainc, _betaincinv = called(sc.betainc), called(sc.betaincinv)
_expit, _log_expit, _logit, _erf = map(called, (sc.expit, sc.log_expit, sc.logit, sc.erf))
_LOG_ROOT = math.log(2 * math.pi) / 2


@dataclass(frozen=True)
class ClosedForm:
    """The formulas of a family, of z and the shape parameters; of a quantile those of q and them.

    Attributes:
        logpdf: the logarithm of the density where it is not 0.
        cdf: the distribution function there.
        sf: its complement.
        logcdf: the logarithm of the first, by default that of its value.
        logsf: the logarithm of the second.
        ppf: the quantile; None where there is no formula.
        isf: that of the complement.
        low: the end below.
        high: the end above.
        positive: the shape parameters must be more than 0.
    """

    logpdf: Formula
    cdf: Formula | None = None
    sf: Formula | None = None
    logcdf: Formula | None = None
    logsf: Formula | None = None
    ppf: Formula | None = None
    isf: Formula | None = None
    low: Formula = lambda *shapes: -math.inf
    high: Formula = lambda *shapes: math.inf
    positive: bool = True


def _zero(*shapes: Any) -> float:
    return 0.0


def _one(*shapes: Any) -> float:
    return 1.0


# --- Families -------------------------------------------------------------------------------------


def _log1p_square(z: Any) -> Any:
    """``log(1 + z**2)``, also where the square overflows."""
    large = np.absolute(z) > 1e8
    inside = _where(large, 1.0, z)
    return _where(large, 2 * np.log(np.absolute(z)), np.log1p(inside * inside))


def _cauchy_quantile(q: Any) -> Any:
    """By the tangent or its inverse, of which one has its digits."""
    central = np.absolute(q - 0.5) < 0.25
    return _where(central, np.tan(math.pi * (q - 0.5)), -1 / np.tan(math.pi * q))


def _t_below(z: Any, df: Any) -> Any:
    half = _betainc(df / 2, 0.5, df / (df + z * z)) / 2
    return _where(z > 0, 1 - half, half)


def _t_quantile(q: Any, df: Any) -> Any:
    """By z**2 / (df + z**2) or its complement, of which one has its digits."""
    tail = np.minimum(q, 1 - q)
    far = _betaincinv(df / 2, 0.5, 2 * tail)
    near = _betaincinv(0.5, df / 2, 1 - 2 * tail)
    odds = _where(tail < 0.25, (1 - far) / far, near / (1 - near))
    return np.sign(q - 0.5) * np.sqrt(df * odds)


def _f_log_density(z: Any, m: Any, n: Any) -> Any:
    whole = m / 2 * np.log(m) + n / 2 * np.log(n) + _xlogy(m / 2 - 1, z)
    return whole - (m + n) / 2 * np.log(n + m * z) - _betaln(m / 2, n / 2)


def _f_quantile(q: Any, m: Any, n: Any) -> Any:
    y = _betaincinv(m / 2, n / 2, q)
    return n * y / (m * (1 - y))


def _invgauss_parts(z: Any, mu: Any) -> tuple[Any, Any]:
    root = np.sqrt(z)
    return (z / mu - 1) / root, 2 / mu + _log_ndtr(-(z / mu + 1) / root)


def _invgauss_log_below(z: Any, mu: Any) -> Any:
    u, rest = _invgauss_parts(z, mu)
    first = _log_ndtr(u)
    return first + np.log1p(np.exp(rest - first))


def _invgauss_log_above(z: Any, mu: Any) -> Any:
    u, rest = _invgauss_parts(z, mu)
    first = _log_ndtr(-u)
    return first + np.log1p(-np.exp(rest - first))


def _log_mass(a: Any, b: Any) -> Any:
    """The logarithm of what the normal distribution has between two points."""
    right = a > 0
    a, b = _where(right, -b, a), _where(right, -a, b)
    below = _log_ndtr(b)
    outer = below + np.log1p(-np.exp(_log_ndtr(a) - below))
    return _where(b > 0, np.log1p(-_ndtr(a) - _ndtr(-b)), outer)


def _truncated_quantile(q: Any, a: Any, b: Any) -> Any:
    right = (q * 0 + a) > 0
    low, high = _where(right, -b, a + q * 0), _where(right, -a, b + q * 0)
    share = _where(right, 1 - q, q)
    z = _ndtri((1 - share) * _ndtr(low) + share * _ndtr(high))
    return _where(right, -z, z)


_FORMS: Mapping[str, ClosedForm] = MappingProxyType(
    {
        "norm": ClosedForm(
            lambda z: -z * z / 2 - _LOG_ROOT,
            lambda z: _ndtr(z),
            lambda z: _ndtr(-z),
            lambda z: _log_ndtr(z),
            lambda z: _log_ndtr(-z),
            lambda q: _ndtri(q),
            lambda q: -_ndtri(q),
        ),
        "expon": ClosedForm(
            lambda z: -z,
            lambda z: -np.expm1(-z),
            lambda z: np.exp(-z),
            logsf=lambda z: -z,
            ppf=lambda q: -np.log1p(-q),
            isf=lambda q: -np.log(q),
            low=_zero,
        ),
        "laplace": ClosedForm(
            lambda z: -np.absolute(z) - math.log(2),
            lambda z: _where(z > 0, 1 - np.exp(-z) / 2, np.exp(z) / 2),
            lambda z: _where(z > 0, np.exp(-z) / 2, 1 - np.exp(z) / 2),
            ppf=lambda q: _where(q > 0.5, -np.log(2 * (1 - q)), np.log(2 * q)),
            isf=lambda q: _where(q > 0.5, np.log(2 * (1 - q)), -np.log(2 * q)),
        ),
        "logistic": ClosedForm(
            lambda z: -np.absolute(z) - 2 * np.log1p(np.exp(-np.absolute(z))),
            lambda z: _expit(z),
            lambda z: _expit(-z),
            lambda z: _log_expit(z),
            lambda z: _log_expit(-z),
            lambda q: _logit(q),
            lambda q: -_logit(q),
        ),
        "cauchy": ClosedForm(
            lambda z: -math.log(math.pi) - _log1p_square(z),
            lambda z: np.arctan2(1.0, -z) / math.pi,
            lambda z: np.arctan2(1.0, z) / math.pi,
            ppf=_cauchy_quantile,
            isf=lambda q: -_cauchy_quantile(q),
        ),
        "uniform": ClosedForm(
            lambda z: 0 * z,
            lambda z: z,
            lambda z: 1 - z,
            ppf=lambda q: q,
            isf=lambda q: 1 - q,
            low=_zero,
            high=_one,
        ),
        "gumbel_r": ClosedForm(
            lambda z: -z - np.exp(-z),
            lambda z: np.exp(-np.exp(-z)),
            lambda z: -np.expm1(-np.exp(-z)),
            lambda z: -np.exp(-z),
            ppf=lambda q: -np.log(-np.log(q)),
            isf=lambda q: -np.log(-np.log1p(-q)),
        ),
        "gumbel_l": ClosedForm(
            lambda z: z - np.exp(z),
            lambda z: -np.expm1(-np.exp(z)),
            lambda z: np.exp(-np.exp(z)),
            logsf=lambda z: -np.exp(z),
            ppf=lambda q: np.log(-np.log1p(-q)),
            isf=lambda q: np.log(-np.log(q)),
        ),
        "halfnorm": ClosedForm(
            lambda z: math.log(2 / math.pi) / 2 - z * z / 2,
            lambda z: _erf(z / math.sqrt(2)),
            lambda z: 2 * _ndtr(-z),
            ppf=lambda q: _ndtri((1 + q) / 2),
            isf=lambda q: -_ndtri(q / 2),
            low=_zero,
        ),
        "halfcauchy": ClosedForm(
            lambda z: math.log(2 / math.pi) - _log1p_square(z),
            lambda z: 2 / math.pi * np.arctan(z),
            lambda z: 2 / math.pi * np.arctan2(1.0, z),
            ppf=lambda q: np.tan(math.pi / 2 * q),
            isf=lambda q: 1 / np.tan(math.pi / 2 * q),
            low=_zero,
        ),
        "rayleigh": ClosedForm(
            lambda z: np.log(z) - z * z / 2,
            lambda z: -np.expm1(-z * z / 2),
            lambda z: np.exp(-z * z / 2),
            logsf=lambda z: -z * z / 2,
            ppf=lambda q: np.sqrt(-2 * np.log1p(-q)),
            isf=lambda q: np.sqrt(-2 * np.log(q)),
            low=_zero,
        ),
        "lognorm": ClosedForm(
            lambda z, s: -np.square(np.log(z) / s) / 2 - np.log(s * z) - _LOG_ROOT,
            lambda z, s: _ndtr(np.log(z) / s),
            lambda z, s: _ndtr(-np.log(z) / s),
            lambda z, s: _log_ndtr(np.log(z) / s),
            lambda z, s: _log_ndtr(-np.log(z) / s),
            lambda q, s: np.exp(s * _ndtri(q)),
            lambda q, s: np.exp(-s * _ndtri(q)),
            _zero,
        ),
        "gamma": ClosedForm(
            lambda z, a: _xlogy(a - 1, z) - z - _gammaln(a),
            lambda z, a: _gammainc(a, z),
            lambda z, a: _gammaincc(a, z),
            ppf=lambda q, a: _gammaincinv(a, q),
            isf=lambda q, a: _gammainccinv(a, q),
            low=_zero,
        ),
        "invgamma": ClosedForm(
            lambda z, a: -(a + 1) * np.log(z) - _gammaln(a) - 1 / z,
            lambda z, a: _gammaincc(a, 1 / z),
            lambda z, a: _gammainc(a, 1 / z),
            ppf=lambda q, a: 1 / _gammainccinv(a, q),
            isf=lambda q, a: 1 / _gammaincinv(a, q),
            low=_zero,
        ),
        "chi2": ClosedForm(
            lambda z, df: _xlogy(df / 2 - 1, z) - z / 2 - _gammaln(df / 2) - math.log(2) * df / 2,
            lambda z, df: _gammainc(df / 2, z / 2),
            lambda z, df: _gammaincc(df / 2, z / 2),
            ppf=lambda q, df: 2 * _gammaincinv(df / 2, q),
            isf=lambda q, df: 2 * _gammainccinv(df / 2, q),
            low=_zero,
        ),
        "beta": ClosedForm(
            lambda z, a, b: _xlogy(a - 1, z) + _xlog1py(b - 1, -z) - _betaln(a, b),
            lambda z, a, b: _betainc(a, b, z),
            lambda z, a, b: _betainc(b, a, 1 - z),
            ppf=lambda q, a, b: _betaincinv(a, b, q),
            isf=lambda q, a, b: 1 - _betaincinv(b, a, q),
            low=_zero,
            high=_one,
        ),
        "t": ClosedForm(
            lambda z, df: (
                _gammaln((df + 1) / 2)
                - _gammaln(df / 2)
                - np.log(df * math.pi) / 2
                - (df + 1) / 2 * np.log1p(z * z / df)
            ),
            _t_below,
            lambda z, df: _t_below(-z, df),
            ppf=_t_quantile,
            isf=lambda q, df: -_t_quantile(q, df),
        ),
        "f": ClosedForm(
            _f_log_density,
            lambda z, m, n: _betainc(m / 2, n / 2, m * z / (n + m * z)),
            lambda z, m, n: _betainc(n / 2, m / 2, n / (n + m * z)),
            ppf=_f_quantile,
            isf=lambda q, m, n: 1 / _f_quantile(q, n, m),
            low=_zero,
        ),
        "invgauss": ClosedForm(
            lambda z, mu: -_LOG_ROOT - 1.5 * np.log(z) - np.square(z / mu - 1) / (2 * z),
            lambda z, mu: np.exp(_invgauss_log_below(z, mu)),
            lambda z, mu: np.exp(_invgauss_log_above(z, mu)),
            _invgauss_log_below,
            _invgauss_log_above,
            low=_zero,
        ),
        "skewnorm": ClosedForm(
            lambda z, a: math.log(2) - z * z / 2 - _LOG_ROOT + _log_ndtr(a * z), positive=False
        ),
        "truncnorm": ClosedForm(
            lambda z, a, b: -z * z / 2 - _LOG_ROOT - _log_mass(a + 0 * z, b + 0 * z),
            lambda z, a, b: np.exp(_log_mass(a + 0 * z, z) - _log_mass(a + 0 * z, b + 0 * z)),
            lambda z, a, b: np.exp(_log_mass(z, b + 0 * z) - _log_mass(a + 0 * z, b + 0 * z)),
            lambda z, a, b: _log_mass(a + 0 * z, z) - _log_mass(a + 0 * z, b + 0 * z),
            lambda z, a, b: _log_mass(z, b + 0 * z) - _log_mass(a + 0 * z, b + 0 * z),
            _truncated_quantile,
            lambda q, a, b: -_truncated_quantile(q, -b, -a),
            low=lambda a, b: a,
            high=lambda a, b: b,
            positive=False,
        ),
        "weibull_min": ClosedForm(
            lambda z, c: np.log(c) + _xlogy(c - 1, z) - np.power(z, c),
            lambda z, c: -np.expm1(-np.power(z, c)),
            lambda z, c: np.exp(-np.power(z, c)),
            logsf=lambda z, c: -np.power(z, c),
            ppf=lambda q, c: np.power(-np.log1p(-q), 1 / c),
            isf=lambda q, c: np.power(-np.log(q), 1 / c),
            low=_zero,
        ),
        "pareto": ClosedForm(
            lambda z, b: np.log(b) - (b + 1) * np.log(z),
            lambda z, b: 1 - np.power(z, -b),
            lambda z, b: np.power(z, -b),
            logsf=lambda z, b: -b * np.log(z),
            ppf=lambda q, b: np.power(1 - q, -1 / b),
            isf=lambda q, b: np.power(q, -1 / b),
            low=_one,
        ),
    }
)

# --- Methods --------------------------------------------------------------------------------------


def closed_form(name: str, method: str) -> Formula:
    """A method of a distribution, of x or q, the shape parameters, loc and scale on a device.

    Raises:
        NotLiftedError: (the method) the family has no formula for it.
    """
    form = _FORMS[name]
    quantile = method in ("ppf", "isf")
    formula = _formula(form, method)

    def call(x: Any, *parameters: Any) -> Any:
        *shapes, loc, scale = parameters
        there = first_device_array((x, *parameters))
        if formula is None:
            raise lacking(f"scipy.stats.{name}.{method}", there)
        with np.errstate(all="ignore"):
            if quantile:
                y = _quantile(form, formula, method, _doubled(x), shapes) * scale + loc
            else:
                z = (_doubled(x) - loc) / scale
                y = _at(form, formula, method, z, shapes)
                y = y - np.log(scale) if method == "logpdf" else y
                y = y / scale if method == "pdf" else y
        for each in (scale, *(shapes if form.positive else ())):
            y = _where(each > 0, y, math.nan * y)
        return y

    return call


def _doubled(x: Any) -> Any:
    """An array in double precision, as SciPy's distributions take it."""
    return x.astype(np.float64, copy=False) if hasattr(x, "dtype") else x


def _formula(form: ClosedForm, method: str) -> Formula | None:
    """The formula of a method, or what follows from the others."""
    own: Formula | None = getattr(form, method, None)
    if own is not None or method in ("cdf", "sf", "ppf", "isf"):
        return own
    if method == "pdf":
        return lambda z, *shapes: np.exp(form.logpdf(z, *shapes))
    whole, rest = (form.cdf, form.sf) if method == "logcdf" else (form.sf, form.cdf)
    if whole is None or rest is None:
        return None
    return lambda z, *shapes: _log_of(whole(z, *shapes), rest(z, *shapes))


def _log_of(y: Any, rest: Any) -> Any:
    """The logarithm of a share, near 1 by what is left."""
    return _where(y > 0.5, np.log1p(-rest), np.log(y))


_BEYOND = MappingProxyType(
    {
        "pdf": (0.0, 0.0),
        "logpdf": (-math.inf, -math.inf),
        "cdf": (0.0, 1.0),
        "logcdf": (-math.inf, 0.0),
        "sf": (1.0, 0.0),
        "logsf": (0.0, -math.inf),
    }
)
"""What a method is below the ends and above; densities have a value at the ends."""


def _at(form: ClosedForm, formula: Formula, method: str, z: Any, shapes: list[Any]) -> Any:
    low, high = form.low(*shapes), form.high(*shapes)
    if method.endswith("pdf"):
        below, above = z < low, z > high
    else:
        below, above = z <= low, z >= high
    of_below, of_above = _BEYOND[method]
    y = formula(z, *shapes)
    if method.endswith("pdf"):  # a difference of infinities, at an end, stands for none
        y = _where(np.isnan(y) & ~np.isnan(z), of_below, y)
    return _where(below, of_below, _where(above, of_above, y))


def _quantile(form: ClosedForm, formula: Formula, method: str, q: Any, shapes: list[Any]) -> Any:
    ends = (form.low(*shapes), form.high(*shapes))
    low, high = ends if method == "ppf" else ends[::-1]
    y = _where(q == 0, low, _where(q == 1, high, formula(q, *shapes)))
    return _where((q < 0) | (q > 1), math.nan, y)
