"""Arguments of lifted functions: conversion to operands, plain values, and refusals."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from gradx.core.dispatch import Lifted, apply, one_by_one
from gradx.core.objects import is_object_array, joined
from gradx.core.refusals import as_index, into_plain
from gradx.core.spec import primal, spec_of
from gradx.devices.kernel_table import lacking
from gradx.devices.placement import PLACES, on_device_of
from gradx.errors import ConversionError, GradxError, NotLiftedError
from gradx.ops import shaping
from gradx.ops.helpers import array_for, first_device_array, is_complex, zeros_for

__all__ = [
    "arrays",
    "as_array",
    "axes_from",
    "check_device",
    "counts",
    "has_lifted",
    "in_doubles",
    "is_inexact",
    "is_lifted",
    "on_host",
    "operand",
    "operands",
    "primals",
    "refuse_out",
    "to_the_bit",
]


def is_lifted(x: Any) -> bool:
    """Whether a value is a variable or of another lifted kind."""
    return isinstance(x, Lifted)


def has_lifted(x: Any) -> bool:
    """Whether a value, or nested lists and tuples, holds a variable."""
    if is_lifted(x) or is_object_array(x):
        return True
    return isinstance(x, (list, tuple)) and any(has_lifted(item) for item in x)


def primals(x: Any) -> Any:
    """The primal of an array-like: of nested lists and tuples, with the primal of each item."""
    if type(x) in (list, tuple) and has_lifted(x):
        return type(x)(primals(item) for item in x)
    if isinstance(x, (list, tuple)) and not is_lifted(x) and has_lifted(x):
        return [primals(item) for item in x]  # of a class of the user's
    return primal(joined(x))


def operand(x: Any) -> Any:
    """An array-like as one operand: lists and object arrays of variables are joined into one."""
    if is_lifted(x):
        return _stacked(list(x)) if isinstance(primal(x), (list, tuple)) else x
    return _stacked(x) if isinstance(x, (list, tuple)) else joined(x)


def _stacked(x: Any) -> Any:
    if not has_lifted(x) and first_device_array(x) is None:
        return np.asarray(x)
    return apply(shaping.stack, arrays(*x), {"axis": 0})


def counts(x: Any) -> Any:
    """Places or counts, which decide what a result is made of: plain, since they have no gradient.

    Raises:
        ConversionError: one of them is a variable.
    """
    if type(x) is not int and has_lifted(x) and _holds_numbers(x):
        raise as_index(x)
    return x


def _holds_numbers(x: Any) -> bool:
    """Whether there is a variable among places; a batched value has one for each example."""
    if type(x) in (tuple, list):
        return any(has_lifted(part) and _holds_numbers(part) for part in x)
    return primals(x) is not x


def axes_from(axes: Any, ndim: int) -> tuple[int, ...]:
    """An ``axis`` or ``axes`` argument as axes counted from 0: None means all.

    Raises:
        AxisError: there is no such axis.
        ValueError: an axis is named twice.
    """
    return tuple(range(ndim)) if axes is None else normalize_axis_tuple(axes, ndim)


def on_host(x: Any) -> Any:
    """Counts and indices that decide a shape, as a NumPy array; waits for a device."""
    x = counts(x)
    return np.asarray(x.tolist() if first_device_array((x,)) is not None else x)


# --- Operands that go together --------------------------------------------------------------------
# NumPy makes arrays of lists and numbers by itself, a library of device arrays does not, and only
# the other operands tell where such an array is wanted.


def operands(*xs: Any) -> Sequence[Any]:
    """Array-likes as operands of one op: lists become arrays where the other operands are."""
    for x in xs:
        if type(x) in (list, tuple):
            break
    else:
        return [operand(x) for x in xs]
    ready = [x if _is_plain_list(x) else operand(x) for x in xs]
    home = first_device_array(ready)
    return [array_for(x, home) if _is_plain_list(x) else x for x in ready]


def _is_plain_list(x: Any) -> bool:
    return type(x) in (list, tuple) and not has_lifted(x)


def arrays(*xs: Any) -> Sequence[Any]:
    """As `operands`; where one is on a device, numbers become arrays there too."""
    ready = operands(*xs)
    home = first_device_array(ready)
    return ready if home is None else [as_array(x, home) for x in ready]


def as_array(x: Any, home: Any) -> Any:
    """A number, plain or lifted, as an array of no axes beside another; an array as it is.

    Args:
        x: the number.
        home: an array on a device, or None to leave the number to NumPy.
    """
    dtype = getattr(primal(x), "dtype", None)
    if home is None or not (dtype is None or isinstance(primal(x), np.generic)):
        return x
    if not is_lifted(x):
        return array_for(x, home)
    dtype = dtype or (complex if is_complex(x) else float)
    with on_device_of(home):
        zero = zeros_for(home, (), dtype)
    return x + zero


def refuse_on_device(called: str, *xs: Any, options: str = "") -> None:
    """Refuse arrays on a device, for a function that works on the host alone, or so with options.

    Raises:
        NotLiftedError: one is on a device.
    """
    home = first_device_array(xs)
    if home is not None:
        raise lacking(called, home, options)


def refuse_out(function: str, out: Any) -> None:
    """Refuse an ``out`` argument.

    Raises:
        AssignmentError: there is one.
    """
    if out is not None and not (isinstance(out, tuple) and out == (None,)):
        raise into_plain(f"{function} with out=")


# --- Functions that are composed of others --------------------------------------------------------
# A formula that is right need not round as NumPy's own does.

_PLAIN = (float, int, complex, np.ndarray, np.generic)


def check_device(device: Any, x: Any) -> None:
    """Refuse a device that an array is not on.

    Raises:
        ValueError: NumPy's own.
    """
    if device is not None and device != getattr(x, "device", "cpu"):
        np.empty(0, device=device)


def to_the_bit(
    function: Callable[..., Any], *options: str, whole: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: give a composed function the value of NumPy's, and the errors, on plain arrays.

    The value is the same to the bit and lies in memory in the same order. What the library may
    write into with ``overwrite_a=True`` and its like is the caller's array, or what a rule keeps:
    it is not let.

    A formula is one of real or complex numbers. Of whole numbers and truth values, which a batch
    has too, NumPy's own function is called, for one example after the other.

    Args:
        function: NumPy's own.
        options: only calls with one of these options round otherwise.
        whole: the formula is right for whole numbers and truth values, too.
    """

    def decorate(composed: Callable[..., Any]) -> Callable[..., Any]:
        names = list(inspect.signature(composed).parameters)
        refused = [i for i, name in enumerate(names) if _overwrites(name)]
        alike = min((names.index(option) for option in options), default=0)

        @functools.wraps(composed)
        def call(*args: Any, **kwargs: Any) -> Any:
            if options and len(args) <= alike and kwargs.keys().isdisjoint(options):
                return composed(*args, **kwargs)
            every = [*_primals_in((args, kwargs.values()))]
            if not all(issubclass(type(x), _PLAIN) for x in every):
                if not whole and all(map(_is_whole, every)):
                    return one_by_one(function, args, kwargs, _without_formula(function))
                return composed(*args, **kwargs)
            given = [False if i in refused else primals(x) for i, x in enumerate(args)]
            plain = {key: primals(x) for key, x in kwargs.items() if not _overwrites(key)}
            own = functools.partial(function, *given, **plain)
            try:
                with np.errstate(all="ignore"):  # NumPy's own function warns of what is wrong
                    y = composed(*args, **kwargs)
            except (ValueError, TypeError, IndexError) as error:
                raise _of_numpys_class(error, own) from None
            return _valued(y, own())

        return call

    return decorate


