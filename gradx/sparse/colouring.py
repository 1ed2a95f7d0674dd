"""Colouring: columns of a sparse Jacobian that may be found together."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

__all__ = ["coloured"]


def coloured(pattern: Any) -> Any:
    """A colour for each column of a pattern, from 0; no row has two columns of one colour.

    Each column gets the first colour that no column has that meets it in a row: the greedy method
    of A. R. Curtis, M. J. D. Powell and J. K. Reid, "On the estimation of sparse Jacobian matrices"
    (1974).

    Args:
        pattern: a boolean CSR array, shape (m, n).

    Returns:
        An array of whole numbers, shape (n,).
    """
    m, n = pattern.shape
    if np.diff(pattern.indptr).max(initial=0) == n:  # all meet in a row
        return np.arange(n)
    by_columns = pattern.tocsc()
    where, rows = by_columns.indptr.tolist(), by_columns.indices.tolist()
    taken = [0] * m  # for each row the colours of its columns, as bits
    colours = []
    for start, stop in itertools.pairwise(where):
        met = 0
        for row in rows[start:stop]:
            met |= taken[row]
        first = ~met & (met + 1)
        for row in rows[start:stop]:
            taken[row] |= first
        colours.append(first.bit_length() - 1)
    return np.array(colours, int)
