"""`gx.show`: the graph as rows, text, a table of HTML and a drawing."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pytest

import gradx as gx
from gradx.debugging import drawing
from gradx.debugging.drawing import CHARACTER, LINE, PADDING, laid_out
from gradx.debugging.folding import folded
from gradx.debugging.tables import bytes_as_text
from tests.debugging.samples import Layer, Net, fork, net, output, recurrent, total

W, V = np.full((2, 3), 0.5), np.ones(3)


def test_the_text_of_a_graph():
    text = str(gx.show(output, net(), V))
    lines = text.splitlines()
    assert lines[0].split() == ["#", "op", "of", "shapes", "dtype", "device", "kept", "line"]
    cells = [re.split(r"  +", line.strip()) for line in lines[1:]]
    line = output.__code__.co_firstlineno + 2
    at = f"samples.py:{line}"
    assert cells == [
        ["0", "input", "net.layers[0].w", "2x3", "float64", "cpu"],
        ["1", "input", "net.layers[0].b", "1", "float", "cpu"],
        ["2", "input", "net.layers[1].w", "2", "float64", "cpu"],
        ["3", "input", "net.layers[1].b", "1", "float", "cpu"],
        ["4", "input", "x", "3", "float64", "cpu"],
        ["5", "matmul", "net.layers[0].w, x", "2x3, 3 → 2", "float64", "cpu", at],
        ["6", "add", "#5, net.layers[0].b", "2, 1 → 2", "float64", "cpu", at],
        ["7", "tanh", "#6", "2 → 2", "float64", "cpu", "16 B", at],
        ["8", "matmul", "net.layers[1].w, #7", "2, 2 → 1", "float64", "cpu", at],
        ["9", "add", "#8, net.layers[1].b", "1, 1 → 1", "float64", "cpu", at],
        ["10", "tanh", "#9", "1 → 1", "float64", "cpu", "8 B", at],
        ["11", "sum", "#10", "1 → 1", "float64", "cpu", f"samples.py:{line + 1}"],
    ]


def test_a_loop_is_folded():
    graph = gx.show(lambda w: recurrent(w, V, 50), np.eye(3))
    shown = [(each.row.op, each.repeats) for each in graph.shown]
    assert ("tanh", 49) in shown or ("tanh", 50) in shown
    assert len(graph.shown) < 10
    assert len(graph.rows) == 102
    assert sum(each.kept for each in graph.shown) == sum(row.kept for row in graph.rows) == 50 * 24
    assert re.search(r"tanh .* samples\.py:\d+ +× (49|50)\n", f"{graph}\n")


def test_inputs_of_a_list_are_folded_by_their_pattern():
    layers = [Layer(np.eye(3), 0.1) for _ in range(10)]
    text = str(gx.show(lambda net: output(net, V), Net(layers)))
    assert "net.layers[*].w" in text
    assert "× 9" in text


def test_the_branches_of_a_tree_are_not_a_loop():
    graph = gx.show(total, fork())
    assert all(each.repeats == 1 for each in graph.shown)
    assert {row.name for row in graph.rows if row.op == "input"} == {
        *("tree.weight", "tree.left.weight", "tree.left.left.value", "tree.left.right.value"),
        "tree.right.value",
    }


def test_inputs_that_are_not_used_are_left_out_and_constants_are_named():
    graph = gx.show(lambda p, c: p["a"] * 2.0 + c, {"a": 1.0, "b": 2.0}, 3.0)
    assert [row.name for row in graph.rows[:2]] == ["p['a']", "c"]
    assert graph.rows[2].operands == (0, None)
    assert "p['a'], constant" in str(graph)


def without_signature(x, y):
    return x * y


without_signature.__signature__ = "none"


@pytest.mark.parametrize(
    ("f", "xs", "named", "names"),
    [
        (lambda x, *rest: x + rest[0] + rest[1], (1.0, 2.0, 3.0), {}, ["x", "rest[0]", "rest[1]"]),
        (lambda x, *, y: x * y, (1.0,), {"y": 2.0}, ["x", "y"]),
        (without_signature, (1.0, 2.0), {}, ["argument 0", "argument 1"]),
    ],
    ids=["more of them", "by keyword", "untold"],
)
def test_the_names_of_inputs(f, xs, named, names):
    graph = gx.show(f, *xs, **named)
    assert [row.name for row in graph.rows if row.op == "input"] == names


def test_users_ops_writes_and_views_are_shown_with_their_operands():
    @gx.lift
    def square(x):
        return x * x, lambda g: 2.0 * g * x

    def f(x):
        y = np.zeros_like(x)
        y[0] = x[1]
        return np.sum(square(y[:2]))

    rows = gx.show(f, V).rows
    ops = [row.op for row in rows]
    assert ops == ["input", "filled_like", "getitem", "put", "getitem", "square", "sum_of_all"]
    assert rows[3].operands == (1, 2)
    assert rows[5].operands == (4,)


def test_inner_runs_are_seen_through():
    rows = gx.show(lambda x: x * gx.grad(lambda y: y * y * x)(2.0), 3.0).rows
    assert all(row.op != "input" or row.name == "x" for row in rows)
    assert len(rows) > 3


def test_there_must_be_inputs():
    with pytest.raises(TypeError, match="there are no inputs to follow; pass them after the func"):
        gx.show(lambda: 1.0)


def test_many_rows_are_cut():
    def f(x):
        for k in range(300):
            x = x * k if k % 2 else np.sin(x) + k
            x = x[: 400 - k]
        return np.sum(x)

    graph = gx.show(f, np.ones(500))
    assert len(graph.shown) == 200
    assert graph.left_out > 300
    assert str(graph).endswith(f"… and {graph.left_out} more rows: see .rows")
    assert graph._repr_html_().count("<rect") == 200


# --- HTML and the drawing -------------------------------------------------------------------------


class Checker(HTMLParser):
    """Checks that elements are closed in order, and notes what is there."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def checked(text):
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return checker


