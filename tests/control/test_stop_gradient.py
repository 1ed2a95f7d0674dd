"""gx.stop_gradient: a variable still, with derivative zero of every order and kind."""

import threading
import wsgiref.headers

import numpy as np
import pytest

import gradx as gx
from gradx.core.dispatch import Lifted
from gradx.values.operations import registry
from tests.control.programs import X, assert_close, assert_same_bits, layer


def test_the_derivative_is_zero():
    assert_close(gx.grad(lambda x: np.sum(x**2 * gx.stop_gradient(x)))(X), 2 * X**2)
    assert_close(gx.grad(lambda x: np.sum(gx.stop_gradient(x) ** 2))(X), np.zeros(3))


def test_the_second_derivative_too():
    def f(x):
        return np.sum(x**2 * gx.stop_gradient(x))

    assert_close(gx.hessian(f)(X), np.diag(2 * X))
    inner = gx.grad(lambda x: gx.grad(lambda y: y * gx.stop_gradient(x * y))(2.0) * x)
    assert inner(3.0) == 6.0  # of x, which is stopped for both runs
    outer = gx.grad(lambda x: gx.grad(lambda y: gx.stop_gradient(y) * y * x)(2.0))
    assert outer(3.0) == 2.0


def test_forward_mode():
    y, t = gx.jvp(lambda x: x * gx.stop_gradient(x), (X,), (np.ones(3),))
    assert_close((y, t), (X * X, X))
    y, t = gx.jvp(gx.grad(lambda x: np.sum(x * gx.stop_gradient(x))), (X,), (np.ones(3),))
    assert_close(t, np.zeros(3))


def test_it_stays_a_variable_of_the_run():
    def f(x):
        y = gx.stop_gradient(x)
        assert isinstance(y, Lifted)
        assert y._run is x._run
        y[0] = x[1]  # which a constant could not hold
        return np.sum(y * x)

    assert_close(gx.grad(f)(X), [X[1], X[1] + X[0], X[2]])


def test_it_is_a_copy():
    """Of a plain array too, so that the plain program is the same."""

    def f(x):
        x = x * 1.0
        y = gx.stop_gradient(x)
        x[0] = 5.0
        y[1] = 7.0
        return np.sum(x * y)

    assert_same_bits(gx.value_and_grad(f)(X)[0], f(X))
    counts = np.arange(3)
    assert gx.stop_gradient(counts) is not counts


def test_any_value_goes():
    net = layer()
    assert_same_bits(
        gx.stop_gradient({"net": net, "n": (1, None, "a")}), {"net": net, "n": (1, None, "a")}
    )
    lock = threading.Lock()
    assert gx.stop_gradient(lock) is lock

    def f(net, x):
        fixed = gx.stop_gradient(net)
        return np.sum(fixed.w * net.w * x) + fixed.b * net.b

    g = gx.grad(f)(net, X)
    assert_close((g.w, g.b), (net.w * X, net.b))
    numbers = gx.grad(lambda xs: gx.stop_gradient([xs[0], np.asarray(xs[1])])[0] * xs[0])
    assert_close(numbers([2.0, X]), [2.0, np.zeros(3)])


class Interval:
    def __init__(self, lo, hi):
        self.lo, self.hi = lo, hi


def test_values_of_types_with_operations_of_their_own():
    with registry.restored():
        gx.register(
            Interval,
            zero=lambda i: Interval(0.0, 0.0),
            add=lambda i, j: Interval(i.lo + j.lo, i.hi + j.hi),
            one=lambda i: Interval(1.0, 1.0),
        )
        width = gx.lift(lambda i: (i.hi - i.lo, lambda g: Interval(-g, g)))
        g = gx.grad(lambda i: width(i) * width(gx.stop_gradient(i)))(Interval(1.0, 3.0))
        assert (g.lo, g.hi) == (-2.0, 2.0)


def test_an_unknown_part_is_named():
    with pytest.raises(gx.UnregisteredTypeError, match=r"the argument of stop_gradient\[0\]"):
        gx.stop_gradient([wsgiref.headers.Headers()])
