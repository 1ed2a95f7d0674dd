"""Temporaries: values that an expression makes and uses up, whose memory may be used again.

In ``net - rate * gradient`` the product is a record that nobody sees. NumPy writes the result of
such an expression of arrays into the temporary; this is the same for records. Making a large array
costs more than filling it, since the system hands out its pages one by one.

A record is taken for a temporary if the function that combines it was called by an arithmetic
operator of Python code, the instruction before made its right operand by another arithmetic
operator, and nothing but the interpreter's stack refers to it. Its arrays are known to be its own
if it holds them in a way that can be looked through: in its ``__dict__``, which nobody else has, or
in a plain tuple, list or dict. An interpreter on which this cannot
be told (CPython from 3.14 on does not count what its stack borrows) keeps its temporaries.
"""

from __future__ import annotations

import dis
import sys
from typing import Any

import numpy as np

__all__ = ["HELD", "holds", "inside_of", "is_temporary", "may_overwrite"]

_LARGE = 1 << 16
"""From so many bytes on memory is dear; smaller arrays come from the allocator's own store."""


class _Probe:
    """Counts the references to the right operand of an operator, when its method has begun."""

    def __sub__(self, other: Any) -> int:
        return sys.getrefcount(other)


def _count_of_named(probe: Any) -> int:
    count: int = _Probe() - probe
    return count


def _count_in_loop(parts: list[tuple[str, Any]]) -> int:
    for _, part in parts:
        return sys.getrefcount(part)
    return 0


def _count_of_dict(x: Any) -> int:
    own = x.__dict__
    return sys.getrefcount(own)


def _distance() -> int:
    """From one operator's instruction to the next, in bytes."""
    code = compile("a - b * c", "", "eval")
    at = [i.offset for i in dis.get_instructions(code) if i.opname == "BINARY_OP"]
    return at[1] - at[0] if len(at) == 2 else 0


def _arguments(operators: str) -> frozenset[Any]:
    """The arguments of BINARY_OP for some operators."""
    codes = [compile(f"a {each} b", "", "eval") for each in operators.split()]
    return frozenset(
        i.arg for code in codes for i in dis.get_instructions(code) if i.opname == "BINARY_OP"
    )


_COUNTS = hasattr(sys, "getrefcount") and hasattr(sys, "_getframe")
_ALONE = _Probe() - _Probe() if _COUNTS else 0
_BINARY_OP = dis.opmap.get("BINARY_OP", -1)
_STEP = _distance()
_COMBINING, _MAKING = _arguments("+ -"), _arguments("+ - * / **")
"""Of the operators that write into a temporary, and of those of which a record can come."""
_TELLS = _COUNTS and _STEP > 0 and _count_of_named(_Probe()) == _ALONE + 1
_DICT_ALONE = _count_of_dict(_Probe()) if _COUNTS else 0
_holder = (np.empty(0),)
HELD = _count_in_loop([("", _holder[0])]) if _COUNTS else 0
"""The count of a part that its container, a list of pairs and a loop's variable refer to."""


def is_temporary(count: int) -> bool:
    """Whether the right operand of an operator is a temporary of the expression.

    To be called by the operator's method.

    Args:
        count: the references to the operand, as ``sys.getrefcount`` counts them in the method.
    """
    if not _TELLS or count != _ALONE:
        return False
    caller = sys._getframe(2)
    code, here = caller.f_code.co_code, caller.f_lasti
    before = here - _STEP
    return (
        before >= 0
        and code[here] == _BINARY_OP == code[before]
        and code[here + 1] in _COMBINING
        and code[before + 1] in _MAKING
    )


def inside_of(x: Any) -> Any:
    """What holds the parts of a temporary, or None if it cannot be told that nothing else does.

    A user's container may have its parts in an object that others have too, and ``vars(record)``
    is such an object.
    """
    kind = type(x)
    if kind is tuple or kind is list or kind is dict:
        return x
    own = getattr(x, "__dict__", None)
    return own if type(own) is dict and sys.getrefcount(own) == _DICT_ALONE else None


def holds(inside: Any, key: Any, part: Any) -> bool:
    """Whether this is where a part is, and not what a descriptor gives for it."""
    found = inside.get(key) if type(inside) is dict else inside[key]
    return found is part


def may_overwrite(a: Any, b: Any) -> bool:
    """Whether ``a - b`` may be written into ``b``, an array that is known to be ours alone."""
    return (
        type(a) is type(b) is np.ndarray
        and b.nbytes >= _LARGE
        and a.dtype is b.dtype
        and a.shape == b.shape
        and b.base is None
        and b.flags.writeable
    )
