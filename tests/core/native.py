"""What the tests of the C extension share."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.native import native

only_native = pytest.mark.skipif(native is None, reason="gradx is without its C code here")


def variable(x: Any) -> Any:
    """A variable of a run that has ended; its value and its node are what they were."""
    kept = []
    gx.backprop_with(lambda v: kept.append(v), x)
    return kept[0]


def blocks_kept(f: Callable[[], Any], times: int = 300) -> float:
    """How many blocks of memory a call leaves behind, on average."""
    for _ in range(50):
        f()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        f()
    gc.collect()
    return (sys.getallocatedblocks() - before) / times


def bits(x: Any) -> Any:
    """An array's numbers bit by bit, each NaN as one and the same, and how it lies in memory."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return type(x), repr(x)
    numbers = np.array(x)
    if numbers.dtype.kind in "fc":
        numbers[np.isnan(numbers)] = np.nan
    flags = x.flags.c_contiguous, x.flags.f_contiguous, x.flags.writeable
    plain = numbers.dtype.kind != "O" and numbers.dtype.itemsize <= 8
    text = numbers.tobytes() if plain else repr(numbers.tolist())
    return type(x), x.dtype, x.dtype.metadata, x.shape, flags, text
