"""Ops: the two forms, without a tape and lifted; composition; the checks of cotangents."""

from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx
from tests.core.samples import Pair, same

square = gx.op1(lambda x: (x * x, lambda g: g * 2.0 * x), "square")
times = gx.op2(lambda x, y: (x * y, lambda g: (g * y, g * x)), "times")
blend = gx.op3(lambda x, y, t: (x + t * (y - x), lambda g: (g * (1.0 - t), g * t, g * (y - x))))
total = gx.op_n(lambda *xs: (sum(xs), lambda g: (g,) * len(xs)), "total")
exp = gx.Op("exp", np.exp, lambda g, y: g * y)
scale = gx.Op("scale", lambda x, *, by: x * by, lambda g, *, by: g * by)


# ---- Without a tape ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "xs", "y", "gradient"),
    [
        (gx.op0(7.0), (), 7.0, ()),
        (square, (3.0,), 9.0, 6.0),
        (times, (3.0, 4.0), 12.0, (4.0, 3.0)),
        (blend, (1.0, 3.0, 0.25), 1.5, (0.75, 0.25, 2.0)),
        (total, (1.0, 2.0, 3.0), 6.0, (1.0, 1.0, 1.0)),
        (exp, (0.0,), 1.0, 1.0),
    ],
    ids=lambda x: getattr(x, "__name__", str(x)),
)
def test_run(op, xs, y, gradient):
    assert op.run(*xs) == (y, gradient)
    assert op.eval(*xs) == y
    assert op.grad(*xs) == gradient


def test_run_with_a_cotangent():
    y, pullback = times.run_with(3.0, 4.0)
    assert (y, pullback(1.0), pullback(10.0)) == (12.0, (4.0, 3.0), (40.0, 30.0))
    assert square.grad_with(10.0, 3.0) == 60.0


def test_run_on_arrays_sums_the_components():
    y, g = square.run(np.array([1.0, 2.0]))
    assert same((y, g), (np.array([1.0, 4.0]), np.array([2.0, 4.0])))


def test_parameters_of_an_op_stand_apart():
    assert scale.run(2.0, by=3.0) == (6.0, 3.0)
    assert scale.grad_with(10.0, 2.0, by=3.0) == 30.0


def test_a_rule_of_none_has_the_derivative_zero():
    floor = gx.Op("floor", np.floor, None)
    assert floor.run(2.5) == (2.0, 0.0)


def test_rules_keep_what_they_name():
    op = gx.Op("f", lambda a, b: a * b, lambda g, b, a_shape: g * b, lambda g, a, y: g * a)
    assert repr(op.rules) == "(Rule(keeps=b, a_shape), Rule(keeps=a, y))"
    assert repr(gx.Op("f", lambda x: x, lambda g: g).rules) == "(Rule(keeps=nothing),)"
    assert op.run(2.0, 3.0) == (6.0, (3.0, 2.0))


def test_broadcasting_is_undone_outside_the_rules():
    op = gx.Op("mul", np.multiply, lambda g, b: g * b, lambda g, a: g * a, broadcasts=True)
    a, b = op.grad(np.ones((2, 3)), np.array([1.0, 2.0, 3.0]))
    assert same((a, b), (np.array([[1.0, 2.0, 3.0]] * 2), np.array([2.0, 2.0, 2.0])))


def test_an_op_is_named_and_immutable():
    assert repr(square) == "Op(square)"
    with pytest.raises(AttributeError, match=r"Op\(square\) is immutable; make a new Op.*'name'"):
        square.name = "other"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: gx.Op("b", abs, lambda d: d), "a rule of b takes 'd' first; name the cotangent"),
        (lambda: gx.Op("b", abs, lambda g, q: g), "a rule of b asks for 'q'; it can keep 'y'"),
        (lambda: square.run(1.0, 2.0), "square takes 1 operands and was given 2"),
        (lambda: gx.lift_op(times)(1.0), "times takes 2 operands and was given 1"),
        (lambda: gx.lift_op2(square), "lift_op2 takes an op of 2 operands, and square has 1"),
        (lambda: gx.compose(square), "square takes 1 operands and was given 0"),
        (lambda: gx.compose(times, square, times), r"ops of \[1, 2\] operands; give at least one"),
    ],
    ids=lambda x: getattr(x, "__name__", str(x)),
)
def test_ops_that_cannot_work_are_refused(make, text):
    with pytest.raises(gx.OpError, match=text):
        make()


