"""Gradients: how the gradient of a step comes about, from the whole batch or from pieces of it.

This is the hook for work that is divided. A step has a *global batch*, some rows of the data. A
strategy says which pieces of it are computed here, and puts what they gave together:

* `Gradients` itself takes the whole batch at once.
* `Blocks` cuts it into a fixed number of blocks and adds their gradients in a fixed tree, so that
  the bits do not depend on who computes which block.
* A group of processes is a strategy whose ``pieces`` are this process's own, and whose ``combine``
  and ``total`` add over all processes. Nothing else of a run knows of the others.

Only the rows of the pieces are read from the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradx as gx
from gradx.train.values import multiple, sum_in_tree

Found = tuple[Any, Any, int]
"""What one piece gave: the loss, its gradient, and the number of rows."""

Loss = Callable[[Any, Any], Any]
"""``loss(params, batch)`` gives one number."""


@dataclass(frozen=True)
class Piece:
    """Some rows of a global batch.

    Attributes:
        batch: those rows of the data.
        rows: how many.
    """

    batch: Any
    rows: int


@dataclass(frozen=True)
class Gradients:
    """The gradient of the whole batch at once; base of the other strategies.

    Attributes:
        reduction: whether the loss is the ``"mean"`` or the ``"sum"`` over its batch. A mean over
            pieces weighs each by its rows.
    """

    reduction: str = "mean"

    @property
    def whole(self) -> bool:
        """Whether a batch is not cut: a step is given the batch itself, not its pieces."""
        return True

    def pieces(self, count: int) -> Sequence[slice]:
        """The rows, of a global batch of ``count``, that are computed here: each slice at once.

        None is empty. There may be no slice at all, where others compute all of them.
        """
        return (slice(0, count),)

    def of(self, loss: Loss, params: Any, pieces: Sequence[Piece], count: int) -> tuple[Any, Any]:
        """The loss of a global batch and its gradient.

        Args:
            loss: ``loss(params, batch)``.
            params: the parameters.
            pieces: those that `pieces` gave, read from the data.
            count: how many rows the global batch has.
        """
        both = gx.value_and_grad(loss)
        return self.combine([(*both(params, p.batch), p.rows) for p in pieces], count, params)

    def combine(self, found: Sequence[Found], count: int, params: Any) -> tuple[Any, Any]:
        """The loss of a global batch and its gradient from those of the pieces computed here.

        Args:
            found: what each piece gave, in order; it may be written into.
            count: how many rows the global batch has.
            params: the parameters, of whose structure a gradient is.
        """
        found = self.weighted(found, count)
        loss = sum_in_tree([y for y, _, _ in found])
        return loss, sum_in_tree([g for _, g, _ in found])

    def weighted(self, found: Sequence[Found], count: int) -> Sequence[Found]:
        """Losses and gradients of pieces as they are added to those of the global batch."""
        if self.reduction == "sum":
            return found
        return [
            (y, g, n) if n == count else (y * (n / count), multiple(g, n / count), n)
            for y, g, n in found
        ]

    def total(self, sums: list[dict[str, float]]) -> list[dict[str, float]]:
        """Sums over all who take part, by name, of what each has summed over its own pieces."""
        return sums


@dataclass(frozen=True)
class Blocks(Gradients):
    """Each global batch in a fixed number of blocks, gradients added in one fixed binary tree.

    So one process and several give the same bits, where each takes whole blocks.

    Attributes:
        reduction: see `Gradients`.
        blocks: how many; a power of two.

    >>> Blocks().pieces(20)[:3]
    (slice(0, 2, None), slice(2, 5, None), slice(5, 7, None))
    >>> pieces = [Piece([float(i)], 1) for i in range(8)]
    >>> Blocks().of(lambda w, x: w * x[0], 3.0, pieces, 8)
    (10.5, 3.5)
    """

    blocks: int = 8

    @property
    def whole(self) -> bool:
        """See `Gradients.whole`."""
        return False

    def pieces(self, count: int) -> Sequence[slice]:
        """The blocks of a global batch: as equal as can be; of few rows some are left out."""
        return tuple(s for s in self.cuts(count) if s.start < s.stop)

    def cuts(self, count: int) -> Sequence[slice]:
        """All blocks of a global batch, empty ones too."""
        n = self.blocks
        return tuple(slice(i * count // n, (i + 1) * count // n) for i in range(n))

    def combine(self, found: Sequence[Found], count: int, params: Any) -> tuple[Any, Any]:
        """See `Gradients.combine`: each block has its place in the tree."""
        rest = iter(self.weighted(found, count))
        places = [next(rest) if s.start < s.stop else None for s in self.cuts(count)]
        loss = sum_in_tree([None if each is None else each[0] for each in places])
        return loss, sum_in_tree([None if each is None else each[1] for each in places])
