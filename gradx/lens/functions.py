"""Optics made of functions: those of the user, and several lenses as one.

What a function of the user computes with variables is recorded, so derivatives go through it.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from gradx.core.dispatch import has_variables
from gradx.core.plain import primals
from gradx.core.spec import primal
from gradx.errors import OpticError
from gradx.lens.changes import check_change
from gradx.lens.items import positions
from gradx.lens.steps import Attribute, Item, Step, put_attributes
from gradx.reverse.results import split
from gradx.values.operations import MISSING

__all__ = ["Between", "GetSet", "Match", "PartsOf", "Together", "meets"]

Way = tuple[Step, ...]


class _OfFunctions(Step):
    """A step made of functions, equal to another if their functions are."""

    functions: tuple[Callable[..., Any], ...]

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self.functions = functions

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.functions == other.functions

    def __hash__(self) -> int:
        return hash(self.functions)

    def __str__(self) -> str:
        names = ", ".join(getattr(f, "__name__", repr(f)) for f in self.functions)
        return f".{type(self).__name__.lower()}({names})"


class GetSet(_OfFunctions):
    """A lens of a getter and a setter, ``get(whole)`` and ``set(whole, part)``."""

    def get(self, whole: Any) -> Any:
        """The result of the getter."""
        return self.functions[0](whole)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The result of the setter."""
        old = self.get(whole)
        new = function(old)
        return whole if new is old else self.functions[1](whole, new)


class Between(_OfFunctions):
    """An iso of two functions, each the inverse of the other."""

    def __init__(self, to: Callable[[Any], Any], back: Callable[[Any], Any]) -> None:
        super().__init__(to, back)
        self.build = back

    def get(self, whole: Any) -> Any:
        """The other form of the whole."""
        return self.functions[0](whole)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """A whole computed from the changed other form."""
        old = self.get(whole)
        new = function(old)
        return whole if new is old else self.functions[1](new)


class Match(_OfFunctions):
    """A prism: ``match(whole)`` returns the focus or None, ``build(focus)`` a whole."""

    total = False

    def __init__(self, match: Callable[[Any], Any], build: Callable[[Any], Any]) -> None:
        super().__init__(match, build)
        self.build = build

    def get(self, whole: Any) -> Any:
        """The focus, or `MISSING`; a miss is found on plain values and records nothing."""
        match = self.functions[0]
        if has_variables(whole) and match(primals(whole)) is None:
            return MISSING
        part = match(whole)
        return MISSING if part is None else part

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """A whole built from the changed focus."""
        old = self.get(whole)
        if old is MISSING:
            return whole
        new = function(old)
        return whole if new is old else self.functions[1](new)


class PartsOf(_OfFunctions):
    """A traversal: ``parts(whole)`` returns the foci, ``rebuild(whole, foci)`` a whole."""

    single = False
    total = False

    def parts(self, whole: Any) -> list[Any]:
        """The foci."""
        return list(self.functions[0](whole))

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """A whole rebuilt from the changed foci."""
        old = self.parts(whole)
        new = [function(part) for part in old]
        if all(a is b for a, b in zip(old, new, strict=True)):
            return whole
        return self.functions[1](whole, new)


