"""`autograd.scipy.stats.poisson`: the functions of the distribution."""

from gradx.scipy.stats import poisson as _own

__all__ = ["cdf", "logpmf", "pmf"]

cdf = _own.cdf
logpmf = _own.logpmf
pmf = _own.pmf
