"""The prelude: on every container, plain and as a variable; empty, tied and with zeros."""

import collections
import operator
import types
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import Pair, Plain, same

P = gx.prelude


class Bag:
    """A registered container."""

    def __init__(self, items):
        self.items = dict(items)

    def __eq__(self, other):
        return self.items == other.items

    __hash__ = None


@pytest.fixture(autouse=True)
def bag():
    gx.register(Bag, children=lambda bag: (bag.items, Bag))


@dataclass
class Named:
    x: float
    y: float
    z: float
    name: str = "n"
    size: int = 2


MAKERS = {
    "list": list,
    "tuple": tuple,
    "dict": lambda xs: dict(zip("abc", xs, strict=True)),
    "OrderedDict": lambda xs: collections.OrderedDict(zip("abc", xs, strict=True)),
    "defaultdict": lambda xs: collections.defaultdict(float, zip("abc", xs, strict=True)),
    "mapping proxy": lambda xs: types.MappingProxyType(dict(zip("abc", xs, strict=True))),
    "deque": collections.deque,
    "array": np.array,
    "float32": lambda xs: np.array(xs, np.float32),
    "record": lambda xs: Named(*xs),
    "registered": lambda xs: Bag(zip("abc", xs, strict=True)),
}
containers = pytest.mark.parametrize("kind", MAKERS)


def made(kind, *xs):
    return MAKERS[kind](list(xs))


def items_of(xs):
    if isinstance(xs, Bag):
        xs = xs.items
    if isinstance(xs, Named):
        return [xs.x, xs.y, xs.z]
    return list(xs.values()) if hasattr(xs, "values") else list(xs)


def equal(x, y):
    """Of one type and close in every item."""
    return type(x) is type(y) and np.allclose(items_of(x), items_of(y), rtol=1e-6)


# ---- Every function on every container -----------------------------------------------------------

# name: (function, result, gradient) for the items 2, 5, 3
REDUCTIONS = {
    "sum": (P.sum, 10.0, (1.0, 1.0, 1.0)),
    "prod": (P.prod, 30.0, (15.0, 6.0, 10.0)),
    "minimum": (P.minimum, 2.0, (1.0, 0.0, 0.0)),
    "maximum": (P.maximum, 5.0, (0.0, 1.0, 0.0)),
    "length": (lambda xs: P.length(xs) * P.sum(xs), 30.0, (3.0, 3.0, 3.0)),
    "to_list": (lambda xs: P.to_list(xs)[1] * P.to_list(xs)[2], 15.0, (0.0, 3.0, 5.0)),
    "foldl": (lambda xs: P.foldl(lambda a, x: 2 * a + x, 1.0, xs), 29.0, (4.0, 2.0, 1.0)),
    "foldr": (lambda xs: P.foldr(lambda x, a: 2 * a + x, 1.0, xs), 32.0, (1.0, 2.0, 4.0)),
    "state": (
        lambda xs: P.map_accum_l(lambda s, x: (2 * s + x, s), 1.0, xs)[0],
        29.0,
        (4.0, 2.0, 1.0),
    ),
    "state from the right": (
        lambda xs: P.map_accum_r(lambda s, x: (2 * s + x, s), 1.0, xs)[0],
        32.0,
        (1.0, 2.0, 4.0),
    ),
}
MAPS = {
    "fmap": (lambda xs: P.fmap(lambda x: x * x, xs), (4.0, 25.0, 9.0), (4.0, 10.0, 6.0)),
    "traverse": (lambda xs: P.traverse(lambda x: x * x, xs), (4.0, 25.0, 9.0), (4.0, 10.0, 6.0)),
    "zip_with": (
        lambda xs: P.zip_with(lambda x, y: x * x * y, xs, xs),
        (8.0, 125.0, 27.0),
        (12.0, 75.0, 27.0),
    ),
    "scan": (
        lambda xs: P.map_accum_l(lambda s, x: (s + x, s * x), 1.0, xs)[1],
        (2.0, 15.0, 24.0),
        (9.0, 6.0, 8.0),
    ),
    "scan from the right": (
        lambda xs: P.map_accum_r(lambda s, x: (s + x, s * x), 1.0, xs)[1],
        (18.0, 20.0, 3.0),
        (9.0, 6.0, 8.0),
    ),
    "fill_like": (lambda xs: P.fill_like(xs, P.sum(xs)), (10.0, 10.0, 10.0), (3.0, 3.0, 3.0)),
}


