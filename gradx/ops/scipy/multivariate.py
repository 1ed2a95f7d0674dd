"""Distributions of vectors: the multivariate normal one and Dirichlet's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc
import scipy.stats

from gradx.core.op import Op, register_ops
from gradx.core.rule import Rule, WholeRule
from gradx.core.spec import shape_of
from gradx.ops.helpers import eye_for, first_device_array
from gradx.ops.linalg import read_triangle
from gradx.ops.scaling import scaled
from gradx.ops.scipy.table import called

__all__ = ["dirichlet_logpdf", "dirichlet_pdf", "normal_logpdf", "normal_pdf"]

_psi, _gammaln, _xlogy = called(sc.psi), called(sc.gammaln), called(sc.xlogy)

# --- The normal distribution ----------------------------------------------------------------------
# Its logarithm is -(n log(2 pi) + log det C + d' inv(C) d) / 2 with d = x - mean. Of the covariance
# C SciPy reads the lower triangle. Source: K. Petersen and M. Pedersen, The Matrix Cookbook (2012),
# equations 57 and 61.


def _whole(cov: Any, n: int) -> Any:
    """The covariance matrix of a matrix, of its diagonal, or of a number for all of that."""
    if len(shape_of(cov)) == 2:
        return cov
    return cov * eye_for(cov, n)


def _dimension(mean: Any, cov: Any) -> int:
    return int(np.size(mean)) if len(shape_of(cov)) == 0 else shape_of(cov)[0]


def _solved(x: Any, mean: Any, cov: Any) -> tuple[Any, Any]:
    """For each point ``inv(C) d``, shape (k, n), and the covariance."""
    n = _dimension(mean, cov)
    matrix, points = _whole(cov, n), np.reshape(x, (-1, n))
    return np.transpose(np.linalg.solve(matrix, np.transpose(points - mean))), matrix


def _by_point(g: Any, xs: Any) -> Any:
    x, mean, cov = xs
    solved, _ = _solved(x, mean, cov)
    return np.reshape(-np.reshape(g, (-1, 1)) * solved, shape_of(x))


def _by_mean(g: Any, xs: Any) -> Any:
    x, mean, cov = xs
    solved, _ = _solved(x, mean, cov)
    return np.reshape(np.sum(np.reshape(g, (-1, 1)) * solved, axis=0), shape_of(mean))


def _by_covariance(g: Any, xs: Any) -> Any:
    x, mean, cov = xs
    solved, matrix = _solved(x, mean, cov)
    g = np.reshape(g, (-1, 1))
    gradient = (np.transpose(solved) @ (g * solved) - np.sum(g) * np.linalg.inv(matrix)) / 2
    if len(shape_of(cov)) == 2:
        return read_triangle(gradient, True)
    diagonal = np.diagonal(gradient)
    return diagonal if shape_of(cov) else np.sum(diagonal)


# --- Dirichlet's distribution: the components along the first axis, the last one perhaps left out -


def _all_components(x: Any, alpha: Any) -> Any:
    if shape_of(x)[0] == shape_of(alpha)[0]:
        return x
    return np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])


def _along(alpha: Any, x: Any) -> Any:
    """A number for each component, beside an array of them."""
    return np.reshape(alpha, (-1,) + (1,) * (len(shape_of(x)) - 1))


def _by_components(g: Any, xs: Any) -> Any:
    x, alpha = xs
    slopes = (_along(alpha, x) - 1) / _all_components(x, alpha)
    if shape_of(x)[0] != shape_of(alpha)[0]:
        slopes = slopes[:-1] - slopes[-1:]
    return scaled(g, slopes)


def _by_alpha(g: Any, xs: Any) -> Any:
    x, alpha = xs
    known = _along(_psi(np.sum(alpha)) - _psi(alpha), x)
    by_each = scaled(g, np.log(_all_components(x, alpha)) + known)
    return np.sum(by_each, axis=tuple(range(1, len(shape_of(x)))))


# --- On devices -----------------------------------------------------------------------------------


def _normal_there(x: Any, mean: Any, cov: Any, *, allow_singular: bool) -> Any:
    """By the factor of the covariance, of which the lower triangle is read."""
    x, mean, cov = [each.astype(np.float64, copy=False) for each in (x, mean, cov)]
    n = _dimension(mean, cov)
    factor = np.linalg.cholesky(_whole(cov, n))
    apart = np.reshape(x, (-1, n)) - mean
    solved = np.linalg.solve(factor, np.transpose(apart))
    logs = 2 * np.sum(np.log(np.diagonal(factor)))
    whole = -(n * math.log(2 * math.pi) + logs + np.sum(solved * solved, axis=0)) / 2
    return np.squeeze(np.reshape(whole, shape_of(x)[:-1] if n > 1 or x.ndim > 1 else shape_of(x)))


def _dirichlet_there(x: Any, alpha: Any) -> Any:
    """In the precision of the operands; halves become doubles, as SciPy's do."""
    x, alpha = [z.astype(np.float64) if z.dtype.char == "e" else z for z in (x, alpha)]
    parts = _xlogy(_along(alpha, x) - 1, _all_components(x, alpha))
    return np.sum(parts, axis=0) + _gammaln(np.sum(alpha)) - np.sum(_gammaln(alpha))


def _forward(own: Any, there: Any, log: bool) -> Any:
    """A method of SciPy's, and in its place a formula of the logarithm on devices."""

    def call(*xs: Any, **params: Any) -> Any:
        if first_device_array(xs) is None:
            return own(*xs, **params)
        y = there(*xs, **params)
        return y if log else np.exp(y)

    return call


# --- The table ------------------------------------------------------------------------------------


def _of_log(rule: Any) -> Rule:
    return WholeRule(lambda g, xs, y: rule(g, xs))


def _of_density(rule: Any) -> Rule:
    return WholeRule(lambda g, xs, y: rule(scaled(g, y), xs))


_NORMAL = (_by_point, _by_mean, _by_covariance)
_DIRICHLET = (_by_components, _by_alpha)
normal_logpdf = Op(
    "scipy.stats.multivariate_normal.logpdf",
    _forward(scipy.stats.multivariate_normal.logpdf, _normal_there, log=True),
    *map(_of_log, _NORMAL),
)
normal_pdf = Op(
    "scipy.stats.multivariate_normal.pdf",
    _forward(scipy.stats.multivariate_normal.pdf, _normal_there, log=False),
    *map(_of_density, _NORMAL),
)
dirichlet_logpdf = Op(
    "scipy.stats.dirichlet.logpdf",
    _forward(scipy.stats.dirichlet.logpdf, _dirichlet_there, log=True),
    *map(_of_log, _DIRICHLET),
)
dirichlet_pdf = Op(
    "scipy.stats.dirichlet.pdf",
    _forward(scipy.stats.dirichlet.pdf, _dirichlet_there, log=False),
    *map(_of_density, _DIRICHLET),
)

register_ops(vars().values())
