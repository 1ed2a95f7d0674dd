"""Records in records: a model of a pendulum, read and changed through lenses.

A lens is the path to a part: `gx.lens(Model).pendulum.length`. It reads a part (`gx.view`), makes a
whole with another part (`gx.set`), or applies a function to a part (`gx.over`). Each works on plain
values and inside a differentiated function, where the gradient takes the same path back.
"""

from dataclasses import dataclass

import numpy as np

import gradx as gx


@gx.record
@dataclass(frozen=True)
class Pendulum:
    length: float  # m
    damping: float  # 1/s


@gx.record
@dataclass(frozen=True)
class Model:
    name: str
    pendulum: Pendulum
    start: dict[str, float]  # angle in rad, speed in rad/s
    gravity: float = gx.static(default=9.81)  # known, so not to be learned


LENGTH = gx.lens(Model).pendulum.length
ANGLE = gx.lens(Model).start["angle"]


def swing(model, steps=60, dt=0.02):
    """The angles of a swinging pendulum; a variable of a model behaves like a model."""
    angle, speed = model.start["angle"], model.start["speed"]
    angles = []
    for _ in range(steps):
        pull = -model.gravity / model.pendulum.length * np.sin(angle)
        speed = speed + dt * (pull - model.pendulum.damping * speed)
        angle = angle + dt * speed
        angles.append(angle)
    return np.stack(angles)


def misfit(model, seen):
    return np.mean((swing(model) - seen) ** 2)


truth = Model("truth", Pendulum(length=1.3, damping=0.4), {"angle": 0.8, "speed": 0.0})
seen = swing(truth)

# On plain values a lens makes new records and leaves the old one alone.
guess = gx.set(LENGTH, 1.0, gx.over(ANGLE, lambda angle: angle - 0.1, truth))
print("start ", guess)
assert gx.view(LENGTH, truth) == 1.3

# The gradient is a Model; the name and the static gravity pass through unchanged.
gradient = gx.grad(misfit)(guess, seen)
print("slope ", gradient)
assert isinstance(gradient, Model) and gradient.gravity == 9.81


# Inside a function a lens is differentiable. Here the length is learned as its logarithm, so that
# it cannot become negative, and the damping and the speed at the start are held at the truth.
def model_of(parameters):
    log_length, angle = parameters
    return gx.set(ANGLE, angle, gx.set(LENGTH, np.exp(log_length), truth))


def error(parameters):
    return misfit(model_of(parameters), seen)


parameters = (0.0, 0.7)
for _ in range(400):
    gradient = gx.grad(error)(parameters)
    parameters = tuple(p - 0.5 * g for p, g in zip(parameters, gradient, strict=True))

found = model_of(parameters)
print("found ", found)
assert abs(gx.view(LENGTH, found) - 1.3) < 1e-3
assert abs(gx.view(ANGLE, found) - 0.8) < 1e-3
