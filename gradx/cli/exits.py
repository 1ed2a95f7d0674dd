"""Exit codes, and leaving when the output pipe is closed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from gradx._interrupts import INTERRUPTED

DONE = 0
WRONG = 1  # what `gradx check` says of a wrong derivative; a traceback has this code too
BAD_INPUT = 2  # or an output that cannot be written
DEVICE_FAILED = 3
PIPE_CLOSED = 141  # as a shell reports a program that SIGPIPE ended

__all__ = [
    "BAD_INPUT",
    "DEVICE_FAILED",
    "DONE",
    "INTERRUPTED",
    "PIPE_CLOSED",
    "WRONG",
    "close_pipe",
]


def close_pipe() -> int:
    """Keep Python from complaining of a closed pipe when it leaves; the exit code."""
    if sys.stdout is not None:  # it is None where the caller closed it
        with suppress(OSError, ValueError):  # a stream of another kind, without a number
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
