"""The variables of a series run: a value and its Taylor coefficients.

The handles are those of any run (`gradx.reverse.variables`); what a handle's node is to a tape, the
series is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradx.core.assignment import frozen
from gradx.core.dispatch import Lifted
from gradx.ops.assignment import layout_copy
from gradx.reverse.variables import ArrayHandle, BVar, ViewHandle
from gradx.series.coefficients import Series
from gradx.surface.arrays import ScalarSurface
from gradx.surface.numbers import NumberSurface
from gradx.values.operations import zero

__all__ = [
    "SeriesArray",
    "SeriesNumber",
    "SeriesScalar",
    "SeriesView",
    "WrittenSeries",
    "own_series",
]


class SeriesNumber(NumberSurface, BVar):
    """A Python number with its series."""

    __slots__ = ()


class SeriesScalar(ScalarSurface, BVar):
    """A NumPy scalar with its series."""

    __slots__ = ()


class SeriesArray(ArrayHandle):
    """An array with its series."""

    __slots__ = ()

    def __copy__(self) -> Any:
        if not self._live:
            return self._run.wrap(self._value, None, self._node)
        series = own_series(self, self._run.order)
        return self._run.wrap(series[0], None, series)


class WrittenSeries(SeriesArray):
    """An array that was written into, of which and of whose series the run has copies."""

    __slots__ = ()
    _live = True


class SeriesView(ViewHandle, SeriesArray):
    """A view of an array with the same view of each of its coefficients."""

    __slots__ = ()


SeriesArray._anew = SeriesArray


def own_series(v: Any, order: int) -> Series:
    """A copy of an array's series up to an order, all of it laid out in memory as the array is."""
    value = v._value
    parts = [zero(value) if c is None else c for c in (v._node[k] for k in range(1, order + 1))]
    if type(value) is not np.ndarray or any(isinstance(x, Lifted) for x in parts):
        return Series([frozen(x) for x in (value, *parts)])
    copies = [layout_copy(value)]
    for part in parts:
        copy = layout_copy(copies[0])
        copy[...] = part
        copies.append(copy)
    return Series(copies)
