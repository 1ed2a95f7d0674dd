"""The operands of a user's op in C: found, taken below the run and checked as in Python."""

import collections
import contextlib
import enum
import gc
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
from gradx.core.op import Op
from gradx.native import native
from gradx.reverse.linkage import operands_below
from gradx.reverse.tape import Tape
from gradx.values.operations import leaves_of
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
ONE, ONCE = [X], [Y]


REFERRED = (Layer(Y),)
REFERENCE = weakref.ref(REFERRED[0])


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

A, B = np.ones((2, 3)), np.zeros(2)
TAKEN = [
    *([Y], [Z], [INNER.wrap(np.float64(2))], [Y, 2.0], [A, Y], [INNER.wrap(A.T), np.float64(3)]),
    *([Y, None, "name", True], [[Y, Z], (Y, [1.0])], [{"a": Y, 3: [Z]}], [Layer(Y, Z), A]),
    *([Layer([Y], Layer(Z, 3))], [Layer(3, Y)], [Z[0]], [INNER.wrap(A[0] + 1j), (), [], {}]),
    [Z, Z],
]
NOT_TAKEN = [
    *([X, Y], [Y, 2], [Y, 1j], [Y, np.arange(3)], [Y, np.array([X, 1], object)], [Y, b"b"]),
    *([Y, object()], [Y, len], [Named(Y)], [Slotted(Y)], [Pair(Y, 1.0)], [Weights([Y])]),
    *([with_more(Layer(Y), c=1.0)], [{frozenset(): Y}], [Y, Colour.RED], [INNER.wrap(X)], [2, A]),
    *([collections.OrderedDict(a=Y)], [REFERRED[0]], [ONCE, ONCE]),
]


def taken(operands):
    """The run, the operands below it, the nodes and what checks need, as C records them of an op.

    None where they are left to Python; None alone in a tuple where there is no variable.
    """
    below: list[Any] = []
    op = Op("op", lambda *xs: below.extend(xs) or (0.5, len), pullback_form=True, arity=-1)
    v = native.user_op(op, operands)
    if v is NotImplemented:
        assert not below
        return None
    if v == 0.5 and type(v) is float:
        return (None,)
    _, _, expected, targets = v._run.nodes.pop()[2]
    return v._run, below, targets, expected


def shown(x):
    """A value of values, with what tells one from another."""
    if isinstance(x, (list, tuple)):
        return type(x), [shown(part) for part in x]
    if isinstance(x, dict):
        return type(x), [(key, shown(part)) for key, part in x.items()]
    if isinstance(x, (Layer, check_cotangents._Shape)):
        names = getattr(x, "__slots__", None) or list(vars(x))
        return type(x), [(name, shown(getattr(x, name))) for name in names]
    return (type(x), x) if isinstance(x, (int, str, type(None))) else id(x)


@pytest.mark.parametrize("operands", TAKEN, ids=range(len(TAKEN)))
def test_operands_are_taken_as_in_python(operands):
    op, found = Op("op", None, pullback_form=True), []
    xs, expected = operands_below(INNER, operands, found, op)
    run, below, targets, needed = taken(tuple(operands))
    assert run is INNER and shown(below) == shown(list(xs)) and shown(needed) == shown(expected)
    wanted = [None if v is None else v._node for v in found]
    assert list(map(id, targets)) == list(map(id, wanted))


@pytest.mark.parametrize("operands", NOT_TAKEN, ids=range(len(NOT_TAKEN)))
def test_other_operands_are_left_to_python(operands):
    assert taken(tuple(operands)) is None


@pytest.mark.parametrize("operands", [(), (2.0,), (A, [B, (1.0, None)]), (Layer(A, 3.0), "a")])
def test_operands_without_variables(operands):
    assert taken(operands) == (None,)


def test_variables_of_a_run_that_has_ended_are_left_to_python():
    tape = Tape()
    v = tape.wrap(2.0)
    tape.close()
    assert taken((v,)) is None


def test_a_written_array_is_left_to_python():
    def f(x):
        y = x * 1.0
        first = y[:1]
        y[0] = 2.0
        assert taken((y,)) is None and taken((first,)) is None
        return np.sum(y)

    gx.grad(f)(np.ones(3))


def test_operands_that_contain_themselves_or_are_deep_are_left_to_python():
    x: Any = [Y]
    x.append(x)
    assert taken((x,)) is None
    y: Any = Y
    for _ in range(10_000):
        y = [y]
    assert taken((y,)) is None


class Late:
    """Something in a cycle, which the collector ends: then it does what it was made for."""

    def __init__(self, do):
        self.me, self.do = self, do

    def __del__(self):
        with contextlib.suppress(gx.EscapedVarError):  # where the run has ended meanwhile
            self.do()


def with_collector(operand_of, threshold, do):
    """An op done while the collector runs after so many allocations; its gradient, or its error."""
    op = gx.lift(lambda x: (np.sum(leaves_of(x)[0]), lambda g: gx.one(x)))

    def f(x):
        operand = operand_of(x)
        gc.collect()
        gc.disable()
        Late(lambda: do(operand))
        gc.set_threshold(threshold, 1000, 1000)
        gc.enable()
        return op(operand)

    before = gc.get_threshold()
    try:
        return gx.grad_bp(f, np.ones(3))
    except (ValueError, IndexError, gx.GradxError) as error:
        return error
    finally:
        gc.set_threshold(*before)


def rewritten(v):
    v[0] = 1.0
    return [np.full(3, 7.0) for _ in range(3)]


@pytest.mark.parametrize("threshold", range(1, 40))
def test_finalizers_that_change_the_operands(threshold):
    with_collector(lambda x: {i: x for i in range(30)}, threshold, dict.clear)
    with_collector(lambda x: [x, *range(30)], threshold, list.clear)
    found = with_collector(lambda x: x + 1.0, threshold, rewritten)
    assert isinstance(found, np.ndarray)


def test_values_that_are_shared_at_every_level_are_looked_at_once():
    op, x = gx.lift(lambda t: (1.0, lambda g: gx.zero(t))), 1.0
    for _ in range(64):
        x = [x, x]
    assert op(x) == 1.0 and taken((x, Y)) is None


def test_a_class_that_takes_the_operands_away():
    part = Cleared()
    Clearing.first, Clearing.inside = weakref.ref(part), [Y, part]
    del part
    assert taken((Clearing.inside,)) is None and not Clearing.inside


# --- Checks of cotangents -------------------------------------------------------------------------

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
        for operands in (*TAKEN, *NOT_TAKEN, [A, 1.0]):
            taken(tuple(operands))
        native.alike(kept, Layer(A, B), [])
        native.alike(kept, Layer(A, A), [])

    assert blocks_kept(once, 100) < 1


@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3, 4, 5)])
def test_wrong_arguments(args):
    with pytest.raises(TypeError, match="internal error: alike"):
        native.alike(*args)
    with pytest.raises(TypeError, match="internal error: user_op"):
        native.user_op(*args)
