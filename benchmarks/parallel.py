"""`python -m benchmarks.parallel`: what a sum over ranks costs, and what a step gains by ranks.

It starts itself on ranks by the `mpiexec` beside Python. Two constants are fitted to the times of
sums: what a message costs however short it is, and what a byte costs. Steps of one process and of
two ranks are measured in turns, so that what else the machine does disturbs all of them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradx.parallel import Group, world

SIZES = (1, 1_000, 10_000, 100_000, 198_760, 1_000_000)  # float64 items; 198,760 is the network's
SECONDS = 0.5
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure; or, started by itself on ranks, be one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel", description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="*", default=[2, 4], help="numbers of ranks")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each measurement")
    parser.add_argument("--part", choices=["messages"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "messages":
        measure_messages(world(), options.seconds)
        return
    for ranks in options.ranks:
        print_messages(ranks, on_ranks(ranks, "--part", "messages", "--seconds", options.seconds))


def on_ranks(ranks: int, *arguments: Any, threads: int = 1) -> Any:
    """What this program prints, as JSON, on so many ranks."""
    mpiexec = Path(sys.prefix) / "bin" / "mpiexec"
    command = [str(mpiexec), "-n", str(ranks), sys.executable, "-m", "benchmarks.parallel"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)},
    )
    return json.loads(done.stdout)


# --- Messages -------------------------------------------------------------------------------------


def measure_messages(group: Group, seconds: float) -> None:
    """Time sums and gatherings of vectors; rank 0 prints them."""
    found = []
    for size in SIZES:
        vector = np.zeros(size)
        found.append(
            {
                "bytes": vector.nbytes,
                "sum": seconds_of(group, lambda: group.sum_into(vector), seconds),  # noqa: B023
                "gather": seconds_of(group, lambda: group.gather(vector), seconds),  # noqa: B023
            }
        )
    if group.rank == 0:
        print(json.dumps(found))


def seconds_of(group: Group, work: Any, seconds: float) -> float:
    """The median over ten rounds of the time of a call; as many calls on all ranks."""
    rounds = 10
    began = time.perf_counter()
    work()
    work()
    calls = max(1, int(seconds / rounds / (time.perf_counter() - began) * 2))
    calls = group.broadcast(calls)
    times = []
    for _ in range(rounds):
        group.barrier()
        began = time.perf_counter()
        for _ in range(calls):
            work()
        times.append((time.perf_counter() - began) / calls)
    return statistics.median(times)


def print_messages(ranks: int, found: Sequence[dict[str, float]]) -> None:
    """A table, and the two constants."""
    print(f"\n{ranks} ranks{'bytes':>16}{'sum, µs':>12}{'gather, µs':>12}")
    for row in found:
        print(f"{'':7}{row['bytes']:16,}{row['sum'] * 1e6:12.1f}{row['gather'] * 1e6:12.1f}")
    for name in ("sum", "gather"):
        first, last = found[0], found[-1]
        each = (last[name] - first[name]) / (last["bytes"] - first["bytes"])
        print(
            f"{'':7}a {name}: {first[name] * 1e6:.1f} µs and {each * 1e9:.2f} ns a byte "
            f"({1e-9 / each:.1f} GB/s)"
        )


if __name__ == "__main__":
    main()
