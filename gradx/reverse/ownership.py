"""Ownership: whether an array may become a gradient as it is, or must be copied.

The one place that counts references. A rule may hand out an array that it keeps, or that is another
input's gradient too; most hand out a new one. One whose memory nothing else knows need not be
copied, which saves a copy of every parameter at every step: benchmark rows W2 and W3, see
docs/decisions/0022-what-speed-may-cost.md. Where references cannot be counted everything is copied.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

__all__ = ["is_unshared"]


def _references(cell: list[Any]) -> int:
    g = cell.pop()
    count = sys.getrefcount(g)
    cell.append(g)
    return count


def _references_of_base(cell: list[Any]) -> int:
    return sys.getrefcount(cell[0].base)


def _base_of(cell: list[Any]) -> Any:
    """The base of an array; not None for a type without the attribute."""
    return getattr(cell[0], "base", ...)


_COUNTED = hasattr(sys, "getrefcount")
_ALONE = _references([np.empty(0)]) if _COUNTED else 0
"""The reference count of an array that only a local variable refers to."""
_BASE_ALONE = _references_of_base([np.empty((2, 3)).T]) if _COUNTED else 0


def is_unshared(cell: list[Any]) -> bool:
    """Whether the array in a cell owns writable memory, and only the cell refers to it.

    Args:
        cell: the list, which holds the only reference that the caller knows of.
    """
    if not _COUNTED or _references(cell) != _ALONE:
        return False
    flags = getattr(cell[0], "flags", None)
    if flags is None or not getattr(flags, "writeable", True):
        return False
    if _base_of(cell) is None:  # memory may still be lent, by a library
        return bool(flags.owndata)
    # A product that was transposed: all of another array, of which there is no other view.
    return (
        type(_base_of(cell)) is type(cell[0])
        and bool(_base_of(cell).flags.owndata)
        and _base_of(cell).nbytes == cell[0].nbytes
        and bool(flags.f_contiguous)
        and _references_of_base(cell) == _BASE_ALONE
    )
