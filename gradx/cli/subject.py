"""The subject of a training run: the network for digits, or a model of the user's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gradx.backends import Backend, Device
from gradx.cli.reporter import Reporter
from gradx.optim.method import Method
from gradx.train import Checkpoint, Heading, Options, Plan


@dataclass(frozen=True)
class Loaded:
    """Data that has been read and checked, on the host.

    Attributes:
        data: as the subject has it.
        origin: where it is from.
        size: how much it is, in words.
        samples: how many there are to train on.
        fingerprint: tells it from other data.
    """

    data: Any
    origin: str
    size: str
    samples: int
    fingerprint: str

    @property
    def source(self) -> str:
        """Where it is from and how much it is."""
        return f"{self.origin}: {self.size}" if self.origin else self.size


class Subject(ABC):
    """What is trained, and all that a run asks of it.

    Attributes:
        label: what the header calls it.
        reporter: tells of its course.
    """

    label: ClassVar[str]
    reporter: ClassVar[type[Reporter]]

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name in logs and files."""

    @property
    @abstractmethod
    def argument(self) -> str:
        """What names it on the command line, with a space after it if it is not empty."""

    @property
    def file(self) -> Path | None:
        """The user's own file that it is written in, if there is one."""
        return None

    @property
    def mark(self) -> str:
        """Tells it from another of the same name."""
        return self.name

    @abstractmethod
    def defaults(self) -> Options:
        """What it is trained with unless something else is asked for."""

    @abstractmethod
    def load(self, path: Path) -> Checkpoint:
        """Read a file that it was saved to."""

    @abstractmethod
    def read(self, path: Path | None, options: Options, device: Device, checkpoint: Any) -> Loaded:
        """Read and check the data.

        Args:
            path: where it is; None for the usual place.
            options: of the run.
            device: where the data will be.
            checkpoint: what the run goes on from, if anything: a pair of path and checkpoint.
        """

    @abstractmethod
    def first(self, options: Options, loaded: Loaded) -> Any:
        """The parameters before the first step."""

    @abstractmethod
    def plan(
        self, options: Options, params: Any, loaded: Loaded, backend: Backend, device: Device
    ) -> Plan:
        """What the options mean for the loop, with the data on its device."""

    @abstractmethod
    def count(self, params: Any) -> int:
        """How many numbers it learns."""

    @abstractmethod
    def describe(self, params: Any) -> str:
        """What it is, in words."""

    def faults_told(self) -> AbstractContextManager[None]:
        """In the block, what code of the user's raises becomes one line."""
        return nullcontext()


def method_of(heading: Heading) -> Method:
    """The method that trained what is in a file."""
    options = heading.options
    return options.recipe.build(options.steps(heading.samples))
