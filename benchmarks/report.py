"""Report: tables and a chart for the documents, made of the JSON files of runs.

    python -m benchmarks.report RUN.json [RUN.json ...] [--docs docs/performance.md] [--svg FILE]

Without `--docs` the tables are printed. A document says where they go with a pair of comments,
`<!-- figures: NAME -->` and `<!-- end -->`, whose inside is replaced. Several runs complete each
other: of a workload and way that is in several of one dtype, the first counts. A ratio is always
to the hand-written NumPy of its own run.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks import goals
from benchmarks.chart import FAMILIES, chart, family_of
from benchmarks.statistics import Figure, ratio, seconds
from benchmarks.workload import BASELINE

Run = Mapping[str, Any]
MAIN = (
    *("W1 eval", "W1 recorded", "W2 gradient", "W3 step"),
    *("W4 batch 32", "W4 batch 128", "W4 batch 1024", "W7 wide chain"),
)
STRUCTURES = (
    *(
        "200 leaves",
        "deep chain",
        "LSTM",
        "LSTM, 10,000 steps",
        "tree",
        "containers",
        "million floats, two used",
        "million floats, summed",
        "gradient of gradient",
    ),
)
LONG = ("W5 epoch", "gradx train")
NONE = "–"


@dataclass(frozen=True)
class Row:
    """What was measured of a way: its ratio to hand-written NumPy, its seconds, its memory."""

    ratio: Figure
    seconds: Figure
    total: float
    peak: int | None


class Figures:
    """The figures of several runs, found by dtype, workload and way."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self._rows: dict[tuple[str, str, str], Row] = {}
        for run in runs:
            for workload, measured in run["workloads"].items():
                for way, row in measured["ways"].items():
                    peak = row.get("traced", row.get("resident"))
                    found = Row(
                        ratio(measured, way), seconds(measured, way), sum(row["seconds"]), peak
                    )
                    plain = way.startswith("gradx") and not run["speedups"]
                    name = f"{way}, no C code" if plain else way
                    self._rows.setdefault((run["how"]["dtype"], workload, name), found)

    def row(self, dtype: str, workload: str, way: str) -> Row | None:
        """One way of a workload, if it was measured."""
        return self._rows.get((dtype, workload, way))

    def dtypes(self) -> list[str]:
        """The dtypes that were measured."""
        return list(dict.fromkeys(dtype for dtype, _, _ in self._rows))

    def ways(self, dtype: str, workloads: Iterable[str]) -> list[str]:
        """The ways of some workloads, variants of one library together."""
        wanted = set(workloads)
        found = dict.fromkeys(
            way for d, workload, way in self._rows if d == dtype and workload in wanted
        )
        order = [family.name for family in FAMILIES]
        return sorted(found, key=lambda way: order.index(family_of(way).name))


# --- Cells and tables -----------------------------------------------------------------------------


