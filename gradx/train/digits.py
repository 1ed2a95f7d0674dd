"""Digits: the announcement's network on handwritten digits, as a task of the loop like any other.

With one sample a step its loss is the announcement's function of vectors; with more, that of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.backends import Array, Backend
from gradx.train.data import Rows
from gradx.train.evaluation import Score, evaluate, quiet_arithmetic, score_of
from gradx.train.gradients import Piece
from gradx.train.loop import Plan
from gradx.train.model import Net, net_err, net_err_rows, run_net_rows, sizes_of
from gradx.train.options import Options
from gradx.train.samples import Data, Samples
from gradx.train.task import Task

__all__ = ["measure_net", "plan_of", "task_of"]

Batch = tuple[Array, Array, Array]
"""Images, targets and labels of some samples; see `Samples`."""

# Items of the largest array at once: enough for fast products, few enough for the cache and memory.
_BLOCK = 1 << 19


def plan_of(options: Options, data: Data) -> Plan:
    """What the options of `gradx train` mean for the loop.

    Args:
        options: checked ones.
        data: what to train and validate on.
    """
    return Plan(
        task=task_of(options.batch_size),
        data=_rows(data, data.train),
        method=options.recipe.build(options.steps(len(data.train))),
        validation=_rows(data, data.test),
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=options.seed,
        report_every=options.report_every,
        quiet=True,
    )


def task_of(batch_size: int) -> Task:
    """The network's loss, and the share of samples that it puts in the wrong class.

    A report measures both after the samples since the last one, as the announcement does.
    """
    return Task(
        _loss_of_one if batch_size == 1 else _loss_of_rows,
        measure=_measure,
        after=True,
        block=_block,
        first_fix=", because the network's outputs overflow; use fewer hidden units or float64",
    )


def measure_net(
    net: Net, parts: Sequence[tuple[Samples, Array | None]], backend: Backend
) -> list[Score]:
    """Measure a network on several sets of samples, and read all results at once.

    Args:
        net: on the samples' device.
        parts: samples, each with the indices to measure on, or None for all of them.
        backend: serves that device.

    Returns:
        A score for each part, with the metric ``error``. The device is waited for once.
    """
    rows = _block(net)
    blocks = [(_measure, _blocks(samples, which, rows)) for samples, which in parts]
    with quiet_arithmetic():
        return [score_of(means) for means in evaluate(net, blocks, place=backend)]


def _rows(data: Data, samples: Samples) -> Rows:
    arrays = (samples.images, samples.targets, samples.labels)
    return Rows(arrays, "the images", place=data.backend, device=data.device)


def _loss_of_one(net: Net, batch: Batch) -> Any:
    images, targets, _ = batch
    return net_err(images[0], targets[0], net)


def _loss_of_rows(net: Net, batch: Batch) -> Any:
    images, targets, _ = batch
    return net_err_rows(images, targets, net)


def _measure(net: Net, batch: Batch, rows: int) -> Mapping[str, Any]:
    """How many samples are wrong and the sum of the losses, still on the device."""
    images, targets, labels = batch
    res = run_net_rows(net, images)
    wrong = np.count_nonzero(np.argmax(res, axis=1) != labels)
    # Only the probability of the right class counts: 0 * log(0) elsewhere would make nan.
    loss = -np.sum(np.log(np.sum(res * targets, axis=1)))
    return MappingProxyType({"error": wrong, "loss": loss})


def _block(net: Net) -> int:
    return max(1, _BLOCK // max(sizes_of(net)))


def _blocks(samples: Samples, which: Array | None, rows: int) -> Iterator[Piece]:
    count = len(samples) if which is None else len(which)
    for start in range(0, count, rows):
        part: Any = slice(start, start + rows) if which is None else which[start : start + rows]
        batch = samples.images[part], samples.targets[part], samples.labels[part]
        yield Piece(batch, min(rows, count - start))
