"""`gradx predict`: what a saved model makes of its inputs, or a network sees in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource
from numpy.typing import NDArray

import gradx.mnist as mnist
from gradx.backends import AUTO, resolve
from gradx.cli.failures import device_failures
from gradx.cli.own import Own
from gradx.cli.picture import bars, draw
from gradx.cli.shared import (
    device_option,
    placed,
    program_and_rest,
    refuse_inputs,
    seen_from,
    why_auto,
)
from gradx.files.npy import NpyFile
from gradx.train import (
    ModelFileError,
    ProgramError,
    cast_floats,
    check_writable,
    load,
    load_program,
    run_net_rows,
    sizes_of,
    write_whole,
)
from gradx.train.evaluation import quiet_arithmetic


@click.command("predict")
@click.argument("names", nargs=-1, metavar="[MODEL.py] FILE [INPUT]...")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="Pictures to show of each file, or results to print.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With MODEL.py: write the results here, as .npy, and print none.",
)
@device_option
def command(names: Sequence[str], count: int, output: Path | None, device: str) -> None:
    """Show what a saved model makes of its inputs.

    FILE is what 'gradx train --save' wrote. With MODEL.py, INPUT is one .npy file; the results of
    its predict(params, inputs) are printed, a row a line, or written to --output.

    Without MODEL.py, an INPUT is an IDX or .npy file of one picture of a digit or more. With no
    INPUT it looks at the first test images of the MNIST that gradx ships.
    """
    program, rest = program_and_rest(names, "FILE")
    if program is None:
        if output is not None:
            raise click.UsageError("--output does not apply without MODEL.py")
        _look(Path(rest[0]), [Path(name) for name in rest[1:]], count, device)
        return
    if len(rest) == 1:
        raise click.UsageError("Missing argument 'INPUT'")
    if len(rest) > 2:
        raise click.UsageError(f"Got unexpected extra argument ({' '.join(rest[2:])})")
    source = click.get_current_context().get_parameter_source("count")
    if output is not None and source is ParameterSource.COMMANDLINE:
        raise click.UsageError("--count does not apply with --output, which writes all results")
    here = Path.cwd()
    own = Own(load_program(program))
    file, inputs = (seen_from(here, Path(name)) for name in rest)
    _predict(own, file, inputs, count, output and seen_from(here, output), device)


def _look(file: Path, images: Sequence[Path], count: int, device: str) -> None:
    """Show what a network for digits sees in pictures."""
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
        net = placed(net, backend, place)
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


def _predict(
    own: Own, file: Path, inputs: Path, count: int, output: Path | None, device: str
) -> None:
    """Print or write what a model of the user's own makes of its inputs."""
    predict = own.program.predict
    if predict is None:
        raise ProgramError(
            f"{own.name}: there is no predict; write def predict(params, inputs): return …"
        )
    checkpoint = own.load(file, to_go_on=False)
    x = _read_inputs(inputs, checkpoint.options.dtype)
    if output is not None:
        read = {"the model file": own.file, "the saved model": file, "the input": inputs}
        refuse_inputs(output, "--output", read)
        check_writable(output, whole=True)
    backend, there = resolve(device)
    with (
        own.faults_told(),
        device_failures(backend, there, lambda: "while it predicted"),
        backend.on(there),
        quiet_arithmetic(),
    ):
        params = placed(checkpoint.state.params, backend, there)
        found = predict(params, backend.asarray(x, there))
        results = backend.to_numpy(found) if isinstance(found, backend.arrays) else found
    results = np.asarray(results) if isinstance(results, (int, float, complex)) else results
    if not isinstance(results, (np.ndarray, np.generic)) or results.dtype.kind not in "biufc":
        raise ProgramError(
            f"{own.name}: predict gave {results!r:.40}, of type {type(results).__name__}; return "
            "an array of numbers"
        )
    if output is not None:
        write_whole(output, lambda stream: np.save(stream, results, allow_pickle=False))
        shape = " x ".join(map(str, results.shape)) or "one number"
        click.echo(f"Wrote {output}: {shape}, {results.dtype}")
        return
    if device == AUTO:
        click.echo(f"On {there}{why_auto(device)}.\n")
    rows = np.atleast_1d(results)
    for row in rows[:count]:
        click.echo(" ".join(f"{x:.6g}" for x in np.ravel(row).tolist()))
    if len(rows) > count:
        click.echo(f"{len(rows) - count:,} more (--count {len(rows)} shows all)")


def _read_inputs(path: Path, dtype: str | None) -> NDArray[Any]:
    """The array of a .npy file, in the precision of the model."""
    try:
        with path.open("rb") as stream:
            x = NpyFile(stream, path.stat().st_size).read()
    except FileNotFoundError:
        raise ModelFileError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); name a file") from None
    except ValueError as error:
        raise ModelFileError(
            f"{path}: is no .npy file of numbers ({error}); write one with np.save"
        ) from None
    return x if dtype is None else cast_floats(x, dtype)
