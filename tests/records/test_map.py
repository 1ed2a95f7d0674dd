"""gx.map: leaves of any structure, what must match, and that it is differentiable."""

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import gradx as gx


@dataclass
class Layer:
    w: np.ndarray
    b: float
    name: str = "layer"
    size: int = 3


class Pair(NamedTuple):
    x: float
    y: object


class Money:
    """A value of a type without parts."""

    def __init__(self, cents):
        self.cents = cents


def test_every_leaf_is_mapped_and_static_parts_stay():
    whole = {
        "a": [Layer(np.ones(2), 2.0), (3, None)],
        "b": Pair(1.5, np.array([1, 2])),
        "c": "text",
    }
    seen = []
    y = gx.map(lambda x: seen.append(x) or np.sum(x) * 10, whole)
    assert [np.ndim(x) for x in seen] == [1, 0, 0, 0]
    assert y["a"] == [Layer(20.0, 20.0), (30, None)]
    assert type(y["b"]) is Pair and y["b"].x == 15.0 and y["b"].y is whole["b"].y
    assert y["c"] == "text" and whole["a"][0].b == 2.0


def test_several_values():
    a, b = Layer(np.array([1.0, 2.0]), 3.0), Layer(np.array([10.0, 20.0]), 30.0)
    y = gx.map(lambda *leaves: sum(leaves), a, b, b)
    np.testing.assert_array_equal(y.w, [21.0, 42.0])
    assert (y.b, y.name, type(y)) == (63.0, "layer", Layer)
    assert gx.map(lambda x, y: x - y, 5.0, 3.0) == 2.0
    assert gx.map(max, OrderedDict(p=1.0, q=2.0), {"q": 5.0, "p": 0.0}) == {"p": 1.0, "q": 5.0}


def test_the_result_of_a_leaf_may_be_anything():
    shapes = gx.map(np.shape, Layer(np.ones((2, 3)), 1.0))
    assert (shapes.w, shapes.b) == ((2, 3), ())
    assert gx.map(lambda x, y: f"{x} {y}", [1.0, (2.0,)], [3.0, (4.0,)]) == [
        "1.0 3.0",
        ("2.0 4.0",),
    ]
    assert gx.map(lambda x, y: x @ y, [np.ones((2, 3))], [np.ones(3)])[0].shape == (2,)


def test_leaves_of_types_without_parts():
    made = lambda m: Money(0)  # noqa: E731
    gx.register(Money, zero=made, one=made, add=lambda a, b: Money(a.cents + b.cents))
    y = gx.map(lambda a, b: a.cents + b.cents, [Money(3)], [Money(4)])
    assert y == [7]
    assert gx.map(lambda a: a / 2, (Fraction(1, 3),)) == (Fraction(1, 6),)


def test_it_is_differentiable(rng):
    a, b = (Layer(rng.standard_normal(2), rng.standard_normal()) for _ in range(2))

    def f(a, b, rate):
        new = gx.map(lambda x, g: x - rate * np.sin(g), a, b)
        return np.sum(new.w**2) * new.b

    gx.check_grads(f, a, b, 0.3)
    g = gx.grad(f)(a, b, 0.3)
    assert type(g) is Layer and g.name == "layer"


def refused(told, *values):
    def never(*leaves):
        raise AssertionError("called before the structures were compared")

    with pytest.raises(gx.StructureError, match=told):
        gx.map(never, *values)


def test_structures_must_be_equal():
    layer = Layer(np.ones(2), 2.0)
    refused(
        r"a list with parts \[0, 1\] and a list with parts \[0\] cannot be combined",
        [1.0, 2.0],
        [1.0],
    )
    refused(r"a dict with parts \['a'\] and a dict with parts \['b'\]", {"a": 1.0}, {"b": 1.0})
    refused(r"a tuple with parts \[0\] and a dict with parts \[0\]", (1.0,), {0: 1.0})
    refused(
        r"a float and a list at tuple\[0\] cannot be mapped together; give values of one structure",
        (1.0,),
        ([1.0],),
    )
    refused(r"a float and the static value 'a' at list\[0\] cannot be mapped", [1.0], ["a"])
    refused(
        r"the static value None and a float at tuple\[1\] cannot be mapped", (1.0, None), (1.0, 2.0)
    )
    refused(r"(?s)2 parts do not match:.*Layer\.w.*Layer\.b", layer, Layer([1.0], None))


def test_static_parts_must_be_equal():
    a = Layer(np.ones(2), 2.0, "a", 3)
    told = (
        r"the static values 'a' and 'b' at list\[0\]\.name differ and cannot be mapped together; "
    )
    refused(told, [a], [Layer(np.ones(2), 2.0, "b", 3)])
    assert gx.map(np.add, a, Layer(np.ones(2), 2.0, "a", 4)).size == 3  # no part, as for gx.add
    refused(r"array\(\[1, 2\]\) and array\(\[1, 3\]\)", (np.array([1, 2]),), (np.array([1, 3]),))
    gx.map(np.add, (1.0, np.array([1, 2])), (1.0, np.array([1, 2])))


def test_what_is_unknown_or_endless():
    with pytest.raises(gx.UnregisteredTypeError, match=r"list\[1\]"):
        gx.map(np.sin, [1.0, Money(1)])
    knot = [1.0]
    knot.append(knot)
    with pytest.raises(gx.CycleError, match=r"list\[1\] contains itself"):
        gx.map(np.sin, knot)
