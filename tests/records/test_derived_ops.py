"""Ops made of functions: constants, isos, lenses, no gradient, bp_op and its laws, arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradx as gx
from gradx.testing import check_grads
from tests.core.samples import Pair, Plain, same

nops = gx.numeric_ops
numbers = st.floats(-3, 3).map(lambda x: round(x, 3) + 0.0)

# ---- Constants, tuples, isos ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "xs", "y", "gradient"),
    [
        (gx.op_const(7.0), (1.0, [2.0, 3.0]), 7.0, (0.0, [0.0, 0.0])),
        (gx.op_const(7.0, arity=1), ({"a": 2.0},), 7.0, {"a": 0.0}),
        (gx.id_op, (3.0,), 3.0, 1.0),
        (gx.id_op, ({"a": [2.0, None]},), {"a": [2.0, None]}, {"a": [1.0, None]}),
        (gx.op_tup, (1.0, [2.0]), (1.0, [2.0]), (1.0, [1.0])),
        (gx.op_iso(lambda x: [x], lambda xs: xs[0]), (3.0,), [3.0], 1.0),
        (gx.op_iso2(Pair, tuple), (1.0, 2.0), Pair(1.0, 2.0), (1.0, 1.0)),
        (
            gx.op_iso3(lambda *xs: dict(zip("abc", xs, strict=True)), lambda d: tuple(d.values())),
            (1.0, 2.0, [3.0]),
            {"a": 1.0, "b": 2.0, "c": [3.0]},
            (1.0, 1.0, [1.0]),
        ),
        (gx.op_coerce(Plain), ((1.0, [2.0]),), Plain(1.0, [2.0]), (1.0, [1.0])),
        (gx.op_lens(gx.lens(Plain).y[0]), (Plain(1.0, [2.0, 3.0]),), 2.0, Plain(0.0, [1.0, 0.0])),
    ],
    ids=lambda x: repr(x) if isinstance(x, gx.Op) else "",
)
def test_run(op, xs, y, gradient):
    assert same(op.run(*xs), (y, gradient))
    assert same(gx.backprop(gx.lift_op(op), *xs), (y, gradient))


def test_an_iso_of_any_number_of_operands():
    listed = gx.op_iso_n(lambda *xs: list(xs), tuple)
    for n in (1, 2, 5):
        y, pullback = listed.run_with(*[1.0] * n)
        assert y == [1.0] * n
        g = pullback([10.0 * i for i in range(n)])
        assert g == (0.0 if n == 1 else tuple(10.0 * i for i in range(n)))


def test_an_iso_gives_the_cotangent_to_its_inverse():
    swap = gx.op_iso(lambda p: (p[1], p[0]), lambda p: (p[1], p[0]))
    assert swap.grad_with((10.0, 20.0), (1.0, 2.0)) == (20.0, 10.0)


@pytest.mark.parametrize(
    ("op", "xs"), [(gx.op_iso2(Pair, tuple), (1.0,)), (gx.id_op, (1.0, 2.0))], ids=repr
)
def test_the_number_of_operands_is_checked(op, xs):
    with pytest.raises(gx.OpError, match=f"{op.name} takes . operands and was given"):
        op.run(*xs)


def test_derivatives_of_derivatives_pass_through():
    def f(x):
        pair = gx.lift_op(gx.op_tup)(x * x, x)
        record = gx.lift_op(gx.op_coerce(Plain))(pair)
        first = gx.lift_op(gx.op_lens(gx.lens(Plain).x))(record)
        return gx.lift_op(gx.id_op)(first) * gx.lift_op(gx.op_const(2.0))(x) * record.y

    assert gx.grad(f)(3.0) == 54.0  # of 2 x**3
    assert gx.grad(gx.grad(f))(3.0) == 36.0
    assert gx.grad(gx.grad(gx.grad(f)))(3.0) == 12.0


# ---- No gradient ---------------------------------------------------------------------------------

whole = gx.no_grad1(math.floor, "whole")
both = gx.no_grad(divmod)


def test_an_op_without_a_gradient_is_evaluated():
    assert whole.eval(3.7) == 3
    assert both.eval(7.0, 2.0) == (3.0, 1.0)
    assert gx.lift_op(both)(7.0, 2.0) == (3.0, 1.0)


def test_its_gradient_is_not_missed_where_none_is_asked_for():
    assert gx.grad(lambda x: x * x if gx.lift_op(whole)(x) > 2 else x)(3.5) == 7.0
    assert gx.grad(lambda x: (gx.lift_op(whole)(x), x * x)[1])(3.5) == 7.0
    assert gx.grad(lambda x, y: y * gx.lift_op(whole)(x), argnums=1)(3.5, 2.0) == 3.0


@pytest.mark.parametrize(
    "demand",
    [
        lambda: whole.run(3.5),
        lambda: gx.grad_bp(gx.lift_op(whole), 3.5),
        lambda: gx.grad(lambda x: x * gx.lift_op(whole)(x))(3.5),
        lambda: gx.compose(nops.multiply, gx.id_op, whole).grad(3.5),
    ],
)
def test_asking_for_it_raises(demand):
    with pytest.raises(
        gx.NoGradientError,
        match=r"the op whole was created with no_grad, but its gradient is needed; define the "
        r"gradient with gx\.lift, or use gx\.value\(x\)",
    ):
        demand()


def test_it_is_refused_in_an_outer_run_too():
    def f(x):
        return gx.grad_bp(lambda y: y * y, x) * gx.lift_op(whole)(x)

    with pytest.raises(gx.NoGradientError, match="whole"):
        gx.grad(f)(3.5)

    def inner(x):  # used by the inner run for a branch, and by the outer one for a number
        return gx.grad_bp(lambda y: y * y if gx.lift_op(whole)(y) > 2 else y, x)

    assert gx.grad(inner)(3.5) == 2.0


# ---- bp_op: liftOp . bpOp = id, bpOp . liftOp = id -----------------------------------------------

FUNCTIONS = {
    "of a number": (lambda x: x * x * x, [numbers]),
    "of two": (lambda x, y: x * y + np.sin(x), [numbers, numbers]),
    "of a tuple": (lambda p: p[0] * p[1] * p[0], [st.tuples(numbers, numbers)]),
    "of a list": (lambda xs: sum(x * x for x in xs), [st.lists(numbers, min_size=1, max_size=4)]),
    "of a record": (
        lambda r, t: Plain(r.x * t, r.y),
        [st.builds(Plain, numbers, numbers), numbers],
    ),
    "to a dict": (lambda x, y: {"a": x * y, "b": [y]}, [numbers, numbers]),
    "of arrays": (
        lambda a, b: np.tanh(a @ b),
        [
            st.lists(numbers, min_size=6, max_size=6).map(lambda xs: np.reshape(xs, (2, 3))),
            st.lists(numbers, min_size=3, max_size=3).map(np.array),
        ],
    ),
    "of a complex number": (lambda z: z * z * (1 + 2j), [st.builds(complex, numbers, numbers)]),
    "from complex to real": (lambda z: np.abs(z) ** 2, [st.builds(complex, numbers, numbers)]),
}
OPS = {
    "times": (gx.op2(lambda x, y: (x * y, lambda g: (g * y, g * x))), [numbers, numbers]),
    "multiply": (nops.multiply, [numbers, numbers]),
    "square": (gx.op1(lambda x: (x * x, lambda g: g * 2 * x)), [numbers]),
    "total": (gx.op_n(lambda *xs: (sum(xs), lambda g: (g,) * len(xs))), [numbers] * 3),
    "constant": (gx.op_const(3.0), [numbers] * 2),
    "pair": (gx.op_tup, [numbers] * 2),
    "constant of one": (gx.op_const(3.0), [numbers]),
    "exp": (nops.exp, [numbers]),
    "first": (gx.op_lens(gx.lens(tuple)[0]), [st.tuples(numbers, numbers)]),
    "complex": (gx.op1(lambda z: (z * z, lambda g: g * 2 * z)), [st.builds(complex, numbers)]),
}


def close(x, y):
    """Equal in structure, and in numbers up to rounding."""
    if isinstance(x, (tuple, list)):
        return type(x) is type(y) and len(x) == len(y) and all(map(close, x, y))
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(close(x[k], y[k]) for k in x)
    if isinstance(x, Plain):
        return close((x.x, x.y), (y.x, y.y))
    return np.allclose(x, y, rtol=1e-12, atol=1e-12)


def scaled(y, by):
    """A cotangent of a result."""
    if isinstance(y, (tuple, list)):
        return type(y)(scaled(part, by + i) for i, part in enumerate(y))
    if isinstance(y, dict):
        return {k: scaled(part, by + i) for i, (k, part) in enumerate(y.items())}
    if isinstance(y, Plain):
        return Plain(scaled(y.x, by), scaled(y.y, by - 1.0))
    if isinstance(y, complex) or np.iscomplexobj(y):
        return by * (1 - 0.5j) + 0 * y
    return by + 0 * y


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
def test_lifting_the_op_of_a_function_gives_the_function(name, data):
    f, inputs = FUNCTIONS[name]
    xs = [data.draw(x) for x in inputs]
    (y, pullback), (z, other) = (gx.backprop_with(g, *xs) for g in (f, gx.lift_op(gx.bp_op(f))))
    assert close(y, z)
    g = scaled(y, data.draw(numbers))
    assert close(pullback(g), other(g))


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
def test_the_op_of_a_lifted_op_is_the_op(name, data):
    op, inputs = OPS[name]
    xs = [data.draw(x) for x in inputs]
    (y, pullback), (z, other) = op.run_with(*xs), gx.bp_op(gx.lift_op(op)).run_with(*xs)
    assert close(y, z)
    g = scaled(y, data.draw(numbers))
    assert close(pullback(g), other(g))


def test_the_op_of_a_function_has_derivatives_of_derivatives():
    cube = gx.bp_op(lambda x: x * x * x, "cube")
    assert gx.grad(gx.grad(gx.lift_op(cube)))(2.0) == 12.0
    check_grads(gx.lift_op(gx.bp_op(lambda a, b: np.tanh(a @ b))), np.eye(2), np.array([0.3, 0.7]))


def test_the_op_of_a_function_takes_its_number_of_operands():
    assert gx.bp_op(lambda x, y: x * y).arity == 2
    assert gx.bp_op(lambda *xs: xs[0]).arity == -1
    assert gx.bp_op(lambda x, y=1.0: x * y).arity == -1
    assert gx.bp_op(lambda *xs: xs[0], arity=2).run(3.0, 4.0) == (3.0, (1.0, 0.0))
    assert gx.bp_op(lambda: 5.0).run() == (5.0, ())
    assert gx.bp_op(max).arity == -1


HIDDEN = (
    r"the op hidden uses a variable of the run that it is done in, whose gradient would be lost; "
    r"make it an operand, or pass gx\.value\(v\)"
)


def test_a_variable_that_is_no_operand_is_refused():
    def f(x):
        return gx.lift_op(gx.bp_op(lambda y: y * x, "hidden"))(x)

    for outer in (gx.grad, lambda f: gx.grad(lambda x: gx.grad(f)(x))):
        with pytest.raises(gx.OpError, match=HIDDEN):
            outer(f)(3.0)


def test_a_variable_of_an_inner_run_is_refused():
    def f(x):
        def inner(z):
            op = gx.lift_op(gx.op1(lambda y: (y * z, lambda g: g * z)))
            return np.sum(op(x)) + np.sum(z)

        return np.sum(gx.grad(inner)(2.0 * x))

    for outer in (gx.grad, lambda f: lambda x: gx.jvp(f, (x,), (x,))):
        with pytest.raises(gx.OpError, match="a variable of a run inside that, whose gradient"):
            outer(f)(np.array([1.0, 2.0]))


def test_a_variable_of_an_outer_run_is_a_constant_to_it():
    def f(x):
        return gx.grad_bp(gx.lift_op(gx.bp_op(lambda y: y * y * x)), 2.0)  # 4 x

    assert gx.grad(f)(3.0) == 4.0


# ---- Composition and arithmetic ------------------------------------------------------------------

square = gx.op1(lambda x: (x * x, lambda g: g * 2 * x), "square")
times = gx.op2(lambda x, y: (x * y, lambda g: (g * y, g * x)), "times")


def test_compose_op_is_compose():
    assert gx.compose_op is gx.compose
    assert gx.compose_op(times, square, square).run(2.0) == (16.0, 32.0)


@pytest.mark.parametrize(
    ("op", "function"),
    [
        (times + times, lambda x, y: 2 * x * y),
        (times - 3.0, lambda x, y: x * y - 3.0),
        (2.0 - times, lambda x, y: 2.0 - x * y),
        (2 * times * times, lambda x, y: 2 * (x * y) ** 2),
        (times / (times + 1), lambda x, y: x * y / (x * y + 1)),
        (1 / times, lambda x, y: 1 / (x * y)),
        (times**3, lambda x, y: (x * y) ** 3),
        (2.0**times, lambda x, y: 2.0 ** (x * y)),
        (-times, lambda x, y: -(x * y)),
        (+times, lambda x, y: x * y),
        (abs(-times), lambda x, y: abs(x * y)),
        (np.exp(times) * np.sin(times), lambda x, y: np.exp(x * y) * np.sin(x * y)),
        (np.arctan2(times, 2.0), lambda x, y: np.arctan2(x * y, 2.0)),
        (np.float64(2.0) * times, lambda x, y: 2.0 * x * y),
        (times + gx.op_const(1.0), lambda x, y: x * y + 1.0),
    ],
    ids=lambda x: repr(x) if isinstance(x, gx.Op) else "",
)
@given(x=st.floats(0.3, 2), y=st.floats(0.3, 2), g=numbers)
def test_arithmetic_is_pointwise(op, function, x, y, g):
    result, pullback = gx.backprop_with(function, x, y)
    mine, own = op.run_with(x, y)
    np.testing.assert_allclose(mine, result, rtol=1e-12)
    np.testing.assert_allclose(own(g), pullback(g), rtol=1e-9, atol=1e-12)


def test_arithmetic_on_ops_of_arrays_and_exact_numbers():
    product = nops.multiply @ nops.multiply
    assert product.eval(np.array([1.0, 2.0]), 1.0) == 5.0
    half = gx.id_op / 2
    assert half.run(Fraction(1, 3)) == (Fraction(1, 6), Fraction(1, 2))
    check_grads(gx.lift_op(square * square + 1.0), np.array([1.0, 2.0]))


def test_functions_of_ops_that_do_not_exist_are_refused():
    for call in (lambda: np.add.reduce(square), lambda: np.exp(square, dtype=float)):
        with pytest.raises(gx.OpError, match=r"np\.\w+ cannot be taken of the op square"):
            call()
    with pytest.raises(gx.OpError, match=r"np\.max .* cannot be taken of the op square"):
        np.frompyfunc(max, 2, 1)(square, square)
    with pytest.raises(gx.OpError, match=r"ops that take the same operands"):
        square + times


# ---- Numeric ops ---------------------------------------------------------------------------------

# The formulas of the Haskell library's Numeric.Backprop.Op.
FORMULAS = {
    "add": ((1.5, 0.5), lambda x, y: (1.0, 1.0)),
    "subtract": ((1.5, 0.5), lambda x, y: (1.0, -1.0)),
    "multiply": ((1.5, 0.5), lambda x, y: (y, x)),
    "negative": ((1.5,), lambda x: -1.0),
    "absolute": ((-1.5,), lambda x: -1.0),
    "sign": ((-1.5,), lambda x: 0.0),
    "divide": ((1.5, 0.5), lambda x, y: (1 / y, -x / y**2)),
    "reciprocal": ((1.5,), lambda x: -1 / x**2),
    "exp": ((1.5,), math.exp),
    "log": ((1.5,), lambda x: 1 / x),
    "sqrt": ((1.5,), lambda x: 1 / (2 * math.sqrt(x))),
    "power": ((1.5, 0.5), lambda x, y: (y * x ** (y - 1), x**y * math.log(x))),
    "log_base": (
        (1.5, 0.5),
        lambda x, y: (-math.log(y, x) / (math.log(x) * x), 1 / (y * math.log(x))),
    ),
    "sin": ((0.5,), math.cos),
    "cos": ((0.5,), lambda x: -math.sin(x)),
    "tan": ((0.5,), lambda x: 1 / math.cos(x) ** 2),
    "arcsin": ((0.5,), lambda x: 1 / math.sqrt(1 - x * x)),
    "arccos": ((0.5,), lambda x: -1 / math.sqrt(1 - x * x)),
    "arctan": ((0.5,), lambda x: 1 / (1 + x * x)),
    "sinh": ((0.5,), math.cosh),
    "cosh": ((0.5,), math.sinh),
    "tanh": ((0.5,), lambda x: 1 / math.cosh(x) ** 2),
    "arcsinh": ((0.5,), lambda x: 1 / math.sqrt(x * x + 1)),
    "arccosh": ((1.5,), lambda x: 1 / math.sqrt(x * x - 1)),
    "arctanh": ((0.5,), lambda x: 1 / (1 - x * x)),
}


def test_every_numeric_op_has_a_formula():
    assert set(nops.__all__) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_numeric_ops(name):
    xs, formula = FORMULAS[name]
    op = getattr(nops, name)
    assert isinstance(op, gx.Op)
    np.testing.assert_allclose(op.grad(*xs), formula(*xs), rtol=1e-12)
    np.testing.assert_allclose(op.grad_with(-2.5, *xs), -2.5 * np.asarray(formula(*xs)), rtol=1e-12)


# ---- Runners without inputs ----------------------------------------------------------------------


def test_a_computation_without_inputs():
    assert gx.eval_bp(lambda: 3.0) == 3.0
