"""Options: what a training run is asked to do, checked before anything is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.train.errors import OptionError
from gradx.train.model import count_parameters
from gradx.train.recipe import Recipe

if os.name != "nt":
    import resource

DTYPES = MappingProxyType({"float32": 4, "float64": 8})

MOST_UNITS = 10_000_000
MOST_LAYERS = 1_000
MOST_COUNT = 1 << 62
"""What a checkpoint can hold; see `gradx.train.heading`."""

# Parameters, their gradient, the update and its intermediate value are alive at once.
_COPIES = 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to train; the defaults are the announcement's experiment.

    Attributes:
        hidden: the sizes of the hidden layers, from input to output; none for a program's model.
        method: how parameters step along a gradient, a name of `gradx.train.recipe.METHODS`.
        rate: the learning rate; None is the method's own.
        schedule: how the rate changes; see `gradx.train.recipe.Recipe`.
        clip: the largest norm of a gradient; None lets all pass.
        of_method: other options of the method, by name.
        epochs: passes over the data, in all.
        batch_size: samples a step.
        dtype: of parameters and data, `float32` or `float64`; None leaves a program's as they are.
        seed: decides the first weights and the order of the samples.
        report_every: samples from one report to the next; None for one report an epoch.
        patience: how many reports in a row may be no better before the run ends; None for all.
        blocks: in how many blocks a batch is computed, so that the bits do not depend on the number
            of ranks; None for a batch at once, or a part of it on each rank.
    """

    hidden: tuple[int, ...] = (250,)
    method: str = "sgd"
    rate: float | None = 0.02
    schedule: str = "constant"
    clip: float | None = None
    of_method: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 1
    batch_size: int = 1
    dtype: str | None = "float64"
    seed: int = 0
    report_every: int | None = 5000
    patience: int | None = None
    blocks: int | None = None

    @classmethod
    def of_programs(cls) -> Options:
        """What a program is trained with unless something else is asked for."""
        return cls(
            hidden=(),
            method="adam",
            rate=None,
            epochs=10,
            batch_size=32,
            dtype=None,
            report_every=None,
        )

    @property
    def precision(self) -> str:
        """The dtype; float64 where none is said."""
        return self.dtype or "float64"

    @property
    def recipe(self) -> Recipe:
        """The method and all that belongs to it."""
        return Recipe(
            method=self.method,
            rate=self.rate,
            schedule=self.schedule,
            clip=self.clip,
            options=self.of_method,
        )

    def check(self) -> None:
        """Refuse values that cannot work, whatever the data.

        Raises:
            OptionError: names the option and its value, says why and what would do.
        """
        self.recipe.check()
        check_count("epochs", self.epochs, "passes over the data", 1)
        check_count("batch size", self.batch_size, "samples a step", 1)
        if self.report_every is not None:
            check_count("report every", self.report_every, "samples", 5000)
        if self.patience is not None:
            check_count("patience", self.patience, "reports", 5)
        if self.blocks is not None:
            check_count("blocks", self.blocks, "blocks of a batch", 8)
        if len(self.hidden) > MOST_LAYERS:
            raise OptionError(
                f"hidden: {len(self.hidden):,} layers are too many; use at most {MOST_LAYERS:,}"
            )
        for size in self.hidden:
            if size > MOST_UNITS:
                raise OptionError(
                    f"hidden {size}: a layer has at most {MOST_UNITS:,} units; use fewer"
                )
            check_count("hidden", size, "units in a layer", 250)
        if self.seed < 0:
            raise OptionError(f"seed {self.seed}: must be 0 or above, such as 0")
        if self.seed > MOST_COUNT:
            raise OptionError(
                f"seed {self.seed}: must be at most 2**62, which a file can hold, such as 0"
            )
        if self.dtype is not None and self.dtype not in DTYPES:
            raise OptionError(f"dtype {self.dtype!r}: use {' or '.join(DTYPES)}")

    def changed(self, wanted: Mapping[str, Any]) -> Options:
        """These options but for some; another method comes with a rate and options of its own.

        Args:
            wanted: values by name.
        """
        options = self
        if wanted.get("method", self.method) != self.method:
            options = replace(options, rate=None, of_method={})
        of_method = {**options.of_method, **wanted.get("of_method", {})}
        return replace(options, **{**wanted, "of_method": of_method})

    def steps(self, samples: int) -> int:
        """How many steps the whole run has.

        >>> Options(epochs=3, batch_size=32).steps(100)
        12
        """
        return self.epochs * -(-samples // self.batch_size)

    def check_batch(self, samples: int) -> None:
        """Refuse steps of more samples than there are.

        Raises:
            OptionError: as for `check`.
        """
        if self.batch_size > samples:
            raise OptionError(
                f"batch size {self.batch_size:,}: the training data has only {samples:,} samples; "
                f"use 1 to {samples:,}"
            )

    def check_against(self, samples: int, pixels: int, classes: int) -> None:
        """Refuse values that cannot work with a network for this data.

        Args:
            samples: how many there are to train on.
            pixels: the network's inputs.
            classes: the network's outputs.

        Raises:
            OptionError: as for `check`.
        """
        self.check_batch(samples)
        sizes = (pixels, *self.hidden, classes)
        needed = _COPIES * count_parameters(sizes) * DTYPES[self.precision]
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
    if value > MOST_COUNT:
        raise OptionError(
            f"{option} {value}: must be at most 2**62, which a file can hold, such as {example}"
        )


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
