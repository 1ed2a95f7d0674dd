"""Special functions of SciPy: errors, gamma functions, entropies, and what distributions need.

Source of the rules, unless another is named: NIST Digital Library of Mathematical Functions
(DLMF), https://dlmf.nist.gov, by the number of the section or the equation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.devices.kernel_table import dispatched
from gradx.ops import elementwise
from gradx.ops.scaling import divided, scaled
from gradx.ops.scipy.incomplete import (
    beta_density,
    beta_slope,
    gamma_density,
    gamma_slope,
    t_slope,
)
from gradx.ops.scipy.table import called, lifted_ufunc, refused

__all__ = ["comb", "factorial", "multigammaln", "polygamma", "zeta"]

_ROOT_PI = math.sqrt(math.pi)
_ROOT_TWO_PI = math.sqrt(2 * math.pi)
_LN10 = math.log(10)
_DEGREE = math.pi / 180

_where = dispatched(np.where)
_multigammaln = vars(sc)["multigammaln"]  # which type checkers do not see
_gammaln, _psi = called(sc.gammaln), called(sc.psi)
_gamma, _rgamma, _zeta = called(sc.gamma), called(sc.rgamma), called(sc.zeta)
_xlogy = called(sc.xlogy)
_erf, _erfcx, _expit = called(sc.erf), called(sc.erfcx), called(sc.expit)
_exprel, _any_hyp1f1, _hyp2f1 = called(sc.exprel), called(sc.hyp1f1), called(sc.hyp2f1)
_cosdg, _sindg, _floor = called(sc.cosdg), called(sc.sindg), called(np.floor)
_log, _log1p, _exp, _sqrt = called(np.log), called(np.log1p), called(np.exp), called(np.sqrt)


def _hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """1F1, which is infinite from 1e4 on, and at infinity SciPy's does not return."""
    return _any_hyp1f1(a, b, np.minimum(x, 1e4))


# --- Exponentials, logarithms, angles -------------------------------------------------------------

cbrt = lifted_ufunc(sc.cbrt, *elementwise.cbrt.rules)
exp2 = lifted_ufunc(sc.exp2, *elementwise.exp2.rules)
exp10 = lifted_ufunc(sc.exp10, lambda g, y: scaled(g, _LN10 * y))
expm1 = lifted_ufunc(sc.expm1, *elementwise.expm1.rules)
log1p = lifted_ufunc(sc.log1p, *elementwise.log1p.rules)
cosm1 = lifted_ufunc(sc.cosm1, *elementwise.cos.rules)
exprel = lifted_ufunc(sc.exprel, lambda g, x: scaled(g, _hyp1f1(2.0, 3.0, x) / 2))
powm1 = lifted_ufunc(
    sc.powm1,
    lambda g, a, b: scaled(g, b * np.power(a, b - 1)),
    lambda g, a, y: scaled(g, (y + 1) * _log(a)),
)
sindg = lifted_ufunc(sc.sindg, lambda g, x: scaled(g, _DEGREE * _cosdg(x)))
cosdg = lifted_ufunc(sc.cosdg, lambda g, x: scaled(g, -_DEGREE * _sindg(x)))
tandg = lifted_ufunc(sc.tandg, lambda g, y: scaled(g, _DEGREE * (1 + y * y)))
cotdg = lifted_ufunc(sc.cotdg, lambda g, y: scaled(g, -_DEGREE * (1 + y * y)))
expit = lifted_ufunc(sc.expit, lambda g, x, y: scaled(g, y * _expit(-x)))
log_expit = lifted_ufunc(sc.log_expit, lambda g, x: scaled(g, _expit(-x)))
logit = lifted_ufunc(sc.logit, lambda g, x: divided(g, x * (1 - x)))

# --- Errors: DLMF 7.2, 7.10, 7.17 -----------------------------------------------------------------


def _density(x: Any) -> Any:
    """The density of the normal distribution."""
    return np.exp(-x * x / 2) / _ROOT_TWO_PI


def _owens_t(g: Any, a: Any, b: Any) -> Any:
    """Source: D. Owen, "Tables for computing bivariate normal probabilities" (1956)."""
    return scaled(g, np.exp(-a * a / 2) * _erf(a * b / math.sqrt(2)) / (-2 * _ROOT_TWO_PI))


def _voigt(g: Any, slope: Any, scale: Any) -> Any:
    """A derivative of ``w((x + i gamma) / (sigma sqrt(2)))`` over ``2 sigma**2 sqrt(pi)``."""
    return scaled(g, slope / (2 * _ROOT_PI * scale * scale))


