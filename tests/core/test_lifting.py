"""Lifting: records and containers go in as what they are, with variables for their leaves."""

import collections
import copy
import dataclasses
import functools
import types
from dataclasses import dataclass
from typing import Any

import attrs
import numpy as np
import pytest

import gradx as gx
from tests.core.kinds import (
    Account,
    Arithmetic,
    Attrs,
    Checked,
    Child,
    DequeOf,
    DictOf,
    Frozen,
    FrozenAttrs,
    FrozenSlots,
    KwOnly,
    ListOf,
    Named,
    Plain,
    Registered,
    Slots,
    TupleOf,
)
from tests.core.samples import same

# ---- Real instances, at any depth ----------------------------------------------------------------


@pytest.fixture(autouse=True)
def registered():
    gx.register(Registered, children=("x", "y"))


RECORDS = {
    "dataclass": Plain,
    "frozen": Frozen,
    "slots": Slots,
    "frozen with slots": FrozenSlots,
    "kw_only": lambda x, y: KwOnly(x=x, y=y),
    "with a __post_init__": Checked,
    "inherited": Child,
    "attrs": Attrs,
    "frozen attrs": FrozenAttrs,
    "gx.record": Arithmetic,
    "named tuple": Named,
    "registered": Registered,
}
CONTAINERS = {
    "tuple": lambda x, y: (x, y),
    "list": lambda x, y: [x, y],
    "dict": lambda x, y: {0: x, 1: y},
    "OrderedDict": lambda x, y: collections.OrderedDict({0: x, 1: y}),
    "defaultdict": lambda x, y: collections.defaultdict(float, {0: x, 1: y}),
    "deque": lambda x, y: collections.deque([x, y], 5),
    "mapping proxy": lambda x, y: types.MappingProxyType({0: x, 1: y}),
    "list subclass": lambda x, y: ListOf([x, y]),
    "dict subclass": lambda x, y: DictOf({0: x, 1: y}),
    "deque subclass": lambda x, y: DequeOf([x, y]),
    "tuple subclass": lambda x, y: TupleOf([x, y]),
}


def product(value):
    return value.x * value.x * value.y if hasattr(value, "x") else value[0] * value[0] * value[1]


@pytest.mark.parametrize("kind", [*RECORDS, *CONTAINERS])
def test_a_value_goes_in_as_what_it_is(kind):
    make, seen = {**RECORDS, **CONTAINERS}[kind], []
    x = make(2.0, 3.0)

    def f(v):
        seen.append(v)
        return product(v)

    y, g = gx.backprop(f, x)
    assert y == 12.0 and type(y) is float
    assert type(g) is type(x) and g == make(12.0, 4.0)
    assert type(seen[0]) is type(x) and seen[0] is not x and not isinstance(seen[0], gx.BVar)
    assert x == make(2.0, 3.0)
    assert gx.grad(lambda v: gx.grad(f)(v).x if hasattr(v, "x") else gx.grad(f)(v)[0])(x) == make(
        6.0, 4.0
    )


@pytest.mark.parametrize("inner", [*RECORDS, *CONTAINERS])
@pytest.mark.parametrize("outer", ["dataclass", "frozen with slots", "attrs", "dict", "deque"])
def test_values_in_values(outer, inner):
    make, part = ({**RECORDS, **CONTAINERS}[kind] for kind in (outer, inner))
    x = make({"k": [part(2.0, 3.0)]}, 5.0)
    classes = []

    def f(v):
        first, factor = (v.x, v.y) if hasattr(v, "x") else (v[0], v[1])
        classes.append((type(first), type(first["k"]), type(first["k"][0])))
        return product(first["k"][0]) * factor

    y, g = gx.backprop(f, x)
    assert y == 60.0
    assert g == make({"k": [part(60.0, 20.0)]}, 12.0)
    assert classes == [(dict, list, type(part(1.0, 1.0)))]


# ---- What Python says of a class, it says in a run -----------------------------------------------


def test_questions_of_type():
    def f(v):
        p, d, t = v
        assert type(p) is Plain and isinstance(p, Plain) and dataclasses.is_dataclass(p)
        assert type(d) is dict and type(t) is tuple and type(v) is list
        assert not callable(p) and not hasattr(p, "__len__") and not hasattr(p, "z")
        assert [each.name for each in dataclasses.fields(p)] == ["x", "y"]
        assert p == p and p.x == 2.0 and d["k"] == 3.0
        return p.x * d["k"] * t[0]

    assert gx.grad(f)([Plain(2.0, 1.0), {"k": 3.0}, (4.0,)]) == [
        Plain(12.0, 0.0),
        {"k": 8.0},
        (6.0,),
    ]


