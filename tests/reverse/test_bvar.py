"""Variables: operators, comparisons, indexing, attributes, representation, shared views."""

import copy
import operator
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from gradx.reverse.variables import ArrayVar, NumberVar
from gradx.testing import check_grads
from tests.core.samples import Net, Pair, Plain, same

# ---- Operators -----------------------------------------------------------------------------------

OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.mod,
]
VARIABLES = [2.3, np.float64(2.3), np.array(2.3), np.array([2.3, 3.1]), np.array([[2.3], [3.1]])]
OTHERS = [
    3,
    1.7,
    np.float64(1.7),
    np.float32(1.75),
    np.array(1.7),
    np.array([1.7, 0.6]),
    [1.7, 0.6],
]
# A number and a list have no operators in NumPy either.
SIDES = [
    (x, other)
    for x in VARIABLES
    for other in OTHERS
    if isinstance(x, np.ndarray) or not isinstance(other, list)
]


def named(x):
    return f"{type(x).__name__}{np.shape(x)}"


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize(("x", "other"), SIDES, ids=named)
def test_operators_on_both_sides(op, x, other):
    plain = np.asarray(other) if isinstance(other, list) else other
    for f, result in (
        (lambda v: op(v, other), op(x, plain)),
        (lambda v: op(other, v), op(plain, x)),
    ):
        y, g = gx.backprop(f, x)
        assert np.array_equal(y, result) and np.shape(y) == np.shape(result)
        assert type(g) is type(x) and np.shape(g) == np.shape(x)
        check_grads(f, x, order=1)


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("x", VARIABLES, ids=named)
@pytest.mark.parametrize("z", VARIABLES[:4], ids=named)
def test_operators_of_two_variables(op, x, z):
    z = z * 0.7
    check_grads(op, x, z, order=1)
    check_grads(lambda x: op(x, 0.7 * x * x), x, order=2 if op is not operator.mod else 1)


@pytest.mark.parametrize("x", [*VARIABLES, -2.3], ids=named)
@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs], ids=lambda op: op.__name__)
def test_unary_operators(op, x):
    y, g = gx.backprop(op, x)
    assert np.array_equal(y, op(x))
    slope = {operator.neg: -1.0, operator.pos: 1.0, abs: np.sign(x)}[op]
    assert np.array_equal(g, slope * np.ones_like(x)) and type(g) is type(x)


@pytest.mark.parametrize("n", [0, 1, 2, 3, -1, -2, 0.5, 2.0])
@pytest.mark.parametrize("x", [2.0, np.array([2.0, 3.0])], ids=named)
def test_powers(n, x):
    check_grads(lambda v: v**n, x)


@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**2, -3.0, -6.0),
        (lambda x: x**2.0, -3.0, -6.0),
        (lambda x: x**0.0, 0.0, 0.0),
        (lambda y: 0.0**y, 2.0, 0.0),
        (lambda y: 2**y, 3.0, 8.0 * np.log(2.0)),
        (lambda x: x**x, 2.0, 4.0 + 4.0 * np.log(2.0)),
        (abs, 0.0, 0.0),
    ],
)
def test_powers_and_kinks_at_zero(f, x, gradient):
    assert np.isclose(gx.grad(f)(x), gradient)


MATRIX = np.array([[1.0, 2.0], [3.0, 5.0]])
VECTOR = np.array([2.0, -1.0])


@pytest.mark.parametrize("a", [MATRIX, VECTOR], ids=named)
@pytest.mark.parametrize("b", [MATRIX + 1.0, VECTOR + 3.0], ids=named)
def test_matmul_on_both_sides(a, b):
    check_grads(operator.matmul, a, b)
    check_grads(lambda v: v @ b, a)
    check_grads(lambda v: a @ v, b)


@pytest.mark.parametrize("f", [lambda n: np.divmod(n, 3)[1] * 2.0, lambda n: np.divmod(9, n)[1]])
def test_several_whole_numbers_are_refused(f):
    assert gx.grad(lambda n: np.remainder(n, 3) * 2.0)(8) == 2.0
    with pytest.raises(gx.NotDifferentiableError, match="divmod of whole numbers gives several"):
        gx.grad(f)(8)
    with pytest.raises(gx.NotDifferentiableError, match="divmod of whole numbers gives several"):
        gx.jvp(f, (8,), (1.0,))


