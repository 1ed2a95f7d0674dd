"""Batching of indexing, and of writing and adding at an index, by plain and by batched places.

A plain index gets a whole slice for the batch axis. With places that differ from example to
example the number of the example is one more array of places. NumPy puts the axes of places first
wherever a slice stands between them; they are moved to where they are in an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gradx.batch.chosen import at_items, count_of_mask, places_of_mask
from gradx.batch.counts import Chosen, Count, Items
from gradx.batch.loops import looped
from gradx.batch.operands import Operand, aligned, shifted, whole
from gradx.batch.shaping import path_for_all
from gradx.core.dispatch import apply
from gradx.core.op import Op
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import Form, Spec, shape_of
from gradx.ops import indexing
from gradx.ops.assignment import part
from gradx.ops.indexing import beside_places

__all__ = [
    "added",
    "along_places",
    "gathered",
    "has_batched_places",
    "put",
    "scattered",
    "shows_places",
    "taken",
    "written",
]


class _Index(NamedTuple):
    """An index for all examples.

    Attributes:
        places: the index as NumPy takes it.
        ndim: the number of axes of an example of what is there.
        order: which axis of what NumPy finds there is which axis of all examples' items.
    """

    places: tuple[Any, ...]
    ndim: int
    order: tuple[int, ...]

    def read(self, y: Any) -> Any:
        """What NumPy finds, with the batch along axis 0 and an example's axes in their order."""
        return y if self.order == tuple(range(len(self.order))) else np.transpose(y, self.order)

    def written(self, x: Operand, full: int | None = None) -> Any:
        """An operand to be written or added there: its axes as NumPy finds them.

        Args:
            x: the operand.
            full: the number of examples, to repeat an operand that is not batched.
        """
        if full is None and not x.batched and self.order == tuple(range(len(self.order))):
            return x.value
        value = x.value if full is None else whole(x, full)
        size = shape_of(value)[0] if x.batched or full is not None else 1
        shape = (size, *(1,) * (self.ndim - x.ndim), *x.shape[max(0, x.ndim - self.ndim) :])
        return self._as_found(value if shape_of(value) == shape else np.reshape(value, shape))

    def shape_written(self, own: tuple[int, ...], size: int) -> tuple[int, ...]:
        """The shape of an operand that is written, from that of an example."""
        shape = (size, *(1,) * (self.ndim - len(own)), *own[max(0, len(own) - self.ndim) :])
        return tuple(shape[axis] for axis in self._back())

    def _back(self) -> tuple[int, ...]:
        return tuple(np.argsort(self.order).tolist())

    def _as_found(self, value: Any) -> Any:
        back = self._back()
        return value if back == tuple(range(len(back))) else np.transpose(value, back)


def _is_places(x: Any) -> bool:
    """Whether a part of an index is an array of places, a mask or a list."""
    if isinstance(x, Operand):
        return True
    return type(x) is list or (hasattr(x, "dtype") and hasattr(x, "ndim"))


def _is_mask(x: Any) -> bool:
    dtype = x.spec.dtype if isinstance(x, Operand) else getattr(x, "dtype", None)
    return dtype is not None and np.dtype(dtype).kind == "b"


def _axes_used(x: Any) -> int:
    """How many axes of the array a part of an index takes."""
    if x is None:
        return 0
    return len(np.shape(x)) if _is_mask(x) else 1


def _parts(index: Any, ndim: int) -> list[Any]:
    """The parts of an index, one for each axis of an array or more; lists are arrays."""
    parts = list(index) if type(index) is tuple else [index]
    parts = [np.asarray(p) if type(p) is bool or (type(p) is list and p) else p for p in parts]
    parts = [np.zeros(0, int) if isinstance(p, list) else p for p in parts]
    rest = [slice(None)] * (ndim - sum(_axes_used(p) for p in parts if p is not Ellipsis))
    for i, p in enumerate(parts):
        if p is Ellipsis:
            return [*parts[:i], *rest, *parts[i + 1 :]]
    return [*parts, *rest]


