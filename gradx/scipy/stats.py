"""SciPy's distributions, under the names of `scipy.stats`.

A distribution has SciPy's methods. Densities, distribution functions and quantiles are
differentiable by the point and the parameters, also of a frozen one, ``norm(loc, scale)``. What
else it has, random numbers and moments among them, is SciPy's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.dispatch import apply, has_variables
from gradx.core.op import Op
from gradx.core.spec import Form, home, spec_of
from gradx.devices.placement import on_common_device
from gradx.numpy.arguments import arrays, operand, operands
from gradx.numpy.shaping import reshape
from gradx.ops.helpers import array_for
from gradx.ops.scipy import multivariate
from gradx.ops.scipy.counts import DISCRETE
from gradx.ops.scipy.distributions import CONTINUOUS
from gradx.scipy.library import device_array, library, passing_on

__all__ = [
    "Distribution",
    "Frozen",
    "bernoulli",
    "beta",
    "binom",
    "cauchy",
    "chi2",
    "dirichlet",
    "expon",
    "f",
    "gamma",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "halfcauchy",
    "halfnorm",
    "invgamma",
    "invgauss",
    "laplace",
    "logistic",
    "lognorm",
    "multivariate_normal",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "rayleigh",
    "skewnorm",
    "t",
    "truncnorm",
    "uniform",
    "weibull_min",
]

_stats, __getattr__ = library("scipy.stats"), passing_on("scipy.stats")


class Distribution:
    """A distribution of SciPy of which some methods are differentiable.

    Args:
        name: its name in `scipy.stats`.
        methods: from the name of a method to its op.
    """

    def __init__(self, name: str, methods: Mapping[str, Op]) -> None:
        self._name, self._of_scipy = name, getattr(_stats, name)
        self._methods = MappingProxyType(dict(methods))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        own, op = getattr(self._of_scipy, name), self._methods.get(name)
        if op is None:
            return own
        first = "q" if name in ("ppf", "isf") else "k" if "pmf" in self._methods else "x"

        def method(*args: Any, **kwargs: Any) -> Any:
            there = device_array(*args, *kwargs.values())
            if there is None and not has_variables((args, kwargs)):
                return own(*args, **kwargs)
            x, *rest = args or (kwargs.pop(first),)
            xs = self._operands(x, rest, kwargs)
            with on_common_device(f"{self._name}.{name}", map(home, xs)):
                return apply(op, xs, self._params(rest, kwargs))

        return method

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """The distribution with its parameters, loc and scale fixed."""
        return Frozen(self, args, kwargs)

    def __repr__(self) -> str:
        return f"<gradx.scipy.stats.{self._name}>"

    def __reduce__(self) -> str:
        return self._name

    def _operands(self, x: Any, args: Any, kwargs: Any) -> list[Any]:
        """The operands of an op: x, the shape parameters, loc and, of a continuous one, scale."""
        shapes, loc, scale = self._of_scipy._parse_args(*args, **kwargs)
        more = (loc, scale) if hasattr(self._of_scipy, "pdf") else (loc,)
        return list(operands(x, *shapes, *more))

    def _params(self, args: Any, kwargs: Any) -> dict[str, Any] | None:
        return None


class Frozen:
    """A distribution with its parameters, which its methods need not be given.

    >>> import gradx as gx
    >>> gx.grad(lambda mean: norm(mean, 2.0).logpdf(1.0))(0.0)
    0.25
    """

    def __init__(self, distribution: Distribution, args: Any, kwargs: Any) -> None:
        self._distribution, self._args, self._kwargs = distribution, args, kwargs

    def __getattr__(self, name: str) -> Any:
        if name not in self._distribution._methods:
            return getattr(self._distribution._of_scipy(*self._args, **self._kwargs), name)
        method = getattr(self._distribution, name)
        return lambda x: method(x, *self._args, **self._kwargs)

    def __repr__(self) -> str:
        return f"{self._distribution!r} with {self._args} {self._kwargs}"


class _MultivariateNormal(Distribution):
    def _operands(self, x: Any, args: Any, kwargs: Any) -> list[Any]:
        mean, cov, _ = _normal_parameters(*args, **kwargs)
        x, cov = map(_array, arrays(x, cov))
        if mean is None:
            size = max(spec_of(cov).size if spec_of(cov).shape == () else cov.shape[0], 1)
            mean = array_for(np.zeros(size), x)
        return [x, *map(_array, arrays(mean, x)[:1]), cov]

    def _params(self, args: Any, kwargs: Any) -> dict[str, Any]:
        return {"allow_singular": _normal_parameters(*args, **kwargs)[2]}


class _Dirichlet(Distribution):
    def _operands(self, x: Any, args: Any, kwargs: Any) -> list[Any]:
        return [_array(each) for each in arrays(x, _dirichlet_parameters(*args, **kwargs))]


def _normal_parameters(
    mean: Any = None, cov: Any = 1, allow_singular: bool = False
) -> tuple[Any, Any, bool]:
    return mean, cov, allow_singular


def _dirichlet_parameters(alpha: Any) -> Any:
    return alpha


def _array(x: Any) -> Any:
    """A number or a list as an array; an array of floats as it is."""
    x = operand(x)
    return x if spec_of(x).form is Form.ARRAY else reshape(x, ())


def _distribution(name: str) -> Distribution:
    ops = {**CONTINUOUS, **DISCRETE}
    return Distribution(name, {method: op for (own, method), op in ops.items() if own == name})


bernoulli = _distribution("bernoulli")
beta = _distribution("beta")
binom = _distribution("binom")
cauchy = _distribution("cauchy")
chi2 = _distribution("chi2")
expon = _distribution("expon")
f = _distribution("f")
gamma = _distribution("gamma")
geom = _distribution("geom")
gumbel_l = _distribution("gumbel_l")
gumbel_r = _distribution("gumbel_r")
halfcauchy = _distribution("halfcauchy")
halfnorm = _distribution("halfnorm")
invgamma = _distribution("invgamma")
invgauss = _distribution("invgauss")
laplace = _distribution("laplace")
logistic = _distribution("logistic")
lognorm = _distribution("lognorm")
nbinom = _distribution("nbinom")
norm = _distribution("norm")
pareto = _distribution("pareto")
poisson = _distribution("poisson")
rayleigh = _distribution("rayleigh")
skewnorm = _distribution("skewnorm")
t = _distribution("t")
truncnorm = _distribution("truncnorm")
uniform = _distribution("uniform")
weibull_min = _distribution("weibull_min")
multivariate_normal = _MultivariateNormal(
    "multivariate_normal",
    {"pdf": multivariate.normal_pdf, "logpdf": multivariate.normal_logpdf},
)
dirichlet = _Dirichlet(
    "dirichlet",
    {"pdf": multivariate.dirichlet_pdf, "logpdf": multivariate.dirichlet_logpdf},
)
