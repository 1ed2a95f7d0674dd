"""Optics: kinds and composition, each maker on values and on variables, what is recorded."""

import functools
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import same
from tests.lens.optic_model import (
    Box,
    Circle,
    Layer,
    Net,
    Shape,
    W,
    net,
    nodes,
    weights,
    whole,
)

# ---- Kinds and composition -----------------------------------------------------------------------

swap = gx.iso(lambda p: (p[1], p[0]), lambda p: (p[1], p[0]))
lens, prism, affine, many = whole.shape, gx.just(), gx.filtered(bool), gx.each()
KINDS = [
    (swap >> swap, gx.Iso),
    (swap >> lens, gx.Lens),
    (lens >> swap, gx.Lens),
    (lens >> lens, gx.Lens),
    (swap >> prism, gx.Prism),
    (prism >> swap, gx.Prism),
    (prism >> prism, gx.Prism),
    (lens >> prism, gx.Affine),
    (prism >> lens, gx.Affine),
    (affine >> lens, gx.Affine),
    (many >> lens, gx.Traversal),
    (prism >> many, gx.Traversal),
    (many >> many, gx.Traversal),
    (gx.lens(int), gx.Iso),
    (gx.lens(Shape).instance(Circle), gx.Prism),
    (gx.lens(Shape).instance(Circle).radius, gx.Affine),
    (gx.lens(Net).bias.just(), gx.Affine),
    (gx.lens(Net).fields("shape", "bias"), gx.Lens),
    (gx.at_instances_of(float), gx.Traversal),
    (gx.prism(lambda x: x, lambda x: x), gx.Prism),
    (gx.traversal(list, lambda w, x: x), gx.Traversal),
    (gx.lens(lambda w: w.x, lambda w, x: w), gx.Lens),
]


@pytest.mark.parametrize(("optic", "kind"), KINDS, ids=[f"{o!r}-{k.__name__}" for o, k in KINDS])
def test_composition_keeps_count_of_the_foci(optic, kind):
    assert type(optic) is kind


def test_every_kind_is_a_traversal_and_a_lens_or_prism_affine():
    assert issubclass(gx.Iso, gx.Lens) and issubclass(gx.Iso, gx.Prism)
    assert issubclass(gx.Lens, gx.Affine) and issubclass(gx.Prism, gx.Affine)
    assert issubclass(gx.Affine, gx.Traversal)


def test_composition_is_associative_and_the_whole_is_its_identity():
    a, b, c = whole.layers, gx.each(), gx.lens(Layer).w
    assert (a >> b) >> c == a >> (b >> c) == weights
    assert hash((a >> b) >> c) == hash(a >> (b >> c))
    assert whole >> a == a == a >> gx.lens(tuple)


def test_optics_are_written_as_they_are_made():
    def small(x):
        return x < 1.0

    path = whole.layers[0:2].each().fields("w", gx.lens(Layer).b[0]).filtered(small)
    assert repr(path) == "lens.layers[0:2].each().fields('w', .b[0]).filtered(small)"
    path = whole.shape.instance(Circle).just().at_instances_of(float)
    assert repr(path) == "lens.shape.instance(Circle).just().at_instances_of(float)"
    assert repr(gx.lens(tuple)[::2] >> swap) == "lens[::2].between(<lambda>, <lambda>)"


def test_optics_made_alike_are_equal():
    test, get, put = (lambda x: x), (lambda w: w[0]), (lambda w, x: (x, w[1]))
    makers = [
        lambda: gx.lens(Net).layers[0].w[0, 1],
        lambda: gx.lens(Net).layers[1:],
        lambda: gx.lens(Net).layers[np.array([0, 1])],
        lambda: gx.lens(Net).layers[np.array([0, 1]), 1],
        lambda: gx.lens(Net).layers[np.array([0, 1]), np.array([1, 1])],
        lambda: gx.each(),
        lambda: gx.filtered(test),
        lambda: gx.just(),
        lambda: gx.lens(Shape).instance(Circle),
        lambda: gx.at_instances_of(Circle),
        lambda: gx.lens(Net).fields("shape", "bias"),
        lambda: gx.lens(get, put),
        lambda: gx.iso(get, get),
        lambda: gx.prism(get, get),
        lambda: gx.traversal(get, put),
    ]
    optics = [make() for make in makers]
    for i, make in enumerate(makers):
        assert [make() == optic for optic in optics] == [i == k for k in range(len(optics))]
        assert hash(make()) == hash(optics[i])


