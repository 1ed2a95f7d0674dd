"""The operands of a user's op in C: found, taken below the run and checked as in Python."""

import collections
import enum
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradx as gx
from gradx.core import check_cotangents
from gradx.core.check_cotangents import expected_of, leaves_alike
from gradx.core.dispatch import variables_in
from gradx.core.hidden import _looked_through, look_through, of_each_run
from gradx.native import native
from gradx.reverse.tape import Tape
from tests.native.native import blocks_kept, only_native

pytestmark = only_native


@dataclass
class Layer:
    w: Any
    b: Any = 0.5


@dataclass
class Named:
    w: Any
    name: Any = gx.static(default="name")  # noqa: RUF009


@dataclass(slots=True)
class Slotted:
    w: Any


class Pair(NamedTuple):
    a: Any
    b: Any


class Colour(enum.Enum):
    RED = 1


class Weights(list):
    pass


OUTER, INNER = Tape(), Tape()
X, Y, Z = OUTER.wrap(2.0), INNER.wrap(3.0), INNER.wrap(np.ones(3))
ONE = [X]


def with_more(x, **more):
    vars(x).update(more)
    return x


SEEN = [
    *(
        2.0,
        "name",
        None,
        X,
        Z,
        np.ones(3),
        np.arange(3),
        [],
        (),
        {},
        [1.0, "a", None, np.float64(2)],
    ),
    *([X, Y], (Z, [Y, {"a": X}]), {"k": Z, 3: Y}, Layer(X, Y), Layer([Z], Layer(X)), [Y] * 50),
    *([Layer(X) for _ in range(30)], [[Y], [Y], [X], [Y]], [[[Layer((Y,))]]]),
]
LEFT = [
    *([ONE, ONE], Named(X), Slotted(X), Pair(X, Y), Weights([X]), Colour.RED, [Colour.RED]),
    *(
        with_more(Layer(X), c=Y),
        {frozenset(): X},
        np.array([X, Y], object),
        object(),
        [object(), X],
    ),
    *(collections.OrderedDict(a=X), collections.deque([X]), len, slice(3)),
]


@pytest.mark.parametrize("x", SEEN, ids=range(len(SEEN)))
def test_variables_are_found(x):
    found = native.variables_of(x)
    every = list(variables_in(x))
    assert {id(v) for v in found} <= {id(v) for v in every}
    assert {v._run for v in found} == {v._run for v in every} and len(found) <= 4
    (one, simple), (two, by_python) = look_through([x]), _looked_through([x], "x", None)
    assert getattr(one, "_run", None) is getattr(two, "_run", None) and simple is by_python


@pytest.mark.parametrize("x", LEFT, ids=range(len(LEFT)))
def test_other_values_are_left_to_python(x):
    if type(x) in (type(len), slice):
        assert native.variables_of(x) in (None, [])
    else:
        assert native.variables_of(x) is None
    assert {v._run for v in of_each_run(x)} == {v._run for v in variables_in(x)}


def test_a_list_that_was_registered_anew_is_left_to_python():
    gx.register(list, zero=lambda x: [], add=lambda x, y: x, one=lambda x: x)
    assert native.variables_of([X]) is None and native.variables_of((X,)) == [X]


def test_items_of_arrays_are_to_be_joined():
    def f(x):
        items = np.asarray(x)
        assert native.variables_of([items[0]]) == [items[0]] and not look_through([items[0]])[1]
        return np.sum(x)

    gx.grad(f)(np.ones(3))


class Clearing(type):
    """A class whose hash takes away all that is in a container."""

    inside: Any = None
    first: Any = None

    def __hash__(cls):
        if Clearing.inside:
            Clearing.inside.clear()
            assert Clearing.first() is not None, "what is looked at is gone"
        return 1


class Cleared(metaclass=Clearing):
    pass


@pytest.mark.parametrize("wrap", [lambda x: [x, 1.0], lambda x: {"a": x}, lambda x: vars(Layer(x))])
def test_a_part_that_user_code_takes_away(wrap):
    part = Cleared()
    Clearing.first = weakref.ref(part)
    Clearing.inside = wrap(part)
    del part
    assert native.variables_of(Clearing.inside) is None and not Clearing.inside


def test_errors_say_which_operand_it_is():
    op = gx.lift_op2(gx.op2(lambda x, y: (x, lambda g: (g, y))))
    structured = np.zeros(2, [("a", float)])
    with pytest.raises(
        gx.NotDifferentiableError, match=r"^operand 1 of <lambda>\[0\]: a structured"
    ):
        gx.grad(lambda x: op(x, [structured]))(2.0)


def test_values_that_contain_themselves_and_deep_ones():
    x: Any = [X]
    x.append(x)
    assert native.variables_of(x) is None
    y: Any = X
    for _ in range(100_000):
        y = [y]
    assert native.variables_of(y) == [X]


