"""Records: parts by attribute, key, index and path; arithmetic; lenses; split, join, match."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import RECORDS, Mixed, Net, Pair, Plain, Point, Stack, same

W = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([5.0, 6.0])


def net(rate=2.0):
    return Net(W, B, rate)


def stack():
    return Stack(net(), [net(3.0), (1.0, B)], {"k": Point(7.0, 8.0)})


# ---- Parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RECORDS)
def test_parts_by_attribute(kind):
    r = RECORDS[kind](2.0, B)
    check_grads(lambda r: np.sin(r.x) * r.y, r)
    check_grads(lambda r: r.y[0] * r.y[1] + r.x, r)


@pytest.mark.parametrize("kind", ["typed named tuple", "named tuple"])
def test_named_tuples_are_tuples_too(kind):
    r = RECORDS[kind](2.0, 3.0)
    product = type(r)(3.0, 2.0)
    assert gx.grad_bp(lambda r: r[0] * r[-1], r) == product
    assert gx.grad_bp(lambda r: (lambda x, y: x * y)(*r), r) == product
    assert gx.grad_bp(lambda r: r._replace(x=r.y).x, r) == type(r)(0.0, 1.0)
    assert gx.grad_bp(lambda r: r._asdict()["x"] * 3.0, r) == type(r)(3.0, 0.0)
    assert gx.grad_bp(lambda r: sum(r[0:1]), r) == type(r)(1.0, 0.0)
    with pytest.raises(IndexError):
        gx.grad_bp(lambda r: r[2], r)


def test_parts_of_parts():
    def f(s):
        a = s.first.w @ s.first.b * s.first.rate
        return np.sum(a) + s.rest[0].rate * s.rest[1][0] * s.table["k"].x

    y, g = gx.backprop(f, stack())
    assert y == 2.0 * np.sum(W @ B) + 3.0 * 1.0 * 7.0
    assert same(g.first, Net(2.0 * np.array([B, B]), 2.0 * np.sum(W, axis=0), np.sum(W @ B).item()))
    assert same(g.rest[0], Net(np.zeros((2, 2)), np.zeros(2), 7.0))
    assert same(g.rest[1], (21.0, np.zeros(2))) and same(g.table["k"], Point(3.0, 0.0))
    check_grads(f, stack())


def test_static_parts_are_plain_values():
    seen = []

    def f(m):
        seen.extend([m.size, m.name, m.limit, m.colour])
        return m.rate * m.size * len(m.name)

    m = Mixed(B, 2.0, 4, "net")
    g = gx.grad_bp(f, m)
    assert seen == [4, "net", 2.5, m.colour]
    assert same(g, Mixed(np.zeros(2), 12.0, 4, "net", 2.5, 0.0))


def test_dicts():
    d = {"a": 2.0, "b": B, 3: {"c": 4.0}}

    def f(v):
        total = 0.0
        for key, part in v.items():
            total = total + np.sum(part["c"] if key == 3 else part) * 2.0
        return total

    assert same(gx.grad_bp(f, d), {"a": 2.0, "b": np.array([2.0, 2.0]), 3: {"c": 2.0}})
    assert gx.grad_bp(lambda v: v.get("z", v["a"]), {"a": 1.0}) == {"a": 1.0}
    assert gx.grad_bp(lambda v: sum(v.values()), {"a": 1.0, "b": 2.0}) == {"a": 1.0, "b": 1.0}
    assert gx.grad_bp(lambda v: sum(v[k] for k in v), {"a": 1.0, "b": 2.0}) == {"a": 1.0, "b": 1.0}
    assert gx.grad_bp(lambda v: {**v, "a": v["b"]}, {"a": 1.0, "b": 2.0}) == {"a": 0.0, "b": 2.0}
    assert gx.grad_bp(lambda v: v | {"a": v["b"]}, {"a": 1.0, "b": 2.0}) == {"a": 0.0, "b": 2.0}
    assert gx.grad_bp(lambda v: v["a"] if "z" not in v else 0.0, {"a": 1.0}) == {"a": 1.0}


def test_sequences():
    assert gx.grad_bp(lambda v: v[1:][0] * v[-1], (1.0, 2.0, 3.0)) == (0.0, 3.0, 2.0)
    assert gx.grad_bp(lambda v: (v + v)[4], [1.0, 2.0, 3.0]) == [0.0, 1.0, 0.0]
    assert gx.grad_bp(lambda v: (v + (5.0,))[1], (1.0, 2.0)) == (0.0, 1.0)  # noqa: RUF005
    assert gx.grad_bp(lambda v: ([5.0] + v)[1], [1.0, 2.0]) == [1.0, 0.0]  # noqa: RUF005
    assert gx.grad_bp(lambda v: v * 2, [1.0, 2.0]) == [2.0, 2.0]
    assert gx.grad_bp(lambda v: sorted(v)[0], [3.0, 1.0]) == [0.0, 1.0]
    assert gx.grad_bp(lambda v: max(v) * 2.0, [3.0, 1.0]) == [2.0, 0.0]
    assert gx.grad_bp(lambda v: next(reversed(v)), [3.0, 1.0]) == [0.0, 1.0]
    assert gx.grad_bp(lambda v: [x * x for x in v], [3.0, 1.0]) == [6.0, 2.0]


def test_numpy_takes_sequences_as_arrays():
    assert gx.grad_bp(np.sum, [1.0, 2.0]) == [1.0, 1.0]
    assert gx.grad_bp(lambda v: gx.numpy.array(v)[0] * 2.0, [1.0, 2.0]) == [2.0, 0.0]
    assert gx.grad_bp(lambda v: B @ np.stack(v), (1.0, 2.0)) == (5.0, 6.0)
    assert same(gx.grad_bp(np.concatenate, (B, B)), (np.ones(2), np.ones(2)))


@pytest.mark.parametrize("function", [np.array, np.asarray, lambda v: np.exp(v)])
def test_numpy_makes_arrays_of_sequences(function):
    y, g = gx.backprop(function, [0.0, 0.0])
    assert same((y, g), (function([0.0, 0.0]), [1.0, 1.0]))


# ---- The user's own methods ----------------------------------------------------------------------


@dataclass
class Shape:
    size: float

    def area(self):
        return self.size * self.size

    def scaled(self, by):
        return dataclasses.replace(self, size=self.size * by)


@dataclass
class Square(Shape):
    border: float = 0.5

    def area(self):
        return super().area() + self.border * self.size

    @property
    def side(self):
        return self.size + self.border

    @classmethod
    def unit(cls):
        return cls(1.0)

    @staticmethod
    def twice(x):
        return x * 2.0

    def __call__(self, x):
        return self.size * x + self.border

    def __mul__(self, k):
        return Square(self.size * k, self.border)

    def __rmul__(self, k):
        return self * k

    def __add__(self, other):
        return Square(self.size + other.size, self.border + other.border)

    def __getitem__(self, i):
        return (self.size, self.border)[i]

    def __len__(self):
        return 2

    def __neg__(self):
        return Square(-self.size, -self.border)

    def __matmul__(self, other):
        return self.size * other

    def __lt__(self, other):
        return self.size < other.size

    def __contains__(self, x):
        return x == self.size


SQUARE = Square(3.0, 0.5)
USES = {
    "method with super()": (lambda s: s.area(), (6.5, 3.0)),
    "property": (lambda s: s.side * s.side, (7.0, 7.0)),
    "call": (lambda s: s(4.0), (4.0, 1.0)),
    "method that builds": (lambda s: s.scaled(2.0).area(), (25.0, 6.0)),
    "classmethod": (lambda s: s.unit().size * s.size, (1.0, 0.0)),
    "staticmethod": (lambda s: s.twice(s.size), (2.0, 0.0)),
    "multiplication": (lambda s: (s * 5.0).size, (5.0, 0.0)),
    "reflected multiplication": (lambda s: (5.0 * s).size, (5.0, 0.0)),
    "by a variable": (lambda s: (s * s.border).size, (0.5, 3.0)),
    "by a variable on the left": (lambda s: (s.border * s).size, (0.5, 3.0)),
    "addition": (lambda s: (s + s).area(), (4 * 6.0 + 2.0, 12.0)),
    "negation": (lambda s: (-s).size, (-1.0, 0.0)),
    "item": (lambda s: s[0] * s[1], (0.5, 3.0)),
    "matmul": (lambda s: s @ 4.0, (4.0, 0.0)),
    "length": (lambda s: s.size * len(s), (2.0, 0.0)),
    "comparison": (lambda s: s.size if s < Square(4.0) else s.border, (1.0, 0.0)),
    "replace on split": (lambda s: dataclasses.replace(gx.split(s), size=s.border).area(), None),
    "bound method kept": (lambda s: (lambda area: area())(s.area), (6.5, 3.0)),
    "method of the class": (lambda s: Shape.area(gx.split(s)), (6.0, 0.0)),
    "built and returned": (lambda s: Square(s.border, s.size), (1.0, 1.0)),
}


@pytest.mark.parametrize("kind", USES)
def test_methods_run_on_variables(kind):
    use, gradient = USES[kind]
    y, g = gx.backprop(use, SQUARE)
    assert y == use(SQUARE)
    assert gradient is None or g == Square(*gradient)
    check_grads(use, SQUARE)


def test_numpy_scalars_leave_the_operation_to_the_record():
    @dataclass
    class Scaled:
        x: float

        def __rmul__(self, k):
            return Scaled(k * self.x)

    assert gx.grad_bp(lambda s: (np.float64(5.0) * s).x, Scaled(2.0)) == Scaled(5.0)
    assert gx.grad_bp(lambda s: (np.array(5.0) * s).x, Scaled(2.0)) == Scaled(5.0)


def test_match_on_split():
    def area(shape):
        match gx.split(shape):
            case Square(size, border):
                return size * border
            case Pair(x, y):
                return x + y * 2.0
            case {"radius": r}:
                return 3.0 * r * r
            case [a, b]:
                return a * b
            case _:
                return 0.0

    assert gx.grad_bp(area, SQUARE) == Square(0.5, 3.0)
    assert gx.grad_bp(area, Pair(1.0, 2.0)) == Pair(1.0, 2.0)
    assert gx.grad_bp(area, {"radius": 2.0}) == {"radius": 12.0}
    assert gx.grad_bp(area, [2.0, 3.0]) == [3.0, 2.0]


def test_a_record_is_a_real_instance_that_split_and_join_leave():
    def f(s):
        parts = gx.split(s)
        assert parts is s and type(parts) is Square and isinstance(parts.size, gx.BVar)
        joined = gx.join(parts)
        assert joined is parts
        return joined.size * s.border

    assert gx.grad_bp(f, SQUARE) == Square(0.5, 3.0)
    assert gx.split(SQUARE) is SQUARE and gx.join(SQUARE) is SQUARE and gx.join(3.0) == 3.0


def test_records_that_are_built_join_by_themselves():
    dot = gx.lift(lambda p: (p.x * p.y, lambda g: Plain(g * p.y, g * p.x)))

    def f(x):
        return dot(Plain(x, x * 2.0)) + gx.join([x, (x, {"k": x})])[1][1]["k"]

    assert gx.grad(f)(3.0) == 13.0
    y, g = gx.backprop(lambda x: Plain(x, [Pair(x * 2.0, None)]), 3.0)
    assert same(y, Plain(3.0, [Pair(6.0, None)])) and g == 3.0


def test_the_attributes_of_a_record_are_the_records():
    @dataclass
    class Named:
        value: float
        shape: float
        T: float

    g = gx.grad_bp(lambda n: n.value * n.shape * n.T, Named(2.0, 3.0, 4.0))
    assert same(g, Named(12.0, 8.0, 6.0))


# ---- Arithmetic of @gx.record --------------------------------------------------------------------


def test_the_announcements_step():
    start, slope = net(), Net(np.ones((2, 2)), np.ones(2), 4.0)
    assert same(start - 0.5 * slope, Net(W - 0.5, B - 0.5, 0.0))


SCALARS = [2, 2.0, np.float64(2.0), np.float32(2.0), np.array(2.0)]


@pytest.mark.parametrize("k", SCALARS, ids=lambda k: type(k).__name__)
def test_arithmetic_with_numbers_on_both_sides(k):
    p = Point(3.0, 4.0, "q")
    results = [p + k, k + p, p - k, k - p, p * k, k * p, p / k, k / p, p**k, k**p]
    for r, (x, y) in zip(
        results,
        [
            (5, 6),
            (5, 6),
            (1, 2),
            (-1, -2),
            (6, 8),
            (6, 8),
            (1.5, 2),
            (2 / 3, 0.5),
            (9, 16),
            (8, 16),
        ],
        strict=True,
    ):
        assert isinstance(r, Point) and r.name == "q"
        assert np.isclose(r.x, x) and np.isclose(r.y, y)


def test_arithmetic_of_two_records():
    p, q = Point(3.0, -4.0), Point(2.0, 5.0)
    assert [p + q, p - q, p * q, p / q] == [
        Point(5.0, 1.0),
        Point(1.0, -9.0),
        Point(6.0, -20.0),
        Point(1.5, -0.8),
    ]
    assert [-p, +p, abs(p)] == [Point(-3.0, 4.0), p, Point(3.0, 4.0)]
    p += q
    assert p == Point(5.0, 1.0)


def test_arithmetic_goes_into_nested_parts():
    half = 0.5 * stack()
    assert same(half.first, Net(W / 2, B / 2, 1.0))
    assert same(half.rest[1], (0.5, B / 2)) and same(half.table["k"], Point(3.5, 4.0))
    assert half.first.size == 2 and half.table["k"].name == "p"
    assert same((stack() - stack()).rest[0], Net(np.zeros((2, 2)), np.zeros(2), 0.0))


def test_arithmetic_on_variables():
    def f(p, q, k):
        r = (p - k * q) * q / 2.0 + k**2
        return abs(-r).x * r.y + np.float64(2.0) * (1.0 - q).y

    check_grads(f, Point(3.0, -4.0), Point(2.0, 5.0), 0.3)
    g = gx.grad_bp(lambda s: (s * 2.0).table["k"].x * (3.0 * s).first.rate, stack())
    assert (g.table["k"].x, g.first.rate) == (12.0, 42.0)


def test_a_gradient_step_inside_a_gradient():
    def end(rate):
        p = Point(1.0, 2.0)
        for _ in range(2):
            p = p - rate * gx.grad(lambda p: p.x**2 + p.y**2)(p)
        return p.x + p.y

    assert np.isclose(gx.grad(end)(0.1), 3.0 * 2 * (1 - 0.2) * -2.0)


def test_own_operators_are_kept():
    @gx.record
    class Doubling:
        x: float

        def __add__(self, other):
            return "own"

        def __neg__(self):
            return "own too"

    assert Doubling(1.0) + 2.0 == "own" and -Doubling(1.0) == "own too"
    assert Doubling(1.0) * 2.0 == Doubling(2.0)
    assert 2.0 + Doubling(1.0) == Doubling(3.0)


def test_record_keeps_a_dataclass_and_its_options():
    @gx.record(frozen=True, kw_only=True)
    class Fixed:
        x: float

    assert Fixed(x=1.0) * 2.0 == Fixed(x=2.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Fixed(x=1.0).x = 2.0

    @gx.record
    @dataclass(slots=True)
    class Slotted:
        x: float

    assert Slotted(1.0) + Slotted(2.0) == Slotted(3.0)


@pytest.mark.parametrize("other", ["text", None, [1.0], (1.0, 2.0), Plain(1.0, 2.0), B], ids=repr)
def test_arithmetic_with_other_things_raises(other):
    for f in (lambda p: p + other, lambda p: other * p):
        with pytest.raises(TypeError):
            f(Point(1.0, 2.0))


def test_arithmetic_of_records_that_differ_raises():
    @gx.record
    class Bag:
        items: list

    text = r"parts \[0, 1\].*parts \[0\] cannot be combined; give two values of one structure"
    with pytest.raises(gx.StructureError, match=text):
        Bag([1.0, 2.0]) + Bag([1.0])
    with pytest.raises((gx.StructureError, TypeError)):
        Bag([1.0]) + Bag([[1.0]])
    with pytest.raises((gx.StructureError, TypeError)):
        Bag([1.0]) + Bag(["a"])


# ---- Lenses --------------------------------------------------------------------------------------

LENSES = {
    "attribute": (gx.lens(Plain).x, Plain(2.0, B), 2.0),
    "index": (gx.lens(tuple)[1], (1.0, 2.0), 2.0),
    "negative index": (gx.lens(list)[-1], [1.0, 2.0], 2.0),
    "key": (gx.lens(dict)["k"], {"k": 2.0, "l": 1.0}, 2.0),
    "path": (gx.lens(Plain).y["a"][0].x, Plain(1.0, {"a": [Point(2.0, 3.0)]}), 2.0),
    "named tuple": (gx.lens(Pair).y, Pair(1.0, 2.0), 2.0),
    "named tuple by index": (gx.lens(Pair)[1], Pair(1.0, 2.0), 2.0),
    "joined": (gx.lens(Plain).y >> gx.lens(Point).x, Plain(1.0, Point(2.0, 3.0)), 2.0),
    "frozen": (gx.lens(Stack).first.rate, stack(), 2.0),
    "whole": (gx.lens(float), 2.0, 2.0),
}


@pytest.mark.parametrize("kind", LENSES)
def test_the_laws_of_lenses(kind):
    path, whole, part = LENSES[kind]
    assert gx.view(path, whole) == part
    assert gx.view(path, gx.set(path, 9.0, whole)) == 9.0
    assert same(gx.set(path, part, whole), whole)
    assert same(gx.set(path, 9.0, gx.set(path, 8.0, whole)), gx.set(path, 9.0, whole))
    assert same(gx.over(path, lambda x: x + 1.0, whole), gx.set(path, part + 1.0, whole))


@pytest.mark.parametrize("kind", LENSES)
def test_lenses_on_variables(kind):
    path, whole, part = LENSES[kind]
    slope = gx.grad_bp(lambda v: gx.view(path, v) ** 2, whole)
    assert same(slope, gx.set(path, 2.0 * part, gx.zero(whole)))
    slope, new = gx.grad_bp(lambda v, x: gx.view(path, gx.set(path, x, v)) * 5.0, whole, 3.0)
    assert same(slope, gx.zero(whole)) and new == 5.0
    slope = gx.grad_bp(lambda v: gx.view(path, gx.over(path, np.sin, v)), whole)
    assert same(slope, gx.set(path, float(np.cos(part)), gx.zero(whole)))
    y, _ = gx.backprop(lambda v: gx.over(path, lambda x: x * 2.0, v), whole)
    assert same(y, gx.set(path, 2.0 * part, whole))


def test_setting_passes_the_rest_through():
    slope, new = gx.grad_bp(
        lambda p, x: (lambda q: q.x * 10.0 + q.y * 100.0)(gx.set(gx.lens(Point).x, x, p)),
        Point(1.0, 2.0),
        3.0,
    )
    assert (slope, new) == (Point(0.0, 100.0), 10.0)


def test_setting_a_plain_part_or_into_a_plain_whole():
    x = gx.lens(Plain).x
    assert gx.grad_bp(lambda p: gx.set(x, 5.0, p).x, Plain(1.0, 2.0)) == Plain(0.0, 0.0)
    assert gx.grad_bp(lambda v: gx.set(x, v, Plain(1.0, 2.0)).x * 3.0, 4.0) == 3.0
    y, g = gx.backprop(lambda v: gx.set(x, v, Plain(1.0, 2.0)), 4.0)
    assert same((y, g), (Plain(4.0, 2.0), 1.0))


def test_setting_a_plain_record_runs_its_checks():
    @dataclass
    class Positive:
        x: float

        def __post_init__(self):
            if self.x <= 0:
                raise ValueError("x > 0")

    with pytest.raises(ValueError, match="x > 0"):
        gx.set(gx.lens(Positive).x, -1.0, Positive(1.0))


def test_lenses_are_values():
    path = gx.lens(Plain).y["a"][0].x
    assert repr(path) == "lens.y['a'][0].x"
    assert path == gx.lens(Plain).y["a"][0].x and path != gx.lens(Plain).x
    assert len({path, gx.lens(Plain).y["a"][0].x}) == 1


def test_lenses_to_nothing_raise_with_the_path():
    with pytest.raises(AttributeError, match=r"Plain has no field 'z' \(lens\.z\); it has x, y"):
        gx.view(gx.lens(Plain).z, Plain(1.0, 2.0))
    with pytest.raises(IndexError, match=r"lens\.y has no part \[5\] \(on the path lens\.y\[5\]"):
        gx.view(gx.lens(Plain).y[5], Plain(1.0, [2.0]))
    with pytest.raises(KeyError, match=r"lens has no part \['b'\]"):
        gx.set(gx.lens(dict)["b"].x, 1.0, {"a": 1.0})
    with pytest.raises(AttributeError, match=r"lens\[0\] has no part \.x"):
        gx.grad_bp(lambda v: gx.view(gx.lens(tuple)[0].x, v), ([1.0],))
    with pytest.raises((IndexError, gx.StructureError)):
        gx.grad_bp(lambda v: gx.set(gx.lens(tuple)[3], 1.0, v), (1.0,))
