"""Plain arrays among the arguments of an adopted function: handles for the length of the call.

Copies of a handle can be filled with variables (`y = x0.copy(); y[0] = v`). What is written into
the handle itself the caller's array gets when the call is over; a variable it cannot get.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradx.adoption.generators import GENERATORS, GeneratorView
from gradx.adoption.instances import arrays_in
from gradx.errors import AssignmentError
from gradx.reverse.constants import CONSTANTS, is_constant

__all__ = ["borrowed"]


@contextmanager
def borrowed(
    f: Any, args: Sequence[Any], names: Sequence[str], by_runner: bool
) -> Iterator[list[Any]]:
    """A block in which handles stand for arrays of real and complex numbers among arguments.

    Arrays that the plain program could not write into, or of which a write shows elsewhere, in
    another argument, in a global or in a closure, stay what they are.

    Args:
        f: the function.
        args: the arguments.
        names: their names, or their numbers.
        by_runner: nobody looks at the arguments afterwards, since a runner calls the function.

    Raises:
        AssignmentError: a variable was written into one, which the caller would not see.
    """
    arrays: list[Any] = []
    if any(type(x) is np.ndarray for x in args):
        held = [x for x in f.__globals__.values() if type(x) is np.ndarray]
        arrays = arrays_in([*args, *held, f])
    args = [GeneratorView(x) if isinstance(x, GENERATORS) else x for x in args]
    lent = [CONSTANTS.borrow(x) if _is_lent(x, arrays) else x for x in args]
    yield lent
    for x, v, name in zip(args, lent, names, strict=True):
        if v is x or by_runner:
            continue
        if not is_constant(v):
            raise AssignmentError(
                f"argument {name} of {f.__name__} is a plain array, and a variable was written "
                "into it, which its caller would not see; adopt the caller too, with gx.adopt, or "
                "pass an array that takes variables, such as np.zeros_like(v)"
            )
        written = np.asarray(v)
        if not np.may_share_memory(written, x):
            x[...] = written.reshape(x.shape)


def _is_lent(x: Any, arrays: Sequence[Any]) -> bool:
    if type(x) is not np.ndarray or x.dtype.kind not in "fc" or not x.flags.writeable:
        return False
    return sum(np.may_share_memory(x, y) for y in arrays) == 1
