"""Values: the laws for every type, what is static, registration, structure of gradients."""

import collections
import dataclasses
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradx as gx
from tests.core.samples import RECORDS, VALUES, Mixed, Pair, Plain, Typed, rank, same

kinds = pytest.mark.parametrize("kind", VALUES)
inputs = pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "None"])
few = settings(max_examples=15)

# ---- The laws ------------------------------------------------------------------------------------


@kinds
@few
@given(data=st.data())
def test_zero_is_the_identity_of_add(kind, data):
    x = data.draw(VALUES[kind])
    assert same(rank(gx.add(x, gx.zero(x))), rank(x))
    assert same(rank(gx.add(gx.zero(x), x)), rank(x))


@kinds
@few
@given(data=st.data())
def test_add_is_commutative(kind, data):
    x, y = data.draw(VALUES[kind]), data.draw(VALUES[kind])
    assert same(gx.add(x, y), gx.add(y, x)), (x, y)


@kinds
@few
@given(data=st.data())
def test_add_is_associative(kind, data):
    x, y, z = (data.draw(VALUES[kind]) for _ in range(3))
    assert same(gx.add(gx.add(x, y), z), gx.add(x, gx.add(y, z))), (x, y, z)


@kinds
@few
@given(data=st.data())
def test_zero_and_one_are_idempotent(kind, data):
    x = data.draw(VALUES[kind])
    assert same(gx.zero(gx.zero(x)), gx.zero(x))
    assert same(gx.one(gx.one(x)), gx.one(x))


@inputs
@few
@given(data=st.data())
def test_one_is_the_gradient_of_the_identity(kind, data):
    x = data.draw(VALUES[kind])
    assert same(gx.grad_bp(lambda v: v, x), gx.one(x))


@inputs
@few
@given(data=st.data())
def test_zero_is_the_gradient_of_a_constant(kind, data):
    x = data.draw(VALUES[kind])
    assert same(gx.grad_bp(lambda v: 1.0, x), gx.zero(x))


# ---- The operations by example -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "zero", "one"),
    [
        (2.5, 0.0, 1.0),
        (3, 0.0, 1.0),
        (2j, 0j, 1 + 0j),
        (np.float32(2), np.float32(0), np.float32(1)),
        (np.complex64(2j), np.complex64(0), np.complex64(1)),
        (np.array(2.5), np.array(0.0), np.array(1.0)),
        (np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32), np.ones((2, 1), np.float32)),
        (Fraction(1, 3), Fraction(0), Fraction(1)),
        (Decimal("0.1"), Decimal(0), Decimal(1)),
        ((1.5, [2]), (0.0, [0.0]), (1.0, [1.0])),
        ({"a": 2.0, 3: None}, {"a": 0.0, 3: None}, {"a": 1.0, 3: None}),
        (Typed(2.0, 3), Typed(0.0, 3), Typed(1.0, 3)),
        (Pair(2.0, 3), Pair(0.0, 0.0), Pair(1.0, 1.0)),
        (None, None, None),
        ((), (), ()),
    ],
    ids=str,
)
def test_zero_and_one(x, zero, one):
    assert same(gx.zero(x), zero)
    assert same(gx.one(x), one)


@pytest.mark.parametrize(
    ("x", "y", "total"),
    [
        ([1.0, 2.0, 3.0], [10.0], [11.0, 2.0, 3.0]),
        ([1.0], [10.0, 20.0, 30.0], [11.0, 20.0, 30.0]),
        ([1.0, 2.0], [10.0, 20.0, 30.0], [11.0, 22.0, 30.0]),
        ([], [1.0], [1.0]),
        ({"a": 1.0}, {"b": 2.0}, {"a": 1.0, "b": 2.0}),
        ({"a": 1.0, "c": 3.0}, {"c": 4.0}, {"a": 1.0, "c": 7.0}),
        (None, 2.0, 2.0),
        (2.0, None, 2.0),
        (None, None, None),
        ((None, 1.0), (5.0, None), (5.0, 1.0)),
        ({"k": [1.0]}, {"k": [1.0, 1.0]}, {"k": [2.0, 1.0]}),
        (Plain(1.0, None), Plain(2.0, [3.0]), Plain(3.0, [3.0])),
    ],
    ids=str,
)
def test_variable_lengths_add_as_if_padded_with_zeros(x, y, total):
    assert same(gx.add(x, y), total)
    assert same(gx.add(y, x), total)