class Together(Step):
    """Several foci of one whole as a tuple.

    Args:
        ways: the steps to each focus.

    Raises:
        OpticError: two of the foci overlap.
    """

    def __init__(self, ways: Sequence[Way]) -> None:
        self.ways = tuple(ways)
        self._check_apart(MISSING)

    def __str__(self) -> str:
        return f".fields({', '.join(map(_written, self.ways))})"

    def __eq__(self, other: object) -> bool:
        return type(other) is Together and self.ways == other.ways

    def __hash__(self) -> int:
        return hash(self.ways)

    def _check_apart(self, whole: Any) -> None:
        for i, a in enumerate(self.ways):
            for b in self.ways[:i]:
                if meets(a, b, whole):
                    raise OpticError(
                        f"the foci {_written(b)} and {_written(a)} overlap, so that a set could "
                        "not put both back; leave one out, or use two optics one after the other"
                    )

    def get(self, whole: Any) -> Any:
        """The foci, in the order of their names."""
        return tuple(functools.reduce(_step_from, way, whole) for way in self.ways)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with each focus replaced by an item of the function's result."""
        old = self.get(whole)
        new = function(old)
        if new is old:
            return whole
        self._check_apart(whole)
        items = zip(self.ways, old, self._items(new), strict=True)
        changes = [(way, item) for way, before, item in items if item is not before]
        return _put_all(changes, whole) if changes else whole

    def _items(self, new: Any) -> list[Any]:
        opened = split(new)
        if not isinstance(opened, (tuple, list)):
            given = f"a {type(primal(new)).__name__}"
        elif len(opened) != len(self.ways):
            given = f"{len(opened)} parts"
        else:
            return list(opened)
        raise OpticError(
            f"{self} has {len(self.ways)} foci and was set to {given}; give a tuple of "
            f"{len(self.ways)}"
        )


def _step_from(whole: Any, step: Step) -> Any:
    return step.get(whole)


def _put_all(changes: Sequence[tuple[Way, Any]], whole: Any) -> Any:
    """The whole with a new part at the end of each way.

    The attributes of one record are put in together, so that its checks see the whole change.
    """
    if not changes[0][0]:
        return changes[0][1]  # a path without steps ends at the whole itself, and is the only one
    below: dict[Step, tuple[Step, list[tuple[Way, Any]]]] = {}
    for (first, *rest), part in changes:
        same = _by_position(first, split(whole))
        below.setdefault(same, (first, []))[1].append((tuple(rest), part))
    fields = []
    for step, inner in below.values():
        if isinstance(step, Attribute):
            fields.append((step, inner))
        else:
            whole = step.over(functools.partial(_put_all, inner), whole)
    parts = {}
    for step, inner in fields:
        old = step.get(whole)
        new = _put_all(inner, old)
        check_change(step, whole, old, new)
        parts[step.name] = new
    return put_attributes(whole, parts) if parts else whole


def _written(way: tuple[Step, ...]) -> str:
    text = "".join(map(str, way))
    return repr(way[0].name) if len(way) == 1 and isinstance(way[0], Attribute) else text


def meets(a: Sequence[Step], b: Sequence[Step], whole: Any) -> bool:
    """Whether two ways from one whole end at parts that overlap, as far as one can tell.

    Args:
        a: the steps of one way.
        b: the steps of the other.
        whole: the whole, which says where its items are; or `MISSING`.
    """
    for x, y in zip(a, b, strict=False):
        whole = split(whole)
        x, y = _by_position(x, whole), _by_position(y, whole)
        if isinstance(x, Item) and isinstance(y, Item) and whole is not MISSING:
            if _apart(x.key, y.key, whole):
                return False
            if type(x.key) is slice or type(y.key) is slice:
                return True
        elif x != y:
            return False
        if whole is not MISSING:
            whole = x.get(whole) if x.single else MISSING
    return True


def _by_position(step: Step, whole: Any) -> Step:
    """The step to an item of a sequence, or to a field of a named tuple, by its position."""
    if isinstance(step, Attribute) and isinstance(whole, tuple):
        names = getattr(whole, "_fields", ())
        return Item(names.index(step.name)) if step.name in names else step
    if type(step) is Item and type(step.key) is int and isinstance(whole, (list, tuple, deque)):
        inside = -len(whole) <= step.key < len(whole)
        return Item(range(len(whole))[step.key]) if inside else step
    return step


def _apart(a: Any, b: Any, whole: Any) -> bool:
    """Whether two items of a container have nothing in common."""
    if hasattr(whole, "shape"):
        places = [set(positions(whole.shape, key).tolist()) for key in (a, b)]
    elif isinstance(whole, (list, tuple, deque)):
        places = [set(_taken(len(whole), key)) for key in (a, b)]
    else:
        return bool(a != b)
    return places[0].isdisjoint(places[1])


def _taken(n: int, key: Any) -> range:
    taken = range(n)[key]
    return taken if isinstance(taken, range) else range(taken, taken + 1)
