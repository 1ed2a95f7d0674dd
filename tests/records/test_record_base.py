"""`gx.Record`, the base class whose arithmetic type checkers know of."""

import numpy as np
import pytest

import gradx as gx


def test_the_base_class_makes_a_record_as_the_decorator_does():
    class Pair(gx.Record, frozen=True):
        left: float
        right: float = 2.0
        name: str = gx.static(default="pair")

    class Triple(Pair, frozen=True):
        third: float = 3.0

        def __mul__(self, other):
            return "its own"

    pair = Pair(1.0)
    assert pair - 0.5 * Pair(2.0, 4.0) == Pair(0.0, 0.0)
    assert np.float64(2.0) * pair == Pair(2.0, 4.0)
    assert abs(-Triple(1.0) / 2) == Triple(0.5, 1.0, third=1.5)
    assert Triple(1.0) * 2 == "its own"
    assert type("Heir", (Triple,), {}, frozen=True)(1.0) * 2 == "its own"
    with pytest.raises(AttributeError):  # frozen
        pair.left = 3.0
    gradient = gx.grad(lambda p: (p * p).left * p.right)(pair)
    assert gradient == Pair(4.0, 1.0)


def test_the_base_class_has_no_slots():
    with pytest.raises(TypeError, match=r"Thin cannot have slots=True .* write @gx.record\(slots"):

        class Thin(gx.Record, slots=True):
            x: float
