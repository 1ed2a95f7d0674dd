"""Discrete distributions of SciPy, differentiable by their real parameters.

Each family has two formulas for a parameter, functions of the count and the parameters: the slope
of the logarithm of the probability, and what the slope of the distribution function is, divided by
the probability of the count.

Source: N. Johnson, A. Kemp and S. Kotz, Univariate Discrete Distributions, third edition, in the
parameters of `scipy.stats`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.special as sc
import scipy.stats

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.rule import RefusedRule, Rule, WholeRule
from gradx.devices.kernel_table import dispatched
from gradx.ops.helpers import first_device_array
from gradx.ops.scaling import scaled
from gradx.ops.scipy.closed_counts import closed_count
from gradx.ops.scipy.incomplete import beta_slope
from gradx.ops.scipy.table import called

__all__ = ["DISCRETE", "METHODS"]

METHODS = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf")
_where, _psi = dispatched(np.where), called(sc.psi)
Slope = Callable[..., Any]


@dataclass(frozen=True)
class _Parameter:
    """A parameter that is a real number.

    Attributes:
        slope: of the logarithm of the probability of a count.
        below: the slope of the distribution function, divided by that probability.
        whole: that slope itself, or of the complement, for a parameter that has no `below`.
    """

    slope: Slope
    below: Slope | None = None
    whole: Callable[..., Any] | None = None


FAMILIES: Mapping[str, Sequence[_Parameter | None]] = MappingProxyType(
    {
        "poisson": [_Parameter(lambda k, mu: k / mu - 1, lambda k, mu: -1.0)],
        "bernoulli": [
            _Parameter(lambda k, p: k / p - (1 - k) / (1 - p), lambda k, p: (k - 1) / (1 - p))
        ],
        "binom": [
            None,
            _Parameter(
                lambda k, n, p: k / p - (n - k) / (1 - p), lambda k, n, p: (k - n) / (1 - p)
            ),
        ],
        "geom": [
            _Parameter(lambda k, p: 1 / p - (k - 1) / (1 - p), lambda k, p: k / p),
        ],
        "nbinom": [
            _Parameter(
                lambda k, n, p: _psi(k + n) - _psi(n) + np.log(p),
                whole=lambda above, k, n, p: beta_slope(0, n, k + 1, p, above),
            ),
            _Parameter(lambda k, n, p: n / p - k / (1 - p), lambda k, n, p: (n + k) / p),
        ],
    }
)
"""From a distribution to its parameters; None for one that is a count itself."""


def _of_probability(parameter: _Parameter, log: bool) -> Rule:
    def rule(g: Any, xs: Sequence[Any], y: Any) -> Any:
        k, *parameters, loc = xs
        slope = parameter.slope(k - loc, *parameters)
        outside = y == -math.inf if log else y == 0
        return scaled(g, _where(outside, 0.0, slope if log else y * slope))

    return WholeRule(rule)


def _of_distribution(name: str, parameter: _Parameter, method: str) -> Rule:
    above, log = method.endswith("sf"), method.startswith("log")

    def whole(g: Any, xs: Sequence[Any], y: Any) -> Any:
        k, *parameters, loc = xs
        k = np.floor(k - loc)
        function: Any = parameter.whole
        slope = _where(k < 0, 0.0, function(above, np.maximum(k, 0.0), *parameters))
        return scaled(g, _where(y == -math.inf, 0.0, slope * np.exp(-y)) if log else slope)

    def rule(g: Any, xs: Sequence[Any], y: Any) -> Any:
        k, *parameters, loc = xs
        k = np.floor(k - loc)
        if log:
            share = np.exp(apply(DISCRETE[name, "logpmf"], (k, *parameters, 0)) - y)
            share = _where(y == -math.inf, 0.0, share)
        else:
            share = apply(DISCRETE[name, "pmf"], (k, *parameters, 0))
        below: Any = parameter.below
        return scaled(g, (-1 if above else 1) * below(k, *parameters) * share)

    return WholeRule(rule if parameter.whole is None else whole)


def _made(name: str, method: str) -> Op:
    """The op of a method of a distribution, of operands (k, parameters…, loc)."""
    full, distribution = f"scipy.stats.{name}.{method}", getattr(scipy.stats, name)
    rules: list[Any] = [RefusedRule(full, "k")]
    for argument, parameter in zip(distribution.shapes.split(", "), FAMILIES[name], strict=True):
        if parameter is None:
            rules.append(RefusedRule(full, argument))
        elif method in METHODS[:2]:
            rules.append(_of_probability(parameter, method == "logpmf"))
        else:
            rules.append(_of_distribution(name, parameter, method))
    own, there = getattr(distribution, method), closed_count(name, method)
    return Op(
        full,
        lambda *xs: (own if first_device_array(xs) is None else there)(*xs),
        *rules,
        RefusedRule(full, "loc"),
        broadcasts=True,
        properties=Property.ELEMENTWISE,
    )


DISCRETE: Mapping[tuple[str, str], Op] = MappingProxyType(
    {(name, method): _made(name, method) for name in FAMILIES for method in METHODS}
)
"""From the names of a distribution and of a method to the op of operands (k, parameters…, loc)."""

register_ops(DISCRETE.values())
