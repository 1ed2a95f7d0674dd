"""Faults that were found by use, each with the shortest program that showed it."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

import gradx as gx
import gradx.testing


def test_an_integer_cotangent_does_not_truncate_other_items():
    zeroed = gx.lift(lambda a: (a * 1.0, lambda g: 0))
    g = gx.grad(lambda v: 0.5 * v[1] + zeroed(v[0]))(np.array([1.0, 2.0, 3.0]))
    assert g.tolist() == [0.0, 0.5, 0.0]


@pytest.mark.parametrize("first", [True, False])
def test_a_real_cotangent_does_not_make_other_items_real(first):
    real = gx.lift(lambda z: (z.real, lambda g: float(g)))

    def f(v):
        terms = [abs(v[1]) ** 2, real(v[0])]
        return sum(terms if first else reversed(terms))

    assert np.allclose(gx.grad(f)(np.array([1 + 2j, 3 + 4j])), [1, 6 + 8j])


def test_a_complex_cotangent_of_a_real_number_is_made_real():
    times_i = gx.lift(lambda a: (a * 1j, lambda g: g * 1j))
    g = gx.grad(lambda z: (times_i(abs(z)) * (1 + 1j)).real)(1 + 2j)
    assert np.isclose(g, -(1 + 2j) / abs(1 + 2j))


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    @cached_property
    def norm(self):
        return self.x**2 + self.y**2


def test_cached_properties_of_registered_types_are_not_copied():
    gx.register(Point, children=("x", "y"))
    p = Point(3.0, 4.0)
    assert p.norm == 25.0
    assert vars(gx.grad(lambda p: p.norm)(p)) == {"x": 6.0, "y": 8.0}


class Box:
    def __init__(self, a):
        self.a = a


def test_types_with_an_addition_of_their_own_are_settled_part_by_part():
    gx.register(Box, children=("a",), add=lambda x, y: Box(x.a + y.a))
    z = np.array([1 + 2j])
    assert gx.grad(lambda q: np.sum(np.abs(q.a) ** 2))(Box(z)).a.tolist() == [2 + 4j]
    shared = Box(np.ones(1))
    both = gx.lift(lambda p, q: (1.0, lambda g: (shared, shared)))
    first, second = gx.grad_bp(both, Box(np.ones(1)), Box(np.ones(1)))
    assert not np.shares_memory(first.a, second.a)
    assert not np.shares_memory(first.a, shared.a)


def test_gradients_of_opaque_types_are_not_shared():
    gx.register(Box, zero=lambda x: Box(0 * x.a), add=lambda x, y: Box(x.a + y.a), one=lambda x: x)
    seed = Box(np.ones(1))
    _, pullback = gx.backprop_with(lambda q: q, Box(np.zeros(1)))
    assert not np.shares_memory(pullback(seed).a, seed.a)


def test_a_key_of_a_dict_hides_no_method():
    g = gx.grad(lambda d: d["items"] + sum(v for _, v in d.items()))({"items": 3.0, "b": 2.0})
    assert g == {"items": 2.0, "b": 1.0}


def test_counters_keep_their_keys():
    assert gx.zero(Counter(a=1.0)) == Counter({"a": 0.0})


def test_powers_of_short_integers_are_computed_in_full():
    g = gx.grad(lambda v: np.sum(np.array([3, 5], dtype=np.int8) ** v))(2.5)
    assert np.isclose(g, 3**2.5 * np.log(3) + 5**2.5 * np.log(5), rtol=1e-12)


def test_complex_powers_of_negative_numbers():
    gx.testing.check_grads(lambda z: np.real((-2.0) ** z), 1.5 + 0.3j)
    assert np.isclose(gx.grad(lambda v: abs(v ** (1 / 3)))(-8.0), -1 / 12)


def test_a_variable_is_no_static_parameter():
    @gx.lift
    def scaled(a, *, k):
        return a * k, lambda g: g * k

    with pytest.raises(gx.OpError, match=r"'k' of scaled is static and was given a variable"):
        gx.grad(lambda v: scaled(v, k=v))(3.0)


def test_operands_are_given_by_name_too():
    @gx.lift
    def scaled(a, b, *, k=2.0):
        return a * b * k, lambda g: (g * b * k, g * a * k)

    assert scaled(b=3.0, a=2.0) == 12.0 and scaled(2.0, b=3.0, k=1.0) == 6.0
    assert gx.grad(lambda v: scaled(b=v, a=v * v, k=1.0))(2.0) == 12.0
    assert gx.jvp(lambda v: scaled(b=v, a=v * v), (2.0,), (1.0,)) == (16.0, 24.0)
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        scaled(b=3.0)


def test_arguments_are_named_once_and_by_any_index():
    with pytest.raises(TypeError, match=r"\(0, 0\) names an argument twice"):
        gx.grad(lambda x: x, (0, 0))(3.0)
    assert gx.grad(lambda x: x, np.int64(0))(3.0) == 1.0
    assert gx.grad_bp(lambda f: f * 2, f=3.0) == {"f": 2.0}


def test_tuples_of_numbers_are_arrays_to_operators():
    assert gx.grad_bp(lambda v: v * (1.0, 2.0, 3.0), np.ones(3)).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("index", [slice(1, 3), ([0, 0, 1],), ((0, 0, 1),), (None, [2, 2])])
def test_items_named_twice_count_twice(index):
    x = np.arange(3.0)
    weights = np.arange(1.0, 1.0 + x[index].size).reshape(x[index].shape)
    wanted = np.zeros(3)
    np.add.at(wanted, index, weights)
    assert gx.grad(lambda v: np.sum(v[index] * weights))(x).tolist() == wanted.tolist()


BYTES = np.array([100, -90, 60], dtype=np.int8)
ITEMS = np.array([1.5, 2.5, -3.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.arctan2(BYTES, a),
        lambda a: np.gradient(a, np.sort(BYTES)),
        lambda a: np.interp(a * 10, np.sort(BYTES), [1.0, 5.0, -2.0]),
        lambda a: np.interp(a * 10, [-90.0, 0.0, 90.0], np.array([200, 10, 250], np.uint8)),
    ],
    ids=["arctan2", "gradient", "interp xp", "interp fp"],
)
def test_integer_arrays_do_not_overflow(f):
    assert np.allclose(gx.backprop(f, ITEMS)[0], f(ITEMS))
    gradx.testing.check_grads(f, ITEMS)


def test_complex_numbers_in_nested_runs_of_real_ones():
    def outer(x):
        return (gx.grad_bp(lambda z: ((z * z * 1j) * (x + 3j)).real, 1.5) * (2 + 1j) * x).imag

    assert np.isclose(gx.grad(outer)(1.5), -9.0)
    assert gx.grad(lambda x: gx.grad_bp(lambda z: (z * 1j).real * x, 1.5))(1.5) == 0.0


@pytest.mark.parametrize("name", ["_run", "_node", "_of", "_process", "_value", "level"])
def test_fields_may_be_named_like_a_variables_own_attributes(name):
    cls = dataclass(type("Level", (), {"__annotations__": {"depth": float, name: float}}))
    y, g = gx.backprop(lambda t: t.depth * getattr(t, name), cls(2.0, 3.0))
    assert (y, g) == (6.0, cls(3.0, 2.0))


@dataclass
class Table:
    w: float
    rows: object = gx.static(default=None)


def test_a_variable_in_a_static_field_is_refused():
    for f in (lambda v: Table(v, v * 2), lambda v: Table(1.0, v * 2), lambda v: [Table(1.0, [v])]):
        with pytest.raises(
            gx.StructureError, match="static field 'rows' of a Table holds a variab"
        ):
            gx.backprop(f, 3.0)


def test_attributes_that_are_no_fields_are_explained():
    @dataclass
    class Post:
        w: float

        def __post_init__(self):
            self.squared = self.w**2

    with pytest.raises(gx.NotDifferentiableError, match=r"'squared' of a Post.*make it a field"):
        gx.grad_bp(lambda s: s.squared, Post(1.0))


def test_the_type_of_a_record_is_its_class():
    @dataclass
    class Post:
        w: float

    assert gx.grad_bp(lambda s: type(s)(s.w * 2.0).w, Post(1.0)) == Post(2.0)


def test_deep_cotangents_meet_without_overflow():
    chain = [1.0]
    for _ in range(3000):
        chain = [1.0, chain]

    def walk(v):
        total = 0.0
        while True:
            total = total + v[0]
            if len(v) < 2:
                return total
            v = v[1]

    g = gx.grad_bp(lambda v: (v, walk(v)), chain)
    assert g[0] == g[1][1][0] == 2.0


@pytest.mark.parametrize("f", [lambda y: y > 1, np.isnan], ids=["comparison", "isnan"])
def test_truth_values_are_no_results_to_differentiate(f):
    with pytest.raises(gx.NonScalarError, match="returned bool"):
        gx.grad(f)(2.0)


class Pair:
    def __init__(self, p, q):
        self.p, self.q = p, q


def _register_pair():
    gx.register(Pair, children=("p", "q"), add=lambda a, b: Pair(a.p + b.p, a.q + b.q))


def test_types_with_an_addition_of_their_own_are_joined():
    _register_pair()
    y, g = gx.backprop(lambda a: Pair(a, ITEMS * a), 2.0)
    assert (y.p, y.q.tolist()) == (2.0, (2 * ITEMS).tolist())
    assert np.isclose(g, 1.0 + ITEMS.sum())
    weighed = gx.lift(lambda w: (w.p * np.sum(w.q), lambda g: Pair(10 * g, 0 * w.q)))
    assert gx.grad(lambda a: weighed(Pair(a, ITEMS)))(2.0) == 10.0


def test_parts_of_types_with_an_addition_of_their_own_can_be_set():
    _register_pair()
    lens = gx.lens(Pair).p
    g = gx.grad(lambda w: gx.set(lens, w.q[0], w).p * w.q[1])(Pair(2.0, ITEMS))
    assert g.p == 0.0
    assert g.q.tolist() == [2.5, 1.5, 0.0]


@pytest.mark.parametrize("nothing", [None, "zero"])
def test_integer_arrays_may_be_operands_of_an_op(nothing):
    def pullback(n):
        rest = gx.zero(n) if nothing else None
        return lambda g: (np.bincount(n, minlength=3) * g, rest)

    picked = gx.lift(lambda a, n: (np.sum(a[n]), pullback(n)))
    assert gx.grad(lambda a: picked(a, np.array([1, 2])))(ITEMS).tolist() == [0.0, 1.0, 1.0]


def test_a_cotangent_of_integers_is_named_so():
    whole = gx.lift(lambda a: (np.sum(a), lambda g: np.ones(3, int)))
    with pytest.raises(gx.CotangentError, match="is an array of dtype int64"):
        gx.grad(whole)(ITEMS)


ITEMS_OF = {
    "absolute": lambda x: np.absolute(x)[1],
    "absolute-complex": lambda x: np.absolute(x * 1j + x.T)[1],
    "fabs": lambda x: np.fabs(x)[1] ** 2,
    "sqrt": lambda x: np.sqrt(x * x)[1],
    "hypot": lambda x: np.hypot(x, x.T)[0, 1],
    "norm": lambda x: np.linalg.norm(x, axis=0)[1],
    "std": lambda x: np.std(x, axis=0)[1],
    "eigvalsh": lambda x: np.linalg.eigvalsh(x)[1],
}


@pytest.mark.parametrize("name", ITEMS_OF)
def test_an_item_of_a_result_that_keeps_factors_has_a_second_derivative(name):
    gx.testing.check_grads(ITEMS_OF[name], np.array([[1.5, -0.4], [0.3, 2.0]]), order=2)