# ---- Composition ---------------------------------------------------------------------------------


def test_compose_sums_over_the_inner_ops():
    fourth = gx.compose(times, square, square)
    assert fourth.run(2.0) == (16.0, 32.0)
    assert repr(fourth) == "Op(times(square, square))"
    both = gx.compose(times, times, total)
    assert both.run(2.0, 3.0) == (30.0, (21.0, 16.0))


def test_compose_goes_by_arrows_too():
    chain = square >> square >> exp
    assert chain.eval(1.0) == np.exp(1.0)
    assert np.isclose(chain.grad(1.0), 4.0 * np.exp(1.0))


def test_composed_ops_can_be_lifted_and_differentiated_twice():
    sixteenth = gx.lift_op1(gx.compose(times, square, square))
    assert gx.grad(sixteenth)(2.0) == 32.0
    assert gx.grad(gx.grad(sixteenth))(2.0) == 48.0


# ---- Lifting -------------------------------------------------------------------------------------


def test_lifted_ops_take_plain_values_and_variables():
    mul = gx.lift_op2(times)
    assert mul(3.0, 4.0) == 12.0
    assert mul.__name__ == "times"
    assert gx.grad_bp(mul, 3.0, 4.0) == (4.0, 3.0)
    assert gx.grad_bp(lambda x: mul(x, 4.0) + mul(5.0, x), 3.0) == 9.0
    assert gx.grad_bp(gx.lift_op3(blend), 1.0, 3.0, 0.25) == (0.75, 0.25, 2.0)
    assert gx.grad_bp(gx.lift_op(total), 1.0, 2.0) == (1.0, 1.0)
    assert gx.lift_op(gx.op0(7.0))() == 7.0


def test_lifted_ops_of_rules_work_on_variables():
    assert gx.grad(gx.lift_op1(exp))(0.0) == 1.0
    assert gx.grad(gx.grad(gx.lift_op1(exp)))(0.0) == 1.0


@gx.lift
def dot(x, y):
    """The inner product, as in the announcement."""
    return x @ y, lambda d: (d * y, x * d)


def test_the_decorator_keeps_name_and_docstring():
    assert (dot.__name__, dot.__doc__) == ("dot", "The inner product, as in the announcement.")
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert dot(x, y) == 11.0
    assert same(gx.grad_bp(dot, x, y), (y, x))


def test_second_order_through_a_users_op():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    g = gx.grad_bp(lambda x, y: gx.grad(dot)(x, y) * x, x, y)
    assert same(g, (y, x))
    cube = gx.lift(lambda x: (x**3, lambda g: g * 3.0 * x**2))
    assert gx.grad(gx.grad(gx.grad(cube)))(2.0) == 6.0


def test_only_the_wanted_cotangents_are_used():
    power = gx.lift(lambda x, n: (x**n, lambda g: (g * n * x ** (n - 1), None)))
    with pytest.raises(gx.CotangentError):
        gx.grad_bp(power, 2.0, 3.0)
    count = gx.lift(lambda x, n: (x * n, lambda g: (g * n, gx.zero(n))))
    assert gx.grad_bp(lambda x: count(x, 3), 2.0) == 3.0
    assert gx.grad_bp(lambda x: count(x, np.float32(3)), 2.0) == 3.0


def test_a_star_function_takes_a_tuple_of_cotangents():
    @gx.lift
    def largest(*xs):
        at = max(range(len(xs)), key=xs.__getitem__)
        return xs[at], lambda g: tuple(g if i == at else 0.0 for i in range(len(xs)))

    assert gx.grad_bp(largest, 1.0, 3.0, 2.0) == (0.0, 1.0, 0.0)
    assert gx.grad_bp(lambda x: largest(x), 1.0) == 1.0


def test_keyword_only_parameters_are_static():
    @gx.lift
    def power(x, *, n=2):
        return x**n, lambda g: g * n * x ** (n - 1)

    assert (power(3.0), power(3.0, n=3)) == (9.0, 27.0)
    assert gx.grad_bp(lambda x: power(x) + power(x, n=3), 3.0) == 33.0
    with pytest.raises(
        gx.OpError, match=r"the operand 'n' of f has a default value; make it keyword"
    ):

        @gx.lift
        def f(x, n=2): ...


def test_a_method_can_be_lifted():
    class Model:
        def __init__(self, rate):
            self.rate = rate

        def apply(self, x):
            return gx.lift(lambda x: (x * self.rate, lambda g: g * self.rate))(x)

    assert gx.grad(Model(3.0).apply)(2.0) == 3.0


