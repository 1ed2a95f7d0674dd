"""Writing where runs are nested: what an inner run keeps, gives back, and lets go of."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest

import gradx as gx

X = np.array([0.3, -0.7, 1.1])


def assert_as_plain(f, plain):
    """A function of runs has the value of the plain one, and its slopes."""
    y, g = gx.backprop(f, X)
    assert y == pytest.approx(plain(X.copy()), rel=1e-12)
    steps = 1e-6 * np.eye(3)
    wanted = [(plain(X + d) - plain(X - d)) / 2e-6 for d in steps]
    np.testing.assert_allclose(g, wanted, rtol=1e-6, atol=1e-8)


def test_a_cotangent_that_repeats_one_number_is_cleared_at_one_place():
    """The gradient of a sum is such a one, and is a plain array where the outer run is at work."""

    def summed(v):
        y = v * 1.0
        y[1] = 2.0 * v[0]
        return np.sum(y)

    def f(x):
        return np.sum(gx.grad(summed)(x) * x)

    assert_as_plain(f, lambda x: 3 * x[0] + x[2])


def test_an_outer_array_that_is_filled_and_returned_keeps_its_gradient():
    def f(x):
        buffer = np.zeros_like(x)

        def fill(v):
            buffer[:] = v**2
            return buffer, buffer[1:]

        (y, part), pullback = gx.backprop_with(fill, x)
        return np.sum(y * pullback((np.ones(3), np.ones(2)))) + np.sum(part) + np.sum(buffer)

    def plain(x):
        y = x**2
        return np.sum(y * 2 * x * [1, 2, 2]) + np.sum(y[1:]) + np.sum(y)

    assert_as_plain(f, plain)


def test_the_outer_array_that_is_returned_is_that_array():
    def f(x):
        buffer = np.zeros_like(x)

        def fill(v):
            buffer[:] = v**2
            return buffer

        y, _ = gx.backprop(fill, x)
        y[0] = x[1]
        return np.sum(buffer)

    assert_as_plain(f, lambda x: x[1] + x[1] ** 2 + x[2] ** 2)


def test_what_is_written_into_an_input_later_does_not_reach_the_inner_run():
    def f(x):
        w = x * 1.0
        y, pullback = gx.backprop_with(lambda v: v**3, w)
        w[0] = 7.0 * w[1]
        return np.sum(pullback(np.ones(3))) + np.sum(y) + np.sum(w)

    assert_as_plain(f, lambda x: np.sum(3 * x**2 + x**3) + 8 * x[1] + x[2])


def test_a_write_by_a_closure_does_not_reach_what_the_rules_kept():
    def f(x):
        w = x * 1.0

        def inner(v):
            y = np.sum(v**2)
            w[0] = 7.0
            return y

        g = gx.grad(inner)(w)
        return np.sum(g * g)

    assert_as_plain(f, lambda x: np.sum(4 * x**2))


def test_what_is_written_into_a_result_does_not_reach_the_pullback():
    def f(x):
        y, pullback = gx.backprop_with(np.exp, x)
        y[0] = 5.0
        y *= x
        return np.sum(pullback(np.ones(3)))

    assert_as_plain(f, lambda x: np.sum(np.exp(x)))


def test_what_is_written_into_a_gradient_does_not_reach_the_cotangent():
    def f(x):
        _, pullback = gx.backprop_with(lambda v: v, x * 2.0)
        c = x * 1.0
        g = pullback(c)
        g[0] = 8.0 * x[1]
        return np.sum(g) + np.sum(c)

    assert_as_plain(f, lambda x: 9 * x[1] + x[2] + np.sum(x))


def test_plain_gradients_in_an_outer_run_are_arrays_of_their_own():
    weights, cotangent = np.ones(3), np.ones(3)

    def f(x):
        _, pullback = gx.backprop_with(lambda v: v, x)
        pullback(cotangent)[0] = 9.0
        first, second = gx.grad_bp(lambda a, b: np.sum((a + b) * weights), x, x * 2.0)
        first[0] = 7.0
        return np.sum(x) + np.sum(second)

    assert gx.value_and_grad(f)(X)[0] == np.sum(X) + 3.0
    assert weights.tolist() == cotangent.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("fails", [False, True])
def test_an_array_comes_back_through_each_run_between(fails):
    """The innermost run wrote an item of the middle one into it; it goes back to the outer run."""

    def f(x):
        buffer = np.zeros_like(x)

        def middle(y):
            def inner(z):
                buffer[0] = z[0] * y[1]
                if fails:
                    raise KeyError
                return np.sum(buffer**2)

            with suppress(KeyError):
                gx.grad(inner)(y)
            return np.sum(buffer * y)

        return gx.backprop(middle, x)[0] + np.sum(buffer * x)

    assert_as_plain(f, lambda x: 2 * x[0] * x[1] * x[0])


def test_one_outer_array_that_is_two_inputs_is_not_written_into():
    def inner(a, b):
        a[0] = 5.0
        return np.sum(a * b)

    with pytest.raises(gx.AliasError, match=r"argument 0 and argument 1 share memory"):
        gx.grad(lambda x: np.sum(gx.grad_bp(inner, x, x)[0]))(X)
    with pytest.raises(gx.AliasError, match=r"argument 0 and argument 1 share memory"):
        gx.grad(lambda x: np.sum(gx.grad_bp(inner, x[1:], x)[1]))(X)


def test_nor_is_one_that_is_an_input_and_a_constant_argument():
    def f(a, b):
        a[0] = 5.0
        return np.sum(a * b)

    with pytest.raises(gx.AliasError, match=r"argument 0 and argument 1 share memory"):
        gx.grad(f)(X, X)
    with pytest.raises(gx.AliasError, match=r"argument 0 and b share memory"):
        gx.grad(f)(X[1:], b=X)
    with pytest.raises(gx.AliasError, match=r"argument 0 and argument 1 share memory"):
        gx.grad(lambda x: np.sum(gx.grad(f)(x, x)))(X)
    np.testing.assert_array_equal(gx.grad(f)(X, X.copy()), [0.0, *X[1:]])


@gx.lift
def itself(x):
    return x, lambda g: -g


@gx.lift
def all_but_the_first(x):
    return x[1:], lambda g: np.concatenate([[0.0], g])


@gx.lift
def in_a_list(x):
    return [2.0 * x, x], lambda g: 2.0 * g[0] + g[1]


@gx.lift
def out_of_a_dict(parts):
    return parts["a"], lambda g: {"a": g}


@gx.lift
def in_another_record(parts):
    return {"b": parts["a"][1:]}, lambda g: {"a": np.concatenate([[0.0], g["b"]])}


IN_CONTAINERS = {
    "in a list": lambda x: in_a_list(x)[1],
    "out of a dict": lambda x: out_of_a_dict({"a": x}),
    "a part of a dict": lambda x: in_another_record({"a": x})["b"],
}


@pytest.mark.parametrize("op", IN_CONTAINERS.values(), ids=IN_CONTAINERS)
@pytest.mark.parametrize("into", [0, 1])
@pytest.mark.parametrize("differentiated", [gx.grad, lambda f: lambda x: gx.jvp(f, (x,), (x,))])
def test_an_op_that_returns_its_operand_in_a_container_shares_it(op, into, differentiated):
    def f(x):
        x = x * 1.0
        y = op(x)
        (x, y)[into][1] = 5.0
        return np.sum(y) + np.sum(x)

    with pytest.raises(gx.AliasError, match=r"an op of @gx.lift returned its operand"):
        differentiated(f)(X)
    gx.grad(lambda x: np.sum(op(x)))(X)


@pytest.mark.parametrize("op", [itself, all_but_the_first])
@pytest.mark.parametrize("into", [0, 1])
@pytest.mark.parametrize("before", [False, True])
def test_an_op_that_returns_its_operand_shares_it(op, into, before):
    def f(x):
        x = x * 1.0
        if before:
            x[0] = x[1] * 1.0
        y = op(x)
        (x, y)[into][0] = 5.0
        return np.sum(y)

    with pytest.raises(gx.AliasError, match=r"an op of @gx.lift returned its operand"):
        gx.grad(f)(X)
    np.testing.assert_array_equal(gx.grad(lambda x: np.sum(itself(x)))(X), -np.ones(3))


@dataclass
class Layer:
    w: np.ndarray
    same: np.ndarray = gx.static()  # noqa: RUF009 - as dataclasses.field


def test_a_static_field_that_is_the_input_too():
    def f(layer):
        layer.w[0] = 5.0
        return np.sum(layer.w * layer.same)

    with pytest.raises(gx.AliasError, match=r"the static field 'same' and argument 0.w share"):
        gx.grad(f)(Layer(X, X))
    np.testing.assert_array_equal(gx.grad(f)(Layer(X, X.copy())).w, [0.0, *X[1:]])


def test_an_input_whose_items_share_memory_is_not_written_into():
    x = np.lib.stride_tricks.as_strided(np.arange(4.0), (3, 2), (8, 8))

    def f(v):
        v[0, 1] = 5.0 * v[2, 1]
        return np.sum(v * v)

    with pytest.raises(gx.AliasError, match=r"items of argument 0 share memory"):
        gx.grad(f)(x)
    y = gx.grad(f)(np.lib.stride_tricks.as_strided(np.arange(9.0), (3, 2), (24, 16)))
    np.testing.assert_array_equal(y[0], [0.0, 0.0])


def test_what_is_written_later_does_not_reach_what_the_outer_run_kept():
    """The inner run's own array is a plain one below, and a constant beside an outer variable."""

    def f(x):
        def inner(v):
            y = v * 1.0
            y[0] = 5.0
            z = y * x
            y[0] = 100.0
            return np.sum(z)

        return gx.backprop(inner, X)[0]

    assert_as_plain(f, lambda x: 5.0 * x[0] + X[1] * x[1] + X[2] * x[2])
