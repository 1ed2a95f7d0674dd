"""Steps: the single optics that paths are made of.

A step goes from a whole to its focus, or foci, and back. It says so in three ways, which is all
that the composition of optics needs::

    get(whole)             the focus, or MISSING (of a step with at most one)
    parts(whole)           the list of foci
    over(function, whole)  the whole with a function applied to each focus; `whole` itself, the
                           same object, if nothing changed

A whole is a plain value, a variable, or a `Site` in one. ``over`` may return an `Edit`.
"""

from __future__ import annotations

import copy
import dataclasses
import operator
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradx.bvar import plain
from gradx.containers import init_fields, remade
from gradx.errors import OpticError, StructureError
from gradx.lens.changes import check_change
from gradx.lens.items import stacked, with_item
from gradx.lens.sites import (
    Edit,
    Group,
    Site,
    finished,
    items_of,
    kind_of,
    plain_at,
    steps_into,
    variable_at,
)
from gradx.lens.sites import StructVar, with_parts
from gradx.value import MISSING, Kind, children_of, rebuilt, value_type

__all__ = ["Attribute", "Each", "Item", "MaybeItem", "Step", "Where", "put_attributes", "put_items"]


class Step:
    """A single optic.

    Attributes:
        single: there is at most one focus.
        total: there is at least one focus.
        build: makes a whole of a focus, for prisms and isos.
    """

    single: bool = True
    total: bool = True
    build: Callable[[Any], Any] | None = None

    def get(self, whole: Any) -> Any:
        """The focus, or `MISSING`."""
        raise NotImplementedError

    def parts(self, whole: Any) -> list[Any]:
        """The foci."""
        part = self.get(whole)
        return [] if part is MISSING else [part]

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with a function applied to each focus."""
        raise NotImplementedError


# --- Parts by name and by position ----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Attribute(Step):
    """An attribute: a field of a record, a property, or any other."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, whole: Any) -> Any:
        """The attribute."""
        if type(whole) is Site:
            return whole.attribute(self.name)
        return getattr(variable_at(whole), self.name)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with another attribute; a dataclass is made anew, so that its checks run."""
        old = self.get(whole)
        new = function(old)
        if new is old:
            return whole
        check_change(self, plain_at(whole), old, new)
        return Edit(whole, {self.name: new}, put_attributes)


def put_attributes(whole: Any, parts: Mapping[Any, Any]) -> Any:
    """A whole with other attributes."""
    if isinstance(whole, StructVar):
        return with_parts(whole, {(name,): part for name, part in parts.items()})
    if hasattr(whole, "_replace"):
        return whole._replace(**parts)
    if init_fields(type(whole)).issuperset(parts):
        return remade(whole, parts)  # so that its checks run
    spec = value_type(whole)
    keyed = dict(children_of(whole, spec))
    for name in parts:
        if spec.rebuild is None or name not in keyed:
            raise StructureError(
                f"a {type(whole).__name__} has no part {name!r} that could be replaced"
            )
    keyed.update(parts)
    return rebuilt(whole, spec, list(keyed), list(keyed.values()))


@dataclasses.dataclass(frozen=True)
class Item(Step):
    """An item: by position, by key, by slice, or by any index of an array."""

    key: Any

    def __str__(self) -> str:
        return f"[{_shown(self.key)}]"

    def __hash__(self) -> int:
        return hash(repr(self.key))

    def __eq__(self, other: object) -> bool:
        if type(other) is not Item:
            return NotImplemented
        if type(self.key) is not type(other.key):
            return False
        return _same_key(self.key, other.key)

    def get(self, whole: Any) -> Any:
        """The item."""
        kind = type(whole)
        if kind is Site:
            if type(self.key) is slice and _is_row(whole.spec.kind):
                return self._group(whole)
            return whole.item(self.key)
        if kind is Group and type(self.key) is not slice:
            return list(whole.parts.values())[self.key]
        whole = variable_at(whole)
        if _fills_in(whole, self.key):
            whole = copy.copy(whole)  # reading puts the default there, and nothing is to change
        return whole[self.key]

    def _group(self, whole: Site) -> Group:
        positions = range(len(whole.value))[self.key]
        parts = {i: whole.item(p) for i, p in enumerate(positions)}
        return Group(parts, list(whole.value) if isinstance(whole.value, list) else ())

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with another item."""
        held = plain_at(whole)
        if _fills_in(held, self.key):
            raise KeyError(
                f"a {type(held).__name__} without the key {self.key!r} has no part there that "
                "could be set; put it in with {**d, key: x}, or use gx.ix(key) where it may be "
                "missing"
            )
        old = self.get(whole)
        new = function(old)
        if new is old:
            return whole
        if _is_array(held):
            return with_item(variable_at(whole), self.key, finished(new))
        if type(self.key) is slice and isinstance(held, (list, tuple)):
            return self._spread(whole, held, items_of(old), items_of(new))
        check_change(self, held, old, new)
        return Edit(whole, {_key_in(whole, held, self.key): new}, put_items)

    def _spread(self, whole: Any, held: Any, old: list[Any], new: list[Any]) -> Any:
        """The items of a slice put back one by one."""
        positions = range(len(held))[self.key]
        if len(new) != len(positions):
            raise OpticError(
                f"{self} of this {type(held).__name__} has {len(positions)} items, and was set to "
                f"{len(new)}; give as many as there were, or build the {type(held).__name__} "
                "anew to change its length"
            )
        edits = {
            _key_in(whole, held, position): item
            for position, before, item in zip(positions, old, new, strict=True)
            if item is not before
        }
        return Edit(whole, edits, put_items) if edits else whole


