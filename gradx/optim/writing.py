"""Writing: new values into the arrays of old ones, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from gradx.devices.placement import on_device_of
from gradx.errors import InPlaceError
from gradx.optim.atomic import write
from gradx.records.tree_map import expand
from gradx.values.operations import ValueType, Where, fold

__all__ = ["written"]


def written(olds: Sequence[Any], news: Sequence[Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Write the leaves of new values into the arrays of old ones of the same structures.

    Args:
        olds: what is written into.
        news: what is written, with memory of its own.
        names: how the old values are called in messages.

    Returns:
        The new values, with the arrays of the old ones.

    Raises:
        InPlaceError: an array cannot be written into; nothing is written then.
    """
    pairs: list[tuple[Any, Any]] = []

    def leaf(old: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> Any:
        if not hasattr(old, "shape") or not hasattr(old, "__setitem__"):
            return mates[0]
        if isinstance(old, np.ndarray) and not old.flags.writeable:
            raise InPlaceError(f"{where()} is a read-only array; pass a copy of it")
        pairs.append((old, mates[0]))
        return old

    made = [
        fold(old, (new,), expand, leaf, name)
        for old, new, name in zip(olds, news, names, strict=True)
    ]
    here = [(old, new) for old, new in pairs if isinstance(old, np.ndarray)]
    write([old for old, _ in here], [partial(np.positive, new, old) for old, new in here])
    for old, new in pairs:
        if not isinstance(old, np.ndarray):
            with on_device_of(old):
                old[...] = new
    return tuple(made)
