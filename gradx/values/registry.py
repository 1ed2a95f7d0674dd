"""Types: the registry of what gradx knows of a type.

The first noun's table. The tape knows nothing about numbers, arrays or records; what it must know
of a type stands here. `gradx.values.operations` has the operations on values that follow from it.
"""

from __future__ import annotations

import enum
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, final

from gradx.values.per_class import facts_of, is_made_here, known_of, mro_of
from gradx.values.unregistered import entry_of, instance_of, raise_unregistered

__all__ = [
    "MISSING",
    "Entry",
    "Kind",
    "Registry",
    "ValueType",
    "Where",
    "children_of",
    "part_of",
    "rebuilt",
    "registry",
    "value_type",
]

Where = Callable[[], str]
"""Returns the path of the current value; called only when an error message is written."""


class Kind(enum.Enum):
    """The kind of a value."""

    NUMERIC = "number or array"
    OPAQUE = "opaque"
    RECORD = "record"
    NAMED_TUPLE = "named tuple"
    SEQUENCE = "sequence"
    MAPPING = "mapping"
    STATIC = "static"

    __hash__ = object.__hash__  # a member is unique; Enum's own hash is Python code


class Missing:
    """The type of the sentinel `MISSING`: there is nothing here."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@final
@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ValueType:
    """What gradx knows of a type.

    Attributes:
        kind: which kind of variable holds such a value.
        zero, add, one: the operations of a leaf; None for a container, which works by its parts.
        children: the (key, part) pairs of a value that can carry a gradient.
        rebuild: ``rebuild(template, keys, parts)`` makes a value like the template with these
            parts; whatever is not a part is taken from the template.
        part: ``part(value, key)`` gives one part, or `MISSING`; None to look among the children.
        parts: ``parts(value)`` gives the keys and the parts apart, where that is faster.
        static: whether such a value has no gradient.
        numeric: whether it is a number or an array.
        fieldwise: whether ``zero``, ``add`` and ``one`` work part by part.
    """

    kind: Kind
    zero: Callable[[Any], Any] | None = None
    add: Callable[[Any, Any], Any] | None = None
    one: Callable[[Any], Any] | None = None
    children: Callable[[Any], list[tuple[Any, Any]]] | None = None
    rebuild: Callable[[Any, Sequence[Any], Sequence[Any]], Any] | None = None
    part: Callable[[Any, Any], Any] | None = None
    parts: Callable[[Any], tuple[Sequence[Any], Sequence[Any]]] | None = None
    static: bool = field(init=False)
    numeric: bool = field(init=False)
    fieldwise: bool = field(init=False)

    def __post_init__(self) -> None:
        # Each leaf is asked, and before Python 3.12 members of an enum are slow to find.
        object.__setattr__(self, "static", self.kind is Kind.STATIC)
        object.__setattr__(self, "numeric", self.kind is Kind.NUMERIC)
        object.__setattr__(self, "fieldwise", self.zero is None)

    def format_key(self, key: Any) -> str:
        """How a part is written in a path: ``.weights``, ``[0]``, ``['k']``."""
        return f"[{key!r}]" if self.kind in (Kind.SEQUENCE, Kind.MAPPING) else f".{key}"


Entry = ValueType | Callable[[Any], ValueType]
"""A type's entry: a `ValueType`, or a function that chooses one by the value."""
Detector = Callable[[type], Entry | None]

_OWN = "registration"
"""The key under which a class stores its registration (see `gradx.values.per_class`)."""


