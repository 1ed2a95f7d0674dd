"""Writes IDX files for the tests, sound ones and others."""

import gzip
import struct
import tracemalloc
import zlib
from contextlib import contextmanager

import numpy as np

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}

NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def idx_bytes(items):
    """An array as an uncompressed IDX file."""
    items = np.asarray(items)
    header = struct.pack(">BBBB", 0, 0, CODES[items.dtype.str[1:]], items.ndim)
    lengths = struct.pack(f">{items.ndim}I", *items.shape)
    return header + lengths + items.astype(items.dtype.newbyteorder(">")).tobytes()


def small_arrays(train=200, test=50, side=6, seed=0):
    """A data set that a small network learns: the label decides which row is dark."""
    random = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = random.integers(0, 60, (count, side, side)).astype(np.uint8)
        flat = images.reshape(count, -1)
        flat[np.arange(count), labels] = 255
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = images, labels
    return arrays


def write_dataset(directory, arrays=None, compressed=(), **changes):
    """Write the four files; a change replaces one by an array or raw bytes, or omits it (None)."""
    content = {**(arrays or small_arrays()), **changes}
    for key, items in content.items():
        if items is None:
            continue
        raw = items if isinstance(items, bytes) else idx_bytes(items)
        name = NAMES[key]
        if key in compressed:
            (directory / f"{name}.gz").write_bytes(gzip.compress(raw))
        else:
            (directory / name).write_bytes(raw)
    return directory


def bomb(header, megabytes=0):
    """An IDX file in gzip: a header in hexadecimal, and zeros that take a thousandth of their size.

    Only the megabytes asked for are made, since a reader that believes the header fails anyway.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(bytes.fromhex(header))
    zeros = bytes(1_000_000)
    return packed + b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


@contextmanager
def peak_memory():
    """Gives a function that tells how many bytes of Python and NumPy the block took at most."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    peak = []
    try:
        yield lambda: peak[0]
    finally:
        peak.append(tracemalloc.get_traced_memory()[1] - before)
        tracemalloc.stop()
