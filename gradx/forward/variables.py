"""The variables of a forward run: a value and its tangent.

The handles are those of any run (`gradx.reverse.variables`); what a handle's node is to a tape, the
tangent is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.assignment import frozen
from gradx.ops.assignment import layout_copy
from gradx.reverse.variables import ArrayHandle, BVar, ViewHandle
from gradx.surface.arrays import ScalarSurface
from gradx.surface.numbers import NumberSurface

__all__ = ["DualArray", "DualNumber", "DualScalar", "DualView", "WrittenDual", "buffers_of"]


class DualNumber(NumberSurface, BVar):
    """A Python number, or one of another type, with its tangent."""

    __slots__ = ()


class DualScalar(ScalarSurface, BVar):
    """A NumPy scalar with its tangent."""

    __slots__ = ()


class DualArray(ArrayHandle):
    """An array with its tangent."""

    __slots__ = ()

    def __copy__(self) -> Any:
        if not self._live:
            return self._run.wrap(self._value, None, self._node)
        value, tangent = buffers_of(self)
        return self._run.wrap(value, None, tangent)


class WrittenDual(DualArray):
    """An array that was written into, of which and of whose tangent the run has copies."""

    __slots__ = ()
    _live = True


class DualView(ViewHandle, DualArray):
    """A view of an array with the same view of its tangent."""

    __slots__ = ()


DualArray._anew = DualArray


def buffers_of(v: Any) -> tuple[Any, Any]:
    """Copies of an array and of its tangent, which lie in memory alike if they are plain."""
    value, tangent = v._value, v._node
    if type(value) is not np.ndarray or type(tangent) is not np.ndarray:
        return frozen(value), frozen(tangent)
    copy = layout_copy(value)
    other = layout_copy(copy)
    other[...] = tangent
    return copy, other
