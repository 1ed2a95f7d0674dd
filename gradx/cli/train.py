"""`gradx train`: the announcement's experiment, or a model of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gradx.cli.job import Asked, prepare
from gradx.cli.options import train_options, wanted_of
from gradx.cli.run import Run
from gradx.cli.signals import stop_on_signals


@click.command("train")
@click.argument("model", required=False, metavar="[MODEL.py]")
@train_options
def command(
    model: str | None,
    device: str,
    data: Path | None,
    save_to: Path | None,
    load_from: Path | None,
    json_to: Path | None,
    plot: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Train the model in MODEL.py, or a network on handwritten digits.

    MODEL.py has a function init(rng), which gives the first parameters, and a function
    loss(params, batch); data(), metrics and predict if you like. 'gradx new NAME' writes one to
    begin with. It may also be module:Class, with functions of a class.

    Without MODEL.py it repeats the experiment of the announcement of Haskell's backprop library.
    """
    with stop_on_signals() as stop:
        asked = Asked(
            model=model,
            device=device,
            data=data,
            save_to=save_to,
            load_from=load_from,
            json_to=json_to,
            wanted=wanted_of(given),
        )
        job = prepare(asked)
        if stop.requested:
            raise KeyboardInterrupt
        stop.patient = True
        return Run(job, stop, quiet=quiet, plot=plot).go()
