"""Refusals: what lifted values say where a plain value is asked for, which would lose a gradient.

What to write comes first in each text, and the value last, on one line.
"""

from __future__ import annotations

from typing import Any

from gradx.errors import AssignmentError, ConversionError, NotDifferentiableError

__all__ = [
    "READ_BEFORE",
    "as_another_library",
    "as_array",
    "as_index",
    "as_key",
    "as_number",
    "as_other_shapes",
    "as_shape",
    "into_plain",
    "of_whole_numbers",
    "shown",
]

_MOST = 60

READ_BEFORE = (
    "was written into after np.asarray(v) or np.array([v, …]) had read it, of which the first "
    "shows the change and the second does not; write np.copy(v), np.stack([v, …]) or "
    "gx.numpy.array, which are variables"
)
"""What is said of an array whose items stand in an array of objects and are asked for too late."""


def shown(x: Any) -> str:
    """A value on one line of a message, cut where it is long.

    >>> shown([1.0] * 100)
    '[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,…'
    """
    text = " ".join(repr(x).split())
    return text if len(text) <= _MOST else text[:_MOST] + "…"


def as_number(v: Any, call: str) -> ConversionError:
    """A variable was to become a plain number, by a call such as ``float(v)``."""
    plain_call = call.replace("v", "gx.value(v)", 1)
    return ConversionError(
        "use the lifted function (np.sin, not math.sin); make arrays with np.stack or np.where, "
        f"not by buf[i] = v; write {plain_call} if the gradient is not wanted, or gx.adopt(f) to "
        f"differentiate a program as it is: {call} would drop the gradient of {shown(v)}"
    )


def as_key(v: Any) -> ConversionError:
    """A variable was to be a key of a dict or a set, or an argument of a cached function."""
    return ConversionError(
        "call a cached function without its cache, as in f.__wrapped__(v), or adopt the program "
        "with gx.adopt; write gx.value(v) where no gradient goes through what is found: variables "
        "are unhashable, since what a dict, a set or a cache keeps for an equal number has no "
        f"gradient of this run, and {shown(v)} has one"
    )


def as_array(v: Any) -> ConversionError:
    """A variable was to become an array of another dtype, or of NumPy while it is on a device."""
    return ConversionError(
        "cast with v.astype(dtype); join variables with np.stack([v, w]); write into arrays with "
        "np.where or np.concatenate, not by a[:] = v; call the function under its name in NumPy "
        "or gradx.numpy; write gx.value(v) if the gradient is not wanted, or gx.adopt(f) to "
        f"differentiate a program as it is: a plain NumPy array has no gradient, and {shown(v)} "
        "has one"
    )


def as_index(v: Any) -> ConversionError:
    """A variable was to be an index, a size or a count."""
    return ConversionError(
        "write gx.value(v), or make it static with gx.static() in its record: an index or a "
        f"count has no gradient, and {shown(v)} has one"
    )


def as_shape(name: str, v: Any) -> ConversionError:
    """A function of NumPy whose result has a shape that depends on the numbers of a variable."""
    return ConversionError(
        f"write it with np.where: the shape of np.{name} depends on the numbers of an operand, "
        f"and has no gradient: {shown(v)}"
    )


def as_other_shapes(name: str, v: Any) -> ConversionError:
    """What has this name gives another shape for each example of a batch."""
    return ConversionError(
        f"write np.where(condition, a, b), which keeps the shape: {name} gives each example a "
        f"result of another shape, so that they are no rows of one array: {shown(v)}"
    )


def as_another_library(v: Any) -> ConversionError:
    """A variable was to become an array of another library."""
    return ConversionError(
        "call the function under NumPy's name, as in np.sum(v), or make an op of it with @gx.lift; "
        "write gx.value(v) if the gradient is not wanted: an array of another library has no "
        f"gradient, and {shown(v)} has one"
    )


def into_plain(name: str) -> AssignmentError:
    """A variable would be written into a plain array, by what has this name."""
    return AssignmentError(
        f"{name} would write a variable into a plain array and lose its gradient; adopt the "
        "function with gx.adopt, whose arrays take variables, and copy there what was made before "
        "(self.w = np.array(self.w)), or build the array with np.zeros_like(v), np.stack, "
        "np.where or np.concatenate"
    )


def of_whole_numbers(op: Any) -> NotDifferentiableError:
    """The error for an op with several results, all of them whole numbers without derivatives."""
    return NotDifferentiableError(
        f"{op.name} of whole numbers gives several, of which none has a derivative; give floats, "
        "or for np.divmod write np.floor_divide and np.remainder"
    )