def time_of(seconds: float) -> str:
    """A time for people to read.

    >>> [time_of(s) for s in (2.5e-7, 0.000126, 0.0123, 11.4)]
    ['0.25 µs', '126 µs', '12.3 ms', '11.4 s']
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def ratio_cell(row: Row | None, way: str) -> str:
    """A ratio; for hand-written NumPy the time that it stands for."""
    if row is None:
        return NONE
    if way == BASELINE:
        return f"1 ({time_of(row.seconds.median)})"
    return f"{row.ratio.median:.2f}"


def spread_cell(row: Row | None, way: str) -> str:
    """A ratio with the interval of the median."""
    if row is None or way == BASELINE:
        return ratio_cell(row, way)
    return f"{row.ratio.median:.2f} ({row.ratio.low:.2f}–{row.ratio.high:.2f})"


def memory_cell(row: Row | None, way: str) -> str:
    """A ratio with the peak of memory."""
    cell = ratio_cell(row, way)
    return cell if row is None or row.peak is None else f"{cell}; {row.peak / 1e6:.0f} MB"


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, or a word that there is nothing to show."""
    body = [list(line) for line in lines]
    if not body:
        return "Not measured in these runs."
    rows = [list(heads), ["---"] * len(heads), *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _by_way(
    figures: Figures,
    dtype: str,
    workloads: Sequence[str],
    cell: Callable[[Row | None, str], str],
) -> str:
    """A line a way, a column a workload."""
    present = [w for w in workloads if figures.row(dtype, w, BASELINE)]
    lines = [
        [
            way,
            *(
                (memory_cell if w == "W7 wide chain" else cell)(figures.row(dtype, w, way), way)
                for w in present
            ),
        ]
        for way in figures.ways(dtype, present)
    ]
    return table(["", *present], lines)


def main_table(figures: Figures) -> str:
    """W1 to W4 and W7, a table a dtype."""
    return "\n\n".join(
        f"**{dtype}**\n\n{_by_way(figures, dtype, MAIN, ratio_cell)}" for dtype in figures.dtypes()
    )


def operations_table(figures: Figures) -> str:
    """W6: microseconds an operation."""
    names = [
        w
        for w in dict.fromkeys(w for run in figures.runs for w in run["workloads"])
        if w.startswith("W6") and figures.row("float64", w, BASELINE)
    ]
    lines = []
    for way in figures.ways("float64", names):
        rows = [figures.row("float64", w, way) for w in names]
        label = "numpy, forward only" if way == BASELINE else way
        lines.append(
            [label, *(NONE if r is None else f"{r.seconds.median * 1e6:.2f}" for r in rows)]
        )
    return table(["µs", *(name.removeprefix("W6 ") for name in names)], lines)


def haskell_table(figures: Figures) -> str:
    """The Haskell library's own benchmark."""
    names = [f"Haskell {part}" for part in ("gradient", "descent", "run")]
    return _by_way(figures, "float64", names, spread_cell)


def structures_table(figures: Figures) -> str:
    """Many leaves, deep chains, recursion and the rest."""
    return _by_way(figures, "float64", STRUCTURES, ratio_cell)


def long_table(figures: Figures) -> str:
    """An epoch and the whole experiment: seconds in all, and ratios."""
    lines = []
    for workload in LONG:
        whole = figures.row("float64", workload, BASELINE)
        for way in figures.ways("float64", [workload]) if whole else ():
            row = figures.row("float64", workload, way)
            if row and whole:
                lines.append(
                    [workload, way, f"{row.total:.1f} s", f"{row.total / whole.total:.2f}"]
                )
    return table(["", "", "in all", "ratio"], lines)


def goals_table(figures: Figures) -> str:
    """The goals, from the float64 runs."""
    measured: dict[bool, dict[str, Any]] = {False: {}, True: {}}  # without the C code, and with it
    for each in reversed(figures.runs):
        if each["how"]["dtype"] == "float64":
            measured[each["speedups"]] |= each["workloads"]
    lines = []
    for goal in goals.GOALS:
        run = {"speedups": goal.speedups, "workloads": measured[goal.speedups]}
        outcome = goals.outcome(goal, run)
        found = outcome.figure
        shown = NONE if found is None else f"{found.median:.2f}"
        if found is not None and found.low != found.high:
            shown += f" ({found.low:.2f}–{found.high:.2f})"
        verdict = {True: "reached", False: "missed", None: outcome.reason}[outcome.reached]
        lines.append(
            [goal.name, goal.peers, shown, f"≤ {goal.bound:g} {goal.unit}".rstrip(), verdict]
        )
    return table(["", "peers", "gradx", "goal", ""], lines)


def how(figures: Figures) -> str:
    """On what, with what and how the runs were made."""
    lines = []
    for run in figures.runs:
        machine, settings = run["machine"], run["how"]
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        lines.append(
            f"* {run['date'][:10]}: {machine['processor']}, {machine['cores']} cores, "
            f"{machine['system']}; BLAS {'; '.join(machine['blas'])}; {versions}. "
            f"{settings['dtype']}, {settings['rounds']} rounds of {settings['sample'] * 1e3:g} ms, "
            f"{settings['clock']} clock, load {machine.get('load', 'unknown')}."
        )
        lines += [f"  {note}" for note in run["notes"]]
    return "\n".join(lines)


TABLES: Mapping[str, Callable[[Figures], str]] = MappingProxyType(
    {
        "main": main_table,
        "operations": operations_table,
        "haskell": haskell_table,
        "structures": structures_table,
        "long": long_table,
        "goals": goals_table,
        "how": how,
    }
)


def filled(document: str, figures: Figures) -> str:
    """A document with its tables replaced.

    Raises:
        ValueError: it asks for a table that there is not.
    """

    def block(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in TABLES:
            raise ValueError(f"no table is named {name!r}; there are {', '.join(TABLES)}")
        return f"<!-- figures: {name} -->\n\n{TABLES[name](figures)}\n\n<!-- end -->"

    pattern = r"<!-- figures: (?P<name>[\w-]+) -->.*?<!-- end -->"
    return re.sub(pattern, block, document, flags=re.DOTALL)


def main() -> None:
    """Write the tables and the chart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="JSON files of runs")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="a document to fill")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the chart")
    chosen = parser.parse_args()
    figures = Figures([json.loads(path.read_text(encoding="utf-8")) for path in chosen.runs])
    if chosen.docs:
        text = chosen.docs.read_text(encoding="utf-8")
        chosen.docs.write_text(filled(text, figures), encoding="utf-8")
    else:
        print("\n\n".join(f"## {name}\n\n{make(figures)}" for name, make in TABLES.items()))
    if chosen.svg:
        dtype = figures.dtypes()[0]
        ratios = {
            workload: {
                way: row.ratio
                for way in figures.ways(dtype, [workload])
                if (row := figures.row(dtype, workload, way))
            }
            for workload in MAIN
        }
        chosen.svg.write_text(
            chart(ratios, f"time / hand-written NumPy, {dtype}"), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
