"""Deep: every instance of a class, wherever it is in a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gradx.core.spec import primal
from gradx.errors import CycleError
from gradx.lens.steps import Step, put_attributes, put_items
from gradx.reverse.results import split
from gradx.values.operations import Kind, ValueType, registry

__all__ = ["Instances"]


class _Frame:
    """A container whose parts are being searched, and the parts that have changed so far."""

    __slots__ = ("changed", "items", "key", "opened", "spec", "whole")

    def __init__(self, whole: Any, key: Any, opened: Any, spec: ValueType) -> None:
        self.whole, self.key, self.opened, self.spec = whole, key, opened, spec
        assert spec.children is not None  # only containers get here
        self.items: Iterator[tuple[Any, Any]] = iter(spec.children(opened))
        self.changed: dict[Any, Any] = {}

    def take(self, key: Any, part: Any, new: Any) -> None:
        if new is not part:
            self.changed[key] = new

    def result(self) -> Any:
        if not self.changed:
            return self.whole
        by_name = self.spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE)
        return (put_attributes if by_name else put_items)(self.whole, self.changed)


class Instances(Step):
    """Every outermost instance of a class in a value; iterative, since values may be deep."""

    single = False
    total = False

    def __init__(self, cls: Any) -> None:
        self.cls = cls

    def __str__(self) -> str:
        return f".at_instances_of({getattr(self.cls, '__name__', self.cls)})"

    def __eq__(self, other: object) -> bool:
        return type(other) is Instances and self.cls == other.cls

    def __hash__(self) -> int:
        return hash(self.cls)

    def parts(self, whole: Any) -> list[Any]:
        """The instances, in the order of the parts."""
        found: list[Any] = []

        def kept(part: Any) -> Any:
            found.append(part)
            return part

        self.over(kept, whole)
        return found

    def over(self, function: Callable[[Any], Any], whole: Any) -> Any:
        """The whole with a function applied to every instance."""
        if isinstance(primal(whole), self.cls):
            return function(whole)
        opened, spec = _opened(whole)
        if spec is None:
            return whole
        stack = [_Frame(whole, None, opened, spec)]
        open_ids = {id(opened)}
        while True:
            frame = stack[-1]
            item = next(frame.items, None)
            if item is None:
                stack.pop()
                open_ids.discard(id(frame.opened))
                result = frame.result()
                if not stack:
                    return result
                stack[-1].take(frame.key, frame.whole, result)
                continue
            key, part = item
            if isinstance(primal(part), self.cls):
                frame.take(key, part, function(part))
                continue
            opened, spec = _opened(part)
            if spec is not None:
                if id(opened) in open_ids:
                    raise CycleError(
                        f"a {type(opened).__name__} contains itself, so at_instances_of would "
                        "never end; break the cycle, or mark the field that closes it with "
                        "gx.static()"
                    )
                open_ids.add(id(opened))
                stack.append(_Frame(part, key, opened, spec))


def _opened(x: Any) -> tuple[Any, ValueType | None]:
    """A container whose parts can be read, with its registry entry; None for a leaf."""
    opened = split(x)
    entry = registry.find(type(opened))
    if isinstance(entry, ValueType) and entry.children is not None:
        return opened, entry
    return opened, None
