"""Errors of optics: each names the path, says why, and shows what to write."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import Pair, Plain, Point

W = np.array([[1.0, 2.0], [3.0, 4.0]])


@dataclass
class Circle:
    radius: float


@dataclass
class Box:
    width: float


@dataclass
class Net:
    w: np.ndarray
    shape: Circle | Box
    only: Circle
    bias: float | None
    items: list[float] = field(default_factory=list)
    name: str = "net"


net = Net(W, Circle(2.0), Circle(3.0), None, [1.0, 2.0])
whole = gx.lens(Net)


def on_values_and_variables(f, value, error, text):
    """The error is the same on a plain value and on a variable."""
    for call in (f, lambda x: gx.grad_bp(f, x)):
        with pytest.raises(error, match=text):
            call(value)


# ---- A path that does not exist ------------------------------------------------------------------


def test_a_path_that_does_not_exist():
    items = gx.lens(Plain).y.items
    on_values_and_variables(
        lambda v: gx.view(items[5], v),
        Plain(1.0, net),
        IndexError,
        r"lens\.y\.items has no part \[5\] \(on the path lens\.y\.items\[5\]\)",
    )
    on_values_and_variables(
        lambda v: gx.set(gx.lens(Plain).y["b"].x, 1.0, v),
        Plain(1.0, {"a": 2.0}),
        KeyError,
        r"lens\.y has no part \['b'\] \(on the path lens\.y\['b'\]\.x\)",
    )
    on_values_and_variables(
        lambda v: gx.to_list(gx.each() >> gx.lens(Circle).radius, v),
        [Circle(1.0), Box(2.0)],
        AttributeError,
        r"lens\.each\(\) has no part \.radius \(on the path lens\.each\(\)\.radius\)",
    )
    on_values_and_variables(
        lambda v: gx.preview(gx.lens(tuple)[0].z, v),
        (Point(1.0, 2.0),),
        AttributeError,
        r"lens\[0\] has no part \.z",
    )
    on_values_and_variables(
        lambda v: gx.over(gx.lens(Pair)[2], np.sin, v), Pair(1.0, 2.0), IndexError, r"no part \[2\]"
    )


def test_a_key_that_is_only_a_default_cannot_be_set():
    on_values_and_variables(
        lambda d: gx.set(gx.lens(dict)["new"], d["a"], d),
        defaultdict(float, a=1.0),
        KeyError,
        r"a defaultdict without the key 'new' has no part there.*\{\*\*d, key: x\}, or use gx\.ix",
    )


def test_an_error_of_the_function_stays_what_it_is():
    def wrong(x):
        raise KeyError("mine")

    for f in (
        lambda v: gx.over(gx.lens(Plain).x, wrong, v),
        lambda v: gx.over(gx.at_instances_of(float), wrong, v),
    ):
        on_values_and_variables(f, Plain(1.0, 2.0), KeyError, r"^'mine'$")


# ---- An optic that is not what it is used as -----------------------------------------------------


@pytest.mark.parametrize(
    ("optic", "kind", "why"),
    [
        (whole.shape.instance(Circle), "Affine", "may have no focus"),
        (gx.just(), "Prism", "may have no focus"),
        (whole.items.each(), "Traversal", "may have any number of foci"),
    ],
)
def test_a_prism_or_traversal_is_not_a_lens(optic, kind, why):
    text = rf"gx\.view needs a lens, and lens.* is an? {kind}, which {why}; use gx\.preview"
    on_values_and_variables(lambda n: gx.view(optic, n), net, gx.OpticError, text)
    text = rf"fields takes names and lenses: lens.* is an? {kind}"
    with pytest.raises(gx.OpticError, match=text):
        gx.lens(Net).fields("w", optic)


def test_only_prisms_build_wholes():
    text = r"lens\.w is a Lens and cannot build a whole from a part; use a prism or an iso, or put"
    with pytest.raises(gx.OpticError, match=text):
        gx.review(whole.w, W)
    with pytest.raises(gx.OpticError, match="is a Traversal and cannot build"):
        gx.review(gx.each(), W)


@pytest.mark.parametrize("call", [gx.view, gx.preview, gx.expect, gx.to_list])
def test_values_that_are_not_optics(call):
    with pytest.raises(
        gx.OpticError, match=r"a str is not an optic; create one with gx\.lens\(T\)"
    ):
        call("w", net)
    with pytest.raises(gx.OpticError, match="fields is a method of optics that was not called"):
        call(whole.fields, net)


def test_values_that_are_not_optics_cannot_be_composed_or_set():
    for wrong in (
        lambda: whole.w >> "w",
        lambda: gx.set("w", W, net),
        lambda: gx.over(0, np.sin, net),
        lambda: gx.review("w", W),
        lambda: whole.fields(0),
    ):
        with pytest.raises(gx.OpticError, match="is not an optic; create one with"):
            wrong()


def test_optics_are_not_created_by_their_classes():
    with pytest.raises(TypeError, match=r"optics are created with gx\.lens\(…\), gx\.each\(\)"):
        gx.Lens()


# ---- Foci that overlap ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("w", "w"), r"'w' and 'w' overlap"),
        (("w", gx.lens(Net).w[0]), r"'w' and \.w\[0\] overlap"),
        ((gx.lens(Net).only.radius, "only"), r"\.only\.radius and 'only' overlap"),
        (("only", gx.lens(Net)), r"'only' and  overlap"),
    ],
)
def test_fields_that_overlap(parts, text):
    with pytest.raises(gx.OpticError, match=f"the foci {text}.*; leave one out"):
        whole.fields(*parts)


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        (gx.lens(list)[0], gx.lens(list)[-3], [1.0, 2.0, 3.0]),
        (gx.lens(list)[0:2], gx.lens(list)[1], [1.0, 2.0, 3.0]),
        (gx.lens(tuple)[0], gx.lens(tuple)[:2], (1.0, 2.0, 3.0)),
        (gx.lens(np.ndarray)[0], gx.lens(np.ndarray)[:, 1], W),
        (gx.lens(np.ndarray)[0, 0], gx.lens(np.ndarray)[-2, -2], W),
        (gx.lens(Pair).x, gx.lens(Pair)[0], Pair(1.0, 2.0)),
        (gx.lens(list)[0].y, gx.lens(list)[0][-1], [Pair(1.0, 2.0)]),
        (gx.lens(Pair)[:1], gx.lens(Pair).x, Pair(1.0, 2.0)),
    ],
)
def test_foci_that_turn_out_to_overlap(a, b, value):
    both = gx.lens(object).fields(a, b)
    on_values_and_variables(
        lambda v: gx.over(both, lambda ab: (ab[1], ab[0]), v),
        value,
        gx.OpticError,
        r"the foci .* overlap, so that a set could not put both back; leave one out",
    )


def test_foci_that_do_not_overlap():
    a, b = gx.lens(list)[0], gx.lens(list)[1:]
    assert gx.over(gx.lens(list).fields(a, b), lambda ab: (9.0, ab[1][::-1]), [1.0, 2.0, 3.0]) == [
        9.0,
        3.0,
        2.0,
    ]


def test_an_index_that_names_an_item_twice():
    on_values_and_variables(
        lambda w: gx.set(gx.lens(np.ndarray)[[0, 0]], 1.0, w),
        W,
        gx.OpticError,
        r"the index \[0, 0\] selects an item twice, so its foci overlap and cannot be set",
    )


# ---- A set that changes a type -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optic", "part", "text"),
    [
        (whole.w, "text", r"setting \.w of a Net to a str would change its type, .* ndarray"),
        (whole.w, None, r"setting \.w of a Net to a NoneType would change its type"),
        (whole.name, 1.0, r"setting \.name of a Net to a float would change its type"),
        (whole.only, Box(1.0), r"setting \.only of a Net to a Box would change its type.* Circle"),
        (whole.only.radius, [1.0], r"setting \.radius of a Circle to a list would change its type"),
        (whole.items, (1.0,), r"setting \.items of a Net to a tuple would change its type"),
        (whole.items[0], "x", r"setting \[0\] of a list to a str would change its type"),
        (whole.items.each(), Point(1.0, 2.0), r"setting \.each\(\) of a list to a Point would"),
    ],
)
def test_a_set_that_changes_a_type(optic, part, text):
    for f in (lambda n: gx.set(optic, part, n), lambda n: gx.over(optic, lambda _: part, n)):
        on_values_and_variables(
            f, net, gx.OpticError, text + ".*; give a .*, or annotate the field"
        )


@pytest.mark.parametrize(
    ("optic", "part"),
    [
        (whole.shape, Box(3.0)),  # a member of the union
        (whole.bias, 3.0),
        (whole.w, 2.0),  # numbers and arrays stand for one another
        (whole.only.radius, np.ones(3)),
        (whole.only.radius, 3),
        (gx.lens(Net).items[0], np.float32(3.0)),
    ],
)
def test_a_set_that_the_annotation_allows(optic, part):
    new = gx.set(optic, part, net)
    assert gx.view(optic, new) is part
    gx.grad_bp(lambda n: gx.set(optic, part, n), net)


def test_the_union_to_write_for_none():
    with pytest.raises(gx.OpticError, match=r"with a union such as ndarray \| None$"):
        gx.set(whole.w, None, net)


def test_without_an_annotation_records_follow_one_another():
    """A list of a sum type has no annotation that could be asked."""
    grown = gx.over(gx.each(), lambda s: Box(s.radius), [Circle(2.0)])
    assert grown == [Box(2.0)]
    y, g = gx.backprop(lambda v: gx.over(gx.each(), lambda s: Box(s.radius**2), v), [Circle(2.0)])
    assert y == [Box(4.0)] and g == [Circle(4.0)]


@pytest.mark.parametrize(
    ("index", "part", "text"),
    [
        (0, 1j, r"a complex set into an array of dtype float64 would change its type"),
        (0, "x", r"a str set into an array of dtype float64 would change its type"),
        (0, np.ones(3), r"a part of shape \(3,\) was set where the array has \(2,\)"),
    ],
)
def test_items_that_an_array_cannot_hold(index, part, text):
    on_values_and_variables(
        lambda w: gx.set(gx.lens(np.ndarray)[index], part, w), W, gx.OpticError, text
    )
    with pytest.raises(gx.OpticError, match=r"a float set into an array of dtype int64 would"):
        gx.set(gx.lens(np.ndarray)[0], 1.5, np.array([1, 2]))
    assert gx.set(gx.lens(np.ndarray)[0], 7, np.array([1, 2])).tolist() == [7, 2]


def test_a_slice_of_another_length():
    on_values_and_variables(
        lambda v: gx.set(gx.lens(list)[1:], [9.0], v),
        [1.0, 2.0, 3.0],
        gx.OpticError,
        r"\[1:\] of this list has 2 items, and was set to 1; give as many as there were",
    )
    on_values_and_variables(
        lambda p: gx.set(gx.lens(Point).fields("x", "y"), p.x * 9.0, p),
        Point(1.0, 2.0),
        gx.OpticError,
        r"\.fields\('x', 'y'\) has 2 foci and was set to a float; give a tuple of 2",
    )
    on_values_and_variables(
        lambda p: gx.set(gx.lens(Point).fields("x", "y"), (9.0,), p),
        Point(1.0, 2.0),
        gx.OpticError,
        r"\.fields\('x', 'y'\) has 2 foci and was set to 1 parts; give a tuple of 2",
    )


# ---- Nothing there -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optic", "value"),
    [
        (gx.lens(Plain).y.instance(Circle).radius, Plain(1.0, Box(2.0))),
        (gx.just(), None),
        (gx.each(), []),
        (gx.at_instances_of(Circle), [1.0]),
        (gx.each() >> gx.filtered(lambda x: x > 5), [1.0]),
    ],
    ids=repr,
)
def test_expect_on_an_empty_focus(optic, value):
    text = r"lens.* has no focus in .*; use gx\.preview\(optic, whole\) where the part may be miss"
    on_values_and_variables(lambda v: gx.expect(optic, v), value, gx.EmptyFocusError, text)
    assert gx.preview(optic, value) is None and gx.preview(optic, value, 7.0) == 7.0


def test_each_needs_parts():
    text = r"each\(\) goes to the parts of a container, and a float has none; leave each\(\) out"
    on_values_and_variables(
        lambda p: gx.to_list(gx.lens(Point).x.each(), p), Point(1.0, 2.0), gx.OpticError, text
    )
    for value in (2.0, "text", np.array(1.0), object()):
        with pytest.raises(
            gx.OpticError, match=r"goes to the parts of a container, and a .* has none"
        ):
            gx.over(gx.each(), lambda x: x, value)


def test_a_value_that_contains_itself():
    ring = [1.0]
    ring.append(ring)
    with pytest.raises(
        gx.CycleError, match="a list contains itself, so at_instances_of would never"
    ):
        gx.to_list(gx.at_instances_of(float), ring)


def test_a_part_that_cannot_be_replaced():
    class Custom:
        x = 1.0

    gx.register_static(Custom)
    with pytest.raises(gx.StructureError, match="a Custom has no part 'x' that could be replaced"):
        gx.set(gx.lens(Custom).x, 2.0, Custom())
