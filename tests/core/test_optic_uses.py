"""Each kind of optic, on values and on variables."""

import copy
import pickle
from collections import OrderedDict, deque
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.core.optic_model import (
    B,
    Box,
    Circle,
    Layer,
    Net,
    Shape,
    W,
    circle,
    net,
    nodes,
    whole,
)
from tests.core.samples import Pair, Plain, Point, same

swap = gx.iso(lambda p: (p[1], p[0]), lambda p: (p[1], p[0]))

# ---- Each maker, on values and on variables ------------------------------------------------------

USES = {
    "attribute": (whole.shape, Circle(3.0)),
    "key": (whole.table["a"], 3.0),
    "index": (whole.layers[-1].b, 9.0 * B),
    "tuple position": (gx.lens(tuple)[1], 4.0),
    "named tuple position": (gx.lens(Pair)[1], 4.0),
    "slice": (whole.layers[1:], (Layer(W, B),)),
    "slice of a list": (gx.lens(list)[::2], [7.0, 8.0]),
    "array index": (whole.layers[0].w[0, 1], np.float64(9.0)),
    "array row": (whole.layers[0].w[1], np.array([7.0, 8.0])),
    "array slice": (whole.layers[0].w[:, 1:], np.array([[7.0], [8.0]])),
    "array mask": (whole.layers[0].w[W > 2.0], np.array([7.0, 8.0])),
    "array of indices": (whole.layers[0].b[[1, 0]], np.array([7.0, 8.0])),
    "fields": (whole.layers[0].fields("b", "w"), (2.0 * B, 3.0 * W)),
    "fields by lenses": (
        whole.fields(whole.layers[0].b[0], gx.lens(Net).table["a"]),
        (np.float64(9.0), 8.0),
    ),
    "fields of one array": (
        gx.lens(Layer).fields(gx.lens(Layer).b[0], "w"),
        (np.float64(9.0), W + 1.0),
    ),
    "fields in one array": (
        gx.lens(Layer).fields(gx.lens(Layer).b[0], gx.lens(Layer).b[1]),
        (np.float64(9.0), np.float64(8.0)),
    ),
    "field of fields": (whole.layers[0].fields("b", "w")[0], 2.0 * B),
    "item of a slice": (whole.layers[0:2][1].b, 2.0 * B),
    "functions": (
        gx.lens(lambda n: n.table["a"], lambda n, a: gx.set(whole.table["a"], a, n)),
        4.0,
    ),
    "iso": (gx.lens(tuple) >> swap, (8.0, 9.0)),
    "lens of an iso": (gx.lens(tuple) >> swap >> gx.lens(tuple)[0], 8.0),
    "path": (gx.lens(lambda n: n.layers[0].b), 2.0 * B),
    "whole": (gx.lens(Net), net(name="other")),
}
WHOLES = {tuple: (1.0, 2.0), Pair: Pair(1.0, 2.0), list: [1.0, 2.0, 3.0], Layer: Layer(W, B)}


def whole_of(kind):
    for name, value in {
        "tuple position": WHOLES[tuple],
        "named tuple position": WHOLES[Pair],
        "slice of a list": WHOLES[list],
        "fields of one array": WHOLES[Layer],
        "fields in one array": WHOLES[Layer],
        "iso": WHOLES[tuple],
        "lens of an iso": WHOLES[tuple],
    }.items():
        if kind == name:
            return value
    return net()


@pytest.mark.parametrize("kind", USES)
def test_the_laws_of_lenses(kind):
    optic, new = USES[kind]
    s = whole_of(kind)
    assert isinstance(optic, gx.Lens)
    assert same(gx.view(optic, gx.set(optic, new, s)), new)
    assert same(gx.set(optic, gx.view(optic, s), s), s)
    again = gx.set(optic, gx.view(optic, s), gx.set(optic, new, s))
    assert same(again, s)


def scaled(x):
    """A smooth function of every number in a value."""
    return gx.over(gx.at_instances_of((float, np.ndarray)), lambda v: np.sin(0.1 * v) * 3.0, x)


