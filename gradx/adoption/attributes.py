"""Attributes of instances that hold code: functions, tables of them, distributions of SciPy.

An object that the program made before holds originals. For the length of a call of adopted code
they are exchanged in its ``__dict__``, and put back when the call is over. A function that stands
there meanwhile is the original to every other thread.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

__all__ = ["Attributes", "is_within", "without"]

_MARK = "__gradx_within__"
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)


def _within(original: Any, adopted: Any, inside: Callable[[], Any]) -> Any:
    """A function that is another one in adopted code.

    Args:
        original: the function.
        adopted: what it is there.
        inside: says whether adopted code runs.
    """

    @functools.wraps(original, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        here = original if inside() is None else adopted
        return here(*args, **kwargs)

    vars(function)[_MARK] = original
    return function


def is_within(x: Any) -> bool:
    """Whether a function stands for another one in adopted code alone."""
    return isinstance(x, types.FunctionType) and _MARK in vars(x)


def without(x: Any) -> None:
    """Put originals where a container or an instance holds what stands for them in a call.

    Args:
        x: of a result, which may have been made of an object whose attributes were exchanged.
    """
    items: Any = x if type(x) in (dict, list) else getattr(x, "__dict__", None)
    if type(items) in (dict, list):
        pairs = list(items.items() if type(items) is dict else enumerate(items))
        for key, value in pairs:
            if is_within(value):
                items[key] = vars(value)[_MARK]


class Attributes:
    """The attributes of an instance that hold code, exchanged for a while.

    Args:
        x: an instance of a class of the program, or of an adopted one.
        of: from what the program holds to what stands for it in adopted code.
        inside: says whether adopted code runs.
    """

    __slots__ = ("_changed", "_inside", "_names", "_of", "_x")

    def __init__(self, x: Any, of: Callable[[Any], Any], inside: Callable[[], Any]) -> None:
        names = getattr(x, "__dict__", None)
        self._names: Any = names if type(names) is dict else {}
        self._x = x  # so that no other object takes its identity
        self._of, self._inside = of, inside
        new = [(name, value, self._new(value)) for name, value in self._names.items()]
        self._changed = [each for each in new if each[1] is not each[2]]

    def __bool__(self) -> bool:
        return bool(self._changed)

    def exchange(self) -> None:
        """Put in what is adopted."""
        self._names.update({name: new for name, _, new in self._changed})

    def give_back(self) -> None:
        """Put back what stood there, where the program has put nothing else."""
        for name, value, new in self._changed:
            if self._names.get(name) is new:
                self._names[name] = value

    def _new(self, value: Any) -> Any:
        if type(value) in (dict, list, tuple):
            return self._table(value)
        if isinstance(value, _FUNCTIONS):
            new = value if is_within(value) else self._of(value)
            return value if new is value else _within(value, new, self._inside)
        is_of_scipy = str(getattr(type(value), "__module__", "")).startswith("scipy.stats")
        return self._of(value) if is_of_scipy else value

    def _table(self, value: Any) -> Any:
        parts = list(value.values()) if type(value) is dict else list(value)
        if not any(isinstance(part, _FUNCTIONS) for part in parts[:32]):
            return value
        new = [self._new(part) if isinstance(part, _FUNCTIONS) else part for part in parts]
        if all(a is b for a, b in zip(new, parts, strict=True)):
            return value
        return dict(zip(value, new, strict=True)) if type(value) is dict else type(value)(new)
