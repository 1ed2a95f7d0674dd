"""Cotangents: the reverse sweep, how cotangents accumulate, and those kept in parts.

The fifth noun. A node of the tape is an edge, or a list of edges, one for each operand that the
run depends on; the sweep goes through the nodes from the output back and, at each that has a
cotangent, pulls it through the edges. An edge is a plain tuple, because an op makes one every
time::

    (target, pull, kept, like)

    target   the node of the operand
    pull     the reverse rule, bound to the op's static parameters if it takes any:
             pull(g, *kept) is the operand's cotangent, or None for zero
    kept     what the rule needs of the forward run, and nothing else
    like     (shape, dtype) to fit the cotangent to, or None where it fits by construction

An edge whose target is `JOINT` serves several operands with one pull, which gives a tuple; its
``like`` holds their nodes and what to fit to. One whose ``like`` is `STRUCTURAL` takes a
structured cotangent as it is.

A cotangent of a record is kept per field (`Fields`), one of an indexed array per index, and one
of a matrix in a product as a pair of vectors: they are `Structured`, are merged without ever
adding whole records or arrays, and become dense where a rule asks for the whole.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy import ndarray

from gradx.places import beside, brought
from gradx.speedups import native
from gradx.value import Item, Kind, ValueType, Where, add, children_of, fold, value_type

__all__ = [
    "JOINT",
    "STRUCTURAL",
    "Edge",
    "Fields",
    "Node",
    "Structured",
    "consuming",
    "dense",
    "fit",
    "held",
    "in_place",
    "materialise",
    "merge",
    "negated",
    "node_of",
    "over_b",
    "over_b_squared",
    "over_x",
    "passed",
    "shape_of",
    "sweep",
    "sweep_host",
    "times_a",
    "times_b",
    "times_y",
    "unbroadcast",
    "view_rule",
]

Edge = tuple[Any, Callable[..., Any], tuple[Any, ...], Any]
Node = Edge | list[Edge]


class _Marker:
    """The type of the two markers of unusual edges."""


JOINT: Final = _Marker()
STRUCTURAL: Final = _Marker()


def held(x: Any) -> Any:
    """What a variable holds, through all levels; anything else as it is."""
    while hasattr(x, "_value"):
        x = x._value
    return x


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a number, an array, nested lists or a variable of one."""
    try:
        shape: tuple[int, ...] = x.shape
    except AttributeError:
        return np.shape(held(x))
    return shape


def passed(g: Any) -> Any:
    """The rule of either operand of a sum."""
    return g


def times_a(g: Any, a: Any) -> Any:
    """The rule of the right operand of a product."""
    return a * g


def times_b(g: Any, b: Any) -> Any:
    """The rule of the left operand of a product."""
    return g * b


def times_y(g: Any, y: Any) -> Any:
    """The rule of a function that is its own derivative."""
    return g * y


def over_b(g: Any, b: Any) -> Any:
    """The rule of what is divided."""
    return g / b


def over_x(g: Any, x: Any) -> Any:
    """The rule of a logarithm."""
    return g / x


def over_b_squared(g: Any, b: Any, y: Any) -> Any:
    """The rule of what is divided by, ``-a / b**2``."""
    return -(g * y) / b


def negated(g: Any) -> Any:
    """The rule of what is subtracted."""
    return -g


def node_of(edges: list[Edge]) -> Node:
    """The node with these edges, of which there is at least one."""
    return edges[0] if len(edges) == 1 else edges


class Structured:
    """A cotangent kept in parts. Private to the engine: a rule gets a dense one unless it asks."""

    __slots__ = ()

    def dense(self) -> Any:
        """The whole cotangent; the result is a new value."""
        raise NotImplementedError

    def merged(self, other: Any) -> Any:
        """The sum with another cotangent of the same value, dense or not. May reuse ``self``."""
        raise NotImplementedError


class Fields(Structured):
    """The cotangent of a container: those of the parts that got one.

    Attributes:
        value: the container, whose other parts have zeros for cotangents.
        parts: from a key to the cotangent of that part.
    """

    __slots__ = ("parts", "value")

    def __init__(self, value: Any, parts: dict[Any, Any]) -> None:
        self.value, self.parts = value, parts

    def dense(self) -> Any:
        """The container of cotangents, with zeros where there were none."""
        return materialise(self.value, self, _dense_leaf)

    def merged(self, other: Any) -> Fields:
        """The sum, part by part; iterative, since values may be nested deeply."""
        waiting: list[tuple[Fields, Any]] = [(self, other)]
        while waiting:
            fields, more = waiting.pop()
            parts = fields.parts
            for key, g in _parts_of(more):
                known = parts.get(key)
                if known is None:
                    parts[key] = g
                elif type(known) is Fields:
                    waiting.append((known, g))
                elif type(g) is Fields:
                    parts[key] = g
                    waiting.append((g, known))
                else:
                    parts[key] = merge(known, g)
        return self


