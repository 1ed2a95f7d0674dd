"""Coefficients: the truncated power series of a value, each coefficient found when it is asked for.

A series may be made of itself: that of ``y = exp(u)`` is the integral of ``u' y``, of which each
coefficient needs only earlier ones of y.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Series", "compositions", "integrated", "slope"]


class Series:
    """The coefficients of a value along t; None stands for zero.

    Args:
        known: the first ones, at least that of order 0, which is the value itself.

    Attributes:
        known: those that were found.
        following: from an order to the coefficient; without one, all others are zero.
    """

    __slots__ = ("following", "known")

    def __init__(self, known: list[Any], following: Callable[[int], Any] | None = None) -> None:
        self.known, self.following = known, following

    def __getitem__(self, k: int) -> Any:
        known, following = self.known, self.following
        while following is not None and len(known) <= k:
            known.append(following(len(known)))
        return known[k] if k < len(known) else None

    def cut(self, order: int) -> None:
        """Find the coefficients up to an order and forget how the others are found."""
        self[order]
        self.following = None


def slope(u: Series, zero: Callable[[], Any]) -> Series:
    """The derivative of a series by t."""
    first = u[1]

    def following(k: int) -> Any:
        c = u[k + 1]
        return None if c is None else (k + 1) * c

    return Series([zero() if first is None else first], following)


def integrated(slope: Callable[[], Series | None]) -> Callable[[int], Any]:
    """What follows the first coefficient of a series, whose derivative is made when it is needed.

    That of a series that is made of itself needs its value.
    """
    made: list[Series | None] = []

    def following(k: int) -> Any:
        if not made:
            made.append(slope())
        c = None if made[0] is None else made[0][k - 1]
        return None if c is None else c / k if k > 1 else c

    return following


def compositions(total: int, count: int) -> Iterator[tuple[int, ...]]:
    """All tuples of so many whole numbers, from 0, with a sum."""
    if count == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in compositions(total - first, count - 1):
            yield first, *rest
