"""The application: finds the command that was asked for, runs it, and words what goes wrong."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType
from typing import Any, NoReturn, TextIO

import click
import numpy as np

from gradx._interrupts import leave_on_interrupt
from gradx._version import __version__
from gradx.backends import DeviceFailedError
from gradx.cli.exits import BAD_INPUT, DEVICE_FAILED, DONE, INTERRUPTED, close_pipe
from gradx.cli.failures import out_of_memory
from gradx.errors import GradxError
from gradx.native import native

_COMMANDS = MappingProxyType(
    {
        "train": "gradx.cli.train",
        "new": "gradx.cli.new",
        "eval": "gradx.cli.evaluate",
        "predict": "gradx.cli.predict",
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
    except click.UsageError as error:
        return _fail(f"{error.format_message().rstrip('.')}; see '{_command(argv)} --help'")
    except click.ClickException as error:
        return _fail(error.format_message())
    except DeviceFailedError as error:
        return _fail(str(error), DEVICE_FAILED)
    except GradxError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        _tell("gradx: interrupted")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Without its standalone mode, click leaves of itself for a closed pipe only, with code 1.
        return close_pipe()
    except MemoryError as error:
        return _fail(out_of_memory(error))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}; check where the output goes")


def _command(argv: Sequence[str] | None) -> str:
    """The command that was meant; click's own errors do not always know it."""
    arguments = sys.argv[1:] if argv is None else argv
    return f"gradx {arguments[0]}" if arguments and arguments[0] in _COMMANDS else "gradx"


def _fail(message: str, code: int = BAD_INPUT) -> int:
    _tell(f"gradx: error: {message}")
    return code


def _tell(message: str) -> None:
    """One line on the error stream, whatever is in the message."""
    with suppress(OSError):  # where that is closed as well, the exit code has to do
        click.echo(" ".join(message.split()), err=True)


def _accept_any_text(stream: TextIO | None) -> None:
    """A path may hold characters that the terminal cannot show; they are escaped, not fatal."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