class Registry:
    """The registry: from a type to its entry.

    A class is looked up along its bases; at each, a registration comes before the detectors,
    which recognise families of classes (dataclasses, named tuples, enums).

    No class is kept alive. The types of C, which stay anyway, are in a dict; a class of Python
    holds its registration itself, since the functions in it may refer to the class, and what was
    found for it is known by weak references.

    Attributes:
        found: the entries of C's types that were looked up so far; empty again after each
            registration.
        found_of_classes: the same of classes made by Python code; both are weak references.
    """

    def __init__(self) -> None:
        self._entries: dict[type, Entry] = {}
        self._owners: weakref.WeakSet[type] = weakref.WeakSet()
        self._detectors: list[Detector] = []
        self._awaited: dict[tuple[str, str], Entry] = {}
        self.found: dict[type, Entry] = {}
        self.found_of_classes: dict[Any, weakref.ref[Any]] = {}

    def register(self, cls: type, entry: Entry) -> None:
        """Set the entry of a class and of its subclasses that have none of their own."""
        if not isinstance(cls, type):
            raise TypeError(f"register takes a class, not {cls!r}; write register(type(value), …)")
        self._set(cls, entry)
        self._forget()

    def await_class(self, module: str, name: str, entry: Entry) -> None:
        """Set the entry of a class of a module that may not be imported yet.

        Until it is, there is no value of the class; importing it here would cost time for nothing.
        """
        self._awaited[module, name] = entry
        self._forget()

    def detect(self, detector: Detector) -> Detector:
        """Add a detector of a family of classes; usable as a decorator."""
        self._detectors.append(detector)
        self._forget()
        return detector

    def find(self, cls: type) -> Entry | None:
        """The entry of a class, or None."""
        known = self.found_of_classes.get(weakref.ref(cls))
        found: Entry | None = self.found.get(cls) if known is None else known()
        if found is None:
            found = self._search(cls)
            if found is None:
                found = instance_of(cls)
            elif is_made_here(cls):
                self.found_of_classes[weakref.ref(cls, self._dropped)] = weakref.ref(found)
            else:
                self.found[cls] = found
        return found

    def own(self, cls: type) -> Entry | None:
        """The entry that was registered for a class itself, or None."""
        facts = facts_of(cls)
        return self._entries.get(cls) if facts is None else facts.get(_OWN)

    def _set(self, cls: type, entry: Entry) -> None:
        if is_made_here(cls):
            known_of(cls)[_OWN] = entry
            self._owners.add(cls)
        else:
            self._entries[cls] = entry

    def _dropped(self, cls: weakref.ref[type]) -> None:
        self.found_of_classes.pop(cls, None)

    def _forget(self) -> None:
        self.found.clear()
        self.found_of_classes.clear()

    def _register_awaited(self) -> None:
        """Register the awaited classes whose modules were imported meanwhile."""
        for (module, name), entry in list(self._awaited.items()):
            cls = getattr(sys.modules.get(module), name, None)
            if cls is not None and self._awaited.pop((module, name), None) is not None:
                self.register(cls, entry)

    def _search(self, cls: type) -> Entry | None:
        self._register_awaited()
        for base in mro_of(cls)[:-1] or (object,):  # a bare object is a sentinel, no more
            entry = self.own(base)
            if entry is not None:
                return entry
            for detector in self._detectors:
                entry = detector(cls if base is cls else base)
                if entry is not None:
                    return entry
        return None

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Context manager for tests: undo all registrations made in the block."""
        entries, detectors = dict(self._entries), list(self._detectors)
        awaited = dict(self._awaited)
        owners = [(cls, known_of(cls)[_OWN]) for cls in self._owners]
        try:
            yield
        finally:
            self._entries, self._detectors, self._awaited = entries, detectors, awaited
            for cls in list(self._owners):
                del known_of(cls)[_OWN]
            self._owners.clear()
            for cls, entry in owners:
                self._set(cls, entry)
            self._forget()


registry = Registry()
_found = registry.found.get


def value_type(value: Any, where: Where | None = None) -> ValueType:
    """What gradx knows of the type of a value.

    Args:
        value: any object.
        where: gives the path of the value, for the message.

    Raises:
        UnregisteredTypeError: the type is unknown; the message gives the path and both remedies.
    """
    entry: Any = _found(type(value)) or registry.find(type(value)) or raise_unregistered
    if type(entry) is not ValueType:
        entry = entry(value) if where is None else entry_of(value, entry, where)
    return entry  # type: ignore[no-any-return]


def children_of(value: Any, spec: ValueType) -> list[tuple[Any, Any]]:
    """The (key, part) pairs of a value; none if it is a leaf."""
    return [] if spec.children is None else spec.children(value)


def part_of(value: Any, key: Any, spec: ValueType) -> Any:
    """One part of a value, or `MISSING`."""
    if spec.part is not None:
        return spec.part(value, key)
    return next((child for k, child in children_of(value, spec) if k == key), MISSING)


def rebuilt(template: Any, spec: ValueType, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    """A value like the template with other parts."""
    assert spec.rebuild is not None  # a type with children has one by construction
    return spec.rebuild(template, keys, parts)
