"""Archives: arrays by name in NumPy's `.npz`, read without pickle and without trust.

An archive is a zip file of `.npy` files. These may be compressed, so that the arrays can be larger
than the file: none is unpacked before its header is known to be the one that is expected.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from gradx.files.errors import OutputError
from gradx.files.npy import NpyFile
from gradx.files.reading import Entry, OpenFile, damaged, opened
from gradx.files.writing import write_whole

__all__ = ["MOST_READ", "MOST_TEXT", "Archive", "write_archive"]

MOST_READ = 1 << 20
"""Bytes that are read from an archive at once; its table of contents is one reading."""
MOST_TEXT = 1 << 24
"""Bytes of an array that is a text."""

_MOST_HEADER = 1 << 12  # bytes of an array's own header
_PER_ENTRY = 100  # bytes of an entry of the table of contents, beside the name

# What NumPy writes. Others unpack without a bound.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What the standard library and NumPy raise for a file that is damaged, or no archive at all.
_FAULTS = (
    *(ValueError, KeyError, TypeError, EOFError, OSError, NotImplementedError, OverflowError),
    *(RecursionError, RuntimeError, AttributeError, struct.error, zlib.error),
)

Check = Callable[[tuple[int, ...], "np.dtype[Any]"], None]
"""Looks at the shape and dtype of an array before it is unpacked; raises ValueError."""


def write_archive(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into a `.npz` file, whole or not at all.

    Args:
        path: the file; replaced if it is there.
        arrays: by name; none of objects.

    Raises:
        OutputError: it cannot be written; the file is as it was.
    """
    if sum(_PER_ENTRY + len(name.encode(errors="replace")) for name in arrays) > MOST_READ:
        raise OutputError(
            f"{path}: {len(arrays):,} arrays are too many for an .npz file; choose a name that "
            "ends in .safetensors"
        )
    write_whole(path, lambda stream: _write(stream, arrays))


def _write(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """What `numpy.savez` writes, without its error for an archive that was left in the middle."""
    archive = zipfile.ZipFile(stream, "w", allowZip64=True)
    try:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(cast(BinaryIO, member), array, allow_pickle=False)
        archive.close()
    except BaseException:
        archive.fp = None  # neither closed nor finished when it is collected
        raise


class _Pieces(io.FileIO):
    """A file that is read in pieces of a bounded size only, whatever its headers say."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file; a larger piece is an error."""
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > MOST_READ:
            raise ValueError(f"its table of contents has {size:,} bytes, too many")
        return super().read(size)


class Archive(OpenFile):
    """An `.npz` file whose table of contents has been read.

    Args:
        path: the file.

    Attributes:
        names: of its arrays, in its order.
        size: how many bytes the file has.

    Raises:
        InputError: it is missing, damaged, or no archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            stream, self.size = stack.enter_context(opened(path, _Pieces))
            with self._naming_the_file():
                self._archive = stack.enter_context(zipfile.ZipFile(stream))
            found = [name for name in self._archive.namelist() if name.endswith(".npy")]
            self.names = [name.removesuffix(".npy") for name in found]
            self._open = stack.pop_all()

    def entry(self, name: str) -> Entry:
        """What the header of an array says.

        Raises:
            InputError: there is none of that name, or it is damaged.
        """
        with self._naming_the_file(), self._member(name, None) as file:
            return Entry(file.shape, file.dtype.newbyteorder("="))

    def read(self, name: str, most: int | None = None, check: Check | None = None) -> Any:
        """One array, if it is no larger than it can be; no objects.

        Args:
            name: the array's.
            most: how many bytes its items may have; without it, as many as its header says.
            check: called before its items are unpacked.

        Raises:
            InputError: there is none of that name, it is damaged, or not what it should be.
        """
        with self._naming_the_file(), self._member(name, most) as file:
            if check is not None:
                check(file.shape, file.dtype)
            found = file.read()
            return found.astype(found.dtype.newbyteorder("="), copy=False)

    def text(self, name: str) -> str:
        """An array that is one text.

        Raises:
            InputError: as for `read`.
        """

        def check(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
            if shape != () or dtype.kind not in "SU":
                raise ValueError(f"its array {name!r:.80} is no text")

        found = self.read(name, MOST_TEXT, check).item()
        return found if isinstance(found, str) else found.decode(errors="replace")

    @contextmanager
    def _member(self, name: str, most: int | None) -> Iterator[NpyFile]:
        try:
            member = self._archive.getinfo(f"{name}.npy")
        except KeyError:
            raise ValueError(f"it has no array {name!r:.80}") from None
        called = f"its array {name!r:.80}"
        if most is not None and member.file_size > most + _MOST_HEADER:
            raise ValueError(f"{called} has {member.file_size:,} bytes, too many")
        if member.compress_type not in _COMPRESSIONS:
            raise ValueError(f"{called} is compressed as NumPy compresses none")
        with self._archive.open(member) as stream:
            try:
                file = NpyFile(cast(BinaryIO, stream), member.file_size)
            except ValueError as error:
                raise ValueError(f"{called} is damaged: {error}") from None
            yield file

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except zipfile.BadZipFile as error:
            raise damaged(self.path, f"it is no sound .npz file: {error}") from None
        except _FAULTS as error:
            raise damaged(self.path, error) from None
