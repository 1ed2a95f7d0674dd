"""Continuous distributions of SciPy: densities, distribution functions and their inverses.

The forward of each op is SciPy's own method, and on devices a closed form. Its rules follow from a
few formulas for each family, all of z = (x - loc) / scale: the slope of the logarithm of the
density by z (its score), and those by the shape parameters. Differentiating F(z) gives the density,
and so the rules of the other methods; the inverse function theorem gives those of the quantiles.

Source of the densities: N. Johnson, S. Kotz and N. Balakrishnan, Continuous Univariate
Distributions, second edition, in the parameters of `scipy.stats`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.special as sc
import scipy.stats

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.rule import Rule, WholeRule
from gradx.core.spec import shape_of
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import first_device_array, zeros_for
from gradx.ops.scaling import divided, scaled
from gradx.ops.scipy.closed_forms import closed_form
from gradx.ops.scipy.incomplete import (
    beta_odds_density,
    beta_odds_slope,
    beta_slope,
    gamma_slope,
    t_slope,
)
from gradx.ops.scipy.table import called

__all__ = ["CONTINUOUS", "METHODS"]

_where = dispatched(np.where)
_psi = called(sc.psi)
Slope = Callable[..., Any]


@dataclass(frozen=True)
class Family:
    """The formulas of a family, functions of z and of the shape parameters in SciPy's order.

    Attributes:
        score: the slope of the logarithm of the density by z.
        shapes: its slopes by the shape parameters.
        below: the slopes of the distribution function by the shape parameters.
        above: those of its complement, where they are not just the negative ones.
        relative: those of a logarithm, by its method, where it is had without its value.
    """

    score: Slope
    shapes: tuple[Slope, ...] = ()
    below: tuple[Slope, ...] = ()
    above: tuple[Slope, ...] = ()
    relative: Mapping[str, tuple[Slope, ...]] = field(default_factory=dict)


# --- Families -------------------------------------------------------------------------------------


def _t_by_df(z: Any, df: Any) -> Any:
    square = z * z
    rest = (df + 1) * square / (df * (df + square)) - np.log1p(square / df) - 1 / df
    return (_psi((df + 1) / 2) - _psi(df / 2) + rest) / 2


def _lognorm_below(z: Any, s: Any) -> Any:
    """Of the normal distribution function of log(z) / s."""
    u = _log_inside(z) / s
    return -u / s * np.exp(-u * u / 2) / math.sqrt(2 * math.pi)


def _log_inside(z: Any) -> Any:
    """The logarithm of z where it is positive; elsewhere 0, where the density is 0 too."""
    return np.log(_where(z > 0, z, 1.0))


def _weibull_below(z: Any, c: Any) -> Any:
    inside = _where(z > 0, z, 1.0)
    power = np.power(inside, c)
    return _where(z > 0, np.exp(-power) * power * np.log(inside), 0.0)


def _weibull_log_above(z: Any, c: Any) -> Any:
    inside = _where(z > 0, z, 1.0)
    return -np.power(inside, c) * np.log(inside)


def _pareto_below(z: Any, b: Any) -> Any:
    inside = _where(z > 1, z, 1.0)
    return np.power(inside, -b) * np.log(inside)


def _f_by_first(z: Any, m: Any, n: Any) -> Any:
    whole = n + m * z
    rest = np.log(m * z / whole) + 1 - (m + n) * z / whole
    return (rest - _psi(m / 2) + _psi((m + n) / 2)) / 2


def _f_by_second(z: Any, m: Any, n: Any) -> Any:
    whole = n + m * z
    rest = np.log(n / whole) + 1 - (m + n) / whole
    return (rest - _psi(n / 2) + _psi((m + n) / 2)) / 2


def _f_below(i: int) -> Slope:
    """Of the beta distribution of (m / 2, n / 2) at the odds m z / n."""

    def slope(z: Any, m: Any, n: Any) -> Any:
        odds = m / n * _where(z > 0, z, 1.0)
        by_odds = beta_odds_density(m / 2, n / 2, odds) * odds / (-n if i else m)
        return beta_odds_slope(i, m / 2, n / 2, odds) / 2 + by_odds

    return slope


def _mills(x: Any) -> Any:
    """The density of the normal distribution over its distribution function."""
    return math.sqrt(2 / math.pi) / called(sc.erfcx)(-x / math.sqrt(2))


def _invgauss_below(z: Any, mu: Any) -> Any:
    inside = _where(z > 0, z, 1.0)
    tail = called(sc.log_ndtr)(-(inside / mu + 1) / np.sqrt(inside))
    return _where(z > 0, -2 / (mu * mu) * np.exp(2 / mu + tail), 0.0)


def _at_an_end(method: str, i: int) -> Slope:
    """What the truncated normal distribution has more or less of, when end i of it moves.

    With the density d of an end: -d by the upper one and d by the lower one of the logarithm of the
    density, and that times the share on the other side of the distribution function.
    """

    def slope(z: Any, a: Any, b: Any) -> Any:
        end = (a, b)[i]
        if first_device_array((z,)) is not None:
            end = end + zeros_for(z, shape_of(z), float)
        density = _do("truncnorm", "pdf", (end, a, b, 0, 1))
        if method == "logpdf":
            return density if i == 0 else -density
        above = method == "sf"
        share = _do("truncnorm", "sf" if i == 0 else "cdf", (z, a, b, 0, 1))
        return density * share if above else -density * share

    return slope


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "norm": Family(lambda z: -z),
        "expon": Family(lambda z: -1.0),
        "laplace": Family(lambda z: -np.sign(z)),
        "logistic": Family(lambda z: -np.tanh(z / 2)),
        "cauchy": Family(lambda z: -2 * z / (1 + z * z)),
        "uniform": Family(lambda z: 0.0),
        "gumbel_r": Family(lambda z: np.expm1(-z)),
        "gumbel_l": Family(lambda z: -np.expm1(z)),
        "halfnorm": Family(lambda z: -z),
        "halfcauchy": Family(lambda z: -2 * z / (1 + z * z)),
        "rayleigh": Family(lambda z: 1 / z - z),
        "lognorm": Family(
            lambda z, s: -(1 + _log_inside(z) / (s * s)) / z,
            (lambda z, s: (np.square(_log_inside(z) / s) - 1) / s,),
            (_lognorm_below,),
            relative={
                "logcdf": (lambda z, s: -_log_inside(z) / (s * s) * _mills(_log_inside(z) / s),),
                "logsf": (lambda z, s: _log_inside(z) / (s * s) * _mills(-_log_inside(z) / s),),
            },
        ),
        "gamma": Family(
            lambda z, a: (a - 1) / z - 1,
            (lambda z, a: np.log(z) - _psi(a),),
            (lambda z, a: gamma_slope(a, z),),
            (lambda z, a: gamma_slope(a, z, above=True),),
        ),
        "invgamma": Family(
            lambda z, a: (1 / z - a - 1) / z,
            (lambda z, a: -np.log(z) - _psi(a),),
            (lambda z, a: gamma_slope(a, 1 / z, above=True),),
            (lambda z, a: gamma_slope(a, 1 / z),),
        ),
        "chi2": Family(
            lambda z, df: (df / 2 - 1) / z - 0.5,
            (lambda z, df: (np.log(z / 2) - _psi(df / 2)) / 2,),
            (lambda z, df: gamma_slope(df / 2, z / 2) / 2,),
            (lambda z, df: gamma_slope(df / 2, z / 2, above=True) / 2,),
        ),
        "beta": Family(
            lambda z, a, b: (a - 1) / z - (b - 1) / (1 - z),
            (
                lambda z, a, b: np.log(z) - _psi(a) + _psi(a + b),
                lambda z, a, b: np.log1p(-z) - _psi(b) + _psi(a + b),
            ),
            (lambda z, a, b: beta_slope(0, a, b, z), lambda z, a, b: beta_slope(1, a, b, z)),
            (
                lambda z, a, b: beta_slope(0, a, b, z, above=True),
                lambda z, a, b: beta_slope(1, a, b, z, above=True),
            ),
        ),
        "t": Family(
            lambda z, df: -(df + 1) * z / (df + z * z),
            (_t_by_df,),
            (lambda z, df: t_slope(df, z),),
        ),
        "f": Family(
            lambda z, m, n: (m / 2 - 1) / z - (m + n) / 2 * m / (n + m * z),
            (_f_by_first, _f_by_second),
            (_f_below(0), _f_below(1)),
        ),
        "invgauss": Family(
            lambda z, mu: -1.5 / z - (1 / (mu * mu) - 1 / (z * z)) / 2,
            (lambda z, mu: (z / mu - 1) / (mu * mu),),
            (_invgauss_below,),
        ),
        "skewnorm": Family(
            lambda z, a: a * _mills(a * z) - z,
            (lambda z, a: z * _mills(a * z),),
            (lambda z, a: -np.exp(-z * z * (1 + a * a) / 2) / (math.pi * (1 + a * a)),),
        ),
        "truncnorm": Family(
            lambda z, a, b: -z,
            (_at_an_end("logpdf", 0), _at_an_end("logpdf", 1)),
            (_at_an_end("cdf", 0), _at_an_end("cdf", 1)),
            (_at_an_end("sf", 0), _at_an_end("sf", 1)),
        ),
        "weibull_min": Family(
            lambda z, c: ((c - 1) - c * np.power(z, c)) / z,
            (lambda z, c: 1 / c + np.log(z) * (1 - np.power(z, c)),),
            (_weibull_below,),
            relative={"logsf": (_weibull_log_above,)},
        ),
        "pareto": Family(
            lambda z, b: -(b + 1) / z,
            (lambda z, b: 1 / b - np.log(z),),
            (_pareto_below,),
            relative={"logsf": (lambda z, b: -np.log(_where(z > 1, z, 1.0)),)},
        ),
    }
)

# --- Rules ----------------------------------------------------------------------------------------

METHODS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")


def _slope_of_log_density(family: Family, i: int, xs: Sequence[Any]) -> Any:
    """The slope of the logarithm of the density by operand i of (x, shapes…, loc, scale)."""
    x, *shapes, loc, scale = xs
    z = (x - loc) / scale
    if _is_shape(i, xs):
        return family.shapes[i - 1](z, *shapes)
    score = family.score(z, *shapes)
    if i == len(xs) - 1:
        return -(1 + z * score) / scale
    return score / scale if i == 0 else -score / scale


def _slope(family: Family, i: int, xs: Sequence[Any], density: Any, above: bool = False) -> Any:
    """The slope of the distribution function, or of its complement, by operand i.

    Args:
        family: the family.
        i: the number of the operand.
        xs: the operands.
        density: the density there, or what the slope is divided by times it.
        above: of the complement.
    """
    x, *shapes, loc, scale = xs
    z = (x - loc) / scale
    if _is_shape(i, xs):
        if above and family.above:
            return family.above[i - 1](z, *shapes)
        slope = family.below[i - 1](z, *shapes)
    else:
        slope = density if i == 0 else -density if i == len(xs) - 2 else -density * z
    return -slope if above else slope


def _is_shape(i: int, xs: Sequence[Any]) -> bool:
    return 0 < i < len(xs) - 2


def _do(name: str, method: str, xs: Sequence[Any]) -> Any:
    return apply(CONTINUOUS[name, method], xs)


def _of_density(name: str, method: str, i: int) -> Rule:
    family, log = FAMILIES[name], method == "logpdf"

    def rule(g: Any, xs: Sequence[Any], y: Any) -> Any:
        slope = _slope_of_log_density(family, i, xs)
        outside = y == -math.inf if log else y == 0
        return scaled(g, _where(outside, 0.0, slope if log else y * slope))

    return WholeRule(rule)


def _of_distribution(name: str, method: str, i: int) -> Rule:
    family, above = FAMILIES[name], method.endswith("sf")

    def rule(g: Any, xs: Sequence[Any], y: Any) -> Any:
        if not _is_shape(i, xs):
            return scaled(g, _slope(family, i, xs, _do(name, "pdf", xs), above))
        return scaled(g, _where((y == 0) | (y == 1), 0.0, _slope(family, i, xs, None, above)))

    def rule_of_log(g: Any, xs: Sequence[Any], y: Any) -> Any:
        if not _is_shape(i, xs):
            slope = _slope(family, i, xs, np.exp(_do(name, "logpdf", xs) - y), above)
            return scaled(g, _where(y == -math.inf, 0.0, slope))
        if method in family.relative:
            x, *shapes, loc, scale = xs
            slope = family.relative[method][i - 1]((x - loc) / scale, *shapes)
        else:
            slope = _slope(family, i, xs, None, above) * np.exp(-y)
        return scaled(g, _where((y == -math.inf) | (y == 0), 0.0, slope))

    return WholeRule(rule_of_log if method.startswith("log") else rule)


def _of_quantile(name: str, method: str, i: int) -> Rule:
    """From F(x; shapes, loc, scale) = q: dx is dq less what the parameters do, over the density."""
    family, above = FAMILIES[name], method == "isf"
    sign = -1 if above else 1

    def rule(g: Any, xs: Sequence[Any], y: Any) -> Any:
        loc, scale = xs[-2:]
        if i == len(xs) - 2:
            return g
        if i == len(xs) - 1:
            return scaled(g, (y - loc) / scale)
        at = (y, *xs[1:])
        density = _do(name, "pdf", at)
        if i == 0:
            return divided(sign * g, density)
        return divided(scaled(-sign * g, _slope(family, i, at, None, above)), density)

    return WholeRule(rule)


def _made(name: str, method: str) -> Op:
    """The op of a method of a distribution, of operands (x, shapes…, loc, scale)."""
    family, distribution = FAMILIES[name], getattr(scipy.stats, name)
    count = 3 + len(family.shapes)
    if method in ("pdf", "logpdf"):
        make: Any = _of_density
    else:
        make = _of_quantile if method in ("ppf", "isf") else _of_distribution
    own, there = getattr(distribution, method), closed_form(name, method)
    return Op(
        f"scipy.stats.{name}.{method}",
        lambda *xs: (own if first_device_array(xs) is None else there)(*xs),
        *[make(name, method, i) for i in range(count)],
        broadcasts=True,
        properties=Property.ELEMENTWISE,
    )


CONTINUOUS: Mapping[tuple[str, str], Op] = MappingProxyType(
    {(name, method): _made(name, method) for name in FAMILIES for method in METHODS}
)
"""From the names of a distribution and of a method to the op of operands (x, shapes…, loc, scale).
"""

register_ops(CONTINUOUS.values())