@containers
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, kind):
    function, result, gradient = REDUCTIONS[name]
    xs = made(kind, 2.0, 5.0, 3.0)
    assert function(xs) == pytest.approx(result)
    y, g = gx.backprop(function, xs)
    assert y == pytest.approx(result)
    assert equal(g, made(kind, *gradient))


@containers
@pytest.mark.parametrize("name", MAPS)
def test_maps(name, kind):
    function, result, gradient = MAPS[name]
    xs = made(kind, 2.0, 5.0, 3.0)
    assert equal(function(xs), made(kind, *result))
    y, g = gx.backprop(function, xs)
    assert equal(y, made(kind, *result))
    assert equal(g, made(kind, *gradient))


@containers
@pytest.mark.parametrize("name", [*REDUCTIONS, *MAPS])
def test_to_the_second_order(name, kind):
    if kind != "float32":
        check_grads((REDUCTIONS | MAPS)[name][0], made(kind, 2.0, 5.0, 3.0))


@containers
def test_a_container_with_variables_in_it_is_as_good_as_a_variable(kind):
    def f(x, y):
        xs = made(kind, x, y, 3.0) if "array" not in kind and kind != "float32" else [x, y, 3.0]
        return P.prod(P.fmap(lambda x: x * x, xs))

    assert gx.grad_bp(f, 2.0, 5.0) == (900.0, 360.0)


def test_what_a_container_is_made_of_besides_its_items_stays():
    xs = collections.deque([1.0, 2.0], maxlen=2)
    assert P.fmap(abs, xs).maxlen == 2
    assert P.fmap(abs, Named(-1.0, -2.0, 3.0, "net", 5)) == Named(1.0, 2.0, 3.0, "net", 5)
    assert P.fmap(abs, collections.defaultdict(int, a=-1.0)).default_factory is int
    assert P.length(Named(1.0, 2.0, 3.0)) == 3


# ---- Optional values and numbers -----------------------------------------------------------------


def test_an_optional_number_is_a_container():
    assert (P.sum(None), P.length(None), P.to_list(None), P.fmap(abs, None)) == (0.0, 0, [], None)
    assert (P.sum(3.0), P.length(3.0), P.to_list(3.0), P.fmap(abs, -3.0)) == (3.0, 1, [3.0], 3.0)
    square = lambda x: P.sum(P.fmap(lambda x: x * x, x))  # noqa: E731
    assert gx.backprop(square, 3.0) == (9.0, 6.0)
    assert gx.backprop(lambda r: square(r.y) + r.x, Plain(1.0, None)) == (1.0, Plain(1.0, None))
    assert gx.backprop(lambda r: square(r.y) + r.x, Plain(1.0, 3.0)) == (10.0, Plain(1.0, 6.0))


# ---- Empty containers, zeros, ties ---------------------------------------------------------------


@pytest.mark.parametrize("xs", [[], (), {}, None, collections.deque(), np.zeros(0)], ids=repr)
def test_empty_containers(xs):
    for each in (lambda f: f(xs), lambda f: gx.eval_bp(f, xs), lambda f: gx.backprop(f, xs)[0]):
        assert each(P.sum) == 0.0
        assert each(P.prod) == 1.0
        assert each(P.length) == 0
        assert each(P.to_list) == []
        assert each(lambda xs: P.foldl(operator.add, 7.0, xs)) == 7.0
        assert each(lambda xs: P.foldr(operator.add, 7.0, xs)) == 7.0
        assert each(lambda xs: P.map_accum_l(lambda s, x: (s, x), 7.0, xs)[0]) == 7.0
        assert each(lambda xs: P.maximum(xs, default=-1.0)) == -1.0
        for function in (
            lambda xs: P.fmap(abs, xs),
            lambda xs: P.traverse(abs, xs),
            lambda xs: P.fill_like(xs, 1.0),
            lambda xs: P.zip_with(operator.add, xs, xs),
        ):
            assert same(each(function), xs) or (
                isinstance(xs, np.ndarray) and each(function).size == 0
            )
    for f in (P.sum, P.prod, lambda xs: P.maximum(xs, default=2.0)):
        (g,) = gx.grad_bp(lambda box, f=f: f(box[0]), [xs])
        assert np.array_equal(g, xs) or xs == g


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_the_extreme_of_nothing_is_an_error(name):
    with pytest.raises(
        gx.StructureError, match=rf"the {name} of an empty list is undefined; give default="
    ):
        getattr(P, name)([])
    with pytest.raises(gx.StructureError, match=rf"the {name} of an empty ndarray"):
        gx.grad(getattr(P, name))(np.zeros((0,)))


