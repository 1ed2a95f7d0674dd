"""The graph of a run: a row for each operation, with what it was done on and what it keeps."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradx.core.cotangent import edges_of
from gradx.core.spec import Form, primal, spec_of
from gradx.core.watch import WATCH, Watch
from gradx.debugging.notes import Note, NotingTape, targets_of
from gradx.debugging.places import Place
from gradx.devices.placement import device_at
from gradx.reverse.run import Execution

__all__ = ["Row", "rows_of", "run_noted", "size_of"]


class Row(NamedTuple):
    """An operation of a graph, or an input.

    Attributes:
        op: the name of the op; "input" for an input.
        operands: for each operand the number of its row, or None for a constant.
        name: the path of an input; "" for an operation.
        shapes: those of the operands and of the result, as in "3x2, 2 → 3".
        dtype: that of the result; the type of what has none.
        device: where the result is.
        kept: bytes of results that the op's rule keeps, each counted where it is first kept.
        place: the user's line; None for an input.
    """

    op: str
    operands: tuple[int | None, ...]
    name: str
    shapes: str
    dtype: str
    device: str
    kept: int
    place: Place | None


class _Once(Watch):
    """Gives a tape to the first run that begins, and plain ones to those inside it."""

    def __init__(self, tape: Any) -> None:
        self._tapes = [tape]

    def tape(self) -> Any:
        return self._tapes.pop() if self._tapes else None


def run_noted(
    f: Callable[..., Any], xs: Sequence[Any], named: Mapping[str, Any], tape: NotingTape
) -> Execution:
    """The run of a function on a tape that remembers, its inputs named as the parameters are.

    Raises:
        TypeError: there are no inputs.
    """
    if not xs and not named:
        raise TypeError("there are no inputs to follow; pass them after the function")
    count, keys = len(xs), list(named)

    def call(*vs: Any) -> Any:
        return f(*vs[:count], **dict(zip(keys, vs[count:], strict=True)))

    token = WATCH.set(_Once(tape))
    try:
        return Execution(call, [*xs, *named.values()], [*_parameters(f, count), *keys])
    finally:
        WATCH.reset(token)


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first parameters of a function."""
    names: list[str] = []
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # a function of C need not tell
        parameters = []
    for each in parameters:
        if each.kind is each.VAR_POSITIONAL:
            names += [f"{each.name}[{i}]" for i in range(count - len(names))]
        elif each.kind is not each.VAR_KEYWORD and each.kind is not each.KEYWORD_ONLY:
            names.append(each.name)
    return (names + [f"argument {i}" for i in range(len(names), count)])[:count]


def rows_of(tape: NotingTape) -> list[Row]:
    """The rows of a tape: the inputs that were used, then the operations in their order."""
    notes, leaves = tape.notes, tape.input_leaves()
    used = {id(target) for note in notes.values() for target in targets_of(note.node)}
    rows: list[Row] = []
    numbers: dict[int, int] = {}
    values: dict[int, Any] = {}
    for key, (path, x) in leaves.items():
        if key in used:
            numbers[key], values[key] = len(rows), x
            rows.append(Row("input", (), path, _shape(x), *_kind(x), 0, None))
    results = {id(_root(primal(note.y))) for note in notes.values()}
    counted: set[int] = {id(_root(primal(x))) for _, x in leaves.values()}
    for key, note in notes.items():
        targets = [id(target) for target in targets_of(note.node)]
        numbers[key], values[key] = len(rows), note.y
        operands = _operands(note, targets, numbers, values)
        shapes = ", ".join(map(_shape, note.operands[:4])) + (", …" * (len(note.operands) > 4))
        shapes = f"{shapes} → {_shape(note.y)}"
        kept = _kept(note, results, counted)
        rows.append(Row(note.op.name, operands, "", shapes, *_kind(note.y), kept, note.place))
    return rows


def _operands(
    note: Note, targets: list[int], numbers: dict[int, int], values: dict[int, Any]
) -> tuple[int | None, ...]:
    """The row of each operand; the operands that are no variables of the run are constants."""
    waiting, alike = list(targets), len(targets) == len(note.operands)
    found: list[int | None] = []
    for x in note.operands:
        key = next((key for key in waiting if values.get(key, _NOTHING) is x), None)
        if key is None and alike and waiting:
            key = waiting[0]
        if key is not None:
            waiting.remove(key)
        found.append(None if key is None else numbers.get(key))
    return (*found, *[numbers.get(key) for key in waiting])


_NOTHING = object()


def _kept(note: Note, results: set[int], counted: set[int]) -> int:
    """The bytes of results that a rule keeps and no rule before it does."""
    total = 0
    for edge in edges_of(note.node):
        for x in edge[2]:
            whole = _root(primal(x))
            if id(whole) in results and id(whole) not in counted:
                counted.add(id(whole))
                total += size_of(whole)
    return total


def _root(x: Any) -> Any:
    """The array that owns the memory which an array shows."""
    while isinstance(base := getattr(x, "base", None), type(x)):
        x = base
    return x


def size_of(x: Any) -> int:
    """The bytes of an array; of a number those that it has in an array."""
    x = primal(x)
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return int(math.prod(x.shape) * dtype.itemsize)
    return 16 if isinstance(x, complex) else 8 if isinstance(x, (int, float)) else 0


def _shape(x: Any) -> str:
    shape, _, form = spec_of(x)
    return "x".join(map(str, shape)) if shape else "()" if form is Form.ARRAY else "1"


def _kind(x: Any) -> tuple[str, str]:
    """The dtype and the device of a value."""
    dtype = spec_of(x).dtype
    name = str(dtype) if isinstance(dtype, np.dtype) else getattr(dtype, "__name__", str(dtype))
    return name, str(device_at(primal(x)) or "cpu")


def pattern(name: str) -> str:
    """A path with a star for each index, which the repeats of a loop share."""
    return re.sub(r"\[\d+\]", "[*]", name)
