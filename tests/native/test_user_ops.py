"""Ops of users in C: done, recorded and checked as in Python."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.core import check_cotangents
from gradx.core.check_cotangents import checked_leaves_in_general, expected_of
from gradx.core.cotangent import SHARED_PULLBACK
from gradx.core.op import Op
from gradx.native import native
from gradx.reverse.tape import Tape
from gradx.reverse.variables import InputNode
from tests.native.native import bits, blocks_kept, only_native

pytestmark = only_native


@dataclass
class Layer:
    w: Any
    b: Any = 0.5


A, B = np.ones((2, 3)), np.zeros(2)
NODE = InputNode()


def an_op(pullback=None, arity=-1, result=0.5):
    return Op("op", lambda *xs: (result, pullback or len), pullback_form=True, arity=arity)


# --- Recording ------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [2.0, np.float64(2), np.ones(3), np.ones(2, complex), np.arange(3)])
def test_an_op_is_recorded_as_in_python(y):
    tape = Tape()
    v = tape.wrap(Layer(2.0).b)
    op = an_op(arity=1, result=y)
    by_c = native.user_op(op, (v,))
    by_python = tape.process(op, (v,), None)
    assert type(by_c) is type(by_python) and by_c._value is by_python._value is y
    one, other = tape.nodes[1:]
    assert by_c._node is one and len(one) == len(other) == 5
    assert one[0] is other[0] is SHARED_PULLBACK and one[1] is other[1] and one[4] is op
    assert one[2][:2] == other[2][:2] and [list(one[2][3]), list(one[3][0])] == [[v._node]] * 2
    assert list(one[3][1]) == list(other[3][1]) == [None]


@pytest.mark.parametrize(
    "y",
    [2, 1j, None, "name", [1.0, 2.0], {"a": np.ones(2)}, Layer(A, B), np.float32(1), A[0], A],
    ids=repr,
)
def test_other_results_are_recorded_by_python(y):
    def gradient(recorded):
        op = gx.op1(lambda x: (y, lambda g: gx.one(x)), name="other")
        f = gx.lift_op(op) if recorded else lambda x: x._run.process(op, (x,), None)
        return gx.backprop(f, A)

    (one, g), (two, h) = gradient(True), gradient(False)
    assert repr(one) == repr(two) and bits(g) == bits(h)


def test_a_result_that_shows_an_operand_is_known_to():
    def f(op):
        def g(x):
            x = x * 1.0
            y = op(x)
            x[0] = 5.0
            return np.sum(y)

        return gx.grad(g)(np.ones(3))

    whole = gx.lift(lambda x: (x, lambda g: g))
    part = gx.lift(lambda x: (x[1:], lambda g: np.concatenate([[0.0], g])))
    for op in (whole, part):
        with pytest.raises(gx.AliasError):
            f(op)


def test_without_variables_the_function_is_called():
    assert native.user_op(an_op(result=A), (2.0, [A])) is A


def test_what_is_not_done_here():
    v = Tape().wrap(2.0)
    assert native.user_op(an_op(arity=2), (v,)) is NotImplemented
    assert native.user_op(object(), (v,)) is NotImplemented
    capturing = Tape()
    capturing.capture = len
    assert native.user_op(an_op(), (capturing.wrap(2.0),)) is NotImplemented


@pytest.mark.parametrize("result", [None, (1.0,), (1.0, 2.0), [1.0, len], (1.0, len, 3)])
@pytest.mark.parametrize("x", [2.0, Tape().wrap(2.0)], ids=["plain", "variable"])
def test_what_is_not_a_pair_is_refused(result, x):
    op = Op("f", lambda x: result, pullback_form=True, arity=1)
    with pytest.raises(gx.OpError, match="the function of the op f returned"):
        native.user_op(op, (x,))


def test_a_run_that_ends_in_the_op():
    tape = Tape()

    def forward(x):
        tape.close()
        return x, len

    with pytest.raises(gx.EscapedVarError):
        native.user_op(Op("f", forward, pullback_form=True, arity=1), (tape.wrap(2.0),))


def test_a_subclass_of_tuple_may_be_the_pair():
    class Pair(tuple):
        __slots__ = ()

    f = gx.lift(lambda x: Pair((x * x, lambda g: 2 * x * g)))
    assert gx.grad(f)(3.0) == 6.0


# --- Checks ---------------------------------------------------------------------------------------

RECORD = Layer(A, B)
TARGETS = {"all": [NODE] * 3, "first": [NODE, None, None], "last": [None, None, NODE]}
GIVEN = [
    *((RECORD, 1.0), [RECORD, 1.0], (Layer(B, A), 1.0), (RECORD, np.float64(1)), (RECORD, 1)),
    *((RECORD, A), (RECORD, "a"), (RECORD, None), (None, 1.0), (RECORD,), (RECORD, 1.0, 2.0)),
    *(None, 1.0, {}, (A, 1.0), (Layer(A.astype(np.float32), B), 1.0), (Layer(A, 0.0), 1.0)),
    *((lambda: RECORD, 1.0), (RECORD, lambda: 1.0), (lambda: RECORD, lambda: 1.0)),
    *((lambda: A, 1.0), (RECORD, lambda: A), (RECORD, lambda g: g), (lambda a=1: RECORD, 1.0)),
    *((lambda: lambda: RECORD, 1.0), (lambda *a: RECORD, lambda **k: 1.0), (len, 1.0)),
    *((functools.partial(len, "a"), 1.0), (RECORD, lambda: 1 / 0), (lambda *, k: RECORD, 1.0)),
]


def outcome(check, given, targets):
    calls = []

    def counted(h):
        if not callable(h) or isinstance(h, (functools.partial, type(len))):
            return h
        return functools.wraps(h)(h) if h.__code__.co_argcount else h

    def pullback(g):
        calls.append(g)
        return given

    op = an_op(arity=2)
    try:
        leaves = check(2.0, op, pullback, [expected_of(RECORD), 1.0], targets)
    except (gx.GradxError, ZeroDivisionError) as error:
        return type(error), str(error), calls
    return [None if h is None else bits(h) for h in leaves], calls


@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("given", GIVEN, ids=range(len(GIVEN)))
def test_cotangents_are_checked_as_in_python(given, targets):
    by_python = outcome(checked_leaves_in_general, given, targets)
    assert outcome(native.checked_leaves, given, targets) == by_python
    assert outcome(native.checked_leaves, given, tuple(targets)) == by_python


@pytest.mark.parametrize("given", [2.0, A, (2.0,), None, lambda: 2.0, lambda: lambda: 2.0])
def test_one_operand(given):
    def pulled(check):
        try:
            return check(1.0, an_op(arity=1), lambda g: given, [1.0], [NODE])
        except gx.CotangentError as error:
            return str(error)

    assert pulled(native.checked_leaves) == pulled(checked_leaves_in_general)


def test_a_cotangent_cannot_be_written_into():
    def pullback(g):
        g *= 2.0
        return g

    for check in (native.checked_leaves, checked_leaves_in_general):
        with pytest.raises(ValueError, match="read-only") as caught:
            check(np.ones(2), an_op(arity=1), pullback, [expected_of(np.ones(2))], [NODE])
        assert "write g = g * 2 instead" in caught.value.__notes__[0]


def test_errors_of_a_pullback_come_out():
    def pullback(g):
        raise KeyError(g)

    with pytest.raises(KeyError):
        native.checked_leaves(1.0, an_op(arity=1), pullback, [1.0], [NODE])


def test_an_interrupt_while_an_error_is_explained_comes_out():
    class Interrupting(ValueError):
        def __str__(self):
            raise KeyboardInterrupt

    def pullback(g):
        raise Interrupting

    for check in (native.checked_leaves, checked_leaves_in_general):
        with pytest.raises(KeyboardInterrupt) as caught:
            check(1.0, an_op(arity=1), pullback, [1.0], [NODE])
        assert isinstance(caught.value.__context__, Interrupting)


def test_an_operand_on_a_device_is_left_to_python():
    kept = check_cotangents._Shape((2, 3), A.dtype, "elsewhere")
    with pytest.raises(gx.DeviceMismatchError), pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_cotangents, "PLACES", {"elsewhere": None})
        native.checked_leaves(1.0, an_op(arity=1), lambda g: A, [kept], [NODE])


def test_nothing_is_left_behind():
    @gx.lift
    def layer(p, x):
        return p.w @ x + p.b, lambda g: (Layer(np.outer(g, x), g), lambda: p.w.T @ g)

    def once():
        gx.grad(lambda p: np.sum(layer(p, layer(Layer(A.T, np.ones(3)), B))))(RECORD)
        for given in GIVEN:
            outcome(native.checked_leaves, given, TARGETS["first"])

    assert blocks_kept(once, 100) < 1


@pytest.mark.parametrize("args", [(), (1,), (1, 2), (1, 2, 3, 4, 5, 6)])
def test_wrong_arguments(args):
    with pytest.raises(TypeError, match="internal error: user_op"):
        native.user_op(*args)
    with pytest.raises(TypeError, match="internal error: checked_leaves"):
        native.checked_leaves(*args)
