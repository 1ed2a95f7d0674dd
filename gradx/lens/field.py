"""Fields: a record whose class attributes are lenses.

A field annotated ``Field[A]`` holds an ``A`` in an instance, and on the class it is the lens to the
field. `gradx.records.record` sets the lenses; in a plain dataclass write ``= Field()``.
"""

from __future__ import annotations

import inspect
import re
import typing
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from gradx.lens.hints import hints_of
from gradx.lens.makers import lens
from gradx.lens.optic import Lens

__all__ = ["Field", "add_field_lenses"]

S = TypeVar("S")
A = TypeVar("A")


class Field(Generic[A]):
    """The annotation of a field whose name on the class is the lens to it.

    >>> import gradx as gx
    >>> @gx.record
    ... class Line:
    ...     slope: gx.Field[float]
    ...     start: gx.Field[float]
    >>> Line.slope, Line(2.0, 3.0).slope
    (lens.slope, 2.0)
    >>> gx.grad(lambda line: gx.view(Line.slope, line) ** 2)(Line(2.0, 3.0))
    Line(slope=4.0, start=0.0)
    """

    __slots__ = ("_lenses", "_name")
    _is_field = True

    # At run time only __get__: the attribute of an instance is in its own dict, which comes first.
    if TYPE_CHECKING:

        def __set__(self, instance: Any, value: A) -> None: ...

    def __init__(self) -> None:
        self._name = ""
        self._lenses: dict[type, Lens[Any, Any]] = {}

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[S]) -> Lens[S, A]: ...

    @overload
    def __get__(self, instance: object, owner: Any = None) -> A: ...

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        name = self._name
        if instance is not None:
            raise AttributeError(f"{type(instance).__name__!r} object has no attribute {name!r}")
        return _lens_on(owner, name, self._lenses)


def _lens_on(owner: Any, name: str, known: dict[type, Lens[Any, Any]]) -> Lens[Any, Any]:
    found = known.get(owner)
    if found is None:
        if name in inspect.get_annotations(owner) and "__dataclass_fields__" not in vars(owner):
            # The class is being turned into a dataclass, which looks for a default here.
            raise AttributeError(f"{owner.__name__}.{name} has no default")
        found = known[owner] = lens(owner).field(name)
    return found


class _SlotField:
    """The lens of a field that is a slot, and the slot."""

    __slots__ = ("_lenses", "_name", "_slot")

    def __init__(self, name: str, slot: Any) -> None:
        self._name, self._slot = name, slot
        self._lenses: dict[type, Lens[Any, Any]] = {}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return _lens_on(owner, self._name, self._lenses)
        return self._slot.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        self._slot.__set__(instance, value)

    def __delete__(self, instance: Any) -> None:
        self._slot.__delete__(instance)


def add_field_lenses(cls: Any) -> None:
    """Put the lens of every field that is annotated ``Field[…]`` on its class."""
    hints = hints_of(cls)
    for name, annotation in inspect.get_annotations(cls).items():
        hint = hints.get(name, annotation)
        if isinstance(hint, str):
            is_field = re.search(r"\bField\[", hint) is not None
        else:
            is_field = (typing.get_origin(hint) or hint) is Field
        if not is_field:
            continue
        slot = vars(cls).get(name)
        if inspect.ismemberdescriptor(slot):
            setattr(cls, name, _SlotField(name, slot))
        elif not isinstance(slot, Field):
            field: Field[Any] = Field()
            field.__set_name__(cls, name)
            setattr(cls, name, field)
