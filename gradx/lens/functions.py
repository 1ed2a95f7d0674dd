"""Optics made of functions: user-made ones, and several lenses as one.

What a function of a variable records is recorded as ever, so the derivative goes through it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from gradx.bvar import BVar, plain
from gradx.errors import OpticError
from gradx.joining import join, value
from gradx.lens.items import positions
from gradx.lens.sites import Edit, Group, Site, finished, items_of, plain_at, variable_at
from gradx.lens.steps import Attribute, Item, Step
from gradx.value import MISSING

__all__ = ["Between", "GetSet", "Match", "PartsOf", "Together", "meets"]


def _called(function: Callable[[Any], Any], whole: Any) -> Any:
    """A function of a whole; what it builds out of variables is one variable."""
    whole = variable_at(whole)
    part = function(whole)
    return join(part) if isinstance(whole, BVar) else part


class _OfFunctions(Step):
    """A step that its functions tell from others."""

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
        """What the getter gives."""
        return _called(self.functions[0], whole)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """What the setter makes."""
        old = self.get(whole)
        new = function(old)
        return whole if new is old else self.functions[1](variable_at(whole), finished(new))


class Between(_OfFunctions):
    """An iso of two functions, each the inverse of the other."""

    def __init__(self, to: Callable[[Any], Any], back: Callable[[Any], Any]) -> None:
        super().__init__(to, back)
        self.build = back

    def get(self, whole: Any) -> Any:
        """The other form of the whole."""
        return _called(self.functions[0], whole)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """A whole made of the changed other form."""
        old = self.get(whole)
        new = function(old)
        return whole if new is old else self.functions[1](finished(new))


class Match(_OfFunctions):
    """A prism: ``match(whole)`` gives the focus or None, ``build(focus)`` a whole."""

    total = False

    def __init__(self, match: Callable[[Any], Any], build: Callable[[Any], Any]) -> None:
        super().__init__(match, build)
        self.build = build

    def get(self, whole: Any) -> Any:
        """The focus, or `MISSING`; a miss is found on plain values and records nothing."""
        match = self.functions[0]
        if isinstance(whole, (Site, Group, BVar)) and match(value(plain_at(whole))) is None:
            return MISSING
        part = _called(match, whole)
        return MISSING if part is None else part

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """A whole built of the changed focus."""
        old = self.get(whole)
        if old is MISSING:
            return whole
        new = function(old)
        return whole if new is old else self.functions[1](finished(new))


class PartsOf(_OfFunctions):
    """A traversal: ``parts(whole)`` gives the foci, ``rebuild(whole, foci)`` a whole."""

    single = False
    total = False

    def parts(self, whole: Any) -> list[Any]:
        """The foci."""
        return list(self.functions[0](variable_at(whole)))

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """A whole rebuilt of the changed foci."""
        old = self.parts(whole)
        new = [finished(function(part)) for part in old]
        if all(a is b for a, b in zip(old, new, strict=True)):
            return whole
        return self.functions[1](variable_at(whole), new)


class Together(Step):
    """Several foci of one whole as a tuple.

    Args:
        ways: the steps to each focus.
        gets, overs: their compiled ways.
        again: makes this step of its ways, since what is compiled cannot be pickled.
    """

    def __init__(
        self,
        ways: Sequence[tuple[Step, ...]],
        gets: Sequence[Callable[[Any], Any]],
        overs: Sequence[Callable[[Callable[[Any], Any], Any], Any]],
        again: Callable[[Sequence[tuple[Step, ...]]], Together],
    ) -> None:
        self.ways, self.gets, self.overs, self.again = tuple(ways), gets, overs, again
        self._check_apart(MISSING)

    def __str__(self) -> str:
        return f".fields({', '.join(map(_written, self.ways))})"

    def __eq__(self, other: object) -> bool:
        return type(other) is Together and self.ways == other.ways

    def __hash__(self) -> int:
        return hash(self.ways)

    def __reduce__(self) -> Any:
        return self.again, (self.ways,)

    def _check_apart(self, held: Any) -> None:
        for i, a in enumerate(self.ways):
            for b in self.ways[:i]:
                if meets(a, b, held):
                    raise OpticError(
                        f"the foci {_written(b)} and {_written(a)} overlap, so that a set could "
                        "not put both back; leave one out, or use two optics one after the other"
                    )

    def get(self, whole: Any) -> Any:
        """The foci, in the order of their names."""
        parts = [get(whole) for get in self.gets]
        if any(type(part) is Site or type(part) is Group for part in parts):
            return Group(dict(enumerate(parts)), ())
        return tuple(parts)

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with each focus replaced by an item of what the function gives."""
        old = self.get(whole)
        new = function(old)
        if new is old:
            return whole
        self._check_apart(plain_at(whole))
        items = self._items(new)
        changed = whole
        for over, before, item in zip(self.overs, items_of(old), items, strict=True):
            if item is not before:
                changed = self._put(over, item, whole, changed)
        return changed

    def _items(self, new: Any) -> list[Any]:
        if type(new) is not Edit and not isinstance(plain_at(new), (tuple, list)):
            given = f"a {type(plain_at(new)).__name__}"
        else:
            items = items_of(new)
            if len(items) == len(self.ways):
                return items
            given = f"{len(items)} parts"
        raise OpticError(
            f"{self} has {len(self.ways)} foci and was set to {given}; give a tuple of "
            f"{len(self.ways)}"
        )

    @staticmethod
    def _put(over: Any, item: Any, whole: Any, changed: Any) -> Any:
        """The whole with one more item put in."""

        def put(_: Any) -> Any:
            return item

        if changed is whole:
            return over(put, whole)
        if type(changed) is Edit:
            edit = over(put, whole)
            merged = changed if edit is whole else changed.merged(edit)
            if merged is not None:
                return merged
        # They meet in an array or in a function: one after the other.
        return over(put, finished(changed))


def _written(way: tuple[Step, ...]) -> str:
    text = "".join(map(str, way))
    return repr(way[0].name) if len(way) == 1 and isinstance(way[0], Attribute) else text


def meets(a: Sequence[Step], b: Sequence[Step], held: Any) -> bool:
    """Whether two ways from one whole end at parts that overlap, as far as one can tell.

    Args:
        a: the steps of one way.
        b: the steps of the other.
        held: the plain whole, which tells where items are; or `MISSING`.
    """
    for x, y in zip(a, b, strict=False):
        x, y = _by_position(x, held), _by_position(y, held)
        if isinstance(x, Item) and isinstance(y, Item) and held is not MISSING:
            if _apart(x.key, y.key, held):
                return False
            if type(x.key) is slice or type(y.key) is slice:
                return True
        elif x != y:
            return False
        if held is not MISSING:
            held = plain(x.get(held)) if x.single else MISSING
    return True


def _by_position(step: Step, held: Any) -> Step:
    """The step to a field of a named tuple as the one to the item that it is."""
    names = getattr(held, "_fields", ()) if isinstance(held, tuple) else ()
    if isinstance(step, Attribute) and step.name in names:
        return Item(names.index(step.name))
    return step


def _apart(a: Any, b: Any, held: Any) -> bool:
    """Whether two items of a container have nothing in common."""
    if hasattr(held, "shape"):
        places = [set(positions(held.shape, key).tolist()) for key in (a, b)]
    elif isinstance(held, (list, tuple, deque)):
        places = [set(_taken(len(held), key)) for key in (a, b)]
    else:
        return bool(a != b)
    return places[0].isdisjoint(places[1])


def _taken(n: int, key: Any) -> range:
    taken = range(n)[key]
    return taken if isinstance(taken, range) else range(taken, taken + 1)
