"""Workload: one thing to compute, in several ways that all give the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

BASELINE = "numpy"  # the way that ratios are to: the obvious hand-written NumPy


@dataclass(frozen=True)
class Way:
    """One implementation.

    Attributes:
        run: computes once and returns the numbers, whatever arrays they are in.
        reset: puts back what `run` changes in place; called before each round, not timed.
        native: its memory is not NumPy's or Python's, so that `tracemalloc` does not see it.
    """

    run: Callable[[], Any]
    reset: Callable[[], None] | None = None
    native: bool = False


Ways = dict[str, Way]


@dataclass(frozen=True)
class Workload:
    """One thing to compute.

    Attributes:
        name: as on the command line and in the tables.
        ways: the implementations by name, the hand-written `numpy` first.
        operations: how many operations a call has, where the figure is the cost of one.
        rounds: for ways that go on from call to call (an epoch in chunks): so many calls of each,
            one a round, after which the numbers are compared.
        facts: figures of another kind, such as how the time grows, given how to measure.
        notes: what was left out, and why.
    """

    name: str
    ways: Mapping[str, Way]
    operations: int = 1
    rounds: int | None = None
    facts: Callable[[Any], dict[str, float]] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """What the workloads are made for.

    Attributes:
        dtype: of all arrays.
        smoke: small data: does it run?
        peers: adapters by name, see `benchmarks.peers`.
    """

    dtype: str = "float64"
    smoke: bool = False
    peers: Mapping[str, ModuleType] = field(default_factory=dict)

    def ways(self, task: str, *problem: Any) -> tuple[Ways, tuple[str, ...]]:
        """What the peers do with a task, and notes about those that cannot.

        Args:
            task: a function of the adapters; one without it does not take part.
            problem: its arguments.
        """
        ways: Ways = {}
        notes: list[str] = []
        for name, adapter in self.peers.items():
            make = getattr(adapter, task, None)
            if make is None:
                continue
            try:
                ways.update(make(*problem))
            except Exception as error:  # a peer that fails is told, and must not end the run
                notes.append(f"{name} left out: {type(error).__name__}: {first_line(error)}")
        return ways, tuple(notes)


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return (str(error).strip().splitlines() or [""])[0][:200]