def test_add_changes_neither_operand():
    x, y = {"a": [np.ones(2)]}, {"a": [np.ones(2), np.ones(1)]}
    gx.add(x, y)
    assert same((x, y), ({"a": [np.ones(2)]}, {"a": [np.ones(2), np.ones(1)]}))


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        ((1.0, "a"), (2.0, "b"), r"the static values 'a' and 'b' at value\[1\] differ"),
        ({"k": Plain(1.0, "a")}, {"k": Plain(1.0, "b")}, r"at value\['k'\]\.y differ"),
        (Mixed(1.0, 1.0, 2, "n"), Mixed(1.0, 1.0, 2, "m"), r"at value\.name differ|'n' and 'm'"),
        ([np.arange(2)], [np.arange(3)], r"at value\[0\] differ"),
        ((1.0,), (1.0, 2.0), r"a tuple of 1 parts and one of 2 cannot be added"),
        ((1.0, 2.0), (1.0,), r"a tuple of 2 parts and one of 1 cannot be added"),
        (1.0, (1.0,), "a float and a tuple cannot be added"),
        ((1.0,), [1.0], r"a tuple and a list cannot be added; give two values of one type"),
        (Plain(1.0, 2.0), Typed(1.0, 2.0), r"a Plain and a Typed cannot be added"),
        ([np.ones(2)], [np.ones(3)], r"shapes \(2,\) and \(3,\).*\(at value\[0\]\)"),
    ],
    ids=str,
)
def test_adding_what_does_not_match_raises_with_the_path(x, y, text):
    with pytest.raises(gx.StructureError, match=text):
        gx.add(x, y)


# ---- Ints, statics and marks ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "gradient"),
    [(3, 6.0), ([3, 4.0], [6.0, 8.0]), ((3,), (6.0,)), ({"n": 3}, {"n": 6.0})],
    ids=str,
)
def test_an_int_is_a_number_alone_and_in_containers(x, gradient):
    def squares(v):
        parts = v.values() if isinstance(x, dict) else v if isinstance(x, (list, tuple)) else [v]
        return sum(part * part for part in parts)

    assert same(gx.grad_bp(squares, x), gradient)


def test_an_int_in_a_record_is_static_unless_annotated_float():
    m = Mixed(np.ones(2), 3, 4, "net")
    g = gx.grad_bp(lambda m: np.sum(m.weight) * m.rate * m.size * m.limit * m.count, m)
    assert same(g, Mixed(np.full(2, 90.0), 60.0, 4, "net", 2.5, 60.0))


def test_marked_fields():
    @dataclasses.dataclass
    class Marked:
        fixed: float = gx.static(default=2.0)
        learnt: int = gx.param(default=3)
        made: list = gx.static(default_factory=list, repr=False)  # noqa: RUF009

    g = gx.grad_bp(lambda m: m.fixed * m.learnt**2, Marked())
    assert same(g, Marked(2.0, 12.0))


def test_optional_and_text_annotations_promise_a_number():
    @dataclasses.dataclass
    class Optional:
        a: "float | None" = 2
        b: float | None = None
        c: "int" = 2

    assert same(gx.one(Optional()), Optional(1.0, None, 2))


# ---- Registration --------------------------------------------------------------------------------


class Amount:
    """A user's number, opaque to gradx."""

    def __init__(self, cents):
        self.cents = cents

    def __add__(self, other):
        return Amount(self.cents + other.cents)


def register_amount():
    gx.register(
        Amount, zero=lambda a: Amount(0.0), add=lambda a, b: a + b, one=lambda a: Amount(1.0)
    )
    return gx.lift(
        lambda a, k: (Amount(a.cents * k), lambda g: (Amount(g.cents * k), g.cents * a.cents))
    )


def test_register_with_operations():
    scale = register_amount()
    g = gx.grad_bp(lambda a, k: scale(a, k * 2.0), Amount(5.0), 3.0)
    assert g[0].cents == 6.0 and g[1] == 10.0
    twice = gx.grad_bp(lambda a: (scale(a, 2.0), a), Amount(5.0))
    assert twice.cents == 3.0
    with pytest.raises(
        gx.NotLiftedError, match=r"\.cents of a variable of the registered type Amount"
    ):
        gx.grad_bp(lambda a: a.cents, Amount(5.0))


class Box:
    """A user's class with parts, whose constructor wants other things."""

    def __init__(self, text):
        self.a, self.b = map(float, text.split())
        self.label = text

    def product(self):
        return self.a * self.b


def test_register_with_children():
    gx.register(Box, children=("a", "b"))
    g = gx.grad_bp(lambda box: box.product() + box.a, Box("2 3"))
    assert (g.a, g.b, g.label) == (4.0, 2.0, "2 3")
    assert gx.one(Box("2 3")).b == 1.0


def test_register_with_children_by_function():
    def parts(box):
        def build(new):
            made = Box("0 0")
            made.a, made.b = new["first"], new["second"]
            return made

        return {"first": box.a, "second": box.b}, build

    gx.register(Box, children=parts)
    g = gx.grad_bp(lambda box: gx.split(box).a ** 2, Box("2 3"))
    assert (g.a, g.b) == (4.0, 0.0)


