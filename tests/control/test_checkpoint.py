"""Checkpointing: the values to the bit, the gradients, and no more memory than it says."""

import functools
import gc
import tracemalloc
import types

import numpy as np
import pytest

import gradx as gx
from gradx.testing import check_grads
from tests.control.programs import Layer, X, assert_close, assert_same_bits, layer
from tests.reverse import naive


def plain(f):
    return f


BOTH = pytest.mark.parametrize("wrap", [plain, gx.checkpoint], ids=["plain", "checkpoint"])


def residual(wrap, x):
    return wrap(lambda x: np.tanh(x) * x + 1.0)(x)


def through_a_record(wrap, net, x):
    return wrap(lambda net, x: {"y": np.tanh(net.w * x + net.b), "n": (net.b * 2.0, net.name)})(
        net, x
    )


def total(y):
    return np.sum(y["y"] ** 2) * y["n"][0]


def closures(wrap, net, x):
    """Every step reads a record and a number from outside; the closure is filled anew each time."""
    scale = net.b * 3.0
    for part in (net, Layer(net.w * 2.0, net.b**2)):
        x = wrap(lambda x: np.tanh(part.w * x + part.b) * scale)(x)  # noqa: B023
    return np.sum(x)


def nested(wrap, x):
    inner = wrap(lambda z: np.sin(z) * x)
    return np.sum(wrap(lambda y: inner(inner(y)) + y)(x))


def only_from_outside(wrap, w):
    return wrap(lambda: np.sum((w @ w) * np.sin(w)))()


def writes(wrap, x):
    def block(x):
        y = np.zeros_like(x)
        y[0] = x[1] * x[2]
        y[1:] = x[:2] ** 2
        x[0] = 5 * x[1]
        return y, y[1:], {"a": x[2] * 2, "n": 3}

    x = x * 1.0
    y, v, d = wrap(block)(x)
    y[1] += x[0] * 2  # shows in v
    return np.sum(y * v[0]) + np.sum(v**2) + d["a"] * x[0]


def returns_its_input(wrap, x):
    x = x * 1.0
    y, z, part, other = wrap(lambda x: (x, x * 2, x[1:], x.copy()))(x)
    y += 1.0  # y is x, and part shows it
    return np.sum(x * y) + np.sum(part**3) + np.sum(z * other)


def in_a_container(wrap, xs):
    def block(xs):
        xs.append(xs[0] * xs[1])
        return {"all": xs, "same": xs}

    out = wrap(block)([xs[0] * 2.0, xs[1]])
    return np.sum(out["all"][2] * out["same"][0])


def of_views(wrap, x):
    x = x * 1.0
    part = x[1:]
    x[2] = x[0] ** 2  # part is taken anew in the block
    y = wrap(lambda p, q: (p * q, p[0] * 3.0))(part, x[:2])
    return np.sum(y[0]) * y[1] + np.sum(part)


def keywords(wrap, x):
    return np.sum(wrap(lambda x, *, scale, n=2: x**n * scale)(x, scale=x[0]))


def a_branch(wrap, x):
    return np.sum(wrap(lambda x: np.exp(x) if x[0] > 0 else x)(x))


def a_gradient_inside(wrap, x):
    return np.sum(wrap(lambda x: gx.grad(lambda z: np.sum(np.sin(z * x) * z))(x))(x))


def of_numbers(wrap, x):
    return wrap(lambda a, b: (a * b, np.hypot(a, b)))(x[0], 2.0 * x[1])[1]


def of_lists(wrap, x):
    return np.sum(wrap(lambda xs: np.stack([np.sum(xs[0]), xs[1] * xs[1]]))([x, x[1]]))


def lazy_items(wrap, x):
    """Items of an array of objects, made outside, of which one is used before and all inside."""
    a = np.asarray(x * 2.0)
    first = a[0] * 1.0
    one = a[1]
    y = wrap(
        lambda z: np.stack([one * one, a[0] * z[0], a[2] * one]) + np.array([*list(a[:2]), one])
    )
    return np.sum(y(x)) * first + a[2] * wrap(lambda: one * a[0])()


