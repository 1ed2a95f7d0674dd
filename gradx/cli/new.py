"""`gradx new`: a model file to begin with."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import click

from gradx.files.errors import OutputError


@click.command("new")
@click.argument("name")
def command(name: str) -> None:
    """Write NAME.py, a small model that trains in seconds, to make one of your own from.

    A file that is there is left as it is.
    """
    path = Path(name if name.endswith(".py") else f"{name}.py")
    if not path.stem.isidentifier():
        raise click.ClickException(
            f"{name}: is no name for a Python file; use letters, digits and _, such as my_model"
        )
    if path.stem in {"numpy", *sys.stdlib_module_names}:
        raise click.ClickException(
            f"{name}: is the name of a module of {'NumPy' if path.stem == 'numpy' else 'Python'}, "
            f"which a {path.name} hides from programs in its folder; use another, such as my_model"
        )
    text = files("gradx.cli").joinpath("template.py").read_text(encoding="utf-8")
    _write_new(path, text.replace("NAME", path.stem).encode())
    click.echo(f"Wrote {path}; train it with: gradx train {path}")


def _write_new(path: Path, text: bytes) -> None:
    """Write a file that is not there yet; where that fails, there is none."""
    try:
        stream = path.open("xb")
    except FileExistsError:
        raise OutputError(f"{path}: is there already; name another file") from None
    except FileNotFoundError:
        raise OutputError(
            f"{path}: cannot be written, there is no directory {path.parent}; make it first"
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); name another file"
        ) from None
    try:
        with stream:
            stream.write(text)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); name another file"
        ) from None
