"""Goals: what gradx should reach, and whether a run did.

They hold for float64 and one BLAS thread. A ratio is to the obvious hand-written NumPy of the same
run, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.statistics import Figure, ratio, seconds

Measured = Mapping[str, Any]  # one workload of a run
DOUBLE = 2.2  # what is linear takes twice as long for twice as much, and a little is noise


@dataclass(frozen=True)
class Goal:
    """One thing to be reached.

    Attributes:
        name: what is measured.
        workload: where.
        bound: the most that it may be.
        figure: reads it from the workload's figures.
        unit: of the figure.
        interval: it is reached if the interval's lower end does, since the bound is parity.
        speedups: whether it is one of gradx with its C code or without.
        peers: what the best eager peers reached when the goal was set.
    """

    name: str
    workload: str
    bound: float
    figure: Callable[[Measured], Figure]
    unit: str = ""
    interval: bool = False
    speedups: bool = True
    peers: str = ""


@dataclass(frozen=True)
class Outcome:
    """A goal and what was measured: `reached` is None, with a reason, for what could not be."""

    goal: Goal
    figure: Figure | None
    reached: bool | None
    reason: str = ""


def _ratio(way: str = "gradx", base: str = "numpy") -> Callable[[Measured], Figure]:
    return lambda measured: ratio(measured, way, base)


def _microseconds(measured: Measured) -> Figure:
    found = seconds(measured, "gradx")
    return Figure(*(getattr(found, name) * 1e6 for name in Figure.__dataclass_fields__))


def _seconds(measured: Measured) -> Figure:
    found = seconds(measured, "gradx")
    return Figure(*(getattr(found, name) for name in Figure.__dataclass_fields__))


def _traced(measured: Measured) -> Figure:
    return _exactly(measured["ways"]["gradx"]["traced"] / 1e6)


def _fact(name: str) -> Callable[[Measured], Figure]:
    return lambda measured: _exactly(measured["facts"][name])


def _total(measured: Measured) -> Figure:
    """The ratio of all rounds together, with the spread of the single ones."""
    each = ratio(measured, "gradx")
    sums = {way: sum(row["seconds"]) for way, row in measured["ways"].items()}
    whole = sums["gradx"] / sums["numpy"]
    return Figure(whole, each.low, each.high, each.least, each.most)


def _beyond(measured: Measured) -> Figure:
    """What an operation costs beside NumPy's own calls for it, in microseconds."""
    mine, base = seconds(measured, "gradx"), seconds(measured, "numpy").median
    return Figure(*((getattr(mine, name) - base) * 1e6 for name in Figure.__dataclass_fields__))


def _exactly(value: float) -> Figure:
    return Figure(value, value, value, value, value)


LONG = frozenset({"gradx train", "LSTM, 10,000 steps"})
_IN_PLACE = _ratio("gradx in place")
_FIELDS, _SPLIT = "gradx fields", "gradx split"

