"""Recorders in C write the nodes that the Python ones write, and leave nothing behind."""

import operator
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import gradx as gx
from gradx.core.cotangent import edges_of
from gradx.core.dispatch import UFUNCS
from gradx.ops import elementwise, numbers, products
from gradx.reverse import recorders
from gradx.reverse.variables import ArrayVar, BVar
from tests.native.native import bits, blocks_kept, layouts, only_native, outcome, variable

pytestmark = only_native
BINARY = [numbers.add, numbers.subtract, numbers.multiply, numbers.divide, numbers.remainder]
BINARY += [numbers.power, products.matmul]
UNARY = [elementwise.exp, elementwise.negative, elementwise.square, elementwise.sqrt]
UNARY += [elementwise.arctanh, elementwise.absolute, elementwise.sign, elementwise.squared]
NUMBERS = [
    2.0,
    -0.0,
    0.3,
    1j,
    np.float64(0.3),
    np.float32(0.3),
    np.float16(0.3),
    np.longdouble(0.3),
]
NUMBERS += [np.complex64(2j), Fraction(1, 3), Decimal("0.3")]
LONG = 2**40
CONSTANTS = [
    1,
    1.0,
    3,
    LONG,
    True,
    np.int8(2),
    np.uint64(3),
    np.bool_(True),
    None,
    "text",
    [1.0, 2.0],
    (3.0,),
]
CONSTANTS += [{}, object(), np.arange(3), np.ones((2, 3), bool), np.array(["a"]), np.array([None])]


def variables(rng):
    x = rng.uniform(0.2, 0.9, size=(2, 3))
    arrays = [x.astype(t) for t in (np.float64, np.float32, np.float16, np.complex64, ">f8")]
    return [*NUMBERS, *arrays, *(x[0], x[0, :1], x.T, x[:, :1], x[:, ::2], np.array(0.5), x[:0])]


@pytest.fixture
def python(monkeypatch):
    """The Python recorders of an op, although there is C code."""

    def make(op):
        with monkeypatch.context() as patch:
            patch.setattr(recorders, "native", None)
            if len(op.rules) == 1:
                return [recorders.ufunc_recorder.__wrapped__(op)]
            return recorders.binary_recorder(op)

    return make


def in_c(op):
    if len(op.rules) == 1:
        return [recorders.ufunc_recorder(op)]
    return recorders.binary_recorder(op)


def shown(node):
    """A node as something that can be compared."""
    return type(node), [
        (id(target), getattr(pull, "func", pull), [bits(x) for x in kept], like, op)
        for target, pull, kept, like, op in edges_of(node)
    ]


def recorded(record, *operands):
    """What recording an operation on variables of one run, and other things, comes to."""

    def run():
        done = []

        def f(*vs):
            mine = iter(vs)
            given = [next(mine) if isinstance(x, Lift) else x for x in operands]
            names = {id(v._node): i for i, v in enumerate(vs)}
            try:
                y = record(*given)
            except (TypeError, ValueError, ArithmeticError, gx.GradxError) as error:
                done.append((type(error), str(error).partition(" at 0x")[0]))
                return 0.0
            nodes = [
                (kind, [(names[target], *rest) for target, *rest in edges])
                for kind, edges in map(shown, vs[0]._run.nodes[1:])
            ]
            done.append((type(y), bits(y._value) if isinstance(y, BVar) else repr(y), nodes))
            return 0.0

        gx.backprop_with(f, *[x.value for x in operands if isinstance(x, Lift)])
        return tuple(done)

    return outcome(run)


class Lift:
    """An operand that is to be a variable."""

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_an_operator_of_a_variable_and_a_constant(op, python, rng):
    for mine, theirs in zip(in_c(op), python(op), strict=True):
        for x in variables(rng):
            for other in [*CONSTANTS, *variables(rng)]:
                if op is numbers.power and other is LONG:  # of a fraction it takes for ever
                    continue
                operands = Lift(x), other
                assert recorded(mine, *operands) == recorded(theirs, *operands), (x, other)


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_an_operator_of_two_variables(op, python, rng):
    mine, theirs = in_c(op)[0], python(op)[0]
    for x in variables(rng):
        for other in variables(rng):
            operands = Lift(x), Lift(other)
            assert recorded(mine, *operands) == recorded(theirs, *operands), (x, other)


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_a_function_of_one_variable(op, python, rng):
    (mine,), (theirs,) = in_c(op), python(op)
    for x in [*variables(rng), *layouts(rng)]:
        assert recorded(mine, Lift(x)) == recorded(theirs, Lift(x)), x


