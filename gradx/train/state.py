"""State: where a training run stands, so that it can be reported, saved and gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Best", "State"]


@dataclass(frozen=True)
class State:
    """Parameters, and how far their training has come.

    The order of the samples follows from the seed and the epoch alone, so this is all that a run
    needs to go on as if it had never stopped.

    Attributes:
        params: the parameters.
        epoch: passes over the data completed.
        position: samples of the running pass already trained on, 0 at its beginning.
        step: steps done in all.
        method: what the method remembers; None for that before its first step.
        loss_sum: the losses of the samples since the last report, added up.
        best: the best of the run so far, where patience looks for it; None elsewhere.
    """

    params: Any
    epoch: int = 0
    position: int = 0
    step: int = 0
    method: Any = None
    loss_sum: float = 0.0
    best: Best | None = None


@dataclass(frozen=True)
class Best:
    """The best state of a run so far.

    Attributes:
        state: that state, which knows of no better one.
        loss: its loss, by which others are judged.
        since: how many reports ago it was.
    """

    state: State
    loss: float
    since: int = 0
