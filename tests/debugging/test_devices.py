"""Debugging of runs on a device: one that is none, of array-api-strict."""

import numpy as np
import pytest

import gradx as gx
from gradx.backends import get_backend
from gradx.backends.registry import REGISTRY
from tests.backends.strict import StrictBackend


@pytest.fixture
def strict():
    REGISTRY.register("strict", StrictBackend)
    return get_backend("strict")


def there(*items):
    return gx.to_device(np.array(items), "strict:1")


def root(x):
    return np.sum(np.sqrt(x))


def test_a_result_that_is_not_finite_is_found_forward_and_backward(strict):
    with gx.debug() as report, np.errstate(all="ignore"):
        assert strict.to_numpy(gx.grad(root)(there(4.0, 1.0))).tolist() == [0.25, 0.5]
        with pytest.raises(gx.NonFiniteError, match=r"log gave NaN .* \(2,\), from -1.0 to 2.0"):
            gx.grad(lambda x: np.sum(np.log(x)))(there(-1.0, 2.0))
        with pytest.raises(gx.NonFiniteError, match="the backward rule of sqrt made an infinity"):
            gx.grad(root)(there(0.0, 1.0))
    assert report.runs == 3


def test_what_moves_is_told(strict):
    x = there(1.0, 2.0)
    with gx.debug() as report:
        gx.grad(lambda x: np.sum(gx.to_device(x, "cpu")))(x)
    assert [event.what for event in report.events] == [
        "an array of shape (2,) went from strict:1 to cpu",
        "an array of shape (2,) went from cpu to strict:1, in the backward rule of to_device",
    ]


def test_the_graph_the_tree_and_the_profile_of_a_device(strict):
    x = there(4.0, 3.0)
    assert [row.device for row in gx.show(root, x).rows] == ["strict:1"] * 3
    assert str(gx.tree({"x": x})) == "dict  |5|\n  ['x'] float64 2  |5|"
    costs = gx.profile(root, x)
    assert {row.op for row in costs.rows} == {"sqrt", "sum"}
    assert all(row.forward > 0 and row.backward > 0 for row in costs.rows)
    assert {row.op: row.results for row in costs.rows} == {"sqrt": 16, "sum": 8}
