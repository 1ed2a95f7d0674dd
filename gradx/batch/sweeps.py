"""Sweeps of many cotangents at once: the rows of a Jacobian by one batched sweep of a tape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gradx.batch.run import BatchRun
from gradx.values.leaves import map_leaves
from gradx.values.operations import ValueType

__all__ = ["stacked", "swept"]


def swept(execution: Any, nodes: Iterable[Any], seeds: Sequence[Any]) -> list[Any]:
    """The gradients of the inputs of a run, for each of many cotangents of its result.

    Args:
        execution: the finished run, `gradx.reverse.run.Execution`.
        nodes: its nodes backwards.
        seeds: for each leaf of the result that is of the run a stack of cotangents, shape
            ``(n, *leaf.shape)``.

    Returns:
        For each input a value of its type, whose leaves have n rows: shape ``(n, *leaf.shape)``.

    >>> import gradx as gx
    >>> from gradx.reverse.run import run_on
    >>> run = run_on(lambda x: np.array([1.0, 2.0]) * x, (np.array([3.0, 4.0]),), {})
    >>> swept(run, reversed(run.nodes), [np.eye(2)])
    [array([[1., 0.],
           [0., 2.]])]
    """
    size = len(seeds[0])
    run = BatchRun(size)
    try:
        found = execution.gradients(nodes, [run.batched(seed) for seed in seeds])
    finally:
        run.close()
    return [stacked(run, g) for g in found]


def stacked(run: BatchRun, value: Any) -> Any:
    """A value with a row for each example in the place of each leaf."""

    def leaf(x: Any, spec: ValueType) -> Any:
        row = run.operand(x)
        if row.batched:
            return row.value
        return np.array(np.broadcast_to(row.value, (run.size, *row.shape)))

    return map_leaves(value, leaf, "the gradient")