def _voigt_slope(a: Any, b: Any, c: Any) -> Any:
    """The derivative of Faddeeva's function w at the point of a Voigt profile: DLMF 7.10.2."""
    z = _voigt_point(a, b, c)
    return 2j / _ROOT_PI - 2 * z * called(sc.wofz)(z)


def _voigt_point(a: Any, b: Any, c: Any) -> Any:
    return (a + 1j * c) / (b * math.sqrt(2))


def _voigt_by_sigma(g: Any, a: Any, b: Any, c: Any, y: Any) -> Any:
    turned = np.real(_voigt_slope(a, b, c) * _voigt_point(a, b, c)) / (b * _ROOT_TWO_PI)
    return divided(scaled(-g, y + turned), b)


erf = lifted_ufunc(sc.erf, lambda g, x: scaled(g, 2 / _ROOT_PI * np.exp(-x * x)))
erfc = lifted_ufunc(sc.erfc, lambda g, x: scaled(g, -2 / _ROOT_PI * np.exp(-x * x)))
erfi = lifted_ufunc(sc.erfi, lambda g, x: scaled(g, 2 / _ROOT_PI * np.exp(x * x)))
erfcx = lifted_ufunc(sc.erfcx, lambda g, x, y: scaled(g, 2 * x * y - 2 / _ROOT_PI))
erfinv = lifted_ufunc(sc.erfinv, lambda g, y: scaled(g, _ROOT_PI / 2 * np.exp(y * y)))
erfcinv = lifted_ufunc(sc.erfcinv, lambda g, y: scaled(g, -_ROOT_PI / 2 * np.exp(y * y)))
dawsn = lifted_ufunc(sc.dawsn, lambda g, x, y: scaled(g, 1 - 2 * x * y))
wofz = lifted_ufunc(sc.wofz, lambda g, x, y: scaled(g, 2j / _ROOT_PI - 2 * x * y))
fresnel = lifted_ufunc(
    sc.fresnel,
    lambda g, x: (
        scaled(g[0], np.sin(x * x * (math.pi / 2))) + scaled(g[1], np.cos(x * x * (math.pi / 2)))
    ),
)
voigt_profile = lifted_ufunc(
    sc.voigt_profile,
    lambda g, a, b, c: _voigt(g, np.real(_voigt_slope(a, b, c)), b),
    _voigt_by_sigma,
    lambda g, a, b, c: _voigt(g, -np.imag(_voigt_slope(a, b, c)), b),
)
ndtr = lifted_ufunc(sc.ndtr, lambda g, x: scaled(g, _density(x)))
log_ndtr = lifted_ufunc(
    sc.log_ndtr, lambda g, x: divided(g, _erfcx(-x / math.sqrt(2)) * math.sqrt(math.pi / 2))
)
ndtri = lifted_ufunc(sc.ndtri, lambda g, y: scaled(g, _ROOT_TWO_PI * np.exp(y * y / 2)))
ndtri_exp = lifted_ufunc(
    sc.ndtri_exp, lambda g, x, y: scaled(g, _ROOT_TWO_PI * np.exp(x + y * y / 2))
)
owens_t = lifted_ufunc(
    sc.owens_t,
    _owens_t,
    lambda g, a, b: scaled(g, np.exp(-a * a * (1 + b * b) / 2) / (2 * math.pi * (1 + b * b))),
)

# --- Gamma functions: DLMF 5.2, 5.5, 5.12, 5.15, 25.11.17 -----------------------------------------


def _polygamma_in_kind(x: Any, *, n: int) -> Any:
    """The n-th derivative of psi by the zeta function of Hurwitz, which keeps a float32."""
    return (-1) ** (n + 1) * math.factorial(n) * _zeta(float(n + 1), x)


def _one_over_gamma(g: Any, x: Any, y: Any) -> Any:
    """``-psi(x) / gamma(x)``; by reflection, 5.5.3, on the left, where psi has poles."""
    left = np.real(x) < 0.5
    inner, outer = _where(left, 1 - x, 1.0), _where(left, 1.0, x)
    turned = math.pi * inner
    by_reflection = np.cos(turned) + _psi(inner) * np.sin(turned) / math.pi
    reflected = -_gamma(inner) * by_reflection
    return scaled(g, _where(left, reflected, -_psi(outer) * _rgamma(outer)))


