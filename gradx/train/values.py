"""Values in training: copies that may be written into, and casts of values."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from numbers import Number
from typing import Any, TypeVar

import numpy as np

from gradx.core.dispatch import static_fields
from gradx.devices.placement import copied
from gradx.train.errors import OptionError
from gradx.train.options import DTYPES
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, fold, parts_alone, rebuilt

P = TypeVar("P")


def own(value: P) -> P:
    """A copy of a value, whose arrays may be written into; each stays on its device.

    >>> params = {"w": np.ones(2), "b": 1.0}
    >>> mine = own(params)
    >>> mine["w"] += 1.0
    >>> params
    {'w': array([1., 1.]), 'b': 1.0}
    """
    return map_leaves(value, lambda x, _: copied(x))  # type: ignore[no-any-return]


def with_floats(params: P) -> P:
    """Parameters whose whole numbers are floats, which they would become in the first step.

    So parameters are of the same types before it and after it, in a checkpoint too.

    >>> with_floats({"w": np.ones(2), "b": 0})
    {'w': array([1., 1.]), 'b': 0.0}
    """
    return map_leaves(  # type: ignore[no-any-return]
        params, lambda x, _: float(x) if type(x) is int else x
    )


def map_arrays(value: P, change: Callable[[Any], Any]) -> P:
    """A value whose numbers and arrays are each changed, those in static fields too.

    Args:
        value: of any type that gradx knows.
        change: gives what takes the place of a leaf, of a static one too.

    >>> map_arrays({"w": np.ones(2), "n": 3}, lambda x: x.tolist() if hasattr(x, "tolist") else x)
    {'w': [1.0, 1.0], 'n': 3}
    """

    def rebuild(template: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
        fixed = static_fields(template, spec)
        keys = [*keys, *(name for name, _ in fixed)]
        return rebuilt(template, spec, keys, [*parts, *(change(x) for _, x in fixed)])

    return fold(  # type: ignore[no-any-return]
        value, None, parts_alone, lambda x, *_: change(x), rebuild=rebuild, own=True
    )


def cast_floats(value: P, dtype: str) -> P:
    """A value whose floating and complex arrays are of another precision.

    Integers, texts and Python's numbers stay as they are: the latter go with the arrays they meet.

    Args:
        value: parameters or data, of any type that gradx knows.
        dtype: ``float32`` or ``float64``; complex numbers have two of these.

    Raises:
        OptionError: another dtype.

    >>> cast_floats({"x": np.ones(2), "label": np.array([1, 2]), "b": 0.5}, "float32")
    {'x': array([1., 1.], dtype=float32), 'label': array([1, 2]), 'b': 0.5}
    """
    if dtype not in DTYPES:
        raise OptionError(f"dtype {dtype!r}: use {' or '.join(DTYPES)}")
    return map_leaves(value, lambda x, _: cast_array(x, dtype))  # type: ignore[no-any-return]


def cast_array(x: Any, dtype: str | None) -> Any:
    """One array or NumPy number as `cast_floats` has it; anything else as it is."""
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    if dtype is None or kind not in ("f", "c"):
        return x
    wanted = np.dtype(dtype) if kind == "f" else np.result_type(dtype, np.complex64)
    return x if x.dtype == wanted else x.astype(wanted)


def as_float(x: Any) -> float:
    """One real number of Python or NumPy, or an array of one item, as Python's number."""
    return float(x.reshape(()) if getattr(x, "ndim", 0) else x)


def mark_of(value: Any) -> str:
    """A CRC-32 of the numbers, arrays and texts of a value, as eight hex digits.

    Those in static parts count as well, since a loss may use them.

    >>> mark_of({"w": np.ones(2)}) == mark_of({"w": np.array([1.0, 1.0])})
    True
    >>> mark_of((1.0, "tanh")) == mark_of((1.0, "relu"))
    False
    """
    mark = 0

    def add(x: Any) -> Any:
        nonlocal mark
        if isinstance(x, np.ndarray):
            mark = zlib.crc32(f"{x.dtype} {x.shape}".encode(), mark)
            mark = zlib.crc32(x.tobytes(), mark)
        elif isinstance(x, (str, bytes, Number, np.generic)):  # others may show their address
            mark = zlib.crc32(repr(x).encode(), mark)
        return x

    map_arrays(value, add)
    return f"{mark:08x}"
