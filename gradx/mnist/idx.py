"""IDX: the file format of MNIST, an array of any rank behind a short big-endian header.

The header is two zero bytes, a type code, the rank, and one 32-bit length per axis; the items
follow, last axis fastest. A file may be compressed with gzip: its first bytes say so, not its name.
Nothing in a file is believed before it has been checked. The header is read first, so that its
shape can be refused before the items are unpacked: a few megabytes of gzip can hold gigabytes.
"""

from __future__ import annotations

import gzip
import math
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from gradx.mnist.errors import IdxError

TYPES = MappingProxyType(
    {
        0x08: ">u1",
        0x09: ">i1",
        0x0B: ">i2",
        0x0C: ">i4",
        0x0D: ">f4",
        0x0E: ">f8",
    }
)

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20
_MAX_RANK = 32


class IdxFile:
    """An IDX file whose header has been read and whose items have not.

    Args:
        stream: at the beginning of the file, which is plain or compressed with gzip.
        path: what errors call it.

    Attributes:
        shape: of the array.
        dtype: of its items, as they are handed out.

    Raises:
        IdxError: it does not begin as an IDX file does.
    """

    def __init__(self, stream: BinaryIO, path: str) -> None:
        with naming(path):
            start = stream.read(len(_GZIP_MAGIC))
            stream.seek(0)
            if start == _GZIP_MAGIC:
                stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
            self.shape, self._stored = _parse_header(stream, path)
        self.dtype = self._stored.newbyteorder("=")
        self._stream, self._path = stream, path

    def read(self) -> NDArray[Any]:
        """The array, writable.

        Raises:
            IdxError: the file is truncated, corrupt or followed by garbage.
        """
        pieces = list(self.blocks(max(1, math.prod(self.shape))))
        items = pieces[0] if pieces else np.empty(0, self.dtype)
        return items.reshape(self.shape)

    def blocks(self, length: int) -> Iterator[NDArray[Any]]:
        """The items, last axis fastest, in pieces that need not be in memory together.

        Args:
            length: how many items a piece has; the last one may have fewer.

        Raises:
            IdxError: the file is truncated, corrupt or followed by garbage.
        """
        size = self._stored.itemsize
        needed = math.prod(self.shape) * size
        taken = 0
        with naming(self._path):
            while taken < needed:
                wanted = min(length * size, needed - taken)
                raw = _take(self._stream, wanted)
                taken += len(raw)
                if len(raw) < wanted:
                    raise IdxError(
                        f"{self._path}: truncated: shape {self.shape} needs {needed:,} bytes of "
                        f"items, here are {taken:,}; copy it again"
                    )
                items = np.frombuffer(raw, self._stored)
                yield items if size == 1 else items.astype(self.dtype)
            if _goes_on(self._stream):
                raise IdxError(
                    f"{self._path}: garbage after the {needed:,} bytes that shape {self.shape} "
                    "needs; copy it again"
                )


def read_idx(source: str | os.PathLike[str] | Traversable) -> NDArray[Any]:
    """Read one IDX file, plain or compressed with gzip.

    Args:
        source: a path, or a resource as `importlib.resources` gives it.

    Returns:
        A writable array of the file's shape, in this machine's byte order.

    Raises:
        IdxError: the file is missing, unreadable, truncated, corrupt, followed by garbage, or
            not an IDX file at all. The text names the file, the reason and what to do.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     file = pathlib.Path(directory, "two.idx")
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    ...     read_idx(file)
    array([7, 9], dtype=uint8)
    """
    path = Path(source) if isinstance(source, (str, os.PathLike)) else source
    with open_binary(path) as stream:
        return IdxFile(stream, str(path)).read()


@contextmanager
def open_binary(path: Path | Traversable) -> Iterator[BinaryIO]:
    """Open a file of images or labels.

    Raises:
        IdxError: it is missing or cannot be read.
    """
    with ExitStack() as stack:
        with naming(str(path)):
            stream = stack.enter_context(cast(BinaryIO, path.open("rb")))
        yield stream


@contextmanager
def naming(path: str) -> Iterator[None]:
    """In the block, what goes wrong in reading a file becomes an error that names it.

    Raises:
        IdxError: the file is missing, unreadable, or its compression is damaged.
    """
    try:
        yield
    except FileNotFoundError:
        raise IdxError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise IdxError(f"{path}: is a directory, not an IDX file; name a file in it") from None
    except EOFError:
        raise IdxError(
            f"{path}: the gzip data ends too early, so the file is truncated; copy it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise IdxError(f"{path}: the gzip data is corrupt ({error}); copy the file again") from None
    except (OSError, ValueError) as error:
        # ValueError is what `open` raises for a path with a null character in it.
        reason = getattr(error, "strerror", None) or error
        raise IdxError(f"{path}: cannot be read ({reason}); check the file") from None


def _parse_header(stream: BinaryIO, path: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape, and the type of the items as they are stored."""
    magic = _take(stream, 4)
    if not magic:
        raise IdxError(f"{path}: the file is empty; copy it again")
    if len(magic) < 4:
        raise IdxError(
            f"{path}: truncated: an IDX file begins with 4 bytes, here are {len(magic)}; "
            "copy it again"
        )
    code, rank = magic[2], magic[3]
    if magic[:2] != b"\0\0" or code not in TYPES or not 1 <= rank <= _MAX_RANK:
        raise IdxError(
            f"{path}: wrong magic number 0x{bytes(magic).hex()}, so this is no IDX file; MNIST has "
            "0x00000803 for images and 0x00000801 for labels"
        )
    lengths = _take(stream, 4 * rank)
    if len(lengths) < 4 * rank:
        raise IdxError(
            f"{path}: truncated in its header: {rank} lengths need {4 * rank} bytes, here are "
            f"{len(lengths)}; copy it again"
        )
    shape = tuple(int(n) for n in np.frombuffer(lengths, dtype=">u4"))
    dtype = np.dtype(TYPES[code])
    # NumPy's own bound, which takes a length of zero for one.
    if math.prod(max(length, 1) for length in shape) * dtype.itemsize > sys.maxsize:
        raise IdxError(f"{path}: shape {shape} is too large for an array; copy it again")
    return shape, dtype


def _take(stream: BinaryIO, count: int) -> bytearray:
    """Up to `count` bytes, read piece by piece: a header's promise alone reserves no memory."""
    taken = bytearray()
    while len(taken) < count:
        piece = stream.read(min(_CHUNK, count - len(taken)))
        if not piece:
            break
        taken += piece
    return taken


def _goes_on(stream: BinaryIO) -> bool:
    """Whether the file has more bytes; also makes gzip verify its checksum."""
    try:
        return bool(stream.read(1))
    except gzip.BadGzipFile as error:
        if "Not a gzipped file" in str(error):
            return True
        raise
