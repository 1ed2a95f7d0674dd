"""Checkpoint: a network in a file, with all that is needed to use it or to go on training it.

A model file is an ordinary `.npz` that `numpy.load` opens without pickle. Each array of the network
has its path in the record as its name (`layers.0.weights`); the array `model` holds one JSON text
with the format's version, the record's structure, the options of the run and where it stands.
"""

from __future__ import annotations

import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from gradx._version import __version__
from gradx.files.npy import NpyFile
from gradx.files.writing import write_whole
from gradx.mnist import CLASSES
from gradx.train.errors import ModelFileError, OptionError
from gradx.train.model import Layer, Net, count_parameters, sizes_of
from gradx.train.options import DTYPES, MOST_UNITS, Options
from gradx.train.state import State

FORMAT = "gradx model"
VERSION = 1

_ABOUT = "model"
_MOST_ABOUT = 1 << 22  # bytes of the JSON text's array; that of 1,000 layers has 1.6 MB
_MOST_HEADER = 1 << 12  # bytes of an array's own header
_MOST_COUNT = 1 << 62
_MOST_READ = 1 << 20  # bytes read from the archive at once; its table of contents is one reading

# Random numbers do not get smaller when they are compressed. What unpacks to more than this many
# times the file is no network, unless it is small.
_MOST_RATIO = 16
_SMALL = 1 << 26

