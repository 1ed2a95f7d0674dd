"""Ravel: a value as a vector and back, for every kind of value, and the derivatives of both."""

from collections import OrderedDict
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads


@gx.record
class Layer:
    w: np.ndarray
    b: float
    name: str = "layer"


class Pair(NamedTuple):
    x: float
    y: np.ndarray


class Own:
    def __init__(self, x):
        self.x = x


VALUES = {
    "number": 2.5,
    "integer": 3,
    "complex": 1 + 2j,
    "scalar": np.float32(1.5),
    "0-d": np.array(2.0),
    "array": np.arange(6.0).reshape(2, 3).T,
    "record": Layer(np.ones((2, 2)), 3.0),
    "nested": {"a": [Layer(np.zeros(2), 1.0), (2.0, None)], "b": np.array([1, 2]), "c": "text"},
    "named tuple": Pair(1.0, np.array([2.0, 3.0])),
    "ordered": OrderedDict(z=1.0, a=2.0),
    "empty": [],
}


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is type(a) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, Layer):
        return type(b) is Layer and same([*vars(a).values()], [*vars(b).values()])
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and same([*a.values()], [*b.values()])
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and all(map(same, a, b)) and len(a) == len(b)
    return a == b


@pytest.mark.parametrize("name", VALUES)
def test_there_and_back(name):
    whole = VALUES[name]
    vector, unravel = gx.ravel(whole)
    back = unravel(vector)
    assert vector.ndim == 1
    assert same(back, whole)
    assert type(back) is (float if name == "integer" else type(whole))


def test_the_dtype_is_that_to_which_numpy_promotes():
    single = np.float32([1, 2])
    assert gx.ravel([single, single])[0].dtype == np.float32
    assert gx.ravel([single, 1.0])[0].dtype == np.float64
    vector, unravel = gx.ravel((single, 1j, 2.0))
    assert vector.dtype == np.complex128
    back = unravel(vector + 1j)
    assert back[0].dtype == np.float32 and back[1:] == (2j, 2.0)


def test_nothing_shares_memory():
    x = np.ones(3)
    vector, unravel = gx.ravel(x)
    assert not np.shares_memory(vector, x)
    assert not np.shares_memory(unravel(vector), vector)


def test_both_directions_are_differentiable():
    whole = {"a": np.array([[0.5, 2.0]]), "b": 1.5, "c": np.float64(0.3)}
    vector, unravel = gx.ravel(whole)
    check_grads(lambda x: np.sin(gx.ravel(x)[0]) * vector, whole)
    check_grads(lambda v: np.exp(unravel(v)["a"]) * unravel(v)["b"] ** unravel(v)["c"], vector)
    z, back = gx.ravel((1 + 2j, np.array([0.5, 1.0])))
    check_grads(lambda v: back(v)[0] ** 2 * back(v)[1], z)


def test_kinds_of_leaves_stay_in_a_run():
    def f(v):
        a, b = unravel(v)
        assert isinstance(a, float) and not hasattr(a, "dtype")
        assert isinstance(b, np.ndarray) and b.dtype == np.float32
        return a * np.sum(b)

    vector, unravel = gx.ravel((2.0, np.float32([1, 2])))
    np.testing.assert_array_equal(gx.grad(f)(vector), [3, 2, 2])


def test_an_opaque_type_with_parts_is_its_parts():
    options = {"zero": lambda x: Own(0.0), "add": lambda x, y: Own(x.x + y.x), "one": Own}
    with gx.instance(Own, children=["x"], **options):
        vector, unravel = gx.ravel([Own(2.0), 1.0])
        assert vector.tolist() == [2.0, 1.0] and unravel(vector)[0].x == 2.0
        assert gx.grad(lambda o: np.sum(gx.ravel(o)[0] ** 2))(Own(3.0)).x == 6.0


def test_what_has_no_numbers_raises_with_its_path():
    with pytest.raises(gx.NotDifferentiableError, match=r"^\['a'\]\[0\] is a Fraction, which"):
        gx.ravel({"a": [Fraction(1, 2)]})
    with pytest.raises(gx.NotDifferentiableError, match="the value is an array of dtype int64"):
        gx.ravel(np.arange(3))
    with pytest.raises(gx.StructureError, match=r"shape \(3,\) cannot be unraveled to a tuple of"):
        gx.ravel((1.0, 2.0))[1](np.ones(3))


def test_paths_name_each_number():
    whole = {"a": [Layer(np.ones((2, 2)), 1.0), (2.0, None)], "b": np.ones(1), "c": np.array(1j)}
    vector, unravel = gx.ravel(whole, "net")
    assert unravel.paths == (
        *(f"net['a'][0].w[{i}, {j}]" for i in (0, 1) for j in (0, 1)),
        *("net['a'][0].b", "net['a'][1][0]", "net['b'][0]", "net['c']"),
    )
    assert len(unravel.paths) == len(vector)
    assert gx.ravel(Layer(np.ones(2), 3.0))[1].paths == ("Layer.w[0]", "Layer.w[1]", "Layer.b")
    assert (gx.ravel(2.0)[1].paths, gx.ravel([])[1].paths) == (("float",), ())
    for k, path in enumerate(unravel.paths):
        changed = unravel(vector + np.eye(len(vector))[k])
        assert eval(path, {"net": changed}) - eval(path, {"net": whole}) == 1.0


def test_paths_of_an_opaque_type_and_of_variables():
    options = {"zero": lambda x: Own(0.0), "add": lambda x, y: Own(x.x + y.x), "one": Own}
    with gx.instance(Own, children=["x"], **options):
        found = []
        gx.grad(lambda o: found.append(gx.ravel(o, "o")[1].paths) or o[0].x ** 2)([Own(3.0), 1.0])
    assert found == [("o[0].x", "o[1]")]
