"""`gradx eval`: how well a saved model does on test data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import gradx.mnist as mnist
from gradx.backends import resolve
from gradx.cli.failures import device_failures
from gradx.cli.own import Own
from gradx.cli.reporter import numbers_of
from gradx.cli.shared import (
    check_pixels,
    describe_net,
    device_option,
    placed,
    program_and_rest,
    seen_from,
    why_auto,
)
from gradx.train import (
    Gradients,
    check_memory,
    evaluate,
    load,
    load_program,
    measure_net,
    place_split,
    threads_for,
)
from gradx.train.evaluation import quiet_arithmetic, score_of
from gradx.train.threads import MANY_ROWS

_DOING = "while it measured the network"


@click.command("eval")
@click.argument("names", nargs=-1, metavar="[MODEL.py] FILE")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="IDX files of your own: their directory. With MODEL.py: what its data(path) is given.",
)
@device_option
def command(names: Sequence[str], data: Path | None, device: str) -> None:
    """Measure a saved model on test data.

    FILE is what 'gradx train --save' wrote: of the model in MODEL.py, or without MODEL.py of a
    network for digits.
    """
    program, rest = program_and_rest(names, "FILE", most=1)
    if program is None:
        _measure_digits(Path(rest[0]), data, device)
    else:
        here = Path.cwd()
        own = Own(load_program(program))
        _measure_own(own, seen_from(here, Path(rest[0])), data and seen_from(here, data), device)


def _measure_digits(file: Path, data: Path | None, device: str) -> None:
    checkpoint = load(file)
    net, dtype = checkpoint.state.params, checkpoint.options.precision
    backend, place = resolve(device)

    def check(shapes: mnist.Shapes) -> None:
        check_pixels(file, net, shapes)
        check_memory(shapes, dtype, place)

    dataset = mnist.load(data, check)
    with (
        device_failures(backend, place, lambda: _DOING),
        threads_for(MANY_ROWS),
        backend.on(place),
    ):
        samples = place_split(dataset.test, dtype, backend, place)
        [score] = measure_net(placed(net, backend, place), [(samples, None)], backend)
    click.echo(f"{file}: network {describe_net(net)}, {dtype}, on {place}{why_auto(device)}")
    click.echo(f"{dataset.source}: {score.count:,} test images")
    error = score.metrics["error"]
    wrong = round(error * score.count)
    click.echo(f"Validation error: {100 * error:.2f}% ({wrong:,} of {score.count:,})")
    click.echo(f"Mean loss:        {score.loss:.4f}")


def _measure_own(own: Own, file: Path, data: Path | None, device: str) -> None:
    checkpoint = own.load(file, to_go_on=False)
    options = checkpoint.options
    backend, there = resolve(device)
    loaded = own.read(data, options, there, None)
    with (
        own.faults_told(),
        device_failures(backend, there, lambda: "while it measured the model"),
        threads_for(MANY_ROWS),
        backend.on(there),
        quiet_arithmetic(),
    ):
        params = placed(checkpoint.state.params, backend, there)
        train, test = own.sources(loaded.data, options.dtype, backend, there)
        task, source = own.program.task, train if test is None else test
        blocks = source.blocks(task.rows(params), Gradients())
        [means] = evaluate(params, [(task.totals, blocks)], place=source.place)
    on = "training" if test is None else "test"
    click.echo(f"{file}: {own.describe(params)}, on {there}{why_auto(device)}")
    if loaded.data is not None:
        click.echo(f"{loaded.origin}: {int(means['count']):,} {on} samples")
    numbers = numbers_of(score_of(means))
    width = max(map(len, numbers)) + 1
    for name, x in numbers.items():
        click.echo(f"{name.capitalize() + ':':{width}} {x:.6g}")
