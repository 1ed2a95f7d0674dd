"""`gx.profile`: where the time and the memory of a gradient go, by op and by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.op import Op
from gradx.core.spec import primal
from gradx.debugging.finite import read
from gradx.debugging.graph import rows_of, run_noted, size_of
from gradx.debugging.notes import NotingTape, targets_of
from gradx.debugging.places import Place
from gradx.debugging.tables import bytes_as_text, table
from gradx.devices.placement import PLACES, on_device_of
from gradx.ops.assignment import put
from gradx.reverse.backward import sweep

__all__ = ["Cost", "Profile", "profile"]

_ROUNDS = 3
"""How often an operation and a pull are timed; the fastest counts."""
_HEAD = ("total", "share", "forward", "backward", "calls", "results", "kept", "cotangents")
_MOST = 40
"""Rows of a table that are printed."""


class Cost(NamedTuple):
    """What an op costs at a line, in all its calls.

    Attributes:
        op: the name of the op; "" for all ops of a line.
        place: the user's line; None for all lines of an op.
        calls: how often it was done.
        forward: seconds in its forward function.
        backward: seconds in its backward rules and the sums of their cotangents.
        results: bytes of its results.
        kept: bytes of results that its rules keep.
        cotangents: bytes of the cotangents that its rules made.
    """

    op: str
    place: Place | None
    calls: int
    forward: float
    backward: float
    results: int
    kept: int
    cotangents: int

    @property
    def total(self) -> float:
        """Seconds in both directions."""
        return self.forward + self.backward


class Profile:
    """The cost of a gradient; its text is two tables, by op and line and by line alone.

    Attributes:
        rows: the cost of each op at each line, the highest first.
    """

    def __init__(self, costs: Iterable[Cost]) -> None:
        self.rows = _summed(costs, lambda cost: cost)

    def by_op(self) -> list[Cost]:
        """The cost of each op at all lines, the highest first."""
        return _summed(self.rows, lambda cost: cost._replace(place=None))

    def by_line(self) -> list[Cost]:
        """The cost of all ops of each line, the highest first."""
        return _summed(self.rows, lambda cost: cost._replace(op=""))

    @property
    def forward(self) -> float:
        """Seconds in all forward functions."""
        return sum(cost.forward for cost in self.rows)

    @property
    def backward(self) -> float:
        """Seconds in all backward rules."""
        return sum(cost.backward for cost in self.rows)

    def __str__(self) -> str:
        whole = (
            f"forward {_time(self.forward)}, backward {_time(self.backward)}, "
            f"{bytes_as_text(sum(cost.kept for cost in self.rows))} kept"
        )
        by_op = self._table(("op", "line"), self.rows, lambda cost: (cost.op, _line(cost.place)))
        by_line = self._table(
            ("line", "source"),
            self.by_line(),
            lambda cost: (_line(cost.place), cost.place.text if cost.place else ""),
        )
        return "\n\n".join((whole, by_op, by_line))

    __repr__ = __str__

    def _table(
        self, names: Sequence[str], costs: Sequence[Cost], told: Callable[[Cost], Sequence[str]]
    ) -> str:
        whole = (self.forward + self.backward) or 1.0
        rows = [
            (
                *(_time(cost.total), f"{cost.total / whole:.0%}"),
                *(_time(cost.forward), _time(cost.backward), str(cost.calls)),
                *map(bytes_as_text, (cost.results, cost.kept, cost.cotangents)),
                *told(cost),
            )
            for cost in costs[:_MOST]
        ]
        more = [f"… and {len(costs) - _MOST} more: see .rows"] if len(costs) > _MOST else []
        return "\n".join([table((*_HEAD, *names), rows, _HEAD), *more])


def _summed(costs: Iterable[Cost], key: Callable[[Cost], Cost]) -> list[Cost]:
    """Costs added up by what a key leaves of op and place, the highest first."""
    sums: dict[tuple[str, Place | None], Cost] = {}
    for cost in map(key, costs):
        known = sums.get((cost.op, cost.place))
        if known is not None:
            numbers: Any = [a + b for a, b in zip(known[2:], cost[2:], strict=True)]
            cost = Cost(cost.op, cost.place, *numbers)
        sums[cost.op, cost.place] = cost
    return sorted(sums.values(), key=lambda cost: -cost.total)


def _time(seconds: float) -> str:
    """A time in the unit that fits it.

    >>> _time(0.0), _time(2.5e-6), _time(0.0123), _time(12.3)
    ('0.0 µs', '2.5 µs', '12.3 ms', '12.30 s')
    """
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def _line(place: Place | None) -> str:
    return "" if place is None else f"{place.file.rpartition('/')[2]}:{place.line}"


class ProfileTape(NotingTape):
    """A tape that times each operation, and each pull of the sweep.

    Attributes:
        forwards: seconds of each operation, in the order of the tape.
        backwards: seconds of the pull of a node, and bytes that it made, by its identity.
    """

    __slots__ = ("_of_users", "backwards", "forwards")

    def __init__(self) -> None:
        super().__init__()
        self.forwards: list[float] = []
        self.backwards: dict[int, tuple[float, int]] = {}
        self._of_users = 0.0

    def process(self, op: Op, operands: Sequence[Any], params: dict[str, Any] | None) -> Any:
        """As `Tape.process`; an op of a user, which may do more than compute, is timed here."""
        if not op.pullback_form:
            return super().process(op, operands, params)
        count, start = len(self.forwards), perf_counter()
        y = super().process(op, operands, params)
        if len(self.forwards) > count:
            self.forwards[count] = perf_counter() - start
        return y

    def examine(self, y: Any, operands: Sequence[Any], node: Any, fields: tuple[Any, ...]) -> None:
        """Do the operation again, under the clock."""
        (edge,) = (node if isinstance(node, list) else [node])[:1]
        op, params = edge[4], fields[5] or {}
        best = 0.0
        if not op.pullback_form and op is not put:  # a write in place is not done twice
            xs = [primal(x) for x in operands]
            first = next((x for x in xs if type(x) in PLACES), None)
            with on_device_of(first), np.errstate(all="ignore"):
                best = min(_timed(lambda: op.forward(*xs, **params)) for _ in range(_ROUNDS))
        self.forwards.append(best)

    def sweep(
        self, engine: Callable[..., dict[int, Any]], nodes: Iterable[Any], known: dict[int, Any]
    ) -> dict[int, Any]:
        """Sweep one node after the other, each under the clock."""
        step = engine if self.placed else sweep
        for node in nodes:
            if known.get(id(node)) is None:
                continue
            start = perf_counter()
            step((node,), known)
            made = [known.get(id(target)) for target in targets_of(node)]
            _finish(made)
            seconds = perf_counter() - start
            before, _ = self.backwards.get(id(node), (seconds, 0))
            self.backwards[id(node)] = (min(before, seconds), sum(map(size_of, made)))
        return known


def _timed(call: Callable[[], Any]) -> float:
    start = perf_counter()
    _finish([call()])
    return perf_counter() - start


def _finish(values: Iterable[Any]) -> None:
    """Wait for devices: read a number of each array that is on one."""
    for x in values:
        x = primal(x) if isinstance(x, Lifted) else x
        if type(x) in PLACES:
            with on_device_of(x):
                read(np.reshape(x, (-1,))[:1])


def profile(f: Callable[..., Any], /, *xs: Any, **named: Any) -> Profile:
    """The time and the memory of a function's gradient, by op and by line, in both directions.

    The function runs once. Each operation is then done again under the clock, on the same operands,
    three times, of which the fastest counts; so is each step of the backward pass. What the user's
    own Python costs, and the recording, is left out. An op of a user (`gx.lift`) is timed once, and
    a write into an array in the backward pass only. Work on devices is waited for after each
    operation, so operations that overlap take longer here.

    Args:
        f: the function, whose result is summed, as by `gx.backprop`, if it is not one number.
        xs: its inputs, of any types.
        named: inputs by keyword.

    Returns:
        The profile: two tables when it is printed, and the numbers as data in ``.rows``,
        ``.by_op()`` and ``.by_line()``, the most expensive first.

    Raises:
        TypeError: there are no inputs.

    >>> costs = profile(lambda x: np.sum(np.exp(x) * x), np.ones(1000))
    >>> sorted((cost.op, cost.calls, cost.results, cost.kept) for cost in costs.rows)
    [('exp', 1, 8000, 8000), ('operator.mul', 1, 8000, 0), ('sum_of_all', 1, 8, 0)]
    """
    tape = ProfileTape()
    run = run_noted(f, xs, named, tape)
    for _ in range(_ROUNDS):
        run.cotangents(reversed(run.nodes), run.ones())
    rows = [row for row in rows_of(tape) if row.place is not None]
    costs = []
    for row, note, forward in zip(rows, tape.notes.values(), tape.forwards, strict=True):
        backward, made = tape.backwards.get(id(note.node), (0.0, 0))
        results = size_of(note.y)
        costs.append(Cost(row.op, row.place, 1, forward, backward, results, row.kept, made))
    return Profile(costs)