def test_floor_division_and_divmod():
    assert gx.backprop(lambda x: x // 2.0, 5.5) == (2.0, 0.0)
    assert gx.backprop(lambda x: 5.5 // x, 2.0) == (2.0, 0.0)
    assert gx.backprop(lambda x: divmod(x, 2.0), 5.5) == ((2.0, 1.5), 1.0)
    assert gx.backprop(lambda x: divmod(5.5, x), 2.0) == ((2.0, 1.5), -2.0)
    assert gx.grad_bp(lambda x, y: x % y, 5.5, 2.0) == (1.0, -2.0)


def test_round_looks_at_the_value():
    assert gx.backprop(lambda x: round(x) * x, 2.6) == (3 * 2.6, 3.0)
    assert gx.backprop(lambda x: round(x, 1) * x, 2.64) == (2.6 * 2.64, 2.6)


IN_PLACE = {
    "+": operator.iadd,
    "-": operator.isub,
    "*": operator.imul,
    "/": operator.itruediv,
    "//": operator.ifloordiv,
    "%": operator.imod,
    "**": operator.ipow,
    "@": operator.imatmul,
}


@pytest.mark.parametrize("x", [3.0, np.float64(3.0), np.float32(3.0)], ids=named)
def test_in_place_operators_of_numbers_rebind(x):
    def f(x):
        y = x
        y += 1.0
        y *= x
        y -= 2.0
        y /= 2.0
        y **= 2
        return y, x

    (y, same_x), g = gx.backprop(f, x)
    assert (y, same_x) == (25.0, 3.0) and type(y) is type(x)
    assert g == 2.0 * 5.0 * 3.5 + 1.0 and type(g) is type(x)


@pytest.mark.parametrize("symbol", IN_PLACE)
@pytest.mark.parametrize("x", [MATRIX + 0.3, abs(VECTOR) + 0.3, np.array(2.3)], ids=named)
def test_in_place_operators_of_arrays_change_the_array(symbol, x):
    """Under each of its names; the caller's own array stays. What NumPy refuses raises the same."""
    for other in (lambda v: v * 0.5, lambda v: 2.0, lambda v: np.ones_like(x)):

        def f(v, other=other):
            y = v
            y = IN_PLACE[symbol](y, other(v))
            return v * y, y is v

        before = x.copy()
        try:
            plain, same_name = f(x.copy())
        except (ValueError, TypeError) as error:
            with pytest.raises(type(error)):
                gx.backprop(f, x)
            continue
        (y, lifted_name), g = gx.backprop(f, x)
        assert same(y, plain) and same_name and lifted_name and same(x, before)
        h = 1e-6
        above, below = (np.sum(f(np.asarray(x + d))[0]) for d in (h, -h))
        slope = (above - below) / (2 * h)
        assert np.sum(g) == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_sums_of_variables():
    assert gx.grad_bp(lambda x, y: sum([x, y, x]), 1.0, 2.0) == (2.0, 1.0)
    assert gx.grad_bp(lambda x, y: max(x, y) + min(x, 5.0), 1.0, 2.0) == (1.0, 1.0)


@pytest.mark.parametrize("other", ["text", None, object(), {}], ids=lambda x: type(x).__name__)
def test_operators_with_other_things_raise(other):
    for f in (lambda x: x + other, lambda x: other * x, lambda x: x @ other, lambda x: x // other):
        with pytest.raises(TypeError):
            gx.grad_bp(f, 2.0)


def test_a_reflected_operator_of_the_users_class_is_tried():
    class Money:
        def __radd__(self, x):
            return x * 10.0

    assert gx.grad_bp(lambda x: x + Money(), 2.0) == 10.0


# ---- Comparisons and truth -----------------------------------------------------------------------


@pytest.mark.parametrize("op", ["lt", "le", "gt", "ge", "eq", "ne"])
@pytest.mark.parametrize("other", [1.0, 2.0, 3, np.float64(2.0)])
def test_comparisons_look_at_values(op, other):
    compare, seen = getattr(operator, op), []
    gx.grad_bp(
        lambda x: seen.extend([compare(x, other), compare(other, x), compare(x, x)]) or x, 2.0
    )
    assert seen == [compare(2.0, other), compare(other, 2.0), compare(2.0, 2.0)]
    assert all(isinstance(each, (bool, np.bool_)) for each in seen)


def test_comparisons_of_arrays_give_plain_masks():
    seen = []
    gx.grad_bp(
        lambda x: seen.append((x > 1.0, x == np.array([1.0, 2.0]), np.ones(2) < x)) or x, VECTOR
    )
    assert all(type(mask) is np.ndarray and mask.dtype == bool for mask in seen[0])


def test_branches_follow_the_value():
    def f(x):
        if x > 1.0:
            return x * x
        return x if x else -x

    assert [gx.grad(f)(x) for x in (3.0, 0.5, 0.0)] == [6.0, 1.0, -1.0]
    with pytest.raises(ValueError, match="truth value"):
        gx.grad_bp(lambda x: x if x else -x, VECTOR)


def test_variables_are_unhashable():
    with pytest.raises(TypeError, match="variables are unhashable"):
        gx.grad_bp(hash, 1.0)
    with pytest.raises(TypeError, match="variables are unhashable"):
        gx.grad_bp(lambda p: {p: 1.0}, (1.0,))


# ---- Indexing, iteration, unpacking --------------------------------------------------------------

INDICES = {
    "item": 1,
    "negative": -1,
    "np integer": np.int64(1),
    "pair": (1, 2),
    "slice": slice(1, None),
    "reversed": slice(None, None, -1),
    "step": (slice(None), slice(None, None, 2)),
    "ellipsis": (..., 1),
    "newaxis": (slice(None), None, 1),
    "list": [1, 0, 1],
    "array": np.array([[0, 1], [1, 1]]),
    "two arrays": (np.array([0, 1, 0]), np.array([2, 2, 2])),
    "array and slice": (slice(None), [0, 0]),
    "mask": np.array([True, False]),
    "full mask": np.arange(6).reshape(2, 3) % 2 == 0,
    "empty": [],
    "nothing": (),
    "no items": slice(0, 0),
}


@pytest.mark.parametrize("kind", INDICES)
def test_indexing(kind):
    index, x = INDICES[kind], np.arange(6.0).reshape(2, 3) + 1.0
    if kind == "empty":
        index = np.array([], int)
    y, g = gx.backprop(lambda v: v[index] * v[index], x)
    assert np.array_equal(y, x[index] ** 2)
    wanted = np.zeros_like(x)
    np.add.at(wanted, index, 2.0 * x[index])
    assert same(g, wanted)
    check_grads(lambda v: v[index] ** 3, x)


def test_indexing_with_a_mask_of_a_variable():
    assert same(gx.grad_bp(lambda v: np.sum(v[v > 0.0]), VECTOR), np.array([1.0, 0.0]))


def test_indexing_out_of_range_raises_like_numpy():
    with pytest.raises(IndexError):
        gx.grad_bp(lambda v: v[2], VECTOR)
    with pytest.raises(IndexError):
        gx.grad_bp(lambda v: v[2], (1.0, 2.0))
    with pytest.raises(KeyError):
        gx.grad_bp(lambda v: v["c"], {"a": 1.0})
    with pytest.raises(TypeError):
        gx.grad_bp(lambda v: v[0], 1.0)


def test_iteration_and_unpacking():
    assert same(gx.grad_bp(lambda v: sum(x * x for x in v), VECTOR), 2.0 * VECTOR)
    assert same(
        gx.grad_bp(lambda m: sum(np.sum(row) * i for i, row in enumerate(m)), MATRIX),
        np.array([[0.0, 0.0], [1.0, 1.0]]),
    )

    def unpacked(v):
        first, *rest = v
        return first * rest[0]

    assert same(gx.grad_bp(unpacked, VECTOR), VECTOR[::-1].copy())
    assert gx.grad_bp(unpacked, (2.0, 3.0)) == (3.0, 2.0)
    assert gx.grad_bp(unpacked, Pair(2.0, 3.0)) == Pair(3.0, 2.0)
    assert gx.grad_bp(lambda v: list(zip(v, v, strict=True))[1][0], [2.0, 3.0]) == [0.0, 1.0]
    with pytest.raises(TypeError):
        gx.grad_bp(list, 1.0)


def test_lengths_and_membership():
    seen = []

    def f(v):
        seen.extend([len(v["a"]), len(v), "a" in v, "c" in v, 2.0 in v["a"], 2.0 in v["b"]])
        return v["b"][0]

    gx.grad_bp(f, {"a": np.array([1.0, 2.0, 3.0]), "b": (1.0, 2.0)})
    assert seen == [3, 2, True, False, True, True]
    with pytest.raises(TypeError):
        gx.grad_bp(len, 1.0)


# ---- Attributes and methods of arrays ------------------------------------------------------------


def test_attributes_of_arrays():
    seen = []
    gx.grad_bp(lambda v: seen.extend([v.shape, v.ndim, v.size, v.dtype, v.nbytes]) or v, MATRIX)
    assert seen == [(2, 2), 2, 4, np.dtype(float), 32]


METHODS = {
    "T": lambda v: v.T * MATRIX,
    "sum": lambda v: v.sum(axis=0) ** 2,
    "mean": lambda v: v.mean() ** 2,
    "reshape": lambda v: v.reshape(4) ** 2,
    "reshape pair": lambda v: v.reshape((4, 1)) ** 2,
    "reshape two": lambda v: v.reshape(1, -1) ** 2,
    "transpose": lambda v: v.transpose(1, 0) * MATRIX,
    "ravel": lambda v: v.ravel() ** 2,
    "flatten": lambda v: v.flatten() ** 2,
    "dot": lambda v: v.dot(MATRIX) ** 2,
    "max": lambda v: v.max(axis=1) ** 2,
    "copy": lambda v: v.copy() ** 2,
    "cumsum": lambda v: v.cumsum() ** 2,
    "clip": lambda v: v.clip(1.5, 4.0) ** 2,
    "squeeze": lambda v: v[None].squeeze() ** 2,
    "trace": lambda v: v.trace() ** 2,
    "prod": lambda v: v.prod(),
    "std": lambda v: v.std(),
    "take": lambda v: v.take([0, 0]) ** 2,
    "real": lambda v: v.real**2,
    "conj": lambda v: v.conj() ** 2,
    "astype": lambda v: v.astype(np.float64) ** 2,
}


@pytest.mark.parametrize("kind", METHODS)
def test_methods_of_arrays(kind):
    check_grads(METHODS[kind], MATRIX)


@pytest.mark.parametrize("name", ["argmax", "argmin", "argsort", "nonzero", "any", "all"])
def test_methods_whose_result_has_no_derivative(name):
    seen = []
    gx.grad_bp(lambda v: seen.append(getattr(v, name)()) or v, VECTOR)
    assert np.array_equal(seen[0], getattr(VECTOR, name)())
    assert not isinstance(seen[0], gx.BVar)


# ---- Representation, copies, views ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (2.5, "BVar(2.5)"),
        (np.ones(2), "BVar(array([1., 1.]))"),
        (Pair(1.0, 2.0), "Pair(x=BVar(1.0), y=BVar(2.0))"),
        ({"a": [1.0]}, "{'a': [BVar(1.0)]}"),
    ],
    ids=str,
)
def test_repr(x, text):
    seen = []
    gx.grad_bp(lambda v: seen.extend([repr(v), str(v), f"{v}"]) or 1.0, x)
    assert seen == [text] * 3


def test_repr_is_short_and_nested():
    seen = []
    gx.grad_bp(lambda v: seen.append(repr(v)) or v[0], np.full(100, 0.123456789))
    assert len(seen[0]) < 220 and seen[0].endswith("...)")
    gx.grad(lambda x: gx.grad(lambda y: seen.append(repr(y * x)) or y * x)(1.0))(3.0)
    assert seen[1] == "BVar(BVar(3.0))"


def test_format_with_a_specification_shows_the_number():
    seen = []
    gx.grad_bp(lambda v: seen.append(f"{v:.2f}") or v, 2.5)
    assert seen == ["2.50"]


def test_copies_are_the_same_variable():
    assert gx.grad_bp(lambda v: copy.copy(v) * copy.deepcopy(v), 3.0) == 6.0
    assert gx.grad_bp(lambda v: copy.deepcopy(v)[0] * v[0], (3.0,)) == (6.0,)


def test_repeated_views_are_one_variable():
    def f(net, table, pair):
        assert net.w is net.w
        assert table["k"] is table["k"]
        assert pair[0] is pair[0] is next(iter(pair))
        assert pair[0] is pair[-2]
        return net.w[0, 0] * table["k"] * pair[0]

    gx.grad_bp(f, Net(MATRIX, VECTOR, 1.0), {"k": 2.0}, (3.0, 4.0))


def test_value_takes_the_variable_off():
    seen = []

    def f(v):
        seen.append(gx.value(v))
        seen.append(gx.value({"a": [v[0] * 2.0], "b": Plain(v[1], None)}))
        return v[0] * gx.value(v)[1]

    assert gx.grad_bp(f, (2.0, 3.0)) == (3.0, 0.0)
    assert same(seen, [(2.0, 3.0), {"a": [4.0], "b": Plain(3.0, None)}])
    assert gx.value("text") == "text"


def test_a_bvar_that_no_run_made_says_so():
    for blank in (object.__new__(NumberVar), object.__new__(ArrayVar)):
        with pytest.raises(AttributeError, match=r"has no _value, since no run made it; write gx"):
            blank._value  # noqa: B018


def test_a_bvar_is_not_made_by_hand():
    with pytest.raises(TypeError, match=r"a BVar is made by a run; write gx\.backprop"):
        gx.BVar()


def test_a_field_may_have_any_name():
    @dataclass
    class Odd:
        _run: float
        _value: float
        _node: float

    y, g = gx.backprop(lambda v: v._run * v._value + v._node, Odd(2.0, 3.0, 4.0))
    assert (y, g) == (10.0, Odd(3.0, 2.0, 1.0))
