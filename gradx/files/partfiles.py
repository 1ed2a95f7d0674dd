"""Part files: where a file is written before it is moved to its place, and what became of others.

A part file is locked by the process that writes it, and the system takes the lock away when that
process ends, however it ends. So a part file that can be locked is one that nobody will finish.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if os.name != "nt":  # on Windows nothing is locked, and so nothing removed
    import fcntl

_NAME = re.compile(r"\.gradx-[0-9a-f]{16}\.part")


@contextmanager
def new_part(directory: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new, locked part file; if it is still there after the block, it is removed.

    Args:
        directory: where it is made, so that it can be moved to a place there.

    Yields:
        Its path, and a stream that writes to it.

    Raises:
        OSError: it cannot be made, or the block failed to write it.
    """
    path, stream = _make(directory)
    try:
        with stream:
            yield path, stream
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _make(directory: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = directory / f".gradx-{secrets.token_hex(8)}.part"
        stream = path.open("xb")
        try:
            if _lock_new(stream.fileno()) and _is_at(path, stream.fileno()):
                return path, stream
        except BaseException:
            stream.close()
            path.unlink(missing_ok=True)
            raise
        stream.close()  # before it was locked, another process took it for abandoned


def _lock_new(file: int) -> bool:
    """Lock a file just made, where the file system can; False if another process was faster."""
    try:
        _lock(file)
    except BlockingIOError:
        return False
    except OSError:  # then no other process can lock it either, and all leave it alone
        pass
    return True


def _lock(file: int) -> None:
    """Lock a file until it is closed; raises where it is locked already, or cannot be."""
    if os.name != "nt":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(path: Path, file: int) -> bool:
    """Whether an open file is the one at that path."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.lstat(), os.fstat(file))
    return False


def remove_abandoned(directory: Path) -> None:
    """Remove the part files in a directory that were left by processes that are gone.

    Only ordinary files of this user that bear such a name and that nobody has locked are removed.
    What cannot be removed, or not be looked at, stays.
    """
    if os.name == "nt":
        return
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in [entry for entry in entries if _NAME.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(path: Path) -> None:
    # O_NONBLOCK for a pipe of such a name, O_NOFOLLOW for a link.
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(file)
        ours = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
        # Removed under the lock: who makes a part file looks, once it is locked, if it is there.
        if ours:
            _lock(file)
            if _is_at(path, file):
                path.unlink()
    finally:
        os.close(file)
