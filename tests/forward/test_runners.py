"""The runners of forward mode: records, tangents of their own memory, nested runs, bad input."""

import gc
import threading
import weakref
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gradx as gx

X, T = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -0.5])


@dataclass
class Layer:
    w: np.ndarray
    b: float
    name: str = "layer"


@dataclass
class Net:
    layers: list[Layer]
    scale: dict[str, float] = field(default_factory=dict)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = np.tanh(layer.w @ x + layer.b)
        return x * self.scale["all"]


def net(rng):
    layers = [Layer(rng.normal(size=(3, 3)), 0.1 * i, f"{i}") for i in range(3)]
    return Net(layers, {"all": 1.5})


def test_a_record_in_and_out(rng):
    p, t, x = net(rng), net(rng), rng.normal(size=3)

    def f(p, x):
        y = p(x)
        return {"out": y, "first": p.layers[0], "n": len(p.layers)}

    y, d = gx.jvp(f, (p, x), (t, x))
    assert type(d["first"]) is Layer and d["first"].name == "0" and d["n"] == 0.0
    np.testing.assert_array_equal(y["out"], p(x))
    np.testing.assert_array_equal(d["first"].w, t.layers[0].w)

    def moved(h):
        layers = [
            Layer(a.w + h * b.w, a.b + h * b.b) for a, b in zip(p.layers, t.layers, strict=True)
        ]
        return Net(layers, {"all": 1.5 + h * t.scale["all"]})(x + h * x)

    np.testing.assert_allclose(d["out"], (moved(1e-6) - moved(-1e-6)) / 2e-6, rtol=1e-6, atol=1e-8)
    again, derivative = gx.linearize(f, p, x)
    np.testing.assert_allclose(derivative(t, x)["out"], d["out"], rtol=1e-12)
    np.testing.assert_allclose(derivative(t, 0 * x)["first"].w, t.layers[0].w)
    np.testing.assert_array_equal(again["out"], y["out"])


def test_tangents_have_memory_of_their_own():
    t = T.copy()
    y, d = gx.jvp(lambda x: (x, x + 1.0, x[:2], x.T), (X,), (t,))
    for part in d:
        assert not np.may_share_memory(part, t)
        assert part.flags.writeable
    assert not np.may_share_memory(d[1], d[2])
    assert y[0] is X
    _, derivative = gx.linearize(lambda x: (x, x), X)
    a, b = derivative(t)
    assert not np.may_share_memory(a, b) and not np.may_share_memory(a, t)


def test_constants_have_zeros():
    y, d = gx.jvp(lambda x: (np.ones(2), 3.0, "a", x > 0, np.argmax(x), np.floor(x)), (X,), (T,))
    np.testing.assert_array_equal(d[0], np.zeros(2))
    assert d[1] == 0.0 and d[2] == "a" and d[4] == y[4]  # what is static stays
    np.testing.assert_array_equal(d[3], y[3])
    np.testing.assert_array_equal(d[5], np.zeros(3))


def test_the_second_part_of_a_result_is_not_differentiated():
    y, d, aux = gx.jvp(lambda x: (x * x, {"seen": x}), (X,), (T,), has_aux=True)
    np.testing.assert_allclose(d, 2 * X * T)
    assert aux["seen"] is X and y is not X
    again, derivative, aux = gx.linearize(lambda x: (x * x, "seen"), X, has_aux=True)
    np.testing.assert_allclose(derivative(T), d)
    np.testing.assert_array_equal(again, y)
    assert aux == "seen"
    with pytest.raises(
        TypeError,
        match=r"with has_aux=True the function must return a pair .*, not a (float|ndarray)",
    ):
        gx.jvp(lambda x: x, (X,), (T,), has_aux=True)


def test_nested_runs_take_levels_from_the_counter():
    inner = lambda x: gx.jvp(lambda y: y * x, (1.0,), (1.0,))[1]  # noqa: E731
    assert gx.jvp(lambda x: x * inner(x), (3.0,), (1.0,)) == (9.0, 6.0)
    assert gx.grad(lambda x: x * inner(x))(3.0) == 6.0
    third = gx.jvp(
        lambda x: gx.jvp(lambda x: gx.jvp(lambda x: x**5, (x,), (1.0,))[1], (x,), (1.0,))[1],
        (2.0,),
        (1.0,),
    )
    assert third == (160.0, 240.0)
    mixed = gx.jvp(gx.grad(lambda x: gx.jvp(lambda x: x**5, (x,), (1.0,))[1]), (2.0,), (1.0,))
    assert mixed == (160.0, 240.0)


