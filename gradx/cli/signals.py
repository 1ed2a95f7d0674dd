"""Signals: Ctrl-C, SIGTERM and a terminal that is closed ask a run to stop between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from gradx.files.deferral import STOPPING

# Also where a shell ignores them for what it starts in the background.
_ALWAYS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether the run was asked to stop, and what to do then.

    Attributes:
        requested: somebody asked.
        patient: the first request waits until it is looked for, since there are steps to lose;
            otherwise it interrupts at once, as the second does.
        interrupted: what was being done was interrupted.
    """

    def __init__(self) -> None:
        self.requested = False
        self.patient = False
        self.interrupted = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """A signal handler: ask, or interrupt."""
        waits = self.patient and not self.requested
        self.requested = True
        if not waits:
            self.interrupted = True
            raise KeyboardInterrupt


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """In the block, the first signal asks to stop; the second interrupts at once.

    A third one, which comes while the block is being left, does what Ctrl-C did before it.

    Yields:
        What to look at between two steps.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # Python handles signals in the main thread only
        return
    last = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.interrupted and callable(last):
            last(number, frame)
        else:
            stop.ask(number, frame)

    with ExitStack() as stack:  # which goes on where a handler raises
        for number in STOPPING:
            before = signal.getsignal(number)
            if before is None or (before == signal.SIG_IGN and number not in _ALWAYS):
                continue  # such as SIGHUP, which `nohup` ignores
            stack.callback(signal.signal, number, before)
            signal.signal(number, handle)
        yield stop
