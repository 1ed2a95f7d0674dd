"""Lines: a file of one JSON object a line, which grows while a program runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gradx.files.writing import cannot_write

__all__ = ["JsonLines"]


class JsonLines:
    """A file of one JSON object a line, each on its way as soon as it is written.

    The file is opened for the first line and not before, so that a run that fails before it has
    anything to say leaves an existing file as it was.

    Args:
        path: the file.
        append: keep the lines that are there.
    """

    def __init__(self, path: Path, *, append: bool) -> None:
        self._path = path
        self._flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._flags |= getattr(os, "O_BINARY", 0) | (0 if append else os.O_TRUNC)
        self._stream: FileIO | None = None

    def write(self, line: Mapping[str, Any]) -> None:
        """Write one line.

        Raises:
            OutputError: it cannot be written.
            BrokenPipeError: it went to a pipe that nobody reads any more.
        """
        text = (json.dumps(line, allow_nan=False) + "\n").encode()
        written = 0
        try:
            if self._stream is None:
                # Without a buffer: what fails to be written must not be tried again on closing.
                # At its end always, so that two runs that write one log keep each other's lines.
                opened = os.open(self._path, self._flags, 0o666)
                self._stream = FileIO(opened, "ab")
            while written < len(text):
                written += self._stream.write(text[written:])
        except BrokenPipeError:
            raise
        except OSError as error:
            self._take_back(written)
            raise cannot_write(self._path, error) from None

    def _take_back(self, count: int) -> None:
        """Remove the beginning of a line that found no room, for lines that are appended later."""
        if self._stream is not None and count:
            with suppress(OSError):  # a pipe or a device
                self._stream.truncate(os.fstat(self._stream.fileno()).st_size - count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()
