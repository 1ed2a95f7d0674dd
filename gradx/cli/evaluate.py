"""`gradx eval`: how well a saved network does on a test set."""

from __future__ import annotations

from pathlib import Path

import click

import gradx.mnist as mnist
from gradx.backends import resolve
from gradx.cli.failures import device_failures
from gradx.cli.shared import (
    check_pixels,
    describe_net,
    device_option,
    place_net,
    why_auto,
)
from gradx.train import check_memory, load, measure_net, place_split, threads_for
from gradx.train.threads import MANY_ROWS


@click.command("eval")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="DIR", help="IDX files of your own."
)
@device_option
def command(file: Path, data: Path | None, device: str) -> None:
    """Measure the network in FILE on the test images."""
    checkpoint = load(file)
    net, dtype = checkpoint.state.params, checkpoint.options.precision
    backend, place = resolve(device)

    def check(shapes: mnist.Shapes) -> None:
        check_pixels(file, net, shapes)
        check_memory(shapes, dtype, place)

    dataset = mnist.load(data, check)
    with (
        device_failures(backend, place, lambda: "while it measured the network"),
        threads_for(MANY_ROWS),
        backend.on(place),
    ):
        samples = place_split(dataset.test, dtype, backend, place)
        [score] = measure_net(place_net(net, backend, place), [(samples, None)], backend)
    click.echo(f"{file}: network {describe_net(net)}, {dtype}, on {place}{why_auto(device)}")
    click.echo(f"{dataset.source}: {score.count:,} test images")
    error = score.metrics["error"]
    wrong = round(error * score.count)
    click.echo(f"Validation error: {100 * error:.2f}% ({wrong:,} of {score.count:,})")
    click.echo(f"Mean loss:        {score.loss:.4f}")
