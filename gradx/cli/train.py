"""`gradx train`: the announcement's experiment, or one of your own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

import gradx.mnist as mnist
from gradx._version import __version__
from gradx.backends import DeviceFailedError, resolve
from gradx.cli.exits import INTERRUPTED, close_pipe
from gradx.cli.failures import device_failures, out_of_memory
from gradx.cli.progress import Progress
from gradx.cli.reporter import Reporter, header, json_line, training_words
from gradx.cli.shared import (
    check_pixels,
    describe_net,
    device_option,
    place_net,
    why_auto,
)
from gradx.cli.signals import Stop, stop_on_signals
from gradx.train import (
    Begun,
    Checkpoint,
    Data,
    JsonLines,
    ModelFileError,
    OptionError,
    Options,
    OutputError,
    Reported,
    State,
    Stopped,
    check_memory,
    check_writable,
    fingerprint,
    init_net,
    load,
    map_net,
    place,
    plan_of,
    save,
    threads_for,
    train,
)
from gradx.train.options import DTYPES

# Options that decide what the network is: a loaded one has them already.
_OF_THE_NETWORK = ("hidden", "dtype", "seed")


@click.command("train")
@device_option
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="IDX files of your own, compressed or not.  [default: the MNIST that gradx ships]",
)
@click.option("--epochs", type=int, metavar="N", help="Passes over the data in all.  [default: 1]")
@click.option("--batch-size", type=int, metavar="N", help="Samples a step.  [default: 1]")
@click.option("--rate", type=float, metavar="X", help="Learning rate.  [default: 0.02]")
@click.option(
    "--hidden",
    type=int,
    multiple=True,
    metavar="N",
    help="Units of a hidden layer; repeat it for more layers.  [default: 250]",
)
@click.option(
    "--dtype", type=click.Choice(list(DTYPES)), help="Of all numbers.  [default: float64]"
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="The same seed gives the same result, bit for bit.  [default: 0]",
)
@click.option(
    "--report-every", type=int, metavar="N", help="Samples between reports.  [default: 5000]"
)
@click.option(
    "--save",
    "save_to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the model here after each epoch, and when stopped.",
)
@click.option(
    "--load",
    "load_from",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Go on from this model, with its options unless you give others.",
)
@click.option(
    "--json",
    "json_to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write each report here as a line of JSON; with --load, after the lines there are.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def command(
    device: str,
    data: Path | None,
    save_to: Path | None,
    load_from: Path | None,
    json_to: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Train a network on handwritten digits.

    With no option it repeats the experiment of the announcement of Haskell's backprop library.
    """
    with stop_on_signals() as stop:
        job = _prepare(device, data, save_to, load_from, json_to, given)
        if stop.requested:
            raise KeyboardInterrupt
        stop.patient = True
        return _Run(job, stop, quiet=quiet).go()


@dataclass(frozen=True)
class _Job:
    """A run that has been checked and is ready to begin."""

    options: Options
    state: State
    data: Data
    fingerprint: str
    source: str
    device_words: str
    save_to: Path | None
    json_to: Path | None
    load_from: Path | None


