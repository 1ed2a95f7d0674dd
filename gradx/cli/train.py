"""`gradx train`: the announcement's experiment, or a model of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.exceptions import Exit

from gradx.cli.exits import BAD_INPUT
from gradx.cli.job import Asked, Job, facts, prepare
from gradx.cli.options import train_options, wanted_of
from gradx.cli.ranks import group_of, leave, run_on
from gradx.cli.run import Run
from gradx.cli.signals import stop_on_signals
from gradx.train import Agreement, OptionError


class Command(click.Command):
    """The command; with ``--parallel`` wrong options of one rank are the affair of all."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, and leave together."""
        parallel = "--parallel" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not parallel:
                raise
            raise Exit(leave(error)) from None


@click.command("train", cls=Command)
@click.argument("model", required=False, metavar="[MODEL.py]")
@train_options
def command(
    model: str | None,
    device: str,
    data: Path | None,
    save_to: Path | None,
    load_from: Path | None,
    json_to: Path | None,
    parallel: bool,
    plot: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Train the model in MODEL.py, or a network on handwritten digits.

    MODEL.py has a function init(rng), which gives the first parameters, and a function
    loss(params, batch); data(), metrics and predict if you like. 'gradx new NAME' writes one to
    begin with. It may also be module:Class, with functions of a class.

    With --parallel, 'mpiexec -n 4 gradx train --parallel' trains one model on four processes.

    Without MODEL.py it repeats the experiment of the announcement of Haskell's backprop library.
    """
    group = group_of(parallel)
    if group is None:
        return BAD_INPUT
    with stop_on_signals() as stop:
        asked = Asked(
            model=model,
            device=device,
            data=data,
            save_to=save_to,
            load_from=load_from,
            json_to=json_to,
            wanted=wanted_of(given),
            group=group,
            agreement=Agreement(lambda: stop.requested),
        )

        def checked() -> Job:
            if quiet and plot:
                raise OptionError("plot: --quiet prints no curves; leave one of the two out")
            job = prepare(asked)
            if stop.requested:
                raise KeyboardInterrupt
            stop.patient = True
            return job

        return run_on(group, checked, facts, lambda job: Run(job, stop, quiet=quiet, plot=plot))
