"""Hints: what the annotations of a class say about the parts that a path leads to.

A path is checked against them when it is created, and a value when it is set. Where there is no
annotation, everything is allowed.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from gradx.values.operations import MISSING
from gradx.values.per_class import per_class

__all__ = ["accepts", "hint_of_attribute", "hint_of_item", "hints_of", "without_none"]


@per_class
def _resolved(cls: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(cls)


def hints_of(cls: Any) -> Mapping[str, Any]:
    """The annotations of a class; empty while one of them cannot be resolved."""
    try:
        return _resolved(cls)
    except Exception:  # a name that is undefined, perhaps only so far
        return {}


def _bare(hint: Any) -> Any:
    """A hint without wrappers that do not describe the value, such as Annotated and Field."""
    while typing.get_origin(hint) in (typing.Annotated, typing.Final, typing.ClassVar) or getattr(
        typing.get_origin(hint), "_is_field", False
    ):
        hint = typing.get_args(hint)[0]
    return hint


def hint_of_attribute(hint: Any, name: str, path: str) -> Any:
    """The hint of an attribute.

    Raises:
        AttributeError: the hint is a dataclass without such a field, property or method.
    """
    cls = typing.get_origin(hint) or hint
    if not isinstance(cls, type):
        return None
    found = _bare(hints_of(cls).get(name))
    if not dataclasses.is_dataclass(cls):
        return found
    names = [f.name for f in dataclasses.fields(cls)]
    if name not in names and not hasattr(cls, name):
        raise AttributeError(
            f"{cls.__name__} has no field {name!r} ({path}.{name}); it has {', '.join(names)}"
        )
    return found if name in names else None


def hint_of_item(hint: Any, key: Any) -> Any:
    """The hint of an item; of every item if the key is None."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if not isinstance(origin, type) or not args or type(key) is slice:
        return None
    if issubclass(origin, tuple):
        if args[-1] is ...:
            return _bare(args[0])
        inside = isinstance(key, int) and -len(args) <= key < len(args)
        return _bare(args[key]) if inside else None
    if issubclass(origin, Mapping):
        return _bare(args[-1])
    return _bare(args[0]) if issubclass(origin, Sequence) else None


def without_none(hint: Any) -> Any:
    """The hint of the value in an Optional."""
    members = [m for m in _members(hint) if m is not type(None)]
    return members[0] if len(members) == 1 else None


def _members(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def accepts(hint: Any, value: Any) -> bool | None:
    """Whether a hint allows a value; None if it does not say."""
    answers = [_accepts_one(_bare(member), value) for member in _members(hint)]
    if True in answers:
        return True
    return None if None in answers else False


def _accepts_one(hint: Any, value: Any) -> bool | None:
    if hint is None or hint is MISSING or hint is Any:
        return None
    cls = typing.get_origin(hint) or hint
    if not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return None
    return isinstance(value, cls)
