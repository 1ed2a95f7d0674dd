"""Sparse arrays of a fixed pattern, under the names of `scipy.sparse`."""

from __future__ import annotations

from gradx.scipy.library import passing_on
from gradx.scipy.sparse import linalg
from gradx.scipy.sparse.arrays import (
    coo_array,
    coo_matrix,
    csc_array,
    csc_matrix,
    csr_array,
    csr_matrix,
)

__all__ = [
    "coo_array",
    "coo_matrix",
    "csc_array",
    "csc_matrix",
    "csr_array",
    "csr_matrix",
    "linalg",
]

__getattr__ = passing_on("scipy.sparse")
