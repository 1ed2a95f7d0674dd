"""Indexing: taking items, and its transpose, adding items into zeros; and choosing between items.

A cotangent of an indexed array is kept per index (`Scattered`) and written into one buffer at the
end, so that reading every item of a vector costs as much as reading the vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.cotangent import Structured, dense
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import primal, spec_of
from gradx.devices.kernel_table import dispatched, kernel
from gradx.devices.placement import PLACES, common_device, copied
from gradx.ops.helpers import array_for, dropped, first_device_array, kept, zeros_for

__all__ = [
    "Scattered",
    "add_along",
    "beside",
    "beside_places",
    "choose",
    "getitem",
    "has_lifted_places",
    "may_repeat",
    "pieces",
    "placed",
    "scatter",
    "take",
    "take_along",
    "taken",
    "where",
]


def may_repeat(index: Any) -> bool:
    """Whether an index may name an item twice; numbers, slices and masks cannot."""
    parts = index if type(index) is tuple else (index,)
    return not all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, np.integer, slice))
        or getattr(getattr(part, "dtype", None), "kind", None) == "b"
        for part in parts
    )


def _add_at(buffer: Any, index: Any, g: Any) -> None:
    """``buffer[index] += g`` in place; an item that is named twice gets both cotangents."""
    if may_repeat(index):
        kernel(np.add.at, buffer)(buffer, index, g)
    else:
        buffer[index] += g


def _scatter(*gs: Any, indices: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    like = next((g for g in gs if hasattr(g, "dtype")), gs[0])
    dtypes = {g.dtype if hasattr(g, "dtype") else g for g in gs}
    buffer = zeros_for(like, shape, np.result_type(*dtypes) if len(dtypes) > 1 else None)
    for index, g in zip(indices, gs, strict=True):
        _add_at(buffer, index, g)
    return buffer


scatter = Op(
    "scatter",
    _scatter,
    lambda g, i, *, indices: taken(g, indices[i]),
    variadic=True,
    properties=Property.LINEAR,
)
"""Zeros of a shape with each operand added at an index: the transpose of several `getitem`."""


class Scattered(Structured):
    """The cotangent of an indexed array: the indices and the cotangents of the items.

    Attributes:
        shape: the shape of the array.
        pieces: pairs of an index and the cotangent of what was taken there.
        base: a dense cotangent to add them to, or None.
        owned: whether the base is an array that was made here and that nobody else has.
    """

    __slots__ = ("base", "owned", "pieces", "shape")
    base: Any

    def __init__(
        self, shape: tuple[int, ...], pieces: list[tuple[Any, Any]], base: Any = None
    ) -> None:
        self.shape, self.pieces, self.base, self.owned = shape, pieces, base, False

    def merged(self, other: Any) -> Any:
        """The sum; nothing is written yet, but into a base of its own."""
        if isinstance(other, Scattered):
            self.pieces.extend(other.pieces)
            if other.owned and not self.owned:
                self.base, other.base, self.owned = other.base, self.base, True
            other = other.base
        if other is None:
            return self
        more: Any = dense(other)
        if self.base is None:
            self.base = more
        elif self.owned and not isinstance(more, Lifted) and self.base.dtype == more.dtype:
            self.base += more
        else:
            self.base, self.owned = self.base + more, False
        return self

    def dense(self) -> Any:
        """The whole array, shape ``shape``, in one buffer."""
        base, indices = self.base, tuple([index for index, _ in self.pieces])
        items = [dense(g) for _, g in self.pieces]
        if any(isinstance(part, Lifted) for index in indices for part in _parts(index)):
            items = [beside_places(g, index) for g, index in zip(items, indices, strict=True)]
        if isinstance(base, Lifted) or any(isinstance(g, Lifted) for g in items):
            total = apply(scatter, items, {"indices": indices, "shape": self.shape})
            return total if base is None else base + total
        if self.owned and all(getattr(g, "dtype", base.dtype) == base.dtype for g in items):
            for index, g in zip(indices, items, strict=True):
                _add_at(base, index, g)
            self.pieces, self.owned = [], False  # it is the caller's now
            return base
        if not items:
            return base
        buffer = _scatter(*items, indices=indices, shape=self.shape)
        if base is not None:
            buffer += base
        return buffer

    def whole(self) -> Any:
        """The whole array, which stays this cotangent's own and may be written into; or lifted."""
        if not self.pieces and not self.owned:
            whole = self.base
            if not isinstance(whole, Lifted):
                whole = copied(whole) if getattr(whole, "ndim", 0) else np.array(whole)
        else:
            whole = self.dense()
        self.base, self.pieces, self.owned = whole, [], not isinstance(whole, Lifted)
        return whole


