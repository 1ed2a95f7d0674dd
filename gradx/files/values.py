"""Values in files: `gx.save` writes any value that gradx knows, `gx.load` fills one like it.

A file holds numbers and arrays by name and nothing that is run: which classes there are, and what
is no number, is said by the value to be filled.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradx._version import __version__
from gradx.devices.placement import PLACES, device_at
from gradx.files.errors import InputError, MismatchError, OutputError
from gradx.files.formats import Stored, opened_arrays, write_arrays
from gradx.files.names import RESERVED, Names, is_array
from gradx.files.reading import Entry, damaged, read_json

__all__ = ["about_of", "as_arrays", "filled", "load", "mismatches", "read_about", "save"]

T = TypeVar("T")

FORMAT = "gradx value"
VERSION = 1

_MOST_TOLD = 20
_DTYPES = ((bool, np.bool_), (int, np.int64), (float, np.float64), (complex, np.complex128))
_KINDS = ((bool, "b"), (int, "iu"), (float, "iuf"), (complex, "iufc"))
_FRACTION = re.compile(r"-?\d+(/\d+)?", re.ASCII)  # no exponents, which take time without bound
_DECIMAL = re.compile(r"-?(\d+(\.\d+)?(E[-+]\d+)?|s?NaN\d*|Infinity)", re.ASCII)


def save(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value's numbers and arrays into a file, whole or not at all.

    Each is written under the way to it, such as `layers.0.w`; the file is in the layout of
    safetensors, or an `.npz` if its name ends so. Integer and boolean arrays, whole numbers in
    fields, and true and false are written too. Texts, functions and fields marked with `gx.static`
    are not.

    Args:
        path: the file; replaced if it is there.
        value: a record, a container, an array or a number, on any device.

    Raises:
        OutputError: a part has no name or no place in a file, or the file cannot be written, which
            is then as it was.

    >>> import gradx as gx, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "line.safetensors"
    >>> gx.save(path, {"slope": np.array([2.0, 3.0]), "intercept": 1.0})
    >>> gx.load(path, like={"slope": np.zeros(2), "intercept": 0.0})
    {'slope': array([2., 3.]), 'intercept': 1.0}
    >>> folder.cleanup()
    """
    target = Path(path)
    names = Names(value, target, OutputError)
    about = about_of(FORMAT, names.kinds, names.leaves)
    write_arrays(target, as_arrays(names.leaves, target), json.dumps(about))


def load(path: str | os.PathLike[str], like: T) -> T:
    """Read what `gx.save` wrote, or another program, into a value like the given one.

    Nothing that the file names is imported or run. All that is no number is that of `like`.

    Args:
        path: a safetensors file or an `.npz`, told by their first bytes; also one that `gradx
            train` wrote, whose parameters are read.
        like: a value of the same structure, whose numbers are of no account. Its arrays give
            shapes, dtypes and devices.

    Returns:
        A value of the types of `like`.

    Raises:
        InputError: the file is missing or damaged.
        MismatchError: its arrays are not those of `like`; names all that differ.
    """
    target = Path(path)
    names = Names(like, target, MismatchError)
    with opened_arrays(target) as stored:
        about = read_about(stored, target)
        parts = {n: x for n, x in stored.entries.items() if n.partition(".")[0] != RESERVED}
        told = mismatches(names.leaves, parts, set() if about else names.fixed)
        if told:
            fix = "give a value of the structure that was saved"
            raise MismatchError(f"{target}: does not fit `like`: {told}; {fix}")
        arrays = {name: stored.read(name) for name in parts}
    return filled(names, arrays, about.get("shared"), target)  # type: ignore[no-any-return]


# --- From a value to arrays -----------------------------------------------------------------------


def as_arrays(leaves: Mapping[str, Any], path: Path) -> dict[str, NDArray[Any]]:
    """Numbers and arrays as arrays of the host.

    Raises:
        OutputError: a whole number is too large.
    """
    return {name: _as_array(name, x, path) for name, x in leaves.items()}


def _as_array(name: str, x: Any, path: Path) -> NDArray[Any]:
    if type(x) in PLACES:
        return np.asarray(PLACES[type(x)].to_numpy(x))
    if is_array(x):
        return np.asarray(x)
    if isinstance(x, (Fraction, Decimal)):
        return np.frombuffer(str(x).encode(), np.uint8)
    for kind, dtype in _DTYPES:
        if isinstance(x, kind):
            try:
                return np.array(x, dtype)
            except OverflowError:
                break
    raise OutputError(f"{path}: {name} is {x!r:.80}, which has no place in 64 bits; use a float")


def about_of(kind: str, kinds: Mapping[str, str], leaves: Mapping[str, Any]) -> dict[str, Any]:
    """What every file of gradx has beside the arrays.

    Args:
        kind: the format's name.
        kinds: the classes of the containers, by name.
        leaves: the numbers and arrays, by name.
    """
    return {
        "format": kind,
        "version": VERSION,
        "gradx": __version__,
        "structure": dict(kinds),
        "shared": _shared(leaves),
    }


