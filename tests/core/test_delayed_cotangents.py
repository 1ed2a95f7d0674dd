"""Delayed cotangents: a function in the place of a cotangent is called where that is wanted."""

import functools

import numpy as np
import pytest

import gradx as gx
from gradx.values.operations import leaves_of

RNG = np.random.default_rng(11)


def product(calls):
    """The product of a matrix and a vector, whose cotangents are delayed; notes which ones."""

    @gx.lift
    def by_hand(a, x):
        def of_a():
            calls.append("a")
            return np.outer(g_of[0], x)

        def of_x():
            calls.append("x")
            return a.T @ g_of[0]

        g_of = []

        def pullback(g):
            g_of[:] = [g]
            return of_a, of_x

        return a @ x, pullback

    return by_hand


@gx.lift
def layer(weights, x):
    """A layer, each cotangent of which is delayed."""

    def pullback(g):
        d = g * y * (1 - y)
        return lambda: {"w": np.outer(d, x), "b": d}, lambda: weights["w"].T @ d

    y = 1 / (1 + np.exp(-(weights["w"] @ x + weights["b"])))
    return y, pullback


def plain_layer(weights, x):
    return 1 / (1 + np.exp(-(weights["w"] @ x + weights["b"])))


WEIGHTS = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=3)}
X = RNG.normal(size=4)


@pytest.mark.parametrize(
    ("f", "args", "computed"),
    [
        (lambda f: lambda x: f(WEIGHTS["w"], x), (X,), ["x"]),
        (lambda f: lambda a: f(a, X), (WEIGHTS["w"],), ["a"]),
        (lambda f: lambda a, x: f(a, x), (WEIGHTS["w"], X), ["a", "x"]),
        (lambda f: lambda a, x: f(gx.value(a), x) + 0 * np.sum(a), (WEIGHTS["w"], X), ["x"]),
    ],
)
def test_only_what_is_wanted_is_computed(f, args, computed):
    calls = []
    own = gx.grad_bp(f(product(calls)), *args)
    assert calls == computed
    expected = gx.grad_bp(f(np.matmul), *args)
    for g, h in zip(leaves_of(own), leaves_of(expected), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-14)


def test_forward_mode_transposes_only_what_has_a_tangent():
    calls = []
    y, t = gx.jvp(functools.partial(product(calls), WEIGHTS["w"]), (X,), (X,))
    np.testing.assert_allclose((y, t), [WEIGHTS["w"] @ X] * 2, rtol=1e-14)
    assert set(calls) == {"x"}


def test_an_operand_of_many_leaves_is_wanted_if_one_of_them_is():
    b = WEIGHTS["b"]
    g = gx.grad_bp(lambda b: layer({"w": WEIGHTS["w"], "b": b}, X), b)
    np.testing.assert_allclose(g, gx.grad_bp(lambda b: plain_layer(WEIGHTS | {"b": b}, X), b))


@pytest.mark.parametrize("derivative", [gx.grad_bp, gx.jacobian, gx.hessian])
def test_derivatives_are_those_of_the_function(derivative):
    def both(layer):
        def error(weights, x):
            return np.sum(layer(weights, x) ** 2)

        f = layer if derivative is gx.jacobian else error
        return derivative(f, WEIGHTS, X) if derivative is gx.grad_bp else derivative(f)(WEIGHTS, X)

    own, expected = leaves_of(both(layer)), leaves_of(both(plain_layer))
    assert len(own) == len(expected) > 0
    for g, h in zip(own, expected, strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-12, atol=1e-14)


def test_batches_and_checks():
    xs = RNG.normal(size=(5, 4))
    own = gx.vmap(gx.grad(lambda x: np.sum(layer(WEIGHTS, x) ** 2)))(xs)
    expected = [gx.grad(lambda x: np.sum(plain_layer(WEIGHTS, x) ** 2))(x) for x in xs]
    np.testing.assert_allclose(own, expected, rtol=1e-12)
    gx.check_grads(layer, WEIGHTS, X)


def test_an_op_without_a_run_computes_all():
    op = gx.op2(lambda x, y: (x * y, lambda g: (lambda: g * y, lambda: g * x)), "times")
    assert op.run(3.0, 4.0) == (12.0, (4.0, 3.0))
    square = gx.op1(lambda x: (x * x, lambda g: lambda: 2 * x * g), "square")
    assert square.run(3.0) == (9.0, 6.0)
    assert gx.compose(op, square, square).run(3.0) == (81.0, 108.0)


def test_a_function_that_is_an_operand_has_no_cotangent():
    op = gx.op2(lambda f, x: (f(x), lambda g: (f, g * 2.0)), "called")
    assert op.grad(lambda x: 2.0 * x, 3.0)[1] == 2.0
    assert gx.grad(lambda x: gx.lift_op(op)(lambda x: 2.0 * x, x))(3.0) == 2.0


def test_a_pullback_that_is_not_linear_is_found_in_a_delayed_part():
    clipped = gx.lift_op(
        gx.op2(lambda x, y: (x + y, lambda g: (lambda: np.clip(g, -1, 1), lambda: g)), "clipped")
    )
    with pytest.raises(gx.NotDifferentiableError, match="pullback of clipped"):
        gx.jvp(clipped, (1.0, 2.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("pullback", "text"),
    [
        (lambda g: (lambda g: g, g), "operand 0 of f is a function with parameters"),
        (lambda g: (g, lambda *, k: g), "operand 1 of f is a function with parameters"),
        (lambda g: (lambda: "a", g), "operand 0 of f is a str"),
        (lambda g: (lambda: np.ones(2), g), r"operand 0 of f has shape \(2,\)"),
        (lambda g: (lambda: lambda: g, g), "operand 0 of f is a function"),
    ],
)
def test_wrong_ones_are_named(pullback, text):
    f = gx.lift_op(gx.op2(lambda x, y: (x * y, pullback), "f"))
    with pytest.raises(gx.CotangentError, match=text):
        gx.grad_bp(f, 3.0, 4.0)


def test_one_that_does_not_fit_is_computed_once():
    calls = []

    def delayed(name, given):
        return lambda: calls.append(name) or given

    def pullback(g):
        return delayed("a", g), delayed("b", lambda: g), delayed("c", g)

    f = gx.lift_op(gx.op3(lambda x, y, z: (x * y * z, pullback), "f"))
    with pytest.raises(gx.CotangentError, match="operand 1 of f is a function"):
        gx.grad_bp(f, 3.0, 4.0, 5.0)
    assert calls == ["a", "b", "c"]


def test_defaults_of_a_delayed_cotangent_are_its_own():
    f = gx.lift_op(gx.op1(lambda x: (x * x, lambda g: lambda d=g: 2 * x * d), "f"))
    assert gx.grad(f)(3.0) == 6.0


def test_vmap_of_an_op_of_any_number_of_operands():
    """Its pullback gives a tuple for one operand too."""
    total = gx.lift_op(gx.op_n(lambda *xs: (sum(xs), lambda g: (g,) * len(xs)), "total"))
    assert gx.vmap(gx.grad(total))(np.ones(3)).tolist() == [1.0, 1.0, 1.0]
    assert gx.grad(lambda x: np.sum(gx.vmap(total)(x) ** 2))(np.ones(3)).tolist() == [2.0] * 3
