"""Gradients: turn the cotangents of leaves into values of the inputs' own types.

Zeros are made where there was no cotangent, an array keeps its input's dtype and device and gets
memory that nothing else shares, and complex cotangents are conjugated. Gradients of numbers whose
cotangents are on a device are read from there together, in one transfer a device.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from numbers import Number
from typing import Any

import numpy as np

from gradx.core.cotangent import Structured, dense, unbroadcast_and_cast
from gradx.core.dispatch import Lifted, apply
from gradx.core.op import Op, register_ops
from gradx.core.spec import Form, primal, spec_of
from gradx.devices.placement import PLACES, AtTheirDevices, copied, device_at, on_device_of
from gradx.errors import DeviceMismatchError
from gradx.native import native
from gradx.ops.helpers import conj
from gradx.reverse.backward import sweep
from gradx.reverse.opaque import join, split
from gradx.reverse.ownership import is_unshared
from gradx.values.leaves import mapped
from gradx.values.operations import (
    Kind,
    ValueType,
    children_of,
    fold,
    leaves_of,
    parts_alone,
    rebuilt,
    registry,
    value_type,
)
from gradx.values.statics import static_copy

__all__ = ["read_together", "settle", "settle_leaf", "sweep_placed"]


def settle(x: Any, cotangents: list[Any], name: str) -> Any:
    """The gradient of an input from the cotangents of its leaves, each of which may be None.

    Args:
        x: the input.
        cotangents: those of its leaves, the first one last; they are used up, so that whoever gets
            one holds the only reference that the engine has.
        name: how the input is called in messages.
    """
    if native is None:
        leaf = partial(settle_leaf, cotangents)
    else:
        leaf = partial(native.settled, cotangents, settle_leaf)
    return mapped(x, leaf, name, _static, False, None, None, False)


def settle_leaf(cotangents: list[Any], x: Any, spec: ValueType) -> Any:
    """The gradient of a leaf from the last of the cotangents, which is taken away."""
    g = cotangents.pop()
    if type(g) is float is type(x):
        return g
    if g is None:
        assert spec.zero is not None  # a leaf has the three operations
        return spec.zero(x)
    if issubclass(type(g), Structured) and not PLACES:
        is_product, g = g.is_product, g.dense()
        if is_product and type(x) is np.ndarray and _is_like(g, x):
            return g
    cell = [g]
    del g
    if type(x) is np.ndarray and _is_like(cell[0], x):
        return _unaliased(cell, x)
    return _settle_other(x, spec, cell)


def _is_like(g: Any, x: Any) -> bool:
    """Whether a cotangent is a real array of the shape and dtype of a plain array."""
    return (
        type(g) is np.ndarray and g.dtype is x.dtype and g.shape == x.shape and g.dtype.kind == "f"
    )


def _static(x: Any, spec: ValueType) -> Any:
    return static_copy(x)


def _settle_other(x: Any, spec: ValueType, cell: list[Any]) -> Any:
    if not spec.numeric:
        return _settle_own(x, spec, dense(cell.pop()))
    if not PLACES:
        return _settle_numeric(x, cell)
    with on_device_of(primal(x)):
        return _settle_numeric(x, cell)


def _settle_numeric(x: Any, cell: list[Any]) -> Any:
    """The gradient of a number or array."""
    kind, g = type(x), dense(cell.pop())
    if isinstance(g, Lifted) or isinstance(x, Lifted):
        g = _fit_lifted(x, conj(g))
        return g._frozen() if isinstance(g, Lifted) else copied(g)  # nobody else has it
    if type(g) in PLACES and kind not in PLACES:
        return _unread_or_refused(x, g)
    if kind is float or issubclass(kind, int):
        return g if type(g) is float else float(np.real(g))
    if kind is complex:
        return complex(g).conjugate()
    dtype: Any = getattr(x, "dtype", None)
    if dtype is None:
        g = g.item() if hasattr(g, "item") else g
        # A registered number type may return a subclass (examples/symbolic.py).
        return kind(g) if type(g) is not kind and isinstance(g, Number) else g
    if getattr(g, "dtype", None) is not dtype or g.shape != x.shape:
        g = unbroadcast_and_cast(g, (x.shape, dtype))
    if isinstance(x, np.generic):
        return conj(kind(g))
    if dtype.kind == "c":
        return np.asarray(np.conjugate(g)) if isinstance(x, np.ndarray) else np.conjugate(g)
    cell.append(g)
    del g
    return _unaliased(cell, x)


def _settle_own(x: Any, spec: ValueType, g: Any) -> Any:
    """The gradient of a type with operations of its own: settled part by part if it has parts."""
    x, g = split(x), split(g)
    if isinstance(g, Lifted):
        return g
    spec = value_type(x)
    if spec.children is None:
        return copy.deepcopy(g)  # its inside is unknown, and may be shared
    own = children_of(g, value_type(g))
    known = dict(children_of(x, spec))
    parts = []
    for key, h in own:
        parts.append(settle(known.get(key, h), leaves_of(h)[::-1], str(key)))
    return join(rebuilt(g, spec, [key for key, _ in own], parts))


def _fit_lifted(x: Any, g: Any) -> Any:
    """The gradient of an outer variable, or one that is an outer variable itself."""
    shape, dtype, form = spec_of(x)
    if form is Form.OPAQUE:
        return g
    if form is not Form.NUMBER:
        g = unbroadcast_and_cast(g, (shape, dtype))
    elif dtype is float or (isinstance(dtype, type) and issubclass(dtype, int)):
        g = unbroadcast_and_cast(g, ((), float))
    elif dtype is not complex:
        return g  # a number of a user's own
    own = spec_of(g)
    if own.form is form or own.shape:
        return g
    if PLACES and type(primal(g)) in PLACES:
        return g  # a number of a device is not read in a nested run
    return apply(_in_form, (g,), {"form": form, "dtype": dtype})


def _formed(g: Any, *, form: Form, dtype: Any) -> Any:
    if form is Form.NUMBER:
        return g.item()
    return dtype.type(g) if form is Form.SCALAR else np.asarray(g, dtype)


_in_form = Op("in_form", _formed, lambda g: g)
"""A number, a NumPy scalar or an array without axes as another of these three."""
register_ops((_in_form,))


def _unaliased(cell: list[Any], x: Any) -> Any:
    """The array in the cell, copied unless nothing else can refer to its memory.

    A rule may hand out an array it keeps, or one that is another input's gradient too. An array
    that has no reference but the cell's and owns its memory, or is the only view of all of it,
    cannot be either, and this saves a copy of every parameter at every step.
    """
    if type(cell[0]) is type(x) and is_unshared(cell):
        return cell.pop()
    g = cell.pop()
    copied = np.empty_like(x, dtype=x.dtype, shape=x.shape)
    copied[...] = g
    return copied


# --- Devices --------------------------------------------------------------------------------------


class _Unread:
    """The gradient of a number on the host, still on the device.

    Attributes:
        kind: the type of the number.
        g: the array that holds it, of one item.
    """

    __slots__ = ("g", "kind")

    def __init__(self, kind: Any, g: Any) -> None:
        self.kind, self.g = kind, g

    def read(self, number: complex) -> Any:
        """The gradient, of the number's type."""
        if issubclass(self.kind, (complex, np.complexfloating)):
            return self.kind(number.conjugate())
        # The gradient of a whole number is a float.
        return (float if issubclass(self.kind, int) else self.kind)(number.real)


