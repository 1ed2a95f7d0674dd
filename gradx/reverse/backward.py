"""The backward sweep, which carries cotangents from the outputs of a tape to its inputs.

It goes through the nodes of the tape, latest first, and pulls the cotangent of each node that has
one through its edges (`gradx.core.cotangent`). The C code has the same loop, for runs without
devices; what is said here holds for both.

Ownership is explicit. The sweep notes which cotangents are sums that it made itself and has handed
to nobody yet. Into such an array it adds in place; into any other it never writes. (The C code
knows the products that it made itself as well.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from gradx.core import cotangent
from gradx.core.cotangent import (
    KEEPS_STRUCTURE,
    SHARED_PULLBACK,
    Structured,
    dense,
    edges_of,
    merge,
    unbroadcast_and_cast,
)
from gradx.core.linear import multiplied, negated, passed
from gradx.core.spec import shape_of
from gradx.native import native

__all__ = ["consuming", "sweep", "sweep_host"]


def sweep(nodes: Iterable[Any], cotangents: dict[int, Any]) -> dict[int, Any]:
    """Pull the cotangents of the outputs back to the inputs.

    Only nodes that lead to an output are worked on, since only they get a cotangent.

    Args:
        nodes: the nodes of the tape, latest first.
        cotangents: those of the outputs, by the id of the node; it is used up.

    Returns:
        The same dict: the cotangents of the nodes that are not on the tape, the inputs.
    """
    take, known_of = cotangents.pop, cotangents.get
    made: set[int] = set()  # nodes whose cotangent is a sum of the sweep's own
    for node in nodes:
        key = id(node)
        g = take(key, None)
        if g is None:
            continue
        if key in made:
            made.discard(key)
        edges = (node,) if type(node) is tuple and len(node) == 5 else edges_of(node)
        for target, pull, residuals, spec, _ in edges:
            if spec is None:
                h = None
                if type(g) is not float and type(g) is not ndarray and isinstance(g, Structured):
                    h = g.through(pull, residuals)
                    g = g.dense() if h is None else g
                if h is None:
                    if pull is passed:
                        h = g
                    elif len(residuals) == 1:  # a call with a star is slower
                        h = pull(g, residuals[0])
                    else:
                        h = pull(g, *residuals)
            elif spec is KEEPS_STRUCTURE:
                h = pull(g, *residuals)
            else:
                h = pull(dense(g), *residuals)
                if target is SHARED_PULLBACK:
                    _contribute_all(cotangents, made, h, *spec)
                    continue
                if h is not None:
                    h = unbroadcast_and_cast(h, spec)
            key = id(target)
            known = known_of(key)
            if known is None:
                cotangents[key] = h
            elif type(h) is float is type(known):
                cotangents[key] = known + h
            elif h is not None:
                cotangents[key] = _summed(known, h, key, made)
    return cotangents


def _summed(known: Any, h: Any, key: int, made: set[int]) -> Any:
    """The sum of two cotangents of one node, in place if the sweep itself made the first."""
    alike = type(known) is type(h) is ndarray and known.shape == h.shape
    if not alike or known.dtype != h.dtype:
        made.discard(key)
        return merge(known, h)
    if key in made:
        return np.add(known, h, out=known)
    total = known + h
    if type(total) is ndarray:  # of arrays without axes it is a number
        made.add(key)
    return total


def _contribute_all(
    cotangents: dict[int, Any],
    made: set[int],
    parts: Iterable[Any],
    targets: Iterable[Any],
    specs: Iterable[Any],
) -> None:
    for target, h, spec in zip(targets, parts, specs, strict=True):
        if target is None or h is None:
            continue
        if spec is not None:
            h = unbroadcast_and_cast(h, spec)
        key = id(target)
        known = cotangents.get(key)
        cotangents[key] = h if known is None else _summed(known, h, key, made)


def consuming(nodes: list[Any]) -> Iterator[Any]:
    """The nodes, latest first; each is released before the next, so that memory is freed."""
    return iter(nodes.pop, None)


if native is not None:
    _known_to_c = (
        "SHARED_PULLBACK",
        "KEEPS_STRUCTURE",
        "dense",
        "unbroadcast_and_cast",
        "merge",
    )
    native.use(**{name: getattr(cotangent, name) for name in _known_to_c})
    native.use(shape_of=shape_of)
    native.use(passed=passed, negated=negated, multiplied=multiplied)

sweep_host: Callable[[Iterable[Any], dict[int, Any]], dict[int, Any]]
sweep_host = sweep if native is None else native.sweep
"""The sweep of a run that did nothing on a device."""
