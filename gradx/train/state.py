"""State: where a training run stands, so that it can be reported, saved and gone on with."""

from __future__ import annotations

from dataclasses import dataclass

from gradx.train.model import Net


@dataclass(frozen=True)
class State:
    """A network and how far its training has come.

    The order of the samples follows from the seed and the epoch alone, so this is all that a run
    needs to go on as if it had never stopped.

    Attributes:
        net: the network.
        epoch: passes over the data completed.
        position: samples of the running pass already trained on, 0 at its beginning.
    """

    net: Net
    epoch: int = 0
    position: int = 0