def _parts(index: Any) -> tuple[Any, ...]:
    return index if type(index) is tuple else (index,)


def _is_lifted_place(part: Any) -> bool:
    """Whether a part of an index is a lifted integer or condition that has no number."""
    if not isinstance(part, Lifted) or not isinstance(primal(part), Lifted):
        return False
    dtype = spec_of(part).dtype
    return dtype in (int, bool) or getattr(dtype, "kind", "f") in "iub"


def has_lifted_places(index: Any) -> bool:
    """Whether there is such a part in an index."""
    return any(map(_is_lifted_place, _parts(index)))


def beside_places(x: Any, index: Any) -> Any:
    """A value of no run, or of a lower one, as one of the run of the lifted places in an index."""
    for part in _parts(index):
        if not isinstance(x, Lifted):
            x = apply(beside, (x, part)) if isinstance(part, Lifted) else x
        elif _is_lifted_place(part) and x._run.level < part._run.level:
            x = apply(beside, (x, part))
    return x


def taken(x: Any, index: Any, op: Op | None = None) -> Any:
    """The items of an array, plain or lifted, at an index.

    Args:
        x: the array.
        index: as NumPy takes it. For an array on a device its lists and NumPy arrays are checked
            on the host, where they are, and go to the device once.
        op: `take` for items along one axis; by default `getitem`.

    Raises:
        IndexError: an index of the host is out of range or of a wrong type.
        DeviceMismatchError: an index is on another device than the array.
    """
    index = placed(x, index)
    return apply(getitem if op is None else op, (beside_places(x, index),), {"index": index})


def placed(x: Any, index: Any) -> Any:
    """An index of an array, on the device of the array if it is on one.

    Raises:
        IndexError: an index of the host is out of range or of a wrong type.
        DeviceMismatchError: an index is on another device than the array.
    """
    home = first_device_array((x,))
    return index if home is None or has_lifted_places(index) else _placed(index, home)


_FAMILIAR = (int, np.integer, slice, type(None), type(Ellipsis))


def _placed(index: Any, like: Any) -> Any:
    """An index with its lists and arrays on the device of ``like``; a mask becomes indices.

    How many items a mask of the host chooses is known there, so that nothing waits for the device.
    """
    parts = index if type(index) is tuple else (index,)
    common_device("indexing", [like, *[part for part in parts if type(part) in PLACES]])
    if all(isinstance(part, _FAMILIAR) or type(part) in PLACES for part in parts):
        return index
    parts = tuple([_as_places(part) for part in parts])
    if not any(type(part) in PLACES for part in parts):
        np.broadcast_to(np.False_, like.shape)[parts]  # NumPy's own errors
    placed: list[Any] = []
    for part in parts:
        if not isinstance(part, np.ndarray):
            placed.append(part)
        elif part.dtype.kind == "b" and part.ndim:
            placed.extend(array_for(places, like) for places in np.nonzero(part))
        else:
            placed.append(array_for(part, like) if part.ndim else part[()])
    return tuple(placed)


