"""Deep: every instance of a class, wherever it is in a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gradx.errors import CycleError
from gradx.lens.sites import Edit, Site, finished, plain_at, steps_into
from gradx.lens.steps import Step, put_attributes, put_items
from gradx.value import Kind, ValueType, registry

__all__ = ["Instances"]


class _Frame:
    """A container on the way, and what has changed in it so far."""

    __slots__ = ("base", "edits", "held", "items", "key", "spec")

    def __init__(self, base: Any, key: Any, held: Any, spec: ValueType) -> None:
        self.base, self.key, self.held, self.spec = base, key, held, spec
        assert spec.children is not None  # only containers get here
        self.items: Iterator[tuple[Any, Any]] = iter(spec.children(held))
        self.edits: dict[Any, Any] = {}

    def part(self, key: Any, child: Any) -> Any:
        return self.base.child(key) if type(self.base) is Site else steps_into(child)

    def take(self, key: Any, part: Any, new: Any) -> None:
        if new is part:
            return
        inside = type(new) is Edit and type(self.base) is Site
        if not inside or new.base.root is not self.base.root:
            new = finished(new)  # at once, so that edits never nest deeply
        self.edits[key] = new

    def result(self) -> Any:
        if not self.edits:
            return self.base
        by_name = self.spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE)
        return Edit(self.base, self.edits, put_attributes if by_name else put_items)


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
        start = steps_into(whole)
        held = plain_at(start)
        if isinstance(held, self.cls):
            return function(whole)
        spec = _container(held)
        if spec is None:
            return whole
        stack = [_Frame(start, None, held, spec)]
        open_ids = {id(held)}
        while True:
            frame = stack[-1]
            item = next(frame.items, None)
            if item is None:
                stack.pop()
                open_ids.discard(id(frame.held))
                result = frame.result()
                if not stack:
                    return whole if result is start else result
                stack[-1].take(frame.key, frame.base, result)
                continue
            key, child = item
            part = frame.part(key, child)
            held = plain_at(part)
            spec = None if isinstance(held, self.cls) else _container(held)
            if isinstance(held, self.cls):
                frame.take(key, part, function(part))
            elif spec is not None:
                if id(held) in open_ids:
                    raise CycleError(
                        f"a {type(held).__name__} contains itself, so at_instances_of would never "
                        "end; break the cycle, or mark the field that closes it with gx.static()"
                    )
                open_ids.add(id(held))
                stack.append(_Frame(part, key, held, spec))


def _container(held: Any) -> ValueType | None:
    entry = registry.find(type(held))
    if isinstance(entry, ValueType) and entry.children is not None:
        return entry
    return None
