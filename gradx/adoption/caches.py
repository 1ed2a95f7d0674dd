"""Cached functions of an adopted program: `functools.cache` and `functools.lru_cache`.

A cache finds results by equal arguments, and a result of another run has no gradient of this one.
In adopted code a call without a variable goes to the program's cache, and what that gives is met as
what the program holds. One with a variable is remembered for the length of the call, and by the
variable itself.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from gradx.adoption.inside import current
from gradx.adoption.instances import leads_to_variable
from gradx.errors import ConversionError

__all__ = ["CACHED", "cached_of"]

CACHED = type(functools.lru_cache(lambda: None))


class _Itself:
    """A key that equals the one of the same object alone."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x

    def __eq__(self, other: object) -> bool:
        return type(other) is _Itself and other._x is self._x

    def __hash__(self) -> int:
        return id(self._x)


def cached_of(adoption: Any, cached: Any) -> Any:
    """What stands for a cached function in adopted code.

    Args:
        adoption: the adoption.
        cached: the function with its cache.
    """
    f = getattr(cached, "__wrapped__", None)
    if not isinstance(f, types.FunctionType) or adoption.of(f) is f:
        return cached

    @functools.wraps(cached)
    def function(*args: Any, **kwargs: Any) -> Any:
        call = current()
        if call is None:
            return cached(*args, **kwargs)
        if not leads_to_variable([*args, *kwargs.values()]):
            return adoption.of(cached(*args, **kwargs))
        names = tuple(sorted(kwargs))
        key = (_Itself(cached), names, *map(_key, args), *(_key(kwargs[name]) for name in names))
        if key not in call.results:
            call.results[key] = adoption.of(f)(*args, **kwargs)
        return call.results[key]

    for name in ("cache_info", "cache_clear", "cache_parameters"):
        setattr(function, name, getattr(cached, name))
    return function


def _key(x: Any) -> Any:
    """An argument as a key: itself, or by its identity what has a variable in it."""
    try:
        hash(x)
    except ConversionError:
        return _Itself(x)
    return x
