"""Writing into lifted arrays: which run does it, and NumPy's checks of what does not fit."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from gradx.core.objects import as_operand, is_lifted
from gradx.core.spec import spec_of
from gradx.core.views import is_view
from gradx.errors import AssignmentError

__all__ = ["assign", "fill", "frozen", "path_to", "root_of", "taking_out", "writing_where"]

_CONDITIONS: ContextVar[tuple[Any, ...]] = ContextVar("gradx_conditions", default=())


@contextmanager
def writing_where(p: Any) -> Iterator[None]:
    """A block in which what is written into a lifted array is written where a condition holds.

    Args:
        p: the condition, one truth value for each example of a batch.
    """
    token = _CONDITIONS.set((*_CONDITIONS.get(), frozen(p)))
    try:
        yield
    finally:
        _CONDITIONS.reset(token)


def root_of(target: Any) -> Any:
    """The lifted array that a view shows; any other array itself."""
    return target._base if is_view(target) else target


def path_to(target: Any) -> tuple[tuple[Any, Any], ...]:
    """The views from an array to one that shows it: an op and its static parameters for each."""
    return target._steps() if is_view(target) else ()


def frozen(x: Any) -> Any:
    """A value that stays what a lifted array is now, whatever is written into that later."""
    return x._frozen() if is_lifted(x) else x


def assign(target: Any, index: Any, item: Any, fresh: bool = False) -> None:
    """Write items into a lifted array, as ``target[index] = item`` does.

    Args:
        target: the array.
        index: where, as NumPy takes it.
        item: what: numbers, arrays, variables, lists of them.
        fresh: nobody else has the item.

    Raises:
        AssignmentError: no run can do it.
        ValueError: NumPy's own, for shapes that do not fit and arrays that are read-only.
    """
    if is_view(item) and item._base is root_of(target) and _was_taken_at(target, index, item):
        return  # what Python does at the end of ``v[i] += w``
    if type(item) in (list, tuple) and _shows_items_of(root_of(target), item):
        shown = target[index]
        if is_view(shown) and spec_of(as_operand(item)).shape == spec_of(shown).shape:
            for i, part in enumerate(item):  # NumPy reads of a row what it has just written
                assign(shown, i, part)
            return
    item = as_operand(item)
    for p in _CONDITIONS.get():
        if is_lifted(index) and spec_of(index).dtype == bool:
            index = np.logical_and(index, p)
        else:
            item = np.where(p, item, target[index])
    top = target._run
    for place in index if type(index) is tuple else (index,):
        if is_lifted(place) and place._run.level > top.level:
            top = place._run
    if is_lifted(item):
        if not item._run.level:
            item = item._frozen()  # a constant
        elif item._run.level > top.level:
            top = item._run
    top.write(target, index, item, fresh)


def _was_taken_at(target: Any, index: Any, view: Any) -> bool:
    op, params, shape, before = view._step
    same = op.name == "getitem" and params["index"] is index
    of_target = before is (target._step if is_view(target) else None)
    return same and of_target and bool(target._spec().shape == shape)


def _shows_items_of(root: Any, item: Any) -> bool:
    """Whether a nested list has a part that shows items of an array."""
    if type(item) in (list, tuple):
        return any(_shows_items_of(root, part) for part in item)
    return is_lifted(item) and root_of(item) is root and bool(spec_of(item).shape)


def fill(out: Any, y: Any, casting: str = "same_kind", ufunc: Any = np.positive) -> Any:
    """Write a whole result into an array, as ``out=`` and the in-place operators do.

    Args:
        out: the lifted array.
        y: the result, plain or lifted, which nobody else has.
        casting: which casts are allowed.
        ufunc: the one that NumPy's messages name.

    Returns:
        ``out``.

    Raises:
        TypeError: NumPy's own, for a cast that is not allowed.
        ValueError: NumPy's own, for a result of another shape.
    """
    (shape, dtype, _), (own, mine, _) = spec_of(out), spec_of(y)
    if own != shape or mine != dtype:
        # NumPy is asked, with arrays of one item that is shown at all places.
        item = np.broadcast_to(np.zeros((), mine), own)
        place = np.lib.stride_tricks.as_strided(np.zeros(1, dtype), shape, (0,) * len(shape))
        ufunc = np.positive if ufunc.signature else ufunc  # items are no matrices
        with np.errstate(all="ignore"):
            ufunc(*(item,) * ufunc.nin, out=place, casting=casting)
    assign(out, ..., y, fresh=True)
    return out


def taking_out(function: Callable[..., Any], numpys: Any, methods: Any) -> Callable[..., Any]:
    """A lifted function of NumPy that fills a lifted ``out``; itself, if it takes no ``out``.

    Args:
        function: the function.
        numpys: NumPy's own.
        methods: the table that has what gives a result the bits that NumPy writes.
    """
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    if code is None or "out" not in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return function
    positional = code.co_varnames[: code.co_argcount]
    place = positional.index("out") if "out" in positional else math.inf

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        at = int(place) if len(args) > place else None
        out = kwargs.get("out") if at is None else args[at]
        if out is None or not is_lifted(out):
            return function(*args, **kwargs)
        if at is None:
            kwargs["out"] = None
        else:
            args = (*args[:at], None, *args[at + 1 :])
        reads_late = function.__name__ in _READING_LATE or kwargs.get("mode", "raise") != "raise"
        if reads_late and _shows_items_of(root_of(out), [*args, *kwargs.values()]):
            raise AssignmentError(
                f"np.{function.__name__} reads its operands while it writes into out=, and here "
                f"they are of the same array; write v[...] = np.{function.__name__}(…)"
            )
        y = function(*args, **kwargs)
        kinds = {spec_of(y).dtype, spec_of(out).dtype}
        halves = function.__name__ in _OF_HALVES_IN_SINGLES and _HALF in kinds
        if (halves or len(kinds) > 1) and kwargs.get("dtype") is None:
            y = _in_dtype_of(out, y, function, args, kwargs)
        if spec_of(y).shape != spec_of(out).shape and function.__name__ not in _BROADCASTING:
            raise ValueError(
                f"out= of np.{function.__name__} has the shape {spec_of(out).shape}, and the "
                f"result {spec_of(y).shape}"
            )

        def given(shown: Any) -> tuple[Any, Any]:
            if at is None:
                return args, {**kwargs, "out": shown}
            return (*args[:at], shown, *args[at + 1 :]), kwargs

        return fill(out, methods[None, "written"](numpys, out, y, given))

    return call


def _in_dtype_of(out: Any, y: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """A result as NumPy computes it for an ``out`` of another dtype.

    Raises:
        AssignmentError: NumPy computes it partly in this dtype and partly in that.
    """
    if function.__name__ in _COMPUTED_IN_OUT and spec_of(y).dtype != spec_of(out).dtype:
        dtype = np.result_type(spec_of(out).dtype, spec_of(y).dtype)
        return function(*args, **{**kwargs, "dtype": dtype})
    if function.__name__ in _CAST:
        return y
    raise AssignmentError(
        f"out= of np.{function.__name__} has the dtype {spec_of(out).dtype}, and the result "
        f"{spec_of(y).dtype}; write v[...] = np.{function.__name__}(…)"
    )


_COMPUTED_IN_OUT = frozenset({"cumprod", "cumsum", "mean", "prod", "sum", "trace"})
_CAST = frozenset(
    {"choose", "clip", "compress", "concatenate", "fix", "max", "min", "stack", "take"}
)
_HALF = np.dtype(np.float16)
_OF_HALVES_IN_SINGLES = frozenset({"mean", "std", "var"})
"""Functions that compute with halves in single precision, but not into an ``out``."""
_READING_LATE = frozenset({"concatenate", "ptp", "stack"})
_BROADCASTING = frozenset({"clip", "fix"})
"""Functions that are ufuncs in NumPy, whose result is repeated into a larger ``out``."""
