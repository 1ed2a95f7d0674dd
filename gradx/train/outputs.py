"""Outputs: files written whole or not at all, and looked at before the work begins."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

from gradx.train.errors import OutputError


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

    Args:
        path: the file; what it holds stays until everything new is on the disk.
        write: writes the new content to a binary stream.

    Raises:
        OutputError: names the path, and says what went wrong; the file is as it was.
    """
    try:
        target = path.resolve()  # through a link, to replace what it points to
        temporary = target.parent / f".gradx-{secrets.token_hex(8)}.part"
        try:
            with temporary.open("xb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
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
        left = memoryview((json.dumps(line, allow_nan=False) + "\n").encode())
        try:
            if self._stream is None:
                # Without a buffer: what fails to be written must not be tried again on closing.
                self._stream = self._path.open(self._mode, buffering=0)
            while left:
                left = left[self._stream.write(left) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _cannot_write(self._path, error) from None

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
