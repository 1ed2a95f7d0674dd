"""Every mode on the device: forward, Jacobians, batches, loops, checkpoints, rules of users, debug.

Results are where the inputs are, and are the host's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradx as gx
from gradx.testing.gradients import random_like
from tests.cuda.device_numpy import on_device
from tests.cuda.places import assert_same, beside, here, leaves, there
from tests.cuda.test_specification import CASES, MODES, operands, quiet, settled

__all__ = ["quiet"]

X = np.linspace(-1.0, 1.5, 12).reshape(3, 4)
V = np.cos(X)
W = np.linspace(0.1, 0.9, 16).reshape(4, 4)


@dataclass
class Layer:
    w: Any
    b: Any
    scale: float = 0.5

    def __call__(self, x):
        return np.tanh(x @ self.w + self.b) * self.scale


LAYER, ALONG = Layer(W, W[0]), Layer(W.T - 0.5, W[1], 0.25)


@gx.lift
def product(x, y):
    return x * y, lambda g: (g * y, g * x)


cubed = gx.custom_vjp(lambda x: x**3).defvjp(
    lambda x: (x**3, x), lambda x, g: (3.0 * g * np.square(x),)
)
sine = gx.custom_jvp(np.sin).defjvp(lambda p, t: (np.sin(p[0]), np.cos(p[0]) * t[0]))


def energy(x):
    return np.sum(np.exp(np.sin(x)) * x) + np.prod(x[0] + 2)


def rows(x):
    y = np.zeros_like(x)
    y[0] = x[1] * 2
    y[1:] = np.cumsum(x[1:], axis=0)
    return y * np.max(x, axis=1)[:, None]


def masked(x):
    y = x * 2
    y[x > 0] += 1
    y[x < 0] *= x[x < 0]
    y[y > 2] = np.log(y[y > 2])
    return y


def steps(checkpoint):
    def f(w, x):
        def step(state, item):
            state = np.tanh(state @ w + item)
            return state, np.sum(state * item)

        return gx.scan(step, x[0], x, checkpoint=checkpoint)

    return f


def gradient_of(f):
    return lambda *xs: gx.grad_bp(lambda *vs: sum(map(np.sum, leaves(f(*vs)))), *xs)


MODES_OF = {
    "jvp": (lambda x, v: gx.jvp(rows, (x,), (v,)), (X, V)),
    "jvp/record": (lambda p, t, x: gx.jvp(lambda p: p(x), (p,), (t,)), (LAYER, ALONG, X)),
    "jvp/twice": (
        lambda x, v: gx.jvp(lambda x: gx.jvp(rows, (x,), (v,))[1], (x,), (v,)),
        (X, V),
    ),
    "jvp/user": (lambda x, v: gx.jvp(product, (x, v), (v, x)), (X, V)),
    "linearize": (lambda x, v: gx.linearize(rows, x)[1](v), (X, V)),
    "linearize/record": (lambda p, t, x: gx.linearize(lambda p: p(x), p)[1](t), (LAYER, ALONG, X)),
    "hvp": (lambda x, v: gx.hvp(energy)(x, v), (X, V)),
    "ggnvp": (lambda x, v: gx.ggnvp(rows, energy)(x, v), (X, V)),
    "jacobian": (lambda p, x: gx.jacobian(lambda p: p(x[0]))(p), (LAYER, X)),
    "jacobian/columns": (lambda v, x: gx.jacobian(lambda v: np.outer(v, x))(v), (W[0], X)),
    "jacfwd": (lambda x: gx.jacfwd(rows)(x), (X,)),
    "jacrev": (lambda x: gx.jacrev(rows)(x), (X,)),
    "value_and_jacobian": (lambda x: gx.value_and_jacobian(rows)(x), (X,)),
    "hessian": (lambda x: gx.hessian(energy)(x), (X,)),
    "hessian/record": (lambda p, x: gx.hessian(lambda p: np.sum(p(x)))(p), (LAYER, X)),
    "hessian_diag": (lambda x: gx.hessian_diag(energy)(x), (X,)),
    "elementwise_grad": (lambda x: gx.elementwise_grad(np.tanh)(x), (X,)),
    "holomorphic_grad": (
        lambda z: gx.holomorphic_grad(lambda z: np.sum(np.exp(z)))(z),
        (X + 1j * V,),
    ),
    "vmap": (lambda x, w: gx.vmap(lambda x: np.sin(w @ x) * x[1])(x), (X, W)),
    "vmap/record": (
        lambda p, x: gx.vmap(gx.grad(lambda p, x: np.sum(p(x))), in_axes=(None, 0))(p, x),
        (LAYER, X),
    ),
    "vmap/writes": (lambda x: gx.vmap(lambda x: rows(x[:, None] * x))(x), (X,)),
    "vmap/masks": (gx.vmap(masked), (X,)),
    "vmap/masks-in-gradients": (gx.vmap(gx.grad(lambda x: np.sum(masked(x) ** 2))), (X,)),
    "vmap/sum-at-a-mask": (gradient_of(gx.vmap(lambda x: np.sum(x[x > 0] ** 2))), (X,)),
    "vmap/one-by-one": (gradient_of(gx.vmap(lambda x: np.emath.sqrt(x * x + x[0]))), (X + 2,)),
    "vmap/chunks": (lambda x: gx.vmap(np.cumprod, chunk=2)(x), (X,)),
    "vmap/jvp": (lambda x, v: gx.vmap(lambda x, v: gx.jvp(np.prod, (x,), (v,)))(x, v), (X, V)),
    "jvp/vmap": (lambda x, v: gx.jvp(gx.vmap(np.prod), (x,), (v,)), (X, V)),
    "grad/vmap": (gradient_of(gx.vmap(lambda x: np.cumsum(x) * np.linalg.norm(x))), (X,)),
    "vmap/hessian": (lambda x: gx.vmap(gx.hessian(lambda x: np.sum(x**3) * x[0]))(x), (X,)),
    "scan": (steps(None), (W, X)),
    "grad/scan": (gradient_of(steps(None)), (W, X)),
    "grad/scan-checkpoint": (gradient_of(steps("sqrt")), (W, X)),
    "jvp/scan": (lambda w, x: gx.jvp(steps("sqrt"), (w, x), (w, x)), (W, X)),
    "checkpoint": (gradient_of(lambda x: gx.checkpoint(rows)(x) * x), (X,)),
    "hvp/checkpoint": (
        lambda x, v: gx.hvp(lambda x: np.sum(gx.checkpoint(np.exp)(x * x)))(x, v),
        (X, V),
    ),
    "fori_loop": (gradient_of(lambda x: gx.fori_loop(0, 3, lambda i, s: s * x + i, x)), (X,)),
    "stop_gradient": (gradient_of(lambda x: x * gx.stop_gradient(x)), (X,)),
    "custom_vjp": (gradient_of(lambda x: cubed(x) * x), (X,)),
    "custom_vjp/jvp": (lambda x, v: gx.jvp(cubed, (x,), (v,)), (X, V)),
    "custom_jvp": (lambda x, v: gx.jvp(sine, (x,), (v,)), (X, V)),
    "custom_jvp/grad": (gradient_of(lambda x: sine(x) * x), (X,)),
}


@pytest.mark.modes
@pytest.mark.parametrize("name", MODES_OF)
def test_the_result_is_the_hosts(name):
    f, xs = MODES_OF[name]
    got = f(*map(there, xs))
    assert_same(got, f(*xs))


def test_a_value_that_steps_choose():
    """A predicate is one number, which is read, or one for each example, which is not."""

    def f(x):
        return gx.cond(np.sum(x) > 0, lambda x: x * x, lambda x: -x, x)

    def g(x):
        return gx.while_loop(lambda s: np.sum(s) < 9, lambda s: s * 2 + 1, x)

    for h in (f, g, gradient_of(f), gradient_of(g), gx.vmap(f), gx.vmap(g)):
        assert_same(h(there(X)), h(X))


def test_a_solution_on_the_device_is_refused():
    solve = gx.implicit(lambda a: np.sqrt(a), lambda y, a: y * y - a)
    with pytest.raises(gx.GradxError, match="device"):
        gx.grad_bp(solve, there(X**2 + 1))


@pytest.mark.parametrize("f", [energy, lambda x: np.sum(rows(x))])
def test_a_block_of_debug_changes_nothing(f):
    with gx.debug() as report:
        got = gx.value_and_grad(f)(there(X))
    assert_same(got, gx.value_and_grad(f)(X))
    assert report.runs == 1


def test_what_is_not_finite_is_found_on_the_device():
    def loss(x):
        return np.sum(np.log(x))

    with gx.debug(), np.errstate(all="ignore"), pytest.raises(gx.NonFiniteError, match="log gave"):
        gx.grad(loss)(there(X))


def test_derivatives_are_checked_beside_differences_on_the_host():
    gx.check_grads(lambda x: here(gx.value(x)).sum() * 0 + np.sum(x * x), X)


# --- The specification in forward mode ------------------------------------------------------------


def tangents_of(xs, seed=1):
    rng = np.random.default_rng(seed)
    return tuple(random_like(x, rng) for x in xs)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_tangents_are_the_hosts(case):
    mode = MODES["double"]
    f, g = settled(case, case.call), settled(case, on_device(case.call))
    xs = operands(case, mode)
    ts = tangents_of(xs)
    device_xs = tuple(map(there, xs))
    device_ts = tuple(beside(t, x) for t, x in zip(ts, device_xs, strict=True))
    got, wanted = gx.jvp(g, device_xs, device_ts), gx.jvp(f, xs, ts)
    assert_same(got, wanted, mode.tolerance)
