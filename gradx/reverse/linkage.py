"""What an op's result has to do with its operands, for a run that records or follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.assignment import root_of
from gradx.core.check_cotangents import expected_of
from gradx.core.dispatch import Lifted, Run, apply
from gradx.core.hidden import of_each_run
from gradx.core.objects import OBJECT, joined
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.views import is_view_of
from gradx.devices.kernel_table import TABLES
from gradx.devices.placement import PLACES, copied
from gradx.errors import OpError
from gradx.reverse.variables import ArrayHandle, BVar
from gradx.values.leaves import map_leaves
from gradx.values.operations import leaves_of
from gradx.values.registry import registry

__all__ = [
    "done_below",
    "is_linked",
    "operand_below",
    "operands_below",
    "own_copy",
    "refuse_own",
    "shared_arrays",
    "table_of",
]


def is_linked(op: Op, x: Any, y: Any) -> bool:
    """Whether a result shows its operand: it is a view of it, or the same array."""
    if y is x:
        known = type(x) is np.ndarray or type(x) in PLACES or isinstance(x, Lifted)
        return known and Property.LINEAR in op.properties
    return is_view_of(y, x)


def own_copy(kept: Any, op: Op, written: list[Any]) -> Any:
    """What a rule keeps, with copies of the arrays into which the run writes."""
    if op.variadic and type(kept) in (list, tuple):
        return [own_copy(x, op, written) for x in kept]
    return copied(kept) if any(kept is x for x in written) else kept


def table_of(xs: Sequence[Any]) -> Mapping[Any, Any]:
    """What stands in for functions and rules on the device of some operands."""
    return next((TABLES[type(x)] for x in xs if type(x) in TABLES), MappingProxyType({}))


# --- Ops of users ---------------------------------------------------------------------------------


def operand_below(run: Run, x: Any, found: list[Any], op: Op, i: int) -> Any:
    """An operand of a user's op as the next lower run has it.

    Args:
        run: the run that the op is of.
        x: the operand, any value.
        found: gets the run's variable of each leaf, None for a leaf that is not of the run.
        op: the op, for messages.
        i: which operand it is.
    """
    leaf = partial(_below, run, found)
    if isinstance(x, BVar):
        return leaf(x, None)
    x = joined(x)
    if registry.find(type(x)) is None:
        return x  # a constant of an unregistered type
    return map_leaves(x, leaf, f"operand {i} of {op.name}", static=leaf, atoms=False)


def _below(run: Run, found: list[Any], v: Any, spec: Any) -> Any:
    v = joined(v)
    if isinstance(v, BVar):
        mine = v._run is run
        found.append(v if mine else None)
        if not mine:
            return v._frozen()
        return copied(v._value) if v._live else v._value
    if not spec.static:
        found.append(None)
    return v


def operands_below(
    run: Run, operands: Sequence[Any], found: list[Any], op: Op
) -> tuple[Sequence[Any], Sequence[Any]]:
    """All operands of a user's op as the next lower run has them, and what their checks need.

    See `operand_below` and `expected_of`.
    """
    xs = [operand_below(run, x, found, op, i) for i, x in enumerate(operands)]
    return xs, [expected_of(x) for x in xs]


def done_below(run: Run, op: Op, xs: Sequence[Any]) -> tuple[Any, Callable[[Any], Any]]:
    """The result and the pullback of a user's op, done in the run below one, or on plain values.

    Args:
        run: the run that the op is of.
        op: the op.
        xs: its operands, as the run below has them.

    Raises:
        OpError: the op uses a variable of the run that is no operand.
    """
    y, pullback = op.call(xs)
    refuse_own(run, op, y)
    is_plain = not of_each_run(tuple(xs))
    return (y if is_plain else apply(op, xs)), pullback  # the run below has its own record of it


def refuse_own(run: Run, op: Op, y: Any) -> None:
    """Refuse what a user's op returned with a variable of its run in it, or of one inside that.

    Raises:
        OpError: there is one.
    """
    if type(y) is np.ndarray and y.dtype is not OBJECT:
        return
    runs = [v._run for v in of_each_run(y)]
    if any(own.level >= run.level for own in runs):
        which = "the run that it is done in" if run in runs else "a run inside that"
        raise OpError(
            f"the op {op.name} uses a variable of {which}, whose gradient would be lost; make it "
            "an operand, or pass gx.value(v)"
        )


def shared_arrays(y: Any, v: Any, xs: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
    """The variables of arrays that share memory, since a user's op returned its operand.

    Args:
        y: the result, as the next lower run has it.
        v: its variable, or a value of variables.
        xs: the operands, as the next lower run has them.
        operands: the same with their variables.
    """
    if type(y) in (float, np.float64):
        return []
    whole = type(y) is np.ndarray
    results = [y] if whole else [x for x in leaves_of(y) if type(x) is np.ndarray]
    given = leaves_of(xs)
    ids = set(map(id, given))
    if all([r.base is None and id(r) not in ids for r in results]):
        return []
    variables = [v] if whole else [u for u in leaves_of(v) if isinstance(u, ArrayHandle)]
    return [
        array
        for r, u in zip(results, variables, strict=False)
        for x, operand in zip(given, leaves_of(operands), strict=False)
        if isinstance(operand, ArrayHandle) and (r is x or is_view_of(r, x))
        for array in (root_of(operand), u)
    ]
