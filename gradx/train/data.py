"""Data: what a run reads its batches from, in an order that the seed and the epoch alone decide.

There are three kinds of sources. `Rows` are arrays of one length, in whatever value holds them,
and may be larger than memory: a batch is read when its step comes. `Batches` is a call that gives
an epoch's batches one by one. `Nothing` is for a loss of the parameters alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Protocol, cast

from gradx.devices.device import Device
from gradx.devices.placement import PLACES, Place
from gradx.train.errors import DataError
from gradx.train.gradients import Gradients, Piece
from gradx.train.model import random_stream
from gradx.train.options import check_count
from gradx.train.rows import Leaf, compiled, len_of, rows_of
from gradx.train.values import cast_floats

__all__ = [
    "Batches",
    "Nothing",
    "Rows",
    "Source",
    "Step",
    "Walk",
    "batches",
    "chunk_stops",
    "source_of",
]


class Step(NamedTuple):
    """What one step reads.

    Attributes:
        batch: the batch; where `Gradients` cuts it, a pair: its `Piece`s and its number of rows.
        start: the position in the epoch before the step.
        stop: the position after it.
        last: whether it is the epoch's last step.
    """

    batch: Any
    start: int
    stop: int
    last: bool


class Walk(Protocol):
    """One epoch's way through a source."""

    def chunk_at(self, position: int, every: int | None) -> tuple[int, int]:
        """The chunk of samples that a position is in: its number from 1, and its start.

        A chunk goes from one report to the next, which comes after the first step at or past each
        multiple of a number of samples, and at the end of the epoch.
        """
        ...

    def steps(self, position: int) -> Iterator[Step]:
        """The steps from a position on."""
        ...

    def blocks(self, start: int, stop: int, rows: int) -> Iterator[Piece] | None:
        """Rows that steps have read, again in blocks; None where they cannot be read again."""
        ...


class Source(Protocol):
    """Where batches come from."""

    @property
    def place(self) -> Place | None:
        """The library of a device on which the data is; None for the host."""
        ...

    def on(self) -> AbstractContextManager[Any]:
        """Make the data's device the current one for the block."""
        ...

    def walk(self, seed: int, epoch: int, size: int, gradients: Gradients) -> Walk:
        """An epoch, counted from 1, in steps of a number of samples."""
        ...

    def blocks(self, rows: int, gradients: Gradients) -> Iterator[Piece]:
        """All of it in its own order, for an evaluation."""
        ...


def source_of(data: Any, name: str = "data", dtype: str | None = None) -> Source:
    """The source that some data is.

    Args:
        data: arrays of one length, in a tuple, list, dict or record, or one array; a call that
            gives an iterator of batches, ``data()`` or ``data(epoch)`` with epochs counted from 1;
            None; or a source already. An array is NumPy's, of a device, or anything with
            ``shape``, ``dtype`` and items by a sorted array of indices or a slice.
        name: what it is called in messages.
        dtype: cast floating and complex numbers to this precision.

    Raises:
        DataError: it is something else, has no rows, or its arrays differ in length.

    >>> import numpy as np
    >>> [piece.batch for piece in source_of((np.arange(3), None)).blocks(2, Gradients())]
    [(array([0, 1]), None), (array([2]), None)]
    """
    if data is None:
        return Nothing()
    if isinstance(data, (Rows, Batches, Nothing)):
        return data
    if callable(data) and not hasattr(data, "shape"):
        return Batches(cast(Any, data), name, dtype=dtype)
    if isinstance(data, Iterator):
        raise DataError(
            f"{name} is a {type(data).__name__}, which is used up after one epoch; give a function "
            "that makes a new one for each: lambda: …"
        )
    return Rows(data, name, dtype=dtype)


def batches(data: Any, size: int, *, seed: int = 0, epoch: int = 1) -> Iterator[Any]:
    """The batches of an epoch in the order in which `fit` takes them.

    Args:
        data: see `source_of`.
        size: samples a batch; the last one may have fewer.
        seed: any number from 0.
        epoch: the pass over the data, counted from 1.

    Raises:
        DataError: see there.
        OptionError: the size is none.

    >>> import numpy as np
    >>> list(batches(np.arange(5), 2))
    [array([4, 3]), array([2, 0]), array([1])]
    """
    check_count("size", size, "samples a batch", 32)
    for batch, *_ in source_of(data).walk(seed, epoch, size, Gradients()).steps(0):
        yield batch


