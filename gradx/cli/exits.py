"""Exit codes, and leaving when nobody listens any more."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130
BAD_INPUT = 2
DEVICE_FAILED = 3
PIPE_CLOSED = 141  # as a shell reports a program that SIGPIPE ended


def close_pipe() -> int:
    """Keep Python from complaining of a closed pipe when it leaves; the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