def _shared(leaves: Mapping[str, Any]) -> dict[str, str]:
    """The names of arrays that have another name as well, each with the first of them."""
    firsts: dict[int, str] = {}
    found = {}
    for name, x in leaves.items():
        if is_array(x) and not isinstance(x, np.generic):
            first = firsts.setdefault(id(x), name)
            if first != name:
                found[name] = first
    return found


# --- From arrays to a value -----------------------------------------------------------------------


def read_about(stored: Stored, path: Path) -> dict[str, Any]:
    """What gradx wrote beside the arrays; nothing for a file of another program.

    Raises:
        InputError: it is damaged, or of another version.
    """
    if stored.about is None:
        return {}
    try:
        about = read_json(stored.about)
    except ValueError as error:
        raise damaged(path, f"what gradx wrote beside the arrays: {error}") from None
    if not isinstance(about, dict) or not str(about.get("format")).startswith("gradx "):
        raise damaged(path, "what stands beside the arrays is not from gradx")
    version = about.get("version")
    if type(version) is not int or version != VERSION:
        raise InputError(
            f"{path}: is of version {version!r:.40}, and this gradx ({__version__}) reads version "
            f"{VERSION}; use the gradx that wrote it"
        )
    return about


def mismatches(
    leaves: Mapping[str, Any],
    entries: Mapping[str, Entry],
    optional: set[str] | frozenset[str] = frozenset(),
) -> str:
    """What in a file is not as a value has it: missing, left over, or of another shape or dtype.

    Args:
        leaves: the numbers and arrays of the value.
        entries: the arrays of the file.
        optional: names that the file need not have.

    Returns:
        All of it in one line; nothing if the arrays fit.
    """
    there = {*entries, *optional}
    told = [f"it has no {name}" for name in leaves if name not in there]
    told += [f"it has {name!r:.80} besides" for name in entries if name not in leaves]
    for name, entry in entries.items():
        wanted = _wanted(leaves[name], entry) if name in leaves else None
        if wanted is not None:
            told.append(f"{name} is {entry.dtype} of shape {entry.shape}, not {wanted}")
    more = len(told) - _MOST_TOLD
    return "; ".join(told[:_MOST_TOLD]) + (f"; and {more:,} more" if more > 0 else "")


def _wanted(x: Any, entry: Entry) -> str | None:
    """What stands in the value, if the array is something else."""
    if is_array(x):
        dtype, shape = x.dtype.newbyteorder("="), tuple(x.shape)
        same = entry.dtype == dtype and entry.shape == shape
        return None if same else f"{dtype} of shape {shape}"
    if isinstance(x, (Fraction, Decimal)):
        return None if entry.dtype == np.uint8 and len(entry.shape) == 1 else type(x).__name__
    kinds = next(kinds for kind, kinds in _KINDS if isinstance(x, kind))
    article = "an" if type(x) is int else "a"
    fits = entry.dtype.kind in kinds and entry.shape == ()
    return None if fits else f"{article} {type(x).__name__}"


def filled(names: Names, arrays: Mapping[str, NDArray[Any]], same: Any, path: Path) -> Any:
    """A value with other numbers and arrays, which fit.

    Args:
        names: those of the value.
        arrays: the new ones by name; what has none stays.
        same: as the file has it: arrays that are equal are one array again.
        path: the file, for messages.

    Raises:
        InputError: a number is none.
    """
    firsts = same if isinstance(same, dict) else {}
    made: dict[str, Any] = {}

    def leaf(name: str, x: Any) -> Any:
        if name not in arrays:
            return x
        first = firsts.get(name)
        if isinstance(first, str) and first in made and _may_be_one(names, arrays, first, name):
            return made[first]
        made[name] = _restored(name, arrays[name], x, path)
        return made[name]

    return names.filled(leaf)


def _may_be_one(names: Names, arrays: Mapping[str, NDArray[Any]], first: str, name: str) -> bool:
    """Whether two arrays of a file can be one array of the value."""
    x, y = names.leaves[first], names.leaves[name]
    if device_at(x) != device_at(y):
        return False
    a, b = arrays[first], arrays[name]
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _restored(name: str, array: NDArray[Any], x: Any, path: Path) -> Any:
    """An array of the file as what stands in the value: of its type and on its device."""
    place = PLACES.get(type(x))
    if place is not None:
        return place.asarray(array, place.device_of(x))
    if isinstance(x, np.ndarray):
        return array if type(x) in (np.ndarray, np.memmap) else array.view(type(x))
    if isinstance(x, np.generic):
        return array[()]
    cls = type(x)
    if isinstance(x, (Fraction, Decimal)):
        text = array.tobytes()[:10_000].decode("ascii", "replace")
        pattern = _FRACTION if isinstance(x, Fraction) else _DECIMAL
        if pattern.fullmatch(text) is None:
            raise damaged(path, f"{name} holds {text!r:.80}, which is no {cls.__name__}")
        try:
            return cls(text)
        except (ArithmeticError, ValueError) as error:
            raise damaged(path, f"{name} holds {text!r:.80}: {error}") from None
    number = array.item()
    made = cls(number)
    if made != number and number == number:
        raise MismatchError(
            f"{path}: {name} is {number}, and the nearest {cls.__name__} {made}; give an int in "
            "its place in `like`"
        )
    return made