def test_fields_with_the_names_of_methods():
    @dataclass
    class Odd:
        each: float
        field: float

    odd = Odd(1.0, 2.0)
    assert gx.view(gx.lens(Odd).field("each"), odd) == 1.0
    assert gx.view(gx.lens(Odd, lambda o: o.field), odd) == 2.0
    text = (
        r"each is a method of optics that was not called; write \.each\(…\), or \.field\('each'\)"
    )
    with pytest.raises(gx.OpticError, match=text):
        gx.view(gx.lens(Odd).each, odd)


# ---- Paths written as functions ------------------------------------------------------------------


def test_a_path_may_be_a_function():
    path = gx.lens(Net, lambda n: n.layers[0].w)
    assert path == whole.layers[0].w == gx.lens(lambda n: n.layers[0].w)
    assert gx.lens(lambda n: n) == whole
    assert same(gx.view(path, net()), W)


@pytest.mark.parametrize(
    "function",
    [
        *(lambda n: n.w + 1, lambda n: 3.0, lambda n: list(n), lambda n: n.w(1), lambda n: -n, len),
        *(lambda n: n.x if n.y else n.z, lambda n: n.x if n.y == 1 else n.z, lambda n: n.x or n.y),
    ],
)
def test_a_function_that_is_no_path_is_refused(function):
    with pytest.raises(gx.OpticError, match=r"is not a path .*; write only attributes and items"):
        gx.lens(function)


@pytest.mark.parametrize("wrong", [net(), "layers", 3.0, None])
def test_a_path_begins_at_a_class(wrong):
    text = r"begins at a class, but a value of type \w+ was given; write gx\.lens\(\w+\)\.field"
    with pytest.raises(gx.OpticError, match=text):
        gx.lens(wrong)


def test_names_of_fields_are_checked_along_the_annotations():
    text = r"Layer has no field 'z' \(lens\.layers\[0\]\.z\); it has w, b"
    for make in (
        lambda: gx.lens(Net).layers[0].z,
        lambda: gx.lens(Net, lambda n: n.layers[0].z),
        lambda: gx.lens(Net).layers[0].fields("w", "z"),
    ):
        with pytest.raises(AttributeError, match=text):
            make()
    with pytest.raises(AttributeError, match=r"Circle has no field 'z'"):
        gx.lens(Net).shape.instance(Circle).z  # noqa: B018
    with pytest.raises(AttributeError, match=r"Layer has no field 'z'"):
        gx.lens(Net).layers.each().z  # noqa: B018
    assert gx.lens(Net).shape.anything  # a union: known at run time alone


@dataclass
class Store:
    by_name: dict[str, Layer]
    pair: tuple[Layer, Circle]
    spare: Layer | None = None


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        (lambda s: s.by_name["k"], "w", "radius"),
        (lambda s: s.by_name.each(), "w", "radius"),
        (lambda s: s.by_name.ix("k"), "w", "radius"),
        (lambda s: s.pair[0], "w", "radius"),
        (lambda s: s.pair[-1], "radius", "w"),
        (lambda s: s.spare.just(), "w", "radius"),
        (lambda s: s.spare >> gx.lens(Layer), "w", "radius"),
    ],
)
def test_names_are_checked_behind_containers(path, right, wrong):
    end = path(gx.lens(Store))
    assert str(end.field(right)).endswith(f".{right}")
    with pytest.raises(AttributeError, match=rf"(Layer|Circle) has no field '{wrong}'"):
        end.field(wrong)


# ---- What is recorded ----------------------------------------------------------------------------


def test_reading_a_part_records_nothing_and_gives_the_same_variable():
    path = whole.layers[0].w
    for optic in (path, whole.layers[0].fields("w", "b"), whole.layers[0:1], weights):
        assert nodes(lambda n, optic=optic: gx.to_list(optic, n), net()) == 0
    seen = []

    def f(n):
        ways = (gx.view(path, n), gx.expect(path, n), gx.to_list(path, n)[0])
        seen.extend(part is n.layers[0].w for part in ways)
        return 1.0

    gx.grad_bp(f, net())
    assert seen == [True] * 3


