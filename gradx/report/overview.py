"""Overview: what the runs came to, the time they took, and their settings side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gradx.debugging.markup import Markup, element, joined
from gradx.report.logs import Run
from gradx.report.tables import Cell, table
from gradx.report.words import duration, moment, number, setting

__all__ = ["notes", "results", "settings", "times"]

_ABOUT = ("model", "parameters", "data", "device", "gradx")
"""What a header says beside the settings."""
_SMALLER = ("loss", "error")
"""What is known to be better where it is smaller."""


def results(runs: Sequence[Run]) -> Markup:
    """What each run came to."""
    rows = [
        [Cell("Reports"), *(Cell(f"{len(run):,}") for run in runs)],
        [Cell("Samples"), *(Cell(number(_end(run.places("samples")))) for run in runs)],
    ]
    metrics = dict.fromkeys(name for run in runs for name in run.metrics)
    for name in metrics:
        for part in ("training", "validation"):
            key = f"{part}_{name}"
            if any(key in run.columns for run in runs):
                ends = (Cell(number(_end(run.column(key)))) for run in runs)
                rows.append([Cell(f"{part.capitalize()} {name}"), *ends])
        if name in _SMALLER and any(f"validation_{name}" in run.columns for run in runs):
            best = (Cell(_smallest(run, f"validation_{name}")) for run in runs)
            rows.append([Cell(f"Smallest validation {name}"), *best])
    return table(_of(runs, "Where the run{} ended"), _head("Result", runs), rows)


def _of(runs: Sequence[Run], words: str) -> str:
    return words.format("s" if len(runs) > 1 else "")


def _head(first: str, runs: Sequence[Run]) -> list[str]:
    return [first, *(run.name for run in runs)]


def _end(values: NDArray[np.float64]) -> float:
    return float(values[-1]) if values.size else np.nan


def _speed(run: Run) -> float:
    """Samples a second over the reports that can say it."""
    took = np.where(np.isfinite(run.speed), run.column("points") / run.speed, np.nan)
    good = np.isfinite(took)
    total = float(took[good].sum())
    return float(run.column("points")[good].sum()) / total if total > 0 else np.nan


def _smallest(run: Run, key: str) -> str:
    """The smallest value, and where it was."""
    values = run.column(key)
    finite = np.flatnonzero(np.isfinite(values))
    if not finite.size:
        return "–"
    best = int(finite[np.argmin(values[finite])])
    at = number(float(run.places(run.across)[best]))
    return f"{number(float(values[best]))} after {at} {run.across}"


def times(runs: Sequence[Run]) -> Markup:
    """How long each run took."""
    rows = [
        [
            Cell("Begun"),
            *(Cell(moment(run.headers[0].get("time"))) for run in runs if run.headers),
        ],
        [Cell("Sessions"), *(Cell(f"{_sessions(run):,}") for run in runs)],
        [Cell("Time in all"), *(Cell(duration(_end(run.elapsed))) for run in runs)],
        [Cell("Time of a report"), *(Cell(_per_report(run)) for run in runs)],
        [Cell("Samples a second"), *(Cell(_speeds(run)) for run in runs)],
    ]
    if not all(run.headers for run in runs):
        rows = rows[1:]
    return table(_of(runs, "Time of the run{}"), _head("Time", runs), rows)


def _sessions(run: Run) -> int:
    return max(len(run.headers), len(run.starts))


def _per_report(run: Run) -> str:
    """The median time from one report to the next."""
    took = np.diff(run.elapsed, prepend=0.0)
    took = took[np.isfinite(took)]
    return f"{duration(float(np.median(took)))} in the median" if took.size else "–"


def _speeds(run: Run) -> str:
    speeds = run.speed[np.isfinite(run.speed)]
    if not speeds.size:
        return "–"
    ends = f"{number(float(speeds.min()))} to {number(float(speeds.max()))}"
    return f"{number(_speed(run))} ({ends})" if speeds.size > 1 else number(_speed(run))


def settings(runs: Sequence[Run]) -> Markup:
    """All settings in one table; those that differ come first, and are marked."""
    found = [_settings_of(run) for run in runs]
    names = dict.fromkeys(name for each in found for name in each)
    rows = {name: [each.get(name, "–") for each in found] for name in names}
    different = [name for name, texts in rows.items() if len(set(texts)) > 1]
    badge = element("span", "differs", class_="badge")
    made = []
    for name in [*different, *(name for name in rows if name not in different)]:
        marked = name in different
        head = joined(element("bdi", name), badge) if marked else name
        made.append([Cell(head), *map(Cell, rows[name])])
    caption = "Settings of the run" if len(runs) == 1 else "Settings, those that differ first"
    marks = ["differs"] * len(different)
    return table(caption, _head("Setting", runs), made, row_styles=marks)


def _settings_of(run: Run) -> dict[str, str]:
    """What the headers of a run say; what a later session changed stands behind it."""
    told: dict[str, list[str]] = {}
    for header in run.headers:
        given = header.get("settings")
        pairs = [(name, header.get(name)) for name in _ABOUT if name in header]
        pairs += given.items() if isinstance(given, dict) else []
        for name, value in pairs:
            texts = told.setdefault(name, [])
            text = f"{value:,}" if name == "parameters" and type(value) is int else setting(value)
            if not texts or texts[-1] != text:
                texts.append(text)
    return {name: ", then ".join(texts) for name, texts in told.items()}


def notes(runs: Sequence[Run]) -> Iterator[Markup]:
    """What a reader should know of the logs, an item each."""
    for run in runs:
        said = []
        if not run.headers:
            said.append("its log has no header, so its settings are not known")
        if not len(run):
            said.append("it has no reports yet")
        if run.redone:
            said.append(
                f"{run.redone:,} report{'s were' if run.redone > 1 else ' was'} done again by a "
                "later session, and counted once"
            )
        if run.broken:
            said.append(
                f"{run.broken:,} line{'s were' if run.broken > 1 else ' was'} left half written, "
                "and not read"
            )
        if said:
            yield element("li", element("bdi", run.name), f": {'; '.join(said)}.")