def test_numbers_of_other_types():
    half = Fraction(1, 2)
    assert gx.jvp(lambda x: x * x, (half,), (Fraction(1),)) == (Fraction(1, 4), Fraction(1))
    y, d = gx.jvp(lambda n: n * 2 + 1, (3,), (0.5,))
    assert (y, d, type(y)) == (7, 1.0, int)
    z, d = gx.jvp(np.abs, (3 + 4j,), (1 + 0j,))
    assert (z, d) == (5.0, pytest.approx(0.6))
    y, d = gx.jvp(lambda x: np.float32(2) * x, (np.ones(2, np.float32),), (np.ones(2),))
    assert y.dtype == d.dtype == np.float32


class Money:
    def __init__(self, amount):
        self.amount = amount


gx.register(
    Money,
    zero=lambda m: Money(0.0),
    add=lambda a, b: Money(a.amount + b.amount),
    one=lambda m: Money(1.0),
    children=("amount",),
)


def test_a_type_with_an_add_of_its_own():
    y, d = gx.jvp(lambda m: Money(m.amount * m.amount), (Money(3.0),), (Money(0.5),))
    assert type(d) is Money and (y.amount, d.amount) == (9.0, 3.0)


@gx.lift
def product(x, y):
    return x * y, lambda g: (g * y, g * x)


def test_an_op_of_a_user_by_the_transpose_of_its_pullback():
    _, d = gx.jvp(product, (X, T), (T, X))
    np.testing.assert_allclose(d, T * T + X * X)
    twice = gx.jvp(lambda x: gx.jvp(product, (x, x), (T, T))[1], (X,), (T,))[1]
    np.testing.assert_allclose(twice, 2 * T * T)
    slope = gx.grad(lambda x: np.sum(gx.jvp(lambda x: product(x, x), (x,), (T,))[1]))(X)
    np.testing.assert_allclose(slope, 2 * T)


@gx.lift
def of_record(p):
    return (
        Layer(p.w * p.b, p.b**2, p.name),
        lambda g: Layer(g.w * p.b, np.sum(g.w * p.w) + 2 * p.b * g.b),
    )


def test_an_op_of_a_user_on_a_record():
    p, t = Layer(np.eye(3), 2.0), Layer(np.ones((3, 3)), 0.5)
    y, d = gx.jvp(of_record, (p,), (t,))
    np.testing.assert_allclose(d.w, 2.0 * np.ones((3, 3)) + 0.5 * np.eye(3))
    assert (y.b, d.b) == (4.0, 2.0)


def with_pullback(pullback):
    return gx.lift(lambda x: (2.0 * x, pullback))


