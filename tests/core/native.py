"""What the tests of the C extension share."""

import gc
import sys
import warnings
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
    return min(_more_blocks(f, times) for _ in range(2)) / times  # some are kept once, for reuse


def _more_blocks(f: Callable[[], Any], times: int) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        f()
    gc.collect()
    return sys.getallocatedblocks() - before


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


def outcome(f: Callable[..., Any], *xs: Any, **states: Any) -> tuple[Any, list[str]]:
    """The result or the error of a call, and its warnings."""
    with warnings.catch_warnings(record=True) as seen, np.errstate(**{"all": "warn", **states}):
        warnings.simplefilter("always")
        try:
            result = bits(f(*xs))
        except FloatingPointError as error:
            result = str(error)
    return result, [str(warning.message) for warning in seen]


def layouts(rng: np.random.Generator) -> list[np.ndarray]:
    """Arrays of one shape that lie in memory in all kinds of ways."""
    x = rng.normal(size=(4, 6))
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(x.shape)
    unaligned[:] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    return [
        *(x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1, ::-1], unaligned),
        *(read_only, np.broadcast_to(x[0], x.shape), x.astype(">f8"), x.astype(np.float32)),
        *(x.astype(np.float16), x.astype(np.longdouble), x + 1j, x.astype(np.complex64)),
        x.astype(np.dtype(float, metadata={"unit": "m"})),
    ]
