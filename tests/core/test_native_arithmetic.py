"""The arithmetic of short arrays in C: NumPy's to the bit, with NumPy's warnings and errors."""

import itertools
import operator
import warnings

import numpy as np
import pytest

import gradx as gx
from tests.core.native import bits, only_native

pytestmark = only_native
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv]
EDGES = [0.0, -0.0, 1.0, -3.5, np.inf, -np.inf, np.nan, 5e-324, -1e-310, 1e308, 2**53 + 2.0, 1e-300]


def in_a_run(f, x):
    """The result of a function whose argument is a variable."""
    return gx.backprop_with(f, x)[0]


def outcome(f, *xs, **states):
    """The result or the error of a call, and its warnings."""
    with warnings.catch_warnings(record=True) as seen, np.errstate(**{"all": "warn", **states}):
        warnings.simplefilter("always")
        try:
            result = bits(f(*xs))
        except FloatingPointError as error:
            result = str(error)
    return result, [str(warning.message) for warning in seen]


@pytest.mark.parametrize("do", OPERATORS)
@pytest.mark.parametrize("state", ["warn", "ignore", "raise"])
def test_edge_cases_warn_and_raise_as_numpy_does(do, state):
    for a, b in itertools.product(EDGES, repeat=2):
        x, y = np.full(3, a), np.full(3, b)
        for other in (y, b, np.float64(b)):
            wanted = outcome(do, x, other, all=state)
            assert outcome(in_a_run, lambda v, z=other: do(v, z), x, all=state) == wanted
            wanted = outcome(do, other, x, all=state)
            assert outcome(in_a_run, lambda v, z=other: do(z, v), x, all=state) == wanted


@pytest.mark.parametrize("do", OPERATORS)
def test_each_kind_of_error_goes_its_own_way(do):
    x, y = np.array(EDGES), np.array(EDGES[::-1])
    for kind in ("divide", "over", "under", "invalid"):
        for state in ("warn", "raise", "ignore"):
            states = {"all": "ignore", kind: state}
            wanted = outcome(do, x, y, **states)
            assert outcome(in_a_run, lambda v: do(v, y), x, **states) == wanted


def test_errors_can_call_a_function():
    seen = []
    with np.errstate(all="call", call=lambda *what: seen.append(what)):
        in_a_run(lambda v: v / 0.0, np.ones(3))
        in_a_run(lambda v: v * 1e308, np.full(3, 1e308))
        in_a_run(lambda v: v * 1e-300, np.full(3, 1e-300))
        in_a_run(lambda v: v - np.inf, np.full(3, np.inf))
    assert [name for name, _ in seen] == [
        "divide by zero",
        "overflow",
        "underflow",
        "invalid value",
    ]


def test_an_earlier_operation_is_not_blamed_on_a_later_one():
    for state in ("warn", "ignore"):
        with warnings.catch_warnings(), np.errstate(all=state):
            warnings.simplefilter("ignore")
            np.ones(3) / np.zeros(3)
            in_a_run(lambda v: v / 0.0, np.ones(3))
            float("1e308") * 10
        assert outcome(in_a_run, lambda v: v + 1.0, np.ones(3))[1] == []


def layouts(rng):
    """Arrays of one shape that lie in memory in all kinds of ways."""
    x = rng.normal(size=(4, 6))
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(x.shape)
    unaligned[:] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    return [
        *(x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1, ::-1], unaligned),
        *(read_only, np.broadcast_to(x[0], x.shape), x.astype(">f8"), x.astype(np.float32)),
        *(x.astype(np.float16), x.astype(np.longdouble), x + 1j, x.astype(np.complex64)),
        x.astype(np.dtype(float, metadata={"unit": "m"})),
    ]


CONSTANTS = [
    *(
        2,
        -7,
        2**30,
        2**31,
        10**25,
        0.1,
        True,
        1j,
        np.float64(0.1),
        np.float32(0.1),
        np.float16(0.1),
    ),
    *(np.int8(3), np.uint64(2**60), np.bool_(True), np.longdouble(0.1), np.arange(1, 7)),
    *(np.ones((4, 1)), np.arange(24).reshape(4, 6) % 5 == 0, np.ones(6, np.int16), np.array(3.0)),
]


@pytest.mark.parametrize("do", OPERATORS)
def test_layouts_dtypes_and_constants(do, rng):
    for x in layouts(rng):
        for other in [*CONSTANTS, *layouts(rng)]:
            wanted = outcome(do, x, other)
            assert outcome(in_a_run, lambda v, z=other: do(v, z), x) == wanted
            wanted = outcome(do, other, x)
            assert outcome(in_a_run, lambda v, z=other: do(z, v), x) == wanted
        assert bits(in_a_run(operator.neg, x)) == bits(-x)


@pytest.mark.parametrize(
    "shape", [(0,), (1,), (3, 0), (0, 3), (1, 1), (7, 1), (1023,), (1024,), (1025,)]
)
def test_lengths(shape, rng):
    x, y = rng.normal(size=shape), rng.normal(size=shape)
    for do in OPERATORS:
        assert bits(in_a_run(lambda v, do=do: do(v, y), x)) == bits(do(x, y))
        assert bits(in_a_run(lambda v, do=do: do(v, v), x)) == bits(do(x, x))
        assert bits(in_a_run(lambda v, do=do: do(v, 3), x)) == bits(do(x, 3))
    assert bits(in_a_run(operator.neg, x)) == bits(-x)


def test_the_sign_of_zero_and_of_what_is_no_number():
    x = np.array([0.0, -0.0, np.nan, -np.nan, np.inf])
    assert in_a_run(operator.neg, x).tobytes() == (-x).tobytes()


def test_an_operand_is_not_written():
    x, y = np.ones(5), np.full(5, 2.0)
    results = [in_a_run(lambda v, do=do: do(v, y), x) for do in OPERATORS]
    assert not any(np.shares_memory(r, z) for r in results for z in (x, y))
    assert x.tolist() == [1.0] * 5 and y.tolist() == [2.0] * 5
