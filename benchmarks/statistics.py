"""Statistics: from the seconds of interleaved rounds to medians, ratios and their intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.workload import BASELINE

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figure:
    """A figure, and how sure it is.

    Attributes:
        median: of all rounds.
        low: lower end of the interval in which the true median lies with 95 % confidence.
        high: its upper end.
        least: of all rounds.
        most: of all rounds.
    """

    median: float
    low: float
    high: float
    least: float
    most: float


def figure(samples: Sequence[float]) -> Figure:
    """The median of some samples, with interval and spread.

    >>> figure([3.0, 1.0, 2.0])
    Figure(median=2.0, low=1.0, high=3.0, least=1.0, most=3.0)
    """
    ordered = sorted(samples)
    cut = interval_cut(len(ordered))
    return Figure(
        statistics.median(ordered), ordered[cut], ordered[-1 - cut], ordered[0], ordered[-1]
    )


def interval_cut(n: int) -> int:
    """How many of n ordered samples lie outside the median's interval on either side.

    The interval between order statistics holds the median whatever the distribution: each sample
    is above it or below, like a coin. Too few samples give their whole range.

    Source: H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1.

    >>> [interval_cut(n) for n in (1, 5, 6, 15, 21)]
    [0, 0, 0, 3, 5]
    """
    cut, below = 0, 0.0
    while cut < n // 2:
        below += math.comb(n, cut) / 2**n
        if 2 * below > 1 - CONFIDENCE:
            break
        cut += 1
    return max(0, cut - 1)


def ratio(workload: Mapping[str, Any], way: str, base: str = BASELINE) -> Figure:
    """The time of one way as a multiple of another's, round by round."""
    ways = workload["ways"]
    pairs = zip(ways[way]["seconds"], ways[base]["seconds"], strict=True)
    return figure([a / b for a, b in pairs])


def best(workload: Mapping[str, Any], way: str, base: str = BASELINE) -> float:
    """The fastest round of one way as a multiple of another's fastest."""
    ways = workload["ways"]
    return min(ways[way]["seconds"]) / min(ways[base]["seconds"])


def seconds(workload: Mapping[str, Any], way: str) -> Figure:
    """The time of a way, by operation where the workload has many."""
    return figure([s / workload["operations"] for s in workload["ways"][way]["seconds"]])
