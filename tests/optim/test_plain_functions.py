"""Functions without the variables that they have caught."""

import collections
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.optim.plain_functions import plain_of


def in_a_run(check, x=2.0):
    """Call a check with a variable."""
    gx.grad_bp(lambda v: (check(v), v)[1], x)


@dataclass
class Model:
    weight: Any
    act: Any = np.tanh

    def apply(self, x):
        return self.weight * x


@dataclass
class Holder:
    model: Model
    numbers: Any


def of_cell(v):
    return lambda: v


def of_default(v):
    def f(x=v):
        return x

    return f


def of_keyword_default(v):
    def f(*, x=v):
        return x

    return f


def of_partial(v):
    return functools.partial(lambda x, y: x * y, v, y=v / 2)


def of_bound_method(v):
    return functools.partial(Model(v).apply, 1.0)


def of_cache(v):
    @functools.lru_cache
    def f():
        return v

    return f


def of_recursion(v):
    def f(n=3):
        return v if n == 0 else f(n - 1)

    return f


def of_mutual_recursion(v):
    def even(n=4):
        return v if n == 0 else odd(n - 1)

    def odd(n):
        return even(n - 1)

    return even


def of_containers(v):
    held = collections.OrderedDict(a=[(v, {"b": of_cell(v)})], c=np.array([v, v], object))
    return lambda: held["a"][0][1]["b"]() + 0 * sum(held["c"]) + 0 * held["a"][0][0]


def of_records(v):
    held = Holder(Model(v), {"x": [v, 1]})
    return lambda: held.model.apply(1.0) + 0 * held.numbers["x"][0]


def of_gradx(v):
    return functools.partial(gx.grad(lambda x: x * x * v / 8), 4.0)


EVERY = [
    *(of_cell, of_default, of_keyword_default, of_partial, of_bound_method, of_cache),
    *(of_recursion, of_mutual_recursion, of_containers, of_records, of_gradx),
]


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_variables_are_left_behind(make):
    def verify(v):
        given = make(v)
        plain = plain_of(given)
        assert plain is not given and type(plain()) in (float, np.float64) and plain() == 2.0
        assert type(given()) not in (float, np.float64) and given() == 2.0

    in_a_run(verify)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_what_has_no_variable_is_itself(make):
    given = make(2.0)
    assert plain_of(given) is given


def test_cells_and_containers_without_variables_are_shared():
    calls, log = 0, []

    def verify(v):
        def f():
            nonlocal calls
            calls += 1
            log.append(v)
            return later * v

        plain = plain_of(f)
        later = 3.0  # a cell that had nothing in it yet
        assert plain() == 6.0 and type(log[-1]) is float

    in_a_run(verify)
    assert calls == 1 and log == [2.0]


def test_two_functions_share_the_copy_of_a_cell():
    def verify(v):
        def step():
            nonlocal v
            v += 1

        def show():
            return v

        stepped, shown = plain_of((step, show))
        stepped()
        assert shown() == 3.0 and v == 2.0

    in_a_run(verify)


def test_arrays_may_be_written_into():
    def verify(v):
        def centre(x=v):
            x -= np.mean(x)
            return x

        assert plain_of(centre)().tolist() == [-1.0, 1.0] and gx.value(v).tolist() == [1.0, 3.0]
        first, second = plain_of((v, [v]))
        assert second[0] is first

    given = np.array([1.0, 3.0])
    in_a_run(verify, given)
    assert given.tolist() == [1.0, 3.0]


def test_names_and_attributes_are_kept():
    def verify(v):
        def f():
            """Doc."""
            return v

        f.note = "kept"
        plain = plain_of(f)
        assert (plain.__name__, plain.__doc__, plain.note) == ("f", "Doc.", "kept")
        assert plain.__qualname__ == f.__qualname__ and plain.__module__ == f.__module__

    in_a_run(verify)


def test_containers_that_cannot_be_rebuilt_stay():
    class Unknown:
        pass

    def verify(v):
        held = collections.OrderedDict(a=Unknown(), v=v)
        assert plain_of(lambda: held["v"])() is v
        loop = [v]
        loop.append(loop)
        plain = plain_of(loop)
        assert plain[1] is plain and type(plain[0]) is float
        pair = (Unknown(), v)
        assert plain_of(pair)[0] is pair[0] and type(plain_of(pair)[1]) is float

    in_a_run(verify)
