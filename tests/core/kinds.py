"""Classes of every kind that can hold numbers, each with two parts, for the tests of lifting."""

import collections
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import attrs

import gradx as gx


@dataclass
class Plain:
    x: Any
    y: Any


@dataclass(frozen=True)
class Frozen:
    x: Any
    y: Any


@dataclass(slots=True)
class Slots:
    x: Any
    y: Any


@dataclass(frozen=True, slots=True)
class FrozenSlots:
    x: Any
    y: Any


@dataclass(kw_only=True)
class KwOnly:
    x: Any
    y: Any


@dataclass
class Checked:
    x: Any
    y: Any
    seen: list = gx.static(default_factory=list)  # noqa: RUF009

    def __post_init__(self):
        self.seen.append("made")


@dataclass
class Child(Plain):
    z: float = 0.0


@attrs.define
class Attrs:
    x: Any
    y: Any


@attrs.frozen
class FrozenAttrs:
    x: Any
    y: Any


@gx.record
class Arithmetic:
    x: Any
    y: Any


class Named(NamedTuple):
    x: Any
    y: Any


class Registered:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return type(other) is Registered and (self.x, self.y) == (other.x, other.y)

    __hash__ = None


class ListOf(list):
    def total(self):
        return sum(self)


class DictOf(dict):
    pass


class DequeOf(collections.deque):
    pass


class TupleOf(tuple):
    __slots__ = ()


@dataclass
class Account:
    total: float
    log: list = field(default_factory=list)
    count: int = 0

    def add(self, x):
        self.total = self.total + x
        self.log.append(x)
        self.count += 1

    def each(self, xs):
        for x in xs:
            self.add(x)
            yield self.total
