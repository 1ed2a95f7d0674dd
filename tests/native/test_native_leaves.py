"""Lifting and settling leaves in C: the same variables, nodes and gradients as in Python."""

import sys

import numpy as np
import pytest

import gradx as gx
from gradx.native import native
from gradx.reverse.tape import InputNode, Tape
from tests.native.native import bits, only_native

pytestmark = only_native
PLAIN = [
    *(2.0, np.float64(2), np.ones(3), np.ones((2, 3), np.float32), np.ones(2, complex)),
    *(np.ones(()), np.ones(2, np.float16), np.zeros((0, 3))),
]
OTHERS = [1j, 2, np.float32(1), np.array(["a"]), np.array([None]), None, "name", (1.0,)]


class Asked:
    """A general way that notes what it was given."""

    def __init__(self):
        self.calls = []

    def __call__(self, *args):
        self.calls.append(args[-2:])
        return "general"


@pytest.mark.parametrize("x", PLAIN, ids=repr)
def test_plain_leaves_are_lifted_as_by_wrap(x):
    tape, nodes, general = Tape(), [], Asked()
    v = native.lifted(tape, nodes, general, x, None)
    assert type(v) is type(tape.wrap(x)) and v._run is tape and v._value is x
    assert [v._node] == nodes and type(v._node) is InputNode and not general.calls


@pytest.mark.parametrize("x", OTHERS, ids=repr)
def test_other_leaves_go_the_general_way(x):
    nodes, general, spec = [], Asked(), object()
    assert native.lifted(Tape(), nodes, general, x, spec) == "general"
    assert not nodes and len(general.calls) == 1
    assert general.calls[0][0] is x and general.calls[0][1] is spec


def test_a_cotangent_that_nobody_else_has_is_the_gradient():
    g = np.full(3, 2.0)
    where, cotangents = id(g), [None, g]
    del g
    h = native.settled(cotangents, Asked(), np.ones(3), None)
    assert id(h) == where and cotangents == [None]
    assert sys.getrefcount(h) == 2


def test_floats_and_what_has_no_cotangent():
    cotangents = [None, 3.0]
    assert native.settled(cotangents, Asked(), 1.0, None) == 3.0
    zero = native.settled(cotangents, Asked(), 1.0, None)
    assert type(zero) is float and zero == 0.0 and not cotangents


def read_only():
    g = np.ones(3)
    g.flags.writeable = False
    return g


KEPT = np.ones(3)


@pytest.mark.parametrize(
    ("g", "x"),
    [
        (lambda: KEPT, np.ones(3)),
        (lambda: np.ones(6)[::2], np.ones(3)),
        (lambda: np.ones((3, 2)).T, np.ones((2, 3))),
        (read_only, np.ones(3)),
        (lambda: np.ones(3, np.float32), np.ones(3)),
        (lambda: np.ones(3, ">f8"), np.ones(3)),
        (lambda: np.ones(3, ">f8"), np.ones(3, ">f8")),
        (lambda: np.ones(3, complex), np.ones(3, complex)),
        (lambda: np.ones(2), np.ones(3)),
        (lambda: np.float64(1), 1.0),
        (lambda: 1.0, np.float64(1)),
        (lambda: None, np.ones(3)),
    ],
)
def test_other_cotangents_go_the_general_way_and_stay(g, x):
    cotangents, general = [g()], Asked()
    spec = object()
    if str(x.dtype if hasattr(x, "dtype") else "") == ">f8" and x.dtype == cotangents[0].dtype:
        x = x.astype(np.dtype(">f8", metadata={"unit": "m"}))
    assert native.settled(cotangents, general, x, spec) == "general"
    assert len(cotangents) == 1 and general.calls[0][1] is spec


def test_without_cotangents_the_general_way_says_so():
    assert native.settled([], Asked(), 1.0, None) == "general"


def test_errors_of_the_general_way_come_out():
    def general(*args):
        raise KeyError(args[-2])

    with pytest.raises(KeyError):
        native.lifted(Tape(), [], general, "name", None)
    with pytest.raises(KeyError):
        native.settled([], general, "name", None)


@pytest.mark.parametrize("args", [(), (1, 2), (Tape(), (), None, 1.0, None), (None,) * 5])
def test_wrong_arguments(args):
    with pytest.raises(TypeError, match="internal error: lifted"):
        native.lifted(*args)
    with pytest.raises(TypeError, match="internal error: settled"):
        native.settled(*args[:4])


# --- Short arrays ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 7, 1024, 1025])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f8"])
def test_sums_of_short_arrays(n, layout, dtype, rng):
    """A leaf that is used twice: its cotangents are added."""
    x = np.asarray(rng.normal(size=(n, 2)).astype(dtype), order=layout)
    y = np.asarray(rng.normal(size=(n, 2)).astype(dtype), order=layout)
    g = gx.grad(lambda v: np.sum(v * x) + np.sum(v * y))(np.asarray(x, order=layout))
    assert bits(np.ascontiguousarray(g)) == bits(np.ascontiguousarray(y + x).astype(dtype))


def test_sums_and_products_warn_as_numpy_does():
    big = np.array([1e308, 1.0])
    for f in (lambda v: np.sum(v * big) + np.sum(v * big), lambda v: np.dot(v * big, big)):
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="overflow"):
            gx.grad(f)(np.full(2, 1e-10))
        with np.errstate(all="ignore"):
            assert gx.grad(f)(np.full(2, 1e-10))[0] == np.inf
