"""Structures: what a variable of a record or container shares with the plain one, and nesting."""

from dataclasses import dataclass

import attrs
import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import Pair, Plain, Point, same

x, y = gx.lens(Plain).x, gx.lens(Plain).y


# ---- As the plain value --------------------------------------------------------------------------


def test_truth_of_containers_is_that_of_the_value():
    assert gx.grad_bp(lambda v: v[0] if v else 1.0, (2.0,)) == (1.0,)
    assert gx.backprop(lambda v: v[0] if v else 1.0, ()) == (1.0, ())


def test_comparisons_of_containers_look_at_values():
    seen = []
    gx.grad_bp(lambda v: seen.extend([v == (2.0,), v != (2.0,), v == v, v == (1.0,)]) or v, (2.0,))
    assert seen == [True, False, True, False]
    gx.grad_bp(lambda p: seen.append(p == Point(1.0, 2.0)) or p.x, Point(1.0, 2.0))
    assert seen[-1] is True


def test_dir_shows_the_records_names():
    seen = []
    gx.grad_bp(lambda p: seen.append(dir(p)) or p.x, Plain(1.0, 2.0))
    assert {"x", "y"} <= set(seen[0]) and "_node" not in seen[0]


def test_methods_of_containers_that_read():
    assert gx.backprop(lambda v: v[0] * v.count(1.0) * v.index(1.0), [2.0, 1.0]) == (
        2.0,
        [1.0, 0.0],
    )
    assert gx.grad_bp(lambda v: dict(v.items())["a"], {"a": 1.0}) == {"a": 1.0}
    assert gx.grad_bp(lambda v: v.copy()["a"], {"a": 1.0}) == {"a": 1.0}


def test_in_place_operators_of_containers_rebind():
    def grown(v):
        v += [3.0]
        return v

    def merged(v):
        v |= {"b": 3.0}
        return v

    inputs = [1.0], {"a": 1.0}
    assert gx.backprop(grown, inputs[0]) == ([1.0, 3.0], [1.0])
    assert gx.backprop(merged, inputs[1]) == ({"a": 1.0, "b": 3.0}, {"a": 1.0})
    assert inputs == ([1.0], {"a": 1.0})


def test_methods_may_change_the_record_of_the_run():
    """They change the run's own copy; the caller's record stays as it was."""

    @dataclass
    class Counter:
        x: float

        def bump(self):
            self.x = self.x * 2.0

    def f(c):
        c.bump()
        return c.x

    counter = Counter(3.0)
    assert gx.backprop(f, counter) == (6.0, Counter(2.0))
    assert counter == Counter(3.0)


def test_methods_may_change_what_they_made_themselves():
    @dataclass
    class Counter:
        x: float

        def bumped(self):
            new = Counter(self.x)
            new.x = new.x * 2.0
            return new

    assert gx.grad_bp(lambda c: c.bumped().x, Counter(1.0)) == Counter(2.0)


@pytest.mark.parametrize("function", [np.mean, np.linalg.norm, np.exp, lambda v: np.dot(v, v)])
def test_functions_of_arrays_say_of_a_record_what_they_say_without_gradx(function):
    with pytest.raises(TypeError) as plain:
        function(Plain(1.0, 2.0))
    with pytest.raises(TypeError) as ours:
        gx.grad_bp(function, Plain(1.0, 2.0))
    assert type(ours.value) is type(plain.value) and str(ours.value) == str(plain.value)


def test_functions_of_arrays_leave_a_record_as_numpy_does():
    assert gx.eval_bp(np.sum, Plain(1.0, 2.0)) == Plain(1.0, 2.0)
    y, g = gx.backprop(np.sum, Plain(1.0, 2.0))
    assert (y, g) == (Plain(1.0, 2.0), Plain(1.0, 1.0))
    with pytest.raises(gx.StructureError, match="the result, of type ndarray, holds a variable"):
        gx.grad_bp(lambda v: np.stack([v, v]), Plain(1.0, 2.0))


@pytest.mark.parametrize("f", [lambda p: p + 1, lambda p: 1 + p, lambda p: np.ones(2) * p, abs])
def test_operators_that_a_record_does_not_have_raise(f):
    with pytest.raises(TypeError):
        gx.grad_bp(f, Plain(1.0, 2.0))


def test_generators_are_not_results():
    def f(v):
        yield v

    with pytest.raises(gx.UnregisteredTypeError, match="generator"):
        gx.grad_bp(f, 1.0)


# ---- Parts across runs ---------------------------------------------------------------------------


def test_an_inner_variable_set_into_an_outer_record():
    f = lambda p: gx.grad(lambda z: (lambda q: q.x * q.y)(gx.set(x, z, p)))(3.0)  # noqa: E731
    assert gx.backprop(f, Plain(2.0, 5.0)) == (5.0, Plain(0.0, 1.0))


