"""The functions of SciPy on CuPy's arrays: CuPy's own of the same names, or NumPy's on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx_cuda.diagnosis import import_cupyx
from gradx_cuda.of_fft import transform
from gradx_cuda.of_linalg import LINALG

__all__ = ["WithScipy"]

_MODULES = ("special", "linalg", "signal", "ndimage", "fft", "sparse", "sparse.linalg")


class WithScipy(dict[Any, Callable[..., Any]]):
    """A kernel table that also has what CuPy has of SciPy.

    A function is looked up when it is first asked for: importing SciPy's and CuPy's takes longer
    than a first gradient.
    """

    def get(self, function: Any, default: Any = None) -> Any:
        """What stands in for a function or a rule, or ``default``."""
        found = super().get(function)
        if found is None:
            found = self._of_scipy(function)
        return default if found is None else found

    def _of_scipy(self, function: Any) -> Callable[..., Any] | None:
        """CuPy's function of the name of a function of SciPy, if that is what it is."""
        name = getattr(function, "__name__", None)
        if name is None or not _may_be_scipys(function):
            return None
        for module in _MODULES:
            if getattr(sys.modules.get(f"scipy.{module}"), name, None) is function:
                stand_in: Callable[..., Any] | None
                stand_in = _OWN.get(f"{module}.{name}") or getattr(
                    import_cupyx(f"scipy.{module}"), name, None
                )
                if stand_in is None:
                    return None
                if name == "polygamma":
                    stand_in = partial(_polygamma, stand_in)
                self[function] = stand_in
                return stand_in
        return None


def _may_be_scipys(function: Any) -> bool:
    """Whether a function is SciPy's; of ufuncs and classes of C that is not known."""
    return isinstance(function, (np.ufunc, type)) or str(
        getattr(function, "__module__", "")
    ).startswith("scipy.")


def _convolve(a: Any, b: Any, mode: str, method: str) -> Any:
    """CuPy's, which chooses a method along one axis alone: directly for few weights."""
    if method == "auto" and a.ndim > 1:
        method = "direct" if min(a.size, b.size) <= _FEW else "fft"
    return import_cupyx("scipy.signal").convolve(a, b, mode, method)


_FEW = 1000


def _polygamma(polygamma: Callable[..., Any], n: Any, x: Any) -> Any:
    """CuPy's, which takes arrays alone, of an order that may be a number."""
    return polygamma(n if hasattr(n, "shape") else np.full_like(x, n), x)


_OWN: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "signal.convolve": _convolve,
        "fft.dct": transform("dct"),
        "fft.dst": transform("dst"),
        **LINALG,
    }
)
"""What stands in for a function, where that is not CuPy's of the same name alone."""
