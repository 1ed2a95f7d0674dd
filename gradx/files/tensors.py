"""Tensors: arrays by name in one file, in the layout of safetensors.

Eight bytes give the length of a header in JSON, which gives each array's dtype, shape and place in
the bytes that follow; then come those bytes, without holes. So a file can be checked as a whole
before any of it is used, and nothing in it is ever run.

Source: the layout is that of https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import io
import json
import math
import struct
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradx.files.errors import OutputError
from gradx.files.reading import Entry, OpenFile, damaged, opened, read_json
from gradx.files.writing import write_whole

__all__ = ["COMPLEX", "TensorFile", "read_tensors", "write_tensors"]

COMPLEX = "gradx.complex"
"""The entry of the metadata that lists the arrays whose last axis is a real and imaginary part."""

_METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
_MOST_HEADER = 100_000_000  # bytes, as the layout has it
_MOST_PARTS = 1 << 20  # commas and brackets of a header: each may become an object in memory
_MOST_AXES = 32
_KEYS = frozenset({"dtype", "shape", "data_offsets"})

_WRITTEN = MappingProxyType(
    {
        **{f"F{8 * n}": np.dtype(f"<f{n}") for n in (2, 4, 8)},
        **{f"I{8 * n}": np.dtype(f"<i{n}") for n in (1, 2, 4, 8)},
        **{f"U{8 * n}": np.dtype(f"<u{n}") for n in (1, 2, 4, 8)},
        "BOOL": np.dtype(bool),
    }
)
"""From the layout's name of a dtype to NumPy's."""
_READ = MappingProxyType({**_WRITTEN, "C64": np.dtype("<c8"), "BF16": np.dtype("<u2")})
_NAMES = MappingProxyType({dtype: name for name, dtype in _WRITTEN.items()})
_COMPLEX = ("c8", "c16")  # written as pairs of floats


# --- Writing --------------------------------------------------------------------------------------


def write_tensors(
    path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays into a file, whole or not at all.

    Args:
        path: the file; replaced if it is there.
        tensors: arrays of booleans, integers, floats or complex numbers by name, in any order of
            memory and bytes. Complex ones get a last axis of two, and the metadata says so.
        metadata: texts by name.

    Raises:
        OutputError: an array or a text has no place in the layout, or the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "w.safetensors"
    ...     write_tensors(path, {"w": np.array([1.5, 2.5j])}, {"about": "an example"})
    ...     read_tensors(path)
    ({'w': array([1.5+0.j , 0. +2.5j])}, {'about': 'an example'})
    """
    about, arrays, pairs = dict(metadata or {}), {}, []
    for name, x in tensors.items():
        array: Any = np.asarray(x)
        if array.dtype.str[1:] in _COMPLEX:
            pairs.append(name)
            array = np.stack([array.real, array.imag], axis=-1)
        arrays[name] = array
    if COMPLEX in about:
        raise OutputError(f"{path}: the metadata {COMPLEX!r} is gradx's own; choose another name")
    if pairs:
        about[COMPLEX] = json.dumps(pairs, ensure_ascii=False)
    header, order = _header(path, arrays, about)

    def write(stream: BinaryIO) -> None:
        stream.write(header)
        for name in order:
            array = arrays[name]
            plain = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
            stream.write(plain.reshape(-1).view(np.uint8).data)

    write_whole(path, write)


