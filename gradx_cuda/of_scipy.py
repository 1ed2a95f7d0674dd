"""The functions of SciPy on CuPy's arrays: CuPy's own of the same names, or NumPy's on them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.extension import lacking
from gradx_cuda.diagnosis import import_cupyx

__all__ = ["WithScipy"]

_MODULES = ("special", "linalg", "signal", "ndimage", "fft")


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
    """Whether a function is SciPy's, or a ufunc, which does not say whose it is."""
    return isinstance(function, np.ufunc) or str(getattr(function, "__module__", "")).startswith(
        "scipy."
    )


def _cosines(name: str) -> Callable[..., Any]:
    """CuPy's cosine or sine transform, of which it has two types of four.

    Raises:
        NotLiftedError: (the function) it is of another type.
    """

    def transform(x: Any, type: int, *rest: Any) -> Any:
        if type not in (2, 3):
            raise lacking(f"scipy.fft.{name}", x, f" of type {type}")
        return getattr(import_cupyx("scipy.fft"), name)(x, type, *rest)

    return transform


def _convolve(a: Any, b: Any, mode: str, method: str) -> Any:
    """CuPy's, which chooses a method along one axis alone: directly for few weights."""
    if method == "auto" and a.ndim > 1:
        method = "direct" if min(a.size, b.size) <= _FEW else "fft"
    return import_cupyx("scipy.signal").convolve(a, b, mode, method)


_FEW = 1000


def _polygamma(polygamma: Callable[..., Any], n: Any, x: Any) -> Any:
    """CuPy's, which takes arrays alone, of an order that may be a number."""
    return polygamma(n if hasattr(n, "shape") else np.full_like(x, n), x)


# --- Linear algebra -------------------------------------------------------------------------------


def _of_numpy(
    name: str, function: Callable[..., Any], count: int, known: frozenset[str]
) -> Callable[..., Any]:
    """A function of NumPy's in place of SciPy's, which looks at no values.

    Args:
        name: SciPy's.
        function: its stand-in.
        count: how many arrays that takes.
        known: its options.

    Raises:
        NotLiftedError: (the function) it is called with what the stand-in lacks.
    """

    def call(*xs: Any, check_finite: bool = True, lapack_driver: Any = None, **options: Any) -> Any:
        if len(xs) > count:
            raise lacking(f"scipy.linalg.{name}", xs[0], f" of {len(xs)} arrays")
        if unknown := [key for key in options if key not in known]:
            raise lacking(f"scipy.linalg.{name}", xs[0], f" with {', '.join(unknown)}")
        return function(*xs, **options)

    return call


def _cholesky(x: Any, lower: bool) -> Any:
    """The lower factor reads the lower triangle; the upper one is its adjoint."""
    if lower:
        return np.linalg.cholesky(x)
    return np.conj(np.linalg.cholesky(np.conj(x.swapaxes(-1, -2))).swapaxes(-1, -2))


def _lu(x: Any, p_indices: bool) -> Any:
    """CuPy's, with the rows that the matrix has in place of a matrix of their permutation."""
    order, lower, upper = import_cupyx("scipy.linalg").lu(x)
    return np.argmax(order, axis=-1), lower, upper


def _lstsq(a: Any, b: Any, cond: float | None) -> Any:
    return np.linalg.lstsq(a, b, np.finfo(a.dtype).eps if cond is None else cond)


def _qr(x: Any, mode: str) -> Any:
    return np.linalg.qr(x, "complete" if mode == "full" else "reduced")


def _svdvals(x: Any) -> Any:
    return np.linalg.svd(x, compute_uv=False)


def _pinv(x: Any, rtol: float | None = None) -> Any:
    """NumPy's, with the bound below which SciPy takes a singular value for 0."""
    bound = max(x.shape[-2:]) * np.finfo(x.dtype).eps if rtol is None else rtol
    return np.linalg.pinv(x, float(bound))


def _eigh(x: Any, lower: bool) -> Any:
    return np.linalg.eigh(x, "L" if lower else "U")


def _eigvalsh(x: Any, lower: bool) -> Any:
    return np.linalg.eigvalsh(x, "L" if lower else "U")


_LINALG: Mapping[str, tuple[Callable[..., Any], int, str]] = MappingProxyType(
    {
        "solve": (np.linalg.solve, 2, ""),
        "inv": (np.linalg.inv, 1, ""),
        "det": (np.linalg.det, 1, ""),
        "pinv": (_pinv, 1, "rtol"),
        "cholesky": (_cholesky, 1, "lower"),
        "lstsq": (_lstsq, 2, "cond"),
        "lu": (_lu, 1, "p_indices"),
        "qr": (_qr, 1, "mode"),
        "svd": (np.linalg.svd, 1, "full_matrices"),
        "svdvals": (_svdvals, 1, ""),
        "eigh": (_eigh, 1, "lower"),
        "eigvalsh": (_eigvalsh, 1, "lower"),
    }
)
"""The stand-ins, with how many arrays each takes, and the option that it knows."""
_OWN: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "signal.convolve": _convolve,
        "fft.dct": _cosines("dct"),
        "fft.dst": _cosines("dst"),
        **{
            f"linalg.{name}": _of_numpy(name, function, count, frozenset(option.split()))
            for name, (function, count, option) in _LINALG.items()
        },
    }
)
