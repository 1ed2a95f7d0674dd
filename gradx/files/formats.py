"""Formats: arrays by name with one text beside them, in either layout that gradx writes.

The ending of a name decides what is written; what is read is told by its first bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.files.archives import MOST_TEXT, Archive, write_archive
from gradx.files.errors import OutputError
from gradx.files.reading import Entry, damaged, opened
from gradx.files.tensors import TensorFile, write_tensors

__all__ = ["METADATA", "Stored", "opened_arrays", "write_arrays"]

METADATA = "__metadata__"
"""What no array is called: in an `.npz` file it is the text, in safetensors the place of texts."""

_ABOUT = "gradx"  # the text's name in the metadata of safetensors
_MOST_RATIO = 16
_SMALL = 1 << 26
_OLD_ABOUT = "model"  # the text in the first `.npz` files of `gradx train`


@dataclass(frozen=True)
class Stored:
    """A file of arrays that is open.

    Attributes:
        entries: what can be read, by name.
        about: the text beside the arrays; None in a file that gradx has not written.
        read: reads the array of a name.
        size: how many bytes the file has.
    """

    entries: Mapping[str, Entry]
    about: str | None
    read: Callable[[str], NDArray[Any]]
    size: int

    def check_size(self, path: Path) -> None:
        """Refuse arrays that are much larger than the file, as compressed zeros are.

        For who reads arrays whatever their shapes are. Random numbers do not get smaller when they
        are compressed.

        Args:
            path: the file, for the message.

        Raises:
            InputError: they are.
        """
        needed = sum(math.prod(x.shape) * x.dtype.itemsize for x in self.entries.values())
        if needed > max(_SMALL, _MOST_RATIO * self.size):
            reason = f"its {self.size:,} bytes cannot hold arrays of {needed:,} bytes"
            raise damaged(path, reason)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], about: str) -> None:
    """Write arrays and a text, whole or not at all: `.npz` by that ending, otherwise safetensors.

    Args:
        path: the file; replaced if it is there.
        arrays: by name.
        about: the text.

    Raises:
        OutputError: an array has no place in the layout, or the file cannot be written.
    """
    if path.suffix == ".npz":
        text = about.encode()
        if len(text) > MOST_TEXT:
            raise OutputError(
                f"{path}: a text of {len(text):,} bytes is too long for an .npz file; choose a "
                "name that ends in .safetensors"
            )
        write_archive(path, {METADATA: np.array(text), **arrays})
    else:
        write_tensors(path, arrays, {_ABOUT: about})


@contextmanager
def opened_arrays(path: Path) -> Iterator[Stored]:
    """Open a file of arrays of either layout.

    Args:
        path: the file.

    Yields:
        What it holds, checked but for the arrays themselves.

    Raises:
        InputError: it is missing, damaged, or of neither layout.
    """
    with opened(path) as (stream, size):
        start = stream.read(9)
    if start[8:] != b"{":  # where safetensors begin, after eight bytes
        if start[:2] != b"PK":
            raise damaged(path, "it is neither in the layout of safetensors nor an .npz")
        with Archive(path) as archive:
            yield _of_archive(archive, size)
    else:
        with TensorFile(path) as file:
            yield Stored(file.entries, file.metadata.get(_ABOUT), file.read, size)


def _of_archive(archive: Archive, size: int) -> Stored:
    names = dict.fromkeys(archive.names)
    about = None
    for name in (METADATA, _OLD_ABOUT):
        if name in names and about is None and archive.entry(name).dtype.kind in "SU":
            about = archive.text(name)
            del names[name]
    return Stored({name: archive.entry(name) for name in names}, about, archive.read, size)
