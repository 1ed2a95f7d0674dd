"""Cotangents: the edges of the tape, how cotangents accumulate, and structured cotangents.

The fifth noun. A node of the tape is its edges, one for each operand that the run depends on; the
sweep (`gradx.reverse.backward`) pulls the cotangent of a node through them. It is a plain tuple,
since each recorded operation makes one, of five items for each edge::

    (target, pull, residuals, spec, op, …)

    target     the node of the operand
    pull       the reverse rule, bound to the op's static parameters if it takes any:
               pull(g, *residuals) is the operand's cotangent, or None for zero
    residuals  what the rule needs of the forward run, and nothing else
    spec       (shape, dtype) to fit the cotangent to, or None where it fits by construction
    op       the op that made the node; the sweep does not look at it

An edge whose target is `SHARED_PULLBACK` serves several operands with one pull, which gives a
tuple; its ``spec`` holds their nodes and what to fit to. One whose ``spec`` is `KEEPS_STRUCTURE`
takes a structured cotangent as it is.

A cotangent of a value with several leaves that an op returned is kept per leaf (`Leaves`), one of
an indexed array per index, and one of a matrix in a product as a pair of vectors: they are
`Structured`, are merged without ever adding whole arrays, and become dense where a rule asks for
the whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy import ndarray

from gradx.core.spec import Answering, spec_of
from gradx.devices.placement import moved_like, on_device_of
from gradx.values.operations import ValueType, add, fold, parts_alone, value_type

__all__ = [
    "KEEPS_STRUCTURE",
    "SHARED_PULLBACK",
    "Edge",
    "Leaves",
    "Node",
    "Structured",
    "dense",
    "edges_of",
    "merge",
    "node_of",
    "op_of",
    "picked",
    "unbroadcast",
    "unbroadcast_and_cast",
]

Edge = tuple[Any, Callable[..., Any], tuple[Any, ...], Any, Any]
Node = tuple[Any, ...]


class _Marker:
    """Sentinel type for `SHARED_PULLBACK` and `KEEPS_STRUCTURE`."""


SHARED_PULLBACK: Final = _Marker()
KEEPS_STRUCTURE: Final = _Marker()


_ITEMS = 5  # of an edge


def node_of(edges: list[Edge]) -> Node:
    """The node with these edges, of which there is at least one."""
    return edges[0] if len(edges) == 1 else tuple(itertools.chain.from_iterable(edges))


def edges_of(node: Any) -> Sequence[Edge]:
    """The edges of a node; none of an input's."""
    if type(node) is tuple:
        return [node[i : i + _ITEMS] for i in range(0, len(node), _ITEMS)]
    return node if isinstance(node, list) else ()  # one that is placed on a device


def op_of(node: Any) -> Any:
    """The op that made a node; None for the node of an input, which no op made."""
    edges = edges_of(node)
    return edges[0][4] if edges else None


class Structured:
    """A cotangent kept in parts, private to the engine: rules get dense ones unless they opt in."""

    __slots__ = ()
    is_product = False
    """Whether `dense` multiplies, so that nobody else has its result."""

    def dense(self) -> Any:
        """The whole cotangent; the result is a new value."""
        raise NotImplementedError

    def merged(self, other: Any) -> Any:
        """The sum with another cotangent of the same value, dense or not. May reuse ``self``."""
        raise NotImplementedError

    def through(self, pull: Any, residuals: tuple[Any, ...]) -> Any:
        """What the rule of an edge makes of it, as far as that is of this kind again; or None."""
        return None


