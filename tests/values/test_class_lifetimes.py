"""A class goes when the program drops it: nothing that gradx knows of a class keeps it alive."""

import collections
import copy
import dataclasses
import gc
import pickle
import weakref
from dataclasses import dataclass
from typing import NamedTuple

import attrs
import pytest

import gradx as gx


def make_dataclass():
    @dataclass
    class Made:
        x: float

    return Made


def make_attrs():
    @attrs.define
    class Made:
        x: float

    return Made


def make_record():
    @gx.record
    class Made:
        x: float

    return Made


def make_named_tuple():
    class Made(NamedTuple):
        x: float

    return Made


def make_registered():
    class Made:
        def __init__(self, x):
            self.x = x

    gx.register(Made, children=("x",))
    return Made


def make_registered_whose_operations_refer_to_it():
    class Made:
        def __init__(self, x):
            self.x = x

    gx.register(
        Made,
        zero=lambda m: Made(0.0),
        add=lambda m, n: Made(m.x + n.x),
        one=lambda m: Made(1.0),
        children=lambda m: ({"x": m.x}, lambda parts: Made(**parts)),
    )
    return Made


def make_recursive():
    @dataclass
    class Made:
        x: float
        next: "Made | None" = None

    return Made


def make_slotted():
    @dataclass(slots=True)
    class Made:
        x: float

    return Made


def make_dict():
    class Made(dict):
        def __init__(self, x):
            super().__init__(x=x)

    return Made


MADE = [value for name, value in list(globals().items()) if name.startswith("make_")]


def use(make):
    """A weak reference to a class that was met in every way."""
    cls = make()
    x = cls(3.0)
    gx.zero(x), gx.one(x), gx.add(x, gx.one(x))
    gx.grad(lambda v: 2.0)(x)
    if dataclasses.is_dataclass(cls):
        gx.set(gx.lens(cls).x, 2.0, x)
    return weakref.ref(cls)


@pytest.mark.parametrize("make", MADE)
def test_a_class_that_was_used_once_is_freed(make):
    gone = use(make)
    gc.collect()
    assert gone() is None


def test_many_classes_leave_nothing_behind():
    kept = [use(make_dataclass) for _ in range(50)]
    gc.collect()
    assert not any(each() for each in kept)


def test_a_copy_of_a_class_has_facts_of_its_own():
    @dataclass
    class Point:
        x: float

    assert gx.one(Point(2.0)) == Point(1.0)
    copied = type("Copied", (), {**vars(Point), "__dict__": None, "__weakref__": None})
    copied = dataclasses.make_dataclass("Copied", [("x", int)], namespace=dict(copied.__dict__))
    assert gx.one(copied(2)).x == 2  # an int in a field of ints is static


def test_registering_a_base_later_is_seen():
    class Base:
        def __init__(self, x):
            self.x = x

    class Derived(Base):
        pass

    with pytest.raises(gx.UnregisteredTypeError):
        gx.zero(Derived(1.0))
    gx.register(Base, children=("x",))
    assert gx.zero(Derived(1.0)).x == 0.0
    gx.register_static(Derived)
    same = Derived(1.0)
    assert gx.zero(same) is same


def test_what_is_known_of_a_class_is_not_pickled_with_it():
    gx.zero(collections.Counter("a"))
    facts = vars(SPRING)["__gradx__"] if gx.zero(SPRING(1.0)) else None
    assert pickle.loads(pickle.dumps(facts)) == {} == copy.copy(facts)


@dataclass
class SPRING:
    k: float
