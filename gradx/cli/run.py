"""The run: a training job from the first step to the last word."""

from __future__ import annotations

import math
import sys
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace

import click

from gradx._version import __version__
from gradx.backends import DeviceFailedError
from gradx.cli.exits import DONE, INTERRUPTED, close_pipe
from gradx.cli.failures import device_failures, out_of_memory
from gradx.cli.job import Job
from gradx.cli.log import header_line, report_line
from gradx.cli.progress import Progress
from gradx.cli.ranks import ranks_words
from gradx.cli.reporter import header, training_words
from gradx.cli.shared import read_back
from gradx.cli.signals import Stop
from gradx.errors import GradxError
from gradx.train import (
    Begun,
    Checkpoint,
    DivergedError,
    JsonLines,
    OptionError,
    OutputError,
    Patience,
    ProgramError,
    Reported,
    State,
    Stopped,
    TrainError,
    names_of_nan,
    save,
    threads_for,
    train,
)

_EVERY = 1.0  # seconds from one file after an epoch to the next; short epochs are many


class Run:
    """One run.

    Args:
        job: what to do.
        stop: says whether somebody asked to stop.
        quiet: print nothing but errors.
        plot: draw the curves at the end.

    Attributes:
        together: whether it ended on all ranks behind the same step.
    """

    def __init__(self, job: Job, stop: Stop, *, quiet: bool, plot: bool) -> None:
        self.job = job
        self.stop = stop
        self.together = False
        self.state = job.state
        self.kept: State | None = None  # the same on the host, for the file
        self.saved: State | None = None  # what is in the file
        self.saved_at = -math.inf
        self.patience = Patience(job.options.patience, job.state.best)
        self.position = job.state.position
        self.samples = job.loaded.samples
        self.progress = Progress(sys.stderr, job.options.epochs, self.samples, shown=not quiet)
        self.reporter = job.subject.reporter(
            self.progress, job.options, self.samples, quiet=quiet, plot=plot
        )

    def go(self) -> int:
        """Train, report, save; the exit code."""
        job, options = self.job, self.job.options
        ranks, same_bits = job.asked.group.size, options.blocks is not None
        try:
            with (
                threads_for(options.batch_size, ranks=ranks, same_bits=same_bits) as threads,
                job.subject.faults_told(),
                device_failures(job.backend, job.device, self._where),
            ):
                self._introduce(threads)
                return self._train()
        except BrokenPipeError:
            self._save()
            return close_pipe()
        except OutputError as error:
            raise OutputError(self._saved_after(str(error))) from error
        except ProgramError as error:
            raise ProgramError(self._saved_after(str(error))) from error
        except DivergedError as error:
            raise DivergedError(self._saved_after(str(error), usual=False)) from error
        except DeviceFailedError as error:
            raise DeviceFailedError(error.reason, f"{error.fix}; {self._salvage()}") from error
        except GradxError as error:  # such as what a loss gives later that is no number
            if self.kept is None or job.asked.group.size > 1:
                raise
            raise TrainError(self._saved_after(str(error))) from error
        except OSError as error:
            reason = f"{error.strerror or error}; check where the output goes"
            raise OutputError(self._saved_after(reason)) from error
        except MemoryError as error:
            raise OptionError(self._saved_after(out_of_memory(error))) from error
        except KeyboardInterrupt:
            self._tell(f"gradx: interrupted; {self._salvage()}")
            return INTERRUPTED
        except Exception as error:  # a fault of gradx, which takes nothing along
            error.add_note(self._salvage())
            raise
        finally:
            self.progress.clear()

    def _introduce(self, threads: str) -> None:
        job, asked = self.job, self.job.asked
        origin = "" if asked.load_from is None else f", from {asked.load_from}"
        rows = [
            (job.subject.label, job.subject.describe(job.state.params) + origin),
            ("method", job.options.recipe.words),
            ("training", training_words(job.options, job.state.epoch, job.state.position)),
            ("device", job.device_words),
            ("seed", str(job.options.seed)),
            ("data", job.loaded.source),
        ]
        if job.device.kind == "cpu":
            rows.append(("BLAS", threads))
        if (ranks := ranks_words(job.asked.group.size, job.options.blocks)) is not None:
            rows.append(("ranks", ranks))
        note = "" if job.note is None else f"\n{job.note}"
        self.reporter.say(f"gradx {__version__}\n{header(rows)}{note}\n\nLoaded data.")

    def _train(self) -> int:
        job = self.job
        report: Reported | None = None
        with self._lines() as lines:
            for event in train(job.plan, job.state, self._tick):
                if isinstance(event, Begun):
                    self.reporter.begin(event)
                    self.progress.begin(event.epoch, event.position)
                    continue
                self._keep(event.state)
                if isinstance(event, Stopped):
                    self.together = True
                    self._tell_stopped()
                    return INTERRUPTED
                report = event
                self.reporter.report(report)
                if lines is not None:
                    if self.reporter.reports == 1:
                        lines.write(self._header_line())
                    lines.write(report_line(report))
                kept = report if self.kept is None else replace(report, state=self.kept)
                if self.patience.see(kept):
                    self.reporter.say(
                        f"No better loss in {job.options.patience} reports: that is enough."
                    )
                    break
                if report.state.position == 0 and time.monotonic() - self.saved_at >= _EVERY:
                    self._save()
        self.together = True
        if report is not None:
            self._finish(report)
        return DONE

    def _finish(self, report: Reported) -> None:
        self.reporter.finish(report, self._points(report.state) - self._points(self.job.state))
        best, self.patience.known = self.patience.known, None  # the file then has no other
        if best is not None:
            self.state = best.state
            self.kept = None if self.kept is None else best.state
            self.reporter.say(f"The best model is that after {self._points(self.state):,} samples.")
        if self._save():
            self.reporter.say(f"Saved to {self.job.asked.save_to}.")

    def _header_line(self) -> dict[str, object]:
        job, save_to = self.job, self.job.asked.save_to
        return header_line(
            model=job.subject.name,
            parameters=job.subject.count(job.state.params),
            options=job.options,
            checkpoint=None if save_to is None else str(save_to),
            data=job.loaded.source,
            device=str(job.device),
        )

    def _lines(self) -> AbstractContextManager[JsonLines | None]:
        path = self.job.asked.json_to
        if path is None or not self.job.asked.writes:
            return nullcontext()
        return JsonLines(path, append=self.job.asked.load_from is not None)

    def _tick(self, position: int) -> bool:
        self.position = position
        self.progress.at(position)
        agreement = self.job.asked.agreement
        return self.stop.requested if self.job.asked.group.size == 1 else agreement.reached

    def _points(self, state: State) -> int:
        return state.epoch * self.samples + state.position

    def _keep(self, state: State) -> None:
        """Hold on to a state; what will be saved, on the host, where no device can lose it."""
        if self.job.asked.save_to is not None:
            there = read_back(state, self.job.backend)
            self._check_learned(there)
            if self.job.asked.writes:
                self.kept = there
        self.state, self.position = state, state.position

    def _check_learned(self, state: State) -> None:
        """Parameters that became nan take no place of good ones; a loss tells of them a step late.

        All ranks look, so that all of them end.
        """
        lost = names_of_nan(state.params)
        if lost := lost and lost - names_of_nan(self.job.state.params):
            raise DivergedError(
                f"{min(lost)} became nan after {self._points(state):,} samples, though the loss "
                "was a number; look for a derivative that is not finite, such as that of sqrt at 0"
            )

    def _save(self) -> bool:
        """Save what was learned, if anything was and a file was named; whether it is there."""
        job = self.job
        if job.asked.save_to is None or self.kept is None:
            return False
        if self.kept is self.saved:
            return True
        name, mark = job.subject.name, job.loaded.fingerprint
        state = replace(self.kept, best=self.patience.known)
        save(job.asked.save_to, Checkpoint(state, job.options, self.samples, mark, name))
        self.saved, self.saved_at = self.kept, time.monotonic()
        return True

    def _where(self) -> str:
        """Where training stands; a device that works behind may have failed some steps before."""
        return (
            f"in epoch {self.state.epoch + 1} after {self.position:,} of {self.samples:,} samples"
        )

    def _saved_after(self, error: str, *, usual: bool = True) -> str:
        """Save what was learned before something failed; what failed and what there is now.

        Args:
            error: what failed.
            usual: say it also where nothing was learned or is to be saved.
        """
        if self.kept is None and not usual:
            return error
        saved = self._salvage()
        return error if saved == error else f"{error}; {saved}"  # equal where saving failed

    def _salvage(self) -> str:
        """Save what was learned, as far as it was read from the device; the outcome in words."""
        asked, path = self.job.asked, self.job.asked.save_to
        try:
            saved = self._save()
        except OutputError as error:
            return str(error)
        if saved and self.kept is not None:
            return (
                f"what it had learned after {self._points(self.kept):,} samples in all is saved; "
                f"go on with: {self._command()}"
            )
        if path is None:
            return "nothing was saved, as no --save was given"
        if not asked.writes:
            return f"{path} is as rank 0 last saved it; go on with: {self._command()}"
        if asked.load_from is not None:
            return f"nothing had been learned since {asked.load_from}, which is as it was"
        return "nothing had been learned yet"

    def _command(self) -> str:
        path, group = self.job.asked.save_to, self.job.asked.group
        command = f"gradx train {self.job.subject.argument}--load {path} --save {path}"
        return command if group.size == 1 else f"mpiexec -n {group.size} {command} --parallel"

    def _tell_stopped(self) -> None:
        state, path = self.state, self.job.asked.save_to
        saved = (
            f"saved to {path}; go on with: {self._command()}"
            if self._save()
            else "nothing was saved, as no --save was given"
        )
        self._tell(
            f"gradx: stopped in epoch {state.epoch + 1} after {state.position:,} of "
            f"{self.samples:,} samples; {saved}"
        )

    def _tell(self, line: str) -> None:
        """A last word on the error stream, which may be gone with the terminal."""
        self.progress.clear()
        with suppress(OSError):
            click.echo(line, err=True)
