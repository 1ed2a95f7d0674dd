"""NumPy's `.npy` format, checked before it is read, as IDX files are."""

from __future__ import annotations

import math
import struct
import sys
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradx.files.reading import damaged, opened

__all__ = ["NpyFile", "read_npy"]

_CHUNK = 1 << 20
_MAGIC = 8  # bytes of the magic number and the version
_MOST_HEADER = 10_000  # bytes, as numpy.load has it

# Each version's length of the header, and the function that reads the header behind it.
_VERSIONS = MappingProxyType(
    {
        (1, 0): ("<H", np.lib.format.read_array_header_1_0),
        (2, 0): ("<I", np.lib.format.read_array_header_2_0),
    }
)


class NpyFile:
    """A `.npy` file whose header has been read and whose items have not.

    Args:
        stream: at the beginning of the file.
        size: how many bytes the file has; a header that promises another number is not believed.

    Attributes:
        shape: of the array.
        dtype: of its items, which are no Python objects.

    Raises:
        ValueError: the header is damaged, or does not fit the size; says in one line what is wrong.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        version, header = _read_header(stream)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # such as that of a header in the style of Python 2
                _, parse = _VERSIONS[version]
                self.shape, self._fortran, self.dtype = parse(BytesIO(header), _MOST_HEADER)
        except Exception as error:
            # NumPy reads a header as Python source, and a damaged one can raise nearly anything.
            raise ValueError(_first_line(error)) from None
        _check_items(self.shape, self.dtype)
        needed, present = math.prod(self.shape) * self.dtype.itemsize, size - _MAGIC - len(header)
        if needed != present:
            raise ValueError(
                f"shape {self.shape} of {self.dtype} needs {needed:,} bytes, here are {present:,}"
            )
        self._stream = stream

    def read(self) -> NDArray[Any]:
        """The array.

        Raises:
            ValueError: the file ends too early.
        """
        items = self._take(math.prod(self.shape))
        return items.reshape(self.shape, order="F" if self._fortran else "C")

    def blocks(self, length: int) -> Iterator[NDArray[Any]]:
        """The items, last axis fastest, in pieces that need not be in memory together.

        Args:
            length: how many items a piece has; the last one may have fewer. A file in Fortran order
                is read as a whole all the same.

        Raises:
            ValueError: the file ends too early.
        """
        if self._fortran and len(self.shape) > 1:
            items = self.read().ravel(order="C")
            yield from (items[i : i + length] for i in range(0, items.size, length))
            return
        left = math.prod(self.shape)
        while left:
            yield self._take(min(length, left))
            left -= min(length, left)

    def _take(self, count: int) -> NDArray[Any]:
        raw = np.empty(count * self.dtype.itemsize, np.uint8)
        for i in range(0, raw.size, _CHUNK):
            piece = self._stream.read(min(_CHUNK, raw.size - i))
            if len(piece) < min(_CHUNK, raw.size - i):
                raise ValueError(f"it ends {raw.size - i - len(piece):,} bytes too early")
            raw[i : i + len(piece)] = np.frombuffer(piece, np.uint8)
        return raw.view(self.dtype)


def read_npy(path: Path) -> NDArray[Any]:
    """Read the array of a `.npy` file, without unpickling anything.

    Args:
        path: the file.

    Returns:
        The array.

    Raises:
        InputError: the file is missing, damaged, or holds objects.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", [1, 2])
    ...     read_npy(Path(folder) / "x.npy")
    array([1, 2])
    """
    with opened(path) as (stream, size):
        try:
            return NpyFile(stream, size).read()
        except ValueError as error:
            raise damaged(path, error) from None


def _read_header(stream: BinaryIO) -> tuple[tuple[int, int], bytes]:
    """The version, and the header behind it; its length is checked before it is read."""
    version = np.lib.format.read_magic(BytesIO(stream.read(_MAGIC)))
    if version not in _VERSIONS:
        raise ValueError(f"its format version {version} is not known")
    form, _ = _VERSIONS[version]
    length = stream.read(struct.calcsize(form))
    if len(length) < struct.calcsize(form):
        raise ValueError("it ends in its header")
    [count] = struct.unpack(form, length)
    if count > _MOST_HEADER:
        raise ValueError(f"its header has {count:,} bytes, more than the {_MOST_HEADER:,} allowed")
    text = stream.read(count)
    if len(text) < count:
        raise ValueError("it ends in its header")
    return version, length + text


def _check_items(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse headers that NumPy accepts but that do not describe a valid array."""
    if not all(type(length) is int for length in shape):  # a bool is an int too
        raise ValueError(f"shape {shape} holds what is no whole number")
    if any(length < 0 for length in shape):
        raise ValueError(f"shape {shape} is negative")
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read")
    if dtype.subdtype is not None or not dtype.itemsize:
        raise ValueError(f"its items are of type {dtype}, which is no type for an array")
    # NumPy's own bound, which takes a length of zero for one.
    if math.prod(max(length, 1) for length in shape) * dtype.itemsize > sys.maxsize:
        raise ValueError(f"shape {shape} is too large for an array")


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