@pytest.mark.parametrize("make", [Plain, Frozen, Slots, FrozenSlots], ids=lambda c: c.__name__)
def test_the_functions_of_dataclasses(make):
    f = lambda p: dataclasses.replace(p, x=p.x**2).x * p.y  # noqa: E731
    assert gx.grad(f)(make(3.0, 2.0)) == make(12.0, 9.0)
    f = lambda p: sum(part**2 for part in dataclasses.astuple(p))  # noqa: E731
    assert gx.grad(f)(make(3.0, 2.0)) == make(6.0, 4.0)
    f = lambda p: dataclasses.asdict(p)["x"]["k"][0] ** 2  # noqa: E731
    assert gx.grad(f)(make({"k": [3.0]}, 2.0)) == make({"k": [6.0]}, 0.0)
    f = lambda p: sum(getattr(p, each.name) for each in dataclasses.fields(p))  # noqa: E731
    assert gx.grad(f)(make(3.0, 2.0)) == make(1.0, 1.0)


def test_attrs_evolve_and_asdict():
    assert gx.grad(lambda p: attrs.evolve(p, x=p.x**2).x)(Attrs(3.0, 1.0)) == Attrs(6.0, 0.0)
    assert gx.grad(lambda p: attrs.asdict(p)["x"] ** 2)(Attrs(3.0, 1.0)) == Attrs(6.0, 0.0)


def matched(value):
    match value:
        case Plain(x=Frozen(x, _), y=y):
            return x * y
        case Plain(x=float(x), y=y):
            return x**2 + y
        case {"k": [first, *rest]}:
            return first * sum(rest)
        case (a, b):
            return a - b
        case float():
            return value**3
        case _:
            return 0.0


@pytest.mark.parametrize(
    ("x", "y", "g"),
    [
        (Plain(Frozen(2.0, 1.0), 3.0), 6.0, Plain(Frozen(3.0, 0.0), 2.0)),
        (Plain(2.0, 3.0), 7.0, Plain(4.0, 1.0)),
        ({"k": [2.0, 3.0, 4.0]}, 14.0, {"k": [7.0, 2.0, 2.0]}),
        ((2.0, 3.0), -1.0, (1.0, -1.0)),
        (2.0, 8.0, 12.0),
    ],
    ids=str,
)
def test_match(x, y, g):
    assert matched(x) == y
    assert gx.backprop(matched, x) == (y, g)


@dataclass
class Shape:
    size: float

    def area(self):
        return self.size**2

    @property
    def double(self):
        return 2.0 * self.size

    @double.setter
    def double(self, value):
        self.size = value / 2.0

    @classmethod
    def of(cls, size):
        return cls(size)

    @staticmethod
    def cube(size):
        return size**3


@dataclass
class Hollow(Shape):
    hole: float = 1.0

    def area(self):
        return super().area() - self.hole**2

    def __call__(self, x):
        return self.area() * x

    def __enter__(self):
        self.size = self.size * 10.0
        return self

    def __exit__(self, *exc):
        self.size = self.size / 10.0

    def __contains__(self, x):
        return x < self.size

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return (self.size, self.hole)[i]

    def __bool__(self):
        return True

    def __matmul__(self, x):
        return self.size * x

    def __iadd__(self, x):
        self.size = self.size + x
        return self


def with_block(s):
    with s as larger:
        inside = larger.area()
    return inside + s.size


def grown(s):
    s += 2.0
    return s.area()


def doubled(s):
    s.double = s.double * s.hole
    return s.size


METHODS = {
    "super": (lambda s: s.area(), 8.0, Hollow(6.0, -2.0)),
    "property": (lambda s: s.double * s.hole, 6.0, Hollow(2.0, 6.0)),
    "setter": (doubled, 3.0, Hollow(1.0, 3.0)),
    "classmethod": (lambda s: s.of(s.size).area(), 8.0, Hollow(6.0, 0.0)),
    "staticmethod": (lambda s: s.cube(s.size), 27.0, Hollow(27.0, 0.0)),
    "call": (lambda s: s(2.0) if callable(s) else 0.0, 16.0, Hollow(12.0, -4.0)),
    "with": (with_block, 902.0, Hollow(601.0, -2.0)),
    "items": (lambda s: s[0] * s[1] * len(s), 6.0, Hollow(2.0, 6.0)),
    "contains": (lambda s: s.size if 2.0 in s else s.hole, 3.0, Hollow(1.0, 0.0)),
    "matmul": (lambda s: s @ 2.0, 6.0, Hollow(2.0, 0.0)),
    "in place": (grown, 24.0, Hollow(10.0, -2.0)),
    "class": (lambda s: type(s)(s.size * 2.0).area(), 35.0, Hollow(24.0, 0.0)),
}