polygamma_in_kind: Op = Op(
    "polygamma_in_kind",
    _polygamma_in_kind,
    lambda g, x, *, n: scaled(g, apply(polygamma_in_kind, (x,), {"n": n + 1})),
    properties=Property.ELEMENTWISE,
)


def _trigamma(x: Any) -> Any:
    return apply(polygamma_in_kind, (x,), {"n": 1})


gamma = lifted_ufunc(sc.gamma, lambda g, x, y: scaled(g, y * _psi(x)))
gammaln = lifted_ufunc(sc.gammaln, lambda g, x: scaled(g, _psi(x)))
loggamma = lifted_ufunc(sc.loggamma, lambda g, x: scaled(g, _psi(x)))
gammasgn = lifted_ufunc(sc.gammasgn, None)
rgamma = lifted_ufunc(sc.rgamma, _one_over_gamma)
psi = lifted_ufunc(sc.psi, lambda g, x: scaled(g, _trigamma(x)))
polygamma: Op = Op(
    "scipy.special.polygamma",
    dispatched(sc.polygamma),
    refused("special.polygamma", "n"),
    lambda g, a, b: scaled(g, apply(polygamma, (a + 1, b))),
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
multigammaln = Op(
    "scipy.special.multigammaln",
    lambda x, *, d: _multigammaln(x, d),
    lambda g, x, *, d: scaled(g, sum(_psi(x - j / 2) for j in range(d))),
    properties=Property.ELEMENTWISE,
)
perm = Op(
    "scipy.special.perm",
    dispatched(sc.perm),
    lambda g, a, b, y: scaled(g, _nonzero_times(y, _psi(a + 1) - _psi(a - b + 1))),
    lambda g, a, b, y: scaled(g, _nonzero_times(y, _psi(a - b + 1))),
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
riemann_zeta = Op(
    "scipy.special.riemann_zeta",
    lambda x: sc.zeta(x),
    refused("special.zeta", "x"),
    properties=Property.ELEMENTWISE,
)
zeta: Op = Op(
    "scipy.special.zeta",
    dispatched(sc.zeta),
    refused("special.zeta", "x"),
    lambda g, a, b: scaled(g, -a * apply(zeta, (a + 1, b))),
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
beta = lifted_ufunc(
    sc.beta,
    lambda g, a, b, y: scaled(g, y * (_psi(a) - _psi(a + b))),
    lambda g, a, b, y: scaled(g, y * (_psi(b) - _psi(a + b))),
)
betaln = lifted_ufunc(
    sc.betaln,
    lambda g, a, b: scaled(g, _psi(a) - _psi(a + b)),
    lambda g, a, b: scaled(g, _psi(b) - _psi(a + b)),
)
poch = lifted_ufunc(
    sc.poch,
    lambda g, a, b, y: scaled(g, y * (_psi(a + b) - _psi(a))),
    lambda g, a, b, y: scaled(g, y * _psi(a + b)),
)


def _of_combinations(g: Any, a: Any, b: Any, y: Any) -> Any:
    """``n`` in the combinations of k of n, whose logarithm has a gamma function of n + 1."""
    return scaled(g, _nonzero_times(y, _psi(a + 1) - _psi(a - b + 1)))


def _of_chosen(g: Any, a: Any, b: Any, y: Any) -> Any:
    return scaled(g, _nonzero_times(y, _psi(a - b + 1) - _psi(b + 1)))


def _nonzero_times(y: Any, d: Any) -> Any:
    """``y d``, 0 where ``y`` is, which SciPy sets to 0 outside of the function's domain."""
    return _where(y == 0, 0.0, y * _where(y == 0, 0.0, d))


binom = lifted_ufunc(
    sc.binom,
    lambda g, a, b, y: scaled(g, y * (_psi(a + 1) - _psi(a - b + 1))),
    lambda g, a, b, y: scaled(g, y * (_psi(a - b + 1) - _psi(b + 1))),
)
comb = Op(
    "scipy.special.comb",
    lambda a, b, *, repetition: sc.comb(a, b, repetition=repetition),
    lambda g, a, b, y, *, repetition: _of_combinations(g, a + b - 1 if repetition else a, b, y),
    lambda g, a, b, y, *, repetition: (
        scaled(g, _nonzero_times(y, _psi(a + b) - _psi(b + 1)))
        if repetition
        else _of_chosen(g, a, b, y)
    ),
    broadcasts=True,
    properties=Property.ELEMENTWISE,
)
factorial = Op(
    "scipy.special.factorial",
    dispatched(sc.factorial),
    lambda g, x, y: scaled(g, _nonzero_times(y, _psi(x + 1))),
    properties=Property.ELEMENTWISE,
)

# --- Incomplete gamma and beta functions ----------------------------------------------------------
# The inverses by the implicit function theorem.

gammainc = lifted_ufunc(
    sc.gammainc,
    lambda g, a, b: scaled(g, gamma_slope(a, b)),
    lambda g, a, b: scaled(g, gamma_density(a, b)),
)
gammaincc = lifted_ufunc(
    sc.gammaincc,
    lambda g, a, b: scaled(g, gamma_slope(a, b, above=True)),
    lambda g, a, b: scaled(g, -gamma_density(a, b)),
)
gammaincinv = lifted_ufunc(
    sc.gammaincinv,
    lambda g, a, y: divided(scaled(-g, gamma_slope(a, y)), gamma_density(a, y)),
    lambda g, a, y: divided(g, gamma_density(a, y)),
)
gammainccinv = lifted_ufunc(
    sc.gammainccinv,
    lambda g, a, y: divided(scaled(g, gamma_slope(a, y, above=True)), gamma_density(a, y)),
    lambda g, a, y: divided(-g, gamma_density(a, y)),
)


def _of_beta(i: int, above: bool) -> Callable[..., Any]:
    return lambda g, a, b, c: scaled(g, beta_slope(i, a, b, c, above))


def _of_inverse_beta(i: int, above: bool) -> Callable[..., Any]:
    sign = 1 if above else -1
    return lambda g, a, b, y: divided(
        scaled(sign * g, beta_slope(i, a, b, y, above)), beta_density(a, b, y)
    )


betainc = lifted_ufunc(
    sc.betainc,
    *(_of_beta(0, False), _of_beta(1, False)),
    lambda g, a, b, c: scaled(g, beta_density(a, b, c)),
)
betaincc = lifted_ufunc(
    sc.betaincc,
    *(_of_beta(0, True), _of_beta(1, True)),
    lambda g, a, b, c: scaled(g, -beta_density(a, b, c)),
)
betaincinv = lifted_ufunc(
    sc.betaincinv,
    *(_of_inverse_beta(0, False), _of_inverse_beta(1, False)),
    lambda g, a, b, y: divided(g, beta_density(a, b, y)),
)
betainccinv = lifted_ufunc(
    sc.betainccinv,
    *(_of_inverse_beta(0, True), _of_inverse_beta(1, True)),
    lambda g, a, b, y: divided(-g, beta_density(a, b, y)),
)

# --- Entropies, losses and transformations --------------------------------------------------------


def _xlogy_second(g: Any, a: Any, b: Any) -> Any:
    """``a / b``, 0 where both are 0."""
    below = _where((a == 0) & (b == 0), 1.0, b)
    if hasattr(a, "dtype") and not hasattr(b, "dtype"):
        below = below.astype(a.dtype)  # a number of Python's does not raise the precision
    return scaled(g, a / below)


def _pseudo_huber_scale(g: Any, a: Any, b: Any) -> Any:
    """With u = r / delta and s = sqrt(1 + u u): delta (s - 1)**2 / s, and s - 1 = u u / (s + 1)."""
    u = b / a
    s = np.sqrt(1 + u * u)
    rise = u * u / (s + 1)
    return scaled(g, a * rise * rise / s)


def _boxcox_power(g: Any, a: Any, b: Any) -> Any:
    """(exp(b t) - 1) / b with t = log(x): t t / 2 times 1F1(2; 3; b t), of all b: DLMF 13.3.15."""
    t = _log(a)
    return scaled(g, t * t * _hyp1f1(2.0, 3.0, b * t) / 2)


def _boxcox1p_power(g: Any, a: Any, b: Any) -> Any:
    t = _log1p(a)
    return scaled(g, t * t * _hyp1f1(2.0, 3.0, b * t) / 2)


def _inv_boxcox_slope(a: Any, b: Any) -> Any:
    """The derivative of log(1 + b a) / b by b: a a times that of log(1 + t) / t: DLMF 15.5.1."""
    return -a * a * _hyp2f1(2.0, 2.0, 3.0, -a * b) / 2


xlogy = lifted_ufunc(sc.xlogy, lambda g, b: scaled(g, _log(b)), _xlogy_second)
xlog1py = lifted_ufunc(
    sc.xlog1py,
    lambda g, b: scaled(g, _log1p(b)),
    lambda g, a, b: scaled(g, a / _where((a == 0) & (b == -1), 1.0, 1 + b)),
)
entr = lifted_ufunc(sc.entr, lambda g, x: scaled(g, -np.log(x) - 1))
rel_entr = lifted_ufunc(
    sc.rel_entr,
    lambda g, a, b: scaled(g, np.log(a / b) + 1),
    lambda g, a, b: scaled(g, -a / b),
)
kl_div = lifted_ufunc(
    sc.kl_div,
    lambda g, a, b: scaled(g, np.log(a / b)),
    lambda g, a, b: scaled(g, 1 - a / b),
)
huber = lifted_ufunc(
    sc.huber,
    lambda g, a, b: scaled(g, _where(np.absolute(b) <= a, 0.0, np.absolute(b) - a)),
    lambda g, a, b: scaled(g, _where(np.absolute(b) <= a, b, a * np.sign(b))),
)
pseudo_huber = lifted_ufunc(
    sc.pseudo_huber,
    _pseudo_huber_scale,
    lambda g, a, b: scaled(g, b / np.sqrt(1 + (b / a) * (b / a))),
)
boxcox = lifted_ufunc(sc.boxcox, lambda g, a, b: scaled(g, np.power(a, b - 1)), _boxcox_power)
boxcox1p = lifted_ufunc(
    sc.boxcox1p, lambda g, a, b: scaled(g, np.power(1 + a, b - 1)), _boxcox1p_power
)
inv_boxcox = lifted_ufunc(
    sc.inv_boxcox,
    lambda g, a, b, y: divided(scaled(g, y), 1 + a * b),
    lambda g, a, b, y: scaled(g, y * _inv_boxcox_slope(a, b)),
)
inv_boxcox1p = lifted_ufunc(
    sc.inv_boxcox1p,
    lambda g, a, b, y: divided(scaled(g, 1 + y), 1 + a * b),
    lambda g, a, b, y: scaled(g, (1 + y) * _inv_boxcox_slope(a, b)),
)

# --- Distributions by their parameters ------------------------------------------------------------


def _t_density(a: Any, b: Any) -> Any:
    """The density of Student's distribution with a degrees of freedom."""
    scale = _exp(_gammaln((a + 1) / 2) - _gammaln(a / 2)) / _sqrt(math.pi * a)
    return scale * np.power(1 + b * b / a, -(a + 1) / 2)


def _poisson(k: Any, m: Any) -> Any:
    return np.exp(_xlogy(k, m) - m - _gammaln(k + 1))


stdtr = lifted_ufunc(
    sc.stdtr,
    lambda g, a, b: scaled(g, t_slope(a, b)),
    lambda g, a, b: scaled(g, _t_density(a, b)),
)
stdtrit = lifted_ufunc(
    sc.stdtrit,
    lambda g, a, y: divided(scaled(-g, t_slope(a, y)), _t_density(a, y)),
    lambda g, a, y: divided(g, _t_density(a, y)),
)
pdtr = lifted_ufunc(sc.pdtr, "k", lambda g, a, b: scaled(g, -_poisson(_floor(a), b)))
pdtrc = lifted_ufunc(sc.pdtrc, "k", lambda g, a, b: scaled(g, _poisson(_floor(a), b)))
chdtr = lifted_ufunc(
    sc.chdtr,
    lambda g, a, b: scaled(g, gamma_slope(a / 2, b / 2) / 2),
    lambda g, a, b: scaled(g, gamma_density(a / 2, b / 2) / 2),
)
chdtrc = lifted_ufunc(
    sc.chdtrc,
    lambda g, a, b: scaled(g, gamma_slope(a / 2, b / 2, above=True) / 2),
    lambda g, a, b: scaled(g, -gamma_density(a / 2, b / 2) / 2),
)
gdtr = lifted_ufunc(
    sc.gdtr,
    lambda g, a, b, c: scaled(g, c * gamma_density(b, a * c)),
    lambda g, a, b, c: scaled(g, gamma_slope(b, a * c)),
    lambda g, a, b, c: scaled(g, a * gamma_density(b, a * c)),
)
gdtrc = lifted_ufunc(
    sc.gdtrc,
    lambda g, a, b, c: scaled(g, -c * gamma_density(b, a * c)),
    lambda g, a, b, c: scaled(g, gamma_slope(b, a * c, above=True)),
    lambda g, a, b, c: scaled(g, -a * gamma_density(b, a * c)),
)

register_ops(vars().values())
