"""Steps: the single optics that paths are made of.

A step leads from a whole to its focus, or foci, and back. Three functions say how, and they are
all that the composition of optics needs::

    get(whole)             the focus, or MISSING (of a step with at most one)
    parts(whole)           the list of foci
    over(function, whole)  the whole with a function applied to each focus; `whole` itself, the
                           same object, if nothing changed

They are functions of values. In a differentiated function the leaves of a value are variables, so
the same functions are differentiable. The one container that is a variable itself is that of a
type with an ``add`` of its own: it is split before parts are put into it, and joined again.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import operator
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradx.core.spec import primal
from gradx.errors import OpticError, StructureError
from gradx.lens.changes import check_change, kind_of
from gradx.lens.items import stacked, with_item
from gradx.reverse.results import join, split
from gradx.values.builtin import init_fields, remade
from gradx.values.operations import MISSING, Kind, children_of, rebuilt, value_type

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
        return getattr(whole, self.name)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with another attribute; a dataclass is created anew, so that its checks run."""
        old = self.get(whole)
        new = function(old)
        if new is old:
            return whole
        check_change(self, whole, old, new)
        return put_attributes(whole, {self.name: new})


def put_attributes(whole: Any, parts: Mapping[str, Any]) -> Any:
    """A whole with other attributes, all put in at once, so that its checks see every change."""
    instance = split(whole)
    if instance is not whole:
        return join(put_attributes(instance, parts))
    if hasattr(whole, "_replace"):
        return whole._replace(**parts)
    if init_fields(type(whole)).issuperset(parts):
        return remade(whole, parts)  # so that its checks run
    spec = value_type(whole)
    keyed = dict(children_of(whole, spec))
    for name in parts:
        if spec.rebuild is None or name not in keyed:
            raise StructureError(
                f"a {type(primal(whole)).__name__} has no part {name!r} that could be replaced"
            )
    keyed.update(parts)
    return rebuilt(whole, spec, list(keyed), list(keyed.values()))


@dataclasses.dataclass(frozen=True)
class Item(Step):
    """An item: by position, by key, by slice, or by any index of an array, which is copied."""

    key: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _own_key(self.key))

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
        whole = split(whole)
        if _fills_in(whole, self.key):
            whole = copy.copy(whole)  # reading would insert the default
        return whole[self.key]

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with another item."""
        opened = split(whole)
        if _fills_in(opened, self.key):
            raise KeyError(
                f"a {type(opened).__name__} without the key {self.key!r} has no part there that "
                "could be set; put it in with {**d, key: x}, or use gx.ix(key) where it may be "
                "missing"
            )
        old = self.get(opened)
        new = function(old)
        if new is old:
            return whole
        if _is_array(primal(opened)):
            return with_item(opened, self.key, new)
        if type(self.key) is slice and isinstance(opened, (list, tuple)):
            return self._spread(whole, opened, list(old), list(new))
        check_change(self, opened, old, new)
        return put_items(whole, {_key_in(opened, self.key): new})

    def _spread(self, whole: Any, opened: Any, old: list[Any], new: list[Any]) -> Any:
        """The items of a slice put back one by one."""
        positions = range(len(opened))[self.key]
        if len(new) != len(positions):
            raise OpticError(
                f"{self} of this {type(opened).__name__} has {len(positions)} items, and was set "
                f"to {len(new)}; give as many as there were, or build the "
                f"{type(opened).__name__} anew to change its length"
            )
        changed = {
            position: item
            for position, before, item in zip(positions, old, new, strict=True)
            if item is not before
        }
        return put_items(whole, changed) if changed else whole


class MaybeItem(Item):
    """An item that may not be there."""

    total = False

    def __str__(self) -> str:
        return f".ix({_shown(self.key)})"

    __hash__ = Item.__hash__

    def __eq__(self, other: object) -> bool:
        return type(other) is MaybeItem and Item(self.key) == Item(other.key)

    def _missing(self, whole: Any) -> bool:
        whole = split(whole)
        if _fills_in(whole, self.key):
            return True
        try:
            whole[self.key]
        except (IndexError, KeyError):
            return True
        return False

    def get(self, whole: Any) -> Any:
        """The item, or `MISSING`."""
        return MISSING if self._missing(whole) else super().get(whole)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with another item, if there is one."""
        return whole if self._missing(whole) else super().over(function, whole)