def test_an_outer_variable_set_into_an_inner_record():
    def f(z):
        inner = lambda p: (lambda q: q.x * q.y**2)(gx.set(x, z, p))  # noqa: E731
        return gx.grad(inner)(Plain(2.0, 5.0)).y  # 2 z y

    assert gx.backprop(f, 3.0) == (30.0, 10.0)


def test_containers_of_variables_of_two_runs():
    def f(a):
        inner = lambda b: (lambda q: q[0] * q[1]["k"] * b)(gx.join((a, {"k": b})))  # noqa: E731
        return gx.grad(inner)(2.0) * a  # 2 b a a

    assert gx.backprop(f, 3.0) == (36.0, 24.0)


def test_an_outer_record_inside_an_inner_run():
    def f(p):
        return gx.grad(lambda z: (z * p.x + p.y["k"][0]) ** 2)(1.0)

    check_grads(f, Plain(2.0, {"k": np.array([3.0])}))
    check_grads(lambda p: gx.grad_bp(lambda q: q.x * q.y["k"] * p.x, p), Plain(2.0, {"k": 3.0}))


def test_gradients_of_inner_runs_are_records_of_outer_variables():
    def f(p):
        g = gx.grad(lambda q: q.x**2 * q.y[0])(p)
        assert isinstance(gx.split(g), Plain)
        return g.x * g.y[0]

    # g.x = 2 x y, g.y = x², their product 2 x³ y
    assert same(gx.grad_bp(f, Plain(2.0, (3.0,))), Plain(72.0, (16.0,)))


def test_opaque_values():
    class Amount:
        def __init__(self, n):
            self.n = n

    gx.register(
        Amount,
        zero=lambda a: Amount(0.0),
        add=lambda a, b: Amount(a.n + b.n),
        one=lambda a: Amount(1.0),
    )
    scaled = gx.lift(lambda a: (Amount(a.n * 3.0), lambda g: Amount(g.n * 3.0)))
    assert gx.grad_bp(lambda a: (scaled(a), scaled(scaled(a)), a), Amount(1.0)).n == 13.0
    with pytest.raises(gx.NotLiftedError, match=r"\.n of a variable of the registered type Amount"):
        gx.grad_bp(lambda b: gx.grad_bp(scaled, b), Amount(1.0))
    assert gx.grad_bp(lambda b: gx.grad_bp(lambda a: (a, a), b), Amount(1.0)).n == 0.0


# ---- Lenses on other records ---------------------------------------------------------------------


@attrs.frozen
class Frozen:
    x: float
    y: float = 1.0


class Box:
    def __init__(self, a, b):
        self.a, self.b = a, b


@dataclass
class Late:
    x: float

    def __post_init__(self):
        self.y = self.x


def test_lenses_of_attrs_classes():
    path = gx.lens(Frozen).x
    assert gx.set(path, 5.0, Frozen(1.0, 2.0)) == Frozen(5.0, 2.0)
    assert gx.grad_bp(lambda f: gx.set(path, f.y, f).x, Frozen(1.0, 2.0)) == Frozen(0.0, 1.0)


def test_lenses_of_registered_classes():
    gx.register(Box, children=("a", "b"))
    new = gx.set(gx.lens(Box).a, 5.0, Box(1.0, 2.0))
    assert (new.a, new.b) == (5.0, 2.0)
    g = gx.grad_bp(lambda box: gx.over(gx.lens(Box).a, np.sin, box).a, Box(0.0, 2.0))
    assert (g.a, g.b) == (1.0, 0.0)


def test_lenses_of_named_tuples_and_deep_paths():
    path = gx.lens(Pair).x["k"][1]
    whole = Pair({"k": [1.0, 2.0]}, 3.0)
    assert gx.over(path, lambda v: v * 2.0, whole) == Pair({"k": [1.0, 4.0]}, 3.0)
    g = gx.grad_bp(lambda p: gx.view(path, gx.over(path, lambda v: v * p.y, p)), whole)
    assert g == Pair({"k": [0.0, 3.0]}, 2.0)
    assert whole == Pair({"k": [1.0, 2.0]}, 3.0)


def test_set_on_a_plain_record_runs_its_constructor():
    new = gx.set(gx.lens(Late).x, 5.0, Late(1.0))
    assert (new.x, new.y) == (5.0, 5.0)


def test_parts_that_are_not_there_are_named():
    with pytest.raises(AttributeError, match=r"lens has no part \.c \(on the path lens\.c\)"):
        gx.view(gx.lens(Box).c, Box(1.0, 2.0))
    with pytest.raises((IndexError, gx.StructureError), match="5"):
        gx.grad_bp(lambda v: gx.set(gx.lens(tuple)[5], 1.0, v), (1.0,))
