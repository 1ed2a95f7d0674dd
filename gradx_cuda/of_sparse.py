"""The products of sparse arrays on CuPy's arrays: one kernel, a thread for each item of the result.

Each adds up a row of the sparse array in the order of its items, whatever the format. So the result
is the same at every call, which that of atomic additions is not; and unlike cuSPARSE it takes items
of any dtype, two at one place too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["SparseProduct"]

_BODY = """
    const long long row = i / width, column = i % width;
    T sum = T(0);
    for (long long k = first[row]; k < first[row + 1]; ++k)
        sum += a[order[k]] * b[columns[k] * width + column];
    y = sum;
"""


class SparseProduct:
    """The stand-in of the product of a sparse array, of its items, with a dense one.

    Args:
        cupy: the module.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._kernel = cupy.ElementwiseKernel(
            "raw T a, raw T b, raw int64 order, raw int64 columns, raw int64 first, int64 width",
            "T y",
            _BODY,
            "gradx_sparse_product",
        )

    def __call__(self, a: Any, b: Any, *, pattern: Any) -> Any:
        """The product; one of half precision is computed in single precision."""
        dtype = np.result_type(a, b)
        computed = np.result_type(dtype, np.float32)
        a, b = a.astype(computed, copy=False), b.astype(computed, copy=False)
        y = self._cupy.empty((pattern.shape[0], *b.shape[1:]), computed)
        self._kernel(a, b, *pattern.by_rows(b), b.shape[1] if b.ndim > 1 else 1, y)
        return y.astype(dtype, copy=False)
