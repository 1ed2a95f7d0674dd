"""Pictures to predict: images from an IDX file or a NumPy `.npy` file, brought to rows of 0..1."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradx.files.npy import NpyFile
from gradx.mnist.errors import ImageError
from gradx.mnist.idx import IdxFile, naming, open_binary

_NPY_MAGIC = b"\x93NUMPY"
_BLOCK = 1 << 20  # pixels in memory at once, beside the pictures asked for


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
    return read_first_images(file, pixels, None)[0]


def read_first_images(
    file: str | os.PathLike[str], pixels: int, most: int | None
) -> tuple[NDArray[np.float64], int]:
    """Read the first pictures of one file, and look at all the others without keeping them.

    The shape is compared with the network before a single picture is read, and memory is taken for
    the pictures asked for only, however many a compressed file unpacks to.

    Args:
        file: as for `read_images`.
        pixels: how many pixels the network takes.
        most: how many pictures to keep; None keeps them all.

    Returns:
        The pictures, as `read_images` gives them, and how many the file has.

    Raises:
        ImageError: as for `read_images`, wherever in the file.
        IdxError: as for `read_images`.
    """
    path = Path(file)
    kept: list[NDArray[np.float64]] = []
    with _opened(path) as (pictures, shape, dtype):
        count = _count(shape, pixels, path)
        _check_type(dtype, path)
        left = count if most is None else min(most, count)
        for block in pictures.blocks(max(1, _BLOCK // pixels) * pixels):
            rows = block.reshape(-1, pixels)
            _check_range(rows, path)
            if left:
                kept.append(_scaled(rows[:left]))
                left -= len(kept[-1])
    return (kept[0] if len(kept) == 1 else np.concatenate(kept)), count


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IdxFile | NpyFile, tuple[int, ...], np.dtype[Any]]]:
    """A file of pictures of either kind, its shape and its type."""
    with open_binary(path) as stream:
        with naming(str(path)):
            start = stream.read(len(_NPY_MAGIC))
            stream.seek(0)
        if start != _NPY_MAGIC:
            found = IdxFile(stream, str(path))
            yield found, found.shape, found.dtype
            return
        try:
            npy = NpyFile(stream, os.fstat(stream.fileno()).st_size)
            yield npy, npy.shape, npy.dtype
        except (ValueError, OSError) as error:
            raise ImageError(
                f"{path}: not a sound .npy file ({error}); write it with numpy.save, without "
                "objects in it"
            ) from None


def _count(shape: tuple[int, ...], pixels: int, path: Path) -> int:
    """How many pictures of that many pixels an array of this shape holds."""
    size = math.prod(shape)
    if size:
        per_picture = {1: size, 2: size, 3: math.prod(shape[1:])}
        if per_picture.get(len(shape)) == pixels or (len(shape) == 2 and shape[1] == pixels):
            return size // pixels
    side = math.isqrt(pixels)
    wanted = (
        f"({side}, {side}) or (n, {side}, {side})" if side * side == pixels else f"(n, {pixels})"
    )
    raise ImageError(
        f"{path}: shape {shape} holds no picture of {pixels} pixels, which the network "
        f"takes; give an array of shape {wanted}"
    )


def _check_type(dtype: np.dtype[Any], path: Path) -> None:
    if dtype.kind not in "biuf":
        raise ImageError(
            f"{path}: pixels of type {dtype} cannot be read; give bytes from 0 to 255 or "
            "floats from 0 to 1"
        )


def _check_range(rows: NDArray[Any], path: Path) -> None:
    """Refuse values that are not pixels, among them a bool whose byte is neither 0 nor 1."""
    if rows.dtype == np.uint8:
        return  # all of them are pixels
    values, top = (rows.view(np.uint8), 1) if rows.dtype == np.bool_ else (rows, _top(rows))
    # Written so that nan, which compares false, is refused too.
    outside = np.flatnonzero(~((values >= 0) & (values <= top)))
    if outside.size:
        raise ImageError(
            f"{path}: pixel value {values.flat[outside[0]]} is out of range; {rows.dtype} pixels "
            f"go from 0 (paper) to {top} (ink)"
        )


def _top(rows: NDArray[Any]) -> int:
    """The pixel value of ink: 255 for integers, 1 for floats."""
    return 255 if rows.dtype.kind in "iu" else 1


def _scaled(rows: NDArray[Any]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = rows.astype(np.float64) / float(_top(rows))
    return scaled
