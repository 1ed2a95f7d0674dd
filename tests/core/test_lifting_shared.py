"""Lifting: one object at two paths, values that contain themselves, and values of any depth."""

import collections
import copy
import functools
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from tests.core.kinds import (
    Account,
    Attrs,
    ListOf,
    Plain,
    Registered,
    Slots,
)
from tests.core.samples import same


@pytest.fixture(autouse=True)
def registered():
    gx.register(Registered, children=("x", "y"))


# ---- One object at two paths ---------------------------------------------------------------------


SHARED = {
    "list": ([1.0, 2.0], lambda v: v.append(3.0), lambda v: v[0] * v[1]),
    "list item": ([1.0, 2.0], lambda v: v.__setitem__(0, v[1]), lambda v: v[0] * v[1]),
    "list order": ([1.0, 2.0], lambda v: v.reverse(), lambda v: v[0] * v[1]),
    "dict": ({0: 1.0, 1: 2.0}, lambda v: v.update({2: 3.0}), lambda v: v[0] * v[1]),
    "dict item": ({0: 1.0, 1: 2.0}, lambda v: v.pop(0), lambda v: v[1] * v[1]),
    "deque": (collections.deque([1.0, 2.0]), lambda v: v.rotate(), lambda v: v[0] * v[1]),
    "record": (Plain(1.0, 2.0), lambda v: setattr(v, "x", v.y), lambda v: v.x * v.y),
    "static field": (Account(1.0), lambda v: setattr(v, "count", 1), lambda v: v.total),
    "slots": (Slots(1.0, 2), lambda v: setattr(v, "y", 3), lambda v: v.x),
    "attrs": (Attrs(1.0, 2.0), lambda v: setattr(v, "x", v.y), lambda v: v.x),
    "new attribute": (Plain(1.0, 2.0), lambda v: setattr(v, "name", "n"), lambda v: v.x),
    "registered": (Registered(1.0, 2.0), lambda v: setattr(v, "x", v.y), lambda v: v.x),
    "list subclass": (ListOf([1.0, 2.0]), lambda v: setattr(v, "name", "n"), lambda v: v.total()),
}


@pytest.mark.parametrize("kind", SHARED)
def test_a_changed_object_that_two_paths_lead_to_names_both(kind):
    shared, change, read = SHARED[kind]
    name = type(shared).__name__
    paths = r"argument 0\['a'\] and argument 0\['b'\]\[1\]"
    text = rf"^{paths} are one {name}, and the function changed it .*pass a copy at each path, or "
    for changed in ("a", "b"):

        def f(d, changed=changed):
            change(d["a"] if changed == "a" else d["b"][1])
            return read(d["a"]) + read(d["b"][1])

        with pytest.raises(gx.AliasError, match=text):
            gx.backprop(f, {"a": shared, "b": (0.0, shared)})
    with pytest.raises(gx.AliasError, match=rf"^argument 0 and argument 1 are one {name},"):
        gx.backprop(lambda v, w: change(w) or read(v), shared, shared)
    with pytest.raises(gx.AliasError, match=rf"^v and w are one {name},"):
        gx.backprop(lambda v, w: change(w) or read(v), v=shared, w=shared)


def test_the_change_is_told_rather_than_what_it_led_to():
    shared = [1.0]
    with pytest.raises(gx.AliasError, match="argument 0 and argument 1") as raised:
        gx.backprop(lambda v, w: v.append(2.0) or w[1], shared, shared)
    assert isinstance(raised.value.__context__, IndexError)


@pytest.mark.parametrize("kind", SHARED)
def test_an_unchanged_object_has_a_gradient_at_each_path(kind):
    shared, _, read = SHARED[kind]
    once = gx.grad(read)(copy.deepcopy(shared))
    y, g = gx.backprop(
        lambda d: read(d["a"]) + 2.0 * read(d["b"][1]), {"a": shared, "b": (0.0, shared)}
    )
    assert y == 3.0 * read(shared)
    assert same(g["a"], once) and same(g["b"][1], gx.add(once, once))


def test_a_cache_is_no_change_of_a_shared_object():
    @dataclass
    class Squared:
        w: float

        @functools.cached_property
        def square(self):
            return self.w**2

    shared = Squared(3.0)
    f = lambda a, b: a.square * b.w  # noqa: E731
    assert gx.backprop(f, shared, shared) == (27.0, (Squared(18.0), Squared(9.0)))
    assert "square" not in vars(shared)


def test_shared_numbers_and_arrays_are_two_leaves():
    w = np.array([1.0, 2.0])
    y, (g, h) = gx.backprop(lambda a, b: np.sum(a * a * b), w, w)
    assert y == 9.0
    np.testing.assert_array_equal(g, 2.0 * w * w)
    np.testing.assert_array_equal(h, w * w)
    x = 3.0
    assert gx.grad_bp(lambda p: p[0] * p[1], (x, x)) == (3.0, 3.0)


def test_cycles_are_refused_by_path():
    loop = [1.0]
    loop.append({"k": loop})
    with pytest.raises(gx.CycleError, match=r"^argument 0\[1\]\['k'\] contains itself"):
        gx.grad(lambda v: v[0])(loop)
    record = Plain(1.0, None)
    record.y = record
    with pytest.raises(gx.CycleError, match=r"^argument 0\.y contains itself"):
        gx.grad(lambda v: v.x)(record)


# ---- Depth ---------------------------------------------------------------------------------------

DEEP = {"list": 100_000, "tuple": 20_000, "dict": 20_000, "record": 20_000}


def nested(x, wrap, depth):
    for _ in range(depth):
        x = wrap(x)
    return x


WRAPS = {
    "list": (lambda x: [x], lambda v: v[0]),
    "tuple": (lambda x: (x,), lambda v: v[0]),
    "dict": (lambda x: {"k": x}, lambda v: v["k"]),
    "record": (lambda x: Slots(x, None), lambda v: v.x),
}


@pytest.mark.parametrize("kind", WRAPS)
def test_many_thousand_levels(kind):
    (wrap, unwrap), depth = WRAPS[kind], DEEP[kind]

    def innermost(v):
        for _ in range(depth):
            v = unwrap(v)
        return v

    y, g = gx.backprop(lambda v: innermost(v) ** 2, nested(3.0, wrap, depth))
    assert (y, innermost(g)) == (9.0, 6.0)
    y, g = gx.backprop(lambda x: nested(x * x, wrap, depth), 3.0)
    assert (innermost(y), g) == (9.0, 6.0)
