"""`gx.tree`: a value as a tree of its parts, with norms."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from tests.debugging.samples import fork, net
from tests.debugging.test_show import ODD, checked


def test_the_text_of_a_tree():
    assert str(gx.tree(net())) == "\n".join(
        [
            "Net  |1.884|",
            "  .layers list  |1.884|",
            "    [0] Layer  |1.229|",
            "      .w float64 2x3  |1.225|",
            "      .b float  |0.1|",
            "    [1] Layer  |1.428|",
            "      .w float64 2  |1.414|",
            "      .b float  |0.2|",
            "  .name 'net'",
        ]
    )


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.array([3.0, 4.0]), "float64 2  |5|"),
        (3 + 4j, "complex  |5|"),
        (np.array([3 + 4j]), "complex128 1  |5|"),
        (np.float32(2.0), "float32  |2|"),
        (Fraction(1, 2), "Fraction  |0.5|"),
        (Decimal("0.5"), "Decimal  |0.5|"),
        (np.array([np.nan, 1.0]), "float64 2  |nan|  not finite"),
        (np.array([np.inf, 1.0]), "float64 2  |inf|  not finite"),
        (np.zeros(3), "float64 3  |0|  all zero"),
        ("name", "'name'"),
        ((), "tuple"),
        ("x" * 100, f"'{'x' * 56}..."),
    ],
)
def test_leaves(x, text):
    assert str(gx.tree(x)) == text


def test_parts_as_data():
    parts = gx.tree({"a": [3.0], "b": 4.0}).parts
    assert [(p.depth, p.key, p.norm) for p in parts] == [
        *((0, "", 5.0), (1, "['a']", 3.0), (2, "[0]", 3.0), (1, "['b']", 4.0)),
    ]


def test_html_opens_and_closes_without_a_script():
    html = gx.tree({ODD: fork()})._repr_html_()
    found = checked(html)
    assert found.tags == {"div", "details", "summary"}
    assert ODD not in html
    assert html.count("<details") == 6  # the dict, the forks and the leaves
    lines = [line.strip() for line in str(gx.tree({ODD: fork()})).splitlines()]
    assert found.texts == lines


def test_many_parts_are_cut():
    tree = gx.tree([float(k) for k in range(1000)])
    assert len(tree.parts) == 1001
    assert str(tree).splitlines()[-1] == "… and 801 more parts: see .parts"
    assert len(str(tree).splitlines()) == 201
    assert "… and 801 more parts" in tree._repr_html_()


def test_a_gradient_of_variables():
    found = []
    gx.grad(lambda x: (found.append(str(gx.tree({"x": x}))), x)[1])(2.0)
    assert found == ["dict  |2|\n  ['x'] float  |2|"]


def test_a_value_that_contains_itself():
    loop = [1.0]
    loop.append(loop)
    with pytest.raises(gx.CycleError, match="contains itself"):
        gx.tree(loop)


def test_a_batched_value_has_a_norm_for_each_example():
    seen = []
    gx.vmap(lambda x: seen.append(str(gx.tree([x, 2.0]))) or x)(np.ones((3, 2)))
    assert seen == ["list  |2|\n  [0] float64 2\n  [1] float  |2|"]