def _prepare(
    device: str,
    directory: Path | None,
    save_to: Path | None,
    load_from: Path | None,
    json_to: Path | None,
    given: Mapping[str, Any],
) -> _Job:
    """Check everything that can be checked before the first step."""
    wanted = {name: value for name, value in given.items() if value not in (None, ())}
    options = Options(**wanted)
    options.check()
    checkpoint = None if load_from is None else load(load_from)
    if checkpoint is not None and load_from is not None:
        options = _go_on(checkpoint, load_from, wanted)
    _check_outputs(save_to, json_to, load_from)
    backend, there = resolve(device)

    def check(shapes: mnist.Shapes) -> None:
        options.check_against(shapes.train[0], shapes.pixels, mnist.CLASSES)
        check_memory(shapes, options.dtype, there)
        if checkpoint is not None and load_from is not None:
            check_pixels(load_from, checkpoint.state.params, shapes)

    dataset = mnist.load(directory, check)
    mark = fingerprint(dataset.train)
    if checkpoint is None:
        sizes = (dataset.train.images[0].size, *options.hidden, mnist.CLASSES)
        state = State(init_net(sizes, options.dtype, options.seed))
    else:
        state = checkpoint.state
        if state.position and mark != checkpoint.data:
            raise ModelFileError(
                f"{load_from}: stands {state.position:,} samples into an epoch over other data "
                f"than {dataset.source}; go on with the data it was trained on"
            )
    with device_failures(backend, there, lambda: "while the data was brought there"):
        state = replace(state, params=place_net(state.params, backend, there))
        data = place(dataset, options.dtype, backend, there)
    return _Job(
        options=options,
        state=state,
        data=data,
        fingerprint=mark,
        source=f"{dataset.source}: {len(dataset.train):,} training and {len(dataset.test):,} test "
        "images",
        device_words=f"{there} ({backend.name}{why_auto(device)}), {options.dtype}",
        save_to=save_to,
        json_to=json_to,
        load_from=load_from,
    )


def _go_on(checkpoint: Checkpoint, path: Path, wanted: Mapping[str, Any]) -> Options:
    """The options of a run that goes on: the file's, but for what is asked for now."""
    for name in _OF_THE_NETWORK:
        there = getattr(checkpoint.options, name)
        if name in wanted and wanted[name] != there:
            raise OptionError(
                f"{name} {_words(wanted[name])}: {path} has {name} {_words(there)}, which cannot "
                "change; leave the option out to go on with that network"
            )
    options = replace(checkpoint.options, **wanted)
    behind = checkpoint.state.epoch
    if options.epochs <= behind:
        if "epochs" in wanted:
            raise OptionError(
                f"epochs {options.epochs}: {path} has {behind} behind it, and the number counts "
                f"from the very first; use {behind + 1} or more"
            )
        options = replace(options, epochs=behind + 1)
    return options


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check_outputs(save_to: Path | None, json_to: Path | None, load_from: Path | None) -> None:
    if save_to is not None:
        check_writable(save_to, whole=True)
    if json_to is not None:
        check_writable(json_to, whole=False)
        for option, other in (("save", save_to), ("load", load_from)):
            if other is not None and other.resolve() == json_to.resolve():
                raise OutputError(
                    f"{json_to}: cannot be both the model (--{option}) and the reports (--json); "
                    "name two files"
                )


