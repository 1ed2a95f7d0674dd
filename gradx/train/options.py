"""Options: what a training run is asked to do, checked before anything is done."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from gradx.train.errors import OptionError
from gradx.train.model import count_parameters

if os.name != "nt":
    import resource

DTYPES = MappingProxyType({"float32": 4, "float64": 8})

MOST_UNITS = 10_000_000
MOST_LAYERS = 1_000

# Parameters, their gradient, the update and its intermediate value are alive at once.
_COPIES = 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to train; the defaults are the announcement's experiment.

    Attributes:
        hidden: the sizes of the hidden layers, from input to output.
        rate: how far a step goes against the gradient.
        epochs: passes over the data, in all.
        batch_size: samples a step.
        dtype: of parameters and data, `float32` or `float64`.
        seed: decides the first weights and the order of the samples.
        report_every: samples from one report to the next.
    """

    hidden: tuple[int, ...] = (250,)
    rate: float = 0.02
    epochs: int = 1
    batch_size: int = 1
    dtype: str = "float64"
    seed: int = 0
    report_every: int = 5000

    def check(self) -> None:
        """Refuse values that cannot work, whatever the data.

        Raises:
            OptionError: names the option and its value, says why and what would do.
        """
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise OptionError(
                f"rate {self.rate}: the learning rate must be a finite number above 0, such as 0.02"
            )
        check_count("epochs", self.epochs, "passes over the data", 1)
        check_count("batch size", self.batch_size, "samples a step", 1)
        check_count("report every", self.report_every, "samples", 5000)
        if len(self.hidden) > MOST_LAYERS:
            raise OptionError(
                f"hidden: {len(self.hidden):,} layers are too many; use at most {MOST_LAYERS:,}"
            )
        for size in self.hidden:
            check_count("hidden", size, "units in a layer", 250)
            if size > MOST_UNITS:
                raise OptionError(
                    f"hidden {size}: a layer has at most {MOST_UNITS:,} units; use fewer"
                )
        if self.seed < 0:
            raise OptionError(f"seed {self.seed}: must be 0 or above, such as 0")
        if self.dtype not in DTYPES:
            raise OptionError(f"dtype {self.dtype!r}: use {' or '.join(DTYPES)}")

    def check_against(self, samples: int, pixels: int, classes: int) -> None:
        """Refuse values that cannot work with this data.

        Args:
            samples: how many there are to train on.
            pixels: the network's inputs.
            classes: the network's outputs.

        Raises:
            OptionError: as for `check`.
        """
        if self.batch_size > samples:
            raise OptionError(
                f"batch size {self.batch_size:,}: the training data has only {samples:,} samples; "
                f"use 1 to {samples:,}"
            )
        sizes = (pixels, *self.hidden, classes)
        needed = _COPIES * count_parameters(sizes) * DTYPES[self.dtype]
        present = memory()
        if present is not None and needed > present:
            raise OptionError(
                f"hidden {' '.join(map(str, self.hidden))}: training {count_parameters(sizes):,} "
                f"parameters takes about {gigabytes(needed)} of memory, this machine has "
                f"{gigabytes(present)}; use fewer or smaller layers"
            )


def check_count(option: str, value: int, what: str, example: int) -> None:
    """Refuse a number that is not 1 or more.

    Args:
        option: its name.
        value: the number.
        what: what it counts.
        example: one that would do.

    Raises:
        OptionError: it is less, or no whole number.
    """
    if not isinstance(value, (int, np.integer)):
        raise OptionError(
            f"{option} {value!r}: must be a whole number of {what}, such as {example}"
        )
    if value < 1:
        raise OptionError(f"{option} {value}: must be 1 or more {what}, such as {example}")


def gigabytes(count: int) -> str:
    """A number of bytes for people to read.

    >>> gigabytes(2_500_000_000)
    '2.5 GB'
    """
    return f"{count / 1e9:,.1f} GB"


def memory() -> int | None:
    """How much memory this process may have in bytes, or None where the system does not say."""
    limits = []
    with suppress(AttributeError, OSError, ValueError):
        # -1 stands for "unknown", and the product of two unknowns is not one byte.
        limits.append(max(0, os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    with suppress(NameError, OSError, ValueError):  # -1 stands for "without a limit"
        limits.append(resource.getrlimit(resource.RLIMIT_AS)[0])
    return min((limit for limit in limits if limit > 0), default=None)
