"""The data set: images and labels for training and for testing, shipped with gradx or your own.

Any four IDX files that fit together will do (MNIST itself, Fashion-MNIST, your own digits): images
of one size, a label from 0 to 9 each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.mnist.errors import DatasetError
from gradx.mnist.idx import read_idx

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


def load(directory: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set.

    Args:
        directory: holds the four IDX files under MNIST's names, each plain or with `.gz`; None
            takes the MNIST that gradx ships.

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
    arrays = {what: _read(what, file) for what, file in found.items()}
    train = _pair(arrays, found, "training")
    test = _pair(arrays, found, "test")
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DatasetError(
            f"{found['test images']}: test images are {_size(test.images)}, training images "
            f"({found['training images']}) are {_size(train.images)}; both must be of one size"
        )
    return Dataset(train, test, SHIPPED if directory is None else str(directory))


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


def _read(what: str, file: Path | Traversable) -> NDArray[Any]:
    items = read_idx(file)
    rank = 3 if what.endswith("images") else 1
    if items.ndim != rank:
        raise DatasetError(
            f"{file}: wrong dimensions: {what} have {rank} (magic number 0x0000080{rank}), here "
            f"are {items.ndim}, of lengths {items.shape}; check that the files are not swapped"
        )
    if items.dtype != np.uint8:
        raise DatasetError(
            f"{file}: {what} must be bytes (type code 0x08), here is {items.dtype}; convert them"
        )
    if items.size == 0:
        raise DatasetError(f"{file}: holds no {what} (shape {items.shape}); copy it again")
    return items


def _pair(
    arrays: dict[str, NDArray[Any]], found: dict[str, Path | Traversable], which: str
) -> Split:
    images, labels = arrays[f"{which} images"], arrays[f"{which} labels"]
    label_file = found[f"{which} labels"]
    if len(images) != len(labels):
        raise DatasetError(
            f"{label_file}: {len(labels):,} labels do not match the {len(images):,} images of "
            f"{found[f'{which} images']}; take both files from the same data set"
        )
    wrong = np.flatnonzero(labels >= CLASSES)
    if wrong.size:
        raise DatasetError(
            f"{label_file}: label {labels[wrong[0]]} of image {wrong[0]:,} is out of range "
            f"(and {wrong.size - 1:,} more); labels are digits from 0 to {CLASSES - 1}"
        )
    return Split(images, labels)


def _size(images: NDArray[Any]) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"