class MaybeItem(Item):
    """An item that may not be there."""

    total = False

    def __str__(self) -> str:
        return f".ix({_shown(self.key)})"

    __hash__ = Item.__hash__

    def __eq__(self, other: object) -> bool:
        return type(other) is MaybeItem and Item(self.key) == Item(other.key)

    def _missing(self, whole: Any) -> bool:
        held = plain_at(whole)
        if _fills_in(held, self.key):
            return True
        try:
            held[self.key]
        except (IndexError, KeyError):
            return True
        return False

    def get(self, whole: Any) -> Any:
        """The item, or `MISSING`."""
        return MISSING if self._missing(whole) else super().get(whole)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with another item, if there is one."""
        return whole if self._missing(whole) else super().over(function, whole)


def _same_key(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):  # an index of an array, which may have arrays in it
        return len(a) == len(b) and all(map(_same_key, a, b))
    same = a == b
    return same if isinstance(same, bool) else bool(np.array_equal(a, b))


def _fills_in(held: Any, key: Any) -> bool:
    """Whether reading an item would make it, as a defaultdict does."""
    return hasattr(type(held), "__missing__") and key not in held


def _shown(key: Any) -> str:
    if type(key) is not slice:
        return repr(key)
    ends = [key.start, key.stop] if key.step is None else [key.start, key.stop, key.step]
    return ":".join("" if end is None else repr(end) for end in ends)


def _is_row(kind: Kind) -> bool:
    return kind is Kind.SEQUENCE or kind is Kind.NAMED_TUPLE


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype") and hasattr(x, "shape")


def _key_in(whole: Any, held: Any, key: Any) -> Any:
    """The key of an item as an edit has it: positions from the front, fields of variables."""
    if isinstance(held, (list, tuple, deque)):
        key = range(len(held))[operator.index(key)]
        lifted = type(whole) is Site or isinstance(whole, StructVar)
        names: Any = getattr(held, "_fields", None)
        return names[key] if lifted and names else key
    return key


def put_items(whole: Any, parts: Mapping[Any, Any]) -> Any:
    """A whole with other items."""
    if isinstance(whole, StructVar):
        return with_parts(whole, {(key,): part for key, part in parts.items()})
    if isinstance(whole, tuple):
        items = list(whole)
        for key, part in parts.items():
            items[key] = part
        return tuple.__new__(type(whole), items)
    if kind_of(whole) in (Kind.SEQUENCE, Kind.MAPPING):
        spec = value_type(whole)
        keyed = dict(children_of(whole, spec))
        keyed.update(parts)
        return rebuilt(whole, spec, list(keyed), list(keyed.values()))
    new = copy.copy(whole)
    for key, part in parts.items():
        new[key] = part
    return new


# --- Some parts, or none --------------------------------------------------------------------------


def _itself(part: Any) -> Any:
    return part


class Where(Step):
    """The whole itself, if a test on its plain value says so.

    Args:
        test: the test.
        text: how the step is written.
        build: the identity, if every part that can be set passes the test.
        key: what tells it from other steps.
    """

    total = False

    def __init__(self, test: Callable[[Any], bool], text: str, key: Any, builds: bool) -> None:
        self.test, self.text, self.key = test, text, (text, key)
        self.build = _itself if builds else None

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return type(other) is Where and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def get(self, whole: Any) -> Any:
        """The whole, or `MISSING`."""
        return whole if self.test(plain_at(whole)) else MISSING

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The function's result, or the whole."""
        return function(whole) if self.test(plain_at(whole)) else whole


# --- All parts ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Each(Step):
    """Every part: items, values of a dict, fields of a record, what is in an Optional, rows."""

    single = False
    total = False

    def __str__(self) -> str:
        return ".each()"

    def parts(self, whole: Any) -> list[Any]:
        """The parts, in order."""
        if type(whole) is Group:
            return list(whole.parts.values())
        whole = steps_into(whole)
        held = plain_at(whole)
        if held is None:
            return []
        if _is_array(held):
            return self._rows(whole, held)
        return [_part(whole, key, child) for key, child in _own_parts(held)]

    def _rows(self, whole: Any, held: Any) -> list[Any]:
        if not held.shape:
            raise _no_parts(held)
        whole = variable_at(whole)
        return [whole[i] for i in range(held.shape[0])]

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with a function applied to every part."""
        if type(whole) is Group:
            whole = whole.variable()
        whole = steps_into(whole)
        held = plain_at(whole)
        if held is None:
            return whole
        if _is_array(held):
            old = self._rows(whole, held)
            new = [finished(function(row)) for row in old]
            same = all(a is b for a, b in zip(old, new, strict=True))
            return whole if same else stacked(new, held)
        edits = {}
        for key, child in _own_parts(held):
            part = _part(whole, key, child)
            changed = function(part)
            if changed is not part:
                check_change(self, held, part, changed)
                edits[key] = changed
        if not edits:
            return whole
        by_name = value_type(held).kind in (Kind.RECORD, Kind.NAMED_TUPLE)
        return Edit(whole, edits, put_attributes if by_name else put_items)


def _own_parts(held: Any) -> list[tuple[Any, Any]]:
    """The parts of a value: of a record only those that can have a gradient."""
    spec = None if kind_of(held) is None else value_type(held)
    if spec is None or spec.children is None:
        raise _no_parts(held)
    keyed = children_of(held, spec)
    if spec.kind is Kind.RECORD or spec.kind is Kind.NAMED_TUPLE:
        keyed = [(k, c) for k, c in keyed if kind_of(plain(c)) is not Kind.STATIC]
    return keyed


def _part(whole: Any, key: Any, child: Any) -> Any:
    return whole.child(key) if type(whole) is Site else child


def _no_parts(held: Any) -> OpticError:
    return OpticError(
        f"each() goes to the parts of a container, and a {type(held).__name__} has none; leave "
        "each() out, or write filtered(…) before it"
    )