def test_changing_a_record_records_nothing_and_an_item_of_an_array_what_puts_it_there():
    assert nodes(lambda n: gx.set(whole.layers[0].w, W, n), net()) == 0
    assert nodes(lambda n: gx.over(weights, lambda w: w, n), net()) == 0
    assert nodes(lambda n: gx.over(weights, np.sin, n), net()) == 2  # of two layers
    assert nodes(lambda n: gx.set(whole.fields("layers", "shape"), ((), n.shape), n), net()) == 0
    item = whole.layers[0].w[0, 1]
    assert nodes(lambda n: gx.view(item, n), net()) == 1
    assert nodes(lambda n: gx.set(item, 9.0, n), net()) == 2  # the item that was there, too


def test_a_change_gives_real_records_and_the_same_object_if_there_is_none():
    seen = []

    def f(n):
        changed = gx.over(weights, np.sin, n)
        same_one = gx.over(weights, lambda w: w, n)
        seen.extend([type(changed), type(changed.layers[0]), changed.layers[0].b is n.layers[0].b])
        seen.extend([same_one is n, gx.set(whole.bias.just(), 1.0, n) is n])
        return 1.0

    gx.grad_bp(f, net())
    assert seen == [Net, Layer, True, True, True]


def test_a_miss_records_nothing():
    box = whole.shape.instance(Box).width
    for f in (
        lambda n: gx.preview(box, n),
        lambda n: gx.to_list(box, n),
        lambda n: gx.preview(whole.bias.just(), n),
        lambda n: gx.preview(whole.layers.each().filtered(lambda x: False).w, n),
        lambda n: gx.preview(whole.at_instances_of(Box).width, n),
    ):
        assert nodes(f, net()) == 0
    for f in (
        lambda n: gx.set(box, 3.0, n),
        lambda n: gx.over(box, np.sin, n),
        lambda n: gx.over(whole.layers.each().filtered(lambda x: False).w, np.sin, n),
    ):
        assert nodes(f, net()) == 0


def test_a_plain_record_is_replaced_once():
    """Its checks see all that changes, never a half of it."""

    @dataclass
    class Interval:
        low: float
        high: float

        def __post_init__(self):
            if self.low > self.high:
                raise ValueError("low > high")

    @dataclass
    class Pair:
        first: Interval
        second: Interval

    both = gx.lens(Interval).fields("low", "high")
    assert gx.set(both, (5.0, 6.0), Interval(1.0, 2.0)) == Interval(5.0, 6.0)
    assert gx.over(gx.each(), lambda x: x + 5.0, Interval(1.0, 2.0)) == Interval(6.0, 7.0)
    with pytest.raises(ValueError, match="low > high"):
        gx.set(gx.lens(Interval).low, 5.0, Interval(1.0, 2.0))

    first, last = gx.lens(list)[0].first, gx.lens(list)[-1].first
    for deep in (
        gx.lens(list).fields(first.low, gx.lens(list)[0].second, first.high),
        gx.lens(list).fields(first.low, gx.lens(list)[0].second, last.high),
    ):
        change = lambda p, deep=deep: gx.set(deep, (5.0, p[0].first, p[0].second.high), p)  # noqa: E731
        pairs = [Pair(Interval(1.0, 2.0), Interval(3.0, 7.0))]
        assert change(pairs) == [Pair(Interval(5.0, 7.0), Interval(1.0, 2.0))]
        assert gx.grad_bp(change, pairs) == [Pair(Interval(1.0, 1.0), Interval(0.0, 1.0))]


def test_fields_of_a_named_tuple_are_checked_by_their_annotations():
    class Mixed(NamedTuple):
        xs: list[float] | tuple[float, ...]
        y: float

    both = gx.lens(Mixed).fields("xs", gx.lens(Mixed).y)
    change = lambda m: gx.over(both, lambda p: (tuple(p[0]), p[1] * p[0][0]), m)  # noqa: E731
    y, g = gx.backprop(change, Mixed([2.0, 3.0], 5.0))
    assert y == Mixed((2.0, 3.0), 10.0) and g == Mixed([6.0, 1.0], 2.0)
    by_position = gx.lens(Mixed).fields(gx.lens(Mixed)[0], gx.lens(Mixed).y)
    with pytest.raises(gx.OpticError, match=r"setting \[0\] of a Mixed to a tuple would change"):
        gx.set(by_position, ((1.0,), 2.0), Mixed([2.0], 5.0))