@containers
@pytest.mark.parametrize(
    ("items", "gradient"),
    [
        ((1.0, 0.0, 3.0), (0.0, 3.0, 0.0)),
        ((0.0, 0.0, 3.0), (0.0, 0.0, 0.0)),
        ((0.0, 2.0, -3.0), (-6.0, 0.0, 0.0)),
    ],
)
def test_products_with_zeros(kind, items, gradient):
    assert equal(gx.grad_bp(P.prod, made(kind, *items)), made(kind, *gradient))
    if kind != "float32":
        check_grads(P.prod, made(kind, *items))


@containers
@pytest.mark.parametrize(
    ("function", "items", "gradient"),
    [
        (P.maximum, (3.0, 1.0, 3.0), (0.5, 0.0, 0.5)),
        (P.maximum, (3.0, 3.0, 3.0), (1 / 3, 1 / 3, 1 / 3)),
        (P.minimum, (3.0, 1.0, 3.0), (0.0, 1.0, 0.0)),
        (P.minimum, (1.0, 1.0, 3.0), (0.5, 0.5, 0.0)),
    ],
)
def test_ties_share_equally(kind, function, items, gradient):
    assert equal(gx.grad_bp(function, made(kind, *items)), made(kind, *gradient))


def test_the_extreme_of_a_nan_is_a_nan_without_a_gradient():
    for xs in ([1.0, np.nan, 2.0], [np.nan, 1.0], (2.0, np.nan)):
        y, g = gx.backprop(P.maximum, xs)
        assert np.isnan(y)
        assert same(g, type(xs)([0.0] * len(xs)))


# ---- Items that are not numbers ------------------------------------------------------------------


def test_the_items_of_a_matrix_are_its_rows():
    a = np.array([[1.0, 2.0], [3.0, 0.5]])
    assert P.length(a) == 2
    np.testing.assert_array_equal(P.sum(a), [4.0, 2.5])
    np.testing.assert_array_equal(P.prod(a), [3.0, 1.0])
    np.testing.assert_array_equal(P.maximum(a), [3.0, 2.0])
    np.testing.assert_array_equal(P.fmap(np.sum, a), [3.0, 3.5])
    np.testing.assert_array_equal(P.fill_like(a, a[0]), [[1.0, 2.0], [1.0, 2.0]])
    assert P.sum(np.zeros((0, 3))).shape == (3,)
    for f in (P.sum, P.prod, P.maximum, lambda a: P.fmap(lambda row: row * row[0], a)):
        check_grads(f, a)


def test_a_list_of_arrays():
    xs = [np.array([1.0, 5.0]), np.array([2.0, 4.0])]
    np.testing.assert_array_equal(P.maximum(xs), [2.0, 5.0])
    np.testing.assert_array_equal(P.sum(xs), [3.0, 9.0])
    for f in (P.sum, P.prod, P.maximum, P.minimum):
        check_grads(f, xs)


def test_integers_are_items_too():
    assert P.maximum([3, 5]) == 5
    assert P.sum({"a": 2, "b": 3}) == 5
    assert same(gx.grad_bp(P.prod, [2, 5]), [5.0, 2.0])
    assert P.to_list(np.arange(3)) == [0, 1, 2]
    assert gx.grad(lambda d: d["x"] * P.sum(d["n"]))({"x": 2.0, "n": np.arange(3)})["x"] == 3.0


@pytest.mark.parametrize("number", [Fraction, Decimal])
def test_exact_numbers(number):
    xs = [number(2), number(5), number(5)]
    assert same(gx.backprop(P.prod, xs), (number(50), [number(25), number(10), number(10)]))
    y, g = gx.backprop(P.maximum, xs)
    assert same((y, g), (number(5), [number(0), number(1) / 2, number(1) / 2]))


@gx.record
class Vec:
    x: float
    y: float


def test_records_with_arithmetic():
    assert P.sum([Vec(1.0, 2.0), Vec(3.0, 4.0)], zero=Vec(0.0, 0.0)) == Vec(4.0, 6.0)
    y, g = gx.backprop(lambda xs: P.sum(xs).x ** 2, [Vec(1.0, 2.0), Vec(3.0, 4.0)])
    assert (y, g) == (16.0, [Vec(8.0, 0.0), Vec(8.0, 0.0)])


