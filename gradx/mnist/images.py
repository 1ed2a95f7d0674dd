"""Pictures to predict: images from an IDX file or a NumPy `.npy` file, brought to rows of 0..1."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.mnist.errors import ImageError
from gradx.mnist.idx import read_idx
from gradx.mnist.npy import read_npy

_NPY_MAGIC = b"\x93NUMPY"


def read_images(file: str | os.PathLike[str], pixels: int) -> NDArray[np.float64]:
    """Read the pictures of one file.

    Args:
        file: IDX (plain or gzip) or `.npy`, told apart by their first bytes.
        pixels: how many pixels the network takes.

    Returns:
        (n, pixels) in float64, 0 for paper and 1 for ink. Integers are taken as 0..255, floats
        as 0..1. One picture may come as (rows, columns) or (pixels,), several as (n, rows,
        columns) or (n, pixels).

    Raises:
        ImageError: the file holds no pictures of that size, or values outside those ranges.
        IdxError: the file is missing or damaged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     np.save(f"{directory}/one.npy", np.full((2, 2), 255, dtype=np.uint8))
    ...     read_images(f"{directory}/one.npy", pixels=4)
    array([[1., 1., 1., 1.]])
    """
    path = Path(file)
    items = _read_npy(path) if _is_npy(path) else read_idx(path)
    return _scaled(_rows(items, pixels, path), path)


def _is_npy(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_NPY_MAGIC)) == _NPY_MAGIC
    except (OSError, ValueError):
        return False  # read_idx says what is wrong with it


def _read_npy(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as stream:
            return read_npy(stream, path.stat().st_size)
    except (ValueError, OSError) as error:
        raise ImageError(
            f"{path}: not a sound .npy file ({error}); write it with numpy.save, without objects "
            "in it"
        ) from None


def _rows(items: NDArray[Any], pixels: int, path: Path) -> NDArray[Any]:
    if items.size:
        per_picture = {1: items.size, 2: items.size, 3: items[0].size if items.ndim == 3 else 0}
        if per_picture.get(items.ndim) == pixels:
            return items.reshape(-1, pixels)
        if items.ndim == 2 and items.shape[1] == pixels:
            return items
    side = int(pixels**0.5)
    shape = (
        f"({side}, {side}) or (n, {side}, {side})" if side * side == pixels else f"(n, {pixels})"
    )
    raise ImageError(
        f"{path}: shape {items.shape} holds no picture of {pixels} pixels, which the network "
        f"takes; give an array of shape {shape}"
    )


def _scaled(rows: NDArray[Any], path: Path) -> NDArray[np.float64]:
    if rows.dtype == np.bool_:
        return rows.astype(np.float64)
    if rows.dtype.kind in "iu":
        top, unit = 255, 255.0
    elif rows.dtype.kind == "f":
        top, unit = 1, 1.0
    else:
        raise ImageError(
            f"{path}: pixels of type {rows.dtype} cannot be read; give bytes from 0 to 255 or "
            "floats from 0 to 1"
        )
    # Written so that nan, which compares false, is refused too.
    outside = np.flatnonzero(~((rows >= 0) & (rows <= top)))
    if outside.size:
        raise ImageError(
            f"{path}: pixel value {rows.flat[outside[0]]} is out of range; {rows.dtype} pixels "
            f"go from 0 (paper) to {top} (ink)"
        )
    scaled: NDArray[np.float64] = rows.astype(np.float64) / unit
    return scaled
