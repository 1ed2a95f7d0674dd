"""Options: the command line of `python -m benchmarks`.

It is read before NumPy or any peer is loaded, since some of it decides what may be.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

PEERS = ("optimised", "numba", "torch", "torch.compile", "jax", "autograd", "mygrad", "advect")
# Enough rounds for a narrow interval; as many as are good for a look.
ROUNDS = 31
SMOKE_ROUNDS = 2


@dataclass(frozen=True)
class Options:
    """What to run, and how.

    Attributes:
        workloads: names, or beginnings of names, to choose; none for all.
        peers: adapters to load.
        dtype: of all arrays.
        rounds: interleaved rounds.
        sample: seconds that a round of one way lasts.
        budget: seconds that a workload may take; a slow one gets fewer rounds, but at least six.
        clock: `wall` for the time that passes, `cpu` for the time that this process computes, which
            neighbours on a busy machine disturb less.
        threads: of each BLAS, and of the peers that have threads of their own; 0 as found.
        profile: print where gradx's time goes instead of measuring.
        long: also the workloads that take minutes.
        goals: print the table of goals and run only what it needs.
        smoke: small data, few rounds.
        listed: only print the names of the workloads.
        json: where to write the figures.
        without: packages to do as if they were not installed.
    """

    workloads: tuple[str, ...] = ()
    peers: tuple[str, ...] = PEERS
    dtype: str = "float64"
    rounds: int = ROUNDS
    sample: float = 0.01
    budget: float = 60.0
    clock: str = "wall"
    threads: int = 1
    profile: bool = False
    long: bool = False
    goals: bool = False
    smoke: bool = False
    listed: bool = False
    json: Path | None = None
    without: tuple[str, ...] = ()


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="What gradx costs beside NumPy written by hand, and beside its peers.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("workloads", nargs="*", help="names, or beginnings of names such as W6 (default: all)")
    add("--peers", default=",".join(PEERS), help="of %(default)s; none for gradx alone")
    add("--dtype", choices=["float64", "float32"], default="float64")
    add("--rounds", type=int, help=f"interleaved rounds (default {ROUNDS})")
    add("--sample", type=float, default=10, help="milliseconds a round (default %(default)s)")
    add("--budget", type=float, default=60, help="seconds a workload (default %(default)s)")
    add("--clock", choices=["wall", "cpu"], default="wall", help="cpu on a busy machine")
    add("--threads", type=int, default=1, help="of BLAS and peers, 0 as found (default 1)")
    add("--profile", action="store_true", help="where gradx's time goes, instead of figures")
    add("--long", action="store_true", help="also what takes minutes: an epoch, gradx train")
    add("--goals", action="store_true", help="the table of goals; runs what it needs")
    add("--smoke", action="store_true", help="small and few: does it run?")
    add("--list", action="store_true", dest="listed", help="only print the workloads' names")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--without", default="", metavar="NAMES", help="as if packages such as scipy were missing")
    given = vars(parser.parse_args(arguments))
    peers = names(given.pop("peers"))
    unknown = sorted(set(peers) - {*PEERS, "none"})
    if unknown:
        parser.error(f"--peers {','.join(unknown)}: not known; choose of {','.join(PEERS)} or none")
    smoke = given["smoke"]
    rounds = given.pop("rounds") or (SMOKE_ROUNDS if smoke else ROUNDS)
    if rounds < 1 or given["threads"] < 0 or given["sample"] <= 0:
        parser.error("--rounds and --sample must be above 0, --threads 0 or more")
    return Options(
        workloads=tuple(given.pop("workloads")),
        peers=tuple(peer for peer in peers if peer != "none"),
        rounds=rounds,
        sample=0.0 if smoke else given.pop("sample") / 1000,
        without=names(given.pop("without")),
        **{key: value for key, value in given.items() if key != "sample"},
    )


def names(text: str) -> tuple[str, ...]:
    """The names of a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
