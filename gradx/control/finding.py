"""Finding the variables behind a function: what its closure, defaults and globals lead to."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.hidden import PLAIN_LEAVES, inside
from gradx.core.objects import OBJECT

__all__ = ["variables_behind"]

_MOST = 10_000
"""So many objects are looked into at most, so that one that leads to everything ends."""
_LIBRARIES = frozenset({"numpy", "scipy", "gradx", "cupy", "builtins"})


def variables_behind(f: Any) -> list[Any]:
    """The variables that a function reaches beside its arguments, in no particular order.

    It looks into closures, defaults, bound objects, the attributes of instances, containers, and
    those globals of a program's own functions that their code names. What stands elsewhere (in a
    generator, in an object of C) is not found.

    Args:
        f: any object.
    """
    found: list[Any] = []
    waiting: list[Any] = [f]
    seen: dict[int, Any] = {}  # kept, so that no other object takes the identity of one
    while waiting and len(seen) < _MOST:
        x = waiting.pop()
        cls = type(x)
        if isinstance(x, Lifted):
            if id(x) not in seen:
                seen[id(x)] = x
                found.append(x)
            continue
        if cls is types.FunctionType:
            if id(x) not in seen:
                seen[id(x)] = x
                waiting.extend(_of_function(x))
            continue
        if cls in PLAIN_LEAVES or (cls is np.ndarray and x.dtype is not OBJECT) or id(x) in seen:
            continue
        seen[id(x)] = x
        waiting.extend([part for _, part in inside(x)])
        if cls is types.MethodType:
            waiting.append(x.__func__)
    return found


def _of_function(f: Any) -> Iterator[Any]:
    if str(f.__module__).partition(".")[0] in _LIBRARIES and f.__closure__ is None:
        return
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # nothing was assigned to it yet
            continue
    yield from f.__defaults__ or ()
    yield from (f.__kwdefaults__ or {}).values()
    yield from vars(f).values()
    for name in _names_in(f.__code__):
        if name in f.__globals__:
            yield f.__globals__[name]


def _names_in(code: types.CodeType) -> Iterator[str]:
    """The names of globals in a function's code, and in that of the functions in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from _names_in(constant)
