"""Reduction: the sum of a value over the ranks, as a differentiable function."""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeVar

from gradx.core.dispatch import apply, has_variables
from gradx.ops import ranks
from gradx.parallel.buckets import Buckets
from gradx.parallel.group import Group, check_on_host
from gradx.parallel.launch import world
from gradx.values.operations import add

__all__ = ["all_reduce", "summed"]

T = TypeVar("T")

_ADDED = frozenset("fciu")


def all_reduce(x: T, group: Group | None = None) -> T:
    """The sum of a value over the ranks, which is the same on all of them.

    It is linear and its own transpose: where each rank computes ``loss(all_reduce(f(params)))``,
    each gets the gradient of the sum of all their losses. In the backward sweep there is a sum
    over the ranks too; so all ranks must run the same program, with variables at the same places.

    A record or a container travels in one flat vector for each dtype in it. Static parts (names,
    integer arrays) stay as they are; `int`, `Fraction`, `Decimal` and values of a type with an
    ``add`` of its own are gathered and added in the order of the ranks.

    Args:
        x: a value of any type with a gradient, with variables in it or without, of the same
            structure on all ranks; also an integer array.
        group: whose ranks; by default all processes that a launcher such as ``mpiexec`` started
            together. A program that was started alone is a group of one.

    Returns:
        A value like ``x``. In a group of one it is ``x`` itself.

    Raises:
        ParallelError: a part cannot be summed over the ranks.
        LauncherError: there was a launcher, and no MPI that it belongs to.

    >>> import gradx as gx, numpy as np
    >>> gx.parallel.all_reduce({"w": np.array([1.0, 2.0])})  # alone
    {'w': array([1., 2.])}
    >>> gx.grad(lambda w: np.sum(gx.parallel.all_reduce(w) ** 2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    group = world() if group is None else group
    if group.size == 1:
        return x
    params = {"group": group}
    if getattr(getattr(x, "dtype", None), "kind", "") in _ADDED:  # an array by itself
        return apply(ranks.all_reduce, (x,), params)  # type: ignore[no-any-return]
    buckets = Buckets(x)
    if not has_variables(x):
        return summed(buckets, group)  # type: ignore[no-any-return]
    for i, vector in enumerate(buckets.vectors):
        buckets.vectors[i] = apply(ranks.all_reduce, (vector,), params)
    return _with_others(buckets, group)  # type: ignore[no-any-return]


def summed(buckets: Buckets, group: Group) -> Any:
    """The sum over the ranks of a plain value, whose vectors are written into.

    Args:
        buckets: the value, of the same structure on all ranks.
        group: the ranks.

    Raises:
        ParallelError: it has arrays of a device.
    """
    for vector in buckets.vectors:
        check_on_host(vector)
    for vector in buckets.vectors:
        group.sum_into(vector)
    return _with_others(buckets, group)


def _with_others(buckets: Buckets, group: Group) -> Any:
    if buckets.others:
        buckets.others = reduce(add, group.gather_objects(buckets.others))
    return buckets.whole()