@pytest.mark.parametrize("kind", [kind for kind in USES if kind != "array of indices"])
def test_lenses_on_variables(kind):
    optic, new = USES[kind]
    s = whole_of(kind)
    check_grads(lambda v: scaled(gx.view(optic, v)), s)
    check_grads(lambda v: scaled(gx.over(optic, scaled, v)), s)
    check_grads(lambda v, x: scaled(gx.set(optic, scaled(x), v)), s, new)
    check_grads(lambda v: gx.set(optic, new, v), s)
    check_grads(lambda x: gx.set(optic, scaled(x), s), new)


@pytest.mark.parametrize("kind", USES)
def test_lenses_on_variables_of_outer_runs(kind):
    optic, _ = USES[kind]
    s = whole_of(kind)
    total = lambda v: sum(np.sum(x) for x in gx.to_list(NUMBERS, v))  # noqa: E731
    f = lambda v: total(scaled(gx.over(optic, scaled, v)))  # noqa: E731
    check_grads(lambda v: total(scaled(gx.grad(f)(v))), s)


NUMBERS = gx.at_instances_of((float, np.ndarray))


def test_items_of_other_containers():
    last, key = gx.lens(deque)[-1], gx.lens(MappingProxyType)["a"]
    assert gx.set(last, 9.0, deque([1.0, 2.0], 3)) == deque([1.0, 9.0], 3)
    assert gx.set(key, 9.0, MappingProxyType({"a": 1.0})) == {"a": 9.0}
    check_grads(lambda v: gx.over(last, np.sin, v), deque([1.0, 2.0]))
    check_grads(lambda v: gx.over(key, np.sin, v), MappingProxyType({"a": 1.0, "b": 2.0}))


def test_each_of_everything():
    cases = [
        ((1.0, 2.0), (2.0, 4.0)),
        ([1.0, 2.0], [2.0, 4.0]),
        ({"a": 1.0}, {"a": 2.0}),
        (OrderedDict(a=1.0), OrderedDict(a=2.0)),
        (deque([1.0, 2.0]), deque([2.0, 4.0])),
        (MappingProxyType({"a": 1.0}), MappingProxyType({"a": 2.0})),
        (Point(1.0, 2.0), Point(2.0, 4.0)),
        (Pair(1.0, 2.0), Pair(2.0, 4.0)),
        (W, 2.0 * W),
        (None, None),
        ([], []),
    ]
    for value, doubled in cases:
        assert same(gx.over(gx.each(), lambda x: x * 2.0, value), doubled)
        y, _ = gx.backprop(lambda v: gx.over(gx.each(), lambda x: x * 2.0, v), value)
        assert same(y, doubled)
        check_grads(lambda v: gx.over(gx.each(), np.sin, v), value)
        check_grads(lambda v: gx.to_list(gx.each(), v), value)
    assert gx.to_list(gx.each(), Point(1.0, 2.0)) == [1.0, 2.0]  # the name has no gradient
    assert gx.over(gx.each(), np.sin, None) is None and gx.to_list(gx.each(), None) == []
    doubled = lambda v: gx.over(gx.each() >> gx.each(), lambda x: x * 2.0, v)  # noqa: E731
    assert gx.backprop(doubled, [None, [1.0]]) == ([None, [2.0]], [None, [2.0]])


def test_traversals_of_traversals():
    table = [{"a": 1.0, "b": 2.0}, {"c": 3.0}]
    both = gx.each() >> gx.each()
    assert gx.to_list(both, table) == [1.0, 2.0, 3.0]
    assert gx.grad_bp(lambda t: gx.to_list(both, t)[2] ** 2, table) == [
        {"a": 0.0, "b": 0.0},
        {"c": 6.0},
    ]
    y, g = gx.backprop(lambda t: gx.over(both, lambda x: x * x, t), table)
    assert y == [{"a": 1.0, "b": 4.0}, {"c": 9.0}]
    assert g == [{"a": 2.0, "b": 4.0}, {"c": 6.0}]


def test_filtered():
    large = gx.each() >> gx.filtered(lambda x: x > 1.5)
    xs = [1.0, 2.0, 3.0]
    assert gx.to_list(large, xs) == [2.0, 3.0]
    assert gx.over(large, lambda x: -x, xs) == [1.0, -2.0, -3.0]
    assert gx.grad_bp(lambda v: gx.over(large, lambda x: x * x, v), xs) == [1.0, 4.0, 6.0]
    assert gx.grad_bp(lambda v: gx.preview(large, v), xs) == [0.0, 1.0, 0.0]


