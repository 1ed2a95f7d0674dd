"""deque, mapping proxies and the dicts of collections, as inputs, parts and results."""

import collections
import types

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads, check_value_laws
from tests.core.samples import Plain, same

Deque, Proxy = collections.deque, types.MappingProxyType


def default(**items):
    return collections.defaultdict(lambda: 5.0, items)


CONTAINERS = [
    [2.0, 3.0],
    Deque([2.0, 3.0]),
    Deque([2.0, 3.0], maxlen=2),
    Proxy({"a": 2.0, "b": 3.0}),
    collections.OrderedDict(a=2.0, b=3.0),
    default(a=2.0, b=3.0),
]
containers = pytest.mark.parametrize(
    "xs", CONTAINERS, ids=lambda xs: f"{type(xs).__name__}-{len(xs)}"
)


def values_of(xs):
    return list(xs.values()) if hasattr(xs, "values") else list(xs)


def like(xs, a, b):
    """A container like another with two other items."""
    return gx.prelude.map_accum_l(lambda rest, _: (rest[1:], rest[0]), [a, b], xs)[1]


@containers
def test_gradients_have_the_type_of_the_container(xs):
    def f(v):
        first, second = values_of(v)
        return first * second**2

    assert same(gx.backprop(f, xs), (18.0, like(xs, 9.0, 12.0)))
    check_grads(f, xs)


@containers
def test_items_by_key(xs):
    first, last = ("a", "b") if hasattr(xs, "values") else (0, -1)
    assert same(gx.grad(lambda v: v[first] ** 2 * v[last])(xs), like(xs, 12.0, 4.0))
    assert gx.grad(lambda v: len(v) * v[first])(xs) == like(xs, 2.0, 0.0)


@containers
def test_what_is_built_of_variables_joins(xs):
    def f(x, y):
        return like(xs, x * y, y)

    y, pullback = gx.backprop_with(f, 2.0, 3.0)
    assert same(y, like(xs, 6.0, 3.0))
    assert pullback(like(xs, 10.0, 1.0)) == (30.0, 21.0)


@containers
def test_in_records_and_with_arrays(xs):
    big = Plain(2.0, like(xs, np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    g = gx.grad(lambda r: r.x * np.sum(values_of(r.y)[1] ** 2))(big)
    assert same(g, Plain(25.0, like(xs, np.zeros(2), np.array([12.0, 16.0]))))


@containers
def test_lens_and_set(xs):
    key = next(iter(xs)) if hasattr(xs, "values") else 0
    path = gx.lens(type(xs))[key]
    f = lambda v: gx.over(path, lambda x: x * x, v)  # noqa: E731
    assert same(f(xs), like(xs, 4.0, 3.0))
    assert same(gx.grad_bp(f, xs), like(xs, 4.0, 1.0))


def test_the_laws():
    check_value_laws(Deque, [Deque([1.0, 2.0]), Deque([3.0]), Deque()])
    check_value_laws(Proxy, [Proxy({"a": 1.0}), Proxy({"b": 2.0}), Proxy({})])
    check_value_laws(dict, [default(a=1.0), default(b=2.0)])


def test_sums_of_different_lengths():
    assert same(gx.add(Deque([1.0]), Deque([10.0, 20.0])), Deque([11.0, 20.0]))
    assert same(gx.add(Proxy({"a": 1.0}), Proxy({"b": 2.0})), Proxy({"a": 1.0, "b": 2.0}))


def test_a_missing_key_of_a_default_dict_is_its_default():
    assert gx.backprop(lambda d: d["a"] * d["new"], default(a=2.0)) == (10.0, default(a=5.0))


CHANGES = {
    "append": (lambda v: v.append(v[0] * 3.0), [1.0, 2.0, 3.0], [4.0, 1.0]),
    "appendleft": (lambda v: v.appendleft(v[1] ** 2), [4.0, 1.0, 2.0], [1.0, 5.0]),
    "extend": (lambda v: v.extend(list(v)), [1.0, 2.0, 1.0, 2.0], [2.0, 2.0]),
    "pop": (lambda v: v.pop(), [1.0], [1.0, 0.0]),
    "popleft": (lambda v: v.popleft(), [2.0], [0.0, 1.0]),
    "rotate": (lambda v: v.rotate(), [2.0, 1.0], [1.0, 1.0]),
    "item": (lambda v: v.__setitem__(0, v[1]), [2.0, 2.0], [0.0, 2.0]),
    "del": (lambda v: v.__delitem__(0), [2.0], [0.0, 1.0]),
    "clear": (lambda v: v.clear(), [], [0.0, 0.0]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_methods_that_change_a_deque_change_the_runs_own(name):
    change, result, gradient = CHANGES[name]

    def f(v):
        change(v)
        return v

    x = Deque([1.0, 2.0])
    assert same(gx.backprop(f, x), (Deque(result), Deque(gradient)))
    assert x == Deque([1.0, 2.0])


def test_a_deque_keeps_its_bound():
    def f(v):
        v.append(v[0] * 5.0)
        return v

    y, g = gx.backprop(f, Deque([1.0, 2.0], maxlen=2))
    assert y == Deque([2.0, 5.0]) and y.maxlen == g.maxlen == 2
    assert g == Deque([5.0, 1.0])


def test_methods_that_change_nothing_work():
    assert gx.grad(lambda v: v.copy()[0])(Deque([3.0, 2.0])) == Deque([1.0, 0.0])
    assert gx.grad(lambda v: v.get("a") * v.get("none", 3.0))(Proxy({"a": 2.0})) == {"a": 3.0}


def test_a_long_deque():
    g = gx.grad(lambda v: sum(x * x for x in v))(Deque([1.0] * 3000))
    assert same(g, Deque([2.0] * 3000))


def test_a_sum_shares_no_array_with_what_was_added():
    a = np.ones(2)
    for x, y in (
        ([a], []),
        ([], [a]),
        ([a], None),
        (None, [a]),
        (None, {"k": [a]}),
        ({"k": a}, {}),
        ({}, {"k": a}),
        ([[a, 1.0]], [[]]),
    ):
        total = gx.add(x, y)
        items = list(total.values()) if isinstance(total, dict) else total
        while isinstance(items, list):
            items, *rest = items
            for each in (items, *rest):
                if isinstance(each, np.ndarray):
                    assert not np.shares_memory(each, a)
    assert gx.add(None, a) is not a and gx.add(a, None) is not a
    assert (
        gx.add(None, 2.0) == 2.0 and gx.add(None, "text") == "text" and gx.add(None, None) is None
    )
    g = gx.grad(lambda v: np.sum(gx.add([v], [])[0] ** 2) + np.sum(gx.add(None, [v])[0]))(a)
    np.testing.assert_array_equal(g, [3.0, 3.0])
