"""Calls done for one example after the other: of functions that ask for a number on their way.

NumPy's and SciPy's functions of several steps look at numbers: at a rank, at a sign, at how many
items are NaN. Such a call is one op whose operands are the lifted values among its arguments, as an
op of a user is; the batch run does that for each example, on its plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradx.batch.operands import filled, taken_apart
from gradx.batch.user_ops import pullback_of
from gradx.batch.values import BATCHED, Batched
from gradx.core.dispatch import FUNCTIONS, Lifted, apply, variables_in
from gradx.core.naming import qualified
from gradx.core.op import Op
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import primal, spec_of
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


def call_for_each(function: Callable[..., Any], args: Any, kwargs: Any, error: Exception) -> Any:
    """What a call gives for all examples.

    Args:
        function: a function that takes plain and lifted values.
        args: its arguments.
        kwargs: those by keyword.
        error: what the call raised that was tried at first.

    Raises:
        ConversionError: the results have other shapes, or the function writes into its arguments.
    """
    places: list[Any] = []
    structure = taken_apart((args, kwargs), places)
    known = {function, getattr(function, "__wrapped__", None)}  # gradx's of the name has NumPy's
    if known & _OTHER_SHAPES:
        raise as_other_shapes(qualified(function), places[0]) from None
    if known & _WRITING or kwargs.get("out") is not None:
        raise error

    lifted = FUNCTIONS.get(function, function)  # which finds the device's own

    def call(*xs: Any) -> Any:
        args, kwargs = filled(structure, xs)
        alone = not any(map(_is_batched, xs))
        there = first_device_array(xs)
        try:
            with on_device_of(there):
                y = (function if there is None else lifted)(*args, **kwargs)
        except ConversionError as other:
            if alone:
                other.add_note(_ONE_BY_ONE)
            raise
        if alone and any(map(_is_batched, variables_in(y))):
            error.add_note(_ONE_BY_ONE)
            raise error
        return y

    y = _applied(getattr(function, "__name__", "the call"), call, places, error)
    whole = isinstance(y, Lifted) and np.dtype(spec_of(y).dtype).kind in "biu"
    return primal(y) if whole else y  # a variable has no gradient through whole numbers


_ONE_BY_ONE = (
    "gradx: the call is done for one example of gx.vmap after the other, and a function among its "
    "arguments reads a batched value from outside; hand that over as an argument, by args= in SciPy"
)


def _applied(name: str, call: Callable[..., Any], places: Sequence[Any], error: Exception) -> Any:
    """A call of lifted values as one op of them, whose pullback is such an op again."""

    def forward(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
        if not any(map(_is_batched, xs)):
            return call(*xs), pullback_of(call, *xs)
        if type(max(xs, key=_level)) in BATCHED:
            raise ConversionError(  # at which the run takes the examples apart, but for nested ones
                "write one gx.vmap of arrays in which both axes of examples are one: in a batch "
                f"within a batch {name} is done for one example after another, without a gradient"
            )
        return apply(op, xs), pullback_among(xs)

    def pullback_among(xs: Sequence[Any]) -> Callable[[Any], Any]:
        def pullback(g: Any) -> Any:
            given: list[Any] = []
            structure = taken_apart(g, given)

            def pulled(*values: Any) -> Any:
                of_result = filled(structure, values[len(xs) :])
                return pullback_of(call, *values[: len(xs)])(of_result)

            return _applied(f"the pullback of {name}", pulled, [*xs, *given], error)

        return pullback

    op = Op(name, forward, pullback_form=True, arity=len(places))
    return apply(op, places)


def _is_batched(x: Any) -> bool:
    return isinstance(primal(x), Batched)


def _level(x: Any) -> int:
    return x._run.level if isinstance(x, Lifted) else 0