def _header(
    path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> tuple[bytes, list[str]]:
    """The bytes before the arrays, and the order of these: large items first, for alignment."""
    header: dict[str, Any] = {}
    if metadata:
        header[_METADATA] = dict(metadata)
    for name, array in arrays.items():
        code = _NAMES.get(array.dtype.newbyteorder("<"))
        if name == _METADATA:
            raise OutputError(f"{path}: {name!r:.80} is no name for an array; choose another text")
        if code is None:
            raise OutputError(
                f"{path}: {name!r:.80} is of dtype {array.dtype}, which the layout does not have; "
                "convert it with x.astype(float)"
            )
        header[name] = {"dtype": code, "shape": list(array.shape)}
    order, end = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize), 0
    for name in order:
        begin, end = end, end + arrays[name].nbytes
        header[name]["data_offsets"] = [begin, end]
    try:
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise OutputError(
            f"{path}: {error.object[error.start : error.end]!r} in a name or in the metadata is "
            "half a character; write names in UTF-8"
        ) from None
    if len(text) > _MOST_HEADER - 8 or _parts_of(text) > _MOST_PARTS:
        raise OutputError(
            f"{path}: the names of {len(arrays):,} arrays are too much for one header "
            f"({len(text):,} bytes); join small arrays into larger ones"
        )
    text += b" " * (-len(text) % 8)
    return _LENGTH.pack(len(text)) + text, order


def _parts_of(header: bytes) -> int:
    return sum(map(header.count, (b",", b"[", b"{")))


# --- Reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stored(Entry):
    """An array of a file and where it is.

    Attributes:
        code: its dtype as the file has it.
        begin: its first byte, counted from the end of the header.
        end: the byte after its last.
    """

    code: str
    begin: int
    end: int


class TensorFile(OpenFile):
    """A file of arrays that has been checked; its arrays are read one by one.

    Nothing larger than the header is read before it is known that the file holds all that its
    header promises, and no more.

    Args:
        path: the file.

    Attributes:
        entries: the arrays by name, in the header's order.
        metadata: the texts by name.

    Raises:
        InputError: it is missing or damaged; names the array and says what is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            self._stream, size = stack.enter_context(opened(path))
            try:
                header, self._start = _read_header(self._stream, size)
                self.metadata, pairs = _metadata(header)
                self.entries = {
                    name: _entry(name, about, name in pairs) for name, about in header.items()
                }
                _check_places(self.entries, size - self._start)
                for name in pairs - self.entries.keys():
                    raise ValueError(f"there is no {name!r:.80}, which it calls complex")
            except ValueError as error:
                raise damaged(path, error) from None
            self._open = stack.pop_all()

    def read(self, name: str) -> NDArray[Any]:
        """One array, in memory of its own.

        Raises:
            InputError: it holds what its dtype does not have, or the file became shorter.
        """
        entry = self.entries[name]
        raw = np.empty(entry.end - entry.begin, np.uint8)
        self._stream.seek(self._start + entry.begin)
        done = 0
        while done < raw.size:
            count = self._stream.readinto(raw[done:].data)
            if not count:
                raise damaged(self.path, f"it became shorter while {name!r:.80} was read")
            done += count
        if entry.code == "BF16":  # the upper half of a float32
            wide = raw.view("<u2").astype("<u4")
            wide <<= 16
            raw = wide.view(np.uint8)
        elif entry.code == "BOOL" and raw.size and raw.max() > 1:
            raise damaged(self.path, f"{name!r:.80} holds {raw.max()}, and is of 0 and 1")
        found = raw.view(entry.dtype.newbyteorder("<")).reshape(entry.shape)
        return found if sys.byteorder == "little" else found.astype(entry.dtype)


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read all arrays of a file, and the texts of its metadata.

    Args:
        path: as `write_tensors` or another program wrote it.

    Returns:
        The arrays by name, each in memory of its own, BF16 as float32; and the metadata.

    Raises:
        InputError: the file is missing or damaged, or an array's dtype is none of NumPy's.
    """
    with TensorFile(path) as file:
        return {name: file.read(name) for name in file.entries}, file.metadata


