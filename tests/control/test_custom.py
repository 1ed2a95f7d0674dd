"""Derivatives of the user's own: reverse rules, forward rules, both, and what checks them."""

import re

import numpy as np
import pytest

import gradx as gx
from gradx.control.comparing import RuleMismatchError
from gradx.testing import check_grads
from tests.control.programs import Layer, X, assert_close, assert_same_bits, layer

W = 1.5


def plain(x, w):
    return {"a": np.sin(x) * w, "b": (np.sum(x), "text")}


def fwd(x, w):
    return plain(x, w), (x, w)


def bwd(residuals, g):
    x, w = residuals
    ga, (gb, _) = g["a"], g["b"]
    return np.cos(x) * w * ga + gb, np.sum(np.sin(x) * ga)


def rule(primals, tangents):
    (x, w), (dx, dw) = primals, tangents
    y = plain(x, w)
    return y, {"a": np.cos(x) * dx * w + np.sin(x) * dw, "b": (np.sum(dx), "text")}


def by_reverse():
    return gx.custom_vjp(plain).defvjp(fwd, bwd)


def by_forward():
    return gx.custom_jvp(plain).defjvp(rule)


def by_both():
    return gx.custom_vjp(plain).defvjp(fwd, bwd).defjvp(rule)


MADE = pytest.mark.parametrize("made", [by_reverse, by_forward, by_both])


def loss_of(f):
    def loss(x, w):
        y = f(x, w)
        return np.sum(y["a"] ** 2) * y["b"][0]

    return loss


@MADE
def test_the_value_and_the_gradients(made):
    f = made()
    assert_same_bits(f(X, W), plain(X, W))
    assert_same_bits(gx.value_and_grad(loss_of(f))(X, W)[0], loss_of(plain)(X, W))
    assert_close(gx.grad_bp(loss_of(f), X, W), gx.grad_bp(loss_of(plain), X, W))
    assert_close(gx.hessian(loss_of(f))(X, W), gx.hessian(loss_of(plain))(X, W))


@MADE
def test_forward_mode(made):
    t = np.array([1.0, 0.5, -2.0]), 0.25
    for over in (lambda f: loss_of(f), lambda f: gx.grad(loss_of(f))):
        assert_close(gx.jvp(over(made()), (X, W), t), gx.jvp(over(plain), (X, W), t))


@MADE
def test_gradx_testing_checks_it(made):
    check_grads(made(), X, W, order=2)


@MADE
def test_it_checks_itself(made):
    made().check(X, W)


@MADE
def test_third_order_and_crossed_runs(made):
    def f(fn):
        return gx.grad(lambda w: np.sum(gx.grad(loss_of(fn))(X * w, w) ** 2))

    assert_close(f(made())(W), f(plain)(W))
    assert_close(gx.grad(f(made()))(W), gx.grad(f(plain))(W))


@MADE
def test_inside_a_checkpoint(made):
    f = made()

    def loss(x, w):
        return np.sum(gx.checkpoint(f)(x, w)["a"] ** 2)

    assert_close(
        gx.grad_bp(loss, X, W), gx.grad_bp(lambda x, w: np.sum(plain(x, w)["a"] ** 2), X, W)
    )


@MADE
def test_keywords_take_their_places(made):
    f = made()
    assert_close(gx.grad(lambda w: np.sum(f(X, w=w)["a"]))(W), np.sum(np.sin(X)))


def test_records_go_in_and_cotangents_of_their_type_come_out():
    def f(net, x):
        return net.w * x + net.b

    net_type = Layer
    own = gx.custom_vjp(f).defvjp(
        lambda net, x: (f(net, x), (net, x)),
        lambda residuals, g: (
            net_type(g * residuals[1], np.sum(g), "layer"),
            g * residuals[0].w,
        ),
    )

    def loss(f):
        return lambda net, x: np.sum(f(net, x) ** 2)

    assert_close(gx.grad_bp(loss(own), layer(), X), gx.grad_bp(loss(f), layer(), X))
    jvp = gx.custom_jvp(f).defjvp(lambda p, t: (f(*p), t[0].w * p[1] + t[0].b + p[0].w * t[1]))
    assert_close(gx.grad_bp(loss(jvp), layer(), X), gx.grad_bp(loss(f), layer(), X))
    jvp.check(layer(), X)
    own.check(layer(), X)


