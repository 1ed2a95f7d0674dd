"""Facts of a class, stored on the class itself.

A table from classes to facts would keep every class alive that was ever used, and one with weak
keys would too, since the facts (annotations, member descriptors, the functions that were
registered) refer to the class. So they stand in one attribute of the class, and go with it.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["facts_of", "is_made_here", "known_of", "members_of", "mro_of", "per_class"]

T = TypeVar("T")

_NAME = "__gradx__"
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8
members_of: Callable[[type], Mapping[str, Any]] = vars(type)["__dict__"].__get__
"""What stands in a class itself, whatever its metaclass makes of ``__dict__``."""
mro_of: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__
"""The order in which attributes are looked up, whatever its metaclass makes of ``__mro__``."""


class Facts(dict[str, Any]):
    """The facts of one class.

    Attributes:
        owner: the class, since a decorator such as ``dataclass(slots=True)`` copies a class with
            its attributes, and the facts of the copy are its own.
    """

    __slots__ = ("owner",)

    def __init__(self, cls: type | None = None) -> None:
        super().__init__()
        self.owner = None if cls is None else weakref.ref(cls)

    def __reduce__(self) -> Any:
        return Facts, ()  # a class that is pickled with its attributes learns them anew


def is_made_here(cls: type) -> bool:
    """Whether a class was made by Python code, so that it has attributes of its own and may go."""
    return cls.__flags__ & (_HEAP | _IMMUTABLE) == _HEAP


def facts_of(cls: type) -> dict[str, Any] | None:
    """The facts of a class, or None while there are none."""
    facts = members_of(cls).get(_NAME)
    if type(facts) is Facts and facts.owner is not None and facts.owner() is cls:
        return facts
    return None


def known_of(cls: type) -> dict[str, Any]:
    """The facts of a class, to add to; a dict that is not kept for a type of C."""
    facts = facts_of(cls)
    if facts is not None:
        return facts
    facts = Facts(cls)
    if is_made_here(cls):
        type.__setattr__(cls, _NAME, facts)
    return facts


def per_class(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Decorator: a function of a class, computed once for each and kept as long as the class."""
    name = f"{function.__module__}.{function.__qualname__}"

    @functools.wraps(function)
    def cached(cls: Any) -> T:
        facts = members_of(cls).get(_NAME)
        if type(facts) is Facts and name in facts and facts.owner() is cls:  # type: ignore[misc]
            return facts[name]  # type: ignore[no-any-return]
        facts = known_of(cls)
        facts[name] = function(cls)
        return facts[name]  # type: ignore[no-any-return]

    return cached
