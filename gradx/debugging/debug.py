"""`gx.debug`: runs that check themselves, and the report of what they saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray, vdot

from gradx.core.cotangent import SHARED_PULLBACK, edges_of
from gradx.core.watch import WATCH, Watch
from gradx.debugging.checked_runs import CheckedBatchRun, CheckedForwardRun
from gradx.debugging.fingerprints import SHORT, fingerprint
from gradx.debugging.finite import described, has_nan, is_finite, kind_of, listed
from gradx.debugging.notes import Note, NotingTape, targets_of
from gradx.debugging.places import Place, place_of_caller
from gradx.errors import NonFiniteError, OverwrittenError
from gradx.reverse.backward import sweep

__all__ = ["Event", "Report", "debug"]


class Event(NamedTuple):
    """Something that happened in a block of `gx.debug`, which nothing else shows.

    Attributes:
        kind: what kind of thing, such as "object array".
        what: what happened.
        place: the user's line.
    """

    kind: str
    what: str
    place: Place


class Report(Watch):
    """What was seen in a block of `gx.debug`; its text lists it.

    Attributes:
        runs: how many runs there were.
        operations: how many operations they did; those of a run under a reverse run are that's.
        events: what happened, and how often.
    """

    __slots__ = (
        *("at", "events", "infinities", "operations", "pending", "runs", "runs_above", "sweeps"),
    )

    def __init__(self, infinities: bool) -> None:
        self.infinities = infinities
        self.runs = self.operations = 0
        self.events: dict[Event, int] = {}
        self.runs_above = 0  # runs at work which look at what is done below them
        self.sweeps = 0  # sweeps under way, in which what is recorded is the work of rules
        self.pending = 0  # products of zero and infinity that no operation is known for yet
        self.at: Note | None = None  # the operation whose rule is at work

    def tape(self) -> Any:
        """A tape that checks what is recorded on it."""
        self.runs += 1
        self.runs_above += 1
        return DebugTape(self)

    def forward(self) -> Any:
        """A forward run that checks what it does."""
        self.runs += 1
        return CheckedForwardRun(self)

    def batch(self, size: int) -> Any:
        """A batch run that checks what it does."""
        self.runs += 1
        return CheckedBatchRun(size, self)

    def looks(self) -> bool:
        """Whether a run without a tape looks at what it does: no tape or sweep above does."""
        return not self.runs_above and not self.sweeps

    def tell(self, kind: str, what: str) -> None:
        """Take note of an event at the line that runs now, or whose rule does."""
        if self.sweeps and self.at is None:
            self.pending += 1
            return
        if self.at is not None:
            what = f"{what}, in the backward rule of {self.at.op.name}"
        event = Event(kind, what, self.at.place if self.at is not None else place_of_caller())
        self.events[event] = self.events.get(event, 0) + 1

    def is_bad(self, x: Any) -> bool:
        """Whether there is a number in a value that is not wanted: NaN, or an infinity too."""
        return not is_finite(x) and (self.infinities or has_nan(x))

    def __str__(self) -> str:
        lines = [f"gx.debug: {self.runs} runs, {self.operations} operations"]
        for kind in sorted({event.kind for event in self.events}):
            lines.append(f"{kind}:")
            lines += [
                f"  {count} × {event.what}, at {event.place}"
                for event, count in self.events.items()
                if event.kind == kind
            ]
        if not self.events:
            lines.append("nothing to tell")
        return "\n".join(lines)


@contextmanager
def debug(*, inf: bool = True) -> Iterator[Report]:
    """A block in which every run but those of `gx.taylor` checks itself.

    Each operation remembers the user's line. Where an operation, or its backward rule, makes an
    infinity or NaN of finite numbers, it raises there and then. An array that a rule keeps and that
    was overwritten before the backward pass is found. A variable that is used after its run says
    where it was made. The block is of this thread or task alone, and what is computed is the same
    to the bit; constants that are infinite pass.

    Args:
        inf: whether infinities are mistakes too; with ``inf=False`` only NaN is.

    Returns:
        The report: ``str(report)`` lists what costs time or hides a mistake: object arrays,
        loops that stand in for one call, hidden copies and casts, and products of zero and
        infinity that were taken as zero.

    Raises:
        NonFiniteError: inside the block: names the op, the line, the inputs that it came from, and
            the range of each operand.
        OverwrittenError: inside the block: names the op and the line.

    >>> import gradx as gx
    >>> with gx.debug() as report:
    ...     gx.grad(lambda x: x * np.log(x))(1.0)
    1.0
    >>> print(report)
    gx.debug: 1 runs, 2 operations
    nothing to tell
    """
    report = Report(inf)
    token = WATCH.set(report)
    try:
        yield report
    finally:
        WATCH.reset(token)


_INFINITY = float("inf")
_DOUBLE = np.dtype(float)


class DebugTape(NotingTape):
    """A tape that checks each operation, and each cotangent in the sweep.

    The sweep is done at once, as always. Only if its outcome is not finite, or a product of zero
    and infinity was met, it is done again, one node after the other, to learn where that came from.

    Attributes:
        report: what is told.
        residuals: the arrays that rules keep, by identity: itself, and its fingerprints, each with
            the number of the operation from which on it was so.
    """

    __slots__ = ("report", "residuals")
    looks_at_numbers = False

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self.residuals: dict[int, tuple[Any, list[tuple[int, Any]]]] = {}

    def examine(self, y: Any, operands: Sequence[Any], node: Any, fields: tuple[Any, ...]) -> None:
        """Look for a result that is not finite, casts, and arrays that are kept."""
        if type(y) is ndarray:
            dtype = y.dtype
            # As `is_finite`: a sum of squares is finite only if every item is.
            flat = y if y.ndim == 1 else y.ravel("K")
            if dtype is not _DOUBLE or not vdot(flat, flat) < _INFINITY:
                self._check_finite(y, fields)
            for x in operands:
                if type(x) is ndarray and x.dtype is not dtype:
                    self._tell_cast(Note(*fields), x.dtype, dtype)
        else:
            self._check_finite(y, fields)
            if type(y) is float:
                return  # nobody overwrites a number
        for edge in edges_of(node):
            for kept in edge[2]:
                if type(kept) is ndarray:
                    now = kept.tobytes() if kept.nbytes <= SHORT else fingerprint(kept)
                    known = self.residuals.get(id(kept))
                    if known is None:
                        self.residuals[id(kept)] = (kept, [(0, now)])
                    elif known[1][-1][1] != now:  # a buffer that is used again
                        known[1].append((len(self.noted), now))

    def _check_finite(self, y: Any, fields: tuple[Any, ...]) -> None:
        if not is_finite(y):
            self._check_operands(Note(*fields))

    def close(self) -> list[Any]:
        """As `Tape.close`; the operations are counted."""
        self.report.runs_above -= 1
        self.report.operations += len(self.noted)
        return super().close()

    def _check_operands(self, note: Note) -> None:
        """Raise if the operands of a result that is not finite all are."""
        report = self.report
        if report.sweeps or not report.is_bad(note.y) or any(map(report.is_bad, note.operands)):
            return
        raise NonFiniteError(
            f"{note.op.name} gave {kind_of(note.y)} where its operands are finite, at "
            f"{note.place}; {listed(note.operands)}{self._came_from(note.node)}; keep the operands "
            "where the function is finite (np.where on the operand, not on the result), or pass "
            "inf=False to gx.debug if infinities are meant"
        )

    def _came_from(self, node: Any) -> str:
        paths = self.nearest_inputs(node)
        return f"; it came from {', '.join(paths)}" if paths else ""

    def _tell_cast(self, note: Note, before: Any, after: Any) -> None:
        if before.kind not in "fc" or after.kind not in "fc" or before == after:
            return
        wider = np.finfo(after).bits > np.finfo(before).bits
        kind = "promotion" if wider else "cast"
        self.report.tell(kind, f"{note.op.name} made {after} of {before}")

    # --- The sweep --------------------------------------------------------------------------------

    def sweep(
        self, engine: Callable[..., dict[int, Any]], nodes: Iterable[Any], known: dict[int, Any]
    ) -> dict[int, Any]:
        """Sweep, and look at what comes out.

        Raises:
            NonFiniteError: a rule made a number that is not finite of finite ones.
            OverwrittenError: an array that a rule keeps is not what it was.
        """
        report, nodes = self.report, list(nodes)
        self._check_overwritten(known)
        before = report.pending, report.at
        report.pending, report.at = 0, None
        report.sweeps += 1
        try:
            swept = engine(nodes, dict(known))
            if not report.pending and not any(map(report.is_bad, swept.values())):
                return swept
            return self._swept_slowly(engine if self.placed else sweep, nodes, known)
        finally:
            report.sweeps -= 1
            report.pending, report.at = before

    def _swept_slowly(
        self, engine: Callable[..., dict[int, Any]], nodes: list[Any], known: dict[int, Any]
    ) -> dict[int, Any]:
        """Sweep one node after the other, and look at each cotangent."""
        bad = self.report.is_bad
        notes = self.notes
        for node in nodes:
            g = known.get(id(node))
            if g is None:
                continue
            self.report.at = note = notes.get(id(node))
            targets = {id(target) for target in targets_of(node)}
            fine = [key for key in targets if not bad(known.get(key))]
            with np.errstate(all="ignore"):  # NumPy has warned already
                engine((node,), known)
            if note is not None and not bad(g) and any(bad(known.get(key)) for key in fine):
                self._check_residuals(note, g, next(h for k in fine if bad(h := known.get(k))))
        return known

    def _check_residuals(self, note: Note, g: Any, h: Any) -> None:
        """Raise if what a rule that made a cotangent keeps is finite."""
        for edge in edges_of(note.node):
            values = note.operands if edge[0] is SHARED_PULLBACK else edge[2]
            if any(map(self.report.is_bad, values)):
                return
        raise NonFiniteError(
            f"the backward rule of {note.op.name} made {kind_of(h)} of a cotangent that is finite "
            f"({described(g)}), at {note.place}; {listed(note.operands)}"
            f"{self._came_from(note.node)}; the function has no finite derivative there: keep the "
            "operands away from such points (np.where on the operand, not on the result)"
        )

    def _check_overwritten(self, known: dict[int, Any]) -> None:
        """Raise if an array that a rule will use is not what it was."""
        changed: dict[int, list[tuple[int, bool]]] = {}  # from which operation on it is as it was
        for key, (x, versions) in self.residuals.items():
            now = x.tobytes() if x.nbytes <= SHORT else fingerprint(x)
            if len(versions) > 1 or versions[0][1] != now:
                changed[key] = [(start, was == now) for start, was in versions]
        if not changed:
            return
        notes = self.notes
        number = {id(fields[2]): i for i, fields in enumerate(self.noted)}

        def is_other(x: Any, i: int) -> bool:
            fits = [fit for start, fit in changed.get(id(x), ()) if start <= i]
            return bool(fits) and not fits[-1]

        waiting = [notes[key].node for key in known if key in notes]
        seen: set[int] = set()
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            waiting.extend(targets_of(node))
            kept = (x for edge in edges_of(node) for x in edge[2])
            for x in (x for x in kept if is_other(x, number.get(id(node), -1))):
                note = notes[id(node)]
                raise OverwrittenError(
                    f"an array that {note.op.name} used, at {note.place}, was overwritten before "
                    f"the backward pass, which needs what it was ({x.dtype} of shape {x.shape}); "
                    "the gradient would be wrong: pass a copy, np.copy(x), or write into a new "
                    "array"
                )
