"""Measuring: all ways in interleaved rounds, after a check that they compute the same numbers."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.workload import BASELINE, Way, Workload, first_line

Clock = Callable[[], float]
LEAST_ROUNDS = 6  # fewer have no interval
MOST_GROWTH_ROUNDS = 9
LARGEST_BLOCK = 31 << 20  # the largest that glibc adapts to is 32 MB, with its own header
TOLERANCE = MappingProxyType({"float64": 1e-9, "float32": 2e-4})
# Many steps amplify what the last bit of a product differs by.
AFTER_MANY_STEPS = MappingProxyType({"float64": 1e-3, "float32": 5e-2})


class DisagreementError(Exception):
    """A way that computes other numbers than the hand-written NumPy."""


def flat(x: Any) -> np.ndarray:
    """All numbers of a result, whatever arrays they are in."""
    if isinstance(x, tuple | list):
        return np.concatenate([flat(item) for item in x])
    if hasattr(x, "detach"):  # PyTorch's: part of a recorded computation until detached
        x = x.detach()
    return np.ravel(np.asarray(getattr(x, "data", x) if _is_mygrad(x) else x))


def _is_mygrad(x: Any) -> bool:
    return type(x).__module__.startswith("mygrad")


def is_own(name: str) -> bool:
    """Whether a way is the hand-written NumPy or gradx, without which a run says nothing."""
    return name == BASELINE or name.startswith("gradx")


def check(name: str, got: Any, wanted: np.ndarray, tolerance: float) -> None:
    """Refuse numbers that differ.

    Raises:
        DisagreementError: names the way and how far it is off.
    """
    numbers = flat(got)
    if numbers.shape != wanted.shape:
        raise DisagreementError(f"{name}: {numbers.size} numbers instead of {wanted.size}")
    if not np.allclose(numbers, wanted, rtol=tolerance, atol=tolerance):
        worst = float(np.max(np.abs(numbers - wanted)))
        raise DisagreementError(f"{name}: other numbers than {BASELINE}, by up to {worst:g}")


@dataclass(frozen=True)
class How:
    """How to measure.

    Attributes:
        rounds: how often; workloads that bring their own number keep it.
        sample: seconds that a round of one way should last; short ones are repeated.
        budget: seconds that a workload may take in all; a slow one gets fewer rounds.
        dtype: decides how closely the numbers must agree.
        clock: gives seconds.
    """

    rounds: int
    sample: float
    budget: float = 60.0
    dtype: str = "float64"
    clock: Clock = time.perf_counter


def measure(workload: Workload, how: How) -> dict[str, Any]:
    """Run a workload.

    Returns:
        For JSON: `ways` with the seconds of each round a call, `facts`, `notes`.

    Raises:
        DisagreementError: gradx computes other numbers than the hand-written NumPy.
    """
    ways, notes = (_repeat if workload.rounds is None else _go_on)(workload, how)
    return {
        "operations": workload.operations,
        "ways": ways,
        "facts": workload.facts(how) if workload.facts else {},
        "notes": [*workload.notes, *notes],
    }


def _repeat(workload: Workload, how: How) -> tuple[dict[str, Any], list[str]]:
    """Ways that compute the same thing at each call."""
    ways, notes = agreeing(workload, how)
    once = {name: min(timed(way, 1, how.clock) for _ in range(2)) for name, way in ways.items()}
    repeats = {name: max(1, round(how.sample / max(once[name], 1e-7))) for name in ways}
    a_round = sum(once[name] * repeats[name] for name in ways)
    rounds = min(how.rounds, max(LEAST_ROUNDS, int(how.budget / a_round)))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    gc.collect()
    for _ in range(rounds):
        for name in order:
            seconds[name].append(timed(ways[name], repeats[name], how.clock))
        order.append(order.pop(0))  # nobody always comes after the same neighbour's caches
    return {
        name: {"seconds": seconds[name], "calls": repeats[name], **memory(way)}
        for name, way in ways.items()
    }, notes


def _go_on(workload: Workload, how: How) -> tuple[dict[str, Any], list[str]]:
    """Ways that go on from call to call; the numbers are compared at the end."""
    seconds: dict[str, list[float]] = {name: [] for name in workload.ways}
    results: dict[str, Any] = {}
    gc.collect()
    for _ in range(workload.rounds or 0):
        for name, way in workload.ways.items():
            began = how.clock()
            results[name] = way.run()
            seconds[name].append(how.clock() - began)
    ways: dict[str, Any] = {}
    notes: list[str] = []
    wanted = flat(results[BASELINE])
    for name, result in results.items():
        try:
            check(name, result, wanted, AFTER_MANY_STEPS[how.dtype])
            ways[name] = {"seconds": seconds[name], "calls": 1}
        except DisagreementError as error:
            if is_own(name):
                raise
            notes.append(f"{name} left out: {error}")
    return ways, notes


def agreeing(workload: Workload, how: How) -> tuple[dict[str, Way], list[str]]:
    """The ways that compute the same numbers in time, and notes about peers that do not."""
    wanted = flat(workload.ways[BASELINE].run())
    ways, notes = {}, []
    for name, way in workload.ways.items():
        try:
            if way.reset:
                way.reset()
            began = how.clock()
            result = way.run()
            took = how.clock() - began
            check(name, result, wanted, TOLERANCE[how.dtype])
            slow = (
                not is_own(name) and took > how.budget / 10
            )  # the first call may compile something
            if slow and (took := timed(way, 1, how.clock)) > how.budget / 10:
                notes.append(f"{name} left out: a call takes {took:.1f} s")
            else:
                ways[name] = way
        except Exception as error:  # a peer that fails is told, and must not end the run
            if is_own(name):
                raise
            notes.append(f"{name} left out: {type(error).__name__}: {first_line(error)}")
    return ways, notes


def timed(way: Way, repeats: int, clock: Clock = time.perf_counter) -> float:
    """Seconds of a call, the mean of so many."""
    if way.reset:
        way.reset()
    run = way.run
    began = clock()
    for _ in range(repeats):
        run()
    return (clock() - began) / repeats


def settle_allocator() -> None:
    """Bring the C allocator to the state that it has in a program that has worked with arrays.

    glibc hands freed memory back to the system until it has seen larger blocks come and go. In a
    fresh process each array of a few hundred kilobytes then costs a page fault a page, and a figure
    would depend on what was run before it.

    Source: M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in mallopt(3).
    """
    np.empty(LARGEST_BLOCK, np.uint8)


def growth(small: Callable[[], Any], large: Callable[[], Any], how: How) -> float:
    """How many times as long the second takes, in the median of interleaved rounds."""
    small()
    large()
    ratios = []
    for _ in range(min(how.rounds, MOST_GROWTH_ROUNDS)):
        first = min(timed(Way(small), 1, how.clock) for _ in range(3))
        ratios.append(min(timed(Way(large), 1, how.clock) for _ in range(3)) / first)
    return statistics.median(ratios)


# --- Memory ---------------------------------------------------------------------------------------


def memory(way: Way) -> dict[str, int]:
    """The most memory a call needed at once, in bytes.

    `traced` is what Python and NumPy had allocated; `resident`, on Linux, what the process held
    in all, which also counts other libraries' memory, in pages and less exactly.
    """
    if way.reset:
        way.reset()
    found = {} if way.native else {"traced": traced(way.run)}
    resident = _resident_growth(way.run)
    return found if resident is None else {**found, "resident": resident}


def traced(run: Callable[[], Any]) -> int:
    """The most bytes that Python and NumPy had allocated at once during a call."""
    gc.collect()
    with _tracing():
        run()
        return tracemalloc.get_traced_memory()[1]


@contextlib.contextmanager
def _tracing() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def _resident_growth(run: Callable[[], Any]) -> int | None:
    status, clear = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not (status.exists() and clear.exists()):
        return None
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # freed memory that is kept would hide what comes
    try:
        clear.write_text("5")  # the highest mark begins again at what is held now
        before = _kilobytes(status.read_text(), "VmRSS")
        run()
        return max(0, _kilobytes(status.read_text(), "VmHWM") - before) * 1024
    except (OSError, ValueError):
        return None


def _kilobytes(status: str, key: str) -> int:
    found = re.search(rf"^{key}:\s*(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise ValueError(f"no line {key} in the status of the process")
    return int(found[1])


def calls_of(function: Any, run: Callable[[], Any]) -> int:
    """How often a call calls a built-in function, wherever from."""
    count = 0

    def see(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "c_call" and argument is function

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count