def test_none_is_zero():
    f = gx.custom_vjp(lambda x, n: x**n).defvjp(
        lambda x, n: (x**n, (x, n)), lambda res, g: (g * res[1] * res[0] ** (res[1] - 1), None)
    )
    assert gx.grad_bp(f, 2.0, 3) == (12.0, 0.0)


def test_arguments_that_are_not_differentiated_come_first():
    def power(x, n, label):
        return x**n

    reverse = gx.custom_vjp(power, nondiff_argnums=(1, 2)).defvjp(
        lambda x, n, label: (x**n, x), lambda n, label, x, g: (g * n * x ** (n - 1),)
    )
    forward = gx.custom_jvp(power, nondiff_argnums=(1, -1)).defjvp(
        lambda n, label, primals, tangents: (
            primals[0] ** n,
            n * primals[0] ** (n - 1) * tangents[0],
        )
    )
    for f in (reverse, forward):
        assert gx.grad(lambda x, f=f: f(x, 3, "cube"))(2.0) == 12.0
        assert gx.grad(gx.grad(lambda x, f=f: f(x, 3, label="cube")))(2.0) == 12.0
        f.check(2.0, 3, "cube")
        with pytest.raises(gx.OpError, match="argument 1 of power is in nondiff_argnums and was"):
            gx.grad(lambda n, f=f: f(2.0, n, "cube"))(3.0)


def test_the_gradient_is_what_the_rule_says():
    clipped = gx.custom_vjp(lambda x: x * 1.0).defvjp(
        lambda x: (x * 1.0, None), lambda _, g: (np.clip(g, -1, 1),)
    )
    assert_close(gx.grad(lambda x: np.sum(clipped(x) * X * 10))(X), np.clip(X * 10, -1, 1))


def test_complex_cotangents_are_plain_transposes():
    def f(z):
        return z * z

    reverse = gx.custom_vjp(f).defvjp(lambda z: (z * z, z), lambda z, g: (2 * z * g,))
    forward = gx.custom_jvp(f).defjvp(lambda p, t: (f(*p), 2 * p[0] * t[0]))
    z = X + 1j * X[::-1]
    wanted = gx.grad(lambda z: np.sum(np.abs(f(z) + z) ** 2))(z)
    for own in (reverse, forward):
        assert_close(gx.grad(lambda z, own=own: np.sum(np.abs(own(z) + z) ** 2))(z), wanted)
        own.check(z)


def test_name_and_text_are_the_functions():
    def square(x):
        """The square."""

    f = gx.custom_vjp(square)
    assert (f.__name__, f.__doc__, repr(f)) == ("square", "The square.", "Custom(square)")


# --- What a forward rule may do with tangents -----------------------------------------------------

A = np.array([[2.0, 1.0, 0.0], [0.5, 3.0, 1.0], [0.0, 1.0, 4.0]])


def filled(p, t):
    z = np.zeros_like(t)
    z[1] = t[0] * 2
    z[:2] += t[1:]
    return z


LINEAR = {
    "product": lambda p, t: np.cos(p) * t,
    "quotient": lambda p, t: t / p,
    "negative": lambda p, t: -t,
    "matrix": lambda p, t: A @ t + t @ A,
    "solve": lambda p, t: np.linalg.solve(A, t),
    "where": lambda p, t: np.where(p > 0, t, 0.0),
    "branch": lambda p, t: t if p[0] > 0 else 2 * t,
    "concatenate": lambda p, t: np.concatenate([t[:2], np.zeros(1)]),
    "stack of items": lambda p, t: np.stack([t[0], 0.0, t[2] * p[1]]),
    "reversed sums": lambda p, t: np.cumsum(t[::-1]),
    "mean": lambda p, t: np.mean(t) * p,
    "einsum": lambda p, t: np.einsum("ij,j,i->i", A, t, p),
    "fft": lambda p, t: np.real(np.fft.fft(t)),
    "zeros": lambda p, t: np.zeros_like(t),
    "in an array": filled,
}


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_rule_is_transposed(name):
    of_tangent = LINEAR[name]
    f = gx.custom_jvp(lambda x: x * 1.0).defjvp(lambda p, t: (p[0], of_tangent(p[0], t[0])))
    jacobian = np.stack([of_tangent(X, e) for e in np.eye(3)], axis=1)
    pullback = gx.backprop_with(f, X)[1]
    assert_close(np.stack([pullback(e) for e in np.eye(3)]), jacobian)


