"""Random structures with random optics into them, for the property tests.

A `Sample` is a value, an optic into it and what kind of optic that is. They are drawn from the
inside out: a focus, and around it tuples, lists, dicts, records, Optionals, unions and isos, each
with the step that leads in again. The numbers come from a seed, apart from one another, and lists
to go through with ``each`` hold copies of one structure with other numbers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import gradx as gx
from tests.core.samples import Frozen, Pair, Plain, Point, Slots
from tests.reverse import naive


@dataclass
class Circle:
    radius: Any


@dataclass
class Box:
    width: Any
    height: Any


@dataclass
class Sample:
    """A value and an optic into it."""

    value: Any
    optic: Any

    def renewed(self, rng):
        """The same structure with other numbers."""
        return Sample(with_numbers(self.value, rng), self.optic)


def with_numbers(x, rng):
    """A value of the same structure with numbers from a generator."""
    return concrete(naive.mapped(lambda _: float(rng.uniform(0.2, 2.0)), x))


def concrete(x):
    """A value of symbols, or of arrays of objects, with plain numbers instead."""
    if isinstance(x, naive.Symbol):
        return x.value
    if isinstance(x, np.ndarray):
        return np.array([naive.value(item) for item in x.flat]).reshape(x.shape)
    return rebuilt(concrete, x)


def rebuilt(function, x):
    """A value with a function applied to each of its parts."""
    if isinstance(x, dict):
        return {key: function(part) for key, part in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(function, x))
    if isinstance(x, (list, tuple)):
        return type(x)(map(function, x))
    if hasattr(x, "__dataclass_fields__"):
        parts = {n: function(getattr(x, n)) for n in x.__dataclass_fields__}
        return type(x)(**parts)
    return x


def shaken(x):
    """A smooth function of each number in a value, a variable or a value of symbols."""
    if isinstance(x, np.ndarray) or (isinstance(x, gx.BVar) and hasattr(x, "shape")):
        return np.sin(x) * 0.7 + x * x * 0.1
    if isinstance(x, (float, naive.Symbol)) or (isinstance(x, gx.BVar) and x._numeric):
        return np.sin(x) * 0.7 + x * x * 0.1
    return rebuilt(shaken, gx.split(x))


ISOS = [
    gx.iso(lambda x: rebuilt_numbers(lambda n: n * 3.0 - 1.0, x), lambda y: thirds(y)),
    gx.iso(lambda x: (x, x)[0], lambda y: [y][0]),
    gx.iso(lambda x: (x,), lambda pair: pair[0]),
    gx.iso(lambda x: {"only": x}, lambda d: d["only"]),
]


def rebuilt_numbers(function, x):
    x = gx.split(x)
    if isinstance(x, (float, np.ndarray, naive.Symbol, gx.BVar)):
        return function(x)
    return rebuilt(lambda part: rebuilt_numbers(function, part), x)


def thirds(y):
    return rebuilt_numbers(lambda n: (n + 1.0) / 3.0, y)


whole = gx.lens(object)


def ways_to_one(x, other, last):
    """Values around a part, each with the step to it or, some, to nothing."""
    return {
        "tuple": ((other, x), whole[1]),
        "tuple from the end": ((x, other), whole[-2]),
        "list": ([x, other], whole[0]),
        "dict": ({"a": other, "k": x}, whole["k"]),
        "dict, perhaps": ({"a": other, "k": x}, whole.ix("k")),
        "list, perhaps": ([other, x], whole.ix(1)),
        "dict without it": ({"a": x}, whole.ix("k")),
        "record": (Plain(other, x), whole.y),
        "frozen record": (Frozen(other, x), whole.y),
        "record with slots": (Slots(other, x), whole.y),
        "named tuple": (Pair(x, other), whole.x),
        "named tuple by position": (Pair(x, other), whole[0]),
        "fields": (Plain(other, x), whole.fields("y", "x")[0]),
        "fields of dicts": (Plain({"k": x}, other), whole.fields("y", whole.x["k"])[1]),
        "two fields": (Plain(other, last), whole.fields("x", "y")[1]),
        "slice": ([other, x, other], whole[1:][0]),
        "slice backwards": ((other, x), whole[::-1][0]),
        "getter": ((other, x), gx.lens(lambda w: w[1], lambda w, part: (w[0], part))),
        "just": ([x, None], whole[0].just()),
        "nothing": ([None, other], whole[0].just()),
        "union": (Plain(Circle(x), other), whole.x.instance(Circle).radius),
        "other member": (Plain(Box(x, other), other), whole.x.instance(Circle).radius),
        "filtered": ([x, other], whole[0].filtered(lambda part: part is not None)),
        "filtered out": ([x, other], whole[0].filtered(lambda part: False)),
        "prism": (
            [x, other],
            whole[0]
            >> gx.prism(lambda w: None if w is None else [w], lambda part: part[0])
            >> whole[0],
        ),
        "prism that misses": ((x, other), whole[0] >> gx.prism(lambda w: None, lambda part: part)),
    }


def ways_to_many(copies, other):
    """Values around parts of one structure, each with the step to all of them."""
    return {
        "each of a list": (copies, whole.each()),
        "each of a tuple": (tuple(copies), whole.each()),
        "each of a dict": (dict(enumerate(copies)), whole.each()),
        "each of nothing": ((other, []), whole[1].each()),
        "some": ([*copies, None], whole.each().just()),
        "members": (
            [*map(Circle, copies), Box(other, other)],
            whole.each().instance(Circle).radius,
        ),
        "instances": (
            (other, {"k": [Circle(c) for c in copies]}),
            whole.at_instances_of(Circle).radius,
        ),
        "both ends": (
            [copies[0], other, copies[-1]],
            gx.traversal(lambda w: [w[0], w[-1]], lambda w, new: [new[0], *w[1:-1], new[1]]),
        ),
    }


MISSES = (
    *("dict without it", "nothing", "other member", "filtered out"),
    *("prism that misses", "each of nothing"),
)
"""The steps that lead to nothing."""


def wrapped(draw, inner, names=()):
    """One more container around a sample, and the step that leads back in, one of these names."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x, other = inner.value, float(rng.uniform(0.2, 2.0))
    copies = [x, *[inner.renewed(rng).value for _ in range(draw(st.integers(0, 2)))]]
    choices = {
        **ways_to_one(x, other, copies[-1]),
        **ways_to_many(copies, other),
        **{f"iso {i}": (x, iso) for i, iso in enumerate(ISOS)},
    }
    value, step = choices[draw(st.sampled_from(names or sorted(choices)))]
    if step in ISOS:
        return Sample(value, step >> back_from(step) >> inner.optic)
    return Sample(value, step >> inner.optic)


def back_from(iso):
    """From the other form of an iso to what the inner optic expects."""
    ways = [~ISOS[0], gx.lens(object), gx.lens(object)[0], gx.lens(object)["only"]]
    return ways[ISOS.index(iso)]


@st.composite
def samples(draw, depth=3):
    """Values of any structure, each with an optic."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    foci = [
        (1.0, whole),
        (np.ones(2), whole),
        (np.ones(3), whole[1]),
        (np.ones((2, 2)), whole[:, 1]),
        (np.ones(2), whole.each()),
        ((1.0, [1.0]), whole),
        (Point(1.0, 1.0), whole),
        (Point(1.0, 1.0), whole.each()),
        ({"a": 1.0, "b": None}, whole),
    ]
    value, optic = draw(st.sampled_from(foci))
    sample = Sample(with_numbers(value, rng), optic)
    for _ in range(draw(st.integers(0, depth))):
        sample = wrapped(draw, sample)
    return sample


@st.composite
def misses(draw):
    """Values of any structure, each with an optic that leads to nothing."""
    sample = wrapped(draw, draw(samples(depth=1)), MISSES)
    return wrapped(draw, sample) if draw(st.booleans()) else sample
