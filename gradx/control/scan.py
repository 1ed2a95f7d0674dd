"""Scan: a step repeated along the leading axes of arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np

from gradx.abstract.run import AbstractRun
from gradx.control.checkpoint import name_of
from gradx.control.finding import variables_behind
from gradx.control.forms import difference, form_of
from gradx.core.assignment import frozen
from gradx.core.fixed import check_alike, check_unmapped
from gradx.core.op import Op
from gradx.core.spec import Form, Spec, spec_of
from gradx.errors import ConversionError, StructureError
from gradx.reverse.blocks import run_block
from gradx.reverse.opaque import join
from gradx.values.operations import (
    Item,
    ValueType,
    Where,
    children_of,
    fold,
    map_leaves,
    parts_alone,
)

__all__ = ["scan"]

S = TypeVar("S")
_XS = "xs of gx.scan"
_ARRAYS = frozenset({"b", "i", "u", "f", "c"})


def scan(
    step: Callable[[S, Any], tuple[S, Any]],
    state: S,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    checkpoint: Literal["sqrt"] | int | None = None,
) -> tuple[S, Any]:
    """A state after a step for each item of some arrays, and what the steps gave, stacked.

    It computes what this loop does, to the bit::

        ys = []
        for x in xs:
            state, y = step(state, x)
            ys.append(y)
        return state, np.stack(ys)

    Args:
        step: ``step(state, x)`` gives the next state, which has the structure, the shapes and the
            dtypes of the first one, and what to stack: any value of arrays and numbers, or None.
        state: the first state, any value.
        xs: any value; of each array in it (n, …), of whole numbers and truth values too, a step
            gets one item. None if there is nothing to go along.
        length: the number n of steps, where ``xs`` does not say it.
        reverse: begin with the last item; what is stacked still stands at its item.
        checkpoint: keep the state at every so many steps only, and do these again in the sweep,
            as `gradx.checkpoint` does; ``"sqrt"`` chooses the number of which so many states and
            the steps between two take the least memory together, about 2 √n instead of n.

    Returns:
        The last state, and a value like what a step gives with arrays (n, …). For no steps it is
        found by one call of ``step`` on abstract values, which have shapes and no numbers.

    Raises:
        StructureError: a step changed the form of the state, or gave values of different forms;
            arrays of ``xs`` differ in length, or a part of it has no axis. The path is told.
        RecomputeError: (in the sweep) a step gave something else when it was done again.

    >>> scan(lambda s, x: (s + x, s * x), 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([0., 2., 9.]))

    Source of the schedule: Griewank, Walther, "Evaluating Derivatives", 2nd edition, chapter 12.
    """
    xs = join(xs, _XS)
    n = _length(xs, length)
    if n == 0:
        return state, _nothing(step, state, xs)
    if checkpoint is None:
        return _steps(step, reverse, n, state, xs)
    op = Op(f"scan({name_of(step)})", _steps, pullback_form=True, arity=-1)
    run = partial(_steps, step, reverse)
    behind = variables_behind(step)
    size = _block_size(checkpoint, n)
    stacked = []
    starts = range(0, n, size)
    for start in reversed(starts) if reverse else starts:
        end = min(start + size, n)
        part = _mapped(xs, slice(start, end))
        state, ys = run_block(run, (end - start, state, part), {}, behind, op)
        stacked.append(ys)
    return state, _joined(stacked[::-1] if reverse else stacked, np.concatenate)


def _steps(step: Any, reverse: bool, n: int, state: Any, xs: Any) -> tuple[Any, Any]:
    """The loop."""
    form, ys = form_of(state), []
    of_one = hasattr(xs, "shape")
    for t in range(n - 1, -1, -1) if reverse else range(n):
        x = xs[t] if of_one else _mapped(xs, t)
        new, y = _pair(step(state, x), step)
        if form_of(new) != form:
            raise _changed(state, new, t)
        state = new
        ys.append(y if y is None else _kept(y, state))
    return state, _joined(ys[::-1] if reverse else ys, np.stack)


def _kept(y: Any, state: Any) -> Any:
    """What a step gave, which a later step that writes into its state does not change."""
    arrays: list[Any] = []

    def note(x: Any, spec: ValueType) -> None:
        if type(x) is np.ndarray:
            arrays.append(x)

    def leaf(x: Any, spec: ValueType) -> Any:
        if type(x) is np.ndarray:
            return x.copy() if any(np.may_share_memory(x, other) for other in arrays) else x
        return frozen(x) if hasattr(x, "shape") else x

    map_leaves(state, note, "state", static=note)
    return map_leaves(y, leaf, "y", static=leaf)


def _mapped(xs: Any, index: int | slice) -> Any:
    """A value with the items at an index of each array in it."""

    def leaf(x: Any, spec: ValueType) -> Any:
        return x[index] if hasattr(x, "shape") else x

    return map_leaves(xs, leaf, _XS, static=leaf)


def _pair(result: Any, step: Any) -> tuple[Any, Any]:
    if type(result) is not tuple or len(result) != 2:
        raise StructureError(
            f"the step {name_of(step)} of gx.scan returned a {type(result).__name__}; return a "
            "pair (state, y), with None for y if there is nothing to stack"
        )
    return result


def _changed(state: Any, new: Any, t: int) -> StructureError:
    path, before, after = difference(state, new, "state")
    return StructureError(
        f"{path} is {before} before step {t} of gx.scan and {after} after it; a state keeps its "
        "structure, shapes and dtypes: begin with one such as the step gives (0.0, not 0), or cast"
    )


# --- Lengths --------------------------------------------------------------------------------------


def _length(xs: Any, length: int | None) -> int:
    """The number of steps."""
    found: dict[str, int] = {}

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> None:
        if hasattr(x, "shape") and len(x.shape):
            found[where()] = x.shape[0]
        elif spec.numeric or hasattr(x, "shape"):
            raise StructureError(
                f"{where()} is a {type(x).__name__} without a leading axis, of which each step "
                "could get an item; give an array, or let the step read it from outside"
            )

    def parts(x: Any, spec: ValueType, _: Any) -> Any:
        check_unmapped(x, spec, 0)
        return parts_alone(x, spec, _)

    fold(xs, None, parts, leaf, _XS, rebuild=lambda *_: None)
    if length is not None:
        if length < 0:
            raise StructureError(
                f"length={length} of gx.scan is no number of steps; give 0 or more"
            )
        found["length"] = length
    if len(set(found.values())) > 1:
        said = ", ".join(f"{path}: {n}" for path, n in found.items())
        raise StructureError(
            f"the leading axes that gx.scan goes along differ in length ({said}); give arrays of "
            "one length"
        )
    if not found:
        raise StructureError(
            "gx.scan was given no array to go along and no length; give xs or length="
        )
    return next(iter(found.values()))


def _block_size(checkpoint: Any, n: int) -> int:
    if checkpoint == "sqrt":
        return math.isqrt(n - 1) + 1
    if type(checkpoint) is not int or checkpoint < 1:
        raise ValueError(
            f"checkpoint={checkpoint!r} of gx.scan says nothing; give None, 'sqrt' or the number "
            "of steps between two states that are kept"
        )
    return checkpoint


# --- What the steps gave --------------------------------------------------------------------------


def _joined(ys: Sequence[Any], function: Callable[[Sequence[Any]], Any]) -> Any:
    """Values of one form as one, whose arrays are stacked or joined."""
    first = ys[0]
    if first is None and all(y is None for y in ys):
        return None
    form = form_of(first)
    for t, y in enumerate(ys):
        if form_of(y) != form and function is np.stack:
            path, before, after = difference(first, y, "y")
            raise StructureError(
                f"{path} is {before} in step 0 of gx.scan and {after} in step {t}; give values of "
                "one structure, with arrays of one shape and dtype"
            )
    columns = zip(*[_arrays_of(y, first) for y in ys], strict=True)
    return _with_arrays(first, lambda x: function(next(columns)))


def _arrays_of(y: Any, first: Any) -> list[Any]:
    """The arrays of a value of the form of another, which has the same fixed fields."""
    found: list[Any] = []
    _with_arrays(y, found.append, first)
    return found


def _in_pairs(x: Any, spec: ValueType, other: Any) -> tuple[Any, list[Item]]:
    if other is not None:
        check_alike(x, other, spec)
        other = dict(children_of(other, spec))
    return x, [(key, part, other and other[key]) for key, part in children_of(x, spec)]


def _with_arrays(y: Any, new: Callable[[Any], Any], like: Any = None) -> Any:
    """A value with something else for each array and number in it.

    Args:
        y: the value.
        new: gives what stands in the place of an array or number.
        like: a value of the same form, which must have the same fixed fields.
    """

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> Any:
        if getattr(_dtype_of(x), "kind", "O") in _ARRAYS:
            return new(x)
        if x is None:
            return x
        raise StructureError(
            f"{where()} is a {type(x).__name__}, which cannot be stacked; return arrays, numbers "
            "and None from the step of gx.scan"
        )

    return fold(y, like, _in_pairs, leaf, "y")


def _dtype_of(x: Any) -> Any:
    dtype = spec_of(x).dtype
    return np.dtype(dtype) if dtype in (float, int, bool, complex) else dtype


# --- No steps -------------------------------------------------------------------------------------


def _nothing(step: Any, state: Any, xs: Any) -> Any:
    """What no steps give, stacked: arrays of no items, by one abstract run."""
    run = AbstractRun()

    def whole(x: Any, spec: ValueType) -> Any:
        known = spec_of(x)
        return x if known.form is Form.OPAQUE else run.wrap(x, known)

    def item(x: Any, spec: ValueType) -> Any:
        if not hasattr(x, "shape"):
            return x
        shape, dtype, _ = spec_of(x)
        form = Form.ARRAY if shape[1:] else Form.SCALAR
        return run.wrap(x, Spec(shape[1:], dtype, form))

    try:
        abstract = map_leaves(state, whole, "state")
        new, y = _pair(step(abstract, map_leaves(xs, item, _XS, static=item)), step)
    except ConversionError as error:
        error.add_note(
            "gx.scan of no steps calls its step once on values without numbers, to learn what it "
            "would have stacked"
        )
        raise
    if form_of(new) != form_of(state):
        raise _changed(state, new, 0)
    return _with_arrays(y, lambda x: np.zeros((0, *spec_of(x).shape), _dtype_of(x)))
