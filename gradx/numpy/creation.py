"""Creation under NumPy's names: NumPy cannot dispatch these, so they are in gradx.numpy alone.

Each takes variables wherever it takes numbers; what takes none is NumPy's own function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from gradx.core.dispatch import apply, implements
from gradx.core.spec import Form, shape_of, spec_of
from gradx.devices.kernel_table import kernel
from gradx.devices.placement import on_device_of
from gradx.numpy.arguments import (
    arrays,
    check_device,
    has_lifted,
    is_inexact,
    operand,
    operands,
    primals,
    to_the_bit,
)
from gradx.numpy.joining import concatenate
from gradx.numpy.shaping import broadcast_to, copy, expand_dims, moveaxis
from gradx.ops import shaping
from gradx.ops.assignment import filled_like
from gradx.ops.helpers import first_device_array, iota_for, is_complex

__all__ = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "asarray_chkfinite",
    "ascontiguousarray",
    "asfortranarray",
    "c_",
    "empty",
    "empty_like",
    "eye",
    "fromiter",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "indices",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "r_",
    "require",
    "tri",
    "zeros",
    "zeros_like",
]

Shape = int | Sequence[int]

# --- Of no variables ----------------------------------------------------------------------------

empty = np.empty
eye = np.eye
identity = np.identity
indices = np.indices
ones = np.ones
tri = np.tri
zeros = np.zeros

for _function in (np.empty, np.eye, np.fromfunction, np.identity, np.ones, np.tri, np.zeros):
    implements(_function)(_function)  # with like=, NumPy asks

# --- Of given items -----------------------------------------------------------------------------


def _cast(y: Any, dtype: Any) -> Any:
    return y if dtype is None else np.astype(y, dtype)


def _as_array(a: Any, dtype: Any) -> Any:
    """What holds variables as one array: of a number an array of no axes, which can be filled.

    An array of the dtype is returned itself, so that a write into the result shows in it.
    """
    y = operand(a)
    if dtype is not None and spec_of(y).dtype != np.dtype(dtype):
        if type(a) in (list, tuple) and is_complex(y):
            np.array(primals(a), dtype)  # of Python's complex numbers there is no real array
        y = np.astype(y, dtype)
    return y if spec_of(y).form is Form.ARRAY else np.copy(y)


@implements(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    ndmin: int = 0,
    **kwargs: Any,
) -> Any:
    """As `np.array`; nested lists may hold variables, which are joined into one."""
    if not has_lifted(object) or not is_inexact(dtype):
        options = {"copy": copy, "order": order, "ndmin": ndmin, **kwargs}
        return np.array(primals(object), dtype, **options)
    y = _laid_out(object, _as_array(object, dtype), order, copy)
    missing = ndmin - len(shape_of(y))
    return np.reshape(y, (1,) * missing + shape_of(y)) if missing > 0 else y


_ANY = np.zeros(())
"""An array to ask NumPy with whether it copies."""


def _laid_out(given: Any, y: Any, order: Any, copying: bool | None) -> Any:
    """An array in the order that is asked for, copied where NumPy copies.

    Args:
        given: the argument of the function.
        y: the argument as an array; it is new where it is not the argument itself.
        order: ``"C"``, ``"F"``; anything else leaves it.
        copying: None: where it must; True: always; False: never.

    Raises:
        ValueError: it must be copied and must not.
    """
    flags = getattr(primals(y), "flags", None)
    fits = {"C": "c_contiguous", "F": "f_contiguous"}.get(order, "")
    in_order = not fits or flags is None or bool(getattr(flags, fits))
    if y is not given or not in_order:
        np.array([], copy=copying)  # raises NumPy's own error where it must not be copied
    elif copying is not None:
        in_order = np.array(_ANY, copy=copying) is _ANY  # NumPy has a kind of answer of its own
    return y if in_order else copy(y, order or "K")


@implements(np.asarray)
def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, **kwargs: Any
) -> Any:
    """As `np.asarray`; a variable of an array of that dtype is returned as it is."""
    if not has_lifted(a) or not is_inexact(dtype):
        return np.asarray(primals(a), dtype, order, copy=copy, **kwargs)
    y = _as_array(a, dtype)
    check_device(kwargs.get("device"), y)
    return _laid_out(a, y, order, copy)


@implements(np.asanyarray)
def asanyarray(a: Any, dtype: Any = None, order: Any = None, **kwargs: Any) -> Any:
    """As `np.asanyarray`; a variable of an array is returned as it is."""
    return asarray(a, dtype, order, **kwargs)


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """As `np.asarray_chkfinite`.

    Raises:
        ValueError: an item is infinite or NaN.
    """
    np.asarray_chkfinite(primals(a))  # raises NumPy's own error
    return asarray(a, dtype, order)


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    """As `np.ascontiguousarray`; a variable of an array in order is returned as it is."""
    y = asarray(a, dtype)
    if not shape_of(y):
        return np.reshape(y, (1,))
    flags = getattr(primals(y), "flags", None)
    return y if flags is None or flags.c_contiguous else copy(y, "C")


@implements(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """As `np.asfortranarray`; a variable of an array in that order is returned as it is."""
    y = require(a, dtype, "F", **kwargs)
    return y if shape_of(y) else np.reshape(y, (1,))


@implements(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None, **kwargs: Any) -> Any:
    """As `np.require`; a variable that is so already is returned as it is."""
    if not has_lifted(a) or not is_inexact(dtype):
        return np.require(primals(a), dtype, requirements, **kwargs)
    y = asarray(a, dtype)
    given = primals(y)
    asked = np.require(given, None, requirements)  # raises NumPy's own errors
    return y if asked is given else copy(y, "F" if asked.flags.fnc else "C")


@implements(np.fromiter)
def fromiter(iter: Iterable[Any], dtype: Any = None, count: int = -1) -> Any:
    """As `np.fromiter`, of numbers and variables."""
    items = [x for _, x in zip(range(count), iter, strict=False)] if count >= 0 else list(iter)
    return array(items, dtype)


@implements(np.full)
def full(shape: Shape, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """As `np.full`; the value may be a variable."""
    if not has_lifted(fill_value):
        return np.full(shape, fill_value, dtype, **kwargs)
    np.full(0, 0.0, **kwargs)  # raises NumPy's own errors
    return copy(broadcast_to(asarray(fill_value, dtype), shape), kwargs.get("order", "C"))


def _in_the_likeness(function: Any) -> Any:
    """A function that makes an array like another one; of a variable it is one to write into."""

    @implements(function)
    def like(prototype: Any, /, dtype: Any = None, **options: Any) -> Any:
        x = operand(prototype)
        if not is_inexact(spec_of(x).dtype if dtype is None else dtype):
            x = primals(x)
        if dtype is not None:
            options["dtype"] = dtype
        return apply(filled_like, (x,), {"function": function, "options": options})

    like.__name__ = function.__name__
    like.__doc__ = f"As `np.{function.__name__}`; of a variable it gives one to write into."
    return like


empty_like = _in_the_likeness(np.empty_like)
ones_like = _in_the_likeness(np.ones_like)
zeros_like = _in_the_likeness(np.zeros_like)
_in_full = _in_the_likeness(np.full_like)


@implements(np.full_like)
@to_the_bit(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, *, shape: Shape | None = None, **kwargs: Any
) -> Any:
    """As `np.full_like`; the value may be a variable."""
    like = primals(a)
    if not has_lifted(fill_value):
        options = {"fill_value": fill_value, "shape": shape, **kwargs}
        return _in_full(a, dtype, **options)
    if dtype is None:
        dtype = getattr(like, "dtype", None)
    return full(shape_of(like) if shape is None else shape, fill_value, dtype)


# --- Ranges -------------------------------------------------------------------------------------


@implements(np.arange)
@to_the_bit(np.arange)
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """As `np.arange`; start and step may be variables, how many items there are is fixed."""
    if not has_lifted((start, stop, step)):
        return np.arange(start, stop, step, dtype)  # type: ignore[call-overload]
    if stop is None:
        start, stop = 0, start
    count = len(np.arange(*(_number(primals(x)) for x in (start, stop, step))))
    return _cast(start + step * iota_for(first_device_array((start, step)), count), dtype)


def _number(x: Any) -> Any:
    """An array of no axes as a number, to count with."""
    return x.item() if hasattr(x, "item") else x


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """As `np.linspace`."""
    start, stop = operands(start, stop)
    if not is_inexact(dtype):
        start, stop = primals(start), primals(stop)
    ndim = len(np.broadcast_shapes(shape_of(start), shape_of(stop)))
    params = {"num": num, "endpoint": endpoint, "axis": normalize_axis_index(axis, ndim + 1)}
    y = apply(shaping.linspace, (start, stop), params)
    if dtype is not None:
        y = np.astype(np.floor(y) if np.dtype(dtype).kind in "iu" else y, dtype)
    steps = num - 1 if endpoint else num
    return (y, np.subtract(stop, start) / (steps if steps > 0 else np.nan)) if retstep else y


@implements(np.logspace)
@to_the_bit(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """As `np.logspace`."""
    if shape_of(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = expand_dims(base, axis)
    return _cast(np.power(base, linspace(start, stop, num, endpoint, axis=axis)), dtype)


@implements(np.geomspace)
@to_the_bit(np.geomspace)
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """As `np.geomspace`."""
    start, stop = np.broadcast_arrays(start, stop)
    with on_device_of(primals(start)):
        fractions = kernel(np.linspace, primals(start))(0.0, 1.0, num, endpoint=endpoint)
    y = start[..., None] * np.power((stop / start)[..., None], fractions)
    return _cast(moveaxis(y, -1, axis), dtype)


# --- By index -----------------------------------------------------------------------------------


class _Joiner:
    """The type of `r_` and `c_`, which join what they are indexed with.

    Args:
        name: its own name.
        join: the function of a list of arrays.
        plain: NumPy's own, for what has no variables.
    """

    __slots__ = ("_join", "_name", "_plain")

    def __init__(self, name: str, join: Any, plain: Any) -> None:
        self._name, self._join, self._plain = name, join, plain

    def __getitem__(self, key: Any) -> Any:
        if not has_lifted(key):
            return self._plain[key]
        parts: Any = []
        for part in key if isinstance(key, tuple) else (key,):
            if isinstance(part, str):
                raise ValueError(
                    f"np.{self._name} with variables takes no directive {part!r}; use "
                    "np.concatenate or np.stack with axis="
                )
            parts.append(self._plain[part].tolist() if isinstance(part, slice) else part)
        parts = arrays(*parts)
        with on_device_of(first_device_array(parts)):
            return self._join([np.atleast_1d(part) for part in parts])

    def __repr__(self) -> str:
        return f"gradx.numpy.{self._name}"


def _columns(parts: list[Any]) -> Any:
    return concatenate([x[:, None] if len(shape_of(x)) == 1 else x for x in parts], -1)


r_ = _Joiner("r_", concatenate, np.r_)
c_ = _Joiner("c_", _columns, np.c_)
