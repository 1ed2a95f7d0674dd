"""Fields of record variables are the same parts in C and in Python."""

import dataclasses

import numpy as np
import pytest

import gradx as gx
from gradx.values.operations import registry


def pair():
    """A new class, of which the registry and the variables know nothing."""

    @dataclasses.dataclass
    class Pair:
        first: float
        second: float = 2.0

    return Pair


def tenfold(cls):
    """The parts of a pair, ten times as large as its attributes."""
    return lambda p: (
        {"first": p.first * 10.0, "second": p.second},
        lambda parts: cls(parts["first"] / 10.0, parts["second"]),
    )


def product(p):
    return p.first * p.second


def test_a_class_with_parts_of_its_own():
    cls = pair()
    gx.register(cls, children=tenfold(cls))
    assert gx.backprop(product, cls(3.0)) == (60.0, cls(0.2, 30.0))


def test_a_class_that_is_registered_after_it_was_used():
    cls = pair()
    assert gx.backprop(product, cls(3.0)) == (6.0, cls(2.0, 3.0))
    with registry.restored():
        gx.register(cls, children=tenfold(cls))
        assert gx.backprop(product, cls(3.0)) == (60.0, cls(0.2, 30.0))
        gx.register(cls, children=["first"])
        assert gx.backprop(lambda p: p.first, cls(3.0)) == (3.0, cls(1.0, 2.0))
    assert gx.backprop(product, cls(3.0)) == (6.0, cls(2.0, 3.0))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError])
def test_an_error_of_a_field_is_not_swallowed(error):
    class Once:
        """An attribute that raises the first time it is read."""

        def __init__(self):
            self.errors = []

        def __get__(self, record, cls):
            if record is None:
                raise AttributeError
            if self.errors:
                raise self.errors.pop()
            return record.__dict__["first"]

        def __set__(self, record, value):
            record.__dict__["first"] = value

    cls = dataclasses.dataclass(type("Pair", (), {"__annotations__": {"first": float}}))
    cls.first = once = Once()

    def f(p):
        once.errors.append(error())
        return p.first

    with pytest.raises(error):
        gx.grad(f)(cls(3.0))
    assert gx.grad(lambda p: p.first * 2.0)(cls(3.0)).first == 2.0


def test_a_field_that_was_never_set():
    cls = pair()
    record = cls(3.0)
    del record.first
    with pytest.raises(AttributeError, match="first"):
        gx.grad(product)(record)


def test_the_same_view_each_time():
    @dataclasses.dataclass
    class Layer:
        w: np.ndarray
        b: float
        name: str
        n: int

    def f(layer):
        for field in dataclasses.fields(Layer):
            assert getattr(layer, field.name) is getattr(layer, field.name)
        assert (layer.name, layer.n) == ("layer", 3)
        return np.sum(layer.w * layer.b)

    g = gx.grad(f)(Layer(np.ones(3), 2.0, "layer", 3))
    assert (g.w.tolist(), g.b, g.name, g.n) == ([2.0, 2.0, 2.0], 3.0, "layer", 3)
