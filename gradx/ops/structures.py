"""Structures: which part of a matrix an equation reads, by the options of `scipy.linalg.solve`.

What is read is made into the whole matrix that is meant, and the cotangent of the whole one into
that of what is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.spec import shape_of
from gradx.ops.helpers import conj, eye_for
from gradx.ops.helpers import transposed as t
from gradx.ops.linalg import read_triangle

__all__ = ["by_what_is_read", "whole_matrix"]

Options = Mapping[str, Any]
_STRUCTURES: Mapping[Any, str] = MappingProxyType(
    {
        "sym": "symmetric",
        "her": "hermitian",
        "pos": "hermitian",
        "positive definite": "hermitian",
        "diagonal": "diagonal",
        "upper triangular": "upper",
        "lower triangular": "lower",
        "tridiagonal": "tridiagonal",
    }
)


def _structure(options: Options) -> str:
    """What ``assume_a`` says: the name of a part of the matrix, or '' for the whole."""
    assumed = options.get("assume_a")
    return _STRUCTURES.get(assumed, assumed if assumed in ("symmetric", "hermitian") else "")


def whole_matrix(a: Any, options: Options) -> Any:
    """The matrix that is meant by the part that is read.

    Args:
        a: the matrix as it was given, shape (…, n, n).
        options: SciPy's, of which ``assume_a`` and ``lower`` say the part.
    """
    structure, lower = _structure(options), bool(options.get("lower"))
    if structure in ("symmetric", "hermitian"):
        half = np.tril(a, -1) if lower else np.triu(a, 1)
        other, diagonal = t(half), a * eye_for(a, shape_of(a)[-1])
        if structure == "hermitian":
            other, diagonal = conj(other), (diagonal + conj(diagonal)) / 2
        return half + other + diagonal
    return _part(a, structure)


def _part(x: Any, structure: str) -> Any:
    if structure == "diagonal":
        return np.tril(np.triu(x))
    if structure == "tridiagonal":
        return np.tril(np.triu(x, -1), 1)
    return np.triu(x) if structure == "upper" else np.tril(x) if structure == "lower" else x


def by_what_is_read(h: Any, options: Options) -> Any:
    """The cotangent of the part that is read, from that of the whole matrix.

    Args:
        h: the cotangent of `whole_matrix`, shape (…, n, n).
        options: those of `whole_matrix`.
    """
    structure, lower = _structure(options), bool(options.get("lower"))
    if structure == "hermitian":
        return conj(read_triangle(conj(h), lower))
    if structure == "symmetric":
        both = h + t(h)
        return (np.tril(both, -1) if lower else np.triu(both, 1)) + h * eye_for(h, h.shape[-1])
    return _part(h, structure)
