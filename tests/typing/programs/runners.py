# pyright: strict, reportUnknownLambdaType=false, reportUnknownArgumentType=false
"""Runners: gradients have the types of their inputs."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import gradx as gx

Vector = NDArray[np.float64]


class Net(gx.Record, frozen=True):
    weights: Vector
    bias: float = 0.0


def loss(net: Net, x: Vector, *, penalty: float = 0.0) -> float:
    y: float = np.dot(net.weights, x) + net.bias
    return y * y + penalty * net.bias


def loss_and_output(net: Net, x: Vector) -> tuple[float, str]:
    return loss(net, x), "an output"


def doubled(net: Net) -> Net:
    return net + net


def scaled(net: Net, by: float, again: float) -> float:
    return loss(net, net.weights) * by * again


x: Vector = np.ones(2)
net = Net(x)

# The transforms.
assert_type(gx.grad(loss)(net, x), Net)
assert_type(gx.grad(loss)(net, x, penalty=2.0), Net)
assert_type(gx.grad(loss, 1)(net, x), Vector)
assert_type(gx.grad(loss, argnums=(0, 1))(net, x), tuple[Net, Vector])
assert_type(gx.grad(loss, argnums=[0, 1])(net, x), Any)
assert_type(gx.grad(loss, argnames="x")(net, x=x), Any)
assert_type(gx.grad(scaled, 2)(net, 1.0, 2.0), Any)
assert_type(gx.grad(loss_and_output, has_aux=True)(net, x), tuple[Net, str])
assert_type(gx.value_and_grad(loss)(net, x), tuple[float, Net])
assert_type(gx.value_and_grad(loss, argnums=(0, 1))(net, x), tuple[float, tuple[Net, Vector]])
assert_type(gx.value_and_grad(loss_and_output, has_aux=True)(net, x), tuple[tuple[float, str], Net])

# The runners.
assert_type(gx.backprop(doubled, net), tuple[Net, Net])
assert_type(gx.backprop(loss, net, x), tuple[float, tuple[Net, Vector]])
assert_type(gx.backprop(scaled, net, 1.0, 2.0), tuple[float, tuple[Net, float, float]])
assert_type(gx.grad_bp(doubled, net), Net)
assert_type(gx.grad_bp(loss, net, x), tuple[Net, Vector])
assert_type(gx.eval_bp(loss, net, x, penalty=1.0), float)
y, pullback = gx.backprop_with(doubled, net)
assert_type(y, Net)
assert_type(pullback(net), Net)
assert_type(gx.backprop(loss, net=net, x=x)[0], float)


# A lambda says nothing about its parameters and may be called with anything.
gx.grad(lambda x: x**2)(3.0)
gx.grad(lambda x, y: x * y, argnums=(0, 1))(3.0, 4.0)
gx.grad(lambda x: x * gx.grad(lambda y: y * x)(1.0))(3.0)
gx.value_and_grad(lambda x, y: x * y, argnums=1)(3.0, 4.0)
assert_type(gx.grad_bp(lambda net: loss(net, x), net), Net)
assert_type(
    gx.grad_bp(lambda x, xs: sum(v**2 for v in xs) / x, 9.0, [1.0]), tuple[float, list[float]]
)
gx.grad(np.sin)(0.5)
gx.grad(gx.grad(np.sin))(0.5)
gx.grad(np.sum)(np.ones(3))


# Higher order.
def cube(x: float) -> float:
    return x**3


assert_type(gx.grad(gx.grad(cube))(2.0), float)
step: Callable[[Net, Vector], Net] = gx.grad(loss)


def wrong() -> None:
    gx.grad(loss)(x, net)  # error
    gx.grad(loss)(net)  # error
    gx.grad(loss)(net, x, fine=1.0)  # error
    gx.grad(doubled)  # error
    gx.grad(loss_and_output)  # error
    gx.grad(loss, has_aux=True)  # error
    gx.grad(loss, argnums="x")  # error
    gx.value_and_grad(doubled)  # error
    gx.backprop(doubled, 3.0)  # error
    gx.backprop(loss, x, net)  # error
    gx.backprop(loss, net)  # error
    gx.grad_bp(doubled, 3.0)  # error
    gx.eval_bp(loss, net, "x")  # error
    gx.eval_bp(loss, net, x, weight=1.0)  # error
    gx.backprop_with(doubled, x)  # error
    gx.grad(loss)(net, x).wieghts  # error
    text: str = gx.grad(cube)(2.0)  # error
    first, second, third = gx.grad_bp(loss, net, x)  # error
    step: Callable[[Vector], Net] = gx.grad(loss)  # error
