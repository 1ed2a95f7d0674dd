"""Moving: variables that stand on another tape for as long as a block runs.

A variable is a handle. While it stands on the tape of a block, what is done with it is recorded
there; then it goes back. So a function that reads it, from wherever, need not be told.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradx.reverse.tape import InputNode, Tape
from gradx.reverse.variables import BVar

__all__ = ["Input", "Inside", "Items", "Standing", "move", "standing_of", "unwritten"]

_set_class: Any = vars(object)["__class__"].__set__  # past the property, which asks for a value's


class Standing(NamedTuple):
    """Where a handle stands: its class, and what its slots hold."""

    cls: Any
    run: Any
    node: Any
    value: Any


def standing_of(v: Any) -> Standing:
    """Where a handle stands now."""
    return Standing(type(v), v._run, v._node, v._value)


def move(v: Any, to: Standing) -> None:
    """Put a handle elsewhere."""
    if type(v) is not to.cls:
        _set_class(v, to.cls)
    v._run, v._node, v._value = to.run, to.node, to.value


def unwritten(v: Any) -> Any:
    """The class of a handle like this one, which nothing was written into."""
    return getattr(type(v), "_anew", type(v))


class Inside(InputNode):
    """The node of a variable that stands on the tape of a block.

    Attributes:
        outside: its node where it came from.
    """

    __slots__ = ("outside",)

    def __init__(self, outside: Any) -> None:
        self.outside = outside


def origin_of(node: Any) -> Any:
    """The node that a variable has where it stands when no block runs."""
    while type(node) is Inside:
        node = node.outside
    return node


class Input:
    """A variable from outside that a block depends on.

    Attributes:
        node: its node on the highest tape.
        layers: for each tape, highest first, its node there and what the next lower run has of it.
        origin: its node where it stands when no block runs.
        handles: those that show it, while they are of that node.
        inside: its node on the tape of the block that is recorded.
    """

    __slots__ = ("handles", "inside", "layers", "node", "origin")

    def __init__(self, saved: Any, floor: int) -> None:
        self.node, self.handles, self.inside = saved._node, [saved], Inside(saved._node)
        self.origin = origin_of(saved._node)
        self.layers: list[tuple[Tape, Any, Any]] = []
        x = saved
        while isinstance(x, BVar) and type(x._run) is Tape and x._run.level > floor:
            self.layers.append((x._run, x._node, x._value))
            x = x._value

    def below(self, level: int) -> Any:
        """What the next run below a level has of it; itself if it is of no higher run."""
        found = self.handles[0]
        for tape, _, value in self.layers:
            if tape.level >= level:
                found = value
        return found

    def node_on(self, tape: Tape) -> Any:
        """Its node on a tape, None if it has none there."""
        return next((node for own, node, _ in self.layers if own is tape), None)

    def shown(self) -> list[Any]:
        """The handles that show it still, since nothing was written into them."""
        return [v for v in self.handles if origin_of(v._node) is self.origin]


class Items:
    """Lazy items of arrays that have moved: they go along, and are taken anew where they stand."""

    __slots__ = ("_bases", "_before", "found")

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._before: list[tuple[Any, Any, Any, Any]] = []
        self._bases: dict[int, tuple[Any, Any]] = {}

    def is_current(self, v: Any) -> bool:
        """Whether an item's array is still what it was, wherever that stands now."""
        base = v._base
        return v._made_at is self._bases.setdefault(id(base), (base, origin_of(base._node)))[1]

    def add(self, v: Any) -> None:
        """Move an item, whose array has moved, to where that stands."""
        self._before.append((v, v._run, v._made_at, v._taken))
        self.found.append(v)
        v._run, v._made_at, v._taken = v._base._run, v._base._node, None

    def put_back(self) -> None:
        """Move the items back."""
        for v, run, made_at, taken in self._before:
            v._run, v._made_at, v._taken = run, made_at, taken
