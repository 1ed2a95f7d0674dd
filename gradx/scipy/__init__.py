"""SciPy's functions, lifted; SciPy is imported with the first submodule that is used.

``scipy.special.erf(v)`` on a variable arrives here by itself, since it is a ufunc. Other functions
of SciPy do not ask their operands what to do: they are called here by their names, as in
``gradx.scipy.linalg.solve(a, b)``. Whatever is not lifted is SciPy's own function.
"""

from __future__ import annotations

import functools
import importlib
from importlib.util import find_spec
from typing import Any

from gradx.core.dispatch import LIBRARIES
from gradx.scipy.library import passing_on
from gradx.values.operations import Entry, registry

__all__: list[str] = []

_of_scipy = passing_on("scipy")


def __getattr__(name: str) -> Any:
    own = f"{__name__}.{name}"
    return importlib.import_module(own) if find_spec(own) else _of_scipy(name)


def _lifted_ufuncs(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}").LIFTED_UFUNCS


LIBRARIES["scipy.special"] = functools.partial(_lifted_ufuncs, "special")

_SPARSE = "sparse.arrays"


@registry.detect
def _sparse_arrays(cls: type) -> Entry | None:
    """The entry of SciPy's sparse arrays, which come before anything of SciPy's was used here."""
    if not str(cls.__module__).startswith("scipy.sparse"):
        return None
    arrays = importlib.import_module(f"{__name__}.{_SPARSE}")
    return arrays.entry_of if cls in arrays.CLASSES else None
