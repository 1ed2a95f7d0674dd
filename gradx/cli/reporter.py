"""The reporter: the course of a training run on standard output.

For the announcement's network the reports have the words and the layout of the announcement of
`backprop`; for a model of one's own, a report is one line.
"""

from __future__ import annotations

import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping

import click

from gradx.cli.progress import Progress
from gradx.report.text import can_show_blocks, curves
from gradx.train import Begun, Options, Reported, Score

_WIDEST = 100
_MOST_SHOWN = 50  # epochs, of which each has a line at least


class Reporter(ABC):
    """Writes a run's course as text.

    Args:
        progress: the bar that makes room for text.
        options: of the run.
        samples: in an epoch.
        quiet: write nothing.
        plot: draw the curves at the end.

    Attributes:
        reports: how many there were.
    """

    def __init__(
        self, progress: Progress, options: Options, samples: int, *, quiet: bool, plot: bool
    ) -> None:
        self._progress = progress
        self._samples = samples
        self._quiet = quiet
        self._plot = plot
        self._curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
        self._last, self._every = options.epochs, shown_every(options)
        self.reports = 0

    def say(self, line: str) -> None:
        """Write one line."""
        if not self._quiet:
            self._progress.clear()
            click.echo(line)

    @abstractmethod
    def begin(self, event: Begun) -> None:
        """A chunk begins."""

    def report(self, report: Reported) -> None:
        """A chunk is done."""
        self.reports += 1
        if self._plot:
            self._note(report)
        self.tell(report)

    @abstractmethod
    def tell(self, report: Reported) -> None:
        """Write a report."""

    def finish(self, report: Reported, points: int) -> None:
        """The run is done: its curves, time, speed and the last scores."""
        if self._plot:
            self._draw()
        what = self.what.removesuffix("s") if points == 1 else self.what
        self.say(
            f"Trained on {points:,} {what} in {report.seconds:.1f} s, "
            f"{points / report.seconds:,.0f} samples/s: {self.scores(report)}."
        )

    what = "samples"

    @abstractmethod
    def scores(self, report: Reported) -> str:
        """The scores of a report in words."""

    def _note(self, report: Reported) -> None:
        """Remember a report for the curves."""
        per_chunk = {"training": report.training, "validation": report.validation}
        for on, score in per_chunk.items():
            for name, y in numbers_of(score).items():
                there = self._curves.setdefault(name, {}).setdefault(on, [])
                there.append((self._at(report), y))

    def _at(self, report: Reported) -> float:
        """How many samples were trained on in all when a report was made."""
        return float(report.state.epoch * self._samples + report.state.position)

    def _draw(self) -> None:
        width = min(shutil.get_terminal_size().columns - 1, _WIDEST)
        blocks = can_show_blocks(sys.stdout)
        for name, series in self._curves.items():
            self.say(f"{curves(series, width, title=name, blocks=blocks)}\n")


class AnnouncementReporter(Reporter):
    """Reports as the announcement has them."""

    what = "points"

    def __init__(
        self, progress: Progress, options: Options, samples: int, *, quiet: bool, plot: bool
    ) -> None:
        super().__init__(progress, options, samples, quiet=quiet, plot=plot)
        self._epoch = 0

    def begin(self, event: Begun) -> None:
        """See `Reporter`."""
        if event.epoch != self._epoch:
            self._epoch = event.epoch
            self.say(f"[Epoch {event.epoch}]")
        self.say(f"(Batch {event.batch})")

    def tell(self, report: Reported) -> None:
        """See `Reporter`."""
        self.say(f"Trained on {report.points} points.")
        self.say(f"Training error:   {_percent(report.training)}%")
        self.say(f"Validation error: {_percent(report.validation)}%")

    def scores(self, report: Reported) -> str:
        """See `Reporter`."""
        training, validation = _percent(report.training), _percent(report.validation)
        return f"training error {training}%, validation error {validation}%"


class LineReporter(Reporter):
    """Reports of one line each; of very many epochs, the first, the last and some between."""

    def begin(self, event: Begun) -> None:
        """See `Reporter`: the line comes when the chunk is done."""

    def tell(self, report: Reported) -> None:
        """See `Reporter`."""
        if report.epoch not in (1, self._last) and report.epoch % self._every:
            return
        samples = int(self._at(report)) - (report.epoch - 1) * self._samples
        where = "" if samples == self._samples else f", {samples:,} of {self._samples:,} samples"
        self.say(f"Epoch {report.epoch}{where}: {self.scores(report)}")

    def scores(self, report: Reported) -> str:
        """See `Reporter`."""
        parts = {"training": report.training, "validation": report.validation}
        return "; ".join(
            f"{on} " + ", ".join(f"{name} {x:.4g}" for name, x in numbers_of(score).items())
            for on, score in parts.items()
            if score is not None
        )


def numbers_of(score: Score | None) -> Mapping[str, float]:
    """The loss and the metrics of a score, by name.

    >>> numbers_of(Score(0.5, 10, {"error": 0.1}))
    {'loss': 0.5, 'error': 0.1}
    """
    return {} if score is None else {"loss": score.loss, **score.metrics}


def header(rows: list[tuple[str, str]]) -> str:
    """A run's circumstances, one a line."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows)


def shown_every(options: Options) -> int:
    """Of how many epochs a program's reports show one.

    >>> [shown_every(Options(epochs=epochs)) for epochs in (10, 50, 51, 300, 2000)]
    [1, 1, 2, 10, 50]
    """
    steps = (m * int(10**k) for k in range(18) for m in (1, 2, 5))
    return next(every for every in steps if options.epochs <= _MOST_SHOWN * every)


def training_words(options: Options, epoch: int, position: int) -> str:
    """What will be done, in words.

    >>> training_words(Options(), 0, 0)
    'one sample a step, 1 epoch, a report every 5,000 samples'
    >>> training_words(Options.of_programs(), 0, 0)
    '32 samples a step, 10 epochs, a report every epoch'
    """
    size = "one sample" if options.batch_size == 1 else f"{options.batch_size:,} samples"
    epochs = f"{options.epochs:,} epoch{'s' if options.epochs != 1 else ''}"
    if epoch or position:
        epochs += f" in all, going on in epoch {epoch + 1} after {position:,} samples"
    every = "epoch" if options.report_every is None else f"{options.report_every:,} samples"
    shown = 1 if options.hidden else shown_every(options)
    every += f" (shown: every {shown}th)" if shown > 1 else ""
    patience = "" if options.patience is None else f", at most {options.patience} without progress"
    return f"{size} a step, {epochs}, a report every {every}{patience}"


def _percent(score: Score | None) -> str:
    return "" if score is None else f"{100 * score.metrics['error']:.2f}"