# ---- Records and containers as operands and results ----------------------------------------------


@dataclass
class Pose:
    x: float
    angle: float


def test_ops_on_records():
    turn = gx.lift(lambda p: (p.x * p.angle, lambda g: Pose(g * p.angle, g * p.x)))
    assert gx.grad_bp(turn, Pose(2.0, 3.0)) == Pose(3.0, 2.0)
    assert gx.grad_bp(lambda x: turn(Pose(x, x * 2.0)), 3.0) == 12.0
    dense_and_by_field = gx.grad_bp(lambda p: turn(p) + p.x * 10.0, Pose(2.0, 3.0))
    assert dense_and_by_field == Pose(13.0, 2.0)
    assert gx.grad_bp(lambda p: gx.grad_bp(turn, p), Pose(2.0, 3.0)) == Pose(1.0, 1.0)


@pytest.mark.parametrize("make", [tuple, list, lambda x: Pair(*x)], ids=["tuple", "list", "named"])
def test_ops_on_containers(make):
    product = gx.lift(lambda p: (p[0] * p[1], lambda g: make([g * p[1], g * p[0]])))
    assert gx.grad_bp(product, make([2.0, 3.0])) == make([3.0, 2.0])
    assert gx.grad_bp(lambda x, y: product(make([x, y])), 2.0, 3.0) == (3.0, 2.0)


def test_ops_with_several_results():
    polar = gx.lift(lambda x: ((x * 2.0, {"k": x * 3.0}), lambda g: g[0] * 2.0 + g[1]["k"] * 3.0))
    assert gx.grad_bp(lambda x: polar(x)[0] * polar(x)[1]["k"], 2.0) == 24.0
    assert gx.grad(gx.grad(lambda x: polar(x)[0] * polar(x)[1]["k"]))(2.0) == 12.0
    first, _ = polar(5.0)
    assert first == 10.0
    assert gx.grad_bp(lambda x: polar(x)[1]["k"], 2.0) == 3.0


# ---- Wrong cotangents ----------------------------------------------------------------------------

