"""Interrupts: Ctrl-C while NumPy is loading ends the `gradx` command in an orderly way.

Importing NumPy takes most of the time that a command needs to begin, and it happens before a line
of the command itself runs. So the package imports this module first, which looks whether it is the
command that is beginning, and which imports nothing that takes time itself. Any other program is
left as it is.
"""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130


def leave(number: int, frame: object) -> None:
    """A signal handler that ends the process at once; for one with nothing to lose."""
    try:
        os.write(2, b"gradx: interrupted\n")
    finally:
        os._exit(INTERRUPTED)


def leave_on_interrupt() -> None:
    """From now on Ctrl-C ends the process at once, with one line and no traceback.

    Where Ctrl-C is ignored, or handled in a way of the program's own, it stays so; and so it does
    in a thread that is not the main one, which may not change it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        try:
            signal.signal(signal.SIGINT, leave)
        except ValueError:
            return


def is_command(program: str, arguments: list[str]) -> bool:
    """Whether a process is the command `gradx`, or `python -m gradx`.

    Args:
        program: as `sys.argv[0]` gives it.
        arguments: all that Python was started with, as `sys.orig_argv` gives it.

    >>> is_command("/usr/local/bin/gradx", ["python3", "/usr/local/bin/gradx", "train"])
    True
    >>> is_command("-m", ["python3", "-m", "gradx", "train"])  # while it looks for the module
    True
    >>> is_command("-m", ["python3", "-m", "pytest", "gradx"])
    False
    """
    if program != "-m":
        return os.path.basename(program) in {"gradx", "gradx.exe"}
    for i, argument in enumerate(arguments):
        if argument.startswith("-m"):  # `-m gradx` or `-mgradx`
            return (argument[2:] or arguments[i + 1]) == "gradx"
    return False


if is_command(sys.argv[0] if sys.argv else "", sys.orig_argv):
    leave_on_interrupt()
