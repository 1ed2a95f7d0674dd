# pyright: strict, reportUnknownLambdaType=false, reportUnknownArgumentType=false
"""Ops: of functions that return a result and its pullback."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import gradx as gx

Vector = NDArray[np.float64]


@gx.lift
def dot(x: Vector, y: Vector) -> tuple[float, Callable[[float], tuple[Vector, Vector]]]:
    return float(x @ y), lambda g: (g * y, g * x)


@gx.lift
def scaled(x: float, *, by: float) -> tuple[float, Callable[[float], float]]:
    return by * x, lambda g: by * g


x: Vector = np.ones(2)

# What is lifted takes the operands and returns the result alone.
assert_type(dot(x, x), float)
assert_type(scaled(2.0, by=3.0), float)
assert_type(gx.grad_bp(dot, x, x), tuple[Vector, Vector])

square = gx.op1(lambda x: (x * x, lambda g: g * 2 * x), name="square")
times = gx.op2(lambda x, y: (x * y, lambda g: (g * y, g * x)))
assert_type(square, gx.Op)
assert_type(square >> square, gx.Op)
assert_type(gx.compose(times, square, square), gx.Op)
assert_type(square.run(3.0), tuple[Any, Any])
gx.lift_op1(square)(3.0)
gx.lift_op2(times)(3.0, 4.0)
gx.op0(3.0).eval()
gx.op3(lambda x, y, z: (x + y + z, lambda g: (g, g, g))).run(1.0, 2.0, 3.0)
gx.op_n(lambda *xs: (sum(xs), lambda g: tuple(g for _ in xs))).run(1.0, 2.0)
gx.Op("exp", np.exp, lambda g, y: g * y).run(0.0)


def wrong() -> None:
    dot(x)  # error
    dot("x", x)  # error
    dot(x, x)[1]  # error
    scaled(2.0, 3.0)  # error
    scaled(2.0, to=3.0)  # error
    square >> 3.0  # error
    gx.op1(3.0)  # error
    gx.op1(lambda x, y: (x, lambda g: g))  # error
    gx.lift_op1(lambda x: x)  # error
    gx.lift_op1(square)(1.0, 2.0)  # error
    gx.lift_op2(times)(1.0)  # error
    gx.compose(square, 3.0)  # error
    gx.lift(3.0)  # error
