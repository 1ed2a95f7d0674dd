"""Mapping: which axis of which leaf is mapped, batched inputs, and results put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradx.batch.operands import FEW_ITEMS
from gradx.batch.run import BatchRun
from gradx.batch.values import BatchChosen
from gradx.core.dispatch import Lifted
from gradx.core.fixed import check_unmapped, check_without_examples
from gradx.core.objects import joined
from gradx.core.refusals import as_other_shapes
from gradx.core.spec import Form, spec_of
from gradx.errors import NotDifferentiableError, StructureError
from gradx.reverse.lift import Lifting
from gradx.reverse.opaque import join
from gradx.values.leaves import map_leaves
from gradx.values.operations import (
    MISSING,
    Item,
    Kind,
    ValueType,
    Where,
    children_of,
    fold,
    registry,
    value_type,
)

__all__ = ["Leaf", "batch_size", "lifted_inputs", "mapped_leaves", "placed_results"]

_UNMAPPED = (str, bytes, bool, type(None))


class Leaf:
    """A leaf of the inputs.

    Attributes:
        value: the array, with the batch along axis 0, if it is mapped; else what stands there.
        mapped: whether it is.
    """

    __slots__ = ("mapped", "value")

    def __init__(self, value: Any, mapped: bool) -> None:
        self.value, self.mapped = value, mapped


# --- Axes -----------------------------------------------------------------------------------------


def _axes_of_parts(x: Any, spec: ValueType, axes: Any) -> tuple[Any, list[Item]]:
    """The parts of a container, each with its axis or axes."""
    parts = children_of(x, spec)
    if axes is None or type(axes) is int:
        return x, [(key, part, axes) for key, part in parts]
    return x, [(key, part, _axes_at(axes, key, spec)) for key, part in parts]


def _axes_at(axes: Any, key: Any, spec: ValueType) -> Any:
    if isinstance(axes, (dict, list, tuple)) and not hasattr(axes, "_fields"):
        try:
            return axes[key]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return getattr(axes, str(key), MISSING)


def _checked(axes: Any, name: str, where: Where) -> Any:
    """The axis of a leaf.

    Raises:
        StructureError: there is none, or it is no integer.
    """
    if axes is not None and type(axes) is not int:
        given = "nothing" if axes is MISSING else repr(axes)
        raise StructureError(
            f"{name} has {given} for {where()}; give an integer, None, or a value of the same "
            "structure with one for each leaf or part"
        )
    return axes


def mapped_leaves(x: Any, axes: Any, name: str, paths: list[str] | None = None) -> list[Leaf]:
    """The leaves of an input, in order, with their batch axes in front.

    Args:
        x: the input.
        axes: an axis, None, or a value of the input's structure of them.
        name: how the input is called in messages.
        paths: gets the path of each leaf.

    Raises:
        StructureError: the axes do not fit the input.
        NotDifferentiableError: a leaf is of a type that has no axes.
    """
    if _is_array_of_numbers(x) and type(axes) is int and paths is None:
        return [_leaf(x, value_type(x), axes, lambda: name)]
    found: list[Leaf] = []

    def leaf(x: Any, spec: ValueType, axes: Any, where: Where) -> Any:
        if isinstance(x, _UNMAPPED) and not isinstance(x, Lifted):
            found.append(Leaf(x, False))
        else:
            axis = _checked(axes, "in_axes", where)
            found.append(_leaf(joined(x), spec, axis, where))
        if paths is not None:
            paths.append(where())
        return x

    def parts(x: Any, spec: ValueType, axes: Any) -> tuple[Any, list[Item]]:
        check_unmapped(x, spec, axes)
        return _axes_of_parts(x, spec, axes)

    fold(x, axes, parts, leaf, name, rebuild=lambda *_: None)
    return found


def _is_array_of_numbers(x: Any) -> bool:
    """Whether a value is a plain array, so that it needs no walk."""
    return type(x) is np.ndarray and x.dtype.kind in "biufc"


def _leaf(x: Any, spec: ValueType, axis: int | None, where: Where) -> Leaf:
    if axis is None:
        return Leaf(x, False)
    shape, dtype, form = spec_of(x)
    if form is Form.ARRAY and shape:
        if not -len(shape) <= axis < len(shape):
            raise StructureError(
                f"{where()} has the shape {shape} and no axis {axis} to map; give another axis in "
                "in_axes, or None for a value that is the same for all examples"
            )
        return Leaf(np.moveaxis(x, axis, 0) if axis else x, True)
    if spec.static and form is Form.OPAQUE:
        return Leaf(x, False)
    kind = getattr(dtype, "__name__", dtype)
    if form is Form.OPAQUE or (
        spec.numeric and dtype not in (int, float, complex) and isinstance(dtype, type)
    ):
        raise NotDifferentiableError(
            f"{where()} is a {kind}, which has no axes to map; give None for it in in_axes, or "
            "pass arrays"
        )
    raise StructureError(
        f"{where()} is a number of type {kind} and has no axis {axis} to map; give None for it in "
        "in_axes, or pass an array with one for each example"
    )


def batch_size(leaves: Sequence[Leaf], paths: Callable[[], list[str]]) -> int:
    """The number of examples.

    Args:
        leaves: those of all inputs.
        paths: gives their paths, for the message.

    Raises:
        StructureError: leaves differ in it, or there is none, or nothing is mapped.
    """
    sizes = {leaf.value.shape[0] for leaf in leaves if leaf.mapped}
    if not sizes:
        raise StructureError(
            "nothing is mapped: in_axes is None for all inputs, or they have no arrays; call the "
            "function itself"
        )
    if len(sizes) == 1 and 0 not in sizes:
        return int(sizes.pop())
    pairs = zip(paths(), leaves, strict=True)
    listed = [(path, leaf.value.shape[0]) for path, leaf in pairs if leaf.mapped]
    if len(sizes) > 1:
        text = ", ".join(f"{path} has {n}" for path, n in listed)
        raise StructureError(
            f"the leaves have different numbers of examples along their mapped axes: {text}; "
            "give None in in_axes for those that are the same for all examples"
        )
    raise StructureError(
        f"{listed[0][0]} has no examples along its mapped axis, so the function would not be "
        "called and the type of its result not be known; leave out the call for an empty batch"
    )


# --- Inputs ---------------------------------------------------------------------------------------


class _BatchLifting(Lifting):
    """The lifting of the inputs of a batch run: integers and conditions are mapped as well."""

    __slots__ = ("_next",)

    def __init__(self, leaves: Iterator[Any]) -> None:
        self._next = leaves
        super().__init__(lambda x, spec: next(leaves))

    def lift(self, inputs: Sequence[Any], names: Sequence[str]) -> list[Any]:
        """As `Lifting.lift`, with arrays of whole numbers too."""
        self._inputs = inputs, names
        lifted = [self._lifted(x, name) for x, name in zip(inputs, names, strict=False)]
        self._check_functions()
        return lifted

    def _lifted(self, x: Any, name: str) -> Any:
        if _is_array_of_numbers(x):
            return next(self._next)
        return map_leaves(x, self._leaf, name, static=self._static, noted=self._noted)

    def _static(self, x: Any, spec: ValueType) -> Any:
        new = next(self._next)
        return super()._static(x, spec) if new is x else new


def lifted_inputs(
    run: BatchRun, inputs: Sequence[Any], names: Sequence[str], values: Sequence[Any]
) -> tuple[_BatchLifting, list[Any]]:
    """The inputs with batched values in the places of their mapped leaves.

    Args:
        run: the run.
        inputs: the inputs.
        names: how they are called in messages.
        values: what stands at each leaf: its examples, as `_Examples`, or the leaf itself.
    """
    leaves = [
        run.batched(_examples_last(x.value)) if x.mapped else _shared(run, x.value) for x in values
    ]
    lifting = _BatchLifting(iter(leaves))
    return lifting, lifting.lift(inputs, names)


def _examples_last(x: Any) -> Any:
    """An array of many small examples, with those next to one another in memory."""
    if type(x) is not np.ndarray or x.ndim < 2 or not x.flags.c_contiguous:
        return x
    items = x.size // len(x)
    if not 1 < items <= FEW_ITEMS or len(x) < items:
        return x
    axes = range(x.ndim)
    return x.transpose(*axes[1:], 0).copy().transpose(-1, *axes[:-1])


def _shared(run: BatchRun, x: Any) -> Any:
    """A leaf that is the same for all examples: an array that may be written into is of the run."""
    return run.shared(x) if spec_of(x).form is Form.ARRAY else x


# --- Results --------------------------------------------------------------------------------------


class Rows:
    """A leaf of a result for some of the examples, with the batch along axis 0.

    Attributes:
        value: the array; of a leaf that does not depend on the batch, that of one example.
        batched: whether it has the batch axis.
        size: the number of examples.
    """

    __slots__ = ("batched", "size", "value")

    def __init__(self, value: Any, batched: bool, size: int) -> None:
        self.value, self.batched, self.size = value, batched, size


def rows_of(run: BatchRun, result: Any) -> tuple[Any, list[Rows]]:
    """A result, made ready to be taken apart, and its leaves."""
    result = join(result, "the result", run)
    found: list[Rows] = []

    def leaf(x: Any, spec: ValueType) -> Any:
        if isinstance(x, Lifted) and x._run is run:
            x = run.own(x)
            if type(x) is BatchChosen:
                raise as_other_shapes("the mapped function", x)
            found.append(Rows(x._examples, x._mapped, run.size))
        else:
            found.append(Rows(x, False, run.size))
        return x

    map_leaves(result, leaf, "the result", static=leaf)
    return result, found


def placed_results(
    result: Any, rows: Sequence[Sequence[Rows]], out_axes: Any, inputs: Sequence[Any]
) -> Any:
    """A result with the examples of each leaf along its axis.

    Args:
        result: what the function returned, for the last of several parts of the batch.
        rows: the leaves of the results, for each part.
        out_axes: the axis of each leaf, as `mapped_leaves` takes them; None for one that does not
            depend on the batch and is not repeated.
        inputs: arrays with which a result must not share memory.
    """
    columns = zip(*rows, strict=True)
    taken: list[Any] = list(inputs)

    def leaf(x: Any, spec: ValueType, axes: Any, where: Where) -> Any:
        axis = _checked(axes, "out_axes", where)
        column = next(columns)
        if not any(part.batched for part in column):
            if axis is None or not _is_number(column[0].value):
                return column[0].value
        elif axis is None:
            raise StructureError(
                f"out_axes is None for {where()}, which differs from example to example; give an "
                "axis for it"
            )
        return _own(_on_axis(column, axis, where), taken)

    def parts(x: Any, spec: ValueType, axes: Any) -> tuple[Any, list[Item]]:
        check_without_examples(x, spec)
        return _axes_of_parts(x, spec, axes)

    return fold(result, out_axes, parts, leaf, "the result")


def _is_number(x: Any) -> bool:
    """Whether a leaf can be repeated along an axis."""
    if isinstance(x, Lifted) or hasattr(x, "dtype"):
        return True
    entry = registry.find(type(x))
    known = isinstance(entry, ValueType) and entry.kind is Kind.NUMERIC
    return type(x) is bool or known


def _on_axis(column: Sequence[Rows], axis: int, where: Where) -> Any:
    parts = [_repeated(part) if not part.batched else part.value for part in column]
    y = parts[0] if len(parts) == 1 else np.concatenate(parts)
    ndim = len(y.shape)
    if not -ndim <= axis < ndim:
        raise StructureError(
            f"{where()} has {ndim} axes with that of the batch, and out_axes {axis}; give an axis "
            f"from {-ndim} to {ndim - 1}"
        )
    return np.moveaxis(y, 0, axis) if axis % ndim else y


def _repeated(part: Rows) -> Any:
    x: Any = part.value
    if not hasattr(x, "shape"):
        one: list[Any] = [x]
        x = np.stack(one)[0]
    return np.broadcast_to(x, (part.size, *x.shape))


def _own(y: Any, taken: list[Any]) -> Any:
    """An array of its own: a copy of what shares memory with an input or another result."""
    if type(y) is np.ndarray:
        if 0 in y.strides or any(_may_share(y, x) for x in taken):
            y = y.copy()
        taken.append(y)
    return y


def _may_share(y: Any, x: Any) -> bool:
    """Whether two arrays may share memory; one that owns its own may with its views alone."""
    if y.base is None:
        return y is x or (x.base is not None and np.may_share_memory(y, x))
    return np.may_share_memory(y, x)
