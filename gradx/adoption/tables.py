"""What has a copy in adopted code: dicts and sets by code, and the attributes of functions.

What adopted code looks up in a table from classes to functions are adopted classes, so it has a
copy by those keys. And an adopted function has attributes of its own. A copy is made anew where the
program has changed the original, and what adopted code changes in the copy the original gets when
the call is over.
"""

from __future__ import annotations

import functools
import operator
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from gradx.adoption.functions import attributes_of, put_attributes
from gradx.adoption.places import PLAIN

__all__ = ["KEYED", "UNCHANGED", "Attributes", "Table", "translated"]

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
        self.copy = self._new()
        self._known = self._own = [object()]
        self.refresh()

    def _new(self) -> Any:
        new = type(self.original)()
        if isinstance(self.original, defaultdict):
            new.default_factory = self._of(self.original.default_factory)
        return new

    def _content(self, x: Any) -> Any:
        return x

    def _put(self, x: Any, content: Any) -> None:
        x.clear()
        x.update(content)

    def refresh(self) -> None:
        """Let the copy have what the original has by now."""
        content = self._content(self.original)
        known = _listed(content)
        if not _same(known, self._known):
            self._put(self.copy, _filled(content, self._of))
            self._known, self._own = known, _listed(self._content(self.copy))

    def write_back(self, original: Callable[[Any], Any]) -> list[Any]:
        """Let the original have what adopted code has changed in the copy.

        Args:
            original: from what stands for something in adopted code to what the program has.

        Returns:
            What the original has got; it may hold things of adopted code.
        """
        content = self._content(self.copy)
        if _same(_listed(content), self._own):
            return []
        new = _filled(content, original)
        self._put(self.original, new)
        self._known, self._own = _listed(self._content(self.original)), _listed(content)
        return _listed(new)


class Attributes(Table):
    """The attributes of a function, and those of what stands for it in adopted code.

    Args:
        original: the function of the program.
        copy: the other one.
        of: from what the program holds to what stands for it in adopted code.
    """

    __slots__ = ("_bare",)

    def __init__(self, original: Any, copy: Any, of: Callable[[Any], Any]) -> None:
        self.copy, self._bare = copy, len(vars(copy)) - len(attributes_of(copy))
        super().__init__(original, of)

    def refresh(self) -> None:
        """As of a table; most functions have no attributes."""
        if self._known or vars(self.original):
            super().refresh()

    def write_back(self, original: Callable[[Any], Any]) -> list[Any]:
        """As of a table."""
        has_none = not self._own and len(vars(self.copy)) == self._bare
        return [] if has_none else super().write_back(original)

    def _new(self) -> Any:
        return self.copy

    def _content(self, x: Any) -> Any:
        return attributes_of(x)

    def _put(self, x: Any, content: Any) -> None:
        put_attributes(x, content)


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
