"""Spec: what may be asked of any value, plain or lifted, without unwrapping it.

`spec_of` asks for shape, dtype and form, `primal` for the value that a lifted one holds, and
`concrete` for a number. Every kind of lifted value answers (`Answering`), so no other code looks
into one.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradx.values.operations import ValueType, registry

__all__ = ["Answering", "Form", "Spec", "concrete", "home", "primal", "shape_of", "spec_of"]


class Form(enum.Enum):
    """What a lifted value stands for, and so which surface it has."""

    NUMBER = "Python number"
    SCALAR = "NumPy scalar"
    ARRAY = "array"
    OPAQUE = "opaque value"

    __hash__ = object.__hash__


class Spec(NamedTuple):
    """What is known of a value without its numbers.

    Attributes:
        shape: its shape; ``()`` for a number.
        dtype: its dtype; the Python type of what has none.
        form: whether it is a Python number, a NumPy scalar, an array or an opaque value.
    """

    shape: tuple[int, ...]
    dtype: Any
    form: Form

    @property
    def size(self) -> int:
        """The number of items."""
        return math.prod(self.shape)


class Answering:
    """A value that stands for another and answers for it: the base of every lifted value."""

    __slots__ = ()
    _run: Any

    def _numbers(self) -> Any:
        """All numbers of a value that stands for many, such as examples; None if it has none."""
        return None

    def _stands_for(self, x: Any) -> bool:
        """Whether a write into this value is one into another: by default into itself alone."""
        return self is x

    def _spec(self) -> Spec:
        raise NotImplementedError

    def _primal(self) -> Any:
        """What it holds, through all runs that hold values; itself, if it holds none."""
        return self

    def _home(self) -> Any:
        """What is where this value is; itself, if it is nowhere."""
        return self

    def _concrete(self, what: str) -> Any:
        raise NotImplementedError

    def _compared(self, function: Callable[[Any, Any], Any], other: Any) -> Any:
        raise NotImplementedError


def spec_of(x: Any) -> Spec:
    """The spec of a value, plain or lifted: every kind of lifted value answers."""
    if isinstance(x, Answering):
        return x._spec()
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        form = Form.SCALAR if isinstance(x, np.generic) else Form.ARRAY
        return Spec(tuple(x.shape), dtype, form)
    entry = registry.find(type(x))
    numeric = isinstance(entry, ValueType) and entry.numeric
    return Spec((), type(x), Form.NUMBER if numeric or type(x) is bool else Form.OPAQUE)


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a number, an array, nested lists or a lifted value: `spec_of`, but sooner."""
    try:
        shape: tuple[int, ...] = x.shape
    except AttributeError:
        return x._spec().shape if isinstance(x, Answering) else np.shape(x)
    return shape


def primal(x: Any) -> Any:
    """What a lifted value holds, through all runs that hold values; anything else as it is.

    The value of a run that holds none, such as an abstract one, is its own primal.
    """
    return x._primal() if isinstance(x, Answering) else x


def home(x: Any) -> Any:
    """A plain value where a lifted one is: its primal, or that of all examples of a batch.

    An abstract value is nowhere, and its own home.
    """
    x = primal(x)
    return x._home() if isinstance(x, Answering) else x


def concrete(x: Any, what: str = "this") -> Any:
    """The plain value of a lifted one; anything else as it is.

    Args:
        x: the value.
        what: what reads it, for the message.

    Raises:
        ConversionError: there is no number, as in an abstract run.
    """
    return x._concrete(what) if isinstance(x, Answering) else x
