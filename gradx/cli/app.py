"""The application: finds the command that was asked for, runs it, and words what goes wrong."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any, NoReturn, TextIO

import click
import numpy as np

from gradx._interrupts import leave_on_interrupt
from gradx._version import __version__
from gradx.cli.exits import DONE, PIPE_CLOSED, close_pipe
from gradx.cli.telling import outcome_of, tell
from gradx.native import native

_COMMANDS = MappingProxyType(
    {
        "train": "gradx.cli.train",
        "new": "gradx.cli.new",
        "eval": "gradx.cli.evaluate",
        "predict": "gradx.cli.predict",
        "report": "gradx.cli.report",
        "devices": "gradx.cli.devices",
        "adopt": "gradx.cli.adopt",
        "check": "gradx.cli.check",
    }
)


class LazyCommands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which a newcomer needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; its command has the name `command`."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command


@click.group(
    cls=LazyCommands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    __version__,
    prog_name="gradx",
    message=(
        f"%(prog)s %(version)s (Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{'with' if native else 'without'} speedups)"
    ),
)
@click.pass_context
def gradx(ctx: click.Context) -> None:
    """Gradients of numeric functions on your own types, and a network to see them at work."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Args:
        argv: the arguments, those of the process if None.
    """
    leave_on_interrupt()
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments, those of the process if None.

    Returns:
        The exit code, one of those in `gradx.cli.exits`.
    """
    for stream in (sys.stdout, sys.stderr):
        _accept_any_text(stream)
    try:
        arguments = None if argv is None else list(argv)
        code: Any = gradx.main(args=arguments, prog_name="gradx", standalone_mode=False)
        if sys.stdout is not None:  # it is None where the caller closed it
            sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except BaseException as error:
        outcome = outcome_of(error, _command(argv))
        if outcome is None:
            raise
        if outcome.code == PIPE_CLOSED:
            return close_pipe()
        tell(outcome.line)
        return outcome.code


def _command(argv: Sequence[str] | None) -> str:
    """The command that was meant; click's own errors do not always know it."""
    arguments = sys.argv[1:] if argv is None else argv
    return f"gradx {arguments[0]}" if arguments and arguments[0] in _COMMANDS else "gradx"


def _accept_any_text(stream: TextIO | None) -> None:
    """A path may hold characters that the terminal cannot show; they are escaped, not fatal."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
