"""Folding: reduce a value of a recursive type from the leaves up, without recursion.

A function that calls itself for each part of a tree overflows Python's stack where the tree is
deep. `fold_tree` calls a function once for each node, the innermost first.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from gradx.core.dispatch import Lifted
from gradx.core.spec import primal
from gradx.reverse.results import split
from gradx.values.operations import Item, Kind, ValueType, children_of, fold, rebuilt, value_type

__all__ = ["fold_tree"]

R = TypeVar("R")
_RECORDS = (Kind.RECORD, Kind.NAMED_TUPLE)


def fold_tree(function: Callable[[Any], R], tree: Any, of: Any = None) -> R:
    """Fold a value of a recursive type into one result, from the leaves up.

    Args:
        function: called once for every node, with the node's recursive parts replaced by their
            results; it may `match` on the node.
        tree: a value of a recursive type, of any depth.
        of: the class of the nodes, or a tuple or union of classes; by default every record in the
            value is a node.

    Returns:
        The result of the function for the outermost node.

    Raises:
        TypeError: the value is not a node.

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

    def is_node(x: Any) -> bool:
        value = primal(x)
        return value_type(value).kind in _RECORDS and isinstance(value, classes)

    def opened(x: Any) -> Any:
        return split(x) if isinstance(x, Lifted) and is_node(x) else x

    def expand(x: Any, spec: ValueType, _: Any) -> tuple[Any, list[Item]]:
        if spec.kind in _RECORDS and not is_node(x):
            return x, []  # a record that is not a node is kept as it is
        return x, [(key, opened(child), None) for key, child in children_of(x, spec)]

    def rebuild(x: Any, spec: ValueType, keys: list[Any], parts: list[Any]) -> Any:
        if not is_node(x):
            return rebuilt(x, spec, keys, parts) if keys else x
        return function(rebuilt(x, spec, keys, parts))

    if not is_node(tree):
        raise TypeError(
            f"fold_tree folds records, and a {type(primal(tree)).__name__} is not a node of the "
            "tree; give a dataclass, and in of= the classes of its nodes"
        )
    return fold(opened(tree), None, expand, lambda x, *_: x, rebuild=rebuild, own=True)  # type: ignore[no-any-return]


def _classes(of: Any) -> Any:
    if isinstance(of, tuple):
        return tuple(c for part in of for c in _classes(part))
    if typing.get_origin(of) in (typing.Union, types.UnionType):
        return _classes(typing.get_args(of))
    return (typing.get_origin(of) or of,)
