"""A model of the user's own, as the subject of a run."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from gradx.backends import Backend, Device
from gradx.cli.reporter import LineReporter, Reporter
from gradx.cli.subject import Loaded, Subject, method_of
from gradx.train import (
    Checkpoint,
    Gradients,
    Heading,
    ModelFileError,
    Nothing,
    Options,
    Plan,
    Program,
    ProgramData,
    Rows,
    Source,
    check_loss,
    count_numbers,
    faults_told,
    first_params,
    integer_arrays,
    load,
    read_data,
)
from gradx.train.heading import DIGITS


class Own(Subject):
    """A program's model.

    Args:
        program: holds it.
    """

    label: ClassVar[str] = "model"
    reporter: ClassVar[type[Reporter]] = LineReporter

    def __init__(self, program: Program) -> None:
        self.program = program

    @property
    def name(self) -> str:
        """See `Subject`."""
        return self.program.name

    @property
    def file(self) -> Path | None:
        """See `Subject`."""
        return self.program.file

    @property
    def mark(self) -> str:
        """See `Subject`."""
        return self.program.mark

    @property
    def argument(self) -> str:
        """See `Subject`."""
        return f"{self.program.name} "

    def defaults(self) -> Options:
        """See `Subject`."""
        return Options.of_programs()

    def load(self, path: Path, *, to_go_on: bool = True) -> Checkpoint:
        """See `Subject`.

        Args:
            path: the file.
            to_go_on: read what the method remembers, too.
        """

        def like(heading: Heading) -> Any:
            if heading.model == DIGITS:
                raise ModelFileError(
                    f"{path}: is a network for digits, not of {self.name}; leave {self.name} out"
                )
            with self.faults_told():
                return first_params(self.program, heading.options.seed, heading.options.dtype)

        return load(path, like, method_of if to_go_on else None)

    def read(self, path: Path | None, options: Options, device: Device, checkpoint: Any) -> Loaded:
        """See `Subject`: what the program's ``data`` gives."""
        with self.faults_told():
            data = read_data(self.program, path)
            mark = "" if data is None else data.fingerprint  # reads rows of it
        if data is None:
            return Loaded(None, "", "none, an epoch is one step", 1, mark)
        count = data.train[0].shape[0]
        test = f"{data.test[0].shape[0]:,} test" if data.test is not None else "no test"
        where = f"{path}" if path is not None else self.program.name
        size = f"{count:,} training and {test} samples"
        return Loaded(data, where, size, count, mark)

    def first(self, options: Options, loaded: Loaded) -> Any:
        """See `Subject`: what the program's ``init`` gives."""
        with self.faults_told():
            return first_params(self.program, options.seed, options.dtype)

    def plan(
        self, options: Options, params: Any, loaded: Loaded, backend: Backend, device: Device
    ) -> Plan:
        """See `Subject`."""
        train, test = self.sources(loaded.data, options.dtype, backend, device)
        with self.faults_told(), backend.on(device):
            batch = train.take(slice(0, options.batch_size)) if isinstance(train, Rows) else None
            check_loss(self.program, params, batch)
        return Plan(
            task=self.program.task,
            data=train,
            method=options.recipe.build(options.steps(loaded.samples)),
            validation=test,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            report_every=options.report_every,
            gradients=Gradients(self.program.reduction),
            quiet=True,
        )

    def sources(
        self, data: ProgramData | None, dtype: str | None, backend: Backend, device: Device
    ) -> tuple[Source, Source | None]:
        """The data to train and to test on, on a device."""
        if data is None:
            return Nothing(), None

        def rows(arrays: tuple[Any, ...]) -> Rows:
            if device.kind != "cpu":  # there memory maps stay what they are
                arrays = tuple(backend.asarray(x, device) for x in arrays)
            return Rows(arrays, "data", dtype=dtype, place=backend, device=device)

        return rows(data.train), None if data.test is None else rows(data.test)

    def count(self, params: Any) -> int:
        """See `Subject`."""
        return count_numbers(params)

    def describe(self, params: Any) -> str:
        """See `Subject`: its name, its size, and what of it is not learned."""
        count = self.count(params)
        size = f"{self.program.name}, {count:,} parameter{'s' * (count != 1)}"
        fixed = integer_arrays(params)
        if not fixed:
            return size
        rest = f" and {len(fixed) - 1} more are" if len(fixed) > 1 else " is"
        return f"{size}; not learned: {fixed[0]}{rest} of integers"

    def faults_told(self) -> AbstractContextManager[None]:
        """See `Subject`."""
        return faults_told(self.program)
