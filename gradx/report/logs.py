"""Logs: the lines that `gradx train --json` wrote, read as the course of a run.

A log has a header line for each session of its run and a line for each report. A run that was
stopped and went on, or was killed and did some reports again, is one run: what was done again
counts once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.report.errors import LogError
from gradx.report.series import Series

__all__ = ["VERSION", "Run", "read_log", "read_logs"]

FORMAT = "gradx"
VERSION = 1

_COUNTS = frozenset({"epoch", "batch", "points", "step", "rate", "seconds"})
_PARTS = ("training", "validation")
_WORDS = MappingProxyType(
    {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "infinity": math.inf}
)
"""Numbers that JSON cannot write, as some write them."""


@dataclass(frozen=True)
class Run:
    """A run as its log tells it.

    Attributes:
        name: what it is called among the runs of a page.
        path: its log.
        headers: one for each session that wrote one, in their order.
        columns: by key, each (n,) for n reports; nan where a report has no such number.
        starts: the number of the first report of each session; the first is 0.
        redone: reports that a later session did again, which count once.
        broken: lines that were left half written.
    """

    name: str
    path: Path
    headers: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, NDArray[np.float64]]
    starts: tuple[int, ...]
    redone: int = 0
    broken: int = 0

    def __len__(self) -> int:
        """How many reports there are."""
        return len(next(iter(self.columns.values()), ()))

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of the last session; empty where no session wrote one."""
        return self.headers[-1] if self.headers else {}

    @cached_property
    def metrics(self) -> list[str]:
        """What was measured, the loss first, then in the order in which the log has it."""
        keys = [key.partition("_") for key in self.columns]
        names = dict.fromkeys(name for part, _, name in keys if part in _PARTS)
        return sorted(names, key=lambda name: name != "loss")

    def column(self, key: str) -> NDArray[np.float64]:
        """(n,), the numbers of one key; nan where the log has none."""
        return self.columns.get(key, np.full(len(self), np.nan))

    def series(self, key: str, name: str) -> Series:
        """The numbers of one key as a curve over what `across` counts.

        Args:
            key: of the reports.
            name: what the curve is called.
        """
        return Series(name, self.places(self.across), self.column(key))

    @cached_property
    def across(self) -> str:
        """What the reports are counted by, the best that the log has."""
        has = [key for key in ("points", "step") if np.isfinite(self.column(key)).all()]
        return {"points": "samples", "step": "steps"}[has[0]] if has else "reports"

    def places(self, across: str) -> NDArray[np.float64]:
        """(n,), where the reports stand.

        Args:
            across: "samples", "steps", "seconds" or "reports".
        """
        if across == "samples":
            return np.cumsum(self.column("points"))
        if across == "steps":
            return self.column("step")
        return self.elapsed if across == "seconds" else np.arange(1.0, len(self) + 1)

    @cached_property
    def elapsed(self) -> NDArray[np.float64]:
        """(n,), seconds of training up to each report, over all sessions."""
        seconds = self.column("seconds").copy()
        for start in self.starts[1:]:
            seconds[start:] += seconds[start - 1] if start else 0.0
        return seconds

    @cached_property
    def speed(self) -> NDArray[np.float64]:
        """(n,), samples a second up to each report since the one before it.

        The first report of a later session has none: some of its samples may be of the session
        before.
        """
        took = np.diff(self.elapsed, prepend=0.0)
        took[[start for start in self.starts[1:] if start < len(self)]] = np.nan
        with np.errstate(all="ignore"):
            return np.where(took > 0, self.column("points") / took, np.nan)


def read_logs(paths: Sequence[Path]) -> list[Run]:
    """Read several logs; each run gets a name of its own.

    Args:
        paths: the logs; one that is named twice is read once.

    Raises:
        LogError: see `read_log`.
    """
    different = list(dict.fromkeys(paths))
    stems = [path.stem for path in different]
    names = [p.stem if stems.count(p.stem) == 1 else str(p) for p in different]
    return [read_log(path, name) for path, name in zip(different, names, strict=True)]


