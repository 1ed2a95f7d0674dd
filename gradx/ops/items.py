"""Items: the product of a sparse array, of its items, with a dense one.

It knows nothing of SciPy, so that a backend may name it in its table: see `gradx.extension`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["sparse_product"]


def sparse_product(a: Any, b: Any, *, pattern: Any) -> Any:
    """The product of a sparse array with a vector or a dense matrix.

    Args:
        a: the items, shape (k,).
        b: a vector or a matrix, shape (m,) or (m, c).
        pattern: where the items stand in an array of shape (n, m). A stand-in on a device asks for
            ``pattern.by_rows(b)``: the order of the items by rows, their columns in that order, and
            where each row begins, on that device.

    Returns:
        The product, shape (n,) or (n, c).
    """
    return pattern.build(a) @ b
