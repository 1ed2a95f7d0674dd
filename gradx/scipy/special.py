"""SciPy's special functions, under the names of `scipy.special`."""

from __future__ import annotations

from gradx.ops.scipy.special import UFUNCS as LIFTED_UFUNCS
from gradx.scipy.library import passing_on

__all__ = ["LIFTED_UFUNCS"]

__getattr__ = passing_on("scipy.special")