def _is_whole(x: Any) -> bool:
    """Whether a value is of whole numbers or truth values."""
    dtype = spec_of(x).dtype
    return issubclass(dtype, int) if isinstance(dtype, type) else dtype.kind in "biu"


def _without_formula(function: Any) -> ConversionError:
    """The error of a call on whole numbers of a run that cannot do it for each example."""
    return ConversionError(
        f"np.{function.__name__} of whole numbers has no formula in gradx; make numbers of them "
        "with v.astype(float)"
    )


def _overwrites(name: str) -> bool:
    """Whether a parameter lets a function write into what it is given."""
    return name.startswith("overwrite_")


def _primals_in(x: Any) -> Iterator[Any]:
    """The values of the variables and the arrays among arguments."""
    if isinstance(x, (list, tuple, type({}.values()))):
        for item in x:
            yield from _primals_in(item)
    elif is_lifted(x) or is_object_array(x) or type(x) in PLACES:
        yield primal(joined(x))


def _of_numpys_class(error: Exception, own: Callable[[], Any]) -> Exception:
    """An error, whose words may say more than NumPy's own; that where it is of another class."""
    if not isinstance(error, GradxError):
        try:
            own()
        except Warning:  # which may be an error here, and is none of the call
            pass
        except Exception as numpys:
            return error if isinstance(error, type(numpys)) else numpys
    return error


def _valued(y: Any, own: Any) -> Any:
    """A result with the value that NumPy's function has, part by part."""
    if type(y) in (list, tuple) or hasattr(y, "_fields"):
        parts = [_valued(part, value) for part, value in zip(y, own, strict=True)]
        return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
    if not is_lifted(y):
        return own
    mine = primal(y)
    alike = type(mine) is type(own) and mine.dtype == own.dtype and _layout(mine) == _layout(own)
    return y if alike and mine.tobytes() == own.tobytes() else apply(shaping.computed, (y, own))


def _layout(x: Any) -> list[tuple[int, int]]:
    """The lengths of axes and the steps along them in memory, by which later sums are ordered."""
    return [(n, step if n > 1 else 0) for n, step in zip(x.shape, x.strides, strict=True)]


def in_doubles(x: Any) -> Any:
    """An array in double precision, in which `np.interp` and SciPy's distances compute."""
    kind = getattr(getattr(x, "dtype", None), "char", "d")
    return x if kind in "dD" else np.astype(x, complex if kind == "F" else float)


def is_inexact(dtype: Any) -> bool:
    """Whether a dtype argument is None or one of real or complex numbers.

    Raises:
        NotLiftedError: it is that of objects, in which a gradient would be lost.
    """
    kind = "f" if dtype is None else np.dtype(dtype).kind
    if kind == "O":
        raise NotLiftedError(
            "a variable cast to dtype=object would lose its gradient; leave the dtype out, or make "
            "a list of the items, list(v)"
        )
    return kind in "fc"
