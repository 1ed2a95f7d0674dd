"""Structures that do not match: every mismatch is told at once, each with its path."""

import re

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import Plain


@gx.record
class Net:
    w: np.ndarray
    b: np.ndarray
    items: list
    rate: float = 1.0


def net(n, m, *items):
    return Net(np.ones(n), np.ones(m), list(items))


def told(error, call):
    """The lines of an error's text."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value).splitlines()


def test_adding():
    x = Plain(1.0, (np.ones(2), {"k": [1.0]}, "left"))
    y = Plain(1.0, (np.ones(3), {"k": (1.0,)}, "right"))
    assert told(gx.StructureError, lambda: gx.add(x, y)) == [
        "3 parts do not match:",
        "  - arrays of shapes (2,) and (3,) cannot be added as gradients; give arrays of one shape "
        "(at value.y[0])",
        "  - a list and a tuple cannot be added; give two values of one type (at value.y[1]['k'])",
        "  - the static values 'left' and 'right' at value.y[2] differ and cannot be added; add "
        "values whose static parts are equal",
    ]


def test_one_mismatch_is_told_alone():
    text = r"^a list and a tuple cannot be added; give two values of one type \(at value\[1\]\)$"
    with pytest.raises(gx.StructureError, match=text):
        gx.add((1.0, [1.0]), (1.0, (1.0,)))


def test_arithmetic_of_records():
    assert told(gx.StructureError, lambda: net(2, 2, 1.0) - net(3, 2)) == [
        "2 parts do not match:",
        "  - arrays of shapes (2,) and (3,) cannot be combined leaf by leaf; give arrays of one "
        "shape (at Net.w)",
        "  - a list with parts [0] and a list with parts [] cannot be combined; give two values of "
        "one structure, or a number (at Net.items)",
    ]
    inside = lambda n: (n - net(3, 4)).rate  # noqa: E731
    lines = told(gx.StructureError, lambda: gx.grad(inside)(net(2, 2)))
    assert len(lines) == 3 and "at Net.w" in lines[1] and "at Net.b" in lines[2]
    text = r"shapes \(2,\) and \(3,\) .* \(at Net\.w\)"
    with pytest.raises(gx.StructureError, match=text):
        net(2, 2) * net(3, 2)


def test_cotangents():
    _, pullback = gx.backprop_with(lambda x: (x, {"k": x * 2.0}, [x]), np.ones(2))
    lines = told(gx.CotangentError, lambda: pullback((np.ones(3), {"k": 1.0}, (1.0,))))
    assert lines[0] == "3 parts do not match:" and len(lines) == 4
    for line, path in zip(
        lines[1:], ["[0] has shape (3,)", "[1]['k'] is a float", "[2])"], strict=True
    ):
        assert re.match(r"  - the cotangent", line) and path in line
    pair = gx.lift(lambda p: (p.x, lambda g: Plain(np.ones(3), "text")))
    lines = told(gx.CotangentError, lambda: gx.grad_bp(pair, Plain(1.0, 2.0)))
    assert lines[0] == "2 parts do not match:"
    assert "the cotangent of operand 0 of <lambda>.x has shape (3,)" in lines[1]
    assert "the cotangent of operand 0 of <lambda>.y is a str" in lines[2]


def test_a_long_list_is_cut():
    xs, ys = [np.ones(2)] * 25, [np.ones(3)] * 25
    lines = told(gx.StructureError, lambda: gx.add(xs, ys))
    assert lines[0] == "25 parts do not match:" and lines[-1] == "  - and 5 more"
    assert len(lines) == 22


def test_deep_values():
    def chain(n, end):
        for _ in range(n):
            end = (end,)
        return end

    text = r"shapes \(2,\) and \(3,\) cannot be added.*\(at value(\[0\])+\)$"
    with pytest.raises(gx.StructureError, match=text):
        gx.add(chain(3000, np.ones(2)), chain(3000, np.ones(3)))


class Unknown:
    """Of no type that gradx knows."""


@pytest.mark.parametrize("part", [Unknown(), np.ma.masked_array([1.0])], ids=["unknown", "masked"])
def test_a_part_that_has_no_gradient_is_told_by_its_path(part):
    first, second = Net(np.ones(2), part, []), Plain(Plain(part, 1.0), np.ones(2))
    errors = (gx.UnregisteredTypeError, gx.NotDifferentiableError)
    op = gx.lift(lambda x, v: (2.0 * v, lambda g: (x, 2.0 * g)))
    given = r"operand 0 of <lambda>\."
    with pytest.raises(errors, match=given + "b"):
        gx.grad(lambda v: op(first, v))(1.0)
    with pytest.raises(errors, match=given + r"x\.x"):
        gx.grad(lambda v: op(second, v))(1.0)
    with pytest.raises(errors, match=r"params\.b"):
        gx.descend(lambda net: np.sum(net.w), first, 0.1)
    for combine in (lambda: first * 2.0, lambda: first + first):
        with pytest.raises(errors, match=r"Net\.b"):
            combine()
