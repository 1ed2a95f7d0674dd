"""One object at several paths of the inputs: a change of it is seen or refused, never missed."""

import collections
import functools
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradx as gx


@dataclass
class Record:
    w: Any
    count: int = 0

    @functools.cached_property
    def square(self):
        return self.w**2


@dataclass(slots=True)
class Slotted:
    w: Any
    count: int = 0


class Weights(list):
    pass


class Registered:
    __slots__ = ("count", "log", "w")

    def __init__(self, w):
        self.w, self.count, self.log = w, 0, []


@pytest.fixture(autouse=True)
def registered():
    gx.register(Registered, children=("w",))


def with_attributes(x, **attributes):
    for name, value in attributes.items():
        setattr(x, name, value)
    return x


def count_up(x, y):
    x.count += 1
    return x.w * y.count


def log_twice(x, y):
    x.log.append(1)
    return x.w * len(y.log)


def append(x, y):
    x.append(2.0)
    return sum(y)


CHANGED = {
    "list": ([1.0], append, "argument 0 and argument 1 are one list"),
    "deque": (collections.deque([1.0]), append, "are one deque"),
    "list subclass": (Weights([1.0]), append, "are one Weights"),
    "dict": ({"w": 1.0}, lambda x, y: x.update(v=2.0) or sum(y.values()), "are one dict"),
    "read of a defaultdict": (
        collections.defaultdict(float, w=1.0),
        lambda x, y: x["v"] + y["w"] * len(y),
        "are one defaultdict",
    ),
    "replaced leaf": ([1.0], lambda x, y: x.__setitem__(0, x[0] * 2) or y[0], "are one list"),
    "int field": (Record(1.0), count_up, "are one Record"),
    "int field in a slot": (Slotted(1.0), count_up, "are one Slotted"),
    "undeclared slot": (Registered(1.0), count_up, "are one Registered"),
    "undeclared list in a slot": (Registered(1.0), log_twice, r"argument 0\.log and .*one list"),
    "undeclared attribute": (
        with_attributes(Record(1.0), tries=0),
        lambda x, y: with_attributes(x, tries=1).w * y.tries,
        "are one Record",
    ),
    "new attribute": (
        Record(1.0),
        lambda x, y: with_attributes(x, tries=1).w * getattr(y, "tries", 0),
        "are one Record",
    ),
    "undeclared list": (
        with_attributes(Record(1.0), log=[]),
        log_twice,
        r"argument 0\.log and argument 1\.log are one list",
    ),
    "undeclared containers": (
        with_attributes(Record(1.0), log={"a": [{"b": []}]}),
        lambda x, y: x.log["a"][0]["b"].append(1) or x.w * len(y.log["a"][0]["b"]),
        r"argument 0\.log\['a'\]\[0\]\['b'\] and .* are one list",
    ),
    "attribute of a list": (
        with_attributes(Weights([1.0]), log=[]),
        lambda x, y: x.log.append(1) or x[0] * len(y.log),
        r"argument 0\.log and argument 1\.log are one list",
    ),
    "inside": ([{"k": [1.0]}], lambda x, y: append(x[0]["k"], y[0]["k"]), r"0\[0\]\['k'\] and"),
}


@pytest.mark.parametrize(
    ("value", "f", "says"), [pytest.param(*row, id=kind) for kind, row in CHANGED.items()]
)
def test_a_change_of_an_object_at_two_paths_is_refused(value, f, says):
    with pytest.raises(gx.AliasError, match=says):
        gx.backprop(f, value, value)
    with pytest.raises(gx.AliasError, match="the function changed it at one of these paths"):
        gx.backprop(lambda p: f(p["a"], p["b"]), {"a": value, "b": value})
    with pytest.raises(gx.AliasError, match=r" and b(\.|\[| are one)"):
        gx.backprop(lambda x, b: f(x, b), value, b=value)


def test_one_list_in_attributes_of_two_objects():
    log: list[Any] = []
    x, y = with_attributes(Record(1.0), log=log), with_attributes(Record(2.0), log=log)
    with pytest.raises(gx.AliasError, match=r"argument 0\.log and argument 1\.log are one list"):
        gx.backprop(log_twice, x, y)


def test_a_dict_and_a_proxy_of_it():
    d = {"a": 1.0}
    with pytest.raises(gx.AliasError, match=r"argument 0 and argument 1 are one dict"):
        gx.backprop(append_to_dict, d, types.MappingProxyType(d))
    y, g = gx.backprop(lambda x, y: x["a"] * y["a"], d, types.MappingProxyType(d))
    assert y == 1.0 and g[0] == {"a": 1.0} and g[1]["a"] == 1.0


def append_to_dict(x, y):
    x["b"] = 2.0
    return sum(y.values())


