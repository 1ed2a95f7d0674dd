"""Notes on errors that NumPy and Python raise because they were given lifted values.

Such an error knows nothing of gradx; a note that is added to it says what to write instead.
"""

from __future__ import annotations

import re
from types import TracebackType

import numpy as np

from gradx.core.dispatch import FUNCTIONS
from gradx.errors import AssignmentError, ConversionError, NotLiftedError

__all__ = ["note_what_to_write"]

_OBJECTS = (
    r"dtype\('O'\)|object dtype|object arrays?|object too deep|ufunc '|of ufunc"
    r"|'(float|int|complex|bool)' (object|variable) has no attribute"
)
_COUNT = (
    r"got 'BVar|Var' object cannot be interpreted|Var' object is not iterable|non-int of type"
    r"|, not \w+Var$|^only integers, slices|indices must be integers|must be an? ?integer"
)
_OWN = (AssignmentError, ConversionError, NotLiftedError)
_NUMBER = r"setting an array element with a sequence|must be real number, not \w+Var$"


def note_what_to_write(error: BaseException) -> None:
    """Add to an error what it means and what to write, if a lifted value may have been the cause.

    Args:
        error: what came out of a function of lifted values.
    """
    text = str(error)
    function = _function_of_numpy(error.__traceback__)
    if function and (isinstance(error, _OWN) or re.search(_NUMBER, text)):
        note = _of_objects(function)
    elif re.search(_NUMBER, text):
        note = (
            "gradx: a variable cannot become a plain number, nor be written into a plain array, "
            "which would lose its gradient; collect variables in a list and join them with "
            "np.stack, or write gx.value(v) if no gradient is wanted"
        )
    elif re.search(_COUNT, text):
        note = (
            "gradx: a variable cannot be an index, a size or a count, which has no gradient; write "
            "gx.value(n), or make it static with gx.static() in its record"
        )
    elif re.search(_OBJECTS, text) and _raised_by(error.__traceback__) != "gradx":
        note = _of_objects(function)
    else:
        return
    if not any(known.startswith("gradx: ") for known in getattr(error, "__notes__", ())):
        error.add_note(note)


def _of_objects(function: str) -> str:
    package, _, name = function.rpartition(".")
    known = getattr(getattr(np, package) if package else np, name, None) in FUNCTIONS
    lifted = f"gx.numpy.{function if known else 'f'}"
    return (
        "gradx: NumPy makes an object array of a list of variables, and not every function of "
        "NumPy takes one; join the variables first, with np.stack([v, w]), or write "
        f"{lifted}([v, w]), which takes lists of variables"
    )


def _raised_by(trace: TracebackType | None) -> str:
    """The package of the code that raised: gradx's own makes no object arrays of variables."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else _package(trace)


def _package(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _function_of_numpy(trace: TracebackType | None) -> str:
    """The function of NumPy, such as ``linalg.solve``, that other code than gradx called."""
    caller = "gradx"
    while trace is not None:
        package = _package(trace)
        if package == "numpy" and caller != "gradx":
            module = str(trace.tb_frame.f_globals["__name__"]).split(".")
            prefix = next((f"{part}." for part in ("linalg", "fft") if part in module), "")
            return prefix + trace.tb_frame.f_code.co_name
        caller, trace = package, trace.tb_next
    return ""
