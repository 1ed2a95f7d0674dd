"""Gradients: how the gradient of a step comes about, from the whole batch or from pieces of it.

A step has a *global batch*, some rows of the data. A strategy says which pieces of it are computed
by this process, and puts together what all processes found:

* `Gradients` gives each rank of a group one piece; alone, a process takes the whole batch at once.
* `Blocks` cuts a batch into a fixed number of blocks and adds their gradients in a fixed tree, so
  that the bits do not depend on how many ranks there are. Each rank takes whole blocks.

Only the rows of the pieces are read from the data. Nothing else of a run knows of other ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gradx as gx
from gradx.devices.placement import PLACES
from gradx.parallel import ALONE, Group, parts_of, sum_of_blocks
from gradx.parallel.buckets import Buckets
from gradx.parallel.reduction import summed
from gradx.train.errors import OptionError
from gradx.train.values import as_float

__all__ = [
    "Agreement",
    "Blocks",
    "Cut",
    "Gradients",
    "Loss",
    "Piece",
    "Sums",
    "check_names",
    "shared",
]

Loss = Callable[[Any, Any], Any]
"""``loss(params, batch)`` gives one number."""

Sums = Mapping[int, Mapping[str, float]]
"""From the number of a block to sums over its samples by name, their ``count`` among them."""


class Cut(NamedTuple):
    """The rows of a batch from ``start`` to ``stop``, which are its block of a number."""

    block: int
    start: int
    stop: int


@dataclass(frozen=True)
class Piece:
    """Some rows of a global batch.

    Attributes:
        batch: those rows of the data.
        rows: how many.
        block: which block of the batch they are.
    """

    batch: Any
    rows: int
    block: int = 0


class Agreement:
    """Whether the ranks stop: a wish of one is known to all behind the same step.

    Args:
        asked: whether this process was asked to stop.

    Attributes:
        reached: whether any rank was asked before the last step.
    """

    def __init__(self, asked: Callable[[], bool] = lambda: False) -> None:
        self.asked = asked
        self.reached = False


@dataclass(frozen=True)
class Gradients:
    """One piece of a batch for each rank of a group; base of the other strategies.

    Attributes:
        reduction: whether the loss is the ``"mean"`` or the ``"sum"`` over its batch. A mean over
            a piece weighs by its rows.
        group: who shares a batch.
        agreement: whether they stop.
    """

    reduction: str = "mean"
    group: Group = ALONE
    agreement: Agreement = field(default_factory=Agreement, compare=False)

    @property
    def whole(self) -> bool:
        """Whether a batch is not cut: a step is given the batch itself, not its pieces."""
        return self.group.size == 1

    @property
    def parts(self) -> int:
        """How many blocks a batch has; some of a short one are empty."""
        return self.group.size

    def pieces(self, count: int) -> Sequence[Cut]:
        """What of a global batch of ``count`` rows is computed here; no cut is empty."""
        mine = parts_of(self.parts, self.group.size)[self.group.rank]
        cuts = [Cut(k, *part) for k, part in enumerate(parts_of(count, self.parts))]
        return [cut for cut in cuts[mine.start : mine.stop] if cut.start < cut.stop]

    def of(self, loss: Loss, params: Any, pieces: Sequence[Piece], count: int) -> tuple[Any, Any]:
        """The loss of a global batch and its gradient, the same on all ranks.

        Args:
            loss: ``loss(params, batch)``.
            params: the parameters.
            pieces: those that `pieces` gave, read from the data.
            count: how many rows the global batch has.
        """
        asked = float(self.agreement.asked())
        if pieces:
            found = self._packed(loss, params, pieces[0], count, asked)
        else:
            found = Buckets((gx.zero(params), 0.0, asked))
        gradient, y, asked = summed(found, self.group)
        self.agreement.reached = asked > 0
        return y, gradient

    def _packed(self, loss: Loss, params: Any, piece: Piece, count: int, *beside: float) -> Buckets:
        """The gradient and the loss of a piece, as they are added to those of others.

        Both, and what stands beside them, are multiples by the share of the rows.

        Raises:
            OptionError: a parameter is a number of another kind.
        """
        y, gradient = gx.value_and_grad(loss)(params, piece.batch)
        y = y.astype(float) if type(y) in PLACES else as_float(y)
        packed = Buckets((gradient, y, *beside))
        if packed.others:
            raise OptionError(
                "gradients of parts of a batch are added as vectors of floats, and a parameter is "
                f"a {type(packed.others[0]).__name__}; use float or an array of floats"
            )
        if self.reduction == "mean" and piece.rows != count:
            for vector in packed.vectors:
                vector *= piece.rows / count
        return packed

    def total(self, sums: Sequence[Sums]) -> list[dict[str, float]]:
        """Sums over all ranks' samples, by name, from those over blocks; of several data sets.

        They are added in the order of the blocks, whoever has summed which.
        """
        everything = self.group.gather_objects(list(sums)) if self.group.size > 1 else [sums]
        merged = [
            {k: x for each in ranks for k, x in each.items()}
            for ranks in zip(*everything, strict=True)
        ]
        return [_total(blocks, self.parts) for blocks in merged]


def _total(blocks: Sums, parts: int) -> dict[str, float]:
    """The sums over all blocks of a data set, added in the tree of the blocks."""
    first = next(iter(blocks.values()))
    for each in blocks.values():
        check_names(first, each)
    names = list(first)
    sizes = [int(blocks[k]["count"]) if k in blocks else 0 for k in range(parts)]

    def numbers(k: int) -> list[NDArray[Any]]:
        return [np.array([blocks[k][name] for name in names])]

    [total] = sum_of_blocks(ALONE, sizes, numbers, [np.zeros(len(names))])
    return dict(zip(names, total.tolist(), strict=True))


def check_names(first: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuse metrics that have other names for other samples, of which there is no mean.

    Raises:
        OptionError: names one that is not among both.
    """
    for name in sorted(first.keys() ^ other.keys(), key=str):
        raise OptionError(
            f"metrics gave {name!r:.80} for some samples and not for others; give the same names "
            "for every batch"
        )


