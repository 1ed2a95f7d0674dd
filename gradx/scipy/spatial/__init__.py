"""SciPy's distances, under the names of `scipy.spatial`."""

from __future__ import annotations

from gradx.scipy.library import passing_on
from gradx.scipy.spatial import distance

__all__ = ["distance"]

__getattr__ = passing_on("scipy.spatial")
