"""Scatter-add: what indices name added into a buffer, in one launch.

CuPy does it for one array of indices and real numbers. For several arrays of indices it computes
places first, with kernels of their own, and complex numbers it does not add at all. Here the
places are computed where the items are added.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["ScatterAdd"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Names of the types of indices; T is that of the items."""

_ADD = {
    "real": "atomicAdd(&buffer[place], value);",
    # CuPy's own changes whole words, and so reads beyond an array of an odd number of halves.
    "half": "atomicAdd((__half *)&buffer[place], (__half)(float)value);",
    "complex": (
        "atomicAdd(&parts[2 * place], value.real()); "
        "atomicAdd(&parts[2 * place + 1], value.imag());"
    ),
}


class ScatterAdd:
    """What stands in for ``np.add.at`` on CuPy's arrays.

    Args:
        cupy: the module.
        otherwise: what takes the indices that are not arrays of integers.
    """

    def __init__(self, cupy: Any, otherwise: Callable[[Any, Any, Any], None]) -> None:
        self._cupy, self._otherwise = cupy, otherwise
        self._kernels: dict[tuple[int, str], Any] = {}

    def __call__(self, buffer: Any, index: Any, g: Any) -> None:
        """``buffer[index] += g``, items that are named twice counting twice.

        Args:
            buffer: a new array, which is changed.
            index: as for ``np.add.at``.
            g: what to add, of the shape of ``buffer[index]`` or repeated to it.
        """
        parts = index if isinstance(index, tuple) else (index,)
        if not self._takes(buffer, parts, g):
            self._otherwise(buffer, index, g)
            return
        rest = buffer.shape[len(parts) :]
        named = np.broadcast_shapes(*[part.shape for part in parts])
        whole = (*named, *rest)
        if not math.prod(whole):
            return
        inner = math.prod(rest)
        places = [part.reshape(part.shape + (1,) * len(rest)) if rest else part for part in parts]
        kind = {"e": "half", "F": "complex", "D": "complex"}.get(buffer.dtype.char, "real")
        kernel = self._kernel(len(parts), kind)
        g = self._cupy.broadcast_to(g.astype(buffer.dtype, copy=False), whole)
        lengths = [np.int64(n) for n in buffer.shape[: len(parts)]]
        kernel(*places, g, *lengths, np.int64(inner), buffer)

    def _takes(self, buffer: Any, parts: tuple[Any, ...], g: Any) -> bool:
        """Whether the index is of arrays of integers on the device, from the first axis on."""
        array = self._cupy.ndarray
        return (
            type(g) is array
            and 0 < len(parts) <= min(buffer.ndim, len(_LETTERS))
            and buffer.flags.c_contiguous
            and buffer.dtype.char in "efdFD"
            and not (g.dtype.kind == "c" and buffer.dtype.kind != "c")
            and all(type(part) is array and part.dtype.kind in "iu" for part in parts)
            and all(buffer.shape[: len(parts)])
        )

    def _kernel(self, arity: int, kind: str) -> Any:
        kernel = self._kernels.get((arity, kind))
        if kernel is None:
            names = [f"{_LETTERS[k]} i{k}" for k in range(arity)]
            lengths = [f"int64 n{k}" for k in range(arity)]
            # An index may count from the end; one that is out of bounds wraps, as it does where
            # CuPy takes items, so that this stays the transpose of that.
            place = ["long long place = 0, at;"]
            for k in range(arity):
                place.append(f"at = (long long)i{k} % n{k}; if (at < 0) at += n{k};")
                place.append(f"place = place * n{k} + at;")
            place.append("place = place * inner + i % inner;")
            pointer = "typename T::value_type *parts = (typename T::value_type *)&buffer[0];"
            kernel = self._kernels[arity, kind] = self._cupy.ElementwiseKernel(
                ", ".join([*names, "T value", *lengths, "int64 inner"]),
                "raw T buffer",
                "\n".join([*place, *([pointer] if kind == "complex" else []), _ADD[kind]]),
                f"gradx_scatter_add{arity}_{kind}",
                preamble="#include <cupy/atomics.cuh>\n#include <cupy/complex.cuh>\n",
            )
        return kernel
