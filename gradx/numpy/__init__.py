"""NumPy's functions, lifted: each works on plain values and on variables alike.

``np.f(v)`` on a variable arrives here through NumPy's own protocols; ``gradx.numpy.f(v)`` is the
same function. Each takes lists with variables too, which NumPy makes object arrays of before a
variable is asked; so do the ufuncs. Creation functions, which NumPy cannot dispatch, are here too.
A call without a variable is one of NumPy's own function.

It is a namespace of the Python array API standard: `__array_namespace__` of a variable gives it.
"""

# ruff: noqa: F403 - each module names what it gives away in its __all__

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as _numpy

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
    plain,
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
    ufunc_methods,
    ufuncs,
)
from gradx.numpy.assignment import *
from gradx.numpy.creation import *
from gradx.numpy.elementwise import *
from gradx.numpy.functional import *
from gradx.numpy.indexing import *
from gradx.numpy.joining import *
from gradx.numpy.plain import *
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
from gradx.numpy.ufunc_methods import *
from gradx.numpy.ufuncs import *

__all__ = ["emath", "fft", "lib", "linalg"]
__all__ += assignment.__all__
__all__ += creation.__all__
__all__ += elementwise.__all__
__all__ += functional.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += plain.__all__
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
__all__ += ufunc_methods.__all__
__all__ += ufuncs.__all__

_SUBMODULES = frozenset(
    {"char", "dtypes", "exceptions", "ma", "polynomial", "random", "rec", "strings", "testing"}
)

if not TYPE_CHECKING:  # so that a type checker knows which names there are

    def __getattr__(name: str) -> Any:
        """NumPy's own submodules, imported when they are asked for."""
        if name in _SUBMODULES:
            return getattr(_numpy, name)
        raise AttributeError(f"module 'gradx.numpy' has no attribute {name!r}")