def test_items_without_arithmetic_of_their_own():
    xs = [{"a": 1.0}, {"a": 2.0, "b": 3.0}]
    assert P.sum(xs, add=gx.add) == {"a": 3.0, "b": 3.0}
    assert P.sum([], add=gx.add, zero={}) == {}
    joined = P.prod([(1.0, 2.0), (3.0,)], mul=lambda x, y: (x[0] * y[0],), one=(1.0,))
    assert joined == (3.0,)
    total = lambda xs: P.sum(xs, add=lambda x, y: (x[0] + y[0], x[1] * y[1]))[1]  # noqa: E731
    assert gx.grad_bp(total, [(1.0, 2.0), (3.0, 4.0)]) == [(0.0, 4.0), (0.0, 2.0)]


# ---- Maps of one kind and another ----------------------------------------------------------------


def test_traverse_ends_at_the_first_none():
    seen = []

    def root(x):
        seen.append(gx.value(x))
        return np.sqrt(x) if x >= 0 else None

    assert P.traverse(root, [4.0, -1.0, 9.0]) is None
    assert seen == [4.0, -1.0]
    assert gx.grad_bp(lambda xs: P.traverse(root, xs) or 0.0, [4.0, -1.0]) == [0.0, 0.0]
    assert gx.grad_bp(lambda xs: P.traverse(root, xs), [4.0, 16.0]) == [0.25, 0.125]


def test_zip_with_matches_by_key():
    f = lambda x, y: x / y  # noqa: E731
    assert P.zip_with(f, {"a": 4.0, "b": 9.0}, {"b": 3.0, "a": 2.0}) == {"a": 2.0, "b": 3.0}
    assert P.zip_with(f, (4.0, 9.0), np.array([2.0, 3.0])) == (2.0, 3.0)
    assert P.zip_with(lambda *xs: sum(xs), [1.0], [2.0], [3.0]) == [6.0]
    assert gx.grad_bp(lambda a, b: P.zip_with(f, a, b), [4.0], [2.0]) == ([0.5], [-1.0])


@pytest.mark.parametrize(
    ("xs", "ys"), [([1.0], [1.0, 2.0]), ({"a": 1.0}, {"b": 1.0}), ([1.0], {"a": 1.0}), (None, 1.0)]
)
def test_zip_with_refuses_what_does_not_match(xs, ys):
    with pytest.raises(gx.StructureError, match=r"the containers given to zip_with do not match"):
        P.zip_with(operator.add, xs, ys)


def test_pure():
    assert P.pure(list, 2.0) == [2.0]
    assert P.pure(tuple, None) == (None,)
    assert P.pure(collections.deque, 2.0) == collections.deque([2.0])
    np.testing.assert_array_equal(P.pure(np.ndarray, 2.0), [2.0])
    for cls in (list, tuple, np.ndarray):
        assert gx.grad_bp(lambda x, cls=cls: P.sum(P.pure(cls, x * x)), 3.0) == 6.0
    with pytest.raises(
        gx.StructureError, match=r"a dict of one item needs a key for it.*fill_like"
    ):
        P.pure(dict, 2.0)
    with pytest.raises(gx.StructureError, match=r"a Pair of one item needs a key"):
        P.pure(Pair, 2.0)


def test_what_gives_items_without_holding_them():
    assert gx.grad_bp(lambda xs: P.sum(x * x for x in xs), [2.0, 3.0]) == [4.0, 6.0]
    assert gx.grad_bp(lambda d: P.prod(d.values()), {"a": 2.0, "b": 3.0}) == {"a": 3.0, "b": 2.0}
    assert gx.grad_bp(lambda x: P.fmap(lambda i: i * x, range(3)), 2.0) == 3.0
    assert P.fmap(lambda x: x + 1, range(2)) == [1, 2]
    assert P.maximum(map(abs, [-3.0, 2.0])) == 3.0
    assert P.zip_with(lambda x, y: x * y, iter([2.0, 3.0]), range(2)) == [0.0, 3.0]
    assert P.length(reversed([1.0, 2.0])) == 2
    assert P.sum(iter(())) == 0.0


@pytest.mark.parametrize("x", ["text", object, (1).__add__])
def test_what_is_no_container_is_refused(x):
    with pytest.raises(
        gx.StructureError, match=r"is not a container; the functions of gx\.prelude"
    ):
        P.sum(x)


# ---- Conversions ---------------------------------------------------------------------------------


