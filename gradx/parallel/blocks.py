"""Blocks: the parts of a batch, which rank computes which, and a sum in one fixed order.

The sum of floating point numbers depends on the order of the additions, and an engine chooses
that by the number of ranks and the length of the vector. Where the result must not depend on how
many ranks there are, a batch has a fixed number of blocks, and what is computed for them is added
in one binary tree, whoever computes it:

    ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7))

A rank adds up the largest subtrees that lie wholly in its own blocks. Those are gathered, and every
rank does the rest of the additions itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradx.parallel.errors import ParallelError
from gradx.parallel.group import Group, check_on_host

__all__ = ["BLOCKS", "Part", "parts_of", "sum_of_blocks"]

BLOCKS = 8
"""How many blocks a batch has, unless it is said otherwise."""

Vectors = Sequence[NDArray[Any]]


class Part(NamedTuple):
    """A part of a range of items.

    Attributes:
        start: the first item.
        stop: behind the last one.
    """

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many items it has."""
        return self.stop - self.start


def parts_of(count: int, parts: int) -> list[Part]:
    """A range of items in parts that differ by one item at most; some are empty if it is short.

    >>> parts_of(10, 4)
    [Part(start=0, stop=2), Part(start=2, stop=5), Part(start=5, stop=7), Part(start=7, stop=10)]
    """
    stops = [k * count // parts for k in range(parts + 1)]
    return [Part(*pair) for pair in pairwise(stops)]


def sum_of_blocks(
    group: Group, sizes: Sequence[int], compute: Callable[[int], Vectors], like: Vectors
) -> list[NDArray[Any]]:
    """The sum over blocks of what is computed for them, in an order that is always the same.

    Args:
        group: the ranks, no more than there are blocks. Each does the work of neighbouring blocks.
        sizes: how many items each block has; those without any are left out of the sum.
        compute: ``compute(k)`` gives the vectors of block k, new ones, of the same lengths and
            dtypes for every block.
        like: vectors of these lengths and dtypes; a rank whose blocks are all empty has no others.

    Returns:
        The sums of the vectors, the same on all ranks, bit for bit, and for every number of ranks.

    Raises:
        ParallelError: there are more ranks than blocks, no block has an item, or several ranks have
            arrays of a device.
    """
    count = len(sizes)
    if group.size > count:
        raise ParallelError(
            f"{group.size} ranks cannot share {count} blocks of a batch; start {count} or fewer"
        )
    if not any(sizes):
        raise ParallelError("a sum of blocks that are all empty; give at least one item")
    whole = Part(0, count)
    nodes = [_nodes(whole, owner, sizes) for owner in parts_of(count, group.size)]
    known = {node: _total(node, sizes, {}, compute) for node in nodes[group.rank]}
    if group.size > 1:
        known = _exchanged(group, nodes, known, like)
    return _total(whole, sizes, known, compute)


def _nodes(node: Part, owner: Part, sizes: Sequence[int]) -> list[Part]:
    """The largest nodes of the tree whose blocks all are an owner's, and are not all empty."""
    if node.stop <= owner.start or owner.stop <= node.start:
        return []
    if owner.start <= node.start and node.stop <= owner.stop:
        return [node] if any(sizes[node.start : node.stop]) else []
    left, right = _halves(node)
    return _nodes(left, owner, sizes) + _nodes(right, owner, sizes)


def _halves(node: Part) -> tuple[Part, Part]:
    """The two nodes below one."""
    middle = (node.start + node.stop) // 2
    return Part(node.start, middle), Part(middle, node.stop)


def _total(
    node: Part,
    sizes: Sequence[int],
    known: dict[Part, list[NDArray[Any]]],
    compute: Callable[[int], Vectors],
) -> list[NDArray[Any]]:
    """The sum of the blocks of a node that is not empty."""
    if node in known:
        return known[node]
    if node.size == 1:
        return list(compute(node.start))
    halves = [half for half in _halves(node) if any(sizes[half.start : half.stop])]
    total, *rest = [_total(half, sizes, known, compute) for half in halves]
    for other in rest:
        for x, y in zip(total, other, strict=True):
            np.add(x, y, out=x)  # nobody else has it: a block's vectors are new
    return total


def _exchanged(
    group: Group, nodes: Sequence[Sequence[Part]], mine: Mapping[Part, Vectors], like: Vectors
) -> dict[Part, list[NDArray[Any]]]:
    """What all ranks know of their nodes, from what each knows of its own."""
    most = max(map(len, nodes))
    found: dict[Part, list[NDArray[Any]]] = {node: [] for own in nodes for node in own}
    for i, vector in enumerate(like):
        check_on_host(vector)
        rows = np.zeros((most, vector.size), vector.dtype)
        for row, vectors in zip(rows, mine.values(), strict=False):
            row[...] = vectors[i]
        everything = group.gather(rows.reshape(-1)).reshape(group.size, most, vector.size)
        for own, theirs in zip(nodes, everything, strict=True):
            for node, row in zip(own, theirs, strict=False):
                found[node].append(row)
    return found
