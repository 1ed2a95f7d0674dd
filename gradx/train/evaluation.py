"""Evaluation: how often and how far a network is wrong, in matrix products over many samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradx.backends import Array, Backend
from gradx.train.model import Net, run_net_rows, sizes_of
from gradx.train.samples import Samples

# Items of the largest array at once: enough for fast products, few enough for the cache and memory.
_BLOCK = 1 << 19


@dataclass(frozen=True)
class Score:
    """How wrong a network is.

    Attributes:
        error: the share of samples put in the wrong class, 0 to 1.
        loss: the mean cross-entropy.
        count: how many samples this was measured on.
    """

    error: float
    loss: float
    count: int


def quiet_arithmetic() -> np.errstate:
    """A block, or a decorator, without NumPy's warnings.

    Overflow, 0/0 and log(0) are looked for in the results, where they are told of with a reason.
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


def evaluate(
    net: Net, parts: Sequence[tuple[Samples, Array | None]], backend: Backend
) -> list[Score]:
    """Measure a network on several sets of samples, and read all results at once.

    Args:
        net: on the samples' device.
        parts: samples, each with the indices to measure on, or None for all of them.
        backend: serves that device.

    Returns:
        A score for each part. The device is waited for once.
    """
    measured = [_measure(net, samples, which) for samples, which in parts]
    read = backend.to_numpy(np.stack([number for pair in measured for number in pair])).tolist()
    counts = [len(samples) if which is None else len(which) for samples, which in parts]
    return [
        Score(read[2 * i] / count, read[2 * i + 1] / count, count) for i, count in enumerate(counts)
    ]


@quiet_arithmetic()
def _measure(net: Net, samples: Samples, which: Array | None) -> tuple[Any, Any]:
    """How many samples are wrong and the sum of the losses, still on the device."""
    wrong: Any = 0
    loss: Any = 0.0
    for images, targets, labels in _blocks(net, samples, which):
        res = run_net_rows(net, images)
        wrong = wrong + np.count_nonzero(np.argmax(res, axis=1) != labels)
        # Only the probability of the right class counts: 0 * log(0) elsewhere would make nan.
        loss = loss - np.sum(np.log(np.sum(res * targets, axis=1)))
    return wrong, loss


def _blocks(
    net: Net, samples: Samples, which: Array | None
) -> Iterator[tuple[Array, Array, Array]]:
    count = len(samples) if which is None else len(which)
    rows = max(1, _BLOCK // max(sizes_of(net)))
    for start in range(0, count, rows):
        part: Any = slice(start, start + rows) if which is None else which[start : start + rows]
        yield samples.images[part], samples.targets[part], samples.labels[part]
