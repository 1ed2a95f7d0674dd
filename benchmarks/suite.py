"""Suite: the list of workloads, each made only when it is to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks import (
    batches,
    chains,
    checked,
    convolution,
    evaluation,
    experiment,
    forward,
    haskell,
    methods,
    network,
    series,
    structures,
)
from benchmarks.workload import Setting, Workload


@dataclass(frozen=True)
class Entry:
    """A workload to be made.

    Attributes:
        name: of the workload.
        make: makes it.
        long: it takes minutes, and is run only if asked for.
    """

    name: str
    make: Callable[[Setting], Workload]
    long: bool = False


SUITE = (
    Entry("W1 eval", network.evaluation),
    Entry("W1 recorded", network.recorded),
    Entry("W2 gradient", network.gradient),
    Entry("W3 step", network.step),
    *(Entry(f"W4 batch {n}", lambda s, n=n: network.batch(s, n)) for n in network.SIZES),
    Entry("W5 epoch", network.epoch, long=True),
    *(Entry(f"W6 {name}", lambda s, name=name: chains.chain(s, name)) for name in chains.CHAINS),
    Entry("W7 wide chain", chains.wide),
    Entry("Adam", methods.adam),
    *(Entry(f"Haskell {part}", make) for part, make in haskell.PARTS.items()),
    Entry("200 leaves", structures.leaves),
    Entry("deep chain", chains.deep),
    Entry("LSTM", structures.lstm),
    Entry("LSTM, 10,000 steps", structures.long_lstm, long=True),
    Entry("tree", structures.tree),
    Entry("containers", structures.containers),
    Entry("million floats, two used", structures.two_of_a_million),
    Entry("million floats, summed", structures.a_million_summed),
    Entry("gradient of gradient", structures.second),
    Entry("JVP, batch 128", forward.product),
    Entry("HVP, batch 128", forward.curvature),
    Entry("forward, 100-vectors", forward.of_vectors),
    Entry("Jacobian, 50 by 40", forward.jacobian),
    Entry("per-example gradients", batches.per_example),
    Entry("convolution", convolution.gradient),
    Entry("eighth derivative", series.eighth),
    Entry("sparse Jacobian", series.tridiagonal),
    *(
        Entry(f"debug {name}", lambda s, name=name: checked.checked(s, name))
        for name in checked.CHECKED
    ),
    *(
        Entry(f"evaluation {name}", lambda s, name=name: evaluation.workload(s, name))
        for name in evaluation.PROGRAMS
    ),
    Entry("gradx train", experiment.whole, long=True),
)


def chosen(names: Iterable[str], long: bool) -> Iterator[Entry]:
    """The entries whose name is among some names or begins with one; all for no name.

    Raises:
        SystemExit: a name that nothing begins with.
    """
    names = tuple(names)
    for name in names:
        if not any(_fits(entry, name) for entry in SUITE):
            raise SystemExit(f"no workload is named {name}; --list prints the names")
    for entry in SUITE:
        if any(_fits(entry, name) for name in names) or (not names and (long or not entry.long)):
            yield entry


def _fits(entry: Entry, name: str) -> bool:
    return entry.name.lower().startswith(name.lower())
