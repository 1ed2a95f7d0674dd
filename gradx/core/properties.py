"""Properties: what is known of the function of an op, beside its reverse rules.

The tables of `gradx.ops` set them by the sections in which the ops stand, and a test holds each op
to what it says. Operands without a rule (conditions, places, exponents) are parameters: what is
said holds with them fixed.
"""

from __future__ import annotations

import enum

__all__ = ["Property"]


class Property(enum.Flag):
    """What is known of a function."""

    NONE = 0
    LINEAR = enum.auto()
    """Linear over the real numbers in all operands together: ``f(a x, a y) = a f(x, y)``."""
    BILINEAR = enum.auto()
    """Linear in each of two operands with the other one fixed."""
    ELEMENTWISE = enum.auto()
    """An item of the result depends on the same item of each operand, after broadcasting."""
    REDUCTION = enum.auto()
    """Axes of the operand are summed up in one item each: has ``axis`` and ``keepdims``."""
    STRUCTURAL = enum.auto()
    """Every item of the result is an item of an operand, or a constant: items are only moved."""
