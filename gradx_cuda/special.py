"""The functions of `scipy.special` on CuPy's arrays: CuPy's own of the same names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradx_cuda.diagnosis import import_special

__all__ = ["WithSpecial"]


class WithSpecial(dict[Any, Callable[..., Any]]):
    """A kernel table that also has what CuPy has of `scipy.special`.

    A function is looked up when it is first asked for: importing SciPy's and CuPy's takes longer
    than a first gradient.
    """

    def get(self, function: Any, default: Any = None) -> Any:
        """What stands in for a function or a rule, or ``default``."""
        found = super().get(function)
        if found is None:
            found = self._special(function)
        return default if found is None else found

    def _special(self, function: Any) -> Callable[..., Any] | None:
        """CuPy's function of the name of a function of `scipy.special`, if that is what it is."""
        special, name = sys.modules.get("scipy.special"), getattr(function, "__name__", None)
        if special is None or name is None or getattr(special, name, None) is not function:
            return None
        stand_in: Callable[..., Any] | None = getattr(import_special(), name, None)
        if stand_in is None:
            return None
        if name == "polygamma":
            stand_in = partial(_polygamma, stand_in)
        self[function] = stand_in
        return stand_in


def _polygamma(polygamma: Callable[..., Any], n: Any, x: Any) -> Any:
    """CuPy's, which takes arrays alone, of an order that may be a number."""
    return polygamma(n if hasattr(n, "shape") else np.full_like(x, n), x)
