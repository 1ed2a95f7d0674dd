"""The reporter: the course of a training run on standard output.

The reports have the words and the layout of the announcement of `backprop`.
"""

from __future__ import annotations

from typing import Any

import click

from gradx.cli.progress import Progress
from gradx.train import Begun, Options, Report, Score


class Reporter:
    """Writes a run's course as text.

    Args:
        progress: the bar that makes room for text.
        quiet: write nothing.
    """

    def __init__(self, progress: Progress, *, quiet: bool) -> None:
        self._progress = progress
        self._quiet = quiet
        self._epoch = 0
        self._points = 0

    def say(self, line: str) -> None:
        """Write one line."""
        if not self._quiet:
            self._progress.clear()
            click.echo(line)

    def begin(self, event: Begun) -> None:
        """A chunk begins."""
        if event.epoch != self._epoch:
            self._epoch = event.epoch
            self.say(f"[Epoch {event.epoch}]")
        self.say(f"(Batch {event.batch})")

    def report(self, report: Report) -> None:
        """A chunk is done."""
        self.say(f"Trained on {report.points} points.")
        self.say(f"Training error:   {_percent(report.training)}%")
        self.say(f"Validation error: {_percent(report.validation)}%")

    def finish(self, report: Report, points: int) -> None:
        """The run is done: time, speed and the last errors."""
        self.say(
            f"Trained on {points:,} points in {report.seconds:.1f} s, "
            f"{points / report.seconds:,.0f} samples/s: training error "
            f"{_percent(report.training)}%, validation error "
            f"{_percent(report.validation)}%."
        )


def header(rows: list[tuple[str, str]]) -> str:
    """A run's circumstances, one a line."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows)


def training_words(options: Options, epoch: int, position: int) -> str:
    """What will be done, in words.

    >>> training_words(Options(), 0, 0)
    'one sample a step, rate 0.02, 1 epoch, a report every 5,000 samples'
    """
    size = "one sample" if options.batch_size == 1 else f"{options.batch_size:,} samples"
    epochs = f"{options.epochs:,} epoch{'s' if options.epochs != 1 else ''}"
    if epoch or position:
        epochs += f" in all, going on in epoch {epoch + 1} after {position:,} samples"
    return (
        f"{size} a step, rate {options.rate:g}, {epochs}, a report every "
        f"{options.report_every:,} samples"
    )


def json_line(report: Report) -> dict[str, Any]:
    """A report as a line of JSON has it; errors are shares of 1."""
    return {
        "epoch": report.epoch,
        "batch": report.batch,
        "points": report.points,
        **_numbers("training", report.training),
        **_numbers("validation", report.validation),
        "seconds": round(report.seconds, 3),
    }


def _numbers(of: str, score: Score | None) -> dict[str, float]:
    if score is None:
        return {}
    numbers = {**score.metrics, "loss": score.loss}
    return {f"{of}_{name}": number for name, number in numbers.items()}


def _percent(score: Score | None) -> str:
    return "" if score is None else f"{100 * score.metrics['error']:.2f}"
