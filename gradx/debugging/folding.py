"""Folding: the repeats of a loop shown once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Block", "folded"]

_LONGEST = 400
"""Rows up to which a repeat is looked for."""
_FEWEST = 3
"""Repeats from which on rows are folded."""


class Block(NamedTuple):
    """Rows that stand for their repeats.

    Attributes:
        start: the first row.
        length: how many rows stand for all.
        repeats: how often they come.
    """

    start: int
    length: int
    repeats: int


def folded(marks: Sequence[object]) -> list[Block]:
    """The blocks of a sequence: repeats that follow one another are one block.

    Args:
        marks: one for each row; rows with equal marks are alike.

    >>> folded("abcbcbcd")
    [Block(start=0, length=1, repeats=1), Block(start=1, length=2, repeats=3), \
Block(start=7, length=1, repeats=1)]
    """
    blocks: list[Block] = []
    start = 0
    while start < len(marks):
        best = Block(start, 1, 1)
        for length in range(1, min(_LONGEST, (len(marks) - start) // _FEWEST) + 1):
            if marks[start] != marks[start + length]:
                continue
            count = _repeats(marks, start, length)
            if count >= _FEWEST and length * count > best.length * best.repeats:
                best = Block(start, length, count)
        blocks.append(best)
        start += best.length * best.repeats
    return blocks


def _repeats(marks: Sequence[object], start: int, length: int) -> int:
    """How often the rows from one on come one after the other."""
    end = start + length
    while end < len(marks) and marks[end] == marks[end - length]:
        end += 1
    return (end - start) // length