NOT_LINEAR = {
    "product": (lambda p, t: t * t, "operator.mul multiplies two of them"),
    "matrix product": (lambda p, t: np.outer(t, t) @ p, "multiplies two of them"),
    "exponential": (lambda p, t: np.exp(t), "exp is not linear"),
    "absolute value": (lambda p, t: np.abs(t), "absolute is not linear"),
    "clip": (lambda p, t: np.clip(t, -1, 1), "clip is not linear"),
    "largest": (lambda p, t: np.max(t) * p, "max is not linear"),
    "sorted": (lambda p, t: np.sort(t), "sort is not linear"),
    "reciprocal": (lambda p, t: 1 / t, "is not linear"),
    "sign": (lambda p, t: np.sign(t) + t, "sign is not linear"),
    "floor": (lambda p, t: t - np.floor(t), "floor has no derivative"),
    "constant": (lambda p, t: t + 1.0, "operator.add adds a constant to one"),
    "primal": (lambda p, t: t - p, "operator.sub adds a constant to one"),
    "spaced": (lambda p, t: np.linspace(t[0], 1.0, 3), "linspace adds a constant to one"),
    "stopped": (lambda p, t: gx.stop_gradient(t) + t, "stop_gradient has no derivative"),
    "user's op": (lambda p, t: gx.lift(lambda x: (x, lambda g: g))(t), "is an op of a pullback"),
    "where": (lambda p, t: np.where(t > 0, t, 0), "operator.gt has no derivative"),
    "branch": (lambda p, t: t if t[0] > 0 else 2 * t, "operator.gt has no derivative"),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_rule_that_is_not_linear_raises_by_the_name_of_the_operation(name):
    of_tangent, reason = NOT_LINEAR[name]
    f = gx.custom_jvp(np.copy).defjvp(lambda p, t: (p[0], of_tangent(p[0], t[0])))
    message = rf"the rule of copy must be linear in the tangents, and .*{re.escape(reason)}"
    with pytest.raises(gx.NotDifferentiableError, match=message):
        gx.grad_bp(f, X)


def test_a_number_of_a_tangent_is_refused():
    f = gx.custom_jvp(np.copy).defjvp(lambda p, t: (p[0], t[0] * float(t[0][0])))
    with pytest.raises(gx.ConversionError, match=r"float\(v\)|reads a number"):
        gx.grad_bp(f, X)


def test_a_tangent_that_is_a_constant():
    f = gx.custom_jvp(np.copy).defjvp(lambda p, t: (p[0], p[0]))
    with pytest.raises(
        gx.NotDifferentiableError, match="must be linear in the tangents, and gives a"
    ):
        gx.grad_bp(f, X)


# --- Errors ---------------------------------------------------------------------------------------


def test_a_function_without_a_rule():
    with pytest.raises(
        gx.OpError, match="square was made for a derivative of its own and has none"
    ):
        gx.custom_vjp(np.square)(X)


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (
            lambda res, g: g,
            r"backward part of f returned no tuple \(ndarray\), and 2 arguments are",
        ),
        (
            lambda res, g: (g,),
            r"returned 1 cotangents \(tuple\), and 2 arguments are differentiated",
        ),
        (
            lambda res, g: (g[:1], None),
            r"cotangent of operand 0 of f has shape \(1,\); the operand",
        ),
        (
            lambda res, g: ({"a": g}, None),
            r"cotangent of operand 0 of f is a dict with parts \['a'\]",
        ),
    ],
)
def test_cotangents_that_do_not_fit(backward, message):
    def f(x, y):
        return x * y

    own = gx.custom_vjp(f).defvjp(lambda x, y: (x * y, None), backward)
    with pytest.raises(gx.CotangentError, match=message):
        gx.grad_bp(own, X, 2.0)