def test_the_test_of_filtered_sees_plain_values():
    seen = []
    optic = gx.each() >> gx.filtered(lambda x: seen.append(x) or True)
    assert nodes(lambda v: gx.preview(optic, v), [Point(1.0, 2.0)]) == 0
    assert seen == [Point(1.0, 2.0)]


def test_at_instances_of():
    value = (
        Point(1.0, 2.0),
        {"k": [Point(3.0, 4.0), 5.0]},
        None,
        "text",
        Plain(1.0, Point(6.0, 7)),
    )
    points = gx.at_instances_of(Point)
    assert gx.to_list(points, value) == [Point(1.0, 2.0), Point(3.0, 4.0), Point(6.0, 7)]
    moved = gx.over(points, lambda p: p * 2.0, value)
    assert moved[1] == {"k": [Point(6.0, 8.0), 5.0]} and moved[4] == Plain(1.0, Point(12.0, 14.0))
    y, g = gx.backprop(lambda v: gx.over(points, lambda p: p * p.x, v), value)
    assert y[1]["k"][0] == Point(9.0, 12.0)
    assert g[1]["k"] == [Point(2 * 3.0 + 4.0, 3.0), 1.0]
    assert gx.grad_bp(lambda v: gx.to_list(points >> gx.lens(Point).y, v)[1], value)[1] == {
        "k": [Point(0.0, 1.0), 0.0]
    }
    assert gx.to_list(gx.at_instances_of(Circle | Box), [Circle(1.0), Box(2.0, 3.0)]) == [
        Circle(1.0),
        Box(2.0, 3.0),
    ]
    assert gx.to_list(points, Point(1.0, 2.0)) == [Point(1.0, 2.0)]
    assert gx.over(points, lambda p: p, value) is value


def test_outermost_instances_only():
    nested = Plain(1.0, [Plain(2.0, 3.0)])
    assert gx.to_list(gx.at_instances_of(Plain), [nested, nested]) == [nested, nested]


def test_optional_parts():
    bias = whole.bias.just()
    assert gx.preview(bias, net()) is None and gx.preview(bias, net(bias=3.0)) == 3.0
    assert gx.set(bias, 4.0, net()).bias is None
    assert gx.set(bias, 4.0, net(bias=3.0)).bias == 4.0
    assert gx.set(whole.bias, 4.0, net()).bias == 4.0
    assert gx.grad(lambda n: gx.preview(bias, n, 1.0) ** 2)(net(bias=3.0)).bias == 6.0
    g = gx.grad(lambda n: gx.preview(bias, n, 1.0) ** 2)(net())
    assert same(g, gx.zero(net()))


def test_members_of_unions():
    assert gx.preview(gx.lens(Shape).instance(Circle), Circle(1.0)) == Circle(1.0)
    assert gx.preview(gx.lens(Shape).instance(Circle), Box(1.0, 2.0)) is None
    assert gx.grad(lambda n: gx.preview(circle.radius, n) ** 2)(net()).shape == Circle(4.0)
    assert gx.review(gx.lens(Shape).instance(Circle), Circle(1.0)) == Circle(1.0)
    grown = gx.over(circle.radius, lambda r: r + 1.0, net(shape=Box(1.0, 2.0)))
    assert grown.shape == Box(1.0, 2.0)


def test_setting_what_may_be_none():
    y, g = gx.backprop(lambda n: gx.set(whole.bias, n.table["a"], n), net())
    assert y.bias == 7.0 and same(g.table, {"a": 2.0}) and g.bias is None
    y, g = gx.backprop(lambda n: gx.set(whole.bias, None, n), net(bias=3.0))
    assert y.bias is None and g.bias == 0.0


def test_a_class_stands_for_its_instances():
    assert gx.preview(Circle, Circle(1.0)) == Circle(1.0)
    assert gx.preview(Circle, Box(1.0, 2.0)) is None
    assert gx.grad(lambda s: gx.expect(Circle, s).radius ** 2)(Circle(3.0)) == Circle(6.0)
    assert (
        gx.preview(Circle | Box, 3.0) is None and gx.expect(Circle | Box, Circle(1.0)).radius == 1.0
    )
    assert gx.grad(lambda s: gx.expect(float | Box, s).width ** 2)(Box(3.0, 1.0)) == Box(6.0, 0.0)
    with pytest.raises(gx.EmptyFocusError, match=r"lens\.instance\(Circle\) has no focus in Box"):
        gx.expect(Circle, Box(1.0, 2.0))
    for wrong in (gx.lens(Shape).instance, gx.lens(Shape).at_instances_of, gx.at_instances_of):
        with pytest.raises(TypeError, match="isinstance"):
            wrong(list[float])


