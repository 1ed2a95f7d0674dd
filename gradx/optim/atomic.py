"""Atomic writes: several arrays are written, or none is.

The writes are calls of C code, made ready beforehand. Between them no code of Python's runs, so
neither a signal's handler nor a warning that is an error can come in the middle. NumPy notes errors
of arithmetic in a text meanwhile; what `np.errstate` and the filters of warnings say of them is
done when all is written, or, where it may raise, when all is as it was before.
"""

from __future__ import annotations

import io
import operator
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["overlaps_itself", "write", "write_at_once"]

Call = Callable[[], Any]
_KINDS = MappingProxyType(
    {
        "divide by zero": ("divide", 1),
        "overflow": ("over", 2),
        "underflow": ("under", 4),
        "invalid value": ("invalid", 8),
    }
)
"""From NumPy's word for an error to the keyword of `np.errstate` and the flag of its ``call``."""


def write(arrays: Sequence[Any], calls: Sequence[Call]) -> None:
    """Do all of some calls that write into arrays.

    After an exception, be it one of a signal's handler, either all calls were done or none.

    Args:
        arrays: all that is written into.
        calls: C functions with their arguments bound, which need no code of Python's.

    Raises:
        FloatingPointError: an error of arithmetic under ``np.errstate(…="raise")``; nothing is
            written. Likewise a RuntimeWarning that is an error.
    """
    modes, before = _before(arrays)
    noted, call = io.StringIO(), None if before is None else np.geterrcall()
    try:
        with np.errstate(all="log", call=noted):
            _run(calls)
    except BaseException:  # of a signal's handler, which may come as the block is entered or left
        np.seterr(**modes)
        np.seterrcall(call)
        raise
    if not noted.tell():
        return
    lines = [line.removeprefix("Warning: ") for line in noted.getvalue().splitlines()]
    _end(dict.fromkeys(lines), modes, arrays, before, calls)


def write_at_once(arrays: Sequence[Any], call: Callable[[], int]) -> None:
    """As `write`, of one call of C code, which gives the flags of the errors of arithmetic."""
    modes, before = _before(arrays)
    flags = call()
    if flags:
        texts = [
            f"{word} encountered in subtract" for word, kind in _KINDS.items() if flags & kind[1]
        ]
        _end(texts, modes, arrays, before, [call])


def _before(arrays: Sequence[Any]) -> tuple[Mapping[str, Any], Sequence[Any] | None]:
    """What `np.errstate` asks for, and copies of the arrays where it, or a filter, may raise."""
    modes: Mapping[str, Any] = np.geterr()
    return modes, [x.copy() for x in arrays] if _may_raise(modes) else None


def _end(
    texts: Iterable[str],
    modes: Mapping[str, Any],
    arrays: Sequence[Any],
    before: Sequence[Any] | None,
    calls: Sequence[Call],
) -> None:
    """What `np.errstate` says of errors of arithmetic in calls that were done."""
    told = [text for text in texts if modes[_kind_of(text)[0]] != "ignore"]
    if before is None or not told:
        _tell(told, modes)
        return
    _run([partial(operator.setitem, x, ..., y) for x, y in zip(arrays, before, strict=True)])
    _tell(told, modes)
    with np.errstate(all="ignore"):  # it did not raise
        _run(calls)


def _run(calls: Iterable[Call]) -> None:
    deque(map(operator.call, calls), maxlen=0)


_QUIET = frozenset({"ignore", "warn", "print"})


def _may_raise(modes: Mapping[str, Any]) -> bool:
    """Whether an error of arithmetic may raise, or call a function that does."""
    if not _QUIET.issuperset(modes.values()):
        return True
    # The action, a pattern, and the category.
    raised = [entry[2] for entry in warnings.filters if entry[0] == "error"]
    return "warn" in modes.values() and any(issubclass(RuntimeWarning, cls) for cls in raised)


def _kind_of(text: str) -> tuple[str, int]:
    return _KINDS[text.partition(" encountered")[0]]


def _tell(texts: Iterable[str], modes: Any) -> None:
    """Warn of errors of arithmetic, or raise them, as `np.errstate` says."""
    for text in texts:
        kind, flag = _kind_of(text)
        how = modes[kind]
        call: Any = np.geterrcall()
        if how == "raise":
            raise FloatingPointError(text)
        if how == "warn":
            warnings.warn(text, RuntimeWarning, stacklevel=5)
        elif how == "print":
            print(f"Warning: {text}")
        elif how == "call" and call is not None:
            call(text.partition(" encountered")[0], flag)
        elif how == "log" and call is not None:
            call.write(f"Warning: {text}\n")


def overlaps_itself(x: Any) -> bool:
    """Whether two items of an array may lie at one place in memory, as a stride of 0 makes them."""
    if x.flags.forc:
        return False
    reach: int = x.itemsize
    for stride, count in sorted((abs(s), n) for s, n in zip(x.strides, x.shape, strict=True)):
        if count > 1:
            if stride < reach:
                return True
            reach += stride * (count - 1)
    return False