def test_a_forward_part_without_residuals():
    f = gx.custom_vjp(np.square).defvjp(np.square, lambda res, g: (g,))
    with pytest.raises(
        gx.OpError, match=r"forward part of square returned a ndarray; return a pair"
    ):
        gx.grad_bp(f, X)


def test_a_rule_without_a_result():
    f = gx.custom_jvp(np.square).defjvp(lambda p, t: t[0])
    with pytest.raises(
        gx.OpError, match=r"the rule of square returned a .*; return a pair \(result,"
    ):
        gx.grad_bp(f, X)


def test_a_tangent_that_does_not_fit():
    f = gx.custom_jvp(plain).defjvp(lambda p, t: (plain(*p), {"a": t[0][:2], "b": (t[1], "text")}))
    message = (
        r"the tangent that the rule of plain gives\['a'\] has shape \(2,\); the result has shape"
    )
    with pytest.raises(gx.CotangentError, match=message):
        gx.grad_bp(f, X, W)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda p, t: (np.sin(p[0]), t[0][:2]), r"tangent of sin has shape \(2,\); the result has"),
        (lambda p, t: (np.sin(p[0]), None), "tangent of sin is a NoneType; the result has shape"),
        (lambda p, t: (np.sin(p[0]), {"a": t[0]}), "tangent of sin is a dict"),
        (lambda p, t: ([np.sin(p[0])], t[0]), "tangent of sin has shape .*the result is a list"),
        (lambda p, t: (np.sin(p[0]), np.ones(3, int)), r"give floats, with \.astype\(float\)"),
        (lambda p, t: (np.sin(p[0]), t[0] * 1j), "a complex tangent of a real result; give its"),
    ],
)
def test_a_tangent_that_does_not_fit_in_forward_mode(rule, message):
    f = gx.custom_jvp(np.sin).defjvp(rule)
    with pytest.raises(gx.CotangentError, match=message):
        gx.jvp(f, (X,), (X,))


def test_a_tangent_takes_on_the_precision_of_its_result():
    f = gx.custom_jvp(np.sin).defjvp(lambda p, t: (np.sin(p[0]), t[0].astype(np.float32)))
    assert gx.jvp(f, (X,), (X,))[1].dtype == np.float64


def test_arguments_by_keyword_only():
    f = gx.custom_vjp(lambda x, *, n: x).defvjp(lambda x: (x, None), lambda res, g: (g,))
    with pytest.raises(TypeError, match="takes n by keyword only, and its rules take arguments by"):
        f(X, n=2)


# --- Checks ---------------------------------------------------------------------------------------


def scaled_rule(p, t):
    y, dy = rule(p, t)
    return y, {"a": dy["a"] * 1.0005, "b": dy["b"]}


def scaled_bwd(res, g):
    gx_, gw = bwd(res, g)
    return gx_, gw * 1.0005


def other_result(x, w):
    return {"a": np.sin(x) * w + 1e-3, "b": (np.sum(x), "text")}, (x, w)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (
            lambda: gx.custom_jvp(plain).defjvp(scaled_rule),
            r"the tangent of plain is .* at \['a'\]\[\d\], and central differences give",
        ),
        (
            lambda: gx.custom_vjp(plain).defvjp(fwd, scaled_bwd),
            r"the cotangent of argument 1 of plain, contracted with .* central differences give",
        ),
        (
            lambda: gx.custom_vjp(plain).defvjp(other_result, bwd),
            r"the result of the forward part of plain is .* at \['a'\]\[0\], and the function",
        ),
        (
            lambda: by_both().defjvp(lambda p, t: (plain(*p), rule(p, (t[0], -t[1]))[1])),
            r"the tangent of plain is",
        ),
    ],
)
def test_a_wrong_rule_is_found(f, message):
    with pytest.raises(RuleMismatchError, match=message):
        f().check(X, W)


def test_rules_that_contradict_each_other():
    """By less than central differences would notice."""

    def near(res, g):
        a, b = bwd(res, g)
        return a * (1 + 1e-8), b

    with pytest.raises(RuleMismatchError, match=r"by its reverse rule, is .* its forward rule"):
        gx.custom_vjp(plain).defvjp(fwd, near).defjvp(rule).check(X, W)
