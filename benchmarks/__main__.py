"""Run the workloads and print the table: `python -m benchmarks [--smoke] [--json FILE]`."""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import time
import tracemalloc
from typing import Any

import numpy as np

import gradx as gx
from benchmarks.workloads import Workload, workloads
from gradx.train import blas_threads


def flat(x: Any) -> np.ndarray:
    """All numbers of a result."""
    items = x if isinstance(x, tuple) else (x,)
    return np.concatenate([np.ravel(item) for item in items])


def check(workload: Workload) -> None:
    """All implementations compute the same numbers."""
    wanted = flat(workload.ways["numpy"]())
    tolerance = 1e-4 if wanted.dtype == np.float32 else 1e-9
    for name, way in workload.ways.items():
        np.testing.assert_allclose(
            flat(way()), wanted, rtol=tolerance, atol=tolerance, err_msg=name
        )


def measure(workload: Workload, rounds: int) -> dict[str, Any]:
    """Seconds of each way in interleaved rounds: medians, spread, ratio to NumPy, peak memory."""
    once = {name: timed(way, 1) for name, way in workload.ways.items()}
    repeats = {name: max(1, int(0.02 / max(t, 1e-7))) for name, t in once.items()}
    samples: dict[str, list[float]] = {name: [] for name in workload.ways}
    for _ in range(rounds):
        for name, way in workload.ways.items():
            samples[name].append(timed(way, repeats[name]) / repeats[name])
    ratios = {
        name: [a / b for a, b in zip(times, samples["numpy"], strict=True)]
        for name, times in samples.items()
    }
    return {
        name: {
            "seconds": statistics.median(samples[name]) / workload.operations,
            "ratio": statistics.median(ratios[name]),
            "ratios": [min(ratios[name]), max(ratios[name])],
            "peak": peak(way),
        }
        for name, way in workload.ways.items()
    }


def timed(way: Any, repeats: int) -> float:
    """Seconds of so many calls."""
    began = time.perf_counter()
    for _ in range(repeats):
        way()
    return time.perf_counter() - began


def peak(way: Any) -> int:
    """The most bytes that Python and NumPy had allocated at once during a call."""
    gc.collect()
    tracemalloc.start()
    way()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--smoke", action="store_true", help="small and once: does it run?")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    parser.add_argument("--json", metavar="FILE", help="write the figures too")
    chosen = parser.parse_args()
    rounds = 1 if chosen.smoke else chosen.rounds
    versions = f"gradx {gx.__version__}, Python {platform.python_version()}, NumPy {np.__version__}"
    figures: dict[str, Any] = {"versions": versions, "machine": platform.machine()}
    with blas_threads(1) as threads:
        print(f"{versions}, {chosen.dtype}; BLAS: {threads}")
        print(f"{'workload':22}{'':10}{'µs':>11}{'ratio':>8}{'min–max':>14}{'peak MB':>10}")
        for workload in workloads(chosen.smoke, chosen.dtype):
            check(workload)
            figures[workload.name] = measured = measure(workload, rounds)
            for name, row in measured.items():
                low, high = row["ratios"]
                print(
                    f"{workload.name:22}{name:10}{row['seconds'] * 1e6:11.2f}{row['ratio']:8.2f}"
                    f"{low:8.2f}–{high:.2f}{row['peak'] / 1e6:10.1f}"
                )
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
