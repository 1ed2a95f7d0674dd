"""Kernels: what CuPy's arrays refuse through NumPy's protocols, written with CuPy itself.

A rule is plain NumPy code, and nearly all of it reaches CuPy by itself. What does not stands here,
from the NumPy function to one of the same arguments on CuPy arrays. So do functions that make an
array of nothing, since only the caller knows on which device it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.extension import lacking
from gradx_cuda.diagnosis import import_cupyx


class Kernels:
    """The stand-ins, as methods.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy

    def table(self) -> Mapping[Any, Callable[..., Any]]:
        """From a NumPy function to its stand-in."""
        cupy = self.cupy
        return MappingProxyType(
            {
                np.add.at: self.add_at,
                np.maximum.at: self.maximum_at,
                np.arange: cupy.arange,
                np.argpartition: self.argpartition,
                np.asarray: cupy.asarray,
                np.choose: self.choose,
                np.nanmax: self.nanmax,
                np.nanmin: self.nanmin,
                np.partition: self.partition,
                np.linalg.eig: self.eig,
                np.linalg.eigvals: self.eigvals,
                np.linalg.pinv: self.pinv,
                np.linalg.solve: self.solve,
                np.lexsort: self.lexsort,
                np.linspace: self.linspace,
                np.searchsorted: self.searchsorted,
                np.spacing: self.spacing,
                np.tril_indices_from: self.of_shape(np.tril_indices_from),
                np.triu_indices_from: self.of_shape(np.triu_indices_from),
                np.diag_indices_from: self.of_shape(np.diag_indices_from),
                np.vecdot: self.vecdot,
                np.where: self.where,
            }
        )

    def add_at(self, buffer: Any, index: Any, g: Any) -> None:
        """``np.add.at``, whose index may have lists and arrays of the host in it.

        CuPy adds real numbers only, so a complex array is added as two.
        """
        parts = tuple(map(self._place, index)) if isinstance(index, tuple) else self._place(index)
        add_at = self.cupy.add.at
        if buffer.dtype.kind != "c":
            add_at(buffer, parts, g)
            return
        add_at(buffer.real, parts, g.real)
        add_at(buffer.imag, parts, g.imag)

    def maximum_at(self, buffer: Any, index: Any, x: Any) -> None:
        """``np.maximum.at``, of an index on the device."""
        self.cupy.maximum.at(buffer, index, x)

    def _place(self, part: Any) -> Any:
        """A list or an array of the host as an array of the device; anything else as it is."""
        if isinstance(part, list):
            part = np.asarray(part) if len(part) else np.asarray(part, int)
        return self.cupy.asarray(part) if isinstance(part, np.ndarray) else part

    def argpartition(self, a: Any, kth: Any, axis: int | None = -1, kind: Any = None) -> Any:
        """``np.argpartition``, by a sort, which CuPy's own is too, but waits for the device."""
        return self.cupy.argsort(a, axis=axis)

    def partition(self, a: Any, kth: Any, axis: int = -1, kind: Any = None) -> Any:
        """``np.partition``, likewise."""
        return self.cupy.sort(a, axis=axis)

    def choose(self, which: Any, choices: Any) -> Any:
        """``np.choose``, among arrays of different shapes; as everywhere, no index is checked."""
        y, *others = choices
        for i, x in enumerate(others, 1):
            y = self.cupy.where(which == i, x, y)
        return self.cupy.broadcast_to(y, np.broadcast_shapes(which.shape, y.shape)).copy()

    def lexsort(self, keys: Any, axis: int = -1) -> Any:
        """``np.lexsort``, by stable sorts; CuPy's takes the rows of a matrix only."""
        cupy = self.cupy
        order = cupy.argsort(keys[0], axis=axis)
        for key in keys[1:]:
            sorted_before = cupy.take_along_axis(key, order, axis=axis)
            again = cupy.argsort(sorted_before, axis=axis, kind="stable")
            order = cupy.take_along_axis(order, again, axis=axis)
        return order

    def linspace(
        self,
        start: Any,
        stop: Any,
        num: int = 50,
        endpoint: bool = True,
        dtype: Any = None,
        axis: int = 0,
    ) -> Any:
        """``np.linspace``, of NumPy's dtype; CuPy's own waits for the device if given arrays."""
        cupy, steps = self.cupy, max(num - 1 if endpoint else num, 1)
        kind = np.result_type(_typed(start), _typed(stop), 1.0) if dtype is None else dtype
        step = (stop - start) / steps
        places = cupy.arange(num, dtype=kind).reshape(-1, *(1,) * np.ndim(step))
        y = (places * step + start).astype(kind, copy=False)
        if endpoint and num > 1:
            y[-1] = stop
        return cupy.moveaxis(y, 0, axis)

    def nanmax(self, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """``np.nanmax``; CuPy's own waits for the device, to warn where all are NaN."""
        lost = self.cupy.isnan(a)
        y = self.cupy.where(lost, -self.cupy.inf, a).max(axis=axis, keepdims=keepdims)
        return self.cupy.where(lost.all(axis=axis, keepdims=keepdims), self.cupy.nan, y)

    def nanmin(self, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """``np.nanmin``, as `nanmax`."""
        return -self.nanmax(-a, axis, keepdims)

    def eig(self, a: Any) -> Any:
        """``np.linalg.eig``: of real numbers where there are no others, which is read."""
        check_geev("np.linalg.eig", a)
        w, v = self.cupy.linalg.eig(a)
        return (w.real, v.real) if are_real(a, w) else (w, v)

    def eigvals(self, a: Any) -> Any:
        """``np.linalg.eigvals``, as `eig`."""
        check_geev("np.linalg.eigvals", a)
        w = self.cupy.linalg.eigvals(a)
        return w.real if are_real(a, w) else w

    def pinv(self, a: Any, rcond: Any = 1e-15, hermitian: bool = False, *, rtol: Any = ...) -> Any:
        """``np.linalg.pinv``; CuPy's own waits for the device, and has no ``rtol``."""
        cupy = self.cupy
        if rtol is None:
            rtol = max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
        cutoff = rcond if rtol is ... else rtol
        u, s, v = cupy.linalg.svd(a.conj(), full_matrices=False)
        kept = s > cupy.expand_dims(cutoff * s.max(axis=-1), -1)
        inverse = cupy.where(kept, 1 / cupy.where(kept, s, 1), 0)
        return cupy.matmul(v.swapaxes(-2, -1), inverse[..., None] * u.swapaxes(-2, -1))

    def solve(self, a: Any, b: Any) -> Any:
        """``np.linalg.solve``, which repeats stacks of matrices to a common shape."""
        cupy = self.cupy
        if b.ndim == 1:
            return cupy.linalg.solve(a, b[:, None] if a.ndim == 2 else self._repeated(a, b))[..., 0]
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return cupy.linalg.solve(
            cupy.broadcast_to(a, stack + a.shape[-2:]), cupy.broadcast_to(b, stack + b.shape[-2:])
        )

    def _repeated(self, a: Any, b: Any) -> Any:
        """A vector as a column for each matrix of a stack."""
        column = b[:, None]
        return self.cupy.broadcast_to(column, a.shape[:-2] + column.shape)

    def searchsorted(self, a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
        """``np.searchsorted``, where either operand may be on the host."""
        return self.cupy.searchsorted(self.cupy.asarray(a), self.cupy.asarray(v), side, sorter)

    def spacing(self, x: Any) -> Any:
        """``np.spacing``: the distance to the next number, away from zero, with the sign of x."""
        cupy = self.cupy
        away = cupy.inf if x.dtype.char == "e" else cupy.copysign(cupy.inf, x + 0.0)
        return cupy.nextafter(x, away) - x

    def of_shape(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that gives indices for a shape, found on the host: CuPy's waits for them."""

        def indices(a: Any, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
            found = function(np.broadcast_to(np.False_, a.shape), *args, **kwargs)
            return tuple(map(self.cupy.asarray, found))

        return indices

    def vecdot(self, a: Any, b: Any) -> Any:
        """``np.vecdot``: the sum of ``conj(a) * b`` along the last axis."""
        return (self.cupy.conj(a) * b).sum(axis=-1)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """``np.where``, whose condition may be one Python bool."""
        if not hasattr(condition, "dtype") or isinstance(condition, np.generic):
            condition = self.cupy.full((), bool(condition))
        return self.cupy.where(condition, x, y)


def are_real(a: Any, w: Any) -> bool:
    """Whether the eigenvalues of a matrix of real numbers are all real, which is read."""
    return a.dtype.kind != "c" and bool((w.imag == 0).all())


def check_geev(name: str, a: Any) -> None:
    """Refuse eigenvalues of any matrix where the installed cuSOLVER has none.

    Args:
        name: the function that asks for them.
        a: the matrix.

    Raises:
        NotLiftedError: it has none.
    """
    if not import_cupyx("cusolver").check_availability("geev"):
        raise lacking(name, a, " with a CUDA before 12.6 Update 2")


def _typed(x: Any) -> Any:
    """The dtype of an array, or a Python number, which promotes none."""
    return getattr(x, "dtype", x)