@pytest.mark.parametrize("kind", METHODS)
def test_methods_run_on_the_instance(kind):
    f, y, g = METHODS[kind]
    assert f(Hollow(3.0)) == y
    shape = Hollow(3.0)
    assert gx.backprop(f, shape) == (y, g)
    assert shape == Hollow(3.0)


# ---- What a run changes is its own copy ----------------------------------------------------------


def test_methods_that_change_self():
    def f(account, x):
        account.add(x)
        account.add(x * x)
        return account.total * account.count + sum(account.log)

    account = Account(1.0, [10.0])
    wanted = f(copy.deepcopy(account), 3.0)
    y, (g, h) = gx.backprop(f, account, 3.0)
    assert y == wanted == 2 * 13.0 + 22.0
    assert g == Account(2.0, [1.0], 0) and h == 3 * 7.0
    assert account == Account(1.0, [10.0], 0)


def test_generators_that_change_self():
    f = lambda account, x: sum(account.each([x, x])) * account.count  # noqa: E731
    y, (g, h) = gx.backprop(f, Account(1.0), 3.0)
    assert (y, g, h) == (2 * (4.0 + 7.0), Account(4.0, [], 0), 6.0)


def test_a_bound_method_follows_the_copy():
    @dataclass
    class Holder:
        account: Account
        add: Any

    def f(holder, x):
        holder.add(x)
        return holder.account.total * x

    account = Account(1.0)
    y, (g, h) = gx.backprop(f, Holder(account, account.add), 3.0)
    assert (y, g.account, h) == (12.0, Account(3.0), 7.0)
    assert account == Account(1.0)


def test_functions_that_captured_a_part_are_refused():
    @dataclass
    class Holder:
        w: Any
        f: Any

    def closure(w):
        return lambda x: w[0] * x

    makers = {
        r"its closure has it as 'w'": closure,
        r"the default of a parameter": lambda w: lambda x, w=w: w[0] * x,
        r"an argument of functools\.partial": lambda w: functools.partial(lambda w, x: w[0] * x, w),
    }
    for w in ([2.0], np.array([2.0]), {0: 2.0}):
        for how, make in makers.items():
            text = (
                rf"argument 0\.f: this function keeps a {type(w).__name__} .*\({how}\).*an argument"
            )
            with pytest.raises(gx.NotDifferentiableError, match=text):
                gx.grad(lambda v: v.f(3.0))(Holder(w, make(w)))
    number = 2.0  # a constant
    assert gx.grad(lambda v: v.f(v.w))(Holder(3.0, lambda x: x * number)).w == 2.0


# ---- Results -------------------------------------------------------------------------------------


def test_several_results():
    f = lambda x, y: {"sum": x + y, "rest": [x * y, Plain(y, "name")], "n": 3}  # noqa: E731
    value, g = gx.backprop(f, 2.0, 3.0)
    assert value == {"sum": 5.0, "rest": [6.0, Plain(3.0, "name")], "n": 3}
    assert g == (1.0 + 3.0, 1.0 + 2.0 + 1.0)
    value, pullback = gx.backprop_with(f, 2.0, 3.0)
    assert pullback({"sum": 1.0, "rest": [10.0, Plain(100.0, "name")], "n": 0.0}) == (31.0, 121.0)


def test_a_result_at_two_places_counts_twice_and_stays_one():
    def f(x):
        y = [x * x]
        return {"a": y, "b": (y, y[0]), "c": Plain(y, 1.0)}

    value, g = gx.backprop(f, 3.0)
    assert value == {"a": [9.0], "b": ([9.0], 9.0), "c": Plain([9.0], 1.0)}
    assert value["a"] is value["b"][0] is value["c"].x
    assert g == 4 * 6.0
    _, pullback = gx.backprop_with(f, 3.0)
    cotangent = {"a": [1.0], "b": ([10.0], 100.0), "c": Plain([1000.0], 0.0)}
    assert pullback(cotangent) == 1111.0 * 6.0


