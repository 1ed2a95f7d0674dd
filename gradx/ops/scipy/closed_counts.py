"""Closed forms of SciPy's discrete distributions on devices; see `gradx.ops.scipy.closed_forms`.

Source: N. Johnson, A. Kemp and S. Kotz, Univariate Discrete Distributions, third edition, in the
parameters of `scipy.stats`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.devices.kernel_table import dispatched
from gradx.ops.scipy.table import called

__all__ = ["closed_count"]

Formula = Callable[..., Any]
_where = dispatched(np.where)
_gammaln, _betainc = called(sc.gammaln), called(sc.betainc)
_xlogy, _xlog1py = called(sc.xlogy), called(sc.xlog1py)
_pdtr, _pdtrc = called(sc.pdtr), called(sc.pdtrc)


@dataclass(frozen=True)
class _Count:
    """The formulas of a family, of the count and the parameters.

    Attributes:
        log: the logarithm of the probability.
        cdf: the distribution function, of whole counts within the ends.
        sf: its complement.
        valid: whether there is such a distribution.
        low: the first count.
        high: the last one.
    """

    log: Formula
    cdf: Formula
    sf: Formula
    valid: Formula
    low: float = 0.0
    high: Formula = lambda *parameters: math.inf


def _share(p: Any) -> Any:
    return (p >= 0) & (p <= 1)


_COUNTS: Mapping[str, _Count] = MappingProxyType(
    {
        "poisson": _Count(
            lambda k, mu: _xlogy(k, mu) - _gammaln(k + 1) - mu,
            lambda k, mu: _pdtr(k, mu),
            lambda k, mu: _pdtrc(k, mu),
            lambda mu: mu >= 0,
        ),
        "bernoulli": _Count(
            lambda k, p: _xlogy(k, p) + _xlog1py(1 - k, -p),
            lambda k, p: 1 - p + 0 * k,
            lambda k, p: p + 0 * k,
            _share,
            high=lambda p: 1.0,
        ),
        "binom": _Count(
            lambda k, n, p: (
                _gammaln(n + 1.0)
                - _gammaln(k + 1)
                - _gammaln(n - k + 1)
                + _xlogy(k, p)
                + _xlog1py(n - k, -p)
            ),
            lambda k, n, p: _betainc(n - k, k + 1, 1 - p),
            lambda k, n, p: _betainc(k + 1, n - k, p),
            lambda n, p: (n >= 0) & _share(p),
            high=lambda n, p: n,
        ),
        "geom": _Count(
            lambda k, p: _xlog1py(k - 1, -p) + np.log(p),
            lambda k, p: -np.expm1(k * np.log1p(-p)),
            lambda k, p: np.exp(k * np.log1p(-p)),
            lambda p: (p > 0) & (p <= 1),
            low=1.0,
        ),
        "nbinom": _Count(
            lambda k, n, p: (
                _gammaln(k + n) - _gammaln(k + 1) - _gammaln(n) + n * np.log(p) + _xlog1py(k, -p)
            ),
            lambda k, n, p: _betainc(n, k + 1, p),
            lambda k, n, p: _betainc(k + 1, n, 1 - p),
            lambda n, p: (n > 0) & (p > 0) & (p <= 1),
        ),
    }
)


def closed_count(name: str, method: str) -> Formula:
    """A method of a distribution, of the count, the parameters and loc on a device."""
    form, log = _COUNTS[name], method.startswith("log")

    def probability(k: Any, parameters: Any) -> Any:
        low, high = form.low, form.high(*parameters)
        none = (k < low) | (k > high) | (np.floor(k) < k)
        y = form.log(_where(none, low, k), *parameters)
        return _where(none, -math.inf if log else 0.0, y if log else np.exp(y))

    def share(k: Any, parameters: Any) -> Any:
        above, k = method.endswith("sf"), np.floor(k)
        below, beyond = k < form.low, k >= form.high(*parameters)
        k = _where(below | beyond, form.low, k)
        whole, rest = form.cdf(k, *parameters), form.sf(k, *parameters)
        y, left = (rest, whole) if above else (whole, rest)
        if log:
            y = _where(y > 0.5, np.log1p(-left), np.log(y))
        none, one = (-math.inf, 0.0) if log else (0.0, 1.0)
        first, last = (one, none) if above else (none, one)
        return _where(below, first, _where(beyond, last, y))

    def call(k: Any, *rest: Any) -> Any:
        *parameters, loc = rest
        with np.errstate(all="ignore"):
            k = _doubled(k) - loc
            y = (probability if method.endswith("pmf") else share)(k, [*map(_doubled, parameters)])
        return _where(form.valid(*parameters), y, math.nan * y)

    return call


def _doubled(x: Any) -> Any:
    """An array in double precision, as SciPy's distributions take it."""
    return x.astype(np.float64, copy=False) if hasattr(x, "dtype") else float(x)
