"""Functions inside a value: rebound to the copy, or refused if they have caught a part of it."""

import functools
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.values.rebind import is_function, rebound, refuse_captured


@dataclass
class Model:
    w: float

    def loss(self, x):
        return (self.w * x) ** 2


mine, copy = Model(3.0), Model(5.0)
copies = {id(mine): copy}


def test_a_bound_method_is_rebound():
    assert rebound(mine.loss, copies)(2.0) == 100.0
    assert rebound(copy.loss, copies).__self__ is copy
    other = Model(1.0)
    assert rebound(other.loss, copies).__self__ is other


def test_methods_of_builtin_types_are_rebound():
    items, new = [1.0], [2.0]
    rebound(items.append, {id(items): new})(3.0)
    assert (items, new) == ([1.0], [2.0, 3.0])
    assert rebound(items.__len__, {id(items): new})() == 2
    assert rebound(len, {id(items): new}) is len
    assert rebound("x".upper, {id(items): new})() == "X"


def test_bound_methods_inside_partial_and_cache_are_rebound():
    assert rebound(functools.partial(mine.loss, 2.0), copies)() == 100.0
    cached = functools.lru_cache(maxsize=7)(mine.loss)
    assert cached(2.0) == 36.0
    new = rebound(cached, copies)
    assert new(2.0) == 100.0 and new.cache_parameters()["maxsize"] == 7
    for function in (functools.partial(max, 1.0), functools.cache(abs), abs, np.sin, Model.loss):
        assert rebound(function, copies) is function


w = np.ones(2)
numbers, record, table = [1.0], Model(1.0), {"a": 1.0}


def closure(x):
    return lambda y: x * y


def with_default(y, x=w):
    return y * x


def with_keyword(y, *, x=table):
    return y * x["a"]


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (closure(w), "ndarray.*its closure has it as 'x'"),
        (closure(record), "Model.*its closure has it as 'x'"),
        (closure([("k", {"a": numbers})]), "list.*its closure has it as 'x'"),
        (closure(closure(numbers)), "list.*its closure has it as 'x'"),
        (closure(record.loss), "Model.*its closure has it as 'x'"),
        (closure(numbers.append), "list.*its closure has it as 'x'"),
        (with_default, "ndarray.*the default of a parameter"),
        (with_keyword, "dict.*the default of the parameter 'x'"),
        (functools.partial(max, w), "ndarray.*an argument of functools.partial"),
        (functools.partial(max, key=closure(table)), "dict.*its closure has it as 'x'"),
        (functools.partial(max, key=w), "ndarray.*the argument 'key' of functools.partial"),
        (functools.partial(with_default, 1.0), "ndarray.*the default of a parameter"),
        (functools.cache(closure(w)), "ndarray.*its closure has it as 'x'"),
    ],
    ids=lambda x: None if callable(x) else x[:12],
)
def test_a_function_that_has_caught_a_part_is_refused(function, how):
    ids = {id(w), id(numbers), id(record), id(table)}
    text = rf"^argument 0\.f: this function keeps a {how}.*Pass it to the function as an argument"
    for path in ("argument 0.f", lambda: "argument 0.f"):
        with pytest.raises(gx.NotDifferentiableError, match=text):
            refuse_captured(function, ids, path)
    refuse_captured(function, set(), "argument 0.f")
    assert is_function(function)


def test_numbers_that_a_function_has_caught_are_constants():
    looped = [1.0]
    looped.append(looped)

    def later():
        return unset

    refuse_captured(closure(2.0), {id(w)}, "f")
    refuse_captured(closure(looped), {id(w)}, "f")
    refuse_captured(later, {id(w)}, "f")
    unset = 1.0
    assert later() == 1.0 and not is_function(2.0)
