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
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gradx import mnist
from gradx.backends import resolve
from gradx.parallel import Group, world
from gradx.train import Gradients, Options, State, init_net, place, plan_of, train

SIZES = (1, 1_000, 10_000, 100_000, 198_760, 1_000_000)  # float64 items; 198,760 is the network's
SECONDS = 0.5
STEPS = 40
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure; or, started by itself on ranks, be one of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel", description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="*", default=[2, 4], help="numbers of ranks")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each measurement")
    parser.add_argument("--batch", type=int, default=1024, help="samples a step")
    parser.add_argument("--rounds", type=int, default=5, help="turns of the measurements of steps")
    parser.add_argument("--part", choices=["messages", "steps"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "messages":
        measure_messages(world(), options.seconds)
        return
    if options.part == "steps":
        measure_steps(world(), options.batch)
        return
    for ranks in options.ranks:
        print_messages(ranks, on_ranks(ranks, "--part", "messages", "--seconds", options.seconds))
    compare_steps(options.rounds, options.batch)


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
    """The least of ten means of the time of a call; as many calls on all ranks."""
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
    return min(times)


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


# --- Steps ----------------------------------------------------------------------------------------

WAYS = {  # ranks, and BLAS threads of each
    "one process, one thread": (1, 1),
    "one process, two threads": (1, 2),
    "two ranks, one thread each": (2, 1),
}


def measure_steps(group: Group, batch: int) -> None:
    """Time steps of the announcement's network; rank 0 prints the median."""
    options = Options(batch_size=batch, rate=0.1, report_every=1_000_000, epochs=1_000_000)
    backend, device = resolve("cpu")
    data = place(mnist.load(), options.dtype, backend, device)
    plan = replace(plan_of(options, data), gradients=Gradients(group=group))
    times = [time.perf_counter()]

    def tick(position: int) -> bool:
        times.append(time.perf_counter())
        return len(times) > STEPS

    for _ in train(plan, State(init_net((784, 250, 10), options.dtype, 0)), tick):
        if len(times) > 1:
            break
    if group.rank == 0:
        print(json.dumps(statistics.median(b - a for a, b in pairwise(times[3:]))))


def compare_steps(rounds: int, batch: int) -> None:
    """Print how long a step takes in each way, and what two ranks gain."""
    arguments = ("--part", "steps", "--batch", batch)
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, (ranks, threads) in WAYS.items():
            found[name].append(on_ranks(ranks, *arguments, threads=threads))
    print(f"\na step on {batch:,} samples")
    for name, times in found.items():
        print(f"{'':7}{name:28}{min(times) * 1e3:8.2f} ms, at most {max(times) * 1e3:.2f}")
    *alone, shared = found.values()
    for name, times in zip(WAYS, alone, strict=False):
        ratios = sorted(a / b for a, b in zip(times, shared, strict=True))
        print(
            f"{'':7}two ranks are {statistics.median(ratios):.2f} times as fast as {name} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