def test_the_inputs_of_a_run_inside():
    def f(x):
        pair = [x, 2.0]
        return gx.grad(lambda u: append(u[0], u[1]))((pair, pair))[0][0]

    with pytest.raises(gx.AliasError, match=r"argument 0\[0\] and argument 0\[1\] are one list"):
        gx.grad(f)(3.0)

    def unchanged(x):
        pair = [x, x * 2.0]
        g = gx.grad(lambda u: u[0][0] * u[1][1] ** 2)((pair, pair))
        return g[0][0] + g[1][1]  # 4 x² + 2 x · 2 x

    assert gx.value_and_grad(unchanged)(3.0) == (72.0, 48.0)


def test_what_is_only_read_keeps_a_gradient_at_each_path():
    x = [2.0]
    assert gx.grad_bp(lambda a, b: a[0] * b[0] ** 2, x, x) == ([4.0], [8.0])
    cached = Record(2.0)
    assert cached.square == 4.0
    a, b = gx.grad_bp(lambda a, b: a.square * b.square, cached, cached)
    assert (a.w, b.w) == (16.0, 16.0)
    logged = with_attributes(Record(2.0), log=[1, 2])
    a, b = gx.grad_bp(lambda a, b: a.w * b.w * len(a.log), logged, logged)
    assert (a.w, b.w) == (4.0, 4.0)


def test_a_method_of_a_list_in_the_input_changes_the_copy():
    mine = [1.0]
    y, g = gx.backprop(lambda p: p["add"](2.0) or sum(p["l"]), {"l": mine, "add": mine.append})
    assert (y, g["l"], mine) == (3.0, [1.0], [1.0])


def test_static_arrays_and_sets_are_the_callers_own():
    rows, names = np.arange(3), {"a"}
    value = {"w": 2.0, "rows": rows, "names": names}

    def f(x, y):
        x["rows"] += 1
        x["names"].add("b")
        return x["w"] * y["rows"].sum() * len(y["names"])

    y, _ = gx.backprop(f, value, value)
    assert y == 24.0 and rows.sum() == 6 and names == {"a", "b"}  # as in the plain run


# ---- Functions on values with shared objects -----------------------------------------------------


def test_freeze_of_one_path_of_a_shared_object():
    x = [2.0, 3.0]

    def f(p):
        p = gx.freeze(p, "[0]")
        return p[0][0] * p[1][1]

    assert gx.grad(f)((x, x)) == ([0.0, 0.0], [0.0, 2.0])


def test_tied_places_of_a_shared_object():
    w = np.array([1.0, 2.0])

    def f(p):
        p = gx.tied(p, "['a']", "['b']")
        return np.sum(p["a"] * p["b"])

    g = gx.grad(f)({"a": w, "b": w})
    assert np.array_equal(g["a"], [2.0, 4.0]) and np.array_equal(g["b"], [0.0, 0.0])


def test_descend_on_shared_arrays_and_views():
    w = np.ones(2)
    p = {"a": w, "b": [w]}
    gx.descend(lambda p: np.sum(p["a"] * p["b"][0]), p, 0.1)
    assert p["a"] is w is p["b"][0] and np.allclose(w, 0.8)  # the sum over both paths
    w = np.ones(4)
    gx.descend(lambda p: np.sum(p[0]) + np.sum(p[1]), [w, w[:2]], 0.1)
    assert np.allclose(w, [0.8, 0.8, 0.9, 0.9])


def test_fold_tree_on_shared_nodes():
    @dataclass
    class Node:
        kids: list[Any]
        x: float

    def value(node):
        return node.x * (1.0 + sum(node.kids))

    leaf = Node([], 2.0)
    y, g = gx.backprop(lambda tree: gx.fold_tree(value, tree), Node([leaf, leaf], 3.0))
    assert y == 15.0 and (g.x, g.kids[0].x, g.kids[1].x) == (5.0, 3.0, 3.0)

    def f(x):
        shared = Node([], x)
        return gx.fold_tree(value, Node([shared, shared], x))

    assert gx.value_and_grad(f)(3.0) == (21.0, 13.0)


def test_moving_shared_objects_to_a_device():
    x = [np.ones(2)]
    a, b = gx.grad(lambda p: np.sum(gx.to_device(p, "cpu")[0][0] * p[1][0]))((x, x))
    assert np.array_equal(a[0], [1.0, 1.0]) and np.array_equal(b[0], [1.0, 1.0])


@pytest.mark.parametrize("change", [list.clear, list.pop, lambda p: p.append(np.ones(2))])
@pytest.mark.parametrize("differentiated", [gx.grad, lambda f: lambda *xs: gx.grad_bp(f, *xs)])
def test_an_input_that_is_changed_by_another_name(change, differentiated):
    x = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]

    def f(p, *_):
        change(x)
        return np.sum(p[0] ** 2) + np.sum(p[1] ** 3)

    with pytest.raises(gx.AliasError, match="changed the input itself"):
        differentiated(f)(x)
    y = [np.ones(2), np.ones(2)]
    _, pullback = gx.backprop_with(lambda p: np.sum(p[0] * p[1]), y)
    change(y)
    with pytest.raises(gx.AliasError, match="changed the input itself"):
        pullback(1.0)
