"""Blocks: a formula done into arrays, a few thousand items at a time.

A formula of whole arrays makes a temporary array for each of its operations, each as large as the
parameters, and each goes through memory. Here it is called once on values that stand for arrays and
write down what is done to them; then the same operations are done block by block, and all that is
temporary stays in the processor's cache. Each operation is NumPy's own, or one of C that rounds the
same, on the same operands, so the numbers are those of the formula to the bit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.native.blocks import steps_of

__all__ = ["Program"]

Call = Callable[[], Any]
_BLOCK = 1 << 17
"""The bytes of an array that are done at a time: blocks of six arrays fit into the cache."""
_ARITHMETIC: Mapping[str, Any] = MappingProxyType(
    {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide}
)
_KEYWORD = frozenset({np.maximum, np.minimum})
"""The functions that take their output by name only."""


class _Traced:
    """What stands for an array in a formula, and writes down what is done to it.

    Attributes:
        dtype: its dtype.
        last: the last operation that reads it.
    """

    __slots__ = ("_sample", "_steps", "dtype", "last")

    def __init__(self, steps: list[_Step], sample: Any) -> None:
        self._steps, self._sample = steps, sample
        self.dtype, self.last = sample.dtype, -1

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        return self.noted(ufunc, *inputs)

    def noted(self, ufunc: Any, *inputs: Any) -> _Traced:
        """The result of a function of single items, one of which this is."""
        steps, samples = self._steps, []
        for x in inputs:
            if type(x) is _Traced:
                x.last = len(steps)
                samples.append(x._sample)
            else:
                samples.append(x)
        made = _Traced(steps, ufunc(*samples))
        steps.append((ufunc, inputs, made))
        return made

    def __pow__(self, other: Any) -> Any:  # as NumPy's arrays do
        return self.noted(np.sqrt, self) if other == 0.5 else self.noted(np.power, self, other)

    def __neg__(self) -> Any:
        return self.noted(np.negative, self)

    def __pos__(self) -> Any:
        return self.noted(np.positive, self)


def _install() -> None:
    for name, ufunc in _ARITHMETIC.items():
        setattr(_Traced, f"__{name}__", lambda a, b, f=ufunc: a.noted(f, a, b))
        setattr(_Traced, f"__r{name}__", lambda a, b, f=ufunc: a.noted(f, b, a))


_install()

_Step = tuple[Any, tuple[Any, ...], _Traced]


class Program:
    """The operations of a formula on arrays of some dtypes.

    Args:
        formula: ``formula(*arrays, *numbers)`` gives a tuple of results, by arithmetic and NumPy's
            functions of single items.
        dtypes: those of its arrays.
        numbers: Python numbers.
        into: for each result the array that it is written into.

    Attributes:
        dtypes: those of the results.
    """

    def __init__(
        self,
        formula: Callable[..., Any],
        dtypes: Sequence[Any],
        numbers: Sequence[Any],
        into: Sequence[int],
    ) -> None:
        steps: list[_Step] = []
        arrays = [_Traced(steps, np.empty(0, dtype)) for dtype in dtypes]
        results = [
            +y if any(y is x for x in arrays) and y is not arrays[k] else y
            for y, k in zip(formula(*arrays, *numbers), into, strict=True)
        ]  # what is an array of another place is copied before that is written into
        self.dtypes = [y.dtype for y in results]
        self._constants: list[Any] = []
        self._rooms: list[Any] = []  # the dtype of each temporary
        places = {id(x): (0, k) for k, x in enumerate(arrays)}
        direct, copies = _targets(steps, arrays, results, into)
        placed = self._placed(steps, places, direct, {id(y) for y, _ in copies})
        placed += [(np.positive, (places[id(y)], (0, k))) for y, k in copies]
        starts = (0, len(arrays), len(arrays) + len(self._rooms))
        where = [(f, [starts[kind] + k for kind, k in cells]) for f, cells in placed]
        self._in_c = steps_of(where, [x.dtype for x in arrays], self._rooms, self._constants)
        self._steps = [(f, operator.itemgetter(*cells)) for f, cells in where]

    def _placed(
        self,
        steps: list[_Step],
        places: dict[int, tuple[int, int]],
        direct: Mapping[int, int],
        kept: set[int],
    ) -> list[tuple[Any, Any]]:
        """Where each operation finds its operands and leaves its result.

        A place is a pair: ``(0, k)`` is array k, ``(1, k)`` temporary k, ``(2, k)`` number k.
        """
        free: list[int] = []
        placed: list[tuple[Any, Any]] = []
        for i, (ufunc, inputs, made) in enumerate(steps):
            given = []
            for x in inputs:
                if type(x) is not _Traced:
                    # Python's numbers adapt to an array; to make them do so once saves time.
                    fits = made.dtype if ufunc in _ARITHMETIC.values() else None
                    given.append((2, len(self._constants)))
                    self._constants.append(x if fits is None else np.asarray(x, fits))
                    continue
                given.append(places[id(x)])
                kind, k = places[id(x)]
                if kind == 1 and x.last == i and id(x) not in kept and k not in free:
                    free.append(k)
            if id(made) in direct:
                places[id(made)] = (0, direct[id(made)])
            else:
                places[id(made)] = (1, self._room(free, made.dtype))
            placed.append((ufunc, (*given, places[id(made)])))
        return placed

    def _room(self, free: list[int], dtype: Any) -> int:
        """A temporary of a dtype that is free."""
        for k in free:
            if self._rooms[k] == dtype:
                free.remove(k)
                return k
        self._rooms.append(dtype)
        return len(self._rooms) - 1

    def calls(self, rows: Sequence[Sequence[Any]]) -> Iterator[Call]:
        """Calls of C functions that do the formula, made ready.

        Args:
            rows: for each, the arrays of the formula, all of one shape.
        """
        laid = [_laid_out(arrays) for arrays in rows]
        most = max((min(_height(x[0]), len(x[0])) * _width(x[0]) for x in laid), default=0)
        rooms = [np.empty(most, dtype) for dtype in self._rooms]
        for arrays in laid:
            call = None if self._in_c is None else self._in_c.call(arrays)
            if call is not None:
                yield call
                continue
            height, width, rest = _height(arrays[0]), _width(arrays[0]), arrays[0].shape[1:]
            for start in range(0, len(arrays[0]), height):
                cells = [x[start : start + height] for x in arrays]
                count = len(cells[0])
                for room in rooms:
                    part = room[: count * width]
                    cells.append(part.reshape(count, *rest) if rest else part)
                cells += self._constants
                for ufunc, operands in self._steps:
                    yield _call(ufunc, *operands(cells))


def _call(ufunc: Any, *operands: Any) -> Call:
    if ufunc in _KEYWORD:
        return partial(ufunc, *operands[:-1], out=operands[-1])
    return partial(ufunc, *operands)


def _targets(
    steps: list[_Step], arrays: list[_Traced], results: Any, into: Sequence[int]
) -> tuple[dict[int, int], list[tuple[_Traced, int]]]:
    """The results that are made where they go, and those that are copied there in the end."""
    made_at = {id(made): i for i, (_, _, made) in enumerate(steps)}
    direct: dict[int, int] = {}
    copies: list[tuple[_Traced, int]] = []
    for y, k in zip(results, into, strict=True):
        i = made_at.get(id(y), -1)
        if 0 <= i >= arrays[k].last and id(y) not in direct and y.dtype == arrays[k].dtype:
            direct[id(y)] = k
        elif y is not arrays[k]:
            copies.append((y, k))
    return direct, copies


def _width(x: Any) -> int:
    """The number of items in a row of an array."""
    return int(x.size) // max(1, len(x))


def _height(x: Any) -> int:
    """The number of rows of an array that are done at a time."""
    return max(1, _BLOCK // max(1, _width(x) * int(x.itemsize)))


def _laid_out(arrays: Sequence[Any]) -> list[Any]:
    """Arrays of one shape as vectors, where all lie in memory alike; else as they are."""
    if all([x.flags.c_contiguous for x in arrays]):
        return [x.reshape(-1) for x in arrays]
    if all([x.flags.f_contiguous for x in arrays]):
        return [x.T.reshape(-1) for x in arrays]
    return list(arrays)
