"""Forms: the structure, shapes and dtypes of a value, and where two values differ in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.spec import spec_of
from gradx.values.leaves import taken_apart
from gradx.values.operations import ValueType, registry, value_type

__all__ = ["difference", "form_of"]

_NUMBERS = frozenset({float, int, bool, complex})


def _dtype_of(dtype: Any) -> Any:
    return np.dtype(dtype) if dtype in _NUMBERS else dtype


def form_of(x: Any) -> Any:
    """The structure, shapes and dtypes of a value, to be compared with those of another.

    A Python number is as good as a NumPy scalar of its dtype, or an array of it without axes.
    """
    kind = type(x)
    if kind is np.ndarray:
        return x.shape, x.dtype
    if kind is tuple or kind is list:
        return kind, tuple(map(form_of, x))
    if kind in _NUMBERS:
        return (), np.dtype(kind)
    if isinstance(x, Lifted) or hasattr(x, "dtype"):
        spec = spec_of(x)
        return spec.shape, _dtype_of(spec.dtype)
    entry = registry.find(kind)
    if isinstance(entry, ValueType) and entry.children is not None and entry.fieldwise:
        keys, parts = taken_apart(x, entry)
        return kind, tuple(keys), tuple(map(form_of, parts))
    return kind


def _described(x: Any) -> str:
    if isinstance(x, Lifted) or hasattr(x, "dtype") or type(x) in _NUMBERS:
        shape, dtype = form_of(x)
        return f"of shape {shape} and dtype {dtype}"
    entry = value_type(x)
    if entry.children is not None and entry.fieldwise:
        return f"a {type(x).__name__} with parts {list(taken_apart(x, entry)[0])}"
    return f"a {type(x).__name__}"


def difference(x: Any, y: Any, path: str) -> tuple[str, str, str]:
    """The path of the first difference of two values in form, and what each has there."""
    while True:
        entry: Any = registry.find(type(x))
        other: Any = registry.find(type(y))
        both = [
            isinstance(e, ValueType) and e.children is not None and e.fieldwise
            for e in (entry, other)
        ]
        if not all(both) or type(x) is not type(y):
            return path, _described(x), _described(y)
        (keys, xs), (own, ys) = taken_apart(x, entry), taken_apart(y, other)
        if list(keys) != list(own):
            return path, _described(x), _described(y)
        key, x, y = next(
            part for part in zip(keys, xs, ys, strict=True) if form_of(part[1]) != form_of(part[2])
        )
        path += entry.format_key(key)
