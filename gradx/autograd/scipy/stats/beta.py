"""`autograd.scipy.stats.beta`: the functions of the distribution."""

from gradx.scipy.stats import beta as _own

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]

cdf = _own.cdf
logcdf = _own.logcdf
logpdf = _own.logpdf
logsf = _own.logsf
pdf = _own.pdf
sf = _own.sf