@dataclass
class Odd:
    """A record with a key that looks like markup."""

    parts: dict[str, float]


ODD = '<script>alert("x")</script>&'
GRAPHS = [
    lambda: gx.show(output, net(), V),
    lambda: gx.show(lambda w: recurrent(w, V, 50), np.eye(3)),
    lambda: gx.show(total, fork()),
    lambda: gx.show(lambda o: o.parts[ODD] * 2.0, Odd({ODD: 1.0})),
    lambda: gx.show(lambda xs: sum(xs[1:], xs[0]), [float(k) for k in range(70)]),
]


@pytest.mark.parametrize("graph", GRAPHS, ids=range(len(GRAPHS)))
def test_html_has_no_script_and_no_address(graph):
    html = graph()._repr_html_()
    found = checked(html)
    assert found.tags <= {
        *("div", "svg", "g", "rect", "text", "line", "table", "tr", "th", "td", "p"),
    }
    assert "http" not in html
    assert not {name for name, _ in found.attributes} & {"href", "src", "onload", "onclick"}
    assert html.count("<rect") <= 200


def test_labels_are_escaped():
    html = GRAPHS[3]()._repr_html_()
    assert ODD not in html
    assert f"o.parts[{ODD!r}]" in checked(html).texts


@pytest.mark.parametrize("graph", GRAPHS, ids=range(len(GRAPHS)))
def test_no_box_overlaps_another_and_labels_fit(graph):
    found = re.findall(
        r'<rect x="(.+?)" y="(.+?)" height="(.+?)" width="(.+?)"', graph()._repr_html_()
    )
    boxes = [tuple(map(float, each)) for each in found]
    assert len(boxes) == len(graph().shown)
    assert overlapping(boxes) == []
    for g in re.findall(r"<g>.*?</g>", graph()._repr_html_()):
        x, y, height, width = map(float, re.findall(r'="([\d.]+)"', g)[:4])
        for left, base, label in re.findall(r'<text x="(.+?)" y="(.+?)" .*?>(.*?)</text>', g):
            text = checked(f"<b>{label}</b>").texts
            assert float(left) + len("".join(text)) * CHARACTER <= x + width
            assert y < float(base) < y + height


def overlapping(boxes):
    """Pairs of boxes, as x, y, height and width, that have a point in common."""
    return [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a[0] < b[0] + b[3] and b[0] < a[0] + a[3] and a[1] < b[1] + b[2] and b[1] < a[1] + a[2]
    ]


def test_overlapping_boxes_are_found():
    assert overlapping([(0, 0, 10, 10), (5, 5, 10, 10), (20, 0, 5, 5)]) == [
        ((5, 5, 10, 10), (0, 0, 10, 10))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_are_laid_out_without_overlaps(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 200))
    labels = [("x" * int(rng.integers(1, 40)),) * int(rng.integers(1, 4)) for _ in range(count)]
    links = [sorted(set(rng.integers(0, i + 1, 3)) - {i}) if i else [] for i in range(count)]
    boxes = laid_out(labels, links)
    assert overlapping([(b.x, b.y, b.height, b.width) for b in boxes]) == []
    assert all(boxes[j].y + boxes[j].height <= boxes[i].y for i in range(count) for j in links[i])
    for box, lines in zip(boxes, labels, strict=True):
        assert box.width >= max(map(len, lines)) * CHARACTER + 2 * PADDING - 1e-9
        assert box.height == len(lines) * LINE + 2 * PADDING


def test_the_drawing_is_a_file_of_its_own():
    graph = GRAPHS[0]()
    assert graph.svg.startswith("<svg ")
    assert 'xmlns="http://www.w3.org/2000/svg"' in graph.svg
    checked(graph.svg)
    assert drawing.drawn([], []).startswith("<svg ")


# --- Parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "blocks"),
    [
        ("", []),
        ("abc", [(0, 1, 1), (1, 1, 1), (2, 1, 1)]),
        ("aa", [(0, 1, 1), (1, 1, 1)]),
        ("aaaa", [(0, 1, 4)]),
        ("xabababy", [(0, 1, 1), (1, 2, 3), (7, 1, 1)]),
        ("ababababa", [(0, 2, 4), (8, 1, 1)]),
        ("aaabaaabaaab", [(0, 4, 3)]),
    ],
)
def test_folding(marks, blocks):
    assert folded(marks) == blocks


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (3e15, "3000.0 TB")],
)
def test_bytes(count, text):
    assert bytes_as_text(count) == text
