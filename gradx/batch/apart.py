"""Calls done for one example after the other: of functions that ask for a number on their way.

NumPy's and SciPy's functions of several steps look at numbers: at a rank, at a sign, at how many
items are NaN; so do ops of users. The lifted values among the arguments of such a call are taken
apart into their examples, the function is called on those of each, as a plain loop calls it, and
the results are put together (`gradx.batch.examples`). In a batch within a batch a call for one
example of the inner one is done so again for those of the outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.examples import put_together, taken_out
from gradx.batch.loops import count, stacked_results
from gradx.batch.operands import filled, taken_apart
from gradx.core.dispatch import FUNCTIONS, Lifted, variables_in
from gradx.core.naming import qualified
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import primal
from gradx.devices.placement import on_device_of
from gradx.errors import ConversionError
from gradx.ops.helpers import first_device_array

__all__ = ["call_for_each"]

_OTHER_SHAPES: frozenset[Any] = frozenset(
    {np.nonzero, np.flatnonzero, np.argwhere, np.ix_, np.compress, np.trim_zeros}
    | {np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values}
    | {np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.array_str, np.array_repr}
    | {np.array2string}
)
"""Functions whose results have another shape for each example, or are texts."""

_WRITING: frozenset[Any] = frozenset(
    {np.copyto, np.place, np.put, np.putmask, np.put_along_axis, np.fill_diagonal}
)
"""Functions that write into an argument, of which an example is a copy."""


def call_for_each(
    run: Any, function: Callable[..., Any], args: Any, kwargs: Any, error: Exception
) -> Any:
    """What a call gives for all examples of a batch run.

    Args:
        run: the batch run.
        function: a function that takes plain and lifted values.
        args: its arguments.
        kwargs: those by keyword.
        error: what the call raised that was tried at first.

    Raises:
        ConversionError: the function writes into its arguments, or reads a value of the run that is
            none of them; or the results differ in more than the length of one axis.
    """
    places: list[Any] = []
    structure = taken_apart((args, kwargs), places)
    known = {function, getattr(function, "__wrapped__", None)}  # gradx's of the name has NumPy's
    if known & _OTHER_SHAPES:
        raise as_other_shapes(qualified(function), places[0]) from None
    if known & _WRITING or kwargs.get("out") is not None:
        raise error
    name = getattr(function, "__name__", "the call")
    count(name, run.size)
    like = next(x for x in map(primal, places) if isinstance(x, Lifted) and x._run is run)
    rows = [[taken_out(run, x, i, like) for x in places] for i in range(run.size)]
    results = [_called(run, function, filled(structure, xs), xs, error) for xs in rows]

    def joined(row: Sequence[Any], name: str) -> Any:
        return put_together(run, row, like, name)

    return stacked_results(results, name, joined)


def _called(
    run: Any, function: Callable[..., Any], call: Any, xs: Sequence[Any], error: Exception
) -> Any:
    """What the function gives for one example."""
    args, kwargs = call
    there = first_device_array(xs)
    lifted = FUNCTIONS.get(function, function)  # which finds the device's own
    try:
        with on_device_of(there):
            y = (function if there is None else lifted)(*args, **kwargs)
    except ConversionError as other:
        if not any(isinstance(primal(x), Lifted) for x in xs):
            other.add_note(_ONE_BY_ONE)
        raise
    if any(isinstance(v := primal(x), Lifted) and v._run is run for x in variables_in(y)):
        error.add_note(_ONE_BY_ONE)
        raise error
    return y


_ONE_BY_ONE = (
    "gradx: the call is done for one example of gx.vmap after the other, and a function among its "
    "arguments reads a batched value from outside; hand that over as an argument, by args= in SciPy"
)
