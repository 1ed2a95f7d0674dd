"""`autograd.scipy.stats.dirichlet`: the functions of the distribution."""

from gradx.scipy.stats import dirichlet as _own

__all__ = ["logpdf", "pdf"]

logpdf = _own.logpdf
pdf = _own.pdf
