"""How each kind of module state is put back to what it was: for the fixture that all tests have."""

import contextlib
import importlib
import itertools
from collections.abc import Iterable, Iterator, MutableMapping, MutableSequence, MutableSet
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

# The counter of runs only goes up, and a context variable falls back by itself.
LEFT_ALONE = (itertools.count, ContextVar)


def state_named(names: Iterable[str]) -> dict[str, Any]:
    """The objects called ``module:name``."""
    parts = {name: name.split(":") for name in names}
    return {
        name: getattr(importlib.import_module(module), attribute)
        for name, (module, attribute) in parts.items()
    }


def restored(state: Any) -> AbstractContextManager[None]:
    """A block after which this object of a module is what it was before.

    Raises:
        TypeError: it is of no kind that can be put back.
    """
    if isinstance(state, LEFT_ALONE):
        return contextlib.nullcontext()
    if hasattr(state, "restored"):
        return state.restored()
    if hasattr(state, "cache_clear"):
        return _cleared(state)
    if isinstance(state, (MutableMapping, MutableSet, MutableSequence)):
        return _refilled(state)
    raise TypeError(f"no way to restore a {type(state).__name__}; add one in {__name__}")


@contextlib.contextmanager
def _refilled(table: Any) -> Iterator[None]:
    before = table.copy()
    try:
        yield
    finally:
        if table != before:
            table.clear()
            (table.extend if isinstance(table, MutableSequence) else table.update)(before)


@contextlib.contextmanager
def _cleared(cache: Any) -> Iterator[None]:
    before = cache.cache_info().currsize
    try:
        yield
    finally:
        if cache.cache_info().currsize != before:
            cache.cache_clear()
