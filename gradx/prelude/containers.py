"""Containers: the items of any container, and a container of the same type from new items."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Sequence, ValuesView
from typing import Any

from gradx.core.spec import primal, shape_of
from gradx.errors import StructureError
from gradx.lens.items import stacked
from gradx.reverse.results import join, split, value
from gradx.values.operations import Kind, children_of, rebuilt, value_type

__all__ = ["Box", "length", "opened", "to_list"]


_PASSING = (Iterator, KeysView, ValuesView, ItemsView, range)
"""Iterators and views; results are returned as lists."""


class Box:
    """A container taken apart.

    Attributes:
        keys: the keys or positions of the items.
        items: the items.
        rebuild: ``rebuild(items)`` returns a container of the same type from as many new items.
    """

    __slots__ = ("items", "keys", "rebuild")

    def __init__(
        self, keys: Sequence[Any], items: list[Any], rebuild: Callable[[list[Any]], Any]
    ) -> None:
        self.keys, self.items, self.rebuild = keys, items, rebuild


def opened(xs: Any) -> Box:
    """The items of any container."""
    if xs is None:
        return Box((), [], lambda _: None)
    if isinstance(xs, _PASSING):
        items = list(xs)
        return Box(range(len(items)), items, list)
    instance = split(xs)
    spec = value_type(instance)
    if spec.numeric:
        if not shape_of(xs):
            return Box((0,), [xs], lambda new: new[0])
        return _rows(xs, value(xs))
    if spec.children is None or spec.rebuild is None:
        if getattr(xs, "shape", None):  # an array of integers, which is static in a container
            return _rows(xs, xs)
        raise StructureError(
            f"a {type(primal(xs)).__name__} is not a container; the functions of gx.prelude take "
            "lists, tuples, dicts, arrays, records, None and types registered with children="
        )
    keyed = children_of(instance, spec)
    if spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE):
        keyed = [(key, part) for key, part in keyed if not value_type(part).static]
    keys = [key for key, _ in keyed]

    def rebuild(new: list[Any]) -> Any:
        whole = rebuilt(instance, spec, keys, new)
        return whole if instance is xs else join(whole)

    return Box(keys, [item for _, item in keyed], rebuild)


def _rows(array: Any, like: Any) -> Box:
    """The entries of an array along its first axis."""
    items = list(array)
    return Box(range(len(items)), items, lambda new: stacked(new, like))


def to_list(xs: Any) -> list[Any]:
    """The items of a container, in order.

    >>> to_list({"a": 1.0, "b": 2.0})
    [1.0, 2.0]
    """
    return opened(xs).items


def length(xs: Any) -> int:
    """The number of items: a plain integer, without a derivative.

    >>> length([5.0, 6.0]), length(None), length(3.0)
    (2, 0, 1)
    """
    xs = primal(xs)
    return int(xs.shape[0]) if getattr(xs, "shape", ()) else len(to_list(xs))