PROGRAMS = {
    "lazy items": (lazy_items, (X,)),
    "residual": (lambda wrap, x: np.sum(residual(wrap, residual(wrap, x))), (X,)),
    "record": (lambda wrap, net, x: total(through_a_record(wrap, net, x)), (layer(), X)),
    "closures": (closures, (layer(), X)),
    "nested": (nested, (X,)),
    "only from outside": (only_from_outside, (X,)),
    "writes": (writes, (X,)),
    "returns its input": (returns_its_input, (X,)),
    "container": (in_a_container, ([X, X + 1.0],)),
    "views": (of_views, (X,)),
    "keywords": (keywords, (X,)),
    "branch": (a_branch, (X,)),
    "gradient inside": (a_gradient_inside, (X,)),
    "numbers": (of_numbers, (X,)),
    "lists": (of_lists, (X,)),
    "float32": (lambda wrap, x: np.sum(residual(wrap, x)), (X.astype(np.float32),)),
    "complex": (
        lambda wrap, z: np.sum(np.real(wrap(lambda z: z * z * np.conj(z) + np.exp(z))(z))),
        (X + 1j * X[::-1],),
    ),
}
EVERY = pytest.mark.parametrize("name", PROGRAMS)


@EVERY
def test_the_value_and_the_gradient_are_those_without_it(name):
    f, xs = PROGRAMS[name]
    wanted = gx.backprop(functools.partial(f, plain), *xs)
    given = gx.backprop(functools.partial(f, gx.checkpoint), *xs)
    assert_same_bits(given[0], f(plain, *xs) if name != "container" else wanted[0])
    assert_close(given[1], wanted[1])
    assert_same_bits(f(gx.checkpoint, *xs), f(plain, *xs))


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - {"container", "float32"}))
def test_the_gradient_is_right_to_second_order(name):
    f, xs = PROGRAMS[name]
    check_grads(functools.partial(f, gx.checkpoint), *xs, order=2)


@pytest.mark.parametrize("name", ["residual", "closures", "nested", "writes", "views"])
def test_the_third_derivative(name):
    f, xs = PROGRAMS[name]

    def third(wrap):
        def twice(*xs):
            return gx.grad_bp(lambda *xs: sum_of(gx.grad_bp(functools.partial(f, wrap), *xs)), *xs)

        return gx.grad_bp(lambda *xs: sum_of(twice(*xs)), *xs)

    assert_close(third(gx.checkpoint), third(plain))


def sum_of(x):
    if isinstance(x, tuple):
        return sum(map(sum_of, x))
    return np.sum(x.w**2) + x.b if isinstance(x, Layer) else np.sum(x * np.arange(3.0))


def test_it_agrees_with_the_naive_engine():
    def own(a, b):
        block = gx.checkpoint(
            lambda a: [v * np.sin(v) * np.exp(w) for v, w in zip(a, b, strict=True)]
        )
        return sum(block(a))

    def reference(a, b):
        return sum(v * v.sin() * w.exp() for v, w in zip(a, b, strict=True))

    xs = [0.3, 0.5], [1.0, -0.2]
    wanted = naive.gradient(reference, *xs)
    assert_close(gx.grad_bp(own, *xs), tuple([float(v) for v in part] for part in wanted))


def test_runs_that_cross():
    def inner(wrap, w):
        g = gx.grad(lambda x: np.sum(wrap(lambda x: np.sin(x * w) * x)(x)))(X)
        return np.sum(g**2)

    for order in (gx.grad, gx.hessian):
        f, g = (order(functools.partial(inner, wrap)) for wrap in (gx.checkpoint, plain))
        assert_close(f(X * 0.1), g(X * 0.1))


def test_a_pullback_may_be_called_many_times():
    _, pullback = gx.backprop_with(lambda x: residual(gx.checkpoint, x), X)
    assert_same_bits(pullback(X), pullback(X))
    assert_close(pullback(np.ones(3)), 1 / np.cosh(X) ** 2 * X + np.tanh(X))


def test_forward_mode_calls_it():
    f = gx.checkpoint(lambda x: np.sin(x) * x)
    assert_close(gx.jvp(f, (X,), (X,)), (f(X), (np.cos(X) * X + np.sin(X)) * X))
    _, t = gx.jvp(gx.grad(lambda x: np.sum(f(x))), (X,), (np.ones(3),))
    assert_close(t, 2 * np.cos(X) - X * np.sin(X))
    g = gx.grad(lambda x: np.sum(gx.jvp(f, (x,), (np.ones(3),))[1]))(X)
    assert_close(g, t)
    y, along = gx.linearize(f, X)
    assert_close((y, along(X)), gx.jvp(f, (X,), (X,)))


