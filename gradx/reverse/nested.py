"""Nesting: variables of outer runs are values too, leaves with the operations of what they hold.

So a function that is differentiated inside of another one may be given its variables.
"""

from __future__ import annotations

import operator
from typing import Any

from gradx.core.dispatch import apply
from gradx.core.spec import primal
from gradx.reverse.opaque import OpaqueVar
from gradx.reverse.tape import add_values
from gradx.reverse.variables import BVar
from gradx.values.operations import Kind, ValueType, one, registry, zero

__all__ = ["register_variables"]


def _zero_of_plain(v: Any) -> Any:
    return zero(primal(v))


def _one_of_plain(v: Any) -> Any:
    return one(primal(v))


def _add_lifted(v: Any, w: Any) -> Any:
    return apply(add_values, (v, w))


def register_variables() -> None:
    """Variables of outer runs are values too, with the operations of what they hold."""
    leaf = (_zero_of_plain, operator.add, _one_of_plain)
    registry.register(BVar, ValueType(Kind.NUMERIC, *leaf))
    leaf = (_zero_of_plain, _add_lifted, _one_of_plain)
    registry.register(OpaqueVar, ValueType(Kind.OPAQUE, *leaf))