def index_for_all(index: Any, ndim: int, size: int, mapped: bool = True) -> Any:
    """The index for all examples.

    Args:
        index: that of one example, in which batched places are operands.
        ndim: the number of axes of an example of the array.
        size: the number of examples.
        mapped: whether the array has the batch axis; else the places are batched.

    Raises:
        ConversionError: a mask is batched, and others beside it differ in shape.
    """
    parts = [_as_mask(p, size) for p in _parts(index, ndim)]
    if any(map(_chooses, parts)):
        return _index_of_chosen(parts, size, mapped)
    batched = any(isinstance(p, Operand) for p in parts)
    arrays = any(_is_places(p) for p in parts)
    chosen = [
        i for i, p in enumerate(parts) if _is_places(p) or (arrays and hasattr(p, "__index__"))
    ]
    sliced = [p for i, p in enumerate(parts) if p is None or isinstance(p, slice)]
    n = max([_axes_of_places(parts[i]) for i in chosen], default=0)
    adjacent = not chosen or chosen[-1] - chosen[0] + 1 == len(chosen)
    before = sum(p is None or isinstance(p, slice) for p in parts[: chosen[0]]) if chosen else 0
    rest = len(sliced)
    total = n + rest
    if batched:
        new = tuple(aligned(p, n) if isinstance(p, Operand) else p for p in parts)
        at = before if adjacent else 0
        slices = [*range(n, n + at)], [*range(n + at, total)]
        example = ["batch", *slices[0], *range(n), *slices[1]]
        if not mapped:
            found = [*slices[0], "batch", *range(n), *slices[1]]
            return _Index(new, total, _order(example, found))
        number = np.reshape(np.arange(size), (size, *(1,) * n))
        return _Index((number, *new), total, _order(example, ["batch", *range(total)]))
    if adjacent:
        return _Index((slice(None), *parts), total, tuple(range(total + 1)))
    found = [*range(n), "batch", *range(n, total)]
    return _Index((slice(None), *parts), total, _order(["batch", *range(total)], found))


class _ChosenIndex(NamedTuple):
    """An index for all examples by which each finds another number of items: as `_Index`.

    Attributes:
        places: the index as NumPy takes it.
        many: how many items each example has.
        axis: which axis of an example of what is there they are along.
        after: how many axes follow.
        at: which axis NumPy finds them along.
    """

    places: tuple[Any, ...]
    many: Count
    axis: int
    after: int
    at: int

    def read(self, y: Any) -> Items:
        """What NumPy finds."""
        return Items(np.moveaxis(y, self.at, 0) if self.at else y, self.many, self.axis)

    def written(self, x: Operand, full: int | None = None) -> Any:
        """An operand to be written or added there, in an array that has the batch axis."""
        return at_items(x, self.many, self.after, self.axis + 1 + self.after)


def _chooses(part: Any) -> bool:
    """Whether by a part of an index each example finds another number of items."""
    return isinstance(part, Operand) and (type(part.spec) is Chosen or _is_mask(part))


def _as_mask(part: Any, size: int) -> Any:
    """A part of an index; a mask of chosen items, of an array of as many by chance, as any mask.

    Raises:
        ConversionError: the mask has another number of items in each example, unlike the array.
    """
    if not isinstance(part, Operand) or type(part.spec) is not Chosen or not _is_mask(part):
        return part
    n = part.spec.many.regular()
    if n is None or part.ndim > 1:
        raise as_other_shapes("a mask of items at a mask", part.spec)
    value = np.reshape(part.value, (size, n))
    return Operand(value, Spec((n,), part.spec.dtype, Form.ARRAY), True)


