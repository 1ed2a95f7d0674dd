"""Notes on errors that NumPy and Python raise because they were given lifted values.

Such an error knows nothing of gradx; a note that is added to it says what to write instead.
"""

from __future__ import annotations

import importlib
import re
import sys
from contextlib import suppress
from types import TracebackType

import numpy as np

from gradx.core.dispatch import FUNCTIONS
from gradx.errors import AssignmentError, ConversionError, NotLiftedError

__all__ = ["NOTED", "below", "instead_of_solver", "note_what_to_write"]

NOTED = (TypeError, ValueError, IndexError, AttributeError, SystemError)
"""The errors that may get a note. Code of C that goes on after one of these raises the last."""

_OBJECTS = (
    r"unsupported data types in input|requested dtype holds references"
    r"|dtype\('O'\)|object dtype|object arrays?|object too deep|ufunc '|of ufunc"
    r"|'(float|int|complex|bool)' (object|variable) has no attribute"
)
_COUNT = (
    r"got 'BVar|Var' object cannot be interpreted|Var' object is not iterable|non-int of type"
    r"|, not \w+Var$|^only integers, slices|indices must be integers|must be an? ?integer"
)
_OWN = (AssignmentError, ConversionError, NotLiftedError)
_NUMBER = r"setting an array element with a sequence|must be real number, not \w+Var$"
_SOLVERS = (
    ("root_scalar", ("bisect", "brentq", "brenth", "ridder", "toms748", "newton")),
    ("root", ("fsolve", "newton_krylov", "broyden1", "broyden2", "anderson")),
    ("minimize", ("fmin", "fmin_bfgs", "fmin_cg", "fmin_l_bfgs_b", "fmin_ncg", "fmin_powell")),
    ("least_squares", ("leastsq",)),
)
"""Functions of gradx, and the solvers of SciPy that do the same."""


def below(error: BaseException) -> TracebackType | None:
    """The traceback of an error from what the frame called on that caught it; None for C code."""
    trace = error.__traceback__
    return None if trace is None else trace.tb_next


def note_what_to_write(error: BaseException, trace: TracebackType | None) -> None:
    """Add to an error what it means and what to write, if a lifted value may have been the cause.

    Args:
        error: what came out of a function of lifted values.
        trace: its traceback, from that function on.
    """
    text = str(error)
    first = error.__cause__ if isinstance(error, SystemError) else error
    wants_numbers = isinstance(first, _OWN) or re.search(_NUMBER, text)
    of_objects = re.search(_OBJECTS, text) and _raised_by(trace) != "gradx"
    of_numpy = _function_of("numpy", trace)
    of_scipy = _function_of("scipy", trace) if wants_numbers or of_objects else ""
    if of_scipy:
        note = _of_scipy(of_scipy)
    elif of_numpy and wants_numbers:
        note = _of_objects(of_numpy)
    elif re.search(_NUMBER, text):
        note = (
            "gradx: collect variables in a list and join them with np.stack, or differentiate "
            "gx.adopt(f), whose arrays can be filled; write gx.value(v) if no gradient is wanted; "
            "a plain number or array that a variable is written into would lose its gradient"
        )
    elif re.search(_COUNT, text):
        note = (
            "gradx: write gx.value(n), or make it static with gx.static() in its record; a "
            "variable cannot be an index, a size or a count, which has no gradient"
        )
    elif of_objects:
        note = _of_objects(of_numpy)
    else:
        return
    if not any(known.startswith("gradx: ") for known in getattr(error, "__notes__", ())):
        error.add_note(note)


def _of_objects(function: str) -> str:
    """What to write where a function of NumPy was given a list of variables, or what is made of it.

    Args:
        function: its name, such as ``linalg.solve``; "" if it is not known.
    """
    if function.startswith("random."):
        return (
            "gradx: draw numbers first, and compute with them: mean + scale * rng.normal(size=n); "
            "NumPy's random generators do not take variables"
        )
    package, _, name = function.rpartition(".")
    known = getattr(getattr(np, package, None) if package else np, name, None) in FUNCTIONS
    lifted = f"gx.numpy.{function if known else 'f'}"
    return (
        "gradx: join the variables first, with np.stack([v, w]) or, nested, with "
        f"gx.numpy.array([[v, 1.0], [2.0, w]]); write {lifted}([v, w]), which takes lists; or "
        "differentiate gx.adopt(f), where np.array takes variables: NumPy makes an object array of "
        "a list with variables, and not every function takes one"
    )


def instead_of_solver(function: str) -> str | None:
    """What to write for a solver of SciPy; None for another function.

    Args:
        function: its name, such as ``scipy.optimize.brentq``.
    """
    package, _, name = function.rpartition(".")
    own = next((own for own, theirs in _SOLVERS if name in theirs), name)
    if package != "scipy.optimize" or own not in getattr(sys.modules.get("gradx"), "__all__", ()):
        return None
    return (
        f"write gx.{own}(…), which takes values of any type and gives what SciPy needs of their "
        "derivatives"
    )


def _of_scipy(function: str) -> str:
    """What to write where a function of SciPy was given a variable.

    Args:
        function: its name, such as ``scipy.linalg.solve``.
    """
    if function.startswith("scipy.sparse."):
        return (
            "gradx: write A.toarray() @ v, or make an op of the product with @gx.lift: return "
            "A @ v, lambda g: A.T @ g; SciPy's sparse arrays do not take variables"
        )
    solver = instead_of_solver(function)
    if solver is not None:
        return f"gradx: {solver}; {function} does not take variables"
    module, _, name = function.removeprefix("scipy.").partition(".")
    # The room of SciPy's functions stands above, and is imported when one of them is used.
    own = f"gradx.scipy.{module}"
    with suppress(ImportError):
        if name.partition(".")[0] in getattr(importlib.import_module(own), "__all__", ()):
            return (
                f"gradx: write {own}.{name}(…), or differentiate gx.adopt(f), where "
                f"{function} is that; SciPy's own function does not take variables"
            )
    return (
        f"gradx: make an op of {function} with @gx.lift (its result and its pullback), or pass "
        "gx.value(v) if no gradient should flow through it; SciPy does not take variables, and "
        "this function has no counterpart in gradx"
    )


def _raised_by(trace: TracebackType | None) -> str:
    """The package of the code that raised: gradx's own makes no object arrays of variables."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else _package(trace)


def _package(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _function_of(library: str, trace: TracebackType | None) -> str:
    """The function of a library that other code than gradx called, or gradx for adopted code.

    NumPy's is without the package, ``linalg.solve``; SciPy's is ``scipy.linalg.solve``.
    """
    caller = "gradx"
    while trace is not None:
        package = _package(trace)
        if package == library and caller != "gradx":
            frame = trace.tb_frame
            module = str(frame.f_globals["__name__"]).split(".")
            *_, owner, name = f".{frame.f_code.co_qualname}".split(".")
            if library == "scipy":
                # A method, as of scipy.stats.norm, is named by its object.
                named = getattr(frame.f_locals.get("self"), "name", None)
                own = [owner] if name == "__init__" else [name]
                return ".".join([*module[:2], *([named] if isinstance(named, str) else []), *own])
            prefix = next((f"{p}." for p in ("linalg", "fft", "random") if p in module), "")
            return prefix + name
        if not str(trace.tb_frame.f_globals.get("__name__")).startswith("gradx.adoption."):
            caller = package
        trace = trace.tb_next
    return ""
