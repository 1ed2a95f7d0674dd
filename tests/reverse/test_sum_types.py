"""Sum types: unions, Optional, variants with payload, recursive types; matching and folding."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradx as gx
from gradx.reverse.api import run_on
from gradx.testing import check_grads
from tests.core.samples import Pair, Point, same

# ---- Expressions: a recursive union --------------------------------------------------------------


@dataclass(frozen=True)
class Num:
    x: float


@dataclass(frozen=True)
class Neg:
    e: Expr


@dataclass(frozen=True)
class Add:
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Mul:
    left: Expr
    right: Expr


Expr = Num | Neg | Add | Mul


def evaluated(e):
    match gx.split(e):
        case Num(x):
            return x
        case Neg(inner):
            return -evaluated(inner)
        case Add(left, right):
            return evaluated(left) + evaluated(right)
        case Mul(left, right):
            return evaluated(left) * evaluated(right)


def simplified(e):
    """Nested patterns, guards, literals and alternatives; what it builds joins by itself."""
    match gx.split(e):
        case Neg(Neg(inner)):
            return simplified(inner)
        case Mul(Num(0.0), _) | Mul(_, Num(0.0)):
            return Num(0.0)
        case Mul(Num(1.0), other) | Mul(other, Num(1.0)):
            return simplified(other)
        case Add(Num(a), Num(b)):
            return Num(a + b)
        case Mul(Num(a), Num(b)) if a == b:
            return Num(a**2)
        case Add(left=Mul(Num(a), c), right=Mul(Num(b), d)) if c == d:
            return Mul(Num(a + b), simplified(c))
        case Add(left, right):
            return Add(simplified(left), simplified(right))
        case Mul(left, right):
            return Mul(simplified(left), simplified(right))
        case Neg(inner):
            return Neg(simplified(inner))
        case other:
            return other


numbers = st.integers(-3, 3).map(float)
expressions = st.recursive(
    numbers.map(Num),
    lambda inner: (
        st.builds(Neg, inner) | st.builds(Add, inner, inner) | st.builds(Mul, inner, inner)
    ),
    max_leaves=12,
)


def constructors(e):
    """The structure without the numbers."""
    if isinstance(e, Num):
        return Num
    return type(e), *[constructors(getattr(e, name)) for name in e.__dataclass_fields__]


@given(expressions)
def test_the_gradient_has_the_same_constructors(e):
    y, g = gx.backprop(evaluated, e)
    assert y == evaluated(e) and constructors(g) == constructors(e)
    assert same(g, by_hand(e, 1.0))


def by_hand(e, d):
    """The gradient of an expression, by the rules of calculus."""
    match e:
        case Num():
            return Num(d)
        case Neg(inner):
            return Neg(by_hand(inner, -d))
        case Add(left, right):
            return Add(by_hand(left, d), by_hand(right, d))
        case Mul(left, right):
            return Mul(by_hand(left, d * evaluated(right)), by_hand(right, d * evaluated(left)))


@given(expressions)
def test_matching_a_variable_is_matching_the_value(e):
    seen = []
    assert same(evaluated(simplified(e)), evaluated(e))
    y, _ = gx.backprop(lambda v: seen.append(gx.value(simplified(v))) or simplified(v), e)
    assert same(y, simplified(e)) and same(seen[0], y)


@given(expressions)
def test_folding_is_evaluating(e):
    def algebra(node):
        match node:
            case Num(x):
                return x
            case Neg(inner):
                return -inner
            case Add(left, right):
                return left + right
            case Mul(left, right):
                return left * right

    for of in (None, Expr, (Num, Neg, Add, Mul)):
        y, g = gx.backprop(lambda v, of=of: gx.fold_tree(algebra, v, of), e)
        assert same((y, g), gx.backprop(evaluated, e))
        assert same(gx.fold_tree(algebra, e, of), evaluated(e))


def test_nested_patterns_by_hand():
    e = Mul(Num(3.0), Num(3.0))
    assert gx.grad_bp(lambda v: simplified(v).x, e) == Mul(Num(6.0), Num(0.0))
    e = Add(Mul(Num(2.0), Neg(Num(5.0))), Mul(Num(4.0), Neg(Num(5.0))))
    y, g = gx.backprop(lambda v: evaluated(simplified(v)), e)
    assert y == -30.0
    assert g == Add(Mul(Num(-5.0), Neg(Num(-6.0))), Mul(Num(-5.0), Neg(Num(0.0))))


# ---- What a record of variables is to `isinstance` and `match` -----------------------------------


@attrs.define
class Attr:
    x: Any


class Kind(enum.Enum):
    LINEAR = 1
    SQUARE = 2


@dataclass
class Tagged:
    """An enum with a payload: the tag is static, and the gradient has the same."""

    tag: Kind
    payload: Any


def test_records_go_in_as_instances_of_their_class():
    seen = []

    def f(v):
        seen.extend([type(v) is Point, isinstance(v, Num), isinstance(v.x, gx.BVar)])
        return v.x

    gx.grad_bp(f, Point(1.0, 2.0))
    gx.grad_bp(lambda v: gx.grad_bp(f, v).x, Point(1.0, 2.0))
    assert seen == [True, False, True] * 2


@pytest.mark.parametrize("value", [Point(2.0, 3.0), Pair(2.0, 3.0), Attr(2.0)], ids=repr)
def test_match_without_split(value):
    def f(v):
        match v:
            case Point(x, y) | Pair(x, y):
                return x * y
            case Attr(x):
                return x * 3.0

    check_grads(f, value)


def test_patterns_of_containers_inside_records():
    def f(v):
        match gx.split(v):
            case Tagged(tag=Kind.SQUARE, payload=[first, *rest]):
                return first * sum(rest)
            case Tagged(tag=Kind.LINEAR, payload={"a": (x, Point(y, _, "p")), **rest}) if rest:
                return x * y * rest["b"]
            case Tagged(payload=None):
                return 1.0
            case Tagged(_, (x, y) | [x, y]):
                return x - y
            case Tagged(_, number):
                return number * 7.0

    cases = [
        (Tagged(Kind.SQUARE, [2.0, 3.0, 4.0]), Tagged(Kind.SQUARE, [7.0, 2.0, 2.0])),
        (
            Tagged(Kind.LINEAR, {"a": (2.0, Point(3.0, 9.0)), "b": 5.0}),
            Tagged(Kind.LINEAR, {"a": (15.0, Point(10.0, 0.0)), "b": 6.0}),
        ),
        (Tagged(Kind.LINEAR, None), Tagged(Kind.LINEAR, None)),
        (Tagged(Kind.LINEAR, (2.0, 3.0)), Tagged(Kind.LINEAR, (1.0, -1.0))),
        (Tagged(Kind.LINEAR, 2.0), Tagged(Kind.LINEAR, 7.0)),
    ]
    for value, gradient in cases:
        y, g = gx.backprop(f, value)
        assert y == f(value) and same(g, gradient)


def test_a_sum_of_variants_in_one_class():
    """Variants that share a base, as in `Shape.Circle`."""

    class Shape:
        pass

    @dataclass
    class Circle(Shape):
        radius: float

    @dataclass
    class Box(Shape):
        width: float
        height: float

    def area(shape):
        match gx.split(shape):
            case Circle(radius):
                return 3.0 * radius**2
            case Box(width, height):
                return width * height

    shapes = [Circle(1.0), Box(2.0, 5.0)]
    assert gx.grad(lambda v: sum(map(area, v)))(shapes) == [Circle(6.0), Box(5.0, 2.0)]
    radius = gx.lens(Shape).instance(Circle).radius
    assert gx.grad(lambda v: sum(gx.to_list(gx.each() >> radius, v)))(shapes) == [
        Circle(1.0),
        Box(0.0, 0.0),
    ]


def test_a_constructor_may_change_on_the_way():
    def grown(e):
        match gx.split(e):
            case Num(x):
                return Add(Num(x * 2.0), Neg(Num(x)))
            case other:
                return other

    y, g = gx.backprop(grown, Num(3.0))
    assert y == Add(Num(6.0), Neg(Num(3.0))) and g == Num(3.0)
    assert gx.grad(lambda e: evaluated(grown(grown(e))))(Num(3.0)) == Num(1.0)


# ---- Recursive types -----------------------------------------------------------------------------


@dataclass
class Cons:
    head: float
    tail: Cons | None = None


@dataclass
class Tree:
    value: float
    children: list[Tree] = field(default_factory=list)


def chain(n, x=1.0):
    """A list linked n times."""
    made = None
    for _ in range(n):
        made = Cons(x, made)
    return made


def heads(linked):
    while linked is not None:
        yield linked.head
        linked = linked.tail


def total(linked):
    """Written as a user would, with a loop."""
    result = 0.0
    while linked is not None:
        match gx.split(linked):
            case Cons(head, tail):
                result, linked = result + head * head, tail
    return result


def test_trees_with_any_number_of_children():
    tree = Tree(1.0, [Tree(2.0), Tree(3.0, [Tree(4.0)])])
    product = lambda node: math.prod([node.value, *node.children])  # noqa: E731
    y, g = gx.backprop(lambda t: gx.fold_tree(product, t), tree)
    assert y == 24.0
    assert g == Tree(24.0, [Tree(12.0), Tree(8.0, [Tree(6.0)])])
    depth = lambda node: 1 + max(node.children, default=0)  # noqa: E731
    assert gx.fold_tree(depth, tree) == 3


def test_a_fold_may_build_another_tree():
    doubled = lambda node: Tree(node.value * 2.0, node.children)  # noqa: E731
    tree = Tree(1.0, [Tree(2.0)])
    y, g = gx.backprop(lambda t: gx.fold_tree(doubled, t), tree)
    assert y == Tree(2.0, [Tree(4.0)]) and g == Tree(2.0, [Tree(2.0)])


def test_records_that_are_not_nodes_are_kept():
    @dataclass
    class Place:
        at: Point
        next: Place | None = None

    path = Place(Point(1.0, 2.0), Place(Point(3.0, 4.0)))
    far = lambda p: p.at.x * p.at.y + (p.next or 0.0)  # noqa: E731
    y, g = gx.backprop(lambda p: gx.fold_tree(far, p, of=Place), path)
    assert y == 14.0 and g == Place(Point(2.0, 1.0), Place(Point(4.0, 3.0)))
    inside = Place(Pair(Place(Point(5.0, 6.0)), 1.0))  # a node, but within what is none
    first = lambda p: p.at.x.at.x if isinstance(p.at, Pair) else 0.0  # noqa: E731
    g = gx.grad(lambda p: gx.fold_tree(first, p, of=Place))(inside)
    assert g == Place(Pair(Place(Point(1.0, 0.0)), 0.0))
    with pytest.raises(TypeError, match="folds records, and a Point is not a node of the tree"):
        gx.fold_tree(far, Point(1.0, 2.0), of=Place)
    with pytest.raises(TypeError, match="a list is not a node of the tree; give a dataclass"):
        gx.fold_tree(far, [path])


def test_prisms_into_recursive_types():
    tail = gx.lens(Cons).tail.just()
    third = tail >> tail >> gx.lens(Cons).head
    assert gx.grad(lambda v: gx.expect(third, v) ** 2)(chain(3, 2.0)) == Cons(
        0.0, Cons(0.0, Cons(4.0))
    )
    assert gx.preview(third, chain(2)) is None
    assert len(run_on(lambda v: gx.preview(third, v), [chain(2)], {}).nodes) == 1


def test_gradients_of_gradients_of_recursive_types():
    check_grads(lambda v: total(gx.grad(lambda w: total(w) ** 2)(v)), chain(4, 0.7))
    check_grads(lambda e: evaluated(gx.grad(evaluated)(e)), Mul(Num(2.0), Add(Num(3.0), Num(4.0))))


# ---- Hundreds of thousands of nodes --------------------------------------------------------------
# Forward in the user's loop, in the sweep and in settling: nothing may recurse. A stack of 8 MB has
# 40 bytes for each of 200,000 calls, so that calls of C would not fit either.

DEEP = 10_000  # some ten times Python's limit for recursion


def folded_total(linked):
    def algebra(node):
        return node.head * node.head + (0.0 if node.tail is None else node.tail)

    return gx.fold_tree(algebra, linked)


def changed_total(linked):
    return total(gx.over(gx.at_instances_of(float), lambda x: x * 1.0, linked))


def listed_total(linked):
    return sum(x * x for x in gx.to_list(gx.at_instances_of(float), linked))


@pytest.mark.parametrize("function", [total, folded_total, changed_total, listed_total])
def test_deep_values_do_not_overflow(function):
    y, g = gx.backprop(function, chain(DEEP, 2.0))
    assert y == 4.0 * DEEP and all(x == 4.0 for x in heads(g))
    assert function(chain(DEEP)) == DEEP


def test_deep_values_of_outer_runs_do_not_overflow():
    inner = lambda v: total(gx.grad(total)(v))  # noqa: E731
    g = gx.grad(inner)(chain(DEEP // 10, 2.0))  # of the sum of (2 x)²
    assert all(x == 16.0 for x in heads(g))


@pytest.mark.slow
@pytest.mark.parametrize(("function", "n"), [(total, 200_000), (folded_total, 100_000)])
def test_hundreds_of_thousands_of_nodes(function, n):
    y, g = gx.backprop(function, chain(n, 2.0))
    assert y == 4.0 * n and all(x == 4.0 for x in heads(g))


@settings(max_examples=20)
@given(st.integers(1, 60))
def test_every_depth_is_right(n):
    """Views along a path begin anew after some steps."""
    last = gx.at_instances_of(float)
    xs = chain(n, 3.0)
    g = gx.grad(lambda v: gx.to_list(last, v)[-1] ** 2)(xs)
    assert list(heads(g)) == [0.0] * (n - 1) + [6.0]
    y, g = gx.backprop(lambda v: gx.over(last, lambda x: x * x, v), xs)
    assert list(heads(y)) == [9.0] * n and list(heads(g)) == [6.0] * n
