"""Nested runs: a variable of an outer run is a value, a leaf with its value's operations.

So a function that is differentiated inside another one may be given the outer run's variables.
"""

from __future__ import annotations

import operator
from typing import Any

from gradx.core.dispatch import apply
from gradx.core.op import Op, register_ops
from gradx.core.properties import Property
from gradx.core.spec import primal
from gradx.reverse.opaque import OpaqueVar
from gradx.reverse.variables import BVar
from gradx.values.operations import Kind, ValueType, add, one, registry, zero

__all__ = ["add_values", "register_variables"]


def _zero_of_plain(v: Any) -> Any:
    return zero(primal(v))


def _one_of_plain(v: Any) -> Any:
    return one(primal(v))


def _add_lifted(v: Any, w: Any) -> Any:
    return apply(add_values, (v, w))


def register_variables() -> None:
    """Register variables as a type of values, with the operations of the values they hold."""
    leaf = (_zero_of_plain, operator.add, _one_of_plain)
    registry.register(BVar, ValueType(Kind.NUMERIC, *leaf))
    leaf = (_zero_of_plain, _add_lifted, _one_of_plain)
    registry.register(OpaqueVar, ValueType(Kind.OPAQUE, *leaf))


add_values = Op(
    "add_values",
    lambda x, y: (add(x, y), lambda g: (g, g)),
    pullback_form=True,
    arity=2,
    properties=Property.LINEAR,
)
"""The sum of any two values of one type, as an op."""

register_ops((add_values,))