@dataclass(frozen=True)
class Blocks(Gradients):
    """Each global batch in a fixed number of blocks, gradients added in one fixed binary tree.

    So one process and several give the same bits, as far as each computes a block alike: with one
    BLAS thread, and the same libraries on the same kind of processor.

    Attributes:
        reduction: see `Gradients`.
        group: see there; no more ranks than blocks.
        agreement: see there.
        blocks: how many.

    >>> Blocks().pieces(20)[:2]
    [Cut(block=0, start=0, stop=2), Cut(block=1, start=2, stop=5)]
    >>> pieces = [Piece([float(i)], 1, i) for i in range(8)]
    >>> y, gradient = Blocks().of(lambda w, x: w * x[0], 3.0, pieces, 8)
    >>> float(y), gradient
    (10.5, 3.5)
    """

    blocks: int = gx.parallel.BLOCKS

    @property
    def whole(self) -> bool:
        """See `Gradients.whole`."""
        return False

    @property
    def parts(self) -> int:
        """See `Gradients.parts`."""
        return self.blocks

    def of(self, loss: Loss, params: Any, pieces: Sequence[Piece], count: int) -> tuple[Any, Any]:
        """See `Gradients.of`: each block has its place in the tree."""
        by_block = {piece.block: piece for piece in pieces}
        # What a block looks like: the last one, or, for a rank that has none, zeros.
        form = [Buckets((gx.zero(params), 0.0))] if self.group.size > 1 else []

        def vectors(k: int) -> list[Any]:
            form[:] = [self._packed(loss, params, by_block[k], count)]
            return form[0].vectors

        sizes = [part.size for part in parts_of(count, self.blocks)]
        sums = sum_of_blocks(self.group, sizes, vectors, form[0].vectors if form else ())
        if self.group.size > 1:  # alone, who asks is asked
            self.agreement.reached = self.group.sum(float(self.agreement.asked())) > 0
        total = form[0]
        total.vectors = sums
        gradient, y = total.whole()
        return y, gradient


def shared(
    gradients: Gradients, group: Group, agreement: Agreement, blocks: int | None
) -> Gradients:
    """A strategy for the ranks of a group.

    Args:
        gradients: that of one process.
        group: the ranks.
        agreement: whether they stop.
        blocks: in how many blocks a batch is computed; None leaves that to the number of ranks.

    Raises:
        OptionError: there are more ranks than blocks.
    """
    if blocks is None:
        return Gradients(gradients.reduction, group, agreement)
    if group.size > blocks:
        raise OptionError(
            f"--deterministic: {group.size} ranks cannot share the {blocks} blocks of a batch; "
            f"start {blocks} ranks or fewer, or leave --deterministic out"
        )
    return Blocks(gradients.reduction, group, agreement, blocks)
