"""Signals: Ctrl-C and SIGTERM ask a run to stop between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody asked to stop."""

    requested = False


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """In the block, the first signal asks to stop; the second interrupts at once.

    Yields:
        What to look at between two steps.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # Python handles signals in the main thread only
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    before = {number: signal.signal(number, handle) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