NOT_LINEAR = {
    "clip": (lambda g: np.clip(g, -1, 1), r"and clip is not linear"),
    "product": (lambda g: g * g, r"and (operator\.mul|multiply) multiplies two of them"),
    "ufunc": (lambda g: np.tanh(g), r"and tanh is not linear"),
    "sum": (lambda g: g + 1.0, r"and (operator\.)?add adds a constant to one"),
    "sign": (lambda g: g + np.sign(g), r"and sign is not linear"),
    "rounded": (lambda g: np.round(g, 2), r"and round has no derivative"),
    "stopped": (lambda g: 2.0 * gx.stop_gradient(g), r"and stop_gradient has no derivative"),
    "constant": (lambda g: np.ones(3), r"and gives a constant"),
    "compared": (lambda g: g if g[0] > 0 else -g, r"and operator\.gt has no derivative"),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_pullback_that_is_not_linear(name):
    pullback, text = NOT_LINEAR[name]
    message = rf"the pullback of <lambda> must be linear in its cotangent, {text}"
    for run in (lambda f: gx.jvp(f, (X,), (T,)), lambda f: gx.linearize(f, X)):
        with pytest.raises(gx.NotDifferentiableError, match=message + r".*a forward rule with jvp"):
            run(with_pullback(pullback))
    gx.grad_bp(with_pullback(pullback), X)


READING = {
    "value": (lambda g: 1.0 * gx.value(g), r"gx\.value\(v\) reads a number"),
    "number": (lambda g: float(g[0]) * g, r"float\(gx.value\(v\)\)"),
}


@pytest.mark.parametrize("name", READING)
def test_a_pullback_that_reads_its_cotangent(name):
    pullback, text = READING[name]
    with pytest.raises(gx.ConversionError, match=text) as caught:
        gx.jvp(with_pullback(pullback), (X,), (T,))
    assert "forward mode transposes the pullback of <lambda>" in caught.value.__notes__[0]


def test_an_op_with_a_forward_rule():
    @gx.lift(jvp=lambda xs, ts, *, factor: (factor * xs[0], factor * ts[0]))
    def scaled(x, *, factor):
        return factor * x, lambda g: np.clip(factor * g, -1, 1)

    y, d = gx.jvp(lambda x: scaled(x, factor=3.0), (X,), (T,))
    np.testing.assert_array_equal(y, 3 * X)
    np.testing.assert_array_equal(d, 3 * T)
    np.testing.assert_array_equal(gx.grad(lambda x: np.sum(scaled(x, factor=3.0)))(X), np.ones(3))

    def of_two(xs, ts):
        return xs[0] * xs[1], ts[0] * xs[1] + xs[0] * ts[1]

    op = gx.lift_op(gx.op2(lambda x, y: (x * y, None), jvp=of_two))
    assert gx.jvp(lambda x: op(x, 4.0), (3.0,), (1.0,)) == (12.0, 4.0)
    assert gx.jvp(lambda x: gx.jvp(op, (x, x), (1.0, 1.0))[1], (3.0,), (1.0,)) == (6.0, 2.0)


def _by_result(x):
    return gx.lift_op(gx.op1(lambda a: (a * x, lambda g: g * x), "hidden"))


def _by_pullback(x):
    return gx.lift_op(gx.op1(lambda a: (a * 3.0, lambda g: g * x), "hidden"))


def _by_rule(x):
    def hidden(a):
        return 3.0 * a

    op = gx.custom_jvp(hidden)
    return op.defjvp(lambda primals, tangents: (3.0 * primals[0], x * tangents[0]))


@pytest.mark.parametrize("make", [_by_result, _by_pullback, _by_rule])
def test_a_variable_that_is_no_operand_is_refused(make):
    message = r"the op hidden uses a variable of the run that it is done in, whose gradient"
    with pytest.raises(gx.OpError, match=message):
        gx.jvp(lambda x: make(x)(x), (3.0,), (1.0,))


def test_a_forward_rule_does_not_write_into_its_tangents():
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        t *= 2.0 * x
        return x * x, t

    square = gx.custom_jvp(lambda x: x * x).defjvp(rule)
    t = T.copy()
    with pytest.raises(ValueError, match="read-only"):
        gx.jvp(lambda x: (square(x), x * 1.0), (X,), (t,))
    np.testing.assert_array_equal(t, T)


def test_a_wrong_forward_rule():
    alone = gx.lift(jvp=lambda xs, ts: ts[0])(lambda x: (x, lambda g: g))
    with pytest.raises(gx.OpError, match=r"the forward rule of <lambda> returned ndarray, not a p"):
        gx.jvp(alone, (X,), (T,))
    other = gx.lift(jvp=lambda xs, ts: (xs[0], ts[0][:2]))(lambda x: (x, lambda g: g))
    with pytest.raises(gx.CotangentError, match=r"the tangent of <lambda>.*shape \(3,\)"):
        gx.jvp(other, (X,), (T,))


def test_bad_input():
    with pytest.raises(TypeError, match=r"jvp takes the inputs as a tuple.*gx\.jvp\(f, \(x,\)"):
        gx.jvp(np.sin, X, T)
    with pytest.raises(TypeError, match=r"2 tangents were given for 1 inputs; give one for each"):
        gx.jvp(np.sin, (X,), (T, T))
    with pytest.raises(gx.CotangentError, match=r"the tangent of argument 0.*input has shape \(3"):
        gx.jvp(np.sin, (X,), (T[:2],))
    with pytest.raises(gx.CotangentError, match=r"the tangent of argument 0.*\.w"):
        gx.jvp(lambda p: p.b, (Layer(X, 1.0),), (Layer(X[:2], 1.0),))
    with pytest.raises(gx.NotDifferentiableError, match=r"argument 0.*cast"):
        gx.jvp(lambda n: n, (np.arange(3),), (np.arange(3),))
    _, derivative = gx.linearize(np.sin, X)
    with pytest.raises(TypeError, match=r"0 tangents were given for 1 inputs"):
        derivative()


def test_a_variable_does_not_outlive_its_run():
    kept = []
    gx.jvp(lambda x: kept.append(x) or x * 2, (X,), (T,))
    for use in (lambda v: v * 2, lambda v: np.sin(v), lambda v: v.__setitem__(0, 1.0)):
        with pytest.raises(gx.EscapedVarError, match=r"holds a ndarray was used after run \d+"):
            use(kept[0])


@pytest.mark.parametrize("run", [gx.backprop, lambda f, x: gx.jvp(f, (x,), (x,)), gx.linearize])
def test_a_variable_of_an_ended_run_is_no_result(run):
    def f(x):
        kept = []
        gx.jvp(lambda v: kept.append(v) or v, (x,), (x,))
        return x, kept[0]

    with pytest.raises(gx.EscapedVarError, match="was used after run"):
        run(f, 3.0)


def test_what_would_lose_a_tangent_raises():
    for lose in (float, np.asarray([1.0]).__setitem__, lambda v: np.asarray(v, float)):
        with pytest.raises((gx.ConversionError, ValueError, TypeError)):
            gx.jvp(lambda v, lose=lose: lose(v[0]) if lose is float else lose(v), (X,), (T,))


def test_equal_eigenvalues_have_no_tangents_of_vectors():
    _, d = gx.jvp(lambda x: np.linalg.eigh(x)[1], (np.eye(2),), (np.array([[0.0, 1.0], [1.0, 0]]),))
    assert np.isnan(d).any()
    _, d = gx.jvp(np.linalg.eigvalsh, (np.diag([1.0, 2.0]),), (np.eye(2),))
    np.testing.assert_allclose(d, np.ones(2))


def test_threads_have_runs_of_their_own():
    found = {}

    def work(i):
        found[i] = gx.jvp(lambda x: np.sum(x**i), (X,), (T,))[1]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, d in found.items():
        assert d == pytest.approx(np.sum(i * X ** (i - 1) * T))


def test_adopted_programs():
    def program(x):
        y = np.zeros(3)
        for i in range(3):
            y[i] = x[i] ** 2
        return y

    _, d = gx.jvp(gx.adopt(program), (X,), (T,))
    np.testing.assert_allclose(d, 2 * X * T)
    slope = gx.grad(lambda x: np.sum(gx.jvp(gx.adopt(program), (x,), (T,))[1]))(X)
    np.testing.assert_allclose(slope, 2 * T)


def test_object_arrays_and_lists_of_variables():
    _, d = gx.jvp(lambda x: np.array([x[0], x[1] * x[2]]) * 2.0, (X,), (T,))
    np.testing.assert_allclose(d, [2 * T[0], 2 * (T[1] * X[2] + X[1] * T[2])])
    _, d = gx.jvp(lambda xs: np.sum(xs) * xs[0], ([1.0, 2.0],), ([1.0, 0.0],))
    assert d == 4.0
    with pytest.raises(gx.AssignmentError, match=r"was written into after np.asarray"):

        def late(x):
            y = np.asarray(x)
            x[0] = 1.0
            return np.sum(y)

        gx.jvp(late, (X,), (T,))


def test_an_op_made_for_a_call_is_let_go_of():
    kept = []

    def f(x):
        data = np.full(3, 2.0)
        kept.append(weakref.ref(data))
        op = gx.Op("scaled", lambda x: x * data, lambda g: g * data)
        return np.sum(gx.lift_op(op)(x))

    assert gx.jvp(f, (X,), (T,))[1] == pytest.approx(2.0 * np.sum(T))
    assert gx.jvp(lambda x: gx.grad(f)(x), (X,), (T,))[1] is not None
    gc.collect()
    assert [ref() for ref in kept] == [None] * len(kept)