def _as_places(part: Any) -> Any:
    """A list of an index as an array; an empty one is of integers too."""
    if type(part) is not list:
        return part
    return np.asarray(part) if part else np.zeros(0, int)


def _getitem(x: Any, *, index: Any) -> Any:
    try:
        return x[index]
    except (TypeError, IndexError):  # NumPy's, also of places on a device and of lifted ones
        if has_lifted_places(index):
            return taken(x, index)
        common_device("indexing", [x, *(index if type(index) is tuple else (index,))])
        raise


def _take(x: Any, *, index: Any) -> Any:
    try:
        return np.take(x, index[-1], axis=len(index) - 1)
    except (TypeError, IndexError):  # likewise
        if has_lifted_places(index):
            return taken(x, index, take)
        common_device("indexing", [x, index[-1]])
        raise


beside = Op("beside", lambda a, b: a, lambda g: g, None)
"""The first operand, as a value of the run of the second too: an array with lifted places."""

getitem = Op(
    "getitem",
    _getitem,
    lambda g, x_shape, *, index: Scattered(x_shape, [(index, g)]),
    properties=Property.LINEAR | Property.STRUCTURAL,
)
take = Op(
    "take",
    _take,
    getitem.rules[0].pull,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""Items along the axis of the last index, before which there are whole slices: as `getitem`, which
leaves them in another order of memory."""


def _add_along(g: Any, places: Any, *, shape: tuple[int, ...], axis: int) -> Any:
    """Zeros of a shape with items added at places along an axis."""
    index: list[Any] = [places] * len(shape)
    for i, n in enumerate(shape):
        if i != axis:
            index[i] = kernel(np.arange, places)(n).reshape(
                [-1 if k == i else 1 for k in range(len(shape))]
            )
    buffer = zeros_for(g, shape)
    kernel(np.add.at, buffer)(buffer, tuple(index), g)
    return buffer


take_along: Op = Op(
    "take_along_axis",
    lambda a, b, *, axis: np.take_along_axis(a, b, axis=axis),
    lambda g, a_shape, b, *, axis: apply(add_along, (g, b), {"shape": a_shape, "axis": axis}),
    None,
    properties=Property.LINEAR | Property.STRUCTURAL,
)
"""Items at places along an axis. The places are an operand, so they need not be known yet."""

add_along: Op = Op(
    "add_along_axis",
    _add_along,
    lambda g, b, *, axis: apply(take_along, (g, b), {"axis": axis}),
    None,
    properties=Property.LINEAR,
)
"""Zeros of a shape with items added at places along an axis: the transpose of `take_along`."""

# --- Choosing: what is not chosen gets an exact zero --------------------------------------------

where = Op(
    "where",
    dispatched(np.where),
    None,
    lambda g, a: kept(a, g),
    lambda g, a: dropped(a, g),
    broadcasts=True,
    properties=Property.LINEAR | Property.ELEMENTWISE | Property.STRUCTURAL,
)
choose = Op(
    "choose",
    lambda *xs, which: kernel(np.choose, which)(which, xs),
    lambda g, i, *, which: kept(which == i, g),
    variadic=True,
    broadcasts=True,
    properties=Property.LINEAR | Property.ELEMENTWISE | Property.STRUCTURAL,
)


def _pieces(*parts: Any, masks: Any, kept: Any, like: Any) -> Any:
    buffer = np.zeros_like(like)
    for mask, part in zip(masks, parts, strict=True):
        buffer[mask] = part
    return buffer


pieces = Op(
    "pieces",
    _pieces,
    lambda g, i, *, masks, kept, like: np.where(kept[i], taken(g, masks[i]), 0.0),
    variadic=True,
)
"""Zeros in which each operand overwrites what its mask chooses, in order.

Args:
    masks: which items those are.
    kept: which of them no later operand overwrites.
    like: an array of the dtype, the shape and the order in memory of the result.
"""

register_ops(vars().values())
