"""Incomplete gamma and beta functions by their parameters: moments of logarithms, by quadrature.

The derivative of the regularised incomplete gamma function P(a, x) with respect to a is the
integral, from 0 to x, of (log t - psi(a)) times the density t**(a-1) exp(-t) / Gamma(a), and that
of Q the one from x on; a further derivative takes a further power of the logarithm. With respect
to the parameters of the beta function the logarithms are those of t and 1 - t.

In u = log(t), or log(t / (1 - t)), these densities are log-concave and smooth, so Gauss's rule
between the peak and where they are below exp(-40) of it is right to some units of the last digit.
Each side of the peak has panels of its own, and so neither tail is a difference of large numbers.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched, lacking
from gradx.ops.helpers import first_device_array
from gradx.ops.scaling import scaled
from gradx.ops.scipy.table import called

__all__ = [
    "beta_above",
    "beta_below",
    "beta_density",
    "beta_odds_density",
    "beta_odds_slope",
    "beta_slope",
    "gamma_above",
    "gamma_below",
    "gamma_density",
    "gamma_slope",
    "t_slope",
]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_LOST = 40.0
"""The logarithm of the share of the peak at which a density counts as 0."""
_STEPS = 15
_PANELS = (0.0, 4.0, 40.0, math.inf)
"""Where the exponential of u is large, falls to nothing beside 1, and is nothing."""

_where = dispatched(np.where)
_psi, _gammaln, _betaln = called(sc.psi), called(sc.gammaln), called(sc.betaln)
_xlogy, _xlog1py = called(sc.xlogy), called(sc.xlog1py)

# --- Quadrature -----------------------------------------------------------------------------------
# Arrays have a last axis of length one here, along which the nodes are put.


class _Density:
    """A log-concave density of u.

    Args:
        log: the logarithm, but for a constant.
        slope: its derivative.
        constant: that constant, to be subtracted.
        peak: where it is largest.
        reach: ``reach(start, sign)`` is a length from a point, up or down, over which it falls to
            nothing or farther.
    """

    def __init__(self, log: Any, slope: Any, constant: Any, peak: Any, reach: Any) -> None:
        self.log, self.slope, self.constant = log, slope, constant
        self.peak, self.reach = peak, reach

    def side(self, start: Any, sign: int, limit: Any, factor: Callable[[Any], Any]) -> Any:
        """The integral of a factor times the density from a point, up or down, for a length.

        The point is the peak or beyond it, so that the density only falls.
        """
        top, length = self.log(start), self.reach(start, sign)
        for _ in range(_STEPS):  # Newton's method on a convex function, from above its zero
            at = start + sign * length
            fall = -sign * self.slope(at)
            length = length - (top - self.log(at) - _LOST) / np.where(fall > 0, fall, np.inf)
        length = np.minimum(length, limit)
        ends = [np.minimum(length, end) for end in _PANELS]
        total: Any = 0.0
        for begin, end in itertools.pairwise(ends):
            half = (end - begin) / 2
            u = start + sign * (begin + half * (1 + _NODES))
            values = factor(u) * np.exp(self.log(u) - self.constant)
            total = total + half * np.sum(values * _WEIGHTS, axis=-1, keepdims=True)
        return total

    def below(self, end: Any, factor: Callable[[Any], Any]) -> Any:
        """The integral of a factor times the density up to a point."""
        start = np.minimum(end, self.peak)
        return self.side(start, -1, np.inf, factor) + self.side(start, 1, end - start, factor)

    def above(self, end: Any, factor: Callable[[Any], Any]) -> Any:
        """The integral of a factor times the density from a point on."""
        start = np.maximum(end, self.peak)
        return self.side(start, 1, np.inf, factor) + self.side(start, -1, start - end, factor)


def _gamma(a: Any) -> _Density:
    """Of the logarithm of what is distributed by the gamma distribution."""

    def reach(start: Any, sign: int) -> Any:
        at = np.exp(start)
        if sign < 0:
            return (_LOST + at) / a
        return np.minimum(np.sqrt(2 * _LOST / at), np.log(2 + 2 * _LOST / at))

    return _Density(
        lambda u: a * u - np.exp(u), lambda u: a - np.exp(u), sc.gammaln(a), np.log(a), reach
    )


def _beta(a: Any, b: Any) -> _Density:
    """Of the log-odds of what is distributed by the beta distribution."""

    def log(u: Any) -> Any:
        return -a * np.logaddexp(0, -u) - b * np.logaddexp(0, u)

    def reach(start: Any, sign: int) -> Any:
        return (_LOST - log(start)) / (a if sign < 0 else b) - sign * start

    return _Density(
        log, lambda u: a - (a + b) * sc.expit(u), sc.betaln(a, b), np.log(a) - np.log(b), reach
    )


def _with_places(xs: Sequence[Any]) -> list[Any]:
    """The operands as arrays of doubles of one shape, with the axis of the nodes.

    Raises:
        NotLiftedError: they are on a device.
    """
    home = first_device_array(xs)
    if home is not None:
        name = "scipy.special.gammainc" if len(xs) == 3 else "scipy.special.betainc"
        raise lacking(name, home, " differentiated by its parameters")
    return [x[..., None] for x in np.broadcast_arrays(*[np.asarray(x, float) for x in xs])]


def _like_operands(y: Any, xs: Sequence[Any]) -> Any:
    """A result in the precision of the operands; a number if all are numbers."""
    if all(type(x) in (float, int) for x in xs):
        return float(y[0])
    dtypes = [x.dtype for x in xs if hasattr(x, "dtype") and x.dtype.kind == "f"]
    dtype = np.result_type(*dtypes) if dtypes else np.dtype(float)
    return np.asarray(y[..., 0], dtype)[()]


def _gamma_moment(side: str, *xs: Any, n: int) -> Any:
    a, x, c = _with_places(xs)
    with np.errstate(all="ignore"):
        y = getattr(_gamma(a), side)(np.log(x), lambda u: (u - c) ** n)
    return _like_operands(np.where(x <= 0, 0.0, y) if side == "below" else y, xs)


def _beta_moment(side: str, *xs: Any, n: int, m: int) -> Any:
    a, b, x, c, d = _with_places(xs)

    def factor(u: Any) -> Any:
        return (-np.logaddexp(0, -u) - c) ** n * (-np.logaddexp(0, u) - d) ** m

    with np.errstate(all="ignore"):
        y = getattr(_beta(a, b), side)(sc.logit(x), factor)
    return _like_operands(np.where((x <= 0) if side == "below" else (x >= 1), 0.0, y), xs)


# --- Rules ----------------------------------------------------------------------------------------


def gamma_density(a: Any, x: Any) -> Any:
    """The derivative of ``gammainc(a, x)`` with respect to x: DLMF 8.8.13."""
    return np.exp(_xlogy(a - 1, x) - x - _gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """The derivative of ``betainc(a, b, x)`` with respect to x: DLMF 8.17.20."""
    return np.exp(_xlogy(a - 1, x) + _xlog1py(b - 1, -x) - _betaln(a, b))


def gamma_slope(a: Any, x: Any, above: bool = False) -> Any:
    """The derivative of ``gammainc(a, x)``, or of ``gammaincc``, with respect to a."""
    return apply(gamma_above if above else gamma_below, (a, x, _psi(a)), {"n": 1})


def beta_slope(i: int, a: Any, b: Any, x: Any, above: bool = False) -> Any:
    """The derivative of ``betainc(a, b, x)``, or of ``betaincc``, with respect to operand i."""
    both = _psi(a + b)
    operands = (a, b, x, _psi(a) - both, _psi(b) - both)
    return apply(beta_above if above else beta_below, operands, {"n": 1 - i, "m": i})


def beta_odds_slope(i: int, a: Any, b: Any, odds: Any) -> Any:
    """As `beta_slope` at ``x = odds / (1 + odds)``, by the share on the nearer side."""
    near = odds < 1
    small, large = _where(near, odds, 1.0), _where(near, 1.0, odds)
    share = beta_slope(i, a, b, small / (1 + small))
    return _where(near, share, -beta_slope(1 - i, b, a, 1 / (1 + large)))


def beta_odds_density(a: Any, b: Any, odds: Any) -> Any:
    """The density at ``x = odds / (1 + odds)``, by the odds."""
    power = (a - 1) * np.log(odds) - (a + b) * np.log1p(odds)
    return np.exp(power - _betaln(a, b))


def t_slope(df: Any, x: Any) -> Any:
    """The derivative of ``stdtr(df, x)`` with respect to df.

    Between 0 and x lies half of ``betainc(1 / 2, df / 2, w)`` with w / (1 - w) = x x / df: DLMF
    8.17.1.
    """
    odds = _where(x == 0, 1.0, x * x / df)
    inner = beta_odds_slope(1, 0.5, df / 2, odds) / 2
    by_odds = beta_odds_density(0.5, df / 2, odds) * odds / df
    return np.sign(x) * (inner - by_odds) / 2


def _lower_power(g: Any, xs: Any, op: Op, of: str, params: dict[str, int]) -> Any:
    """The rule of what a logarithm is measured from, to the power of that name."""
    n = params[of]
    return scaled(g, -n * apply(op, xs, {**params, of: n - 1})) if n else 0 * g


def _gamma_op(side: str) -> Op:
    """The moments of ``log(t) - c`` below or above x: of operands (a, x, c)."""

    def by_a(g: Any, a: Any, b: Any, c: Any, *, n: int) -> Any:
        xs = (a, b, c)
        rest = (c - _psi(a)) * apply(op, xs, {"n": n})
        return scaled(g, apply(op, xs, {"n": n + 1}) + rest)

    def by_x(g: Any, a: Any, b: Any, c: Any, *, n: int) -> Any:
        factor = (np.log(_where(b > 0, b, 1.0)) - c) ** n
        return scaled(g if side == "below" else -g, gamma_density(a, b) * factor)

    def by_c(g: Any, a: Any, b: Any, c: Any, *, n: int) -> Any:
        return _lower_power(g, (a, b, c), op, "n", {"n": n})

    op = Op(
        f"gamma_{side}",
        functools.partial(_gamma_moment, side),
        *(by_a, by_x, by_c),
        broadcasts=True,
        properties=Property.ELEMENTWISE,
    )
    return op


def _beta_op(side: str) -> Op:
    """The moments of ``log(t) - d`` and ``log(1 - t) - e``: of operands (a, b, x, d, e)."""

    def by_shape(g: Any, xs: Any, i: int, params: dict[str, int]) -> Any:
        of = "nm"[i]
        rest = xs[3 + i] - _psi(xs[i]) + _psi(xs[0] + xs[1])
        more = apply(op, xs, {**params, of: params[of] + 1})
        return scaled(g, more + rest * apply(op, xs, params))

    def by_a(g: Any, a: Any, b: Any, c: Any, d: Any, e: Any, *, n: int, m: int) -> Any:
        return by_shape(g, (a, b, c, d, e), 0, {"n": n, "m": m})

    def by_b(g: Any, a: Any, b: Any, c: Any, d: Any, e: Any, *, n: int, m: int) -> Any:
        return by_shape(g, (a, b, c, d, e), 1, {"n": n, "m": m})

    def by_x(g: Any, a: Any, b: Any, c: Any, d: Any, e: Any, *, n: int, m: int) -> Any:
        inner = _where((c > 0) & (c < 1), c, 0.5)
        factor = (np.log(inner) - d) ** n * (np.log1p(-inner) - e) ** m
        return scaled(g if side == "below" else -g, beta_density(a, b, c) * factor)

    def by_d(g: Any, a: Any, b: Any, c: Any, d: Any, e: Any, *, n: int, m: int) -> Any:
        return _lower_power(g, (a, b, c, d, e), op, "n", {"n": n, "m": m})

    def by_e(g: Any, a: Any, b: Any, c: Any, d: Any, e: Any, *, n: int, m: int) -> Any:
        return _lower_power(g, (a, b, c, d, e), op, "m", {"n": n, "m": m})

    op = Op(
        f"beta_{side}",
        functools.partial(_beta_moment, side),
        *(by_a, by_b, by_x, by_d, by_e),
        broadcasts=True,
        properties=Property.ELEMENTWISE,
    )
    return op


gamma_below, gamma_above = _gamma_op("below"), _gamma_op("above")
beta_below, beta_above = _beta_op("below"), _beta_op("above")

register_ops(vars().values())