def test_values_without_variables_pass():
    calls = []
    f = gx.checkpoint(lambda *args, **kwargs: calls.append((args, kwargs)) or "text")
    assert f(1, [2.0], key=None) == "text"
    assert calls == [((1, [2.0]), {"key": None})]


def test_it_keeps_the_name_and_the_text():
    def step(x):
        """Do a step."""

    assert gx.checkpoint(step).__name__ == "step"
    assert gx.checkpoint(step).__doc__ == "Do a step."


class Holder:
    """A class that gradx does not know."""

    def __init__(self, x):
        self.parts = {"x": [x]}

    def squared(self, y):
        return self.parts["x"][0] ** 2 * y


AT_MODULE_LEVEL = types.SimpleNamespace(x=None)


def reads_a_global(y):
    return AT_MODULE_LEVEL.x * AT_MODULE_LEVEL.x * y


@pytest.mark.parametrize(
    "block",
    [
        lambda x: Holder(x).squared,
        lambda x: functools.partial(lambda z, y: z * z * y, x),
        lambda x: lambda y, z=x: z * z * y,
        lambda x: (lambda g: lambda y: g() * y)(lambda: x * x),
        lambda x: setattr(AT_MODULE_LEVEL, "x", x) or reads_a_global,
    ],
    ids=["method", "partial", "default", "closure of a closure", "global"],
)
def test_variables_are_found_wherever_they_stand(block):
    def f(x):
        return np.sum(gx.checkpoint(block(x))(x * 1.0))

    assert_close(gx.grad(f)(X), 3 * X**2)
    AT_MODULE_LEVEL.x = None


# --- Memory ---------------------------------------------------------------------------------------


def peak(f, *xs):
    """The most memory while a function ran, in arrays like the first input."""
    gc.collect()
    tracemalloc.start()
    try:
        f(*xs)
        return tracemalloc.get_traced_memory()[1] / xs[0].nbytes
    finally:
        tracemalloc.stop()


def long_chain(wrap, x):
    for _ in range(10):

        def block(x):
            for _ in range(10):
                x = np.sin(x)
            return x

        x = wrap(block)(x)
    return np.sum(x)


def test_memory_of_one_block_at_a_time():
    x = np.linspace(0.0, 1.0, 20_000)
    assert peak(gx.grad(functools.partial(long_chain, plain)), x) > 99
    assert peak(gx.grad(functools.partial(long_chain, gx.checkpoint)), x) < 25


def test_memory_of_variables_from_outside_alone():
    """What is computed of these, and of nothing else, is dropped as well."""

    def loss(wrap, w):
        return sum(wrap(lambda: long_chain(plain, w))() for _ in range(3))

    w = np.linspace(0.0, 1.0, 20_000)
    assert peak(gx.grad(functools.partial(loss, plain)), w) > 290
    assert peak(gx.grad(functools.partial(loss, gx.checkpoint)), w) < 110


def test_memory_of_the_second_derivative():
    def twice(wrap, x):
        return np.sum(gx.grad(functools.partial(long_chain, wrap))(x) ** 2)

    x = np.linspace(0.0, 1.0, 20_000)
    assert peak(gx.grad(functools.partial(twice, plain)), x) > 250
    assert peak(gx.grad(functools.partial(twice, gx.checkpoint)), x) < 100


def test_memory_is_freed_without_the_collector():
    x = np.linspace(0.0, 1.0, 20_000)
    f = gx.grad(functools.partial(long_chain, gx.checkpoint))
    f(x)
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        f(x)
        assert tracemalloc.get_traced_memory()[0] - before < x.nbytes / 2
    finally:
        tracemalloc.stop()
        gc.enable()


def test_batches_inside_and_around():
    xs = np.stack([X, X * 2.0, -X])
    w = X + 1.0

    def f(wrap, w, x):
        for _ in range(3):
            x = wrap(lambda x: np.tanh(w * x))(x)
        return np.sum(x)

    def all_ways(wrap):
        g = functools.partial(f, wrap)
        yield gx.vmap(gx.grad(g, (0, 1)), in_axes=(None, 0))(w, xs)
        yield gx.grad(lambda w: np.sum(gx.vmap(lambda x: g(w, x))(xs)))(w)
        yield gx.hessian(lambda w: np.sum(gx.vmap(gx.grad(lambda x: g(w, x)))(xs) ** 2))(w)

    assert_close(tuple(all_ways(gx.checkpoint)), tuple(all_ways(plain)))
