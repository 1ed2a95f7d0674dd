"""What an op's result has to do with its operands, for a run that records or follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted
from gradx.core.op import Op
from gradx.core.properties import Property
from gradx.core.views import is_view_of
from gradx.devices.kernel_table import TABLES
from gradx.devices.placement import PLACES, copied

__all__ = ["is_linked", "own_copy", "table_of"]


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
