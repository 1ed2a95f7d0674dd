"""Random programs that build containers, records and opaque values, and differentiate inside."""

import collections
import random
import types
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradx as gx


@dataclass
class Record:
    a: Any
    b: Any
    n: int = 1


@dataclass(frozen=True, slots=True)
class Frozen:
    a: Any
    b: Any


class Registered:
    def __init__(self, a, b):
        self.a, self.b = a, b


class Opaque(Registered):
    """Registered with an addition of its own."""


class Items(list):
    pass


Pair = collections.namedtuple("Pair", "a b")


def register():
    gx.register(Registered, children=("a", "b"))
    gx.register(
        Opaque,
        children=("a", "b"),
        zero=lambda m: Opaque(gx.zero(m.a), gx.zero(m.b)),
        add=lambda x, y: Opaque(gx.add(x.a, y.a), gx.add(x.b, y.b)),
        one=lambda m: Opaque(gx.one(m.a), gx.one(m.b)),
    )


MAKERS = (
    lambda a, b: [a, b],
    lambda a, b: (a, b),
    lambda a, b: {"a": a, "b": b},
    lambda a, b: Items([a, b]),
    lambda a, b: collections.deque([a, b]),
    lambda a, b: types.MappingProxyType({"a": a, "b": b}),
    lambda a, b: collections.OrderedDict(a=a, b=b),
    *(Record, Frozen, Registered, Opaque, Pair),
)
FUNCTIONS = (
    np.sin,
    lambda v: v * 0.5,
    lambda v: v * v,
    lambda v: np.tanh(v) + 1.0,
    lambda v: 1.0 / (v * v + 2.0),
    lambda v: v - 0.25,
    lambda v: -v,
    lambda v: np.exp(-v * v),
)


def is_leaf(x):
    return isinstance(x, (float, np.ndarray))  # a variable of one is an instance too


def parts(x):
    """The two parts of a container."""
    if isinstance(x, (Record, Frozen, Registered, Pair)):
        return x.a, x.b
    if isinstance(x, (dict, types.MappingProxyType)):
        return x["a"], x["b"]
    return tuple(x)


def leaves(x):
    """The numbers and arrays of a value, in order."""
    return [x] if is_leaf(x) else [leaf for part in parts(x) for leaf in leaves(part)]


def outline(x):
    """The types of a value and all that is in it."""
    if is_leaf(x):
        return type(x).__name__, np.shape(x)
    return type(x).__name__, *(outline(part) for part in parts(x))


def total(x):
    """One number that depends on every leaf."""
    return sum((1.0 + 0.1 * (k % 7)) * np.sum(np.sin(v)) for k, v in enumerate(leaves(x)))


@gx.lift
def mixed(c, x):
    """An op of containers, with a container as its result."""
    a, b = c["u"]
    s = np.sum(a)

    def pullback(g):
        h = g["p"] * x
        return {"u": (h * np.ones(np.shape(a)), g["q"][0] * 2.0)}, g["p"] * s

    return {"p": s * x, "q": [b * 2.0]}, pullback


class Program:
    """A function of values, made from a seed.

    Args:
        seed: says what it does.
        steps: how many values it makes.
        runs: how deep it may differentiate inside.
    """

    def __init__(self, seed, steps=8, runs=2):
        self.seed, self.steps, self.runs = seed, steps, runs

    def __call__(self, *xs):
        choice = random.Random(self.seed)
        values = list(xs)
        for _ in range(self.steps):
            values.append(self.step(choice, values))
        return [*choice.choices(values, k=2), values[-1]]

    def step(self, choice, values):
        def leaf():
            return choice.choice(leaves(choice.choice(values)))

        def number():
            return np.sum(leaf())

        kind = choice.random()
        if kind < 0.35:
            return choice.choice(FUNCTIONS)(leaf())
        if kind < 0.45:
            return leaf() * number() - 0.3 * leaf()
        if kind < 0.7:
            return choice.choice(MAKERS)(choice.choice(values), choice.choice(values))
        if kind < 0.78:
            part = choice.choice(values)
            return choice.choice(MAKERS)(part, part)
        if kind < 0.86:
            result = mixed({"u": (leaf(), number())}, number())
            return [result["p"], result["q"][0]]
        if not self.runs:
            return leaf() + 1.0
        return self.run_inside(choice, choice.choice(values), number(), number())

    def run_inside(self, choice, value, caught, number):
        inner = Program(choice.randrange(10**9), 4, self.runs - 1)

        def f(u, w):
            return total(inner(u, w * caught))

        form = choice.randrange(3)
        if form == 0:
            return gx.grad(f, argnums=1)(value, number)
        if form == 1:
            return gx.grad(f)(value, number)
        y, g = gx.backprop(f, value, number)
        return [y, g[1]]