def test_a_forward_is_done_once(python):
    calls = []
    op = gx.Op("once", lambda x: calls.append(x) or np.float16(x), lambda g: g)
    for record in (*in_c(op), *python(op)):
        gx.backprop_with(record, np.array(0.5))
        assert len(calls) == 1
        calls.clear()


def test_every_ufunc_of_a_number_fits_by_construction():
    numeric = [u for u, op in UFUNCS.items() if len(op.rules) == 1 and op.rules[0] is not None]

    def f(v):
        results = [ufunc(v) for ufunc in numeric]
        return [y._node[3] for y in results if type(getattr(y, "_value", None)) is np.float64]

    likes = []
    with np.errstate(all="ignore"):
        gx.backprop_with(lambda v: likes.extend(f(v)) or 0.0, 0.5)
    assert len(likes) > 20 and set(likes) == {None}


# ---- Nothing is left behind ----------------------------------------------------------------------


class Breaks:
    """An operand whose methods raise."""

    __array_ufunc__ = None

    def __radd__(self, other):
        raise ArithmeticError

    __rmul__ = __rmatmul__ = __radd__


def broken(*args):
    raise ZeroDivisionError


LEFT = gx.Op("left", lambda a, b: broken(), lambda g: g, lambda g: g)
FAILURES = {
    "shapes": lambda v: v + np.ones(7),
    "operand": lambda v: v * None,
    "reflected": lambda v: "text" @ v,
    "foreign": lambda v: v + Breaks(),
    "both": lambda v: v @ np.sum(v),
    "forward": lambda v: recorders.binary_recorder(LEFT)[0](v, v),
    "object": lambda v: v * np.array([Breaks(), Breaks(), Breaks()]),
    "ufunc": lambda v: np.exp(v, where=False),
    "escaped": lambda v: variable(np.ones(3)) + 1.0,
    "recorder": lambda v: ArrayVar.__add__(v),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_leaves_nothing_behind(failure):
    x = np.ones(3)

    def f(v):
        with pytest.raises((TypeError, ValueError, ArithmeticError, gx.GradxError)):
            FAILURES[failure](v)
        return 0.0

    before = sys.getrefcount(x)
    assert blocks_kept(lambda: gx.backprop_with(f, x), 100) < 0.5
    assert sys.getrefcount(x) == before


@pytest.mark.parametrize("op", [*BINARY[:4], products.matmul, *UNARY], ids=lambda op: op.name)
def test_an_operation_leaves_nothing_behind(op):
    def f(v, w):
        for record in in_c(op):
            for operands in ((v, v), (v, w), (v, x), (v, y)) if len(op.rules) == 2 else ((v,),):
                record(*operands)
        return np.sum(1 / (1 + np.exp(-v))) + np.sum(v @ w)

    x, y = np.full(3, 0.25), np.full(3, 0.5)
    before = sys.getrefcount(x), sys.getrefcount(y)
    assert blocks_kept(lambda: gx.grad_bp(f, x, y)) < 0.5
    assert (sys.getrefcount(x), sys.getrefcount(y)) == before


def test_a_recorder_leaves_nothing_behind():
    def make():
        for form, n in (("one", 1), ("forward", 2), ("reflected", 2), ("either", 2)):
            rules = [numbers.add.rules[0].pull, "aB"] * n
            recorders.native.Recorder(form, numbers.add, operator.add, True, *rules)
        with pytest.raises(ValueError, match="cannot keep"):
            recorders.native.Recorder("one", numbers.add, operator.add, True, make, "c")

    assert blocks_kept(make) < 0.5
