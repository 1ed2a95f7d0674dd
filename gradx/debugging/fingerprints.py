"""Fingerprints: whether an array that a rule keeps by reference is still what it was."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["SHORT", "fingerprint"]

SHORT = 65_536
"""Bytes up to which an array is copied."""
_ROW = 512
"""Words in a row of the table whose sums are the digest of a larger array."""


def fingerprint(x: Any) -> Any:
    """What tells an array from itself with other numbers: a copy of it, or a digest.

    The digest of an array of more than 64 kB is the sums, modulo 2**64, of its words by rows and by
    columns of a table of them. A change of one number always changes it; so do sorting and
    shuffling, but for a chance of about one in 2**64 for each row.
    """
    if x.nbytes <= SHORT:
        return x.tobytes()
    if 0 in x.strides:  # what was repeated by broadcasting stands in memory once
        return fingerprint(x[tuple([slice(1 if step == 0 else None) for step in x.strides])].copy())
    octets = x.ravel(order="K").view(np.uint8)
    whole = octets.size // (8 * _ROW) * (8 * _ROW)
    table = octets[:whole].view(np.uint64).reshape(-1, _ROW)
    rows, columns = np.add.reduce(table, axis=1), np.add.reduce(table, axis=0)
    return rows.tobytes(), columns.tobytes(), octets[whole:].tobytes()
