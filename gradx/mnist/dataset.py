"""The data set: images and labels for training and for testing, shipped with gradx or your own.

Any four IDX files that fit together will do (MNIST itself, Fashion-MNIST, your own digits): images
of one size, a label from 0 to 9 each.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.mnist.errors import DatasetError
from gradx.mnist.idx import IdxFile, open_binary

CLASSES = 10
SHIPPED = "MNIST as shipped with gradx"

_NAMES = MappingProxyType(
    {
        "training images": "train-images-idx3-ubyte",
        "training labels": "train-labels-idx1-ubyte",
        "test images": "t10k-images-idx3-ubyte",
        "test labels": "t10k-labels-idx1-ubyte",
    }
)


@dataclass(frozen=True)
class Split:
    """Images and their labels.

    Attributes:
        images: (n, rows, columns), bytes; 0 is paper, 255 is ink.
        labels: (n,), bytes from 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A training split and a test split of the same kind of image, and where they came from."""

    train: Split
    test: Split
    source: str


@dataclass(frozen=True)
class Shapes:
    """What a data set holds, known before an image of it is read.

    Attributes:
        train: images to train on, rows, columns.
        test: images to test on, rows, columns.
        source: where they come from.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    source: str

    @property
    def pixels(self) -> int:
        """How many pixels an image has."""
        return math.prod(self.train[1:])


def load(
    directory: str | os.PathLike[str] | None = None,
    check: Callable[[Shapes], None] = lambda shapes: None,
) -> Dataset:
    """Load a data set.

    Args:
        directory: holds the four IDX files under MNIST's names, each plain or with `.gz`; None
            takes the MNIST that gradx ships.
        check: called with the shapes, before the images are read; raises where they are not wanted.

    Returns:
        The images and labels, checked: they are bytes, they fit together, no label is above 9.

    Raises:
        DatasetError: a file is missing, or the files do not fit together.
        IdxError: a file is damaged.

    >>> data = load()
    >>> data.train.images.shape, len(data.test)
    ((60000, 28, 28), 10000)
    """
    found = _find_shipped() if directory is None else _find_in(Path(directory))
    source = SHIPPED if directory is None else str(directory)
    with ExitStack() as stack:
        opened: dict[str, IdxFile] = {}
        for what, file in found.items():
            opened[what] = IdxFile(stack.enter_context(open_binary(file)), str(file))
            _check_one(what, file, opened[what])
        for which in ("training", "test"):
            _check_counts(opened, found, which)
        train, test = (opened[f"{which} images"].shape for which in ("training", "test"))
        if train[1:] != test[1:]:
            raise DatasetError(
                f"{found['test images']}: test images are {_size(test)}, training images "
                f"({found['training images']}) are {_size(train)}; both must be of one size"
            )
        check(Shapes(train, test, source))
        arrays = {what: file.read() for what, file in opened.items()}
    return Dataset(_pair(arrays, found, "training"), _pair(arrays, found, "test"), source)


def _find_shipped() -> dict[str, Path | Traversable]:
    data = files("gradx.mnist").joinpath("data")
    return {what: data.joinpath(f"{name}.gz") for what, name in _NAMES.items()}


def _find_in(directory: Path) -> dict[str, Path | Traversable]:
    if not directory.is_dir():
        reason = (
            "is a file, not a directory" if directory.exists() else "there is no such directory"
        )
        raise DatasetError(
            f"{directory}: {reason}; name the directory that holds {_NAMES['training images']} "
            "and its three companions, or leave it out to train on the shipped MNIST"
        )
    found: dict[str, Path | Traversable] = {}
    missing = []
    for what, name in _NAMES.items():
        existing = next((file for file in _spellings(directory, name) if file.exists()), None)
        if existing is None:
            missing.append(name)
        else:
            found[what] = existing
    if missing:
        raise DatasetError(
            f"{directory}: no {' and no '.join(missing)} here, with or without .gz; put the files "
            "there, or leave the directory out to train on the shipped MNIST"
        )
    return found


def _spellings(directory: Path, name: str) -> Iterator[Path]:
    """The names in use for one file: unpackers write the last hyphen as a dot."""
    dotted = name.replace("-idx", ".idx")
    for spelling in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        yield directory / spelling


def _check_one(what: str, file: Path | Traversable, header: IdxFile) -> None:
    rank = 3 if what.endswith("images") else 1
    if len(header.shape) != rank:
        raise DatasetError(
            f"{file}: wrong dimensions: {what} have {rank} (magic number 0x0000080{rank}), here "
            f"are {len(header.shape)}, of lengths {header.shape}; check that the files are not "
            "swapped"
        )
    if header.dtype != np.uint8:
        raise DatasetError(
            f"{file}: {what} must be bytes (type code 0x08), here is {header.dtype}; convert them"
        )
    if not math.prod(header.shape):
        raise DatasetError(f"{file}: holds no {what} (shape {header.shape}); copy it again")


def _check_counts(
    opened: dict[str, IdxFile], found: dict[str, Path | Traversable], which: str
) -> None:
    images, labels = (opened[f"{which} {what}"].shape[0] for what in ("images", "labels"))
    if images != labels:
        raise DatasetError(
            f"{found[f'{which} labels']}: {labels:,} labels do not match the {images:,} images of "
            f"{found[f'{which} images']}; take both files from the same data set"
        )


def _pair(
    arrays: dict[str, NDArray[Any]], found: dict[str, Path | Traversable], which: str
) -> Split:
    images, labels = arrays[f"{which} images"], arrays[f"{which} labels"]
    wrong = np.flatnonzero(labels >= CLASSES)
    if wrong.size:
        raise DatasetError(
            f"{found[f'{which} labels']}: label {labels[wrong[0]]} of image {wrong[0]:,} is out of "
            f"range (and {wrong.size - 1:,} more); labels are digits from 0 to {CLASSES - 1}"
        )
    return Split(images, labels)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[2]}"
