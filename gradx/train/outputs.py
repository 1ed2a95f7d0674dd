"""Outputs: files written whole or not at all, and looked at before the work begins."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

from gradx.train.deferral import signals_deferred
from gradx.train.errors import OutputError
from gradx.train.partfiles import new_part, remove_abandoned


def check_writable(path: Path, *, whole: bool) -> None:
    """Make sure that a file can be written, without touching what it holds.

    Args:
        path: the file, there already or not.
        whole: it will be replaced as a whole, so that it must be an ordinary file.

    Raises:
        OutputError: names the path, and says what is in the way.
    """
    try:
        target = path.resolve()
        if target.is_dir():
            raise OutputError(f"{path}: is a directory; name a file in it")
        if not target.parent.is_dir():
            raise OutputError(
                f"{path}: cannot be written, there is no directory {target.parent}; make it first"
            )
        if target.exists():
            if not target.is_file():
                if whole:
                    raise OutputError(f"{path}: is not an ordinary file; name another")
                return
            if not os.access(target, os.W_OK):
                raise OutputError(f"{path}: is write-protected; name another file")
        # Only an attempt tells what a full or read-only file system, or a strange owner, allows.
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except (OSError, ValueError, RuntimeError) as error:
        raise _cannot_write(path, error) from None


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Replace a file in one move, so that it is never seen half written.

    What asks the program to stop meanwhile waits until the file is whole. What a killed process
    left half written in that directory is removed.

    Args:
        path: the file; what it holds stays until everything new is on the disk.
        write: writes the new content to a binary stream.

    Raises:
        OutputError: names the path, and says what went wrong; the file is as it was.
    """
    with signals_deferred():
        try:
            target = path.resolve()  # through a link, to replace what it points to
            remove_abandoned(target.parent)
            with new_part(target.parent) as (temporary, stream):
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
                if target.exists():
                    shutil.copymode(target, temporary)
                if os.name == "nt":  # where an open file cannot be moved
                    stream.close()
                temporary.replace(target)
        except OSError as error:
            raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"{path}: cannot be written ({reason}); name another file")


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
        self._mode: Literal["ab", "wb"] = "ab" if append else "wb"
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
                self._stream = self._path.open(self._mode, buffering=0)
            while written < len(text):
                written += self._stream.write(text[written:])
        except BrokenPipeError:
            raise
        except OSError as error:
            self._take_back(written)
            raise _cannot_write(self._path, error) from None

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