def test_round_passes_the_gradient_straight_through():
    assert gx.backprop(lambda x: P.round(x) * 10, 2.7) == (30.0, 10.0)
    assert same(P.round(2.5), 2.0)
    assert same(P.round(Fraction(5, 3)), Fraction(2))
    assert same(P.round(Decimal("1.7")), Decimal(2))
    x = np.array([0.4, 1.6], np.float32)
    y, g = gx.backprop(lambda x: P.round(x) * x, x)
    assert same((y, g), (np.array([0.0, 3.2], np.float32), np.array([0.4, 3.6], np.float32)))
    assert gx.grad(gx.grad(lambda x: P.round(x) ** 2))(2.7) == 2.0


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -np.float64("inf"), np.float32("nan")])
def test_what_is_not_finite_rounds_to_itself(x):
    y, g = gx.backprop(P.round, x)
    assert same(y, x) or (y != y and x != x and type(y) is type(x))
    assert g == 1.0
    assert P.round(Decimal("NaN")).is_nan() and P.round(Decimal("-Infinity")) == Decimal("-inf")


@pytest.mark.parametrize(
    ("x", "to", "y"),
    [
        (3, float, 3.0),
        (0.5, Fraction, Fraction(1, 2)),
        (0.5, Decimal, Decimal("0.5")),
        (Fraction(1, 2), float, 0.5),
        (Fraction(1, 2), Decimal, Decimal("0.5")),
        (Decimal("0.5"), Fraction, Fraction(1, 2)),
        (0.5, np.float32, np.float32(0.5)),
        (np.float32(0.5), float, 0.5),
        (np.float32(0.5), Fraction, Fraction(1, 2)),
        (np.array([1, 2]), float, np.array([1.0, 2.0])),
        (np.array([1.0, 2.0]), np.float32, np.array([1.0, 2.0], np.float32)),
    ],
    ids=repr,
)
def test_conversions(x, to, y):
    assert same(P.real_to_frac(x, to), y)
    assert same(P.from_integral(x, to), y)
    if getattr(getattr(x, "dtype", None), "kind", "f") == "f":
        result, g = gx.backprop(lambda v: P.real_to_frac(v, to) * 2, x)
        assert same(result, y * 2)
        assert same(g, gx.one(x) * 2)
        twice = lambda v: P.real_to_frac(P.real_to_frac(v, to) ** 2, type(y))  # noqa: E731
        if not isinstance(x, np.ndarray):
            assert same(gx.grad(gx.grad(twice))(x), gx.one(x) * 2)


@pytest.mark.parametrize("to", [int, bool, complex, np.int64, "int32"])
@pytest.mark.parametrize("x", [2.7, np.array([2.7])])
def test_a_type_without_a_derivative_is_no_target(x, to):
    text = (
        r"is not a type of numbers with a derivative; give float, Fraction, Decimal or a floating"
    )
    with pytest.raises(gx.StructureError, match=text):
        gx.grad_bp(lambda x: P.real_to_frac(x, to) * 1.0, x)


def test_a_complex_number_has_no_conversion():
    with pytest.raises(gx.StructureError, match=r"1\+2j\) cannot be converted.*np\.real\(x\)"):
        P.real_to_frac(1 + 2j, float)


# ---- Plain values and variables alike ------------------------------------------------------------

values = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=6)


@pytest.mark.parametrize("kind", ["list", "tuple", "deque", "array"])
@pytest.mark.parametrize("name", [*REDUCTIONS, *MAPS])
@given(xs=values)
def test_a_run_gives_what_the_plain_call_gives(name, kind, xs):
    function = (REDUCTIONS | MAPS)[name][0]
    assume(name != "to_list" or len(xs) >= 3)
    xs = MAKERS[kind](xs)
    plain, run = function(xs), gx.backprop(function, xs)[0]
    assert np.allclose(plain, run)


@pytest.mark.parametrize("make", [list, np.array, lambda xs: dict(enumerate(xs))])
def test_the_cost_is_linear(make):
    def nodes(function, n):
        taken = []

        def counted(xs):
            y = function(xs)
            taken.append(len(y._run.nodes))
            return y

        gx.grad_bp(counted, make([1.5] * n))
        return taken[0]

    for function in (
        P.prod,
        P.maximum,
        lambda xs: P.sum(P.fmap(lambda x: x * x, xs)),
        lambda xs: P.map_accum_l(lambda s, x: (s * x, x), 1.0, xs)[0],
        lambda xs: P.foldr(operator.mul, 1.0, xs),
    ):
        assert nodes(function, 400) <= 4 * nodes(function, 100) + 8
