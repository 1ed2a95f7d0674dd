"""Writing: files are written whole or not at all, and looked at before the work begins."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from gradx.files.deferral import signals_deferred
from gradx.files.errors import OutputError
from gradx.files.partfiles import new_part, remove_abandoned

__all__ = ["cannot_write", "check_writable", "write_whole"]


def check_writable(path: Path, *, whole: bool) -> None:
    """Make sure that a file can be written, without touching what it holds.

    Args:
        path: the file, there already or not.
        whole: it will be replaced as a whole, so that it must be an ordinary file.

    Raises:
        OutputError: names the path, and says what is in the way.
    """
    target = _target(path, whole)
    if target.exists() and not target.is_file():
        return
    # Only an attempt tells what a full or read-only file system, or a strange owner, allows.
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise cannot_write(path, error) from None


def _target(path: Path, whole: bool) -> Path:
    """Where a file is, through links; refuse one that cannot be written, or not be replaced.

    Raises:
        OutputError: it cannot.
    """
    try:
        target = path.resolve()
        if not whole and path.exists() and not path.is_file() and not path.is_dir():
            return path  # a pipe or a device; what `/dev/stdout` resolves to is no name
        if target.is_dir():
            raise OutputError(f"{path}: is a directory; name a file in it")
        if not target.parent.is_dir():
            raise OutputError(
                f"{path}: cannot be written, there is no directory {target.parent}; make it first"
            )
        if target.exists():
            if whole and not target.is_file():  # a pipe or a device
                raise OutputError(f"{path}: is not an ordinary file; name another")
            if target.is_file() and not os.access(target, os.W_OK):
                raise OutputError(f"{path}: is write-protected; name another file")
    except (OSError, ValueError, RuntimeError) as error:
        raise cannot_write(path, error) from None
    return target


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
            target = _target(path, whole=True)  # through a link, to replace what it points to
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
            raise cannot_write(path, error) from None


def cannot_write(path: Path, error: Exception) -> OutputError:
    """The error for a file that the system does not let be written, with the system's reason."""
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"{path}: cannot be written ({reason}); name another file")
