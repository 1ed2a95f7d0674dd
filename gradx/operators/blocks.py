"""Blocks of a Jacobian: the derivative of one leaf of a result by one leaf of the inputs.

All rows are had by one backward sweep, or all columns by one forward run: of cotangents, or
tangents, that have a batch axis, an example for each number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradx.batch.run import BatchRun
from gradx.core.check_cotangents import fitted
from gradx.core.cotangent import dense
from gradx.core.dispatch import Lifted
from gradx.core.spec import Form, Spec, home, primal, shape_of, spec_of
from gradx.devices.placement import PLACES, on_device_of
from gradx.errors import GradxError
from gradx.forward.api import ForwardExecution
from gradx.forward.transposition import transposable
from gradx.ops.helpers import array_for, conj, eye_for, first_device_array, zeros_for
from gradx.reverse.api import Chosen
from gradx.reverse.gradients import read_together, settle
from gradx.reverse.run import Execution
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of

__all__ = [
    "UNFIT",
    "Blocks",
    "by_columns",
    "by_columns_of",
    "by_rows",
    "diagonal_by_columns",
    "rows_of",
]

Blocks = list[list[Any]]
"""For each leaf of the result, for each leaf of the inputs an array: ``y.shape + x.shape``."""

_MOST = 1024
"""How many rows or columns are worked on at once: what bounds the memory."""
_EXACT = (Fraction, Decimal)
UNFIT = (GradxError, TypeError, ValueError)
"""What pullbacks of users raise that ask their cotangent for a number, and get one without."""


def by_rows(run: Execution) -> Blocks:
    """The blocks of a Jacobian by reverse mode: a cotangent for each row.

    They are done all at once, or one after the other where a pullback of a user's asks its
    cotangent for a number.

    Args:
        run: the run of the function, whose tape is kept.
    """
    outputs = leaves_of(run.value)
    inputs = [x for each in run.inputs for x in leaves_of(each)]
    own = [y for y, output in zip(outputs, run.outputs, strict=True) if output is not None]

    def pulled(gs: list[Any]) -> list[Any]:
        return run.cotangents(reversed(run.nodes), gs)

    try:
        rows = _at_units(pulled, own, inputs)
    except UNFIT:
        rows = _at_units(pulled, own, inputs, 1)
    blocks, start = [], 0
    for y, output in zip(outputs, run.outputs, strict=True):
        shape = shape_of(y)
        if output is None:
            blocks.append([zeros_for(_floating(x), (*shape, *shape_of(x))) for x in inputs])
            continue
        some = slice(start, start + math.prod(shape))
        start = some.stop
        blocks.append([_block(h[some], y, x) for h, x in zip(rows, inputs, strict=True)])
    return blocks


def by_columns(call: Chosen, has_aux: bool) -> tuple[Blocks, ForwardExecution]:
    """The blocks of a Jacobian by forward mode: a tangent for each column.

    Args:
        call: the function and its inputs.
        has_aux: the function returns a pair, and only its first part is differentiated.
    """
    along = _Along(call, has_aux)
    columns = _at_units(along, along.inputs, along.outputs)
    return _split(columns, along.outputs, along.inputs), along.first_run()


class _Along:
    """The tangents of the leaves of a function's result, along those of the leaves of its inputs.

    Args:
        call: the function and its inputs.
        has_aux: the function returns a pair, and only its first part is differentiated.

    Attributes:
        inputs: the leaves of the inputs.
        outputs: those of the result, once it has been called.
    """

    def __init__(self, call: Chosen, has_aux: bool = False) -> None:
        self._call, self._has_aux = call, has_aux
        self.inputs = [x for each in call.inputs for x in leaves_of(each)]
        self.outputs: list[Any] = []
        self._first: ForwardExecution | None = None

    def __call__(self, tangents: list[Any]) -> list[Any]:
        call = self._call
        run = ForwardExecution(call, call.inputs, tangents, call.names, self._has_aux, call.beside)
        if self._first is None:
            self._first = run
            self.outputs.extend(leaves_of(run.value))
        return run.tangents

    def first_run(self) -> ForwardExecution:
        """The first run, or one for inputs without numbers, which have no direction."""
        if self._first is None:
            self([zeros_for(_floating(x), shape_of(x)) for x in self.inputs])
        assert self._first is not None
        return self._first


def by_columns_of(run: Execution) -> Blocks:
    """The same of a run of reverse mode, whose pullback is transposed.

    Raises:
        NotDifferentiableError: the pullback of a user's op is not linear.
    """
    inputs = [x for each in run.inputs for x in leaves_of(each)]
    outputs = leaves_of(run.value)
    linear = transposable(run)
    columns = _at_units(lambda ts: linear.transpose(ts, reversed(linear.nodes)), inputs, outputs)
    return _split(columns, outputs, inputs)


def diagonal_by_columns(call: Chosen) -> Any:
    """The diagonal of the Jacobian of a function that returns a value like its one input.

    Of the columns only their part of it is kept.
    """
    along = _Along(call)
    found: list[list[Any]] = [[] for _ in along.inputs]
    for first, columns in _chunks(along, along.inputs, along.outputs):
        start = 0
        for parts, column, y in zip(found, columns, along.outputs, strict=True):
            count, size = column.shape[0], math.prod(shape_of(y))
            low, high = max(first, start), min(first + count, start + size)
            if low < high:
                square = np.reshape(column, (count, size))[low - first : high - first]
                parts.append(np.copy(np.diagonal(square[:, low - start : high - start])))
            start += size
    rest = iter(found)

    def leaf(y: Any, spec: Any) -> Any:
        parts = next(rest)
        diagonal = np.reshape(np.concatenate(parts), shape_of(y)) if parts else None
        return settle(y, [None if diagonal is None else conj(diagonal)], "the diagonal")

    diagonal = map_leaves(along.first_run().value, leaf, "the diagonal")
    return read_together([diagonal])[0] if PLACES else diagonal


# --- Linear functions at all unit vectors ---------------------------------------------------------


def _at_units(
    function: Callable[[list[Any]], Sequence[Any]],
    leaves: Sequence[Any],
    results: Sequence[Any],
    most: int = _MOST,
) -> list[Any]:
    """The values of a linear function for a one in the place of each number of its argument.

    Args:
        function: from the leaves of the argument to those of the result, None for zero.
        leaves: values like those of the argument.
        results: values like those of the result, at the latest when the function has been called.
        most: how many are worked on at once; one is a plain value.

    Returns:
        For each leaf of the result an array of shape ``(count, *shape)``.
    """
    parts = [rows for _, rows in _chunks(function, leaves, results, most)]
    if not parts:
        return [zeros_for(_floating(x), (0, *shape_of(x))) for x in results]
    if len(parts) == 1:
        return parts[0]
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


def _chunks(
    function: Callable[[list[Any]], Sequence[Any]],
    leaves: Sequence[Any],
    results: Sequence[Any],
    most: int = _MOST,
) -> Iterator[tuple[int, list[Any]]]:
    """As `_at_units`, some at a time: the number of the first, and the arrays for these."""
    sizes = [math.prod(shape_of(x)) for x in leaves]
    *starts, count = itertools.accumulate(sizes, initial=0)
    beside = first_device_array((*leaves, *results))
    exact = any(isinstance(primal(x), _EXACT) for x in (*leaves, *results))
    step = 1 if exact else most
    for first in range(0, count, step):
        run = BatchRun(min(step, count - first))
        try:
            units = [
                _unit(run, x, size, start - first, beside)
                for x, size, start in zip(leaves, sizes, starts, strict=True)
            ]
            found = function(units)
            rows = [rows_of(run, h, x) for h, x in zip(found, results, strict=True)]
        finally:
            run.close()
        yield first, rows


def _floating(x: Any) -> Any:
    """A value of the dtype of a leaf's derivative, on the device of the leaf."""
    kind, at = spec_of(x).dtype, home(x)
    if type(at) in PLACES:
        return at if at.dtype.kind in "fc" else at.astype(float)
    if kind in (int, float, bool) or getattr(kind, "kind", "f") in "biu":
        return 0.0
    return 0j if kind is complex else primal(x)


