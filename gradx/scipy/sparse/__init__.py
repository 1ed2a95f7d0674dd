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
from gradx.scipy.sparse.creation import (
    block_array,
    block_diag,
    bmat,
    diags,
    diags_array,
    eye,
    eye_array,
    hstack,
    identity,
    kron,
    kronsum,
    random,
    random_array,
    spdiags,
    tril,
    triu,
    vstack,
)

__all__ = [
    "block_array",
    "block_diag",
    "bmat",
    "coo_array",
    "coo_matrix",
    "csc_array",
    "csc_matrix",
    "csr_array",
    "csr_matrix",
    "diags",
    "diags_array",
    "eye",
    "eye_array",
    "hstack",
    "identity",
    "kron",
    "kronsum",
    "linalg",
    "random",
    "random_array",
    "spdiags",
    "tril",
    "triu",
    "vstack",
]

__getattr__ = passing_on("scipy.sparse")