# What NumPy writes. Others unpack without a bound.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What the standard library and NumPy raise for a file that is damaged, or not a model at all.
_FAULTS = (
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OSError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    RuntimeError,
    AttributeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Checkpoint:
    """What a model file holds.

    Attributes:
        state: the network, in NumPy arrays, and how far its training has come.
        options: how it was trained.
        samples: how many there were to train on.
        data: the fingerprint of that data.
    """

    state: State
    options: Options
    samples: int
    data: str


def structure(sizes: Sequence[int], dtype: str) -> dict[str, Any]:
    """A network's record as JSON has it: each field's array by name, shape and dtype.

    >>> structure((4, 2), "float64")["fields"]["layers"][0]["fields"]["bias"]
    {'array': 'layers.0.bias', 'shape': [2], 'dtype': 'float64'}
    """

    def array(name: str, *shape: int) -> dict[str, Any]:
        return {"array": name, "shape": list(shape), "dtype": dtype}

    layers = [
        {
            "type": "Layer",
            "fields": {
                "weights": array(f"layers.{i}.weights", m, n),
                "bias": array(f"layers.{i}.bias", m),
            },
        }
        for i, (n, m) in enumerate(pairwise(sizes))
    ]
    return {"type": "Net", "fields": {"layers": layers}}


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a model file, whole or not at all.

    Args:
        path: the file; replaced if it is there.
        checkpoint: what to write; its network in NumPy arrays.

    Raises:
        OutputError: it cannot be written; the file is as it was.
    """
    net, sizes = checkpoint.state.params, sizes_of(checkpoint.state.params)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "gradx": __version__,
        "sizes": list(sizes),
        "record": structure(sizes, checkpoint.options.precision),
        "options": asdict(checkpoint.options),
        "epoch": checkpoint.state.epoch,
        "position": checkpoint.state.position,
        "samples": checkpoint.samples,
        "data": checkpoint.data,
    }
    arrays: dict[str, NDArray[Any]] = {_ABOUT: np.array(json.dumps(about, indent=1))}
    for i, layer in enumerate(net.layers):
        arrays[f"layers.{i}.weights"] = layer.weights
        arrays[f"layers.{i}.bias"] = layer.bias

    write_whole(Path(path), lambda stream: _write_arrays(stream, arrays))


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a model file, believing nothing that has not been checked.

    Args:
        path: as `save` wrote it.

    Returns:
        What was saved.

    Raises:
        ModelFileError: it is missing, damaged, no model, or of another version; says which.
    """
    file = Path(path)
    if file.exists() and not file.is_file() and not file.is_dir():
        raise ModelFileError(f"{path}: is no ordinary file; give one that --save wrote")
    try:
        with _Pieces(file) as stream, zipfile.ZipFile(stream) as archive:
            about = _read_about(archive, file)
            checkpoint = _rebuild(archive, about, stream.size())
    except FileNotFoundError:
        raise ModelFileError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise ModelFileError(f"{path}: is a directory, not a model file") from None
    except PermissionError:
        raise ModelFileError(f"{path}: may not be read; check its permissions") from None
    except zipfile.BadZipFile as error:
        raise _not_a_model(file, f"it is no sound .npz file: {error}") from None
    except _FAULTS as error:
        raise _not_a_model(file, str(error) or type(error).__name__) from None
    return checkpoint


def _write_arrays(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
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
            size = self.size() - self.tell()
        if size > _MOST_READ:
            raise ValueError(f"its table of contents has {size:,} bytes, too many")
        return super().read(size)

    def size(self) -> int:
        """How many bytes the whole file has."""
        return os.fstat(self.fileno()).st_size


def _shorten(reason: str, most: int = 300) -> str:
    """A text from elsewhere, which may be of any length, in one line."""
    line = " ".join(reason.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _not_a_model(path: Path, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{path}: not a model file of gradx, or a damaged one ({_shorten(reason)}); write "
        "one with `gradx train --save`"
    )


def _read_about(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    def check(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        if shape != () or dtype.kind != "U":
            raise ValueError(f"its array {_ABOUT!r} is no text")

    text = _read(archive, _ABOUT, _MOST_ABOUT, check)
    about = json.loads(str(text))
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError(f"its array {_ABOUT!r} does not say format {FORMAT!r}")
    if about.get("version") != VERSION:
        raise ModelFileError(
            f"{path}: is of model version {about.get('version')!r:.40}, this gradx ({__version__}) "
            f"reads version {VERSION}; use the gradx that wrote it, or train again"
        )
    return about


def _rebuild(archive: zipfile.ZipFile, about: Mapping[str, Any], present: int) -> Checkpoint:
    """The checkpoint; what its arrays need is compared with the bytes present in the file."""
    options = _options(about["options"])
    samples = _count(about, "samples", about["samples"], 1, _MOST_COUNT)
    sizes = [_count(about, "sizes", size, 1, MOST_UNITS) for size in about["sizes"]]
    if len(sizes) < 2 or tuple(sizes[1:-1]) != options.hidden or sizes[-1] != CLASSES:
        raise ValueError(f"sizes {sizes} do not fit hidden {list(options.hidden)}")
    if about["record"] != structure(sizes, options.precision):
        raise ValueError("its record has another structure than its sizes say")
    try:
        options.check_against(samples, sizes[0], CLASSES)
    except OptionError as error:
        raise ValueError(f"its options: {error}") from None
    needed = count_parameters(sizes) * DTYPES[options.precision]
    if needed > max(_SMALL, _MOST_RATIO * present):
        raise ValueError(f"its {present:,} bytes cannot hold a network of {needed:,} bytes")
    net = Net(
        tuple(
            Layer(
                _parameters(archive, f"layers.{i}.weights", (m, n), options.precision),
                _parameters(archive, f"layers.{i}.bias", (m,), options.precision),
            )
            for i, (n, m) in enumerate(pairwise(sizes))
        )
    )
    state = State(
        net,
        _count(about, "epoch", about["epoch"], 0, _MOST_COUNT),
        _count(about, "position", about["position"], 0, samples - 1),
    )
    return Checkpoint(state, options, samples, str(about["data"])[:100])


def _options(found: Any) -> Options:
    """Options of the right types and values; anything else is an error."""
    defaults = Options()
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(Options)}:
        raise ValueError("its options are not those of this version")
    for name, value in found.items():
        right: tuple[type, ...] = (type(getattr(defaults, name)),)
        if name == "hidden":
            right = (list,)
        elif name == "rate":
            right = (float, int)
        if not isinstance(value, right) or isinstance(value, bool):
            raise ValueError(f"its option {name} is {value!r:.40}")
    if not all(type(size) is int for size in found["hidden"]):
        raise ValueError(f"its option hidden is {found['hidden']!r:.40}")
    options = Options(**{**found, "hidden": tuple(found["hidden"])})
    try:
        options.check()
    except OptionError as error:
        raise ValueError(f"its options: {error}") from None
    return options


def _count(about: Mapping[str, Any], name: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"its {name} is {about[name]!r:.40}")
    return value


def _parameters(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: str
) -> NDArray[Any]:
    def check(there: tuple[int, ...], type_there: np.dtype[Any]) -> None:
        if there != shape or type_there != dtype:
            raise ValueError(
                f"{name} is {type_there} of shape {there}, its structure says {dtype} of "
                f"shape {shape}"
            )

    items = _read(archive, name, math.prod(shape) * DTYPES[dtype], check)
    if not np.isfinite(items).all():
        raise ValueError(f"{name} holds values that are not finite")
    return items


def _read(
    archive: zipfile.ZipFile,
    name: str,
    most: int,
    check: Callable[[tuple[int, ...], np.dtype[Any]], None],
) -> NDArray[Any]:
    """One array of the archive, if it is no larger than it can be; no object arrays.

    Args:
        archive: holds it.
        name: the array's.
        most: how many bytes its items may have.
        check: called with its shape and type before its items are unpacked.
    """
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"it has no array {name!r}") from None
    if member.file_size > most + _MOST_HEADER:
        raise ValueError(f"its array {name!r} has {member.file_size:,} bytes, too many")
    if member.compress_type not in _COMPRESSIONS:
        raise ValueError(f"its array {name!r} is compressed as NumPy compresses none")
    with archive.open(member) as stream:
        try:
            file = NpyFile(cast(BinaryIO, stream), member.file_size)
        except ValueError as error:
            raise ValueError(f"its array {name!r} is damaged: {error}") from None
        check(file.shape, file.dtype)
        return file.read()
