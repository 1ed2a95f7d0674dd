"""Programs of plain NumPy, with one line added: the plain value to the bit, the right gradient."""

import copy

import numpy as np
import pytest

import gradx as gx
from tests.adoption import programs

RNG = np.random.default_rng(3)


def n(*shape):
    return RNG.standard_normal(shape)


INPUTS = {
    "heat": (n(6), 0.2),
    "advection": (n(5), 0.3),
    "jacobi_2d": (n(4, 5),),
    "seidel_2d": (n(4, 4),),
    "fdtd": (n(4, 3), 0.7),
    "lattice_boltzmann": (1 + 0.1 * n(3, 4),),
    "vertical_advection": (n(4, 2), n(4, 2)),
    "lu_solve": (n(4, 4) + 5 * np.eye(4), n(4)),
    "cholesky": (n(3, 3),),
    "gram_schmidt": (n(4, 3),),
    "durbin": (0.3 * n(4),),
    "thomas": (n(3), 4 + n(4), n(3), n(4)),
    "block_system": (0.4,),
    "n_body": (n(3, 2), n(3, 2)),
    "floyd_warshall": (RNG.uniform(0.5, 2.0, (4, 4)),),
    "alignment": (RNG.uniform(0.1, 1.0, (3, 4)),),
    "histogram": (RNG.uniform(0.5, 1.0, 6),),
    "covariance": (n(4, 3),),
    "conv2d": (n(4, 4), n(2, 2)),
    "kalman_likelihood": (0.3, 0.5),
    "loss_of_network": (programs.Network([programs.Dense(n(2, 2), n(2)) for _ in range(2)]),),
    "swing": (0.5, 1.2),
    "black_scholes": (1.1, 1.0, 0.3),
    "rotation": (0.4,),
    "iterators": (n(2, 3),),
    "joined": (n(3),),
    "vectorized": (n(4),),
    "of_constants": (n(3),),
    "in_place_functions": (n(4),),
    "complex_signal": (n(3),),
    "decorated": (n(3),),
}


def test_every_program_is_run():
    functions = {name for name, f in vars(programs).items() if callable(f)}
    helpers = {"limiter", "forces", "rk4", "pendulum", "logged", "Kalman", "Dense", "Network"}
    imported = {"array", "dot", "zeros", "norm", "solve", "dataclass", "field", "partial", "wraps"}
    assert functions - helpers - imported == set(INPUTS)


def weighed(f):
    """The result of a program, weighed: a number that every item of it changes."""

    def number(*xs):
        y = f(*xs)
        return np.sum(y * np.cos(np.arange(np.size(y)).reshape(np.shape(y)) + 0.5))

    return number


def differences(f, xs, i, step=1e-6):
    x = np.array(xs[i], float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            moved = float(moved) if isinstance(xs[i], float) else moved
            others = copy.deepcopy(xs)
            ends.append(f(*others[:i], moved, *others[i + 1 :]))
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


@pytest.mark.parametrize("name", INPUTS)
def test_program(name):
    program, xs = getattr(programs, name), INPUTS[name]
    before = copy.deepcopy(xs)
    plain = program(*copy.deepcopy(xs))
    adopted = gx.adopt(program)
    value, gradients = gx.backprop(adopted, *xs)
    assert type(value) is type(plain)
    np.testing.assert_array_equal(value, plain)
    if isinstance(plain, np.ndarray):
        assert (value.dtype, value.strides) == (plain.dtype, plain.strides)
    assert repr(xs) == repr(before), "the inputs were changed"
    gradients = gx.grad(lambda *vs: weighed(adopted)(*vs), argnums=tuple(range(len(xs))))(*xs)
    for i, gradient in enumerate(gradients):
        if isinstance(xs[i], (float, np.ndarray)):
            wanted = differences(weighed(program), xs, i)
            np.testing.assert_allclose(gradient, wanted, rtol=1e-5, atol=1e-7)


def test_gradient_of_a_record_of_layers():
    net = INPUTS["loss_of_network"][0]
    adopted = gx.adopt(programs.loss_of_network)
    gradient = gx.grad(lambda net: np.sum(adopted(net)))(net)
    assert type(gradient) is programs.Network and type(gradient.layers[0]) is programs.Dense

    def moved(step):
        other = copy.deepcopy(net)
        other.layers[0].w[1, 0] += step
        return np.sum(programs.loss_of_network(other))

    slope = (moved(1e-6) - moved(-1e-6)) / 2e-6
    assert gradient.layers[0].w[1, 0] == pytest.approx(slope, rel=1e-6)
    assert net.seen == []


@pytest.mark.parametrize("name", ["heat", "lu_solve", "kalman_likelihood", "swing"])
def test_second_derivative(name):
    program, xs = getattr(programs, name), INPUTS[name]
    adopted = gx.adopt(program)
    last = len(xs) - 1

    def slope(*vs):
        return np.sum(gx.grad(lambda *ws: weighed(adopted)(*ws), argnums=last)(*vs) ** 2)

    gradient = gx.grad(slope, argnums=last)(*xs)
    np.testing.assert_allclose(gradient, differences(slope, xs, last), rtol=1e-4, atol=1e-6)