def _read_header(stream: io.FileIO, size: int) -> tuple[dict[str, Any], int]:
    """The header, and where it ends."""
    length = _read_exactly(stream, _LENGTH.size)
    [count] = _LENGTH.unpack(length)
    if count > _MOST_HEADER:
        raise ValueError(f"its header has {count:,} bytes, more than the {_MOST_HEADER:,} allowed")
    if count > size - _LENGTH.size:
        raise ValueError(f"its header has {count:,} bytes, and the file {size:,}")
    text = _read_exactly(stream, count)
    if _parts_of(text) > _MOST_PARTS:
        raise ValueError(f"its header has more than the {_MOST_PARTS:,} parts allowed")
    try:
        header = read_json(text.decode())
    except UnicodeDecodeError:
        raise ValueError("its header is no text in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"its header: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    return header, _LENGTH.size + count


def _read_exactly(stream: io.FileIO, count: int) -> bytes:
    pieces = []
    while count:
        piece = stream.read(count)
        if not piece:
            raise ValueError("it ends in its header")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _metadata(header: dict[str, Any]) -> tuple[dict[str, str], set[str]]:
    """The metadata, taken out of the header; and the names of the complex arrays."""
    found = header.pop(_METADATA, None)
    metadata = {} if found is None else found
    if not isinstance(metadata, dict) or not all(isinstance(x, str) for x in metadata.values()):
        raise ValueError("its metadata are not texts by name")
    pairs = read_json(metadata.pop(COMPLEX, "[]"))
    if not isinstance(pairs, list) or not all(isinstance(name, str) for name in pairs):
        raise ValueError(f"its metadata {COMPLEX!r} is no list of names")
    return metadata, set(pairs)


def _entry(name: str, about: Any, pairs: bool) -> _Stored:
    """One array as the header describes it, if there can be such an array."""
    called = f"{name!r:.80}"
    if not isinstance(about, dict) or about.keys() != _KEYS:
        raise ValueError(f"{called} has other parts than dtype, shape and data_offsets")
    code, shape, offsets = about["dtype"], about["shape"], about["data_offsets"]
    if not isinstance(code, str) or code not in _READ:
        known = ", ".join(_READ)
        raise ValueError(f"{called} is of dtype {code!r:.40}, and those that are read are {known}")
    if not _are_counts(shape):
        raise ValueError(f"{called} has shape {shape!r:.80}, which is no list of whole numbers")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"{called} has data_offsets {offsets!r:.80}, which are no place")
    dtype, size = _READ[code], offsets[1] - offsets[0]
    many = len(shape) > _MOST_AXES
    if many or math.prod(max(length, 1) for length in shape) * dtype.itemsize > sys.maxsize:
        raise ValueError(f"{called} has shape {shape!r:.80}, too large for an array")
    needed = math.prod(shape) * dtype.itemsize
    if needed != size:
        raise ValueError(
            f"{called} of shape {shape!r:.80} and dtype {code} needs {needed:,} bytes, and its "
            f"data_offsets are {size:,} apart"
        )
    if pairs:
        if code not in ("F32", "F64") or not shape or shape[-1] != 2:
            raise ValueError(f"{called} is called complex, and has not two floats for each number")
        shape = shape[:-1]
        dtype = np.dtype(f"c{2 * dtype.itemsize}")
    elif code == "BF16":
        dtype = np.dtype(np.float32)
    begin, end = offsets
    return _Stored(tuple(shape), dtype.newbyteorder("="), code, begin, end)


def _are_counts(found: Any) -> bool:
    """Whether something is a list of whole numbers of 63 bits; true and false are none."""
    return isinstance(found, list) and all(type(x) is int and 0 <= x <= sys.maxsize for x in found)


def _check_places(entries: Mapping[str, _Stored], size: int) -> None:
    """Whether the arrays follow one another without holes and fill all bytes."""
    end, last = 0, ""
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != end:
            what = "overlaps" if entry.begin < end else "leaves a hole behind"
            place = repr(last)[:80] if last else "the header"
            raise ValueError(f"{name!r:.80} {what} {place}")
        end, last = entry.end, name
    if end != size:
        raise ValueError(f"its arrays have {end:,} bytes, and the file has {size:,} for them")
