"""The log: what `--json` writes, a header line for each session of a run and a line a report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gradx._version import __version__
from gradx.train import Options, Report, Score

LOG_VERSION = 1


def header_line(
    *, model: str, parameters: int, options: Options, checkpoint: str | None, data: str, device: str
) -> dict[str, Any]:
    """The line with which a session begins: what is trained, how, on what and where.

    Args:
        model: its name.
        parameters: how many numbers it learns.
        options: of the run.
        checkpoint: the file that the model is saved to, if any.
        data: what it is trained on, in words.
        device: where.
    """
    return {
        "log": "gradx",
        "version": LOG_VERSION,
        "gradx": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": model,
        "parameters": parameters,
        "settings": settings_of(options),
        "checkpoint": checkpoint,
        "data": data,
        "device": device,
    }


def settings_of(options: Options) -> dict[str, Any]:
    """Options by name, those that are in force.

    >>> settings_of(Options.of_programs())["method"], settings_of(Options())["rate"]
    ('adam', 0.02)
    """
    settings: dict[str, Any] = {
        "method": options.method,
        "rate": options.recipe.height,
        "schedule": options.schedule,
        **options.of_method,
        "clip": options.clip,
        "batch_size": options.batch_size,
        "epochs": options.epochs,
        "seed": options.seed,
        "dtype": options.dtype,
        "hidden": list(options.hidden),
        "report_every": options.report_every,
        "patience": options.patience,
        "blocks": options.blocks,
    }
    return {name: value for name, value in settings.items() if value not in (None, [])}


def report_line(report: Report) -> dict[str, Any]:
    """A report; losses are means over samples, errors shares of 1."""
    line: dict[str, Any] = {
        "epoch": report.epoch,
        "batch": report.batch,
        "points": report.points,
        "step": report.step,
        "rate": report.rate,
        **_scored("training", report.training),
    }
    if report.validation is not None:
        line |= _scored("validation", report.validation)
    line["seconds"] = round(report.seconds, 6)
    return line


def _scored(on: str, score: Score) -> Mapping[str, float | None]:
    """The numbers of a score; JSON has no nan, as of an accuracy on no samples, and no infinity."""
    numbers = {"loss": score.loss, **score.metrics}
    return {f"{on}_{name}": x if math.isfinite(x) else None for name, x in numbers.items()}
