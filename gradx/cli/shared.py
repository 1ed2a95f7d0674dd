"""What several commands share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click
import numpy as np

from gradx.backends import AUTO, Backend, Device, devices
from gradx.files.errors import OutputError
from gradx.mnist import Shapes
from gradx.train import ModelFileError, Net, count_parameters, map_arrays, sizes_of

T = TypeVar("T")
_CLASS = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")

device_option = click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="DEVICE",
    help="Where to compute: cpu, cuda, cuda:1, or auto for the best there is.",
)


def describe_net(net: Net) -> str:
    """A network's shape and size in words."""
    sizes = sizes_of(net)
    return f"{'-'.join(map(str, sizes))}, {count_parameters(sizes):,} parameters"


def placed(value: T, backend: Backend, device: Device) -> T:
    """A value with its arrays on a device."""
    return map_arrays(
        value, lambda x: backend.asarray(x, device) if isinstance(x, np.ndarray) else x
    )


def read_back(value: T, backend: Backend) -> T:
    """A value with its arrays in NumPy's, on the host."""
    return map_arrays(value, lambda x: backend.to_numpy(x) if isinstance(x, backend.arrays) else x)


def why_auto(device: str) -> str:
    """What to add to a device's name where `auto` chose it: that, and what is not usable and why.

    Args:
        device: as the user gave it.
    """
    if device != AUTO:
        return ""
    missing = [f"; {s.device} is missing: {s.detail}" for s in devices() if not s.usable]
    return f", chosen by auto{''.join(missing)}"


def check_pixels(file: Path, net: Net, shapes: Shapes) -> None:
    """Refuse a model whose inputs are not the data's pixels."""
    if sizes_of(net)[0] != shapes.pixels:
        raise ModelFileError(
            f"{file}: its network takes {sizes_of(net)[0]:,} pixels, the images of "
            f"{shapes.source} have {shapes.pixels:,}; use the data it was trained on"
        )


def seen_from(folder: Path, path: Path) -> Path:
    """A path that was given in a folder, which a user's program may have left by `os.chdir`."""
    return path if Path.cwd() == folder else folder / path


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which may not be there yet."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return one.absolute() == other.absolute()


def refuse_inputs(output: Path | None, option: str, inputs: Mapping[str, Path | None]) -> None:
    """Refuse to write over what a command reads.

    Args:
        output: the file that will be written, if any.
        option: what named it.
        inputs: the files that are read, by what they are.

    Raises:
        OutputError: the output is one of them.
    """
    for what, path in inputs.items():
        if output is not None and path is not None and same_file(output, path):
            raise OutputError(
                f"{output}: is {what}, which {option} would write over; name another file"
            )


def program_and_rest(
    names: Sequence[str], wanted: str, most: int | None = None
) -> tuple[str | None, Sequence[str]]:
    """Tell a program's name from the files that follow it.

    Args:
        names: the arguments of a command.
        wanted: what the command needs after the program.
        most: how many files it takes; None for any number.

    Returns:
        The program, None where the first argument names none, and the files.

    Raises:
        UsageError: there are too few files or too many.
    """
    named = bool(names) and _is_program(names[0])
    program, rest = (names[0], names[1:]) if named else (None, names)
    if not rest:
        raise click.UsageError(f"Missing argument '{wanted}'")
    if most is not None and len(rest) > most:
        extra = " ".join(rest[most:])
        raise click.UsageError(f"Got unexpected extra argument ({extra})")
    return program, rest


def _is_program(name: str) -> bool:
    """Whether an argument is ``MODEL.py``, ``MODEL.py:Class`` or ``module:Class``."""
    if name.endswith(".py") or ".py:" in name:
        return True
    return _CLASS.fullmatch(name) is not None and not Path(name).exists()
