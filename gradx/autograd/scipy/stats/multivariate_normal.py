"""`autograd.scipy.stats.multivariate_normal`: the functions of the distribution."""

from gradx.scipy.stats import multivariate_normal as _own

__all__ = ["entropy", "logpdf", "pdf"]

entropy = _own.entropy
logpdf = _own.logpdf
pdf = _own.pdf
