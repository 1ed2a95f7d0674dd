"""Values in training: copies that may be written into, casts, sums and multiples of values."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from gradx.devices.placement import copied
from gradx.records.map import map as map_values
from gradx.train.errors import OptionError
from gradx.train.options import DTYPES
from gradx.values.leaves import map_leaves

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


def multiple(value: P, factor: float) -> P:
    """A value of numbers and arrays times a number; static parts stay."""
    return map_leaves(value, lambda x, _: x * factor)  # type: ignore[no-any-return]


def sum_in_tree(values: list[P | None]) -> P | None:
    """The sum of values in a fixed order: neighbours first, then neighbouring sums, and so on.

    The order depends on the places alone, so that the sum has the same bits whoever computes
    which part of it. None stands for nothing, and is the sum of none.

    >>> sum_in_tree([1.0, 2.0, None, 4.0])
    7.0
    """
    while len(values) > 1:
        values = [
            _sum_of_two(values[i], values[i + 1] if i + 1 < len(values) else None)
            for i in range(0, len(values), 2)
        ]
    return values[0] if values else None


def _sum_of_two(x: P | None, y: P | None) -> P | None:
    if x is None or y is None:
        return y if x is None else x
    return map_values(lambda a, b: a + b, x, y)
