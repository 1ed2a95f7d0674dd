"""A sum type: a drawing of circles and rectangles, moved and resized until it fits.

A shape is a `Circle` or a `Rectangle`. `match gx.split(shape)` tells which one, on a plain shape
and on a variable of one alike, and binds the fields, as variables where the shape is one. A
gradient of a list of shapes is a list of the same shapes.
"""

from dataclasses import dataclass

import numpy as np

import gradx as gx


@gx.record
@dataclass(frozen=True)
class Circle:
    radius: float
    colour: str = "red"  # text has no derivative: it is static, and passes through


@gx.record
@dataclass(frozen=True)
class Rectangle:
    width: float
    height: float
    colour: str = "blue"


Shape = Circle | Rectangle


def area(shape: Shape) -> float:
    match gx.split(shape):
        case Circle(radius):
            return np.pi * radius**2
        case Rectangle(width, height):
            return width * height
    raise TypeError(shape)


def outline(shape: Shape) -> float:
    match gx.split(shape):
        case Circle(radius):
            return 2 * np.pi * radius
        case Rectangle(width, height):
            return 2 * (width + height)
    raise TypeError(shape)


def misfit(shapes: list[Shape]) -> float:
    """Each shape should have an area of 4, and as short an outline as it can."""
    return sum((area(shape) - 4) ** 2 + 0.1 * outline(shape) for shape in shapes)


# The same functions on plain shapes.
shapes: list[Shape] = [Circle(1.0), Rectangle(1.0, 5.0)]
print("areas before", [round(float(area(shape)), 3) for shape in shapes])

gradient = gx.grad(misfit)(shapes)
print("gradient    ", gradient)
assert [type(g) for g in gradient] == [Circle, Rectangle]
assert gradient[0].colour == "red"

for _ in range(8000):
    gradient = gx.grad(misfit)(shapes)
    shapes = [shape - 0.01 * g for shape, g in zip(shapes, gradient, strict=True)]

print("areas after ", [round(float(area(shape)), 3) for shape in shapes])
print(shapes)

# A rectangle of a given area has the shortest outline when it is a square.
rectangle = shapes[1]
assert abs(rectangle.width - rectangle.height) < 0.05
assert all(abs(area(shape) - 4) < 0.1 for shape in shapes)