def test_register_with_children_and_an_own_add():
    """An own add makes the type opaque: a view's cotangent is set into its zero."""
    added = []

    def add(x, y):
        added.append((x, y))
        total = Box("0 0")
        total.a, total.b = x.a + y.a, x.b + y.b
        return total

    gx.register(Box, children=("a", "b"), add=add)
    g = gx.grad_bp(lambda box: box.a * box.b, Box("2 3"))
    assert (g.a, g.b) == (3.0, 2.0)
    assert len(added) == 1


def test_subclasses_follow_unless_registered_themselves():
    class Small(Box):
        pass

    gx.register(Box, children=("a", "b"))
    assert type(gx.one(Small("2 3"))) is Small
    gx.register_static(Small)
    small = Small("2 3")
    assert gx.zero(small) is small


class Unknown:
    pass


def test_register_static():
    gx.register_static(Unknown)
    part = Unknown()
    assert gx.grad_bp(lambda v: v[0] * 2.0, (1.0, part)) == (2.0, part)


@pytest.mark.parametrize("given", [{}, {"zero": abs}, {"zero": abs, "add": max}])
def test_register_wants_parts_or_all_operations(given):
    with pytest.raises(TypeError, match=r"register\(Box\) needs children=, or all of zero="):
        gx.register(Box, **given)


def test_register_takes_a_class():
    with pytest.raises(TypeError, match=r"register takes a class, not 3\.0; .*type\(value\)"):
        gx.register_static(3.0)


# ---- The structure of gradients ------------------------------------------------------------------


@pytest.mark.parametrize("kind", RECORDS)
def test_gradients_are_of_the_inputs_type(kind):
    record = RECORDS[kind](2.0, np.array([3.0, 4.0]))
    g = gx.grad_bp(lambda r: r.x * np.sum(r.y * r.y), record)
    assert same(g, RECORDS[kind](25.0, np.array([12.0, 16.0])))
    assert same(record, RECORDS[kind](2.0, np.array([3.0, 4.0])))


def test_gradients_are_built_without_checks():
    calls = []

    @dataclasses.dataclass
    class Normal:
        mean: float
        sigma: float

        def __post_init__(self):
            calls.append(self)
            if self.sigma <= 0:
                raise ValueError("sigma > 0")

    g = gx.grad_bp(lambda n: n.mean - 3.0 * n.sigma, Normal(1.0, 2.0))
    assert (g.mean, g.sigma) == (1.0, -3.0)
    assert gx.zero(Normal(1.0, 2.0)).sigma == 0.0
    assert len(calls) == 2


def test_attributes_that_are_no_fields_go_along_if_they_are_static():
    x = Plain(1.0, 2.0)
    x.named = "new"
    assert gx.zero(x).named == "new"
    x.cached = 2.0
    with pytest.raises(gx.NotDifferentiableError, match="the attribute 'cached' of a Plain holds"):
        gx.zero(x)


def test_an_object_at_two_paths_gets_a_gradient_at_each():
    shared = Plain(2.0, 3.0)
    g = gx.grad_bp(lambda v: v[0].x * 5.0 + v[1].x * 7.0, (shared, shared))
    assert same(g, (Plain(5.0, 0.0), Plain(7.0, 0.0)))
    assert g[0] is not g[1]


def test_cycles_raise_with_the_path():
    loop = [1.0]
    loop.append({"back": loop})
    with pytest.raises(
        gx.CycleError, match=r"argument 0\[1\]\['back'\] contains itself.*gx\.static"
    ):
        gx.grad_bp(lambda v: v[0], loop)


def test_cycles_further_down_raise_too():
    loop = [1.0]
    loop.append(loop)
    with pytest.raises(gx.CycleError, match=r"argument 0\['a'\]\[0\]\[1\] contains itself"):
        gx.grad_bp(lambda v: 1.0, {"a": (loop,)})


def test_deep_values_need_no_recursion():
    linked = ()
    for _ in range(20_000):
        linked = (1.0, linked)

    def total(v):
        s = 0.0
        while len(v):
            s, v = s + v[0] * 2.0, v[1]
        return s

    y, g = gx.backprop(total, linked)
    assert y == 40_000.0
    assert g[0] == 2.0 and g[1][1][0] == 2.0


@pytest.mark.parametrize(
    ("x", "gradient"),
    [
        (collections.OrderedDict(b=1.0, a=2.0), collections.OrderedDict(b=2.0, a=1.0)),
        (collections.defaultdict(list, b=1.0, a=2.0), collections.defaultdict(list, b=2.0, a=1.0)),
    ],
    ids=str,
)
def test_dicts_of_other_kinds_keep_their_kind_and_order(x, gradient):
    g = gx.grad_bp(lambda d: d["a"] * d["b"], x)
    assert same(g, gradient) and list(g) == list(x)
    assert getattr(g, "default_factory", list) is list


def test_a_tuple_of_a_users_class():
    class Vector(tuple):
        def length(self):
            return sum(item * item for item in self)

    g = gx.grad_bp(lambda v: v.length(), Vector([1.0, 2.0]))
    assert type(g) is Vector and g == (2.0, 4.0)
