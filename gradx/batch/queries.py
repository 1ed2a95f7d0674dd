"""Batching of queries: NumPy's functions whose results have no derivative, such as `np.argmax`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.batch.loops import looped
from gradx.batch.operands import Operand, Rule, aligned, flat, shifted, whole
from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.numpy.queries import lexsorted

__all__ = ["query"]


def query(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """A function that looks at values.

    One of numbers that takes an axis is done for one example after the other: NumPy says what is
    the axis of a number. So is one of chosen items (``where=``).
    """
    rule = _RULES.get(params["function"], looped)
    alone = rule in _ALONG and not all(x.ndim for x in xs)
    if alone or params["kwargs"].get("where", True) is not True:
        return looped(op, xs, params, size)
    return rule(op, xs, params, size)


def _axis_of(params: dict[str, Any], default: Any, place: int = 1) -> tuple[Any, Any]:
    """The ``axis`` argument, and a function that gives the parameters with another."""
    args, kwargs = params["args"], params["kwargs"]
    given = len(args) > place
    axis = args[place] if given else kwargs.get("axis", default)

    def changed(new: Any) -> dict[str, Any]:
        if given:
            return {**params, "args": (*args[:place], new, *args[place + 1 :])}
        return {**params, "kwargs": {**kwargs, "axis": new}}

    return axis, changed


def _reduced(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    (x,) = xs
    axis, changed = _axis_of(params, None)
    if axis is not None:
        return apply(op, (x.value,), changed(shifted(axis, x.ndim)))
    new = changed(1)
    keeps = new["kwargs"].get("keepdims") is True
    y = apply(op, (flat(x, size),), {**new, "kwargs": {**new["kwargs"], "keepdims": False}})
    return np.reshape(y, (size, *(1,) * x.ndim)) if keeps else y


def _sorted_by(place: int) -> Rule:
    def rule(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
        if len(xs) > 1:
            return looped(op, xs, params, size)
        (x,) = xs
        axis, changed = _axis_of(params, -1, place)
        if axis is None:
            return apply(op, (flat(x, size),), changed(1))
        return apply(op, (x.value,), changed(shifted(axis, x.ndim)))

    return rule


def _by_keys(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.lexsort`, whose keys have the axes of an example."""
    args = [np.broadcast_to(x, (size, *np.shape(x))) for x in params["args"]]
    axis = params["kwargs"]["axis"]
    new = {"args": args, "kwargs": {"axis": shifted(axis, xs[0].ndim)}}
    return apply(op, [whole(x, size) for x in xs], {**params, **new})


def _itemwise(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    plain = map(np.ndim, [*params["args"], *params["kwargs"].values()])  # of all that broadcasts
    ndim = max([*plain, *(x.ndim for x in xs)])
    return apply(op, [aligned(x, ndim) for x in xs], params)


def _of_one(place: int) -> Rule:
    """The rule of a function of each item of one argument, with the others for all examples."""

    def rule(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
        if params["places"] == (place,):
            return apply(op, (xs[0].value,), params)
        return looped(op, xs, params, size)

    return rule


_sorted, _partitioned = _sorted_by(1), _sorted_by(2)
_ALONG = frozenset({_reduced, _sorted, _partitioned, _by_keys})
"""Rules of functions along axes."""

_RULES: Mapping[Any, Rule] = MappingProxyType(
    {f: _reduced for f in (np.all, np.any, np.argmax, np.argmin, np.nanargmax, np.nanargmin)}
    | {np.count_nonzero: _reduced, np.argsort: _sorted, np.argpartition: _partitioned}
    | {f: _itemwise for f in (np.isclose, np.iscomplex, np.isreal, np.isneginf, np.isposinf)}
    | {np.isin: _of_one(0), np.digitize: _of_one(0), np.searchsorted: _of_one(1)}
    | {lexsorted: _by_keys}
)