def test_items_that_may_be_missing():
    key = whole.table.ix("a")
    assert type(key) is gx.Affine and repr(key) == "lens.table.ix('a')"
    assert gx.preview(key, net()) == 7.0 and gx.preview(whole.table.ix("b"), net()) is None
    assert gx.grad(lambda n: gx.preview(key, n) ** 2)(net()).table == {"a": 14.0}
    assert gx.set(whole.table.ix("b"), 1.0, net()).table == {"a": 7.0}
    assert gx.set(key, 1.0, net()).table == {"a": 1.0}
    assert nodes(lambda n: gx.preview(whole.table.ix("b"), n), net()) == 0
    for value, there, away in (([1.0, 2.0], -2, 2), ((1.0, 2.0), 1, -3), (B, 1, 2), (W, (1, 1), 9)):
        check_grads(lambda v, i=there: gx.over(gx.ix(i), np.sin, v), value)
        check_grads(lambda v, i=there: gx.expect(gx.ix(i), v) * 2.0, value)
        assert gx.preview(gx.ix(away), value) is None
    assert gx.ix(0) == gx.ix(0) != gx.lens(list)[0] and gx.lens(list)[0] != gx.ix(0)
    assert hash(gx.ix(0)) == hash(gx.ix(0))


def test_a_setter_may_build_anything():
    first = gx.lens(lambda p: p.x, lambda p, x: Plain(x, p.y))
    seen = []
    f = lambda p: seen.append(gx.set(first, p.y, p)) or seen[-1].x * seen[-1].y  # noqa: E731
    assert gx.grad(f)(Plain(2.0, 3.0)) == Plain(0.0, 6.0)
    assert type(seen[0]) is Plain


def test_optics_do_not_iterate_and_can_be_copied():
    with pytest.raises(TypeError, match="not iterable"):
        iter(gx.lens(list))
    with pytest.raises(TypeError):
        1.0 in gx.lens(list)  # noqa: B015
    path = gx.lens(Point).fields("x", "y")
    gx.view(path, Point(1.0, 2.0))
    assert copy.deepcopy(path) == path
    for other in (
        gx.lens(Point).x,
        path,
        path[1],
        gx.lens(Shape).instance(Circle).radius,
        gx.just() >> gx.ix("k"),
        gx.each()[1:].at_instances_of(float),
        gx.iso(np.log, np.exp) >> gx.filtered(bool),
    ):
        again = pickle.loads(pickle.dumps(other))
        assert again == copy.copy(other) == other and type(again) is type(other)
    both = pickle.loads(pickle.dumps(gx.lens(Point).fields("x", "y")))
    assert gx.over(both, lambda xy: xy[::-1], Point(1.0, 2.0)) == Point(2.0, 1.0)


def test_isos():
    celsius = gx.iso(lambda f: (f - 32.0) / 1.8, lambda c: c * 1.8 + 32.0)
    assert np.isclose(gx.view(celsius, 212.0), 100.0)
    assert np.isclose(gx.view(~celsius, 100.0), 212.0) and np.isclose(gx.review(celsius, 0.0), 32.0)
    assert ~~celsius == celsius and ~(celsius >> swap) == ~swap >> ~celsius
    log = gx.iso(np.log, np.exp)
    check_grads(lambda x: gx.view(log, x), 2.0)
    check_grads(lambda x: gx.over(log, lambda y: y * y, x), 2.0)
    check_grads(lambda y: gx.review(log, y), 2.0)
    check_grads(lambda p: gx.over(gx.lens(Point).x >> log, lambda y: y * p.y, p), Point(2.0, 3.0))
    # Haskell's isoVar takes the derivative to be 1: isoVar exp log gives 0 at 3 there.
    assert np.isclose(gx.grad(lambda x: gx.view(~log, x))(3.0), np.exp(3.0))


