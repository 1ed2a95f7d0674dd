"""Reading: files are opened with clear errors, and texts in them are parsed without trust."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np

from gradx.files.errors import InputError

__all__ = ["Entry", "OpenFile", "damaged", "in_one_line", "opened", "read_json"]


@dataclass(frozen=True)
class Entry:
    """An array of a file before it is read.

    Attributes:
        shape: that it will have.
        dtype: that it will have, of this machine's byte order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@contextmanager
def opened(path: Path, kind: type[io.FileIO] = io.FileIO) -> Iterator[tuple[io.FileIO, int]]:
    """Open a file to read, without a buffer.

    Args:
        path: the file.
        kind: the class of what is given.

    Yields:
        The file, and how many bytes it has.

    Raises:
        InputError: there is none, or it is no ordinary file, or it cannot be read.
    """
    try:
        os.stat(path)
    except OSError:  # told below
        pass
    except ValueError as error:
        raise InputError(f"{path!s:.80}: is no path ({error}); check it") from None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError(f"{path}: is no ordinary file; name one that is")  # it may never end
        with kind(path) as stream:
            yield stream, os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; name a file in it") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; check its permissions") from None
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be read ({reason}); check the path") from None


class OpenFile:
    """A file that stays open to the end of the block which it manages."""

    _open: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)


def read_json(text: str) -> Any:
    """What a text of JSON says, where it says each thing once.

    Args:
        text: from a file.

    Raises:
        ValueError: it is no JSON, is nested without end, has a key twice, or a number that JSON
            does not know; says which in one line.

    >>> read_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"it has the key {twice!r:.80} twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def damaged(path: Path, reason: object) -> InputError:
    """The error for a file that is not what its format says, with the reason in one line."""
    told = in_one_line(reason) or type(reason).__name__
    return InputError(f"{path}: is damaged or of another kind ({told}); write it again", told)


def in_one_line(reason: object, most: int = 300) -> str:
    """A text from elsewhere, which may be of any length, in one line."""
    line = " ".join(str(reason).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
