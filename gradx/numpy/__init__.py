"""NumPy's functions, lifted: each works on plain values and on variables alike.

``np.f(v)`` on a variable arrives here through NumPy's own protocols; ``gradx.numpy.f(v)`` is the
same function. Each takes lists with variables too, which NumPy makes object arrays of before a
variable is asked; so do the ufuncs. Creation functions, which NumPy cannot dispatch, are here too.
"""

# ruff: noqa: F403 - each module names what it gives away in its __all__

from __future__ import annotations

from numpy import complex64, complex128, e, float32, float64, inf, nan, newaxis, pi

from gradx.numpy import (
    assignment,
    creation,
    elementwise,
    emath,
    fft,
    functional,
    indexing,
    joining,
    lib,
    linalg,
    polynomials,
    products,
    quantiles,
    queries,
    reductions,
    repeating,
    sets,
    shaping,
    sorting,
    statistics,
    ufuncs,
)
from gradx.numpy.assignment import *
from gradx.numpy.creation import *
from gradx.numpy.elementwise import *
from gradx.numpy.functional import *
from gradx.numpy.indexing import *
from gradx.numpy.joining import *
from gradx.numpy.polynomials import *
from gradx.numpy.products import *
from gradx.numpy.quantiles import *
from gradx.numpy.queries import *
from gradx.numpy.reductions import *
from gradx.numpy.repeating import *
from gradx.numpy.sets import *
from gradx.numpy.shaping import *
from gradx.numpy.sorting import *
from gradx.numpy.statistics import *
from gradx.numpy.ufuncs import *

__all__ = [
    "complex64",
    "complex128",
    "e",
    "emath",
    "fft",
    "float32",
    "float64",
    "inf",
    "lib",
    "linalg",
    "nan",
    "newaxis",
    "pi",
]
__all__ += assignment.__all__
__all__ += creation.__all__
__all__ += elementwise.__all__
__all__ += functional.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += polynomials.__all__
__all__ += products.__all__
__all__ += quantiles.__all__
__all__ += queries.__all__
__all__ += reductions.__all__
__all__ += repeating.__all__
__all__ += sets.__all__
__all__ += shaping.__all__
__all__ += sorting.__all__
__all__ += statistics.__all__
__all__ += ufuncs.__all__
