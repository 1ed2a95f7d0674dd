"""Samples: a data set made ready for training, on the device where it will be used."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from gradx.backends import Array, Backend, Device
from gradx.mnist import CLASSES, Dataset, DatasetError, Shapes, Split
from gradx.train.options import DTYPES, gigabytes, memory

_INK = 255


@dataclass(frozen=True)
class Samples:
    """Images and labels as a network takes them.

    Attributes:
        images: (n, pixels), 0 for paper to 1 for ink.
        targets: (n, 10), 1 in the column of the label and 0 elsewhere.
        labels: (n,), 0 to 9.
    """

    images: Array
    targets: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """Everything a run reads, all on one device.

    Attributes:
        train: what to train on.
        test: what to validate on.
        backend: the library whose arrays these are.
        device: where they are.
    """

    train: Samples
    test: Samples
    backend: Backend
    device: Device


def check_memory(shapes: Shapes, dtype: str, device: Device) -> None:
    """Refuse a data set that does not fit into memory, before its images are read.

    Args:
        shapes: what the data set holds.
        dtype: of the images once they are placed.
        device: where they will be placed; bytes come first, then numbers if it is the CPU.

    Raises:
        DatasetError: says how much it takes and how much there is.
    """
    images = shapes.train[0] + shapes.test[0]
    each = DTYPES[dtype] if device.kind == "cpu" else 0
    needed = images * (shapes.pixels * (1 + each) + CLASSES * each)
    present = memory()
    if present is not None and needed > present:
        raise DatasetError(
            f"{shapes.source}: {images:,} images of {shapes.pixels:,} pixels take about "
            f"{gigabytes(needed)} of memory in {dtype}, this machine has {gigabytes(present)}; use "
            "fewer or smaller images"
        )


def place(dataset: Dataset, dtype: str, backend: Backend, device: Device) -> Data:
    """Bring a data set to a device, once for the whole run.

    Args:
        dataset: as `gradx.mnist.load` gives it.
        dtype: of the images and targets.
        backend: serves the device.
        device: where to.
    """
    return Data(
        place_split(dataset.train, dtype, backend, device),
        place_split(dataset.test, dtype, backend, device),
        backend,
        device,
    )


def place_split(split: Split, dtype: str, backend: Backend, device: Device) -> Samples:
    """Bring one split to a device; it travels as bytes and is converted there."""
    with backend.on(device):
        images = backend.asarray(split.images.reshape(len(split), -1), device).astype(dtype)
        images /= _INK
        labels = backend.asarray(split.labels, device)
        return Samples(images, backend.asarray(np.eye(CLASSES), device, dtype)[labels], labels)


def fingerprint(split: Split) -> str:
    """A CRC-32 of images and labels, as eight hex digits."""
    sum_of_images = zlib.crc32(np.ascontiguousarray(split.images).data)
    return f"{zlib.crc32(np.ascontiguousarray(split.labels).data, sum_of_images):08x}"