def test_prisms_of_functions():
    positive = gx.prism(lambda x: np.sqrt(x) if x > 0 else None, lambda root: root * root)
    assert gx.preview(positive, 4.0) == 2.0 and gx.preview(positive, -4.0) is None
    assert gx.review(positive, 3.0) == 9.0
    check_grads(lambda x: gx.preview(positive, x), 4.0)
    check_grads(lambda xs: gx.over(gx.each() >> positive, lambda r: r * r * r, xs), [4.0, -2.0])
    misses = lambda v: gx.preview(gx.lens(Plain).x >> positive, v, 1.0)  # noqa: E731
    assert nodes(misses, Plain(-1.0, 2.0)) == 0
    assert gx.grad(misses)(Plain(-1.0, 2.0)) == Plain(0.0, 0.0)


def test_traversals_of_functions():
    ends = gx.traversal(lambda v: [v[0], v[-1]], lambda v, new: [new[0], *v[1:-1], new[1]])
    assert gx.over(ends, lambda x: x * 10.0, [1.0, 2.0, 3.0]) == [10.0, 2.0, 30.0]
    g = gx.grad_bp(lambda v: gx.over(ends, lambda x: x * x, v), [1.0, 2.0, 3.0])
    assert g == [2.0, 1.0, 6.0]
    check_grads(lambda p: gx.over(gx.lens(Plain).y >> ends, np.sin, p), Plain(1.0, [1.0, 2.0, 3.0]))


def test_static_parts():
    """They are read and set; what is static has no gradient to keep."""
    y, g = gx.backprop(lambda n: gx.set(whole.name, "new", n), net())
    assert y.name == "new" and same(g, gx.one(net()))
    assert gx.backprop(lambda n: (gx.view(whole.name, n), n.table["a"]), net())[0] == ("net", 7.0)
    assert nodes(lambda n: gx.view(whole.name, n), net()) == 0
    assert nodes(lambda n: gx.view(whole.size, n) * 1.0, net()) == 0
    assert gx.grad_bp(lambda n: gx.view(whole.size, n) * n.table["a"], net()).table == {"a": 2.0}

    @dataclass
    class Fixed:
        x: float
        scale: float = gx.static(default=2.0)

    y, g = gx.backprop(lambda f: gx.set(gx.lens(Fixed).scale, 3.0, f), Fixed(1.0))
    assert (y, g) == (Fixed(1.0, 3.0), Fixed(1.0))
    with pytest.raises(gx.StructureError, match="static field 'scale' of a Fixed holds a variable"):
        gx.grad_bp(lambda f: gx.set(gx.lens(Fixed).scale, f.x, f), Fixed(1.0))


def test_properties_and_other_attributes_can_be_read():
    @dataclass
    class Square:
        side: float

        @property
        def area(self):
            return self.side * self.side

    area = gx.lens(Square).area
    assert gx.view(area, Square(3.0)) == 9.0
    assert gx.grad(lambda s: gx.view(area, s))(Square(3.0)) == Square(6.0)
    assert gx.grad(lambda p: gx.view(gx.lens(Plain).y.area, p))(Plain(1.0, Square(3.0))) == Plain(
        0.0, Square(6.0)
    )
    with pytest.raises((gx.StructureError, TypeError, AttributeError), match="area"):
        gx.set(area, 4.0, Square(3.0))
    with pytest.raises(gx.StructureError, match="area"):
        gx.grad_bp(lambda s: gx.set(area, 4.0, s), Square(3.0))


def test_variables_inside_plain_wholes():
    path = gx.lens(tuple)[1].layers[0].b
    f = lambda n: np.sum(gx.over(path, np.sin, (1.0, n))[1].layers[0].b * 2.0)  # noqa: E731
    check_grads(f, net())
    assert gx.grad(lambda x: gx.over(gx.lens(tuple)[0], np.sin, (x, 2.0))[0] * 3.0)(0.0) == 3.0
    assert gx.grad(lambda x: gx.view(gx.lens(Plain).y[0], Plain(1.0, [x, x])) * 3.0)(0.0) == 3.0


