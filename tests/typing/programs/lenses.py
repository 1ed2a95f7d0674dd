# pyright: strict, reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
"""Lenses, prisms and the other optics: the types of what they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

import gradx as gx


@gx.record
class Layer:
    weight: float
    bias: float = 0.0


@gx.record
class Net:
    layers: list[Layer]
    scale: gx.Field[float]
    name: gx.Field[str]
    spare: float | None = None


@dataclass
class Circle:
    radius: float


@dataclass
class Box:
    width: float
    height: float


Shape = Circle | Box

net = Net([Layer(1.0)], 2.0, "net")
circle: Shape = Circle(1.0)

# A path written as a function is followed by the checkers; one by attributes is not.
weight = gx.lens(Net, lambda net: net.layers[0].weight)
assert_type(weight, gx.Lens[Net, float])
assert_type(gx.view(weight, net), float)
assert_type(gx.set(weight, 3.0, net), Net)
assert_type(gx.over(weight, lambda w: w + 1.0, net), Net)
by_name = gx.lens(Net).layers[0].weight
assert_type(by_name, gx.Lens[Net, Any])
assert_type(gx.set(by_name, 3.0, net), Net)
assert_type(gx.to_list(weight, net), list[float])
assert_type(gx.preview(weight, net), float | None)
assert_type(gx.expect(weight, net), float)

# Fields: the class has lenses, an instance values.
assert_type(Net.scale, gx.Lens[Net, float])
assert_type(net.scale, float)
assert_type(gx.view(Net.name, net), str)
assert_type(gx.grad(lambda n: gx.view(Net.scale, n) ** 2)(net), Any)


def error(net: Net) -> float:
    return (gx.view(weight, net) - 1.0) ** 2 * gx.view(Net.scale, net)


assert_type(gx.grad(error)(net), Net)

# Composition.
first = gx.lens(Net, lambda net: net.layers[0])
bias = gx.lens(Layer, lambda layer: layer.bias)
assert_type(first >> bias, gx.Lens[Net, float])
assert_type(gx.view(first >> bias, net), float)
every = gx.lens(Net, lambda net: net.layers).each()
assert_type(gx.set(every, Layer(0.0), net), Net)

# Sum types.
as_circle = gx.lens(Shape).instance(Circle)
radius = gx.lens(Circle, lambda circle: circle.radius)
assert_type(gx.preview(as_circle, circle), Circle | None)
assert_type(gx.expect(as_circle >> radius, circle), float)
assert_type(gx.to_list(gx.at_instances_of(Layer), net), list[Layer])

# A class is the prism to its instances; an item may be missing; an Optional may be None.
assert_type(gx.preview(Circle, circle), Circle | None)
assert_type(gx.preview(Circle, circle, Circle(0.0)), Circle)
assert_type(gx.preview(radius, Circle(1.0), "none"), float | str)
assert_type(gx.expect(Circle, circle).radius, float)
assert_type(gx.lens(Net, lambda net: net.layers).ix(3), gx.Affine[Net, Any])
spare = gx.lens(Net, lambda net: net.spare)
assert_type(spare, gx.Lens[Net, float | None])
assert_type(spare.just(), gx.Affine[Net, float])
assert_type(gx.preview(spare.just(), net), float | None)
assert_type(gx.over(spare.just(), lambda x: x * 2, net), Net)
assert_type(gx.lens(Net).fields("scale", "name"), gx.Lens[Net, tuple[Any, ...]])

# Isos and prisms of functions.
celsius = gx.iso(lambda f: (f - 32.0) / 1.8, lambda c: c * 1.8 + 32.0)
gx.view(celsius, 212.0)


def to_kelvin(c: float) -> float:
    return c + 273.15


def to_celsius(k: float) -> float:
    return k - 273.15


def digit(text: str) -> int | None:
    return int(text) if text.isdigit() else None


kelvin = gx.iso(to_kelvin, to_celsius)
assert_type(kelvin, gx.Iso[float, float])
assert_type(~kelvin, gx.Iso[float, float])
assert_type(gx.review(kelvin, 300.0), float)
number = gx.prism(digit, str)
assert_type(number, gx.Prism[str, int])
assert_type(gx.preview(number, "7"), int | None)
assert_type(gx.review(number, 7), str)


def wrong() -> None:
    gx.lens(Net, lambda net: net.layer[0])  # error
    gx.view(weight, Layer(1.0))  # error
    gx.set(weight, "heavy", net)  # error
    gx.set(weight, 3.0, Layer(1.0))  # error
    gx.over(weight, lambda w: w.upper(), net)  # error
    gx.over(weight, lambda w: f"{w} kg", net)  # error
    gx.over(Net.name, len, net)  # error
    gx.lens(net)  # error
    gx.view(weight, net).upper()  # error
    gx.view(Net.weights, net)  # error
    gx.view(Net.name, net) + 1.0  # error
    gx.view(as_circle, circle)  # error
    gx.view(every, net)  # error
    gx.preview(as_circle, circle).radius  # error
    gx.preview(Circle, circle).radius  # error
    gx.view(Circle, circle)  # error
    gx.view(spare.just(), net)  # error
    gx.view(spare, net) + 1.0  # error
    gx.review(as_circle, 3.0)  # error
    gx.review(weight, 3.0)  # error
    gx.review(number, "7")  # error
    bias >> first  # error
    first >> radius  # error
    gx.iso(digit, to_kelvin)  # error
    gx.prism(digit, to_kelvin)  # error
    Net([Layer(1.0)], "large", "net")  # error
    text: str = net.scale  # error
