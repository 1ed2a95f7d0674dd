"""The variables of a pattern run: a value, and which numbers of the inputs each of its items needs.

The handles are those of any run (`gradx.reverse.variables`); what a handle's node is to a tape, the
pattern is here: a boolean CSR array with a row for each item and a column for each number.
"""

from __future__ import annotations

from gradx.reverse.variables import ArrayHandle, BVar, ViewHandle
from gradx.surface.arrays import ScalarSurface
from gradx.surface.numbers import NumberSurface

__all__ = ["PatternArray", "PatternNumber", "PatternScalar", "PatternView"]


class PatternNumber(NumberSurface, BVar):
    """A Python number with its pattern."""

    __slots__ = ()


class PatternScalar(ScalarSurface, BVar):
    """A NumPy scalar with its pattern."""

    __slots__ = ()


class PatternArray(ArrayHandle):
    """An array with its pattern."""

    __slots__ = ()


class PatternView(ViewHandle, PatternArray):
    """A view of an array with its pattern."""

    __slots__ = ()


PatternArray._anew = PatternArray
