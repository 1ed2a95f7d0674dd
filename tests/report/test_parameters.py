"""The tree of parameters: what it shows of arrays of every kind, under paths of every kind."""

import re

import numpy as np
import pytest

from gradx.report.parameters import tree
from tests.report.html import parsed


def shown(**tensors):
    return parsed(tree("p", {key.replace("__", "."): x for key, x in tensors.items()}).encode())


def test_a_tree():
    root = shown(layers__0__w=np.ones((2, 3)), layers__0__b=np.zeros(2), layers__1__w=np.ones(4))
    summaries = [node.text for node in root.all("summary")]
    assert summaries == ["layers 12 parameters", "0 8 parameters", "1 4 parameters"]
    names = [leaf.text for leaf in root.all("div") if leaf.attributes.get("class") == "leaf"]
    assert len(names) == 3
    assert names[0].startswith("w 2 × 3, float641 to 1, mean 1, deviation 0Histogram of layers.0.w")
    assert [list(node.attributes) for node in root.all("details")] == [["open"]] * 3


def test_a_histogram(rng):
    values = np.concatenate([np.full(30, -1.0), np.full(10, 1.0)])
    root = shown(w=values)
    picture = root.one("svg", role="img")
    assert picture.one("title").text == "Histogram of w"
    assert picture.one("desc").text == "40 numbers, −1 to 1, mean −0.5, deviation 0.866."
    bars = [(b.attributes["x"], b.attributes["height"]) for b in picture.all("rect")]
    assert bars == [("0", "40.0"), ("31", "13.3")]


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros(0), "empty"),
        (np.full(3, np.nan), "no finite numbers"),
        (np.array([1.0, np.nan, np.inf, 3.0]), "1 to 3, mean 2, deviation 12 are not finite"),
        (np.array(2.5), "a number, float642.5 to 2.5"),
        (np.array([3 + 4j, 0]), "0 to 5, mean 2.5, deviation 2.5 of the absolute values"),
        (np.array([-1.7e308, 1.7e308]), "−1.7e308 to 1.7e308"),
        (np.array([1.0, 1.0 + 1e-15]), "1 to 1, mean 1"),
        (np.array([5e-324, 0.0]), "0 to 4.941e−324"),
        (np.array([1, 2, 3], np.int32), "int321 to 3"),
        (np.array([0.5, 2.0], np.float32), "float320.5 to 2"),
    ],
)
def test_arrays_of_every_kind(array, told):
    root = shown(w=array)
    assert told in root.text
    for bar in root.all("rect"):
        assert re.fullmatch(r"[\d.]+", bar.attributes["height"])


def test_paths_of_every_kind():
    deep = ".".join("a" * 5000)
    root = parsed(tree("p", {deep: np.ones(1), "x": np.ones(1), "x.y": np.ones(2)}).encode())
    assert root.text.count("Histogram") == 3
    assert "x 3 parameters" in root.text
    depth, node = 0, next(root.all("svg"))
    while node is not None:
        depth, node = depth + 1, node.parent
    assert depth < 60


def test_more_parameters_than_are_shown():
    tensors = {f"layers.{i}.w": np.ones(2) for i in range(250)}
    root = parsed(tree("p", tensors).encode())
    assert len(list(root.all("svg"))) == 200
    assert "And 50 more." in root.text
    assert "open" not in next(root.all("details")).attributes