def test_results_that_are_inputs():
    x = {"a": [1.0, np.ones(2)], "b": "name"}
    y, g = gx.backprop(lambda v: v, x)
    assert same(y, x) and y is not x and y["a"] is not x["a"]
    assert y["a"][1] is x["a"][1]  # an array that nobody wrote into is the caller's own
    assert same(g, gx.one(x))
    assert g["a"][1] is not x["a"][1]
    y, g = gx.backprop(lambda v: (v["a"][0], 5.0, None), x)
    assert y == (1.0, 5.0, None) and same(g, {"a": [1.0, np.zeros(2)], "b": "name"})


def test_a_record_that_the_run_has_changed_comes_out_changed():
    def f(account, x):
        account.add(x * x)
        return account

    account = Account(1.0)
    y, (g, h) = gx.backprop(f, account, 3.0)
    assert y == Account(10.0, [9.0], 1) and account == Account(1.0)
    assert (g, h) == (Account(1.0), 2 * 6.0)


# ---- Static parts, ops, nested runs --------------------------------------------------------------


@dataclass
class Options:
    w: float
    name: str = "n"
    steps: int = 2
    table: Any = gx.static(default=None)  # noqa: RUF009
    act: Any = np.tanh


def test_static_parts_are_shared():
    marker = object()
    table = {"k": 3.0}

    def f(o):
        assert o.table is table and o.act is np.tanh and type(o.steps) is int
        return o.act(o.w) * o.steps * o.table["k"] if o.name == "n" else 0.0

    options = Options(0.0, table=table)
    y, g = gx.backprop(f, options)
    assert (y, g) == (0.0, Options(6.0, table=table))
    seen = []
    assert gx.grad(lambda v: seen.append(v[1]) or v[0])([1.0, marker]) == [1.0, marker]
    assert seen[0] is marker


def test_a_record_as_the_result_of_an_op():
    parts = gx.lift(lambda x: (Plain(x * 2.0, [x * x]), lambda g: g.x * 2.0 + g.y[0] * 2.0 * x))
    seen = []

    def f(x):
        p = parts(x)
        seen.append((type(p), type(p.y), isinstance(p.x, gx.BVar)))
        p.y.append(p.x)
        return p.x * p.y[0] * p.y[1]  # 2x x^2 2x

    assert gx.backprop(f, 3.0) == (4 * 81.0, 16 * 27.0)
    assert seen == [(Plain, list, True)]
    assert gx.grad(lambda x: parts(x).y[0])(3.0) == 6.0
    assert gx.grad(lambda x: 5.0 if parts(x) else 0.0)(3.0) == 0.0


def test_a_record_as_the_operand_of_an_op():
    def rule(p):
        assert type(p) is Plain and isinstance(p.x, float) and type(p.y) is list
        return p.x * p.y[0], lambda g: Plain(g * p.y[0], [g * p.x])

    op = gx.lift(rule)
    assert gx.grad(op)(Plain(2.0, [3.0])) == Plain(3.0, [2.0])
    assert gx.grad(lambda x: op(Plain(x, [x * x])))(3.0) == 27.0
    assert gx.grad(gx.grad(lambda x: op(Plain(x, [x * x]))))(3.0) == 18.0


def test_nested_runs_with_records():
    def inner(p, x):
        return gx.grad(lambda q: q.x**2 * q.y[0] * x)(p)  # (2 q.x q.y x, q.x^2 x)

    def f(p):
        g = inner(p, p.y[0])
        assert type(g) is Plain and isinstance(g.x, gx.BVar)
        return g.x + g.y[0]  # 2 a b b + a a b

    y, g = gx.backprop(f, Plain(2.0, [3.0]))
    assert (y, g) == (36.0 + 12.0, Plain(18.0 + 12.0, [24.0 + 4.0]))


def test_an_inner_run_changes_a_copy_of_the_outer_ones():
    def f(account):
        def inner(a):
            a.add(a.total)
            return a.total**2  # (2 t)^2

        g = gx.grad(inner)(account).total  # 8 t
        assert account.log == [] and account.count == 0
        return g * account.total

    assert gx.backprop(f, Account(3.0)) == (72.0, Account(48.0))


def test_captured_outer_records():
    f = lambda p: gx.grad(lambda x: x * x * p.x * p.y["k"])(3.0)  # noqa: E731
    assert gx.backprop(f, Plain(2.0, {"k": 5.0})) == (60.0, Plain(30.0, {"k": 12.0}))
