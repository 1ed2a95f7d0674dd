"""Sparse Jacobians: their patterns, and their numbers by few products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from gradx.batch.run import BatchRun
from gradx.core.check_cotangents import fitted
from gradx.core.dispatch import Lifted, has_variables
from gradx.core.spec import Form, Spec, shape_of, spec_of
from gradx.errors import AssignmentError, ConversionError, NotLiftedError, StructureError
from gradx.forward.api import ForwardExecution
from gradx.operators.blocks import rows_of
from gradx.operators.jacobians import check_numbers
from gradx.reverse.run import names_of
from gradx.sparse.colouring import coloured
from gradx.sparse.relations import identity
from gradx.sparse.run import OUTER, PatternRun
from gradx.values.builtin import check_differentiable
from gradx.values.operations import leaves_of

__all__ = ["Sparsity", "sparse_jacobian", "sparsity"]


class Sparsity:
    """Which numbers of a result depend on which of an input, and which columns go together.

    Args:
        pattern: a sparse matrix or array with an item wherever the Jacobian may have one.

    Attributes:
        pattern: it as a `scipy.sparse.csr_array` of booleans, shape (m, n).
        colours: for each column the number of its group, shape (n,): no two of a group meet in a
            row.
        count: the number of groups.
    """

    __slots__ = ("_kept", "_places", "_random", "colours", "count", "pattern")

    def __init__(self, pattern: Any) -> None:
        own: Any = scipy.sparse.csr_array(pattern, dtype=bool, copy=True)
        own.sum_duplicates()
        self.pattern: Any = own
        self.colours = coloured(own)
        self.count = int(self.colours.max(initial=-1)) + 1
        rows = np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))
        self._places = self.colours[own.indices] * own.shape[0] + rows
        self._random = np.random.default_rng(0).uniform(1, 2, own.shape[1])
        self._kept: Any = None
        if (self.count + 1) * own.shape[1] <= _KEPT:
            self._kept = self.seeds(0, self.count + 1)

    def __repr__(self) -> str:
        m, n = self.pattern.shape
        return f"Sparsity({m} × {n}, {self.pattern.nnz} items, {self.count} colours)"

    def seeds(self, first: int, stop: int) -> Any:
        """For each of some colours the sum of the unit vectors of its columns, shape (count, n).

        That of a colour more is a vector without zeros, to check the others by.
        """
        if self._kept is not None:
            return self._kept[first:stop]
        seeds = np.zeros((stop - first, len(self.colours)))
        for row, colour in zip(seeds, range(first, stop), strict=True):
            row[:] = self._random if colour == self.count else self.colours == colour
        return seeds

    def filled(self, products: Any, scale: float) -> Any:
        """The matrix of its products.

        Args:
            products: those with the seeds of all colours and the one more, shape (count, m).
            scale: the size of a derivative whose rounding may be left where there is none.

        Raises:
            StructureError: it lacks an item, since the last product is another one.
        """
        own = self.pattern
        items = np.take(products, self._places)
        places = own.indices.copy(), own.indptr.copy()
        whole = scipy.sparse.csr_array((items, *places), own.shape)
        sizes = np.zeros(own.shape[0], items.dtype)
        for product in products:
            sizes += np.abs(product)
        gap = whole @ self._random
        gap -= products[-1]
        eps = np.finfo(items.dtype).eps
        reach = np.sqrt(eps) * sizes + _NOISE * eps * sizes.max(initial=scale)
        wrong = np.abs(gap) > reach
        if wrong.any():
            raise StructureError(
                f"the pattern lacks an item of the Jacobian in row {int(np.argmax(wrong))}: the "
                "function depends on more than when the pattern was found; find it anew with "
                "gx.sparsity(f, x)"
            )
        return whole


def sparsity(f: Callable[[Any], Any], x: Any) -> Sparsity:
    """Which numbers of a function's result depend on which of its input.

    The function is called once, on values that carry the pattern with them. What an operation may
    make depend on each other is taken to: a pattern may have items where the Jacobian has zeros. It
    holds for other inputs too, as long as `f` does the same operations with the same indices.

    Args:
        f: a function of one value.
        x: the input, of any type.

    Returns:
        The pattern: a row for each number of the result, a column for each of the input, in the
        order of `gx.ravel`.

    Raises:
        NotDifferentiableError: the input or the result is complex, or has no numbers.
        ValueError: the pattern is large and dense.

    >>> import numpy as np
    >>> sparsity(lambda u: u[1:] - u[:-1], np.zeros(4))
    Sparsity(3 × 4, 6 items, 2 colours)
    """
    leaves, count = _numbers_of(x)
    patterns, start = [], 0
    for leaf in leaves:
        size = math.prod(shape_of(leaf))
        patterns.append(identity(size, start, count))
        start += size
    run = ForwardExecution(f, (x,), patterns, names_of(1), run=PatternRun())
    check_numbers([x, run.value])
    none = identity(0, 0, count)
    blocks = [
        scipy.sparse.csr_array((math.prod(shape_of(y)), count), dtype=bool) if p is None else p
        for y, p in zip(leaves_of(run.value), run.tangents, strict=True)
    ]
    return Sparsity(scipy.sparse.vstack([none, *blocks], format="csr"))


def sparse_jacobian(f: Callable[[Any], Any], x: Any, pattern: Any = None) -> Any:
    """The Jacobian of a function with few dependent numbers, as a sparse matrix.

    Columns that meet in no row are found together, by one product with the sum of their unit
    vectors; all products by one call of the function, in forward mode. Source of the maths:
    A. R. Curtis, M. J. D. Powell and J. K. Reid, "On the estimation of sparse Jacobian matrices"
    (1974); A. Griewank and A. Walther, "Evaluating Derivatives" (2008), chapter 8.

    Args:
        f: a function of one value.
        x: the input, of any type: a number, an array, a record.
        pattern: what `gx.sparsity` gave for ``f``, or a sparse matrix with an item wherever there
            may be one; by default it is found, by one more call of ``f``.

    Returns:
        A `scipy.sparse.csr_array` with a row for each number of the result and a column for each
        of the input, in the order of `gx.ravel`.

    Raises:
        NotDifferentiableError: the input or the result is complex, or has no numbers.
        StructureError: the pattern has another shape, or lacks an item of the Jacobian.
        ConversionError: the input, or something that ``f`` reads, is a variable of an outer run.
        ValueError: (without a pattern) the pattern is large and dense.

    >>> import numpy as np
    >>> sparse_jacobian(lambda u: u[1:] * u[:-1], np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    leaves, count = _numbers_of(x)
    known = sparsity(f, x) if pattern is None else pattern
    known = known if isinstance(known, Sparsity) else Sparsity(known)
    if known.pattern.shape[1] != count:
        raise _misfit(known, f"the input has {count} numbers")
    step = max(1, min(_MOST, _NUMBERS // max(count, 1)))
    rows: Any = None
    y: Any = None
    for first in range(0, known.count + 1, step):
        stop = min(first + step, known.count + 1)
        y, found = _products(f, x, leaves, known.seeds(first, stop))
        if found.shape[1] != known.pattern.shape[0]:
            raise _misfit(known, f"the result has {found.shape[1]} numbers")
        rows = np.empty((known.count + 1, found.shape[1]), found.dtype) if rows is None else rows
        rows[first:stop] = found
    return known.filled(rows, _largest(leaves_of(y)) / max(1, _largest(leaves)))


_NOISE = 256
"""How many roundings of the largest number an item may be off that should be zero."""
_KEPT = 1 << 20
"""How many numbers of seeds a pattern keeps."""
_MOST, _NUMBERS = 1024, 1 << 16
"""How many vectors, and numbers in them, are worked on at once: what stays in a fast memory."""


def _numbers_of(x: Any) -> tuple[list[Any], int]:
    """The leaves of an input and how many numbers there are in them."""
    check_differentiable(x, "the input")
    if has_variables(x):
        raise ConversionError(OUTER)
    check_numbers([x])
    leaves = leaves_of(x)
    return leaves, sum(math.prod(shape_of(leaf)) for leaf in leaves)


def _largest(leaves: Sequence[Any]) -> float:
    """The largest size among the finite numbers of some leaves."""
    sizes = [np.abs(leaf) for leaf in leaves]
    return max([float(np.max(x, initial=0, where=np.isfinite(x))) for x in sizes], default=0.0)


def _products(f: Any, x: Any, leaves: Sequence[Any], seeds: Any) -> tuple[Any, Any]:
    """The result, and the products of its Jacobian with vectors, shape (count, n): (count, m)."""
    if len(seeds) == 1:
        return _together(f, x, leaves, seeds)
    try:
        return _together(f, x, leaves, seeds)
    except (AssignmentError, NotLiftedError):  # what f does cannot be done for all at once
        rows = [_together(f, x, leaves, seeds[k : k + 1]) for k in range(len(seeds))]
        return rows[0][0], np.concatenate([row for _, row in rows])


def _together(f: Any, x: Any, leaves: Sequence[Any], seeds: Any) -> tuple[Any, Any]:
    """`_products` by one call of the function."""
    run = BatchRun(len(seeds))
    try:
        tangents, start = [], 0
        for leaf in leaves:
            size = math.prod(shape_of(leaf))
            tangents.append(_tangent(run, leaf, seeds[:, start : start + size]))
            start += size
        done = ForwardExecution(f, (x,), tangents, names_of(1))
        check_numbers([x, done.value])
        pairs = zip(done.tangents, leaves_of(done.value), strict=True)
        rows = [rows_of(run, t, y) for t, y in pairs]
    finally:
        run.close()
    if any(isinstance(row, Lifted) for row in rows):
        raise ConversionError(OUTER)
    flat = [np.reshape(row, (len(seeds), -1)) for row in rows]
    if not flat:
        return done.value, np.zeros((len(seeds), 0))
    return done.value, flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)


def _tangent(run: BatchRun, x: Any, part: Any) -> Any:
    """A leaf's tangents, of its form and dtype; one alone needs no batch."""
    shape, dtype, form = spec_of(x)
    if run.size == 1:
        return fitted(x, part.reshape(shape)[()])
    part = part.reshape(run.size, *shape)
    if form is Form.NUMBER:
        return run.wrap(part, Spec(shape, float, form))
    return run.wrap(part.astype(dtype, copy=False), Spec(shape, dtype, form))


def _misfit(known: Sparsity, what: str) -> StructureError:
    m, n = known.pattern.shape
    return StructureError(
        f"the pattern is of a Jacobian of shape ({m}, {n}), and {what}; find it anew with "
        "gx.sparsity(f, x)"
    )
