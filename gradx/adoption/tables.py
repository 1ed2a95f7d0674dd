"""Dicts and sets of the program whose keys are code, such as a table from classes to functions.

What adopted code looks up in them are adopted functions and classes, so it has copies by those
keys. A copy is made anew where the program has changed the original, and what adopted code changes
in the copy the original gets when the call is over.
"""

from __future__ import annotations

import functools
import operator
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from gradx.adoption.places import PLAIN

__all__ = ["KEYED", "UNCHANGED", "Table", "translated"]

KEYED = (dict, set, OrderedDict, defaultdict)
UNCHANGED = (tuple, frozenset, types.MappingProxyType, functools.partial)
"""Types of what cannot be changed, so that another object stands for it."""


class Table:
    """A dict or a set, and its copy in adopted code.

    Args:
        original: the program's.
        of: from what the program holds to what stands for it in adopted code.
    """

    __slots__ = ("_known", "_of", "_own", "copy", "original")

    def __init__(self, original: Any, of: Callable[[Any], Any]) -> None:
        self.original, self._of = original, of
        self.copy: Any = type(original)()
        if isinstance(original, defaultdict):
            self.copy.default_factory = of(original.default_factory)
        self._known = self._own = [object()]
        self.refresh()

    def refresh(self) -> None:
        """Let the copy have what the original has by now."""
        known = _listed(self.original)
        if not _same(known, self._known):
            self.copy.clear()
            self.copy.update(_filled(self.original, self._of))
            self._known, self._own = known, _listed(self.copy)

    def write_back(self, original: Callable[[Any], Any]) -> None:
        """Let the original have what adopted code has changed in the copy.

        Args:
            original: from what stands for something in adopted code to what the program has.
        """
        if not _same(_listed(self.copy), self._own):
            new = _filled(self.copy, original)
            self.original.clear()
            self.original.update(new)
            self._known, self._own = _listed(self.original), _listed(self.copy)


def _filled(x: Any, of: Callable[[Any], Any]) -> Any:
    if isinstance(x, dict):
        return {of(key): of(value) for key, value in x.items()}
    return set(map(of, x))


def _listed(x: Any) -> list[Any]:
    return [part for pair in x.items() for part in pair] if isinstance(x, dict) else list(x)


def _same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(operator.is_, a, b))


def translated(x: Any, of: Callable[[Any], Any]) -> Any:
    """What stands for a value that cannot be changed: a tuple, a frozen set, a partial or a proxy.

    Args:
        x: the value.
        of: from a part of it to what stands for that.

    Returns:
        A new one; ``x`` itself if all parts stay what they are.
    """
    if isinstance(x, tuple):
        parts = [part if type(part) in PLAIN else of(part) for part in x]
        same = all(map(operator.is_, parts, x))
        return x if same else _tuple_like(x, parts)
    if type(x) is frozenset:
        items = frozenset(map(of, x))
        return x if all(part in x for part in items) else items
    if type(x) is types.MappingProxyType:
        pairs = {of(key): of(value) for key, value in x.items()}
        same = _same(_listed(pairs), _listed(dict(x)))
        return x if same else types.MappingProxyType(pairs)
    args, named = [of(x.func), *map(of, x.args)], {k: of(v) for k, v in x.keywords.items()}
    new = [*args, *named.values()]
    same = _same(new, [x.func, *x.args, *x.keywords.values()])
    return x if same else type(x)(*args, **named)


def _tuple_like(x: Any, parts: list[Any]) -> Any:
    new: Any = tuple.__new__(type(x), parts)
    if hasattr(x, "__dict__"):
        new.__dict__.update(vars(x))
    return new