class Leaves(Structured):
    """The cotangent of a value with several leaves: those of the leaves that got one.

    Attributes:
        value: the value, whose other leaves have zeros for cotangents.
        parts: from the number of a leaf to its cotangent.
    """

    __slots__ = ("parts", "value")

    def __init__(self, value: Any, parts: dict[int, Any]) -> None:
        self.value, self.parts = value, parts

    def dense(self) -> Any:
        """The value of cotangents, with zeros where there were none."""
        numbers = itertools.count()

        def leaf(x: Any, spec: ValueType, *_: Any) -> Any:
            if spec.static:
                return x
            g = self.parts.get(next(numbers))
            assert spec.zero is not None  # a leaf has the three operations
            return spec.zero(x) if g is None else dense(g)

        return fold(self.value, None, parts_alone, leaf)

    def merged(self, other: Any) -> Structured:
        """The sum with another cotangent of this class; no other kind occurs."""
        for i, g in other.parts.items():
            known = self.parts.get(i)
            self.parts[i] = g if known is None else merge(known, g)
        return self


def picked(g: Any, value: Any, number: int) -> Leaves:
    """The cotangent of a value, from that of one of its leaves."""
    return Leaves(value, {number: dense(g)})


def dense(g: Any) -> Any:
    """A cotangent as a plain value of its type."""
    return g.dense() if issubclass(type(g), Structured) else g


def merge(g: Any, h: Any) -> Any:
    """The sum of two cotangents of one value; neither dense one is modified."""
    if issubclass(type(g), Structured):
        return g.merged(h)
    if issubclass(type(h), Structured):
        return h.merged(g)
    if type(g) is np.ndarray or type(g) is float:
        return g + h
    if value_type(g).numeric:
        with on_device_of(g):
            return g + moved_like(h, g)
    return add(g, h)


def unbroadcast_and_cast(g: Any, spec: tuple[tuple[int, ...], Any]) -> Any:
    """A cotangent cast to its value's shape, dtype and realness.

    What broadcasting repeated is summed; the imaginary part of a real value's cotangent is
    dropped; a float32 value keeps a float32 cotangent.

    Args:
        g: the cotangent.
        spec: the shape and the dtype of the value; a dtype of `float` stands for a Python number,
            whose precision is whatever the run computes in.
    """
    shape, dtype = spec
    if type(g) is ndarray and g.dtype is dtype:
        if not shape:
            return np.add.reduce(g, axis=None)
        if g.shape == shape:
            return g
        if g.shape[1:] == shape and len(g) > 1:  # of a vector that was added to rows
            return np.add.reduce(g, axis=0)
    g = dense(g)
    own = getattr(g, "shape", ())
    if own != shape:
        g = unbroadcast(g, own, shape)
    if dtype is float:
        return np.real(g) if _is_complex(g) else g
    own_dtype = getattr(g, "dtype", None)
    if own_dtype is None:
        if dtype.kind != "c" and _is_complex(g):
            g = np.real(g)
        return g if isinstance(g, Answering) or dtype.kind not in "fc" else dtype.type(g)
    if own_dtype != dtype:
        if own_dtype.kind == "c" and dtype.kind != "c":
            g = np.real(g)
        return g.astype(dtype) if dtype.kind in "fc" else g
    return g


def _is_complex(g: Any) -> bool:
    dtype = getattr(g, "dtype", None)
    if dtype is None:
        return (spec_of(g).dtype if isinstance(g, Answering) else type(g)) is complex
    return bool(dtype.kind == "c")


def unbroadcast(g: Any, own: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The sum of a cotangent over the axes along which its value was repeated."""
    extra = len(own) - len(shape)
    if extra < 0:
        return np.broadcast_to(g, shape)
    if type(g) is ndarray and own[extra:] == shape and max(own[:extra], default=1) > 1:
        return np.add.reduce(g, axis=0 if extra == 1 else tuple(range(extra)))
    repeated = tuple(
        axis for axis, n in enumerate(own) if n != 1 and (axis < extra or shape[axis - extra] == 1)
    )
    if repeated:  # of a plain array np.sum is this in the end
        total = np.add.reduce if type(g) is ndarray else np.sum
        g = total(g, axis=repeated, keepdims=True)
    if extra:
        g = np.reshape(g, g.shape[extra:])
    return g if g.shape == shape else np.broadcast_to(g, shape)
