"""Folding: recursive types, from the leaves up, without recursion.

A function that calls itself for each part of a tree overflows Python's stack where the tree is
deep. `fold_tree` calls it once for each node, the innermost first.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from gradx.bvar import plain
from gradx.joining import split
from gradx.value import Item, Kind, ValueType, children_of, fold, rebuilt, value_type

__all__ = ["fold_tree"]

R = TypeVar("R")


def fold_tree(function: Callable[[Any], R], tree: Any, of: Any = None) -> R:
    """A recursive value folded into one result, from the leaves up.

    Args:
        function: called once for every node, with the node's recursive parts replaced by their
            results; it may `match` on the node.
        tree: a value of a recursive type, or a variable of one, of any depth.
        of: the classes of its nodes, one, a tuple or a union of them; by default every record in
            it is a node.

    Returns:
        What the function gives for the outermost node.

    Raises:
        TypeError: the value is no node.

    >>> from __future__ import annotations
    >>> from dataclasses import dataclass
    >>> import gradx as gx
    >>> @dataclass
    ... class Leaf:
    ...     size: float
    >>> @dataclass
    ... class Branch:
    ...     left: Branch | Leaf
    ...     right: Branch | Leaf
    >>> def total(node):
    ...     match node:
    ...         case Leaf(size):
    ...             return size**2
    ...         case Branch(left, right):  # the results of the two
    ...             return left + right
    >>> gx.grad(lambda tree: fold_tree(total, tree))(Branch(Leaf(1.0), Leaf(3.0)))
    Branch(left=Leaf(size=2.0), right=Leaf(size=6.0))
    """
    classes = object if of is None else _classes(of)

    def is_node(x: Any, spec: ValueType) -> bool:
        return spec.kind in (Kind.RECORD, Kind.NAMED_TUPLE) and isinstance(plain(x), classes)

    def expand(x: Any, spec: ValueType, _: Any) -> tuple[Any, list[Item]]:
        if is_node(x, spec):
            x = split(x)
        elif spec.kind is Kind.RECORD or spec.kind is Kind.NAMED_TUPLE:
            return x, []  # a record, but no node: it is kept as it is
        return x, [(key, child, None) for key, child in children_of(split(x), spec)]

    def rebuild(x: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
        if not is_node(x, spec):
            return rebuilt(x, spec, keys, parts) if keys else x
        return function(rebuilt(x, spec, keys, parts))

    if not is_node(tree, value_type(tree)):
        raise TypeError(
            f"fold_tree goes over records, and a {type(plain(tree)).__name__} is no node of the "
            "tree; give a dataclass, and in of= the classes of its nodes"
        )
    return fold(tree, None, expand, lambda x, *_: x, rebuild=rebuild, own=True)  # type: ignore[no-any-return]


def _classes(of: Any) -> Any:
    if isinstance(of, tuple):
        return tuple(c for part in of for c in _classes(part))
    if typing.get_origin(of) in (typing.Union, types.UnionType):
        return _classes(typing.get_args(of))
    return (typing.get_origin(of) or of,)