# --- Below the run --------------------------------------------------------------------------------


def asked(*args):
    return "general", *args


@pytest.mark.parametrize("v", [Y, Z, INNER.wrap(np.float64(2)), INNER.wrap(X)], ids=repr)
def test_what_is_below_a_run(v):
    found = []
    assert native.lowered(INNER, found, asked, v, None) is v._value and found == [v]


@pytest.mark.parametrize("x", [2.0, np.ones(3), np.ones((), np.float32), np.ones(2, complex)])
def test_numbers_are_constants(x):
    found = []
    assert native.lowered(INNER, found, asked, x, None) is x and found == [None]


@pytest.mark.parametrize("x", [X, 2, 1j, np.arange(3), np.array([X, 1], object), "a"], ids=repr)
def test_other_leaves_go_the_general_way(x):
    found, spec = [], object()
    got = native.lowered(INNER, found, asked, x, spec)
    assert got[0] == "general" and got[1] is x and got[2] is spec and not found


def test_a_written_array_goes_the_general_way():
    def f(x):
        y = x * 1.0
        y[0] = 2.0
        assert native.lowered(y._run, [], asked, y, None)[0] == "general"
        return np.sum(y)

    gx.grad(f)(np.ones(3))


# --- Checks of cotangents -------------------------------------------------------------------------

SHAPED = [np.ones(3), np.ones((2, 0), np.float32), np.ones((), complex)]


@pytest.mark.parametrize("x", SHAPED, ids=repr)
def test_what_is_kept_of_an_array(x):
    kept, wanted = native.expected(asked, x, None), expected_of(x)
    assert type(kept) is type(wanted) is check_cotangents._Shape
    assert (kept.shape, kept.dtype, kept.device) == (wanted.shape, wanted.dtype, wanted.device)


@pytest.mark.parametrize("x", [2.0, 2, 1j, "a", np.arange(3), np.float64(2), None], ids=repr)
def test_what_is_kept_of_others(x):
    kept = native.expected(asked, x, None)
    assert kept is x if type(x) is float else kept == ("general", x, None)


A, B = np.ones((2, 3)), np.zeros(2)
FITTING = [
    *((A, A + 1), (2.0, 3.0), (Layer(A, B), Layer(A, B)), (Layer(A), Layer(A, 2.0))),
    *((Layer(A, 3), Layer(A, 3)), (Named(A), Named(A, "other"))),
]
OTHERS = [
    *((A, B), (A, A.astype(np.float32)), (A, 2.0), (2.0, A), (2.0, np.float64(2)), (2, 2.0)),
    *((2.0, 2), (1j, 1j), ([A], [A]), ({"a": A}, {"a": A}), ((A, A), (A, A)), (None, None)),
    *((Layer(A, B), Layer(B, A)), (Layer(A, B), Named(A)), (Layer(A, 2.0), None)),
    *((Layer(A, 3), Layer(A, 3.0)), (Layer(A, "s"), Layer(A, "s"))),
]


@pytest.mark.parametrize(("x", "g"), FITTING, ids=range(len(FITTING)))
def test_cotangents_that_fit_as_they_are(x, g):
    by_python, by_c = ["before"], ["before"]
    assert leaves_alike(expected_of(x), g, by_python) and native.alike(expected_of(x), g, by_c)
    assert list(map(id, by_c)) == list(map(id, by_python)) and len(by_c) > 1


@pytest.mark.parametrize(("x", "g"), OTHERS, ids=range(len(OTHERS)))
def test_cotangents_that_are_to_be_looked_at(x, g):
    out = ["before"]
    assert not leaves_alike(expected_of(x), g, out) and not native.alike(expected_of(x), g, out)
    assert out == ["before"]


def test_records_in_records_fit_too():
    x, out = Layer(Layer(A, B), 2.0), []
    assert native.alike(expected_of(x), x, out) and list(map(id, out)) == [id(A), id(B), id(x.b)]
    for _ in range(200):
        x = Layer(x)
    out = []
    assert not native.alike(expected_of(x), x, out) and out == []


def test_an_array_on_a_device_does_not_fit():
    kept = check_cotangents._Shape((2, 3), A.dtype, "elsewhere")
    assert not native.alike(kept, A, [])


def test_nothing_is_left_behind():
    kept = expected_of(Layer(A, B))

    def once():
        native.variables_of(SEEN)
        native.variables_of(LEFT)
        native.lowered(INNER, [], asked, Z, None)
        native.expected(asked, A, None)
        native.alike(kept, Layer(A, B), [])
        native.alike(kept, Layer(A, A), [])

    assert blocks_kept(once, 100) < 1


@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3, 4, 5)])
def test_wrong_arguments(args):
    for name in ("lowered", "expected", "alike"):
        with pytest.raises(TypeError, match=f"internal error: {name}"):
            getattr(native, name)(*args)
