"""Blocks: operations on single items done in C, with no call of Python's for each block of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.native import native

__all__ = ["Steps", "steps_of"]

_OPERATIONS: Mapping[Any, int] = MappingProxyType(
    {
        ufunc: k
        for k, ufunc in enumerate(
            (np.add, np.subtract, np.multiply, np.divide, np.sqrt, np.positive)
        )
    }
)
_MOST = 64
"""The most arrays, temporaries and numbers together."""


class Steps:
    """Operations that C can do on arrays of one dtype.

    Args:
        code: four bytes for each: what it does, where its operands are, where its result goes.
        temporaries: how many temporaries there are.
        numbers: an array of float64.
    """

    def __init__(self, code: bytes, temporaries: int, numbers: Any) -> None:
        self._given = (code, temporaries, numbers)

    def call(self, arrays: Sequence[Any]) -> Callable[[], Any] | None:
        """A call that does them into arrays, or None where C cannot.

        Args:
            arrays: of one size, with memory of their own.
        """
        if not native.blockwise(*self._given, True, *arrays):
            return None
        return partial(native.blockwise, *self._given, False, *arrays)


def steps_of(
    placed: Sequence[tuple[Any, Sequence[int]]],
    arrays: Sequence[Any],
    temporaries: Sequence[Any],
    numbers: Sequence[Any],
) -> Steps | None:
    """Operations for C, or None where it has not all of them.

    Args:
        placed: for each a NumPy function, the places of its operands and that of its result; places
            count arrays, then temporaries, then numbers.
        arrays: the dtypes of the arrays.
        temporaries: those of the temporaries.
        numbers: the numbers.
    """
    dtypes = {*arrays, *temporaries}
    if native is None or len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
        return None
    if len(arrays) + len(temporaries) + len(numbers) > _MOST:
        return None
    if not all(ufunc in _OPERATIONS for ufunc, _ in placed):
        return None
    code = bytearray()
    for ufunc, where in placed:
        x, y, z = where if len(where) == 3 else (where[0], *where)
        code += bytes((_OPERATIONS[ufunc], x, y, z))
    return Steps(bytes(code), len(temporaries), np.array(numbers, float))