def read_log(path: Path, name: str | None = None) -> Run:
    """Read a log.

    A last line that was left half written, by a run that is going on or was killed, is left out.

    Args:
        path: as `gradx train --json` or `gradx.train.fit` wrote it, with headers or without.
        name: what to call the run; the file's name without its ending if None.

    Raises:
        LogError: names the file, the line and what is wrong with it.
    """
    reader = _Reader(path)
    lines = _bytes_of(path).split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            reader.read(number, line, last=number == len(lines))
    return reader.run(path.stem if name is None else name)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise LogError(f"{path}: is no ordinary file; give one that --json wrote")
        return path.read_bytes()
    except FileNotFoundError:
        raise LogError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise LogError(f"{path}: is a directory, not a log; name a file in it") from None
    except PermissionError:
        raise LogError(f"{path}: may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        raise LogError(f"{path}: cannot be read ({error}); check the path") from None


class _Reader:
    """Reads line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.headers: list[Mapping[str, Any]] = []
        self.rows: list[dict[str, float]] = []
        self.starts = [0]
        self.keys = set(_COUNTS)
        self.new = False
        self.seconds = 0.0
        self.redone = self.broken = 0

    def read(self, number: int, line: bytes, *, last: bool) -> None:
        """Read one line; the last may be half of one."""
        try:
            value = _parsed(line)
        except ValueError as error:
            rest = _after_a_broken_line(line)
            if rest is None and not last:
                raise self._wrong(number, f"is no JSON ({_short(str(error))})") from None
            self.broken += 1
            if rest is None:
                return
            value = rest
        if not isinstance(value, dict):
            raise self._wrong(number, f"is {_short(json.dumps(value))}, not a report")
        if "log" in value:
            self._header(number, value)
        else:
            self._report(number, value)

    def _header(self, number: int, header: Mapping[str, Any]) -> None:
        if header["log"] != FORMAT:
            raise self._wrong(number, f"is of a log of {_short(repr(header['log']))}")
        if header.get("version") != VERSION:
            raise LogError(
                f"{self.path}, line {number}: its log is of version "
                f"{_short(repr(header.get('version')))}, this gradx reads version {VERSION}; "
                "use the gradx that wrote it"
            )
        self.headers.append(header)
        self.new = bool(self.rows)

    def _report(self, number: int, report: Mapping[str, Any]) -> None:
        row = {
            key: value if type(value) is float else self._number(number, key, value)
            for key, value in report.items()
            if key in self.keys or self._is_measure(key)
        }
        if row.keys() <= _COUNTS:
            raise self._wrong(
                number, "is no report: it has no training_loss, and nothing else that was measured"
            )
        seconds = row.get("seconds", math.nan)
        if self.new or seconds < self.seconds:
            self._begin(row)
        self.new, self.seconds = False, seconds
        self.rows.append(row)

    def _is_measure(self, key: str) -> bool:
        """Whether a key that is met for the first time names a measure."""
        if key.partition("_")[0] not in _PARTS:
            return False
        self.keys.add(key)
        return True

    def _begin(self, row: Mapping[str, float]) -> None:
        """A session begins, perhaps at reports that an earlier one did already."""
        while self.rows and _place(self.rows[-1]) >= _place(row):
            self.rows.pop()
            self.redone += 1
        self.starts = [start for start in self.starts if start < len(self.rows)]
        self.starts.append(len(self.rows))

    def _number(self, number: int, key: str, value: object) -> float:
        if value is None:
            return math.nan
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                return math.inf if value > 0 else -math.inf
        raise self._wrong(number, f"has {_short(key)} {_short(json.dumps(value))}, not a number")

    def _wrong(self, number: int, what: str) -> LogError:
        return LogError(
            f"{self.path}, line {number}: {what}; give a log that `gradx train --json` wrote"
        )

    def run(self, name: str) -> Run:
        """All that was read."""
        keys = dict.fromkeys(key for row in self.rows for key in row)
        found = {key: np.array([row.get(key, math.nan) for row in self.rows]) for key in keys}
        columns = {  # such as the rate of a method that has none
            key: column
            for key, column in found.items()
            if key not in _COUNTS or np.isfinite(column).any()
        }
        counts = (self.redone, self.broken)
        return Run(name, self.path, tuple(self.headers), columns, tuple(self.starts), *counts)


def _place(row: Mapping[str, float]) -> tuple[float, float]:
    """How far a run had come, to see what was done again."""
    if "step" in row:
        return row["step"], 0.0
    return row.get("epoch", math.nan), row.get("batch", math.nan)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _after_a_broken_line(line: bytes) -> Any:
    """The header that a new session wrote right behind what a killed one left half written."""
    _, found, rest = line.rpartition(b'{"log"')
    if not found:
        return None
    try:
        return _parsed(found + rest)
    except ValueError:
        return None


def _short(text: str, most: int = 60) -> str:
    """A text from elsewhere, of any length, in one short line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
