"""Series: the values of a curve, and fewer of them that give the same picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Series"]


class Series(NamedTuple):
    """A curve.

    Attributes:
        name: what it shows.
        xs: (n,), where its values were taken, in order.
        ys: (n,), its values; one that is nan or infinite is a gap.
    """

    name: str
    xs: NDArray[np.float64]
    ys: NDArray[np.float64]

    @classmethod
    def of(cls, name: str, points: Iterable[tuple[float, float]]) -> Self:
        """A curve of points."""
        pairs = np.array(list(points), np.float64).reshape(-1, 2)
        return cls(name, pairs[:, 0], pairs[:, 1])

    def thinned(self, most: int) -> Self:
        """About `most` of the points, or all if there are no more.

        The points are cut into stretches of equal number. Of each the first, the last, the smallest
        and the largest stay, and the first that is a gap: no peak is lost.

        >>> ys = np.zeros(1000); ys[700] = 5
        >>> few = Series("peak", np.arange(1000.0), ys).thinned(40)
        >>> len(few.xs) <= 50, few.xs[few.ys == 5].tolist()
        (True, [700.0])
        """
        count = len(self.ys)
        if count <= most:
            return self
        finite = np.isfinite(self.ys)
        kept: set[int] = set()
        edges = np.linspace(0, count, max(1, most // 4) + 1).astype(int).tolist()
        for start, stop in pairwise(edges):
            ys, good = self.ys[start:stop], finite[start:stop]
            kept |= {start, stop - 1}
            if good.any():
                kept.add(start + int(np.argmin(np.where(good, ys, np.inf))))
                kept.add(start + int(np.argmax(np.where(good, ys, -np.inf))))
            if not good.all():
                kept.add(start + int(np.argmin(good)))
        which = np.array(sorted(kept))
        return self._replace(xs=self.xs[which], ys=self.ys[which])

    def runs(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """The pieces between gaps, each of one point or more.

        >>> [ys.tolist() for _, ys in Series.of("", [(0, 1), (1, 2), (2, np.nan), (3, 4)]).runs()]
        [[1.0, 2.0], [4.0]]
        """
        good = np.isfinite(self.xs) & np.isfinite(self.ys)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
        return [(self.xs[i:j], self.ys[i:j]) for i, j in edges.reshape(-1, 2).tolist()]