def _own_key(key: Any) -> Any:
    """The key with copies of its lists and arrays, so that a later change does not reach it."""
    if type(key) is tuple:
        return tuple(map(_own_key, key))
    return copy.deepcopy(key) if isinstance(key, list) or _is_array(key) else key


def _same_key(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):  # an index of an array, which may have arrays in it
        return len(a) == len(b) and all(map(_same_key, a, b))
    same = a == b
    return same if isinstance(same, bool) else bool(np.array_equal(a, b))


def _fills_in(whole: Any, key: Any) -> bool:
    """Whether reading a missing item would insert it, as in a defaultdict."""
    return hasattr(type(whole), "__missing__") and key not in whole


def _shown(key: Any) -> str:
    if type(key) is not slice:
        return repr(key)
    ends = [key.start, key.stop] if key.step is None else [key.start, key.stop, key.step]
    return ":".join("" if end is None else repr(end) for end in ends)


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype") and hasattr(x, "shape")


def _key_in(whole: Any, key: Any) -> Any:
    """The key of an item; in a sequence its position from the front."""
    if isinstance(whole, (list, tuple, deque)):
        return range(len(whole))[operator.index(key)]
    return key


def put_items(whole: Any, parts: Mapping[Any, Any]) -> Any:
    """A whole with other items."""
    opened = split(whole)
    if opened is not whole:
        return join(put_items(opened, parts))
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
    for name in list(getattr(new, "__dict__", ())):
        if isinstance(inspect.getattr_static(type(new), name, None), functools.cached_property):
            del new.__dict__[name]  # it was computed from the old items
    for key, part in parts.items():
        new[key] = part
    return new


# --- Some parts, or none --------------------------------------------------------------------------


def _itself(part: Any) -> Any:
    return part


class Where(Step):
    """The whole itself, if it passes a test.

    Args:
        test: the test of the whole, which may be a variable.
        text: how the step is written.
        key: what distinguishes it from other steps.
        builds: every part that can be set passes the test, so that a part is a whole.
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
        return whole if self.test(whole) else MISSING

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The function's result, or the whole."""
        return function(whole) if self.test(whole) else whole


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
        whole = split(whole)
        if whole is None:
            return []
        if _is_array(primal(whole)):
            return _rows(whole)
        return [child for _, child in _own_parts(whole)]

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with a function applied to every part."""
        opened = split(whole)
        if opened is None:
            return whole
        if _is_array(primal(opened)):
            old = _rows(opened)
            new = [function(row) for row in old]
            same = all(a is b for a, b in zip(old, new, strict=True))
            return whole if same else stacked(new, primal(opened))
        changed = {}
        for key, part in _own_parts(opened):
            new_part = function(part)
            if new_part is not part:
                check_change(self, opened, part, new_part)
                changed[key] = new_part
        if not changed:
            return whole
        by_name = value_type(opened).kind in (Kind.RECORD, Kind.NAMED_TUPLE)
        return (put_attributes if by_name else put_items)(whole, changed)


def _rows(array: Any) -> list[Any]:
    if not array.shape:
        raise _no_parts(array)
    return [array[i] for i in range(array.shape[0])]


def _own_parts(whole: Any) -> list[tuple[Any, Any]]:
    """The parts of a value: of a record only those that can have a gradient."""
    spec = None if kind_of(whole) is None else value_type(whole)
    if spec is None or spec.children is None:
        raise _no_parts(whole)
    keyed = children_of(whole, spec)
    if spec.kind is Kind.RECORD or spec.kind is Kind.NAMED_TUPLE:
        keyed = [(k, c) for k, c in keyed if kind_of(c) is not Kind.STATIC]
    return keyed


def _no_parts(x: Any) -> OpticError:
    return OpticError(
        f"each() goes to the parts of a container, and a {type(primal(x)).__name__} has none; "
        "leave each() out, or write filtered(…) before it"
    )
