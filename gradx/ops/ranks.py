"""Ranks: a sum over the processes of a parallel run, which is its own transpose."""

from __future__ import annotations

from typing import Any

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property

__all__ = ["all_reduce"]


def _all_reduced(g: Any, *, group: Any) -> Any:
    """The sum over the ranks of their cotangents.

    Each rank has y = x_0 + x_1 + …, so that x_r goes into the results of all ranks alike: its
    cotangent is the sum of theirs.
    """
    return apply(all_reduce, (g,), {"group": group})


all_reduce = Op(
    "all_reduce",
    lambda x, *, group: group.sum(x),
    _all_reduced,
    properties=Property.LINEAR | Property.ELEMENTWISE,
)
"""The sum over the ranks of a group (`gradx.parallel.Group`) of a number or an array."""

register_ops(vars().values())
