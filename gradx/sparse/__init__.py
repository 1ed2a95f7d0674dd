"""Sparse Jacobians: a run that finds which number depends on which, and colours of columns."""

from gradx.ops import scipy as _scipy  # noqa: F401 - which says what to install without SciPy