def test_a_variable_of_an_outer_run_inside_a_record():
    """The foci of one view are of two runs."""
    both = gx.lens(Plain).fields("x", "y")

    def f(a):
        def inner(b):
            p = gx.join(Plain(b * 1.0, a * 1.0))
            x, y = gx.view(both, p)
            q = gx.over(both, lambda xy: (xy[1] * xy[0], xy[1]), p)
            return x * y * y * q.x

        return gx.grad(inner)(2.0)  # of b² a³

    assert gx.backprop(f, 3.0) == (2 * 2.0 * 27.0, 2 * 2.0 * 27.0)


class Ratio:
    """A type with parts and an ``add`` of its own, so that its variable is one leaf."""

    def __init__(self, top, bottom):
        self.top, self.bottom = top, bottom

    def __eq__(self, other):
        return (self.top, self.bottom) == (other.top, other.bottom)


@pytest.fixture
def ratios():
    gx.register(
        Ratio,
        children=("top", "bottom"),
        add=lambda a, b: Ratio(gx.add(a.top, b.top), gx.add(a.bottom, b.bottom)),
    )


def test_optics_through_a_variable_with_an_add_of_its_own(ratios):
    top, bottom = gx.lens(Ratio).top, gx.lens(Ratio).bottom
    r = Ratio([2.0, 3.0], {"k": 5.0})
    key = bottom["k"]

    def f(v):
        assert isinstance(v, gx.BVar)
        new = gx.set(top[0], gx.view(key, v) * gx.view(top[1], v), v)
        return gx.view(top[0], new) * gx.view(key, new)  # 3 * 5 * 5

    assert gx.backprop(f, r) == (75.0, Ratio([0.0, 25.0], {"k": 30.0}))
    cubed = lambda v: gx.over(gx.at_instances_of(float), lambda x: x**3, v)  # noqa: E731
    y, g = gx.backprop(cubed, r)
    assert (y, g) == (Ratio([8.0, 27.0], {"k": 125.0}), Ratio([12.0, 27.0], {"k": 75.0}))
    assert cubed(r) == y
    each = gx.each() >> gx.each()
    assert gx.backprop(lambda v: gx.over(each, lambda x: x**3, v), r) == (y, g)
    both = gx.lens(Ratio).fields(top[0], key)
    swapped = lambda v: gx.over(both, lambda p: (p[1], p[0]), v)  # noqa: E731
    assert gx.backprop(lambda v: gx.view(top[0], swapped(v)) ** 2, r) == (
        25.0,
        Ratio([0.0, 0.0], {"k": 10.0}),
    )
    inside = gx.lens(tuple)[0].top[1]
    assert gx.backprop(lambda t: gx.over(inside, np.square, t)[0].top[1] * t[1], (r, 2.0)) == (
        18.0,
        (Ratio([0.0, 12.0], {"k": 0.0}), 9.0),
    )


def test_other_edits_of_a_variable_with_an_add_of_its_own(ratios):
    r = Ratio(2.0, 3.0)
    replaced = lambda v: gx.replace(v, top=v.bottom * v.bottom)  # noqa: E731
    assert gx.backprop(lambda v: replaced(v).top * v.top, r) == (18.0, Ratio(9.0, 12.0))
    frozen = lambda v: gx.freeze(v, gx.lens(Ratio).top)  # noqa: E731
    assert gx.backprop(lambda v: frozen(v).top * v.top * v.bottom, r) == (12.0, Ratio(6.0, 4.0))
    tied = lambda v: gx.tied(v, gx.lens(Ratio).top, gx.lens(Ratio).bottom)  # noqa: E731
    assert gx.backprop(lambda v: tied(v).top * tied(v).bottom, r) == (4.0, Ratio(4.0, 0.0))
    assert gx.backprop(lambda v: gx.coerce_var(tuple, v)[1] ** 2, r) == (9.0, Ratio(0.0, 6.0))
    assert gx.backprop(lambda v: gx.prelude.prod(v), r) == (6.0, Ratio(3.0, 2.0))
    squared = lambda v: gx.prelude.fmap(np.square, v)  # noqa: E731
    assert gx.backprop(squared, r) == (Ratio(4.0, 9.0), Ratio(4.0, 6.0))
    assert gx.backprop(lambda v: gx.fold_tree(lambda n: n.top * n.bottom, v), r) == (
        6.0,
        Ratio(3.0, 2.0),
    )
