"""IDX: the file format of MNIST, an array of any rank behind a short big-endian header.

The header is two zero bytes, a type code, the rank, and one 32-bit length per axis; the items
follow, last axis fastest. A file may be compressed with gzip: its first bytes say so, not its name.
Nothing in a file is believed before it has been checked, and no more memory is taken than the file
has data for, so that a damaged or hostile file can cost neither a traceback nor the machine.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
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
    try:
        with cast(BinaryIO, path.open("rb")) as stream:
            start = stream.read(2)
            stream.seek(0)
            if start == _GZIP_MAGIC:
                with gzip.GzipFile(fileobj=stream, mode="rb") as unzipped:
                    return _parse(cast(BinaryIO, unzipped), str(path))
            return _parse(stream, str(path))
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


def _parse(stream: BinaryIO, path: str) -> NDArray[Any]:
    """Check the header, then read the items and nothing but the items."""
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
    expected = math.prod(shape) * dtype.itemsize
    body = _take(stream, expected)
    if len(body) < expected:
        raise IdxError(
            f"{path}: truncated: shape {shape} needs {expected:,} bytes of items, here are "
            f"{len(body):,}; copy it again"
        )
    if _goes_on(stream):
        raise IdxError(
            f"{path}: garbage after the {expected:,} bytes that shape {shape} needs; copy it again"
        )
    items = np.frombuffer(body, dtype=dtype).reshape(shape)
    return items if dtype.itemsize == 1 else items.astype(dtype.newbyteorder("="))


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
    """Whether anything follows; also makes gzip verify its checksum."""
    try:
        return bool(stream.read(1))
    except gzip.BadGzipFile as error:
        if "Not a gzipped file" in str(error):
            return True
        raise
