"""Static values: what passes through a gradient unchanged, and what is refused instead."""

import collections
import contextvars
import datetime
import functools
import io
import logging
import operator
import pathlib
import random
import re
import subprocess
import sys
import threading
import types
import uuid
import weakref

import numpy as np
import pytest

import gradx as gx
from gradx.values.builtin import STATIC as STATIC_TYPE
from gradx.values.operations import registry
from tests.core.samples import Colour, Plain, same


class Callable:
    def __call__(self):
        return 1


STATIC = {
    "str": "text",
    "bytes": b"text",
    "bool": True,
    "enum": Colour.RED,
    "int array": np.arange(3),
    "bool array": np.array([True]),
    "np.int64": np.int64(3),
    "np.bool": np.bool_(True),
    "function": lambda: None,
    "builtin": len,
    "method": "x".upper,
    "bound method": Callable().__call__,
    "ufunc": np.exp,
    "numpy function": np.sum,
    "class": Plain,
    "module": np,
    "path": pathlib.Path("a"),
    "date": datetime.date(2020, 1, 1),
    "timedelta": datetime.timedelta(1),
    "np.datetime64": np.datetime64("2020-01-01"),
    "Generator": np.random.default_rng(0),
    "Random": random.Random(0),
    "logger": logging.getLogger("x"),
    "pattern": re.compile("x"),
    "range": range(3),
    "slice": slice(1),
    "None": None,
    "Ellipsis": ...,
    "dtype": np.dtype(float),
    "partial": functools.partial(max, 1.0),
    "cached": functools.cache(abs),
    "itemgetter": operator.itemgetter(0),
    "attrgetter": operator.attrgetter("a"),
    "methodcaller": operator.methodcaller("f"),
    "np.vectorize": np.vectorize(abs),
    "lock": threading.Lock(),
    "rlock": threading.RLock(),
    "event": threading.Event(),
    "local": threading.local(),
    "contextvar": contextvars.ContextVar("x"),
    "weakref": weakref.ref(Plain),
    "uuid": uuid.UUID(int=1),
    "file": io.StringIO(),
    "object": object(),
    "set": {"a", 1},
    "bytearray": bytearray(b"x"),
    "frozenset": frozenset({"a", (1, "b")}),
    "union": int | str,
    "generic": list[int],
    "match": re.match("x", "x"),
}


WRITABLE = {"int array", "bool array", "set", "bytearray"}


@pytest.mark.parametrize("kind", STATIC)
def test_static_parts_pass_through_unchanged(kind):
    part, seen = STATIC[kind], []

    def f(v):
        seen.append(v["part"])
        return v["x"] * 2.0

    y, g = gx.backprop(f, {"x": 1.0, "part": part})
    assert seen[0] is part
    assert g["x"] == 2.0 and y == 2.0
    if kind in WRITABLE:
        assert same(g["part"], part) and same(gx.add(g, g)["part"], part)
        for copy in (gx.zero(part), gx.one([part])[0]):
            assert copy is not part and same(copy, part)
    else:
        assert g["part"] is part and gx.add(g, g)["part"] is part and gx.zero(part) is part


class Unknown:
    def __call__(self):
        return 1.0


@pytest.mark.parametrize("make", [Unknown, collections.UserList])
def test_other_objects_raise_with_the_path_and_both_calls(make):
    part = make()
    name = type(part).__name__
    text = rf"does not know the type .*{name} of the value at argument 0\[1\]\['k'\]\.y; .*"
    text += rf"gx\.register\({name}, .*gx\.register_static\({name}\).*gx\.static\(\)"
    with pytest.raises(gx.UnregisteredTypeError, match=text):
        gx.grad_bp(lambda v: v[0], (1.0, {"k": Plain(1.0, part)}))
    with pytest.raises(TypeError, match="does not know"):
        gx.zero(part)


@pytest.mark.parametrize(
    "make",
    [
        lambda: (x for x in [1.0]),
        lambda: {"a": 1.0}.values(),
        lambda: map(abs, [1.0]),
        lambda: zip([1.0], strict=True),
        lambda: iter([1.0]),
        lambda: enumerate([1.0]),
    ],
)
def test_what_only_goes_over_values_says_list(make):
    text = (
        r"does not know the type \S+ of the value at argument 0\[1\], which iterates .* list\(…\)"
    )
    with pytest.raises(gx.UnregisteredTypeError, match=text) as caught:
        gx.grad_bp(lambda v: v[0], (1.0, make()))
    assert "register" not in str(caught.value)