class _Run:
    """One run from the first step to the last word."""

    def __init__(self, job: _Job, stop: Stop, *, quiet: bool) -> None:
        self.job = job
        self.stop = stop
        self.state = job.state
        self.kept: State | None = None  # the same on the host, for the file
        self.position = job.state.position
        count = len(job.data.train)
        self.progress = Progress(sys.stderr, job.options.epochs, count, shown=not quiet)
        self.reporter = Reporter(self.progress, quiet=quiet)

    def go(self) -> int:
        """Train, report, save; the exit code."""
        data = self.job.data
        try:
            with (
                threads_for(self.job.options.batch_size) as threads,
                device_failures(data.backend, data.device, self._where),
            ):
                self._introduce(threads)
                return self._train()
        except BrokenPipeError:
            self._save()
            return close_pipe()
        except OutputError as error:
            raise OutputError(self._saved_after(str(error))) from error
        except OSError as error:
            reason = f"{error.strerror or error}; check where the output goes"
            raise OutputError(self._saved_after(reason)) from error
        except MemoryError as error:
            raise OptionError(self._saved_after(out_of_memory(error))) from error
        except KeyboardInterrupt:
            self._tell(f"gradx: interrupted; {self._salvage()}")
            return INTERRUPTED
        except DeviceFailedError as error:
            raise DeviceFailedError(error.reason, f"{error.fix}; {self._salvage()}") from error
        finally:
            self.progress.clear()

    def _introduce(self, threads: str) -> None:
        job = self.job
        origin = "" if job.load_from is None else f", from {job.load_from}"
        rows = [
            ("network", describe_net(job.state.params) + origin),
            ("training", training_words(job.options, job.state.epoch, job.state.position)),
            ("device", job.device_words),
            ("seed", str(job.options.seed)),
            ("data", job.source),
        ]
        if job.data.device.kind == "cpu":
            rows.append(("BLAS", threads))
        self.reporter.say(f"gradx {__version__}\n{header(rows)}\n\nLoaded data.")

    def _train(self) -> int:
        job = self.job
        report: Reported | None = None
        with self._lines() as lines:
            for event in train(plan_of(job.options, job.data), job.state, self._tick):
                if isinstance(event, Begun):
                    self.reporter.begin(event)
                    self.progress.begin(event.epoch, event.position)
                    continue
                self._keep(event.state)
                if isinstance(event, Stopped):
                    self._tell_stopped()
                    return INTERRUPTED
                report = event
                self.reporter.report(report)
                if lines is not None:
                    lines.write(json_line(report))
                if report.state.position == 0:
                    self._save()
        if report is not None:
            self.reporter.finish(report, self._points(self.state) - self._points(job.state))
        if job.save_to is not None:
            self.reporter.say(f"Saved to {job.save_to}.")
        return 0

    def _lines(self) -> AbstractContextManager[JsonLines | None]:
        path = self.job.json_to
        if path is None:
            return nullcontext()
        return JsonLines(path, append=self.job.load_from is not None)

    def _tick(self, position: int) -> bool:
        self.position = position
        self.progress.at(position)
        return self.stop.requested

    def _points(self, state: State) -> int:
        return state.epoch * len(self.job.data.train) + state.position

    def _keep(self, state: State) -> None:
        """Hold on to a state; what will be saved, on the host, where no device can lose it."""
        if self.job.save_to is not None:
            net = map_net(self.job.data.backend.to_numpy, state.params)
            self.kept = replace(state, params=net)
        self.state, self.position = state, state.position

    def _save(self) -> bool:
        """Save what was learned, if anything was and a file was named."""
        job = self.job
        if job.save_to is None or self.kept is None:
            return False
        count = len(job.data.train)
        save(job.save_to, Checkpoint(self.kept, job.options, count, job.fingerprint))
        return True

    def _where(self) -> str:
        """Where training stands; a device that works behind may have failed some steps before."""
        count = len(self.job.data.train)
        return f"in epoch {self.state.epoch + 1} after {self.position:,} of {count:,} samples"

    def _saved_after(self, error: str) -> str:
        """Save what was learned before something failed; what failed and what there is now."""
        saved = self._salvage()
        return error if saved == error else f"{error}; {saved}"  # equal where saving failed

    def _salvage(self) -> str:
        """Save what was learned, as far as it was read from the device; the outcome in words."""
        job, path = self.job, self.job.save_to
        try:
            saved = self._save()
        except OutputError as error:
            return str(error)
        if saved and self.kept is not None:
            return (
                f"what it had learned after {self._points(self.kept):,} samples in all is saved; "
                f"go on with: gradx train --load {path} --save {path}"
            )
        if path is None:
            return "nothing was saved, as no --save was given"
        if job.load_from is not None:
            return f"nothing had been learned since {job.load_from}, which is as it was"
        return "nothing had been learned yet"

    def _tell_stopped(self) -> None:
        state, path = self.state, self.job.save_to
        saved = (
            f"saved to {path}; go on with: gradx train --load {path} --save {path}"
            if self._save()
            else "nothing was saved, as no --save was given"
        )
        self._tell(
            f"gradx: stopped in epoch {state.epoch + 1} after {state.position:,} of "
            f"{len(self.job.data.train):,} samples; {saved}"
        )

    def _tell(self, line: str) -> None:
        """A last word on the error stream, which may be gone with the terminal."""
        self.progress.clear()
        with suppress(OSError):
            click.echo(line, err=True)