GOALS = (
    Goal("W1 eval_bp", "W1 eval", 1.02, _ratio(), peers="autograd 1.20, torch 1.13"),
    Goal("W1 recorded", "W1 recorded", 1.32, _ratio()),
    Goal("W2 gradient", "W2 gradient", 0.62, _ratio(), peers="torch 0.83, autograd 3.48"),
    Goal("W3 net - 0.02 * gr", "W3 step", 0.90, _ratio(), peers="torch 1.06, autograd 2.36"),
    Goal("W3 in place", "W3 step", 0.36, _IN_PLACE, peers="torch 0.68, its SGD 0.81"),
    Goal("W4 batch 1, in place", "W4 batch 1", 0.5, _IN_PLACE),
    Goal("W4 batch 32", "W4 batch 32", 1.05, _ratio(), interval=True, peers="torch 1.59"),
    Goal("W4 batch 128", "W4 batch 128", 1.02, _ratio(), interval=True, peers="torch 1.77"),
    Goal("W4 batch 1024", "W4 batch 1024", 1.02, _ratio(), interval=True, peers="torch 1.78"),
    Goal("Adam in place", "Adam", 0.85, _IN_PLACE),
    Goal("W6 vector * constant", "W6 vector * constant", 1.2, _microseconds, "µs"),
    Goal("W6 float * constant", "W6 float * constant", 0.5, _microseconds, "µs"),
    Goal("W7 peak memory", "W7 wide chain", 73, _traced, "MB", peers="autograd 73"),
    Goal("Haskell's network, gradient by fields", "Haskell gradient", 0.65, _ratio(_FIELDS)),
    Goal("its layers as ops of their own", "Haskell gradient", 1.2, _ratio("gradx hybrid")),
    Goal("split against fields, gradient", "Haskell gradient", 1.05, _ratio(_SPLIT, _FIELDS)),
    Goal("200 leaves", "200 leaves", 1.8, _ratio()),
    Goal("twice 200 leaves, time", "200 leaves", DOUBLE, _fact("time of twice the leaves")),
    Goal("200 leaves, zero arrays made", "200 leaves", 0, _fact("zero arrays")),
    Goal("scan of 10,000 steps, time", "LSTM, 10,000 steps", 1.6, _ratio("gradx scan", "gradx")),
    Goal("its share of the peak", "LSTM, 10,000 steps", 1 / 50, _fact("share of the peak")),
    Goal("tree", "tree", 8, _ratio()),
    Goal("1,000 nested containers", "containers", 20, _ratio()),
    Goal("a million floats, two used", "million floats, two used", 1.2, _seconds, "s"),
    Goal("a million floats, summed", "million floats, summed", 2.5, _seconds, "s"),
    Goal(
        "eighth derivative, to nested jvp",
        "eighth derivative",
        1 / 5,
        _ratio("gradx", "gradx nested"),
    ),
    Goal("sparse Jacobian, calls", "sparse Jacobian", 10, _fact("calls")),
    Goal("sparse Jacobian, first time", "sparse Jacobian", 1, _fact("first time"), "s"),
    Goal("its pattern kept, calls' time", "sparse Jacobian", 25, _fact("kept over evaluation")),
    Goal("twice the depth, time", "deep chain", DOUBLE, _fact("time of twice the length")),
    Goal(
        "100,000 operations, memory of each", "deep chain", 300, _fact("bytes per operation"), "B"
    ),
    Goal("convolution", "convolution", 1.2, _ratio()),
    Goal("JVP, batch 128", "JVP, batch 128", 1.2, _ratio()),
    Goal("forward, an operation", "forward, 100-vectors", 2, _beyond, "µs"),
    Goal("per-example gradients", "per-example gradients", 0.9, _ratio()),
    *(
        Goal(f"gx.debug, {name}", f"debug {name}", bound, _ratio("gradx debug", "gradx"))
        for name, bound in (
            ("W4 batch 128", 2),
            ("W2 gradient", 4),
            ("W6 float * constant", 4),
            ("W6 vector * constant", 4),
        )
    ),
    Goal("gradx train, whole", "gradx train", 0.80, _total),
)


def workloads(long: bool) -> tuple[str, ...]:
    """The workloads that the goals need, each once."""
    return tuple(dict.fromkeys(g.workload for g in GOALS if long or g.workload not in LONG))


def outcomes(run: Mapping[str, Any]) -> list[Outcome]:
    """Each goal with what a run measured.

    Args:
        run: the figures of a run, as in its JSON file.
    """
    return [outcome(goal, run) for goal in GOALS]


def outcome(goal: Goal, run: Mapping[str, Any]) -> Outcome:
    """One goal with what a run measured."""
    measured = run["workloads"].get(goal.workload)
    if measured is None:
        return Outcome(goal, None, None, "not run")
    if goal.speedups is not run["speedups"]:
        instead = "gradx has no C code here" if goal.speedups else "GRADX_SPEEDUPS=0 measures it"
        return Outcome(goal, None, None, instead)
    try:
        found = goal.figure(measured)
    except KeyError as missing:
        return Outcome(goal, None, None, f"there is no {missing.args[0]}")
    return Outcome(goal, found, (found.low if goal.interval else found.median) <= goal.bound)


def lines(found: list[Outcome]) -> Iterator[str]:
    """The outcomes as a table for people to read."""
    yield f"{'goal':40}{'measured':>10}{'95 %':>14}{'goal':>10}  "
    for each in found:
        goal = each.goal
        bound = f"≤ {goal.bound:g} {goal.unit}".rstrip()
        if each.figure is None:
            yield f"{goal.name:40}{'–':>10}{'':14}{bound:>10}  {each.reason}"
            continue
        value = each.figure
        verdict = "reached" if each.reached else "MISSED"
        spread = "" if value.low == value.high else f"{value.low:.2f}–{value.high:.2f}"
        yield f"{goal.name:40}{value.median:10.2f}{spread:>14}{bound:>10}  {verdict}"
