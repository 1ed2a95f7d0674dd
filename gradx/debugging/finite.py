"""Finite: whether a value of any type has numbers that are infinite or NaN, and its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from gradx.core.cotangent import dense
from gradx.core.dispatch import Lifted
from gradx.core.spec import primal
from gradx.devices.placement import PLACES, on_device_of
from gradx.values.operations import ValueType, leaves_of, registry

__all__ = ["described", "has_nan", "is_finite", "kind_of", "listed", "read"]

_INFINITY = float("inf")
_EXACT = (int, np.integer, np.bool_, type(None))


def is_finite(x: Any) -> bool:
    """Whether all numbers in a value are finite: of a plain, lifted or structured one."""
    kind = type(x)
    if kind is float or kind is np.float64:
        return bool(-_INFINITY < x < _INFINITY)
    if kind is np.ndarray and x.dtype.kind == "f":
        flat = x.ravel("K")
        # A sum of squares is finite only if every item is; np.vdot tells nobody of its overflow.
        if np.vdot(flat, flat) < _INFINITY:
            return True
        return bool(np.logical_and.reduce(np.isfinite(x), axis=None))
    return not _any(np.logical_not, np.isfinite, lambda d: not d.is_finite(), x)


def has_nan(x: Any) -> bool:
    """Whether a number in a value is NaN."""
    return _any(_itself, np.isnan, Decimal.is_nan, x)


def _any(then: Any, test: Any, of_decimal: Any, x: Any) -> bool:
    """Whether any number in a value is of a kind, which NumPy's ``then(test(x))`` tells."""
    x = primal(dense(x))
    if isinstance(x, Lifted):
        x = x._numbers()
        return x is not None and _any(then, test, of_decimal, x)
    if isinstance(x, _EXACT):
        return False
    if isinstance(x, Decimal):
        return bool(of_decimal(x))
    if isinstance(x, (float, complex, np.inexact, np.ndarray)) or type(x) in PLACES:
        if getattr(x, "dtype", _FLOAT).kind not in "fc":
            return False
        with on_device_of(x):
            return bool(read(np.any(then(test(x)))))
    entry = registry.find(type(x))
    if not isinstance(entry, ValueType) or entry.children is None or not entry.fieldwise:
        return False  # its inside is unknown
    return any(_any(then, test, of_decimal, leaf) for leaf in leaves_of(x))


_FLOAT = np.dtype(float)


def _itself(x: Any) -> Any:
    return x


def read(x: Any) -> Any:
    """An array of a device as one of NumPy's, once its pending work is done; others as they are."""
    return PLACES[type(x)].to_numpy(x) if type(x) in PLACES else x


def described(x: Any) -> str:
    """A value's type, shape, dtype and range, in a few words."""
    x = primal(dense(x))
    if isinstance(x, Lifted):
        return repr(x)
    dtype = getattr(x, "dtype", None)
    if dtype is None or not hasattr(x, "shape"):
        text = repr(x)
        return f"the {type(x).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
    if not x.shape:
        return f"the {dtype} {read(x).item()!r}"
    name = f"{dtype} of shape {tuple(x.shape)}"
    if not math.prod(x.shape) or dtype.kind not in "fciub":
        return name
    with on_device_of(x):
        size, of = (np.abs(x), "absolute values ") if dtype.kind == "c" else (x, "")
        least, most = (read(extreme(size)).item() for extreme in (np.min, np.max))
    return f"{name}, {of}from {least!r} to {most!r}"


def kind_of(x: Any) -> str:
    """What is not finite in a value, in words."""
    return "NaN" if has_nan(x) else "an infinity"


def listed(operands: Sequence[Any]) -> str:
    """The operands of an operation: what each is, and its range."""
    known = [f"operand {i} is {described(x)}" for i, x in enumerate(operands)]
    return ", ".join(known[:4]) + (f" and {len(known) - 4} more" if len(known) > 4 else "")