@pytest.mark.parametrize(
    "make", [lambda: {1.0, 2.0}, lambda: frozenset([1j]), lambda: {("a", 2.0)}]
)
def test_a_set_of_numbers_is_refused(make):
    text = (
        r"argument 0\['k'\]: a (frozen)?set that holds .* has no gradient, .*use a list or a tuple"
    )
    with pytest.raises(gx.NotDifferentiableError, match=text):
        gx.grad_bp(lambda v: v["x"], {"x": 1.0, "k": make()})


@pytest.mark.parametrize(
    "x", ["sq", True, len, Colour.RED, frozenset("ab")], ids=lambda x: type(x).__name__
)
def test_a_static_value_as_the_thing_to_differentiate_is_refused(x):
    text = r"^argument 1 is .*, a value of type \w+, which has no gradient; leave it out"
    with pytest.raises(gx.NotDifferentiableError, match=text):
        gx.grad_bp(lambda y, x: y, 1.0, x)
    with pytest.raises(gx.NotDifferentiableError, match=r"^argument 0 is"):
        gx.grad(lambda mode, x: x)(x, 1.0)
    assert gx.grad(lambda y, x: 2.0 * y)(1.0, x) == 2.0


def test_none_as_the_thing_to_differentiate_is_refused():
    """As an input of ``backprop`` it stands for a value that is missing."""
    with pytest.raises(gx.NotDifferentiableError, match=r"^argument 0 is None, a value of type"):
        gx.grad(lambda mode, x: x)(None, 1.0)
    assert gx.grad(lambda y, x: 2.0 * y)(1.0, None) == 2.0
    assert gx.grad_bp(lambda y, x: 2.0 * y, 1.0, None) == (2.0, None)


@pytest.mark.parametrize("x", [(), [], {}, ["sq", None], {"mode": "sq"}], ids=repr)
def test_a_container_with_nothing_to_differentiate_has_a_zero_gradient(x):
    assert gx.grad(lambda x: 1.0)(x) == x


@pytest.mark.parametrize("x", [np.arange(3), np.int32(2), np.array([True]), np.array(3)], ids=repr)
def test_a_bare_integer_array_is_refused(x):
    with pytest.raises(gx.NotDifferentiableError, match=r"argument 1.*dtype .*astype\(float\)"):
        gx.grad_bp(lambda y, x: y, 1.0, x)


def test_object_and_masked_arrays_are_refused():
    with pytest.raises(gx.NotDifferentiableError, match="array of dtype object"):
        gx.grad_bp(lambda v: v[0], (1.0, np.array([None])))
    with pytest.raises(gx.NotDifferentiableError, match=r"masked array.*array\.data"):
        gx.grad_bp(lambda v: v[0], (1.0, np.ma.array([1.0])))


# Modules whose classes gradx knows and does not import, as a program that imports them later.
LATE = """
import sys
import gradx as gx
from gradx.values.builtin import STATIC as STATIC_TYPE
from gradx.values.operations import registry

absent = [name for name in ("uuid", "logging", "random", "numpy.random", "numpy.ma")
          if name in sys.modules]
assert not absent, absent
assert gx.grad(lambda v: v[0] ** 2)((3.0, "text")) == (6.0, "text")

import logging, random, uuid
import numpy as np

class Own(logging.Logger):
    pass

for part in (logging.getLogger("x"), Own("y"), random.Random(0), uuid.UUID(int=1),
             np.random.default_rng(0), np.random.RandomState(0)):
    assert gx.grad(lambda v: v[0] ** 2)((3.0, part)) == (6.0, part), part
try:
    gx.grad_bp(lambda v: v[0], (1.0, np.ma.array([1.0])))
except gx.NotDifferentiableError as error:
    assert "array.data" in str(error)
else:
    raise AssertionError("a masked array went through")
"""


def test_classes_of_modules_that_are_imported_later():
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_registration_that_waits_is_undone_with_the_others():
    late = types.ModuleType("late_module_of_a_test")
    with registry.restored():
        registry.await_class(late.__name__, "Thing", STATIC_TYPE)
        late.Thing = type("Thing", (), {"__module__": late.__name__})
        assert registry.find(late.Thing) is None
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, late.__name__, late)
            assert registry.find(late.Thing) is STATIC_TYPE
            assert registry.find(type("Sub", (late.Thing,), {})) is STATIC_TYPE
    assert registry.find(late.Thing) is None