def test_the_checks_of_a_dataclass_see_variables():
    """The lifted run does what the plain run does."""

    @dataclass
    class Positive:
        x: float
        square: float = gx.param(init=False)

        def __post_init__(self):
            if self.x <= 0:
                raise ValueError("x must be positive")
            self.square = self.x * self.x

    x = gx.lens(Positive).x
    f = lambda p: gx.over(x, lambda v: v * 3.0, p).square  # noqa: E731
    g = gx.grad(f)(Positive(2.0))
    assert f(Positive(2.0)) == 36.0 and (g.x, g.square) == (36.0, 0.0)
    for call in (lambda p: gx.set(x, -1.0, p).x, lambda p: gx.set(x, -p.x, p).x):
        with pytest.raises(ValueError, match="x must be positive"):
            gx.grad_bp(call, Positive(2.0))


def test_nothing_is_changed_where_it_stands():
    n = net()
    for f in (lambda n: gx.set(weights, 0.0 * W, n), lambda n: gx.set(whole.table["a"], 0.0, n)):
        f(n)
        gx.grad_bp(f, n)
    assert same(n, net())
    xs = [1.0, 2.0]
    gx.over(gx.each(), np.sin, xs)
    assert xs == [1.0, 2.0]
    d = defaultdict(float, a=1.0)
    new, maybe = gx.lens(dict)["new"], gx.ix("new")
    for f in (
        lambda d: gx.preview(maybe, d, 1.0),
        lambda d: gx.set(maybe, 2.0, d)["a"],
        lambda d: gx.expect(new, d) + d["a"],
        lambda d: gx.view(new, d) + d["a"],
    ):
        f(d)
        assert gx.grad_bp(f, d).keys() == d.keys() == {"a"}
    w = W.copy()
    gx.set(gx.lens(np.ndarray)[0, 0], 9.0, w)
    assert same(w, W)


def test_an_index_is_read_when_the_optic_is_created():
    x, scales = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])
    for index, other in (
        (np.array([0, 1]), np.array([1, 2])),
        (np.array([True, True, False]), np.array([False, True, True])),
        ([0, 1], [1, 2]),
    ):
        optic = gx.lens(np.ndarray)[index]
        known = hash(optic)

        def f(x, optic=optic, index=index, other=other):
            y = gx.set(optic, x[1:] * 2.0, x)
            index[:] = other
            return np.sum(y * scales)

        # y is [2 x1, 2 x2, x2]
        assert same(gx.grad(f)(x), np.array([0.0, 2.0, 120.0]))
        assert hash(optic) == known and same(gx.view(optic, x), np.array([1.0, 2.0]))


def test_a_changed_item_drops_what_was_cached():
    class Table:
        """A class with items, unknown to gradx."""

        def __init__(self, items):
            self.items = items

        def __getitem__(self, key):
            return self.items[key]

        def __setitem__(self, key, item):
            self.items = {**self.items, key: item}

        @functools.cached_property
        def total(self):
            return sum(self.items.values())

    table = Table({"a": 1.0, "b": 2.0})
    assert table.total == 3.0
    assert gx.set(gx.lens(Table)["a"], 5.0, table).total == 7.0 and table.total == 3.0


def test_arrays_keep_their_dtype():
    x = np.ones(3, np.float32)
    assert gx.set(gx.lens(np.ndarray)[0], 2.0, x).dtype == np.float32
    y, g = gx.backprop(lambda v: gx.set(gx.lens(np.ndarray)[0], v[1] * 2.0, v), x)
    assert y.dtype == g.dtype == np.float32 and same(g, np.array([0, 3, 1], np.float32))
    y, (g, h) = gx.backprop(lambda v, p: gx.set(gx.lens(np.ndarray)[1:], p, v), x, 2.0)
    assert same(y, np.array([1, 2, 2], np.float32)) and type(h) is float and h == 2.0
