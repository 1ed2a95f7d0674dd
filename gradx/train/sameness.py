"""Sameness: what of a run must be the same on all ranks that share it."""

from __future__ import annotations

import numpy as np

from gradx.devices.placement import PLACES
from gradx.parallel import require_same
from gradx.parallel.group import check_on_host
from gradx.train.data import Rows, Source
from gradx.train.loop import Plan
from gradx.train.state import State
from gradx.train.values import mark_of
from gradx.values.operations import leaves_of

__all__ = ["agree", "facts_of"]

_MOST_MARKED = 4096  # samples that tell data from other data


def agree(plan: Plan, state: State) -> None:
    """Make sure that the ranks that share a run were asked for the same.

    Args:
        plan: of this rank.
        state: where it begins.

    Raises:
        RanksDifferError: names what differs; on all ranks.
        ParallelError: the parameters are on a device.
    """
    if plan.gradients.group.size == 1:
        return
    for x in leaves_of(state.params):
        if type(x) in PLACES:
            check_on_host(x)
    options = {
        "epochs": str(plan.epochs),
        "batch": str(plan.batch_size),
        "seed": str(plan.seed),
        "eval_every": str(plan.report_every),
        "gradients": type(plan.gradients).__name__,
        "the number of blocks": str(plan.gradients.parts),
    }
    facts = facts_of(plan, state, most=0)  # a rank reads no rows but its own
    require_same(plan.gradients.group, {**options, **facts})


def facts_of(plan: Plan, state: State, most: int = _MOST_MARKED) -> dict[str, str]:
    """What decides a run beside its options, in words.

    Args:
        plan: of the run.
        state: where it begins.
        most: how many samples are read to tell data from other data.
    """
    return {
        "the reduction of the loss": plan.task.reduction,
        "the data": _words(plan.data, most),
        "the test data": _words(plan.validation, most),
        "the step they begin at": f"{state.step} ({state.epoch}, {state.position})",
        "the parameters they begin with": mark_of((state.params, state.method)),
    }


def _words(data: Source | None, most: int) -> str:
    """How many samples there are, and a mark of some of them from all over."""
    if not isinstance(data, Rows):  # a call is not asked for its batches before its time
        return "none" if data is None else type(data).__name__.lower()
    words = f"{data.count:,} samples"
    if most:
        some = data.take(np.arange(0, data.count, -(-data.count // most)))
        words += f" ({mark_of(some)})"
    return words