def _index_of_chosen(parts: list[Any], size: int, mapped: bool) -> _ChosenIndex:
    """The index for all examples where masks or chosen places differ between them.

    Raises:
        ConversionError: other parts of the index do not choose as many items.
    """
    first = next(p for p in parts if _chooses(p))
    count = first.spec.many if type(first.spec) is Chosen else count_of_mask(first.value)
    places: list[Any] = []
    for p in parts:
        if not isinstance(p, Operand):
            if _is_places(p) and np.ndim(p):
                raise as_other_shapes("an index of a mask and of places", first.spec)
            places.append(p)
        elif type(p.spec) is Chosen or not _chooses(p):
            places.append(at_items(p, count, 0, 1))
        elif p is not first and not count_of_mask(p.value).agrees(count):
            raise as_other_shapes("an index of two masks", p.spec)
        else:
            places += places_of_mask(p.value)[1:]
    chosen = [i for i, p in enumerate(places) if _is_places(p) or hasattr(p, "__index__")]
    adjacent = bool(chosen) and chosen[-1] - chosen[0] + 1 == len(chosen)
    axis = chosen[0] if adjacent else 0
    after = sum(p is None or isinstance(p, slice) for p in places) - axis
    if not mapped:
        return _ChosenIndex(tuple(places), count, axis, after, axis)
    if _is_mask(parts[0]) and len(chosen) == parts[0].ndim:
        return _ChosenIndex((parts[0].value, *parts[1:]), count, axis, after, 0)
    return _ChosenIndex((count.numbers, *places), count, axis, after, 0)


def _order(wanted: list[Any], found: list[Any]) -> tuple[int, ...]:
    return tuple(found.index(axis) for axis in wanted)


def _axes_of_places(x: Any) -> int:
    """How many axes there are for the items at an array of places; for those at a mask one."""
    return 1 if _is_mask(x) else len(x.shape if isinstance(x, Operand) else np.shape(x))


def _plain_parts(index: Any) -> tuple[Any, ...] | None:
    """The parts of an index of numbers, slices and new axes alone; None of any other."""
    parts = index if type(index) is tuple else (index,)
    return parts if _PLAIN.issuperset(map(type, parts)) else None


_PLAIN = frozenset({int, slice, type(None)})


# --- The rules ------------------------------------------------------------------------------------


