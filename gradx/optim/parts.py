"""Parts: the leaves of a value that optics choose.

A value of the structure of the parameters with a mark in the place of each leaf says what a leaf
is chosen for: the position of its optic as a text, which is a part of any record, or None. A part
alone is the value with None in the place of every other leaf, so that a method works on it, and
what it remembers of it has the paths of the whole.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.spec import primal, spec_of
from gradx.errors import StructureError
from gradx.lens import Traversal, to_list
from gradx.optim.errors import MethodError
from gradx.records.tree_map import expand
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType, Where, every_mismatch, fold, leaves_of, parts_alone

__all__ = ["joined_parts", "marked", "only"]

T = TypeVar("T")


def marked(whole: Any, optics: Sequence[Any], called: str) -> Any:
    """A value like another with the mark of an optic, or None, in the place of each leaf.

    Args:
        whole: the value.
        optics: each chooses some leaves, or containers with all of their leaves.
        called: what they are of, for messages.

    Raises:
        MethodError: one is no optic, chooses nothing, or something that is no whole leaf; or two
            choose the same leaf.
    """
    alone = map_leaves(whole, lambda x, _: _apart(x))
    chosen: dict[int, int] = {}
    own = {id(x) for x in leaves_of(alone)}
    for k, optic in enumerate(optics):
        if not isinstance(optic, Traversal):
            raise MethodError(
                f"{called} has {optic!r}, which is no optic; write gx.lens(Net).weights, "
                "gx.at_instances_of(Layer) and the like"
            )
        found = [x for part in to_list(optic, alone) for x in leaves_of(part)]
        if not found:
            raise MethodError(
                f"{called}: {optic!r} finds no numbers in a {type(whole).__name__}; leave it out, "
                "or see what gx.to_list of it gives"
            )
        for x in found:
            if id(x) not in own:
                raise MethodError(
                    f"{called}: {optic!r} chooses a piece of an array or something that it makes "
                    "itself; choose arrays and numbers as they are in the parameters, or records "
                    "with all that is in them"
                )
            if chosen.setdefault(id(x), k) != k:
                raise MethodError(
                    f"{called}: {optics[chosen[id(x)]]!r} and {optic!r} both choose "
                    f"{_path_of(alone, x)}; choose each part once"
                )
    return map_leaves(alone, lambda x, _: str(chosen[id(x)]) if id(x) in chosen else None)


def _apart(x: Any) -> Any:
    """A leaf of its own: the same number or memory as another object, without variables."""
    x = primal(x)
    if isinstance(x, Lifted):  # it holds no value: examples, of which an optic sees the shape
        spec = spec_of(x)
        return np.zeros(spec.shape, spec.dtype) if spec.shape else np.dtype(spec.dtype).type(0)
    if isinstance(x, np.ndarray):
        return x.view()
    if type(x) in (int, float, complex):
        return x * 1.0
    return copy.copy(x)


def _path_of(whole: Any, leaf: Any) -> str:
    found: list[str] = []

    def look(x: Any, _: ValueType, __: Any, where: Where) -> None:
        if x is leaf:
            found.append(where())

    fold(whole, None, parts_alone, look, "params", rebuild=lambda *_: None)
    return found[0]


def only(whole: Any, marks: Any, mark: str | None) -> Any:
    """A value like another with None in the place of the leaves of other marks.

    Raises:
        StructureError: it is not of the structure that was marked; with the paths.
    """

    def leaf(x: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> Any:
        here = type(mates[0]) is type(mark) and mates[0] == mark
        return x if spec.static or here else None

    name = type(whole).__name__
    try:
        return fold(whole, (marks,), expand, leaf, name)
    except StructureError as error:
        text = every_mismatch(error, whole, (marks,), expand, leaf, name)
        raise StructureError(text) from None


def joined_parts(whole: T, marks: Any, parts: Mapping[str | None, Any]) -> T:
    """A value like another, each leaf from the part of its mark.

    Args:
        whole: the value.
        marks: of its structure, see `marked`.
        parts: by mark.
    """
    order = list(parts)

    def leaf(x: Any, spec: ValueType, mates: tuple[Any, ...], where: Where) -> Any:
        mark, *news = mates
        return x if spec.static else news[order.index(mark)]

    joined: T = fold(whole, (marks, *parts.values()), expand, leaf, type(whole).__name__)
    return joined
