"""Calls of lifted functions without a variable in them, which are calls of NumPy's own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gradx.core.objects import OBJECT
from gradx.errors import ConversionError

__all__ = ["unless_plain"]

_PLAIN = frozenset(
    {int, float, complex, bool, str, bytes, range, slice, type(None), type(Ellipsis)}
    | {np.dtype(code).type for code in np.typecodes["All"]}
) - {np.object_}


def _are_plain(xs: Iterable[Any]) -> bool:
    """Whether there are only NumPy's arrays and numbers, Python's, and lists of them."""
    for x in xs:
        cls = type(x)
        if cls in _PLAIN:
            continue
        if cls is np.ndarray:
            if x.dtype is OBJECT:
                return False
        elif cls is list or cls is tuple:
            if not _are_plain(x):
                return False
        elif not issubclass(cls, (np.dtype, type)):
            return False
    return True


def unless_plain(
    function: Callable[..., Any],
    implementation: Callable[..., Any],
    otherwise: Callable[..., Any],
) -> Callable[..., Any]:
    """A lifted function, of plain arguments NumPy's own.

    Args:
        function: NumPy's.
        implementation: that of arguments with variables, arrays of a device, functions.
        otherwise: what does a call that asked for a number in vain.
    """

    @functools.wraps(implementation)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _are_plain(args) and (not kwargs or _are_plain(kwargs.values())):
            return function(*args, **kwargs)
        try:
            return implementation(*args, **kwargs)
        except ConversionError as error:
            return otherwise(call, args, kwargs, error)

    call.__wrapped__ = function  # whose arguments it takes
    return call