def taken(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`getitem` and `take`."""
    (x,) = xs
    plain = _plain_parts(params["index"])
    if plain is not None and x.batched:
        return apply(op, (x.value,), {"index": (slice(None), *plain)})  # `take` makes no view
    found = index_for_all(params["index"], x.ndim, size, x.batched)
    if op is indexing.take and not has_batched_places(params["index"]):
        return apply(op, (x.value,), {"index": (slice(None), *params["index"])})
    return found.read(apply(indexing.getitem, (x.value,), {"index": found.places}))


def scattered(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """The transpose of `getitem`."""
    shape = params["shape"]
    every = [index_for_all(index, len(shape), size) for index in params["indices"]]
    values = [found.written(x, size) for found, x in zip(every, xs, strict=True)]
    indices = tuple(found.places for found in every)
    values = [beside_places(v, index) for v, index in zip(values, indices, strict=True)]
    return apply(op, values, {"indices": indices, "shape": (size, *shape)})


def added(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.add.at`."""
    a, b = xs
    found = index_for_all(params["index"], a.ndim, size)
    return apply(op, (whole(a, size), found.written(b)), {"index": found.places})


def put(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """Writing, through views or not. A batched mask chooses between what is and what is written."""
    a, b = xs
    row = _row(a, params, size)
    if row is not None:
        y = put(op, (row.items, b), row.in_it, size)
        return put(op, (a, Operand(y, row.items.spec, True)), row.of_it, size)
    path, shape, index, axes = _where(params, a, size)
    value = whole(a, size)
    if _is_batched_mask(index) and not b.shape:
        chosen = np.where(_mask(index, shape, size), aligned(b, len(shape)), part(value, path))
        everything = {"path": path, "index": (slice(None), Ellipsis), "axes": axes}
        return apply(op, (value, chosen), everything)
    found = index_for_all(index, len(shape), size)
    new = {"path": path, "index": found.places, "axes": axes}
    return apply(op, (value, found.written(b)), new)


def written(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """What reached the place of what was written: the transpose of writing it."""
    (g,), own = xs, params["shape"]
    row = _row(g, params, size)
    if row is not None:
        return written(op, (row.items,), {**row.in_it, "shape": own}, size)
    path, shape, index, axes = _where(params, g, size)
    value = whole(g, size)
    if _is_batched_mask(index) and not own:
        h = np.where(_mask(index, shape, size), part(value, path), 0.0)
        return np.sum(h, axis=tuple(range(1, len(shape) + 1)))
    found = index_for_all(index, len(shape), size)
    if type(found) is _ChosenIndex:
        items = found.read(apply(indexing.getitem, (part(value, path),), {"index": found.places}))
        return items if items.spec().shape == own else looped(op, xs, params, size)
    in_place = found.shape_written(own, size)
    new = {"path": path, "index": found.places, "axes": axes, "shape": in_place}
    h = found.read(apply(op, (value,), new))
    return h if h.shape == (size, *own) else np.reshape(h, (size, *own))


class _Row(NamedTuple):
    """A view at batched places, through which an array is written; NumPy makes one of a row.

    Attributes:
        items: what it shows.
        in_it: the parameters of the write, as one into the view.
        of_it: those of the write of the whole view.
    """

    items: Operand
    in_it: dict[str, Any]
    of_it: dict[str, Any]


def _row(a: Operand, params: dict[str, Any], size: int) -> _Row | None:
    """The first view at batched places on the path of a write, if there is one."""
    path = params["path"]
    for i, (op, own) in enumerate(path):
        if op is indexing.getitem and has_batched_places(own["index"]):
            before, shape = path_for_all(path[:i], a.shape, size)
            x = Operand(part(whole(a, size), before), a.spec._replace(shape=shape), True)
            y = taken(op, (x,), own, size)
            spec = a.spec._replace(shape=y.shape[1:])
            inner = {**params, "path": path[i + 1 :], "axes": tuple(range(len(spec.shape)))}
            outer = {**params, "path": path[:i], "index": own["index"]}
            return _Row(Operand(y, spec, True), inner, outer)
    return None


def has_batched_places(index: Any) -> bool:
    """Whether there are batched places in an index."""
    return any(isinstance(p, Operand) for p in (index if type(index) is tuple else (index,)))


def shows_places(op: Op, params: Any) -> bool:
    """Whether NumPy makes a view of an example at batched places: at numbers and slices it does."""
    if op is not indexing.getitem or not has_batched_places(params["index"]):
        return False
    index = params["index"]
    return all(
        p.spec.form is not Form.ARRAY and not _is_mask(p)
        if isinstance(p, Operand)
        else not _is_places(p)
        for p in (index if type(index) is tuple else (index,))
    )


def _where(params: dict[str, Any], a: Operand, size: int) -> tuple[Any, Any, Any, Any]:
    """Where all examples are written: the path, the shape there, the index of one, the axes."""
    path, shape = path_for_all(params["path"], a.shape, size)
    index = params["index"]
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    return path, shape, index, (0, *(axis + 1 for axis in params["axes"]))


def _is_batched_mask(index: Any) -> bool:
    return isinstance(index, Operand) and _is_mask(index)


def _mask(index: Operand, shape: tuple[int, ...], size: int) -> Any:
    return np.reshape(index.value, (size, *index.shape, *(1,) * (len(shape) - index.ndim)))


def along_places(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """`np.take_along_axis` and its transpose."""
    values = [whole(x, size) for x in xs]
    new = {"axis": shifted(params["axis"], xs[0].ndim)}
    if "shape" in params:
        new["shape"] = (size, *params["shape"])
    return apply(op, values, new)


def gathered(op: Op, xs: Sequence[Operand], params: dict[str, Any], size: int) -> Any:
    """Items of a vector at computed places, and its transpose."""
    a, b = xs
    places = np.reshape(whole(b, size), (size, b.spec.size))
    if op.name == "gather":
        y = apply(indexing.take_along, (whole(a, size), places), {"axis": 1})
        return np.reshape(y, (size, *b.shape))
    items = np.reshape(whole(a, size), (size, a.spec.size))
    (n,) = params["shape"]
    return apply(indexing.add_along, (items, places), {"shape": (size, n), "axis": 1})
