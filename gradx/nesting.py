"""Nesting: variables of outer runs are values too, with the operations and parts of what they hold.

So a function that is differentiated inside of another one may be given its variables.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from gradx.arrays import ArrayVar
from gradx.bvar import OpaqueVar, add_values, plain
from gradx.lifted import apply
from gradx.structures import MappingVar, NamedTupleVar, RecordVar, SequenceVar, split
from gradx.value import Kind, ValueType, children_of, one, rebuilt, registry, value_type, zero

__all__ = ["register_variables"]


def _var_children(v: Any) -> list[tuple[Any, Any]]:
    return children_of(split(v), value_type(plain(v)))


def _var_rebuild(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    return rebuilt(split(template), value_type(plain(template)), keys, parts)


def _zero_of_plain(v: Any) -> Any:
    return zero(plain(v))


def _one_of_plain(v: Any) -> Any:
    return one(plain(v))


def _add_lifted(v: Any, w: Any) -> Any:
    return apply(add_values, (v, w))


def register_variables() -> None:
    """Variables of outer runs are values too, with the operations and parts of what they hold."""
    leaf = (_zero_of_plain, operator.add, _one_of_plain)
    registry.register(ArrayVar, ValueType(Kind.NUMERIC, *leaf))
    leaf = (_zero_of_plain, _add_lifted, _one_of_plain)
    registry.register(OpaqueVar, ValueType(Kind.OPAQUE, *leaf))
    for kind, cls in (
        (Kind.RECORD, RecordVar),
        (Kind.NAMED_TUPLE, NamedTupleVar),
        (Kind.SEQUENCE, SequenceVar),
        (Kind.MAPPING, MappingVar),
    ):
        registry.register(cls, ValueType(kind, children=_var_children, rebuild=_var_rebuild))
