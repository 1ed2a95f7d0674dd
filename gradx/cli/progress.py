"""A live progress bar: one line on a terminal, nothing anywhere else."""

from __future__ import annotations

import os
import shutil
import time
from typing import TextIO

_EVERY = 0.1  # seconds from one drawing to the next
_BAR = 24


class Progress:
    """How far an epoch has come, drawn over and over on one line.

    Args:
        stream: where to; nothing is drawn unless it is a terminal. None is a closed one.
        epochs: how many there are.
        count: samples in an epoch.
        shown: False draws nothing even on a terminal.
    """

    def __init__(
        self, stream: TextIO | None, epochs: int, count: int, *, shown: bool = True
    ) -> None:
        shown = shown and os.environ.get("TERM") != "dumb"  # one that cannot clear a line
        self._stream = stream if shown and stream is not None and stream.isatty() else None
        self._epochs = epochs
        self._count = count
        self._drawn = False
        self._next = 0.0
        self._epoch = 1
        self._began = (0.0, 0)

    def begin(self, epoch: int, position: int) -> None:
        """Training goes on at a position of an epoch; speed is counted from here."""
        self._epoch = epoch
        self._began = (time.monotonic(), position)

    def at(self, position: int) -> None:
        """Training has come to a position; draws now and then."""
        if self._stream is None:
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._draw(self._stream, position, now)

    def clear(self) -> None:
        """Make room for other text."""
        if self._drawn and self._stream is not None:
            self._drawn = False
            self._write(self._stream, "\r\x1b[K")

    def _draw(self, stream: TextIO, position: int, now: float) -> None:
        began, start = self._began
        line = progress_line(
            self._epoch, self._epochs, position, self._count, position - start, now - began
        )
        width = shutil.get_terminal_size().columns - 1
        self._drawn = True
        self._write(stream, f"\r{line[:width]}\x1b[K")

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except OSError:  # the terminal is gone: training goes on without a bar
            self._stream = None


def progress_line(
    epoch: int, epochs: int, position: int, count: int, done: int, seconds: float
) -> str:
    """The text of the bar.

    Args:
        epoch: the running pass, from 1.
        epochs: how many there are.
        position: samples of the pass behind us.
        count: samples in a pass.
        done: how many of them the speed is measured on.
        seconds: how long those took.

    >>> progress_line(1, 1, 30_000, 60_000, 5_000, 1.0)
    'Epoch 1/1 [############------------]  50%  30,000/60,000  5,000/s  6 s left'
    """
    filled = _BAR * position // count
    line = (
        f"Epoch {epoch}/{epochs} [{'#' * filled}{'-' * (_BAR - filled)}] "
        f"{100 * position // count:3d}%  {position:,}/{count:,}"
    )
    if seconds <= 0 or done <= 0:
        return line
    speed = done / seconds
    return f"{line}  {speed:,.0f}/s  {(count - position) / speed:,.0f} s left"