def view_rule(g: Any, whole: Any, key: Any) -> Any:
    """The cotangent of a container of which one part was viewed."""
    spec = value_type(whole)
    if spec.fieldwise:
        return Fields(whole, {key: g})
    assert spec.zero is not None and spec.rebuild is not None  # only such types get here
    return spec.rebuild(spec.zero(whole), [key], [dense(g)])


def _parts_of(g: Any) -> Iterable[tuple[Any, Any]]:
    return g.parts.items() if type(g) is Fields else children_of(g, value_type(g))


def dense(g: Any) -> Any:
    """A cotangent as a plain value of its type."""
    return g.dense() if isinstance(g, Structured) else g


def merge(g: Any, h: Any) -> Any:
    """The sum of two cotangents of one value; neither dense one is modified."""
    if isinstance(g, Structured):
        return g.merged(h)
    if isinstance(h, Structured):
        return h.merged(g)
    if type(g) is np.ndarray or type(g) is float:
        return g + h
    if value_type(g).kind is Kind.NUMERIC:
        with beside(g):
            return g + brought(h, g)
    return add(g, h)


def materialise(
    value: Any,
    g: Any,
    leaf: Callable[[Any, ValueType, Any, Where], Any],
    root: str = "value",
    rebuild: Callable[..., Any] | None = None,
) -> Any:
    """A value's cotangent as a value of its type.

    Args:
        value: the value.
        g: its cotangent, structured or dense, or None for zero.
        leaf: ``leaf(value, spec, g, where)`` gives a leaf's cotangent in the end.
        root: how the value is called in messages.
        rebuild: as in `fold`.
    """
    return fold(value, g, _expand, leaf, root, rebuild=rebuild)


def _expand(value: Any, spec: ValueType, g: Any) -> tuple[Any, list[Item]]:
    parts = children_of(value, spec)
    if g is None:
        return value, [(key, child, None) for key, child in parts]
    known = g.parts if isinstance(g, Fields) else dict(children_of(g, value_type(g)))
    return value, [(key, child, known.get(key)) for key, child in parts]


def _dense_leaf(value: Any, spec: ValueType, g: Any, where: Where) -> Any:
    if g is None or spec.kind is Kind.STATIC:
        return value if spec.zero is None else spec.zero(value)
    return dense(g)


def fit(g: Any, like: tuple[tuple[int, ...], Any]) -> Any:
    """A cotangent cast to its value's shape, dtype and realness.

    What broadcasting repeated is summed; the imaginary part of a real value's cotangent is
    dropped; a float32 value keeps a float32 cotangent.

    Args:
        g: the cotangent.
        like: the shape and the dtype of the value; a dtype of `float` stands for a Python number,
            whose precision is whatever the run computes in.
    """
    shape, dtype = like
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
        return g if hasattr(g, "_value") or dtype.kind not in "fc" else dtype.type(g)
    if own_dtype != dtype:
        if own_dtype.kind == "c" and dtype.kind != "c":
            g = np.real(g)
        return g.astype(dtype) if dtype.kind in "fc" else g
    return g


def _is_complex(g: Any) -> bool:
    dtype = getattr(g, "dtype", None)
    return isinstance(held(g), complex) if dtype is None else dtype.kind == "c"


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


def sweep(
    nodes: Iterable[Any], output: int, seed: Any, cotangents: dict[int, Any] | None = None
) -> dict[int, Any]:
    """Pull a cotangent of the output back to the inputs.

    Only nodes that lead to the output are worked on, since only they get a cotangent. A sum goes
    in place into a buffer that the sweep made itself, never into one that a rule handed out.

    Args:
        nodes: the nodes of the tape, latest first.
        output: the id of the node to start at.
        seed: the cotangent of the output.
        cotangents: an empty dict for those known so far, if the caller looks at them on the way.

    Returns:
        The cotangents of the nodes that are not on the tape, the inputs, by the id of the node.
    """
    if cotangents is None:
        cotangents = {}
    cotangents[output] = seed
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
                if pull is view_rule:  # one more part of a container that has some already
                    fields = known_of(id(target))
                    if type(fields) is Fields and kept[1] not in fields.parts:
                        fields.parts[kept[1]] = g
                        continue
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


if native is not None:
    native.use(
        **{"Structured": Structured, "Fields": Fields, "JOINT": JOINT, "STRUCTURAL": STRUCTURAL},
        **{"passed": passed, "times_a": times_a, "times_b": times_b, "times_y": times_y},
        **{"over_b": over_b, "over_b_squared": over_b_squared, "over_x": over_x},
        **{"negated": negated, "view_rule": view_rule, "dense": dense, "fit": fit, "merge": merge},
        **{"shape_of": shape_of, "negative": np.negative, "IN_PLACE": _IN_PLACE},
    )

sweep_host: Callable[[Iterable[Any], int, Any], dict[int, Any]]
sweep_host = sweep if native is None else native.sweep
"""The sweep of a run that did nothing on a device."""
