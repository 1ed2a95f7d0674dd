"""Kernel tables: what an array library runs in place of a NumPy function.

NumPy's protocols carry a call to the library of the array. What they cannot carry stands in a
table that the library's backend gives with its array type (`gradx.register_array`): functions
whose arguments it refuses, functions that make an array of nothing, and fused kernels for the
forward functions of gradx's own ops. A stand-in is a forward of an op that has a rule, never a
derivative, and sees plain arrays only. NumPy's own arrays have no table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import partial, wraps
from typing import Any

from gradx.errors import NotLiftedError

__all__ = ["TABLES", "check_lacking", "dispatched", "kernel", "lacking", "rule_kernel"]

TABLES: dict[type, Mapping[Any, Callable[..., Any]]] = {}
"""From an array type to its table, from a function to what stands in for it."""


def kernel(function: Callable[..., Any], *operands: Any) -> Callable[..., Any]:
    """The stand-in of a function for the array type of an operand, or the function itself.

    A lifted operand takes the function itself, which its own protocol then makes an op of.
    """
    table: Mapping[Any, Callable[..., Any]] | None = None
    for x in operands:
        if hasattr(x, "_run"):
            return function
        table = table or TABLES.get(type(x))
    return function if table is None else table.get(function, function)


def dispatched(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that runs its stand-in where an operand's array type has one."""

    @wraps(function)
    def run(*operands: Any, **params: Any) -> Any:
        return kernel(function, *operands)(*operands, **params)

    return run


def rule_kernel(table: Mapping[Any, Callable[..., Any]], pull: Any) -> Any:
    """The stand-in of a reverse rule in a table, with its static parameters, or the rule itself."""
    if type(pull).__hash__ is None:
        return pull  # an object of a user's, and none of the table's keys
    if not isinstance(pull, partial):
        return table.get(pull, pull)
    stand_in = table.get(pull.func)
    return pull if stand_in is None else partial(stand_in, **pull.keywords)


def check_lacking(name: str, x: Any, error: TypeError, operands: Iterable[Any] = ()) -> None:
    """Raise a clearer error if NumPy raised one because an array library lacks a function.

    Args:
        name: the function.
        x: an array of the library.
        error: what a call of the function raised.
        operands: those of the call.

    Raises:
        NotLiftedError: the library lacks it; says what to write instead.
    """
    text = str(error)
    known = ["no implementation found for", "returned NotImplemented"]
    if name.startswith("scipy."):
        known.append("Implicit conversion to a NumPy array")  # SciPy's own code wants NumPy's
    if x is None or not any(part in text for part in known):
        return
    library = type(x).__module__.partition(".")[0]
    called = name if name.startswith(("operator.", "scipy.")) else f"np.{name}"
    for other in operands:
        if isinstance(other, (Fraction, Decimal)):
            raise NotLiftedError(
                f"{called} of an array of {library} and {other!r}, a number that only arrays of "
                f"the host take; write float({other})"
            ) from error
    raise lacking(called, x) from error


def lacking(called: str, x: Any, options: str = "") -> NotLiftedError:
    """The error that the library of an array has no function of a name, for the caller to raise.

    Args:
        called: the function.
        x: the array.
        options: with which arguments it is lacking, by default with any.
    """
    library = type(x).__module__.partition(".")[0]
    return NotLiftedError(
        f"{library} has no function for {called}{options}, so it cannot run where the array is; "
        f"write it with other functions, or do it on the host: {called}(gx.to_device(v, 'cpu')), "
        "and gx.to_device again for the result"
    )
