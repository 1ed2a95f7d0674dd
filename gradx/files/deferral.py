"""Deferral: what asks a program to stop waits for the end of a short piece of work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

# SIGHUP, which a terminal sends that is closed, is unknown on some systems.
STOPPING = (
    signal.SIGINT,
    signal.SIGTERM,
    *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()),
)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """In the block Ctrl-C, SIGTERM and SIGHUP wait; after it they do what they would have done.

    Whoever presses Ctrl-C again while a file is being written leaves it whole that way. In a thread
    that is not the main one, to which Python sends no signals, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def defer(number: int, frame: FrameType | None) -> None:
        if number not in waiting:
            waiting.append(number)

    before = {number: signal.getsignal(number) for number in STOPPING}
    # An ignored signal stays ignored; None is a handler that Python could not put back.
    before = {n: found for n, found in before.items() if found not in (signal.SIG_IGN, None)}
    with ExitStack() as stack:  # which goes on where a handler raises
        stack.callback(_deliver, waiting)
        for number, found in before.items():
            stack.callback(signal.signal, number, found)
            signal.signal(number, defer)
        yield


def _deliver(numbers: list[int]) -> None:
    for number in numbers:
        signal.raise_signal(number)
