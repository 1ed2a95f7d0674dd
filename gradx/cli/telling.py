"""Telling: what goes wrong, as one line on the error stream and an exit code."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, TextIO

import click

from gradx.backends import DeviceFailedError
from gradx.cli.exits import BAD_INPUT, DEVICE_FAILED, INTERRUPTED, PIPE_CLOSED
from gradx.cli.failures import out_of_memory
from gradx.errors import GradxError


class Outcome(NamedTuple):
    """How a command ended that did not come to its end.

    Attributes:
        line: what is said about it; empty where there is nobody to say it to.
        code: one of `gradx.cli.exits`.
    """

    line: str
    code: int


def outcome_of(error: BaseException, command: str = "gradx") -> Outcome | None:
    """What an exception means for who called the command; None for a fault of gradx itself.

    Args:
        error: what was raised.
        command: what was asked for, such as ``gradx train``.

    >>> outcome_of(GradxError("rate nan: must be a number"))
    Outcome(line='gradx: error: rate nan: must be a number', code=2)
    """
    if isinstance(error, click.UsageError):
        return _failed(f"{error.format_message().rstrip('.')}; see '{command} --help'")
    if isinstance(error, click.ClickException):
        return _failed(error.format_message())
    if isinstance(error, DeviceFailedError):
        return _failed(str(error), DEVICE_FAILED)
    if isinstance(error, GradxError):
        return _failed(str(error))
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Outcome("gradx: interrupted", INTERRUPTED)
    if isinstance(error, (BrokenPipeError, SystemExit)):
        # Without its standalone mode, click leaves of itself for a closed pipe only, with code 1.
        return Outcome("", PIPE_CLOSED)
    if isinstance(error, MemoryError):
        return _failed(out_of_memory(error))
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return _failed(f"{name}{error.strerror or error}; check where the output goes")
    return None


def _failed(message: str, code: int = BAD_INPUT) -> Outcome:
    return Outcome(f"gradx: error: {message}", code)


def tell(line: str, stream: TextIO | None = None) -> None:
    """Write one line, whatever is in it.

    Args:
        line: the text; breaks in it become spaces.
        stream: where to; the error stream if None.
    """
    with suppress(OSError):  # where that is closed as well, the exit code has to do
        click.echo(" ".join(line.split()), file=stream, err=stream is None)
