"""A tree of experts: a recursive sum type that learns (Jordan and Jacobs, 1994).

    gradx train experts.py --rate 0.02 --schedule cosine --epochs 40 --batch-size 40

A tree is an `Expert`, who answers with a straight line, or a `Gate`, which sends a question to the
left or to the right: a share of it each way, so that the answer has a derivative. The gradient of
a tree is a tree of the same shape, and so is what Adam remembers of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Expert:
    slope: float
    height: float


@dataclass(frozen=True)
class Gate:
    place: float  # where it turns from left to right
    sharpness: float  # as a logarithm
    left: Tree
    right: Tree


Tree = Expert | Gate


def init(rng):
    return grow(rng, -1.0, 1.0, depth=3)


def grow(rng, low, high, depth):
    """A tree for the questions between two numbers, its experts not sure of anything yet."""
    if depth == 0:
        return Expert(*(0.3 * rng.normal(size=2)).tolist())
    middle = (low + high) / 2
    left, right = grow(rng, low, middle, depth - 1), grow(rng, middle, high, depth - 1)
    return Gate(middle, float(np.log(3 / (high - low))), left, right)


def answer(tree, x):
    """What a tree says to questions, (n,): (n,)."""
    match tree:
        case Expert(slope, height):
            return slope * x + height
        case Gate(place, sharpness, left, right):
            share = (1 + np.tanh(np.exp(sharpness) * (x - place))) / 2
            return share * answer(right, x) + (1 - share) * answer(left, x)
    raise TypeError(tree)


def loss(tree, batch):
    x, y = batch
    return np.mean((answer(tree, x) - y) ** 2)


def predict(tree, x):
    return answer(tree, x)


def data():
    """A line with corners and a jump, seen with noise: no tree comes below a loss of 0.0025."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 2000)
    y = np.interp(x, [-1, -0.6, -0.1, 0.4, 1], [0, 1, -1, 0.5, 0.5]) + (x > 0.4)
    y = y + rng.normal(0, 0.05, x.shape)
    return (x[:1600], y[:1600]), (x[1600:], y[1600:])
