"""Sharing: which arrays have memory in common.

Arrays that are written into one after another must not share memory, neither with one another nor
with what is read later. For arrays that own their memory this is a comparison of identities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from gradx.devices.placement import PLACES

__all__ = ["Owners", "is_array", "owner_of"]


def is_array(x: Any) -> bool:
    """Whether it is an array, of NumPy's or on a device, and no number."""
    return isinstance(x, np.ndarray) or type(x) in PLACES


def owner_of(x: Any) -> Any:
    """The object that owns the memory of an array."""
    while getattr(x, "base", None) is not None:
        x = x.base
    return x


def _share(x: Any, y: Any) -> bool:
    """Whether two arrays share memory, or may where it is hard to say.

    Of a device's arrays only the bounds are compared, for which it need not be waited for.
    """
    if not isinstance(x, np.ndarray):
        return bool(np.may_share_memory(x, y))
    shares: Any = np.shares_memory  # its stubs know of two limits only
    try:
        return bool(shares(x, y, max_work=_WORK))
    except np.exceptions.TooHardError:
        return True


_WORK = 100_000
"""What is done at most to find whether two arrays share memory: milliseconds."""


class Owners:
    """The owners of the memory of some arrays.

    Args:
        arrays: NumPy's or a device's.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.arrays = arrays
        self._owned: dict[int, list[int]] = {}
        self._kept: list[Any] = []  # so that no id is used twice
        self._foreign: list[int] = []
        for n, x in enumerate(arrays):
            owner = owner_of(x)
            if type(owner) is type(x) or type(owner) is np.ndarray:
                self._kept.append(owner)
                self._owned.setdefault(id(owner), []).append(n)
            else:  # the memory of another library, a file or a byte string
                self._foreign.append(n)

    def pair(self) -> tuple[int, int] | None:
        """The positions of two of the arrays that share memory, if there are any."""
        for group in (*self._owned.values(), self._foreign, self._beside_foreign()):
            if len(group) > 1:
                for one, two in self._close(group):
                    if _share(self.arrays[one], self.arrays[two]):
                        return min(one, two), max(one, two)
        return None

    def may_have(self, x: Any) -> bool:
        """Whether another array may share memory with one of them."""
        if not is_array(x):
            return False
        owner = owner_of(x)
        foreign = type(owner) is not type(x) and type(owner) is not np.ndarray
        if id(owner) in self._owned or (foreign and bool(self._foreign)):
            return True
        others = self.arrays if foreign else [self.arrays[n] for n in self._foreign]
        return isinstance(x, np.ndarray) and any(
            isinstance(y, np.ndarray) and np.may_share_memory(x, y) for y in others
        )

    def _beside_foreign(self) -> list[int]:
        """The arrays of the host, if another library owns the memory of one.

        That may be the memory of an array of NumPy's all the same, as of np.from_dlpack(x).
        """
        if not any(isinstance(self.arrays[n], np.ndarray) for n in self._foreign):
            return []
        return [n for n, x in enumerate(self.arrays) if isinstance(x, np.ndarray)]

    def _close(self, group: Iterable[int]) -> Iterator[tuple[int, int]]:
        """The pairs of arrays of a group whose memory overlaps from the first item to the last."""
        group = list(group)
        if not all(isinstance(self.arrays[n], np.ndarray) for n in group):
            yield from ((one, two) for k, one in enumerate(group) for two in group[:k])
            return
        spans = sorted((*byte_bounds(self.arrays[n]), n) for n in group)
        open_spans: list[tuple[int, int]] = []
        for low, high, n in spans:
            open_spans = [(end, other) for end, other in open_spans if end > low]
            yield from ((other, n) for _, other in open_spans)
            open_spans.append((high, n))
