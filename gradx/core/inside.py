"""What is inside of values: the lifted ones among the parts of containers and records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradx.core.objects import OBJECT
from gradx.core.spec import Answering
from gradx.values.fields import static_names
from gradx.values.leaves import taken_apart
from gradx.values.operations import Kind, ValueType, registry

__all__ = ["has_variables", "static_fields", "variables_in"]


def static_fields(x: Any, spec: ValueType) -> list[tuple[str, Any]]:
    """The fields of a record that have no gradient."""
    if spec.kind not in _OF_FIELDS or isinstance(x, Answering):
        return []
    names = static_names(type(x))
    return [(name, getattr(x, name)) for name in names if hasattr(x, name)] if names else []


_OF_FIELDS = frozenset({Kind.RECORD, Kind.NAMED_TUPLE})


_WITHOUT_PARTS = frozenset({float, int, str, bool, type(None), np.ndarray, np.float64})


def has_variables(x: Any) -> bool:
    """Whether there is a variable in a value."""
    if type(x) is np.ndarray and x.dtype is not OBJECT:
        return False
    return next(variables_in(x), None) is not None


def variables_in(x: Any) -> Iterator[Any]:
    """The lifted values inside a value, in no particular order; iterative."""
    waiting: list[Any] = [x]
    seen: dict[int, Any] = {}  # kept, so that no other object takes the identity of one
    while waiting:
        x = waiting.pop()
        if type(x) in _WITHOUT_PARTS:
            if type(x) is np.ndarray and x.dtype is OBJECT and id(x) not in seen:
                seen[id(x)] = x
                waiting.extend(x.flat)
            continue
        if isinstance(x, Answering):
            yield x
            continue
        entry = registry.find(type(x))
        if not isinstance(entry, ValueType) or entry.children is None or id(x) in seen:
            continue
        seen[id(x)] = x
        waiting.extend(taken_apart(x, entry)[1])
        waiting.extend([child for _, child in static_fields(x, entry)])
