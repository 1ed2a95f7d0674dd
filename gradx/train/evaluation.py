"""Evaluation: the loss and the metrics of parameters on many samples, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.devices.placement import PLACES, Place, on_device_of
from gradx.train.gradients import Gradients, Piece, check_names
from gradx.train.values import as_float

__all__ = [
    "Score",
    "Totals",
    "evaluate",
    "quiet_arithmetic",
    "read_numbers",
    "score_of",
]

Totals = Callable[[Any, Any, int], Mapping[str, Any]]
"""``totals(params, batch, rows)``: sums over a batch's samples, of the loss and each metric."""


@dataclass(frozen=True)
class Score:
    """How good parameters are.

    Attributes:
        loss: the mean loss of a sample.
        count: how many samples this was measured on.
        metrics: the mean of each metric.
    """

    loss: float
    count: int
    metrics: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


def quiet_arithmetic() -> np.errstate:
    """A block, or a decorator, without NumPy's warnings.

    Overflow, 0/0 and log(0) are looked for in the results, where they are told of with a reason.
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


def evaluate(
    params: Any,
    parts: Sequence[tuple[Totals, Iterable[Piece]]],
    *,
    place: Place | None = None,
    gradients: Gradients | None = None,
) -> list[dict[str, float]]:
    """Measure parameters on several sets of samples, and read all results at once.

    Args:
        params: on the samples' device.
        parts: for each set what is measured, and its blocks.
        place: the library of that device, where the numbers' types do not say it.
        gradients: adds over all who take part.

    Returns:
        For each set the mean of each number, and ``count``, the number of samples. A device is
        waited for once.
    """
    sums = [_sums(params, totals, blocks) for totals, blocks in parts]
    numbers = [x for blocks in sums for each, _ in blocks.values() for x in each.values()]
    read = iter(read_numbers(numbers, place))
    found = [
        {
            k: {**{name: next(read) for name in each}, "count": count}
            for k, (each, count) in blocks.items()
        }
        for blocks in sums
    ]
    return [
        {name: x if name == "count" else x / each["count"] for name, x in each.items()}
        for each in (gradients or Gradients()).total(found)
    ]


def _sums(
    params: Any, totals: Totals, blocks: Iterable[Piece]
) -> dict[int, tuple[dict[str, Any], int]]:
    """For each block each number's sum, still on the device, and the number of samples."""
    sums: dict[int, tuple[dict[str, Any], int]] = {}
    for piece in blocks:
        known, count = sums.get(piece.block, ({}, 0))
        found = totals(params, piece.batch, piece.rows)
        if sums:
            check_names(next(iter(sums.values()))[0], found)
        for name, number in found.items():
            known[name] = known[name] + number if name in known else number
        sums[piece.block] = known, count + piece.rows
    return sums


def read_numbers(numbers: Sequence[Any], place: Place | None = None) -> list[float]:
    """Numbers as Python has them; those on a device come in one transfer.

    Args:
        numbers: of Python, NumPy or a device; arrays of one item count as numbers.
        place: the library of the device on which all of them are, where their types do not say it.
    """
    far = [i for i, x in enumerate(numbers) if type(x) in PLACES]
    if not far and place is not None:
        far = [i for i, x in enumerate(numbers) if hasattr(x, "reshape")]
    read = [0.0 if i in far else as_float(x) for i, x in enumerate(numbers)]
    if far:
        place = place or PLACES[type(numbers[far[0]])]
        with on_device_of(numbers[far[0]]):
            there = place.to_numpy(np.stack([numbers[i].reshape(()) for i in far])).tolist()
        for i, x in zip(far, there, strict=True):
            read[i] = x
    return read


def score_of(means: Mapping[str, float]) -> Score:
    """The score that the means of a set are."""
    metrics = {name: x for name, x in means.items() if name not in ("loss", "count")}
    return Score(means["loss"], int(means["count"]), MappingProxyType(metrics))