registry.register(_Unread, ValueType(Kind.NUMERIC, lambda x: x, lambda x, y: x, lambda x: x))


def _unread_or_refused(x: Any, g: Any) -> _Unread:
    if not isinstance(x, np.ndarray):
        return _Unread(type(x), g)
    raise _from_host()


def _from_host() -> DeviceMismatchError:
    return DeviceMismatchError(
        "a number that was computed from arrays on cpu met arrays of another device, and its "
        "cotangent would have to go back in silence; move the number to the arrays, as in "
        "gx.to_device(np.sum(v), gx.device_of(x)) * x"
    )


def read_together(out: list[Any]) -> list[Any]:
    """Read the gradients of numbers from their devices, in one transfer for each device."""
    unread: dict[Any, list[_Unread]] = {}

    def gather(x: Any, *_: Any) -> Any:
        if type(x) is _Unread:
            unread.setdefault(device_at(x.g), []).append(x)
        return x

    for x in out:
        fold(x, None, parts_alone, gather)
    numbers: dict[int, Any] = {}
    for several in unread.values():
        first = several[0].g
        with on_device_of(first):
            together = np.stack([np.reshape(each.g, ()) for each in several])
            read = PLACES[type(first)].to_numpy(together).tolist()
        numbers |= {id(each): each.read(n) for each, n in zip(several, read, strict=True)}
    if not numbers:
        return out
    return [fold(x, None, parts_alone, lambda leaf, *_: numbers.get(id(leaf), leaf)) for x in out]


def sweep_placed(nodes: Iterable[Any], cotangents: dict[int, Any]) -> dict[int, Any]:
    """The sweep of a run that did work on devices; each node's is done where its forward was.

    Raises:
        DeviceMismatchError: a cotangent would have to go back to the host in silence.
    """
    there = AtTheirDevices(nodes, cotangents)
    try:
        # Closed at once, so that an error leaves the caller's device the current one.
        with closing(iter(there)) as placed:
            return sweep(placed, cotangents)
    except TypeError as error:
        # The error of a device's library for an array on the host.
        if not there.strayed or "numpy" not in str(error).lower():
            raise
        raise _from_host() from error
