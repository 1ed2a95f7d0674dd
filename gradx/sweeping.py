"""Sweeping: the reverse sweep, which carries cotangents from the output of a tape to its inputs.

It goes through the nodes of the tape from the output back and, at each that has a cotangent, pulls
it through the edges (`gradx.cotangent`). The C code has the same loop, for runs that did nothing on
a device; what is said here holds for both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from gradx import cotangent
from gradx.cotangent import (
    JOINT,
    STRUCTURAL,
    Structured,
    dense,
    fit,
    merge,
    negated,
    over_b,
    over_b_squared,
    passed,
    times_a,
    times_b,
    times_y,
)
from gradx.speedups import native

__all__ = ["consuming", "in_place", "sweep", "sweep_host"]


def sweep(nodes: Iterable[Any], cotangents: dict[int, Any]) -> dict[int, Any]:
    """Pull the cotangents of the outputs back to the inputs.

    Only nodes that lead to an output are worked on, since only they get a cotangent. A sum goes
    in place into a buffer that the sweep made itself, never into one that a rule handed out.

    Args:
        nodes: the nodes of the tape, latest first.
        cotangents: those of the outputs, by the id of the node; it is used up.

    Returns:
        The same dict: the cotangents of the nodes that are not on the tape, the inputs.
    """
    take, known_of = cotangents.pop, cotangents.get
    owned: set[int] = set()
    for node in nodes:
        g = take(id(node), None)
        if g is None:
            continue
        for target, pull, kept, like in (node,) if type(node) is tuple else node:
            if like is None:  # of sums and products, the sweep does the rules itself
                if type(g) is not float and type(g) is not ndarray and isinstance(g, Structured):
                    g = g.dense()
                if (
                    type(g) is ndarray
                    and g.nbytes >= _LARGE
                    and id(pull) in _IN_PLACE
                    and (type(node) is tuple or kept is node[-1][2])
                ):  # the last edge of the node, so that g is not needed any more
                    h = known = None
                    h = _spent(g, pull, kept)
                elif pull is times_b or pull is times_y:
                    h = g * kept[0]
                elif pull is times_a:
                    h = kept[0] * g
                elif pull is passed:
                    h = g
                else:  # a call with a star is slower
                    h = pull(g, kept[0]) if len(kept) == 1 else pull(g, *kept)
            elif like is STRUCTURAL:
                h = pull(g, *kept)
            else:
                h = pull(dense(g), *kept)
                if target is JOINT:
                    _contribute_all(cotangents, owned, h, *like)
                    continue
                if h is not None:
                    h = fit(h, like)
            key = id(target)
            known = known_of(key)
            if known is None:
                cotangents[key] = h
            elif type(h) is float is type(known):
                cotangents[key] = known + h
            elif type(h) is ndarray and key in owned:
                known += h  # in place
            elif h is not None:
                cotangents[key] = _accumulate(known, h, key, owned)
    return cotangents


_LARGE = 1 << 16
"""From so many bytes on it pays to write into a cotangent that nobody needs any more."""


def _spent(g: Any, pull: Any, kept: tuple[Any, ...]) -> Any:
    """What a rule makes of a cotangent, written into it if only the sweep knows it."""
    if (
        g.base is None
        and _count(g) == _ALONE
        and g.flags.writeable
        and all(type(x) is ndarray and x.dtype is g.dtype and x.shape == g.shape for x in kept)
    ):
        return _IN_PLACE[id(pull)](g, *kept)
    return pull(g, *kept)


def _times_in_place(g: Any, factor: Any) -> Any:
    return np.multiply(g, factor, out=g)


def _quotient_in_place(g: Any, b: Any, y: Any) -> Any:
    np.multiply(g, y, out=g)
    np.negative(g, out=g)
    return np.divide(g, b, out=g)


_IN_PLACE: dict[int, Callable[..., Any]] = {
    id(times_a): _times_in_place,
    id(times_b): _times_in_place,
    id(times_y): _times_in_place,
    id(negated): lambda g: np.negative(g, out=g),
    id(over_b): lambda g, b: np.divide(g, b, out=g),
    id(over_b_squared): _quotient_in_place,
}
"""Rules that can write their result into the cotangent they are given, and how.

By identity, since a user's rule may be an object that has no hash."""


def in_place(pull: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Tell the sweep how a rule can write its result into the cotangent it is given.

    Args:
        pull: the rule, which lives as long as the program.
        function: of the same arguments, all of them arrays of one shape and dtype; it returns the
            first.
    """
    _IN_PLACE[id(pull)] = function


def _count(g: Any) -> int:
    return sys.getrefcount(g) if hasattr(sys, "getrefcount") else 0


def _count_as_in_sweep() -> int:
    def counted(g: Any) -> int:
        return _count(g)

    cotangents = {0: np.empty(0)}
    g = cotangents.pop(0)
    return counted(g)


_ALONE = _count_as_in_sweep() or -1


def _accumulate(known: Any, h: Any, key: int, owned: set[int]) -> Any:
    if type(known) is type(h) is ndarray:
        alone = known.nbytes >= _LARGE and known.base is None and _count(known) == _ALONE + 1
        if alone and h.dtype is known.dtype and h.shape == known.shape and known.flags.writeable:
            total = np.add(known, h, out=known)
        else:
            total = known + h
    else:
        total = merge(known, h)
    if type(total) is ndarray:
        owned.add(key)
    elif owned:
        owned.discard(key)
    return total


def _contribute_all(
    cotangents: dict[int, Any],
    owned: set[int],
    parts: Iterable[Any],
    targets: Iterable[Any],
    likes: Iterable[Any],
) -> None:
    for target, h, like in zip(targets, parts, likes, strict=True):
        if target is None or h is None:
            continue
        if like is not None:
            h = fit(h, like)
        key = id(target)
        known = cotangents.get(key)
        if known is None:
            cotangents[key] = h
        elif type(h) is ndarray and key in owned:
            known += h  # in place
        else:
            cotangents[key] = _accumulate(known, h, key, owned)


def consuming(nodes: list[Any]) -> Iterator[Any]:
    """The nodes, latest first, each let go of before the next: memory is freed on the way."""
    return iter(nodes.pop, None)


_KNOWN_TO_C = (
    *("Structured", "JOINT", "STRUCTURAL", "passed", "times_a", "times_b", "times_y"),
    *("over_b", "over_b_squared", "over_x", "negated", "dense", "fit", "merge"),
    "shape_of",
)
if native is not None:
    native.use(**{name: getattr(cotangent, name) for name in _KNOWN_TO_C})
    native.use(IN_PLACE=_IN_PLACE, negative=np.negative)

sweep_host: Callable[[Iterable[Any], dict[int, Any]], dict[int, Any]]
sweep_host = sweep if native is None else native.sweep
"""The sweep of a run that did nothing on a device."""
