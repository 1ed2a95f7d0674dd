"""`gradx predict`: what a saved network sees in pictures."""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

import gradx.mnist as mnist
from gradx.backends import AUTO, resolve
from gradx.cli.failures import device_failures
from gradx.cli.picture import bars, draw
from gradx.cli.shared import device_option, place_net, why_auto
from gradx.train import load, run_net_rows, sizes_of
from gradx.train.evaluation import quiet_arithmetic


@click.command("predict")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, type=click.Path(path_type=Path), metavar="[IMAGE]...")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="Pictures to show of each file.",
)
@device_option
def command(file: Path, images: tuple[Path, ...], count: int, device: str) -> None:
    """Show what the network in FILE sees in each IMAGE.

    An IMAGE is an IDX or .npy file of one picture or more.

    With no IMAGE it looks at the first test images of the MNIST that gradx ships.
    """
    net = load(file).state.params
    backend, place = resolve(device)
    pixels, dtype = sizes_of(net)[0], net.layers[0].weights.dtype
    # All files are read before the first is shown, so that a bad one is told of at once.
    groups = [(str(path), *mnist.read_first_images(path, pixels, count)) for path in images]
    if not images:
        groups = [_shipped(file, pixels, count)]
    with (
        device_failures(backend, place, lambda: "while it looked at the pictures"),
        backend.on(place),
        quiet_arithmetic(),
    ):
        net = place_net(net, backend, place)
        inputs = [backend.asarray(rows, place, dtype) for _, rows, _ in groups]
        looked = [backend.to_numpy(run_net_rows(net, x)) for x in inputs]
    if device == AUTO:
        click.echo(f"On {place}{why_auto(device)}.\n")
    for (name, rows, there), results in zip(groups, looked, strict=True):
        for i, (row, res) in enumerate(zip(rows, results, strict=True)):
            _show(name if there == 1 else f"{name}, picture {i}", row, res)
        if there > len(rows):
            click.echo(f"{name}: {there - len(rows):,} more (--count {there} shows all)")


def _shipped(file: Path, pixels: int, count: int) -> tuple[str, NDArray[np.float64], int]:
    """The first test images of the data set that gradx ships."""
    images = mnist.load().test.images[:count]
    if images[0].size != pixels:
        raise mnist.ImageError(
            f"{file}: the network takes {pixels} pixels, the shipped test images have "
            f"{images[0].size}; name files of your own"
        )
    return "MNIST's test images", images.reshape(len(images), -1) / 255, len(images)


def _show(title: str, row: NDArray[np.float64], res: NDArray[np.floating]) -> None:
    click.echo(f"{title}:")
    side = math.isqrt(row.size)
    if side * side == row.size:
        click.echo(draw(row.reshape(side, side)))
    click.echo(bars([float(p) for p in res]))
    best = int(np.argmax(res))
    click.echo(f"A {best}, with {100 * float(res[best]):.1f}%.\n")
