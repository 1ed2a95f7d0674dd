"""Places of a program: where lists, dicts and objects keep what they hold.

For the length of a call of adopted code what is adopted stands there in the place of originals. A
place is exchanged once, however many calls of however many threads need it, and what the program
had comes back with the last of them.
"""

from __future__ import annotations

import threading
import types
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.objects import OBJECT
from gradx.values.per_class import is_made_here, per_class

__all__ = ["CLASS", "LOCK", "MEMBERS", "PLAIN", "Change", "Place", "Way", "give_back", "hold"]
__all__ += ["is_held", "may_hold", "places_of"]

PLAIN = frozenset(
    {float, int, str, bool, type(None), complex, bytes, np.float64, np.float32, np.int64, np.bool_}
    | {np.dtype, slice, range}
)
"""Types of what holds nothing, and for which nothing else stands in adopted code."""
LOCK = threading.RLock()


class Way(NamedTuple):
    """How a part of a value is read, by an index, a key or a name, and how it is exchanged."""

    read: Callable[[Any, Any], Any]
    put: Callable[[Any, Any, Any], None]


_ITEMS = Way(list.__getitem__, list.__setitem__)
_QUEUED = Way(deque.__getitem__, deque.__setitem__)
_KEYS = Way(dict.__getitem__, dict.__setitem__)
_OBJECTS = Way(lambda x, i: x.flat[i], lambda x, i, new: x.flat.__setitem__(i, new))
_SLOTS = Way(lambda x, slot: slot.__get__(x, type(x)), lambda x, slot, new: slot.__set__(x, new))
_CELLS = Way(lambda x, _: x.cell_contents, lambda x, _, new: setattr(x, "cell_contents", new))
MEMBERS = Way(lambda cls, name: vars(cls)[name], type.__setattr__)
"""The members of a class."""
CLASS = Way(lambda x, _: type(x), lambda x, _, new: object.__setattr__(x, "__class__", new))
"""The class of an instance."""


class Place(NamedTuple):
    """What a list, a dict or an object keeps in one way."""

    of: Any
    way: Way
    items: Sequence[tuple[Any, Any]]


def may_hold(x: Any) -> bool:
    """Whether a value has places, as containers and instances have."""
    if type(x) in PLAIN or isinstance(x, Lifted):
        return False
    if type(x) is np.ndarray:
        return x.dtype is OBJECT
    if isinstance(x, (list, dict, set, deque, types.SimpleNamespace, types.CellType)):
        return True
    return is_made_here(type(x)) and not isinstance(x, (type, types.ModuleType))


def places_of(x: Any) -> Iterator[Place]:
    """The places of a value, but for those with nothing except numbers and text.

    Args:
        x: what may hold something.
    """
    if isinstance(x, list):
        yield from _of_items(x, _ITEMS, list.__iter__(x))
    elif isinstance(x, dict):
        yield from _of_names(x)
    elif isinstance(x, deque):
        yield from _of_items(x, _QUEUED, deque.__iter__(x))
    elif type(x) is np.ndarray:
        yield from _of_items(x, _OBJECTS, x.flat)
    elif isinstance(x, types.CellType):
        content = _read(_CELLS, x, None)
        if type(content) not in PLAIN:
            yield Place(x, _CELLS, [(None, content)])
    names = _attributes_of(x)
    if names is not None:
        yield from _of_names(names)
    if slots := _slots_of(type(x)):
        pairs = [(slot, _read(_SLOTS, x, slot)) for slot in slots]
        yield Place(x, _SLOTS, [pair for pair in pairs if type(pair[1]) not in PLAIN])


def _of_items(x: Any, way: Way, items: Iterable[Any]) -> Iterator[Place]:
    parts = list(items)
    if not PLAIN.issuperset(map(type, parts)):
        yield Place(x, way, list(enumerate(parts)))


def _of_names(x: dict[Any, Any]) -> Iterator[Place]:
    if not PLAIN.issuperset(map(type, dict.values(x))):
        yield Place(x, _KEYS, list(dict.items(x)))


def _attributes_of(x: Any) -> dict[str, Any] | None:
    """The ``__dict__`` of an instance, past what its class makes of the name."""
    if isinstance(x, types.SimpleNamespace):
        return vars(x)
    cls: Any = type(x)
    if isinstance(x, type) or not is_made_here(cls):
        return None
    for base in cls.__mro__[:-1]:
        member = vars(base).get("__dict__")
        if isinstance(member, types.GetSetDescriptorType):
            names = member.__get__(x, cls)
            return names if type(names) is dict else None
    return None


@per_class
def _slots_of(cls: Any) -> list[Any]:
    """What reads the slots of an instance, and the maker of a defaultdict."""
    if issubclass(cls, type):
        return []
    found = [vars(defaultdict)["default_factory"]] if issubclass(cls, defaultdict) else []
    members = [part for b in cls.__mro__[:-1] if is_made_here(b) for part in vars(b).values()]
    return found + [part for part in members if isinstance(part, types.MemberDescriptorType)]


def _read(way: Way, x: Any, key: Any) -> Any:
    """What stands in a place; None where nothing does."""
    try:
        return way.read(x, key)
    except (AttributeError, LookupError, ValueError):
        return None


# --- Exchanged for a while ------------------------------------------------------------------------


class Change(NamedTuple):
    """What is exchanged: the index, key or name, what the program has there, and what stands."""

    key: Any
    old: Any
    new: Any


class _Held:
    """A list, a dict or an object in which something is exchanged.

    Attributes:
        calls: how many calls of adopted code need it.
        changes: what is exchanged, and how.
    """

    __slots__ = ("calls", "changes", "of")

    def __init__(self, of: Any) -> None:
        self.of, self.calls = of, 0
        self.changes: list[tuple[Way, Change]] = []


_HELD: dict[int, _Held] = {}
"""By their identities, the lists, dicts and objects in which something is exchanged."""


def is_held(x: Any, way: Way | None = None) -> bool:
    """Whether a call has something exchanged in a list, a dict or an object, in this way."""
    held = _HELD.get(id(x))
    return held is not None and (way is None or any(way is each for each, _ in held.changes))


def hold(of: Any, way: Way, changes: Sequence[Change]) -> Any:
    """Exchange what a list, a dict or an object keeps, until it is given back.

    Args:
        of: the list, the dict or the object.
        way: how it keeps it.
        changes: what to exchange; a call may need what another one has exchanged already.

    Returns:
        What to give back; None if nothing is exchanged.
    """
    with LOCK:
        held = _HELD.get(id(of))
        if held is None:
            if not changes:
                return None
            held = _HELD[id(of)] = _Held(of)
        held.calls += 1
        for change in changes:
            try:
                way.put(of, change.key, change.new)
            except (AttributeError, TypeError):  # which cannot be changed, as some classes cannot
                continue
            held.changes.append((way, change))
        return held


def give_back(held: Any) -> None:
    """Let a place go; the last call that needs it puts back what the program had there.

    Args:
        held: what `hold` has returned.
    """
    with LOCK:
        held.calls -= 1
        if held.calls:
            return
        del _HELD[id(held.of)]
        for way, (key, old, new) in reversed(held.changes):
            if _read(way, held.of, key) is new:  # and the program has put nothing else there
                way.put(held.of, key, old)