TWO = (np.ones(2), np.ones(2))
WRONG = {
    "one for two": (TWO, lambda g: (g,), "the pullback of wrong returned 1 cotangents for 2"),
    "three for two": (TWO, lambda g: (g,) * 3, "the pullback of wrong returned 3 cotangents for 2"),
    "bare for two": (TWO, lambda g: g, "the pullback of wrong returned a ndarray; return a tuple"),
    "none": (TWO, lambda g: (g, None), "the cotangent of operand 1 of wrong is a NoneType"),
    "text": (TWO, lambda g: ("g", g), "the cotangent of operand 0 of wrong is a str"),
    "tuple for one": ((1.0,), lambda g: (g,), "the cotangent of operand 0 of wrong is a tuple"),
    "list": ((np.ones(2),), lambda g: [1.0, 2.0], "operand 0 of wrong is a list"),
    "shape": ((np.ones(2),), lambda g: np.ones(3), r"shape \(3,\); the operand has shape \(2,\)"),
    "not summed": ((1.0, np.ones(2)), lambda g: (g, g), r"operand 0 of wrong has shape \(2,\)"),
    "number": ((np.ones(2),), lambda g: 1.0, r"operand 0 of wrong is a float; .*\(2,\)"),
    "record": ((Pose(1.0, 2.0),), lambda g: 1.0, "operand 0 of wrong is a float; .* is a Pose"),
    "list for tuple": (((1.0,),), lambda g: [1.0], "operand 0 of wrong is a list .* is a tuple"),
    "length in tuple": (((1.0,),), lambda g: (1.0, 2.0), "operand 0 of wrong"),
    "shape in tuple": (
        ((np.ones(2),),),
        lambda g: (1.0,),
        r"operand 0.* of wrong|wrong.*operand 0",
    ),
    "type in record": (
        (Pose(1.0, 2.0),),
        lambda g: Pose(1.0, "a"),
        "operand 0.* of wrong|wrong.*0",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_cotangents_name_op_and_operand(kind):
    xs, pullback, text = WRONG[kind]

    def wrong(*xs):
        return 1.0 if len(xs) == 1 else xs[0] * xs[1], pullback

    op = {1: gx.op1, 2: gx.op2}[len(xs)](wrong)
    with pytest.raises(gx.CotangentError, match=text):
        gx.grad_bp(gx.lift_op(op), *xs)
    with pytest.raises(gx.CotangentError, match=text):
        op.run(*xs)


@pytest.mark.parametrize("result", [2.0, (2.0, 3), None], ids=str)
def test_a_function_without_a_pullback_is_named(result):
    def forgetful(x):
        return result

    with pytest.raises((gx.OpError, gx.CotangentError), match="forgetful"):
        gx.grad_bp(gx.lift(forgetful), 1.0)


def test_cotangents_are_cast_to_the_operands_kind():
    twice = gx.lift(lambda x: (x * np.float32(2), lambda g: np.asarray(g, np.float64) * 2.0))
    assert gx.grad_bp(twice, np.ones(2, np.float32)).dtype == np.float32
    turned = gx.lift(lambda x: (x * 1.0, lambda g: g * (1.0 + 1.0j)))
    assert same(gx.grad_bp(turned, np.ones(2)), np.ones(2))


# ---- Cotangents that need no work ----------------------------------------------------------------


@gx.record
class Affine:
    weights: np.ndarray
    bias: np.ndarray
    scale: float = 1.0
    name: str = gx.static(default="affine")


@gx.lift
def affine(layer, x):
    z = layer.weights @ x + layer.bias

    def pullback(g):
        h = layer.scale * g
        return Affine(np.outer(h, x), h, float(np.dot(g, z)), "other"), layer.weights.T @ h

    return layer.scale * z, pullback


def plain_affine(layer, x):
    return layer.scale * (layer.weights @ x + layer.bias)


def test_a_layer_with_its_gradient_by_hand():
    layer, x = Affine(np.arange(6.0).reshape(2, 3), np.ones(2), 0.5), np.arange(3.0)
    by_hand = gx.grad_bp(lambda n, x: np.sum(affine(n, x) ** 2), layer, x)
    wanted = gx.grad_bp(lambda n, x: np.sum(plain_affine(n, x) ** 2), layer, x)
    assert same(by_hand[0].weights, wanted[0].weights) and same(by_hand[0].bias, wanted[0].bias)
    assert by_hand[0].scale == wanted[0].scale and by_hand[0].name == "affine"
    assert same(by_hand[1], wanted[1])


def test_a_layer_used_twice_beside_its_fields():
    def f(layer, x, run):
        return np.sum(run(layer, run(layer, x))) + np.sum(layer.bias) * layer.scale

    layer, x = Affine(np.eye(2), np.ones(2), 0.5), np.arange(2.0)
    by_hand = gx.grad_bp(lambda n: f(n, x, affine), layer)
    wanted = gx.grad_bp(lambda n: f(n, x, plain_affine), layer)
    assert same(by_hand.weights, wanted.weights) and same(by_hand.bias, wanted.bias)
    assert by_hand.scale == wanted.scale


def test_the_op_of_a_layer_gives_a_layer():
    layer, x = Affine(np.eye(2), np.ones(2)), np.arange(2.0)
    y, (g, h) = gx.op2(lambda layer, x: (affine(layer, x), lambda g: (layer, g))).run(layer, x)
    assert type(g) is Affine and g.name == "affine" and same(g.bias, layer.bias)
    assert same(y, affine(layer, x)) and same(h, np.ones(2))


def test_a_record_that_a_pullback_keeps_is_not_the_gradient():
    kept = Affine(np.eye(2), np.ones(2), 2.0)
    op = gx.lift(lambda layer: (np.sum(layer.bias), lambda g: kept))
    g = gx.grad_bp(op, Affine(np.zeros((2, 2)), np.zeros(2)))
    assert same(g.weights, kept.weights) and not np.shares_memory(g.weights, kept.weights)
    assert not np.shares_memory(g.bias, kept.bias)
    assert gx.zero(kept).name == "affine"


@pytest.mark.parametrize(
    "part",
    [np.ones(3), np.ones(2, np.float32), np.ones((2, 1)), 1.0, None],
    ids=["shape", "dtype", "axes", "number", "none"],
)
def test_a_part_of_another_kind_is_seen(part):
    layer = Affine(np.eye(2), np.ones(2))
    op = gx.lift(lambda layer: (np.sum(layer.bias), lambda g: Affine(np.eye(2), part)))
    if isinstance(part, np.ndarray) and part.shape == (2,):
        assert gx.grad_bp(op, layer).bias.dtype == float
    else:
        with pytest.raises(gx.CotangentError, match=r"operand 0 of <lambda>\.bias"):
            gx.grad_bp(op, layer)
