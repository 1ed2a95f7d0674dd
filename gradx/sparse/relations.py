"""Relations: which items of an op's result depend on which items of an operand.

A relation is a boolean CSR array with a row for each item of the result and a column for each item
of the operand. None of them is in a table. What an op moves is seen by moving numbers, with the
op itself; what it adds up, by moving numbers with its reverse rule. Of any other op, each item of
the result is taken to depend on all of the operand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from gradx.core.cotangent import dense, unbroadcast
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.spec import shape_of
from gradx.ops import products
from gradx.ops.reductions import restored
from gradx.ops.scipy.sparse import sparse_matmul

__all__ = ["Csr", "every", "identity", "relation", "united"]

Csr = Any
Params = dict[str, Any]
_MOST_TAPS = 64
_MOST = 1 << 26


def identity(count: int, start: int, columns: int) -> Csr:
    """The relation of numbers with themselves, among others."""
    where = np.arange(count + 1)
    return _csr(np.arange(start, start + count), where, (count, columns))


def every(op: Op, rows: int, p: Csr) -> Csr:
    """The pattern of items that depend on all that an operand depends on.

    Raises:
        ValueError: it is as good as dense, and large.
    """
    columns = np.unique(p.indices)
    if rows * len(columns) > _MOST:
        raise ValueError(
            f"the {rows} numbers that {op.name} gives may each depend on {len(columns)} numbers of "
            "the input, as far as gradx knows of the operation, and so many are no sparse Jacobian;"
            " write it with slices and functions of single items, or take products: gx.linearize"
        )
    where = np.arange(rows + 1) * len(columns)
    return _csr(np.tile(columns, rows), where, (rows, p.shape[1]))


def united(a: Csr | None, b: Csr) -> Csr:
    """The union of two patterns."""
    return b if a is None or a is b else a + b


def relation(op: Op, i: int, own: Sequence[int], xs: Sequence[Any], y: Any, params: Params) -> Csr:
    """How the items of a result depend on those of an operand; None for each on every one.

    Args:
        op: the op.
        i: which operand.
        own: the operands that have a pattern.
        xs: the operands, plain.
        y: the result.
        params: the static parameters.
    """
    known = op.properties
    if Property.ELEMENTWISE in known:
        return _repeated(shape_of(xs[i]), shape_of(y))
    if Property.REDUCTION in known and len(xs) == 1:
        return _reduced(shape_of(xs[0]), shape_of(y), params)
    if op is sparse_matmul:
        return _of_sparse(i, own, xs, y, params)
    if Property.BILINEAR in known:
        return _of_bilinear(op, i, own, xs, y, params)
    if known & (Property.LINEAR | Property.STRUCTURAL):
        return _of_linear(op, i, xs, y, params)
    edge = op.edge(i, y, xs, params)
    if edge is None or edge[0](np.ones_like(y, float), *edge[1]) is None:
        return _selection(np.full(math.prod(shape_of(y)), -1), math.prod(shape_of(xs[i])))
    return None


# --- Elementwise functions and reductions ---------------------------------------------------------


def _repeated(shape: Any, wanted: Any) -> Csr:
    """The relation of an operand that is repeated to a shape."""
    size = math.prod(shape)
    if shape == wanted:
        return _selection(np.arange(size), size)
    return _selection(np.broadcast_to(_numbered(shape), wanted).ravel(), size)


def _reduced(shape: Any, wanted: Any, params: Params) -> Csr:
    """The relation of a reduction: each item goes to one of the result."""
    place = {"axis": params.get("axis"), "keepdims": params.get("keepdims", False)}
    goes = np.broadcast_to(restored(_numbered(wanted), shape=shape, **place), shape)
    return _selection(goes.ravel(), math.prod(wanted)).T.tocsr()


# --- Linear functions -----------------------------------------------------------------------------


def _of_linear(op: Op, i: int, xs: Sequence[Any], y: Any, params: Params) -> Csr:
    """The relation of an op that moves items, or adds up items that it moves."""
    rules = op.rules * len(xs) if op.variadic else op.rules
    zeros = [
        x if rule is None else np.zeros_like(x, float) for x, rule in zip(xs, rules, strict=True)
    ]
    shape, size = shape_of(xs[i]), math.prod(shape_of(y))

    def forward(v: Any) -> Any:
        with_v = [v.reshape(shape) if k == i else x for k, x in enumerate(zeros)]
        return np.asarray(op.forward(*with_v, **params) - op.forward(*zeros, **params))

    def backward(g: Any) -> Any:
        edge = op.edge(i, y, xs, params)
        h = None if edge is None else dense(edge[0](g.reshape(shape_of(y)), *edge[1]))
        h = np.zeros(shape) if h is None else np.asarray(h)
        return unbroadcast(h, h.shape, shape) if op.broadcasts else h

    count = math.prod(shape)
    found = _moved(forward, count, size)
    if found is not None:
        return found
    found = _moved(backward, size, count) if Property.LINEAR in op.properties else None
    return None if found is None else found.T.tocsr()


def _moved(function: Callable[[Any], Any], count: int, size: int) -> Csr:
    """The relation of a linear function whose every item is an item of its argument, or zero.

    An item may have a factor: the ratio of its value to that for ones is the number of the item,
    and for random numbers the random number of it. None if the function is another one.
    """
    random = np.random.default_rng(0).uniform(1, 2, count)
    with np.errstate(all="ignore"):
        factors, first, second = [
            np.nan_to_num(function(v)).ravel()
            for v in (np.ones(count), np.arange(1.0, count + 1), random)
        ]
        if len(factors) != size or factors.dtype.kind != "f":
            return None
        has = factors != 0
        numbers = np.rint(first / np.where(has, factors, 1)).astype(int) - 1
    inside = (numbers >= 0) & (numbers < count)
    if (has & ~inside).any() or first[~has].any() or second[~has].any():
        return None
    numbers = np.where(has, numbers, -1)
    if not np.allclose(second[has], factors[has] * random[numbers[has]], rtol=1e-7, atol=0):
        return None
    return _selection(numbers, count)


# --- Products -------------------------------------------------------------------------------------


def _of_bilinear(
    op: Op, i: int, own: Sequence[int], xs: Sequence[Any], y: Any, params: Params
) -> Csr:
    """The relation of a product: of matrices by their items, of any other with a short operand."""
    if len(xs) != 2:
        return None
    shapes = [shape_of(x) for x in xs]
    other = np.ones(shapes[1 - i]) if 1 - i in own else np.asarray(xs[1 - i] != 0, float)
    if op in (products.matmul, products.dot) and max(map(len, shapes)) <= 2:
        return _of_matrices(i, shapes, other)
    places = np.flatnonzero(other)
    if len(places) > _MOST_TAPS:
        return None
    total, count, size = None, math.prod(shapes[i]), math.prod(shape_of(y))
    for place in places:
        unit = np.zeros(other.size)
        unit[place] = 1
        unit = unit.reshape(other.shape)

        def forward(v: Any, unit: Any = unit) -> Any:
            v = v.reshape(shapes[i])
            return np.asarray(op.forward(*((v, unit) if i == 0 else (unit, v)), **params))

        found = _moved(forward, count, size)
        if found is None:
            return None
        total = united(total, found)
    return _selection(np.full(size, -1), count) if total is None else total


def _of_matrices(i: int, shapes: Sequence[Any], other: Any) -> Csr:
    """The relation of a product of matrices or vectors: rows go along with rows."""
    matrix = scipy.sparse.csr_array(np.atleast_2d(other))
    if i == 0:
        rows = shapes[0][0] if len(shapes[0]) == 2 else 1
        return _kron(scipy.sparse.eye_array(rows), matrix.T if other.ndim == 2 else matrix)
    columns = shapes[1][1] if len(shapes[1]) == 2 else 1
    return _kron(matrix, scipy.sparse.eye_array(columns))


def _of_sparse(i: int, own: Sequence[int], xs: Sequence[Any], y: Any, params: Params) -> Csr:
    """The relation of the product of a sparse array, of its items, with a vector or a matrix."""
    pattern, items = params["pattern"], np.ones(shape_of(xs[0]))
    shape = shape_of(xs[1])
    columns = shape[1] if len(shape) == 2 else 1
    if i == 1:
        return _kron(scipy.sparse.csr_array(pattern.build(items)), scipy.sparse.eye_array(columns))
    goes = _selection(np.asarray(pattern.rows), shape_of(y)[0]).T
    return _kron(goes, np.ones((columns, 1)))


def _kron(a: Any, b: Any) -> Csr:
    return scipy.sparse.kron(a, b, format="csr").astype(bool)


# --- CSR arrays -----------------------------------------------------------------------------------


def _numbered(shape: Any) -> Any:
    return np.arange(math.prod(shape)).reshape(shape)


def _selection(numbers: Any, count: int) -> Csr:
    """The relation in which each item is the one of a number, or none for -1."""
    has = numbers >= 0
    where = np.concatenate([[0], np.cumsum(has)])
    return _csr(numbers[has], where, (len(numbers), count))


def _csr(columns: Any, where: Any, shape: tuple[int, int]) -> Csr:
    return scipy.sparse.csr_array((np.ones(len(columns), bool), columns, where), shape=shape)
