"""A tree that learns: a recursive sum type whose gradient is a tree of the same shape.

A tree is a `Leaf` with an answer, or a `Split` that sends a point to the left or to the right. Here
it sends a share of it each way, as much as a logistic function says, so that the answer has a
derivative; hardened after learning, it is a plain decision tree.
"""

from __future__ import annotations

import numpy as np

import gradx as gx


class Leaf(gx.Record, frozen=True):
    answer: float


class Split(gx.Record, frozen=True):
    weights: np.ndarray  # (n,)
    bias: float
    left: Tree
    right: Tree


Tree = Leaf | Split


def random_tree(rng: np.random.Generator, depth: int) -> Tree:
    if depth == 0:
        return Leaf(rng.normal())
    left, right = random_tree(rng, depth - 1), random_tree(rng, depth - 1)
    return Split(rng.normal(size=2), 0.0, left, right)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def soft(tree: Tree, x: np.ndarray) -> np.ndarray | float:
    """The answers for points, (k, n): each leaf's, weighed by the share that comes to it."""
    match gx.split(tree):
        case Leaf(answer):
            return answer
        case Split(weights, bias, left, right):
            share = logistic(x @ weights + bias)
            return share * soft(right, x) + (1 - share) * soft(left, x)
    raise TypeError(tree)


def hard(tree: Tree, x: np.ndarray) -> float:
    """The answer for one point, (n,), which goes one way at each split."""
    while isinstance(tree, Split):
        tree = tree.right if x @ tree.weights + tree.bias > 0 else tree.left
    return tree.answer


def shown(tree: Tree) -> str:
    match tree:
        case Leaf(answer):
            return f"{answer:.2f}"
        case Split(weights, bias, left, right):
            a, b = weights
            return f"[{a:.1f}x {b:+.1f}y {bias:+.1f} > 0? {shown(right)} : {shown(left)}]"
    raise TypeError(tree)


def shape(tree: Tree) -> object:
    return (shape(tree.left), shape(tree.right)) if isinstance(tree, Split) else "leaf"


def loss(tree: Tree, x: np.ndarray, target: np.ndarray) -> np.floating:
    return np.mean((soft(tree, x) - target) ** 2)


rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (300, 2))
target = np.where(x[:, 0] * x[:, 1] > 0, 1.0, -1.0)  # no single split can tell these apart

tree = random_tree(rng, depth=2)
gradient = gx.grad(loss)(tree, x, target)
assert type(gradient) is Split and shape(gradient) == shape(tree)

for step in range(1, 401):
    error, gradient = gx.value_and_grad(loss)(tree, x, target)
    tree = tree - 1.0 * gradient  # a tree less a tree
    if step % 100 == 0:
        print(f"step {step}  error {error:.4f}")

right = np.mean([hard(tree, point) * side > 0 for point, side in zip(x, target, strict=True)])
print(shown(tree))
print(f"as a plain decision tree, {100 * right:.1f}% right")
assert right > 0.95
