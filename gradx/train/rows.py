"""Rows: how some rows of a value of arrays are taken, worked out once for the whole run."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradx.core.dispatch import static_fields
from gradx.devices.placement import PLACES
from gradx.errors import UnregisteredTypeError
from gradx.train.errors import DataError
from gradx.train.values import cast_array
from gradx.values.operations import Kind, children_of, rebuilt, value_type

__all__ = ["Build", "Leaf", "compiled", "len_of", "rows_of"]

Build = Callable[[Sequence[Any]], Any]
"""A batch from the rows of each array, in order."""


@dataclass(frozen=True)
class Leaf:
    """One array of the data.

    Attributes:
        path: how it is reached.
        x: the array.
        take: ``take(which, there)`` gives rows, by a slice or by indices on the host and on the
            device.
        views: the array, if rows that a slice takes are to be its views as they come.
    """

    path: str
    x: Any
    take: Callable[[Any, Any], Any]
    views: Any = None

    @property
    def on_device(self) -> bool:
        """Whether it is an array of a device."""
        return type(self.x) in PLACES


def compiled(
    x: Any, path: str, dtype: str | None, leaves: list[Leaf], *, strict: bool = True
) -> Build:
    """How a batch is built; notes the arrays.

    Args:
        x: the data.
        path: what it is called in messages.
        dtype: what floating and complex numbers are cast to.
        leaves: gets the arrays.
        strict: whether a part that has no rows is an error.

    Raises:
        DataError: a part is a number, an array without rows, or of no known type.
    """
    build = _part(x, path, dtype, leaves, strict)
    return tuple if type(x) is tuple and all(map(_is_array, x)) else build


def len_of(x: Any) -> int:
    """How many rows an array has."""
    return int(x.shape[0])


def rows_of(batch: Any) -> int:
    """How many samples a batch has: the length of its first array, or 1."""
    leaves: list[Leaf] = []
    compiled(batch, "a batch", None, leaves, strict=False)
    return len_of(leaves[0].x) if leaves else 1


def _part(x: Any, path: str, dtype: str | None, leaves: list[Leaf], strict: bool) -> Build:
    if hasattr(x, "iloc"):
        raise DataError(
            f"{path} is a {type(x).__name__}, whose rows go by labels; give its numbers, "
            f"{path}.to_numpy()"
        )
    if _is_array(x):
        if not len(x.shape):
            if not strict:
                return lambda parts: x
            raise DataError(
                f"{path} is an array of no dimension, which has no rows; give it to the loss in "
                "another way than as data"
            )
        leaves.append(_leaf(x, path, dtype))
        place = len(leaves) - 1
        return lambda parts: parts[place]
    try:
        spec = value_type(x)
    except UnregisteredTypeError:
        raise DataError(
            f"{path} is a {type(x).__name__}, which has no rows that gradx knows of; give an "
            "array, something with shape, dtype and items by index, a tuple, dict or record of "
            "those, or a function that gives an iterator of batches"
        ) from None
    if spec.children is None:
        if spec.static or not strict:
            return lambda parts: x
        raise DataError(
            f"{path} is a {type(x).__name__}, which has no rows; give an array with a row for each "
            "sample, np.array(…)"
        )
    items = [*children_of(x, spec), *static_fields(x, spec)]
    keys = [key for key, _ in items]
    built = [_part(part, path + spec.format_key(key), dtype, leaves, strict) for key, part in items]
    if spec.kind is Kind.SEQUENCE and type(x) in (list, tuple):
        kind = type(x)
        return lambda parts: kind([each(parts) for each in built])
    return lambda parts: rebuilt(x, spec, keys, [each(parts) for each in built])


def _is_array(x: Any) -> bool:
    if isinstance(x, (np.ndarray, *PLACES)):
        return True
    return (
        not isinstance(x, np.generic)
        and hasattr(x, "shape")
        and hasattr(x, "dtype")
        and hasattr(type(x), "__getitem__")
    )


def _leaf(x: Any, path: str, dtype: str | None) -> Leaf:
    if type(x) in PLACES:
        x = cast_array(x, dtype)
        return Leaf(path, x, lambda which, there: x[there])
    if isinstance(x, np.ndarray):
        if isinstance(x, np.memmap):
            x = x.view(np.ndarray)  # rows of it are ordinary arrays
        if not _is_mapped(x):
            x, dtype = cast_array(x, dtype), None
        x = x.view()
        x.setflags(write=False)  # and so are views of it
        return Leaf(path, x, _host(x, dtype), x if dtype is None else None)
    return Leaf(path, x, lambda which, there: _sorted_rows(x, which, dtype))


def _is_mapped(x: Any) -> bool:
    """Whether an array's memory is a file's."""
    while isinstance(x, np.ndarray):
        x = x.base
    return isinstance(x, mmap.mmap)


def _host(x: Any, dtype: str | None) -> Callable[[Any, Any], Any]:
    def take(which: Any, there: Any) -> Any:
        rows = x[which] if dtype is None else cast_array(x[which], dtype)
        rows.setflags(write=False)
        return rows

    return take


def _sorted_rows(x: Any, which: Any, dtype: str | None) -> Any:
    """Rows of what gives them by a slice or by rising indices only, in the order asked for."""
    if isinstance(which, slice):
        rows = np.asarray(x[which])
    else:
        order = np.argsort(which)
        found = np.asarray(x[which[order]])
        rows = np.empty_like(found)
        rows[order] = found
    rows = cast_array(rows, dtype)
    rows = rows.view()
    rows.setflags(write=False)
    return rows
