"""Names of adopted programs that are read by `globals`, by `vars`, and of functions."""

import functools
import math
import types
from typing import ClassVar

import numpy as np
import pytest

import gradx as gx
from gradx.adoption.functions import is_inner
from tests.adoption import programs
from tests.adoption.test_features import agrees

RATE = 2.0
RAISED = 3.0


def helper(x):
    return math.sin(x)


# --- The globals of a module ----------------------------------------------------------------------


def by_globals(x):
    names = [name for name in globals() if name.startswith("RA")]
    assert names == ["RATE", "RAISED"] and "sum" not in globals() and "RATE" in globals()
    assert dict(globals())["RATE"] == RATE and len(globals()) == len(list(globals().items()))
    return globals()["helper"](x) * globals().get("RATE", 1.0) * globals().get("NONE", 5.0)


def test_globals():
    agrees(by_globals)


class Finder:
    """What has found a module, such as the one of a test runner, which leads to all its tests."""

    def __init__(self):
        self.known = [helper]


def by_finder(x):
    names = dict(globals())
    known = names["__loader__"].known
    assert known == names["__spec__"].loader.known
    return x * 2.0, is_inner(known[0])


def test_what_has_found_a_module_is_left_alone(monkeypatch):
    finder = Finder()
    monkeypatch.setitem(globals(), "__loader__", finder)
    monkeypatch.setitem(globals(), "__spec__", types.SimpleNamespace(loader=finder))
    assert gx.value_and_grad(gx.adopt(by_finder), has_aux=True)(0.5) == ((1.0, False), 2.0)


def assigning(x):
    globals()["MADE"] = 4.0
    return x * globals().get("MADE", 1.0) * MADE  # noqa: F821


def test_what_is_assigned_by_globals_is_the_own_of_the_copy():
    assert gx.grad(gx.adopt(assigning))(1.0) == 16.0
    assert "MADE" not in globals()


def by_module(x):
    names = vars(programs)
    assert names["heat"] is programs.heat and names.get("GRAVITY") == programs.GRAVITY
    assert [name for name in names if name.isupper()] == ["GRAVITY", "TABLE"]
    return names["limiter"](x) * names["math"].exp(x)


def test_the_names_of_a_module():
    agrees(by_module)


def by_body(x):
    class Local:
        rate = RATE

    return math.sin(x) * Local.rate


def test_the_body_of_a_class_reads_what_a_global_is_by_now(monkeypatch):
    f = gx.adopt(by_body)
    assert gx.backprop(f, 0.5)[0] == by_body(0.5)
    monkeypatch.setitem(globals(), "RATE", 7.0)
    assert gx.backprop(f, 0.5)[0] == by_body(0.5) == math.sin(0.5) * 7.0


def by_name(x):
    return helper(x) * 2.0


def cosine(x):
    return math.cos(x)


def test_a_function_that_the_program_exchanges_is_the_one_of_the_next_call(monkeypatch):
    f = gx.adopt(by_name)
    assert gx.backprop(f, 0.5)[0] == by_name(0.5)
    monkeypatch.setitem(globals(), "helper", cosine)
    assert gx.backprop(f, 0.5) == (by_name(0.5), -2.0 * math.sin(0.5))
    monkeypatch.delitem(globals(), "helper")
    with pytest.raises(NameError):
        gx.backprop(f, 0.5)


# --- Attributes of functions ----------------------------------------------------------------------


def scaled(x):
    scaled.calls += 1
    return helper(x) * scaled.rate * len(scaled.names)


scaled.rate, scaled.calls, scaled.names = 2.0, 0, ["a"]


def test_attributes_of_a_function_are_those_that_it_has_by_now(monkeypatch):
    f = gx.adopt(lambda x: scaled(x) + scaled(2 * x))
    scaled.calls = 0
    gx.grad(f)(0.5)
    assert scaled.calls == 2
    monkeypatch.setattr(scaled, "rate", 3.0)
    agrees(lambda x: scaled(x) + scaled(2 * x))
    assert gx.backprop(f, 0.5)[0] == f(0.5)


def leaving(x):
    leaving.last = helper
    leaving.parts = [helper, {"f": leaving}]
    del leaving.old
    return helper(x)


def test_attributes_that_adopted_code_gives_a_function():
    leaving.old = 1
    gx.grad(gx.adopt(leaving))(0.5)
    assert vars(leaving) == {"last": helper, "parts": [helper, {"f": leaving}]}


@gx.adopt
def decorated(x):
    decorated.calls += 1
    return math.sin(x)


decorated.calls = 0


def test_attributes_of_a_decorated_function():
    assert gx.grad(decorated)(0.0) == 1.0
    assert (decorated(0.0), decorated.calls) == (0.0, 2)


def doubled(f):
    @functools.wraps(f)
    def call(x):
        call.calls += 1
        return f(x) * 2

    call.calls = 0
    return call


@doubled
def wave(x):
    y = np.zeros(1)
    y[0] = np.sin(x)
    return y[0]


def test_the_function_that_a_decorator_wraps():
    agrees(lambda x: wave.__wrapped__(x) * wave(2 * x))
    wave.calls = 0
    gx.grad(gx.adopt(wave))(0.5)
    assert wave.calls == 1


# --- What code holds ------------------------------------------------------------------------------


class Logging:
    log: ClassVar[list] = []

    def value(self, x, seen=[]):  # noqa: B006
        Logging.log.append(helper)
        seen.append(Logging)
        return math.sin(x)


def recording():
    kept = []

    def value(x):
        kept.append(helper)
        return math.sin(x)

    return value, kept


LOGGING = Logging()
VALUE, KEPT = recording()
HELD = [VALUE]


def test_lists_that_code_holds_have_originals_after_the_first_call():
    gx.grad(gx.adopt(lambda x: LOGGING.value(x) + HELD[0](x)))(0.5)
    assert Logging.log == [helper]
    assert Logging.value.__defaults__ == ([Logging],)
    assert [helper] == KEPT


BY_CODE: dict = {Logging: 1.0}


def filling(x):
    BY_CODE[helper] = [Logging, {"f": helper}]
    return helper(x)


def test_what_is_put_into_a_table_by_code_has_originals_in_it():
    gx.grad(gx.adopt(filling))(0.5)
    assert {Logging: 1.0, helper: [Logging, {"f": helper}]} == BY_CODE


def with_defaults(x, factor=3.0, *, shift=1.0):
    return x * factor + shift


def by_defaults(x):
    factor, shift = with_defaults.__defaults__[0], with_defaults.__kwdefaults__["shift"]
    return with_defaults(x) * factor + with_defaults(x, 2.0, shift=shift)


def test_defaults_of_a_function_can_be_read():
    agrees(by_defaults)
