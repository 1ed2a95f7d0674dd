"""Checked: what the runs of `gx.debug` cost beside the same runs without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradx as gx
from benchmarks import chains, network
from benchmarks.workload import Setting, Way, Workload

CHECKED: dict[str, Callable[[Setting], Workload]] = {
    "W2 gradient": network.gradient,
    "W4 batch 128": lambda setting: network.batch(setting, 128),
    **{f"W6 {name}": lambda s, name=name: chains.chain(s, name) for name in chains.CHAINS},
}
"""The workloads that are run once more in a block of `gx.debug`."""


def checked(setting: Setting, name: str) -> Workload:
    """A workload as it is, and with every run checked."""
    plain = CHECKED[name](Setting(setting.dtype, setting.smoke))
    run = plain.ways["gradx"].run

    def in_block() -> Any:
        with gx.debug():
            return run()

    ways = {"numpy": plain.ways["numpy"], "gradx": Way(run), "gradx debug": Way(in_block)}
    return Workload(f"debug {name}", ways, operations=plain.operations)