def sample_order(seed: int, epoch: int, count: int) -> Any:
    """The order in which one epoch, counted from 1, takes its samples."""
    return random_stream(seed, epoch).permutation(count)


def chunk_stops(count: int, batch_size: int, report_every: int | None) -> list[int]:
    """Where the reports of an epoch come: after the first step at or past each multiple.

    Steps end at multiples of the batch size, wherever the reports are.

    >>> chunk_stops(12_000, batch_size=1, report_every=5000)
    [5000, 10000, 12000]
    >>> chunk_stops(12_000, batch_size=128, report_every=5000)
    [5120, 10112, 12000]
    """
    stops: list[int] = []
    stop = 0
    while stop < count:
        due = (stop // (report_every or count) + 1) * (report_every or count)
        stop = min(-(-due // batch_size) * batch_size, count)
        stops.append(stop)
    return stops


# --- Arrays ---------------------------------------------------------------------------------------


class Rows:
    """Arrays of one length: a sample is a row of each.

    Nothing is copied but what a batch needs. Batches are read-only, so that a loss cannot change
    the data through one.

    Args:
        data: see `source_of`.
        name: what it is called in messages.
        dtype: see there.
        place: the library of the device that the arrays are on, where their type does not say it.
        device: that device.

    Raises:
        DataError: see there.

    >>> import numpy as np
    >>> rows = Rows({"x": np.arange(6.0).reshape(3, 2), "label": np.array([0, 1, 0])})
    >>> rows.count, rows.take(slice(1, 3))
    (3, {'x': array([[2., 3.],
           [4., 5.]]), 'label': array([1, 0])})
    """

    def __init__(
        self,
        data: Any,
        name: str = "data",
        *,
        dtype: str | None = None,
        place: Any = None,
        device: Device | None = None,
    ) -> None:
        leaves: list[Leaf] = []
        self._build = compiled(data, name, dtype, leaves)
        self.count = _common_length(leaves, name)
        self._takes = [leaf.take for leaf in leaves]
        views = [leaf.views for leaf in leaves]
        self._views = None if any(x is None for x in views) else views
        self.place: Place | None = place
        self._device = device
        for leaf in leaves:
            if self.place is None and leaf.on_device:
                self.place = PLACES[type(leaf.x)]
                self._device = self.place.device_of(leaf.x)

    def on(self) -> AbstractContextManager[Any]:
        """Make the data's device the current one for the block."""
        if self.place is None or self._device is None:
            return nullcontext()
        return self.place.on(self._device)

    def there(self, which: Any) -> Any:
        """Indices on the data's device."""
        if self.place is None or self._device is None:
            return which
        with self.on():
            return self.place.asarray(which, self._device)

    def take(self, which: Any, there: Any = None) -> Any:
        """Some rows, as a value like the whole.

        Args:
            which: a slice, or indices on the host.
            there: the same indices on the data's device, where it has one.
        """
        if self._views is not None and type(which) is slice:
            return self._build([x[which] for x in self._views])
        there = which if there is None else there
        return self._build([take(which, there) for take in self._takes])

    def walk(self, seed: int, epoch: int, size: int, gradients: Gradients) -> RowsWalk:
        """An epoch in steps."""
        return RowsWalk(self, sample_order(seed, epoch, self.count), size, gradients)

    def blocks(self, rows: int, gradients: Gradients) -> Iterator[Piece]:
        """All rows in order, in blocks."""
        for start in range(0, self.count, rows):
            stop = min(start + rows, self.count)
            for s in gradients.pieces(stop - start):
                part = slice(start + s.start, start + s.stop)
                yield Piece(self.take(part), s.stop - s.start, s.block)


_new = tuple.__new__  # without the function of Python's that a named tuple has for it
_AT_ONCE = 1 << 16  # indices that are Python's numbers at the same time


class RowsWalk:
    """One epoch's way through rows, in an order."""

    def __init__(self, source: Rows, order: Any, size: int, gradients: Gradients) -> None:
        self._source, self._size, self._gradients = source, size, gradients
        self._order, self._there = order, source.there(order)

    def chunk_at(self, position: int, every: int | None) -> tuple[int, int]:
        """See `Walk`."""
        count = len(self._order)
        if position >= count:
            raise DataError(
                f"the data has {count:,} rows, fewer than the {position:,} of this epoch that were "
                "trained on before; give the same as then to go on"
            )
        stops = chunk_stops(count, self._size, every)
        number = next(i for i, stop in enumerate(stops) if stop > position)
        return number + 1, stops[number - 1] if number else 0

    def steps(self, position: int) -> Iterator[Step]:
        """See `Walk`. A step ends at a multiple of the size, even one that begins at none."""
        count, size, source = len(self._order), self._size, self._source
        while size == 1 and position < count and self._gradients.whole:
            for i in self._order[position : position + _AT_ONCE].tolist():
                batch = source.take(slice(i, i + 1))
                position += 1
                yield _new(Step, (batch, position - 1, position, position == count))
        while position < count:
            stop = min((position // size + 1) * size, count)
            yield Step(self._batch(position, stop), position, stop, stop == count)
            position = stop

    def _batch(self, start: int, stop: int) -> Any:
        if self._gradients.whole:
            return self._rows(start, stop)
        return self._pieces(start, stop), stop - start

    def _pieces(self, start: int, stop: int) -> list[Piece]:
        return [
            Piece(self._rows(start + s.start, start + s.stop), s.stop - s.start, s.block)
            for s in self._gradients.pieces(stop - start)
        ]

    def _rows(self, start: int, stop: int) -> Any:
        return self._source.take(self._order[start:stop], self._there[start:stop])

    def blocks(self, start: int, stop: int, rows: int) -> Iterator[Piece]:
        """See `Walk`."""
        for begin in range(start, stop, rows):
            yield from self._pieces(begin, min(begin + rows, stop))


_MOST_SHOWN = 20


def _common_length(leaves: Sequence[Leaf], name: str) -> int:
    if not leaves:
        raise DataError(f"{name} has no arrays; give an array, or a tuple, dict or record of some")
    lengths = {len_of(leaf.x) for leaf in leaves}
    if len(lengths) > 1:
        told = ", ".join(f"{leaf.path} has {len_of(leaf.x):,}" for leaf in leaves[:_MOST_SHOWN])
        told += f", and {len(leaves) - _MOST_SHOWN} more" * (len(leaves) > _MOST_SHOWN)
        raise DataError(f"the arrays of {name} must have one length, a row for each sample; {told}")
    (count,) = lengths
    if not count:
        raise DataError(f"{name} has no rows; give at least one sample")
    return count


# --- Batches that a call gives --------------------------------------------------------------------


class Batches:
    """A call that gives an iterator of an epoch's batches.

    The order of the samples is the caller's. To go on in the middle of an epoch, its batches so
    far are made again and left out. The number of samples of a batch is the length of its first
    array, or 1.

    Args:
        call: ``call()``, or ``call(epoch)`` with epochs counted from 1.
        name: what it is called in messages.
        dtype: see `source_of`.

    >>> import numpy as np
    >>> batches = Batches(lambda epoch: iter([np.ones(2) * epoch, np.zeros(1)]))
    >>> [(step.start, step.stop, step.last) for step in batches.walk(0, 1, 1, Gradients()).steps(0)]
    [(0, 2, False), (2, 3, True)]
    """

    place: Place | None = None

    def __init__(
        self,
        call: Callable[..., Iterable[Any]],
        name: str = "data",
        *,
        dtype: str | None = None,
    ) -> None:
        self._call, self.name, self._dtype = call, name, dtype
        self._by_epoch = _takes_one(call)

    def on(self) -> AbstractContextManager[Any]:
        """Nothing to do: where batches are is the call's affair."""
        return nullcontext()

    def batches(self, epoch: int) -> Iterator[tuple[Any, int]]:
        """The batches of an epoch, each with its number of samples."""
        found = self._call(epoch) if self._by_epoch else self._call()
        if not isinstance(found, Iterable):
            raise DataError(
                f"{self.name}() gave a {type(found).__name__}; give an iterator of batches, such "
                "as a generator"
            )
        for batch in found:
            batch = batch if self._dtype is None else cast_floats(batch, self._dtype)
            count = rows_of(batch)
            if not count:
                raise DataError(f"{self.name}() gave an empty batch in epoch {epoch}; leave it out")
            yield batch, count

    def walk(self, seed: int, epoch: int, size: int, gradients: Gradients) -> BatchesWalk:
        """An epoch; seed and size are not asked, since the call decides."""
        return BatchesWalk(self, epoch, gradients)

    def blocks(self, rows: int, gradients: Gradients) -> Iterator[Piece]:
        """The batches of one epoch, as validation data."""
        count = 0
        for batch, count in self.batches(1):
            yield from _cut(batch, count, gradients)
        if not count:
            raise DataError(f"{self.name}() gave no batch; give at least one")


class BatchesWalk:
    """One epoch's way through batches that come one by one."""

    def __init__(self, source: Batches, epoch: int, gradients: Gradients) -> None:
        self._source, self._epoch, self._gradients = source, epoch, gradients

    def chunk_at(self, position: int, every: int | None) -> tuple[int, int]:
        """See `Walk`: found by counting again, since batches are of any size."""
        number, start, at = 1, 0, 0
        if every is None or not position:
            return 1, 0
        for _, count in self._source.batches(self._epoch):
            if at >= position:
                break
            at += count
            if at // every > start // every:
                number, start = number + 1, at
        return number, start

    def steps(self, position: int) -> Iterator[Step]:
        """See `Walk`. One batch is read ahead, to know which is the last."""
        name, at = self._source.name, 0
        waiting: tuple[Any, int] | None = None
        for found in self._source.batches(self._epoch):
            if waiting is not None:
                if at >= position:
                    yield self._step(waiting, at, last=False)
                at += waiting[1]
            waiting = found
        if waiting is None:
            raise DataError(
                f"{name}() gave no batch in epoch {self._epoch}; give a function that makes a new "
                "iterator each time it is called"
            )
        if at < position:
            raise DataError(
                f"{name}() gave fewer samples in epoch {self._epoch} than the {position:,} that "
                "were trained on before; give the same as then to go on"
            )
        yield self._step(waiting, at, last=True)

    def _step(self, found: tuple[Any, int], at: int, *, last: bool) -> Step:
        batch, count = found
        whole = self._gradients.whole
        if not whole:
            batch = list(_cut(batch, count, self._gradients)), count
        return Step(batch, at, at + count, last)

    def blocks(self, start: int, stop: int, rows: int) -> None:
        """None: what was read is gone."""
        return None


def _cut(batch: Any, count: int, gradients: Gradients) -> Iterator[Piece]:
    if gradients.whole:
        yield Piece(batch, count)
        return
    rows = Rows(batch, "a batch")
    for s in gradients.pieces(rows.count):
        yield Piece(rows.take(slice(s.start, s.stop)), s.stop - s.start, s.block)


def _takes_one(call: Callable[..., Any]) -> bool:
    """Whether a call wants the epoch's number."""
    try:
        inspect.signature(call).bind()
    except TypeError:
        return True
    except ValueError:  # a builtin without a signature
        return False
    return False


# --- No data --------------------------------------------------------------------------------------


class Nothing:
    """No data: the loss is of the parameters alone, and an epoch is one step."""

    place: Place | None = None

    def __init__(self, gradients: Gradients | None = None) -> None:
        self._gradients = gradients or Gradients()

    def on(self) -> AbstractContextManager[Any]:
        """Nothing to do."""
        return nullcontext()

    def walk(self, seed: int, epoch: int, size: int, gradients: Gradients) -> Nothing:
        """An epoch is one step, which one rank does."""
        return Nothing(gradients)

    def chunk_at(self, position: int, every: int | None) -> tuple[int, int]:
        """See `Walk`."""
        return 1, 0

    def steps(self, position: int) -> Iterator[Step]:
        """See `Walk`."""
        pieces = [Piece(None, 1, s.block) for s in self._gradients.pieces(1)]
        yield Step(None if self._gradients.whole else (pieces, 1), 0, 1, True)

    def blocks(self, *given: Any, **named: Any) -> Iterator[Piece]:
        """One sample, which is nothing."""
        yield Piece(None, 1)
