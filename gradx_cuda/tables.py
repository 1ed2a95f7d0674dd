"""The table of the CuPy backend: everything that stands in for a function on CuPy's arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradx.extension import leafwise, sparse_product
from gradx_cuda.elementwise import elementwise_table
from gradx_cuda.kernels import Kernels
from gradx_cuda.multi_tensor import MultiTensor
from gradx_cuda.of_scipy import WithScipy
from gradx_cuda.of_sparse import SparseProduct
from gradx_cuda.scatter import ScatterAdd
from gradx_cuda.softmax import Softmax

__all__ = ["kernel_table"]


def kernel_table(cupy: Any) -> Mapping[Any, Callable[..., Any]]:
    """From a function or a rule to its stand-in.

    Args:
        cupy: the module.
    """
    kernels = Kernels(cupy).table()
    return WithScipy(
        {
            **kernels,
            np.add.at: ScatterAdd(cupy, kernels[np.add.at]),
            **elementwise_table(cupy),
            **Softmax(cupy).table(),
            leafwise: MultiTensor(cupy),
            sparse_product: SparseProduct(cupy),
        }
    )
