"""More of Python and its library in adopted programs: the plain value, the right gradient."""

import collections
import contextlib
import functools
import math
from typing import Generic, TypeVar

import numpy as np
import pytest

from tests.adoption.test_features import agrees

T = TypeVar("T")
Pair = collections.namedtuple("Pair", "x y")


class Sine(Generic[T]):
    def __init__(self, x: T):
        self.x = x

    def value(self):
        return math.sin(self.x)


class Twice(Sine[float]):
    def value(self):
        return super().value() * 2


class Tree:
    __slots__ = ("branches", "weight")

    def __init__(self, weight, *branches):
        self.weight, self.branches = weight, branches

    def total(self):
        return self.weight + math.fsum(branch.total() for branch in self.branches)


class Vector:
    @classmethod
    def of(cls, x):
        new = cls.__new__(cls)
        new.x = x
        return new

    def __add__(self, other):
        items = np.zeros(1)
        items[0] = self.x + other.x
        return Vector.of(items[0])


class Cached:
    def __init__(self, x):
        self._x, self._row = x, None

    @property
    def row(self):
        if self._row is None:
            self._row = np.full(3, self._x)
        return self._row

    @row.setter
    def row(self, row):
        self._row = row

    @row.deleter
    def row(self):
        self._row = None


class TooLargeError(Exception):
    pass


@contextlib.contextmanager
def scaled(x):
    item = np.zeros(1)
    item[0] = x
    yield item[0] * math.exp(0.5)


@functools.singledispatch
def area(shape):
    return 0.0


@area.register
def _(shape: Vector):
    return math.pow(shape.x, 2)


def properties(x):
    cached = Cached(x)
    total = cached.row.sum()
    cached.row = np.ones(2) * x
    total += cached.row.sum()
    del cached.row
    return total + cached.row[0]


def in_a_context(x):
    with scaled(x) as y:
        return y * y


def caught(x):
    try:
        raise TooLargeError(str(x))
    except TooLargeError:
        return math.exp(x)


def recursive(x):
    def rest(n, acc):
        if n == 0:
            return acc
        parts = np.zeros(2)
        parts[0], parts[1] = acc, math.sin(acc)
        return rest(n - 1, parts.sum())

    return rest(3, x)


def matched(x):
    match Pair(x, np.zeros(2)):
        case Pair(x=a, y=b):
            b[0] = a
            return b.sum()


def of_lambdas(x):
    powers = [lambda t, i=i: math.pow(t, i) for i in range(3)]
    return sum(f(x) for f in powers)


def rows_and_names(x):
    a = np.zeros((2, 2))
    first, second = a
    first[0] = x
    second[:] = first
    b = a
    b *= 2
    it = iter(a[0])
    a[0, 1] = x * x
    return a.sum() + (a is b) + sum(it)


def by_default(x):
    rows = collections.defaultdict(lambda: np.zeros(2))
    rows["a"][0] += x
    rows["a"][1] += x * x
    return sum(row.sum() for row in rows.values())


def at_indices(x):
    a = np.zeros((3, 3))
    i, j = np.triu_indices(3, 1)
    a[i, j] = x
    a[j, i] = a[i, j]
    a[np.diag_indices(3)] = 2 + x
    return np.linalg.slogdet(a)[1] + np.linalg.eigvalsh(a)[0]


PROGRAMS = {
    "generic": lambda x: Twice(x).value() + Sine[float](x).value(),
    "tree": lambda x: Tree(x, Tree(2 * x), Tree(x * x, Tree(x))).total(),
    "new": lambda x: (Vector.of(x) + Vector.of(x * x)).x,
    "namedtuple": lambda x: math.hypot(*Pair(x, 1.0)),
    "singledispatch": lambda x: area(Vector.of(x)) + area(x),
    "zip": lambda x: sum(a * b for a, b in zip(np.linspace(0, 1, 2), [x, 2 * x], strict=True)),
    **{
        f.__name__: f
        for f in (properties, in_a_context, caught, recursive, matched, of_lambdas, rows_and_names)
    },
    **{f.__name__: f for f in (by_default, at_indices)},
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    agrees(PROGRAMS[name])
