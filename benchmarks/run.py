"""Run: measures the workloads that are chosen, prints the table, and writes the figures."""

from __future__ import annotations

import cProfile
import datetime
import json
import pstats
import time
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import gradx as gx
from benchmarks import goals, machine, peers, suite
from benchmarks.measure import How, measure, settle_allocator, timed
from benchmarks.options import Options
from benchmarks.statistics import best, ratio, seconds
from benchmarks.workload import Setting, Workload
from gradx.native import native

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
HOW = ("dtype", "rounds", "sample", "clock", "threads", "smoke", "without")

PROFILE_SECONDS, PROFILE_LINES = 1.0, 15


def run(options: Options) -> None:
    """Measure, and print as it goes."""
    chosen = options.workloads or (goals.workloads(options.long) if options.goals else ())
    entries = list(suite.chosen(chosen, options.long))
    if options.listed:
        print("\n".join(entry.name + (" (--long)" if entry.long else "") for entry in entries))
        return
    adapters, notes = peers.load(() if options.goals else options.peers, options.threads)
    setting = Setting(options.dtype, options.smoke, adapters)
    settle_allocator()
    how = How(options.rounds, options.sample, options.budget, options.dtype, CLOCKS[options.clock])
    with ExitStack() as stack:
        try:
            if options.threads:
                stack.enter_context(gx.blas_threads(options.threads))
        except gx.BlasThreadsError as error:
            notes.append(f"BLAS threads as found: {error}")
        figures = _heading(options, notes)
        for entry in entries:
            workload = entry.make(setting)
            if options.profile:
                profile(workload)
                continue
            measured = measure(workload, how)
            figures["workloads"][entry.name] = measured
            if options.json:  # at once: a long run that is stopped has not been for nothing
                options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
            if not options.goals:
                _print_table(entry.name, measured)
    if options.goals:
        print("\n".join(goals.lines(goals.outcomes(figures))))


def profile(workload: Workload) -> None:
    """Print in which functions gradx's ways spend their time."""
    for name, way in workload.ways.items():
        if not name.startswith("gradx") or workload.rounds is not None:
            continue
        repeats = max(1, round(PROFILE_SECONDS / timed(way, 1)))
        print(f"\n{workload.name}, {name}, {repeats} calls")
        with cProfile.Profile() as seen:
            timed(way, repeats)
        pstats.Stats(seen).sort_stats("tottime").print_stats(PROFILE_LINES)


def _heading(options: Options, notes: list[str]) -> dict[str, Any]:
    """Say on what, with what and how it is measured."""
    found, versions = machine.machine(), machine.versions()
    how = {key: value for key, value in asdict(options).items() if key in HOW}
    print(f"{found['processor']}, {found['cores']} cores, {found['system']}")
    print("BLAS: " + "; ".join(found["blas"]))
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(
        f"{options.dtype}, {options.rounds} interleaved rounds of {options.sample * 1e3:g} ms "
        f"({options.clock} clock), "
        f"threads: {options.threads or 'as found'}"
    )
    for note in notes:
        print(note)
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        "format": 1,
        "date": when,
        "machine": found,
        "versions": versions,
        "how": how,
        "speedups": native is not None,
        "notes": notes,
        "workloads": {},
    }


def _print_table(name: str, measured: dict[str, Any]) -> None:
    """A line a way: its time, its ratio to hand-written NumPy, and its memory."""
    heads = f"{'µs':>12}{'ratio':>8}{'95 %':>14}{'min–max':>14}{'best':>8}{'peak MB':>10}"
    print(f"\n{name:24}{heads}")
    for way, row in measured["ways"].items():
        time, to_numpy = seconds(measured, way), ratio(measured, way)
        peak = row.get("traced", row.get("resident"))
        print(
            f"  {way:22}{time.median * 1e6:12.2f}{to_numpy.median:8.2f}"
            f"{f'{to_numpy.low:.2f}–{to_numpy.high:.2f}':>14}"
            f"{f'{to_numpy.least:.2f}–{to_numpy.most:.2f}':>14}{best(measured, way):8.2f}"
            + ("" if peak is None else f"{peak / 1e6:10.1f}")
        )
    for fact, value in measured["facts"].items():
        print(f"  {fact}: {value:.4g}")
    for note in measured["notes"]:
        print(f"  {note}")
