"""NumPy's own file format, read with the same distrust as IDX."""

from __future__ import annotations

import math
import tokenize
import warnings
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

# What NumPy raises for a damaged header, which it reads as Python source.
_FAULTS = (ValueError, SyntaxError, TypeError, EOFError, RecursionError, tokenize.TokenError)


def read_npy(stream: BinaryIO, size: int) -> NDArray[Any]:
    """Read an array that fills its file, without unpickling anything.

    Args:
        stream: at the beginning of the file.
        size: how many bytes the file has; a header that promises more is not believed.

    Returns:
        The array.

    Raises:
        ValueError: the file is damaged or holds objects; says in one line what is wrong.

    >>> import io
    >>> np.save(file := io.BytesIO(), [1, 2])
    >>> read_npy(io.BytesIO(file.getvalue()), len(file.getvalue()))
    array([1, 2])
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as that of a header in the style of Python 2
            shape, dtype = _read_header(stream)
    except (*_FAULTS, Warning) as error:
        raise ValueError(_first_line(error)) from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read")
    expected, present = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if expected != present:
        raise ValueError(f"shape {shape} of {dtype} needs {expected:,} bytes, here are {present:,}")
    stream.seek(0)
    items: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return items


def _read_header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"its format version {version} is not known")
    if any(length < 0 for length in shape):
        raise ValueError(f"shape {shape} is negative")
    return shape, dtype


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
