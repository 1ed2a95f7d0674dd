# pyright: strict
"""Records: dataclasses with arithmetic, static fields and type variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, assert_type

import numpy as np
from numpy.typing import NDArray

import gradx as gx

Matrix = NDArray[np.float64]
In = TypeVar("In")
Out = TypeVar("Out")
Next = TypeVar("Next")


@gx.record
class Point:
    x: float
    y: float = 0.0
    name: str = gx.static(default="p")


@gx.record(frozen=True)
class Fixed:
    x: float


@gx.record
@dataclass(frozen=True)
class Layer:
    weights: Matrix
    bias: float = gx.param(default=0.0)


class Step(gx.Record, frozen=True):
    size: float
    label: str = gx.static(default="step")


class Long(Step, frozen=True):
    legs: int = gx.static(default=2)


# What the decorator makes is a dataclass to the checkers.
assert_type(Point(1.0, name="q").name, str)
assert_type(Fixed(1.0).x, float)
assert_type(Layer(np.ones((2, 2))).bias, float)
assert_type(gx.grad(lambda p: p.x * p.y)(Point(1.0, 2.0)), Any)

# The base class has arithmetic, with numbers and with its own type.
step = Step(1.0)
assert_type(step - 0.5 * step, Step)
assert_type(2 * step / 3, Step)
assert_type(np.float64(2.0) - step, Step)
assert_type(abs(-step) ** 2, Step)
assert_type(Long(1.0, legs=3) - 0.1 * gx.grad_bp(lambda s: s.size**2, Long(1.0)), Long)
assert_type(sum([step, step], start=step), Step)


# Type variables: spaces that layers lead from and to.
class Map(gx.Record, Generic[In, Out], frozen=True):
    weights: Matrix

    def then(self, other: Map[Out, Next]) -> Map[In, Next]:
        product: Matrix = other.weights @ self.weights
        return Map(product)


class Pixels: ...


class Digits: ...


first: Map[Pixels, str] = Map(np.ones((3, 2)))
second: Map[str, Digits] = Map(np.ones((1, 3)))
assert_type(first.then(second), "Map[Pixels, Digits]")


def total(m: Map[Pixels, Digits]) -> float:
    s: float = np.sum(m.weights)
    return s


assert_type(gx.grad(total)(first.then(second)), "Map[Pixels, Digits]")

# Sum types: the gradient of a part has the type of the part.
assert_type(gx.split(step), Step)
assert_type(gx.join(step), Step)
assert_type(gx.value(step), Step)
assert_type(gx.zero(step), Step)
assert_type(gx.add(step, step), Step)


def wrong() -> None:
    Point("1")  # error
    Point(1.0, size=2.0)  # error
    Fixed(1.0).x = 2.0  # error
    Layer(np.ones((2, 2)), bias="none")  # error
    Step()  # error
    Step(1.0).size = 2.0  # error
    step - "text"  # error
    step + Long(1.0).label  # error
    step * [1.0]  # error
    [1.0] * step  # error
    Step(1.0).length  # error
    text: str = step + step  # error
    second.then(first)  # error
    gx.grad(total)(first)  # error
    gx.add(step, 1.0).size  # error
