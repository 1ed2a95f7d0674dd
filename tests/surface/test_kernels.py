"""Programs that write into their arrays: the plain value to the bit, and its gradient."""

import copy

import numpy as np
import pytest

import gradx as gx
from tests.surface.kernels import KERNELS

per_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=lambda f: f.__name__)


def parts(y):
    return y if isinstance(y, tuple) else (y,)


def is_differentiated(x):
    return isinstance(x, float) or x.dtype.kind == "f"


def with_floats(kernel, weights):
    """The arguments of floats, and the weighted sum of the results as a function of them."""
    args = KERNELS[kernel]
    places = [i for i, x in enumerate(args) if is_differentiated(x)]

    def f(*xs):
        given = list(args)
        for i, x in zip(places, xs, strict=True):
            given[i] = x
        return sum(np.sum(w * y) for w, y in zip(weights, parts(kernel(*given)), strict=True))

    return f, [args[i] for i in places]


def moved(xs, directions, h):
    return [x + h * d for x, d in zip(xs, directions, strict=True)]


@per_kernel
def test_the_value_is_that_of_the_plain_program(kernel):
    args = KERNELS[kernel]
    kept = copy.deepcopy(args)
    plain = kernel(*copy.deepcopy(args))
    floats = [i for i, x in enumerate(args) if is_differentiated(x)]

    def f(*xs):
        given = list(args)
        for i, x in zip(floats, xs, strict=True):
            given[i] = x
        return kernel(*given)

    lifted, _ = gx.backprop(f, *[args[i] for i in floats])
    for got, wanted in zip(parts(lifted), parts(plain), strict=True):
        assert got.dtype == wanted.dtype and got.strides == wanted.strides
        assert got.tobytes() == wanted.tobytes()
    for now, before in zip(args, kept, strict=True):
        np.testing.assert_array_equal(now, before)


@per_kernel
def test_the_gradient_is_that_of_central_differences(kernel):
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=np.shape(y)) for y in parts(kernel(*copy.deepcopy(KERNELS[kernel])))]
    f, xs = with_floats(kernel, weights)
    grads = gx.grad(f, argnums=tuple(range(len(xs))))(*xs)
    directions = [rng.normal(size=np.shape(x)) for x in xs]
    h = 1e-6
    slope = (f(*moved(xs, directions, h)) - f(*moved(xs, directions, -h))) / (2 * h)
    mine = sum(np.sum(g * d) for g, d in zip(grads, directions, strict=True))
    assert mine == pytest.approx(slope, rel=1e-5, abs=1e-7)


@per_kernel
def test_the_second_derivative_is_that_of_central_differences(kernel):
    rng = np.random.default_rng(6)
    weights = [rng.normal(size=np.shape(y)) for y in parts(kernel(*copy.deepcopy(KERNELS[kernel])))]
    f, xs = with_floats(kernel, weights)
    numbers = tuple(range(len(xs)))
    directions = [rng.normal(size=np.shape(x)) for x in xs]

    def slope(*vs):
        grads = gx.grad(lambda *us: f(*us) ** 2, argnums=numbers)(*vs)
        return sum(np.sum(g * d) for g, d in zip(grads, directions, strict=True))

    others = [rng.normal(size=np.shape(x)) for x in xs]
    h = 1e-5
    bend = (slope(*moved(xs, others, h)) - slope(*moved(xs, others, -h))) / (2 * h)
    mine = sum(
        np.sum(g * d) for g, d in zip(gx.grad(slope, argnums=numbers)(*xs), others, strict=True)
    )
    assert mine == pytest.approx(bend, rel=1e-4, abs=1e-6)
