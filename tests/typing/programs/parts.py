# pyright: strict, reportUnknownLambdaType=false, reportUnknownArgumentType=false
"""Parts of values: taken apart, put together, frozen, tied and folded."""

from __future__ import annotations

from typing import Any, NamedTuple, assert_type

import gradx as gx


class Net(gx.Record, frozen=True):
    first: float
    second: float
    name: str = gx.static(default="net")


class Pair(NamedTuple):
    x: float
    y: float


class Leaf(gx.Record):
    size: float


class Branch(gx.Record):
    left: Tree
    right: Tree


Tree = Leaf | Branch


def plus(total: float, x: float) -> float:
    return total + x


net = Net(1.0, 2.0)
first = gx.lens(Net, lambda net: net.first)
second = gx.lens(Net, lambda net: net.second)

assert_type(gx.replace(net, first=3.0), Net)
assert_type(gx.freeze(net, first), Net)
assert_type(gx.freeze(net, "second"), Net)
assert_type(gx.tied(net, first, second), Net)
assert_type(gx.collect_var([1.0, 2.0]), list[float])
assert_type(gx.coerce_var(Pair, (1.0, 2.0)), Pair)
assert_type(gx.split(net), Net)
assert_type(gx.bp_op(lambda x: x * x), gx.Op)
assert_type(gx.op_lens(first) >> gx.id_op, gx.Op)
assert_type(gx.no_grad(divmod), gx.Op)
assert_type(gx.T2(1.0, 2.0) - 0.5 * gx.T2(1.0, 2.0), gx.T2)
assert_type(gx.prelude.foldl(plus, 0.0, [1.0]), float)
assert_type(gx.prelude.fill_like([1.0], 2.0), list[float])
gx.iso_var(lambda x, y: [x, y], tuple, 1.0, 2.0)
gx.prelude.sum(gx.prelude.fmap(lambda x: x * x, [1.0, 2.0]))
assert_type(gx.prelude.length([1.0]), int)
assert_type(gx.prelude.to_list((1.0, 2.0)), list[Any])


def error(net: Net) -> float:
    frozen = gx.freeze(net, second)
    return (frozen.first * frozen.second) ** 2


assert_type(gx.grad(error)(net), Net)


# A fold over a recursive sum type, and the gradient of a tree.
def total(node: Tree) -> float:
    match node:
        case Leaf(size):
            return size
        case Branch(left, right):
            return total(left) + total(right)


tree: Tree = Branch(Leaf(1.0), Leaf(2.0))
assert_type(gx.fold_tree(lambda node: 1.0, Leaf(1.0)), float)
gradient: Tree = gx.grad(total)(tree)


def wrong() -> None:
    gx.replace(net, first=3.0).third  # error
    gx.freeze(net, 3.0)  # error
    gx.T2(1.0)  # error
    gx.T3(1.0, 2.0)  # error
    gx.freeze(net, first).upper()  # error
    gx.tied(net, second, 3.0)  # error
    gx.coerce_var(Pair, (1.0, 2.0)).z  # error
    gx.collect_var([1.0]).x  # error
    gx.op_lens("first")  # error
    gx.bp_op(3.0)  # error
    gx.prelude.length([1.0]).size  # error
    gx.prelude.foldl(3.0, 1.0, [1.0])  # error
    gx.prelude.foldl(plus, "text", [1.0])  # error
    Branch(Leaf(1.0), 2.0)  # error
    text: str = gx.grad(error)(net)  # error
    leaf: Leaf = gx.grad(total)(tree)  # error