def _unit(run: BatchRun, x: Any, size: int, start: int, beside: Any) -> Any:
    """The unit vectors of a run, at a leaf whose numbers are those from ``start`` on.

    Those of a number that stands beside arrays of a device are on the device: ``beside`` is one.
    """
    spec, plain = spec_of(x), primal(x)
    if isinstance(plain, _EXACT):
        return type(plain)(int(start == 0))
    like = _floating(x)
    if run.size == 1 and spec.form is not Form.ARRAY:
        return fitted(x, float(0 <= -start < size))
    if beside is not None and spec.form is not Form.ARRAY:
        like = array_for(like, beside)
    with on_device_of(like):
        rows = _eye(like, run.size, size, start)
        if run.size == 1:
            return fitted(x, np.reshape(rows, spec.shape))
        units = np.reshape(rows, (run.size, *spec.shape))
    number = complex if spec.dtype is complex else float
    dtype = number if spec.form is Form.NUMBER else units.dtype
    return run.wrap(units, Spec(spec.shape, dtype, spec.form))


def _eye(like: Any, rows: int, columns: int, start: int) -> Any:
    """Ones where the column is the row less ``start``, shape ``(rows, columns)``."""
    if start == 0 and rows == columns:
        return eye_for(like, rows)
    flat = zeros_for(like, (rows, columns))
    for column in range(max(0, -start), min(columns, rows - start)):
        flat[column + start, column] = 1
    return flat


def rows_of(run: BatchRun, h: Any, x: Any) -> Any:
    """The examples of a batched value like a leaf, shape ``(count, *shape)``."""
    shape = (run.size, *shape_of(x))
    if h is None:
        return zeros_for(_floating(x), shape)
    h = fitted(x, dense(h))
    if run.owns(h):
        own = run.operand(h)
        if own.batched:
            return own.value
        h = own.value
    if isinstance(primal(x), _EXACT):
        rows = np.empty(1, object)
        rows[0] = h
        return rows
    return np.broadcast_to(h, shape)


def _split(columns: Sequence[Any], outputs: Sequence[Any], inputs: Sequence[Any]) -> Blocks:
    """The blocks of the columns of each leaf of a result, shape ``(count, *y.shape)``."""
    blocks = []
    for y, whole in zip(outputs, columns, strict=True):
        start, row = 0, []
        for x in inputs:
            some = slice(start, start + math.prod(shape_of(x)))
            start = some.stop
            row.append(_block(np.moveaxis(whole[some], 0, -1), y, x))
        blocks.append(row)
    return blocks


def _block(part: Any, y: Any, x: Any) -> Any:
    """A part of all rows or columns as an array of its own, of the dtype of the input's leaf."""
    block = np.reshape(part, (*shape_of(y), *shape_of(x)))
    known = _floating(x)
    dtype = np.dtype(getattr(known, "dtype", type(known)))
    if block.dtype != dtype and block.dtype.kind == dtype.kind:  # objects stay exact
        return block.astype(dtype)
    shared = isinstance(block, Lifted) or (type(block) is np.ndarray and block.base is not None)
    return np.copy(block) if shared else block
