"""Fields: which parts a record class declares, and which of them can have a gradient.

An annotation decides about integers, which are sizes and options more often than numbers to
differentiate. `static` and `param` mark a field either way.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import inspect
import numbers
import re
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradx.values.per_class import per_class

__all__ = [
    "init_fields",
    "marks_of",
    "param",
    "record_fields",
    "remade",
    "static",
    "static_names",
]

_MARK = "gradx"


def static(**options: Any) -> Any:
    """A dataclass field that is never differentiated.

    Args:
        options: what `dataclasses.field` takes, such as ``default=``.

    >>> @dataclasses.dataclass
    ... class Model:
    ...     weight: float
    ...     scale: float = static(default=2.0)
    >>> import gradx as gx
    >>> gx.one(Model(3.0))
    Model(weight=1.0, scale=2.0)
    """
    return _marked("static", options)


def param(**options: Any) -> Any:
    """A dataclass field that is differentiated although it may hold an ``int``.

    Args:
        options: what `dataclasses.field` takes, such as ``default=``.
    """
    return _marked("param", options)


def _marked(mark: str, options: dict[str, Any]) -> Any:
    metadata = {**options.pop("metadata", {}), _MARK: mark}
    return dataclasses.field(**options, metadata=metadata)


# --- What an annotation says --------------------------------------------------------------------

_FLOATS: tuple[type, ...] = (float, complex, np.inexact)
_NUMBERS = (numbers.Number, numbers.Complex, numbers.Real, numbers.Rational)
_NEUTRAL = (str, bytes, bool, type(None), enum.Enum, np.bool_, tuple, list, dict, set, frozenset)
_FLOAT_WORDS = r"\b(float\d*|complex\d*|floating|inexact|Real|Complex|Number)\b"
_INT_WORDS = r"\b(int|Integral)\b"
_NEUTRAL_WORDS = (
    r"\b(int|Integral|numbers|typing|np|None|Optional|Union|[Tt]uple|[Ll]ist|[Dd]ict|[Ss]et|[Ff]rozen"
    r"[Ss]et|Sequence|Mapping|str|bytes|bool|Final|ClassVar|Annotated|Literal)\b"
)


def _text_says(hint: str) -> set[str]:
    """The kind of number that an unresolvable annotation names, read from its text."""
    if re.search(_FLOAT_WORDS, hint):
        return {"float"}
    said = {"int"} if re.search(_INT_WORDS, hint) else set()
    return said | ({"other"} if re.search(r"\w", re.sub(_NEUTRAL_WORDS, "", hint)) else set())


def _class_says(hint: Any) -> set[str]:
    """The kind of number that a class stands for in an annotation."""
    if not isinstance(hint, type):
        return {"other"}
    if hint in _NUMBERS or issubclass(hint, _FLOATS):
        return {"float"}
    if issubclass(hint, _NEUTRAL) or getattr(hint, "__module__", "") == "collections.abc":
        return set()
    if issubclass(hint, (int, np.integer)) or hint is numbers.Integral:
        return {"int"}
    return {"other"}


def _says(hint: Any, bound: Mapping[Any, Any]) -> set[str]:
    """The kinds of things that an annotation names: ``float``, ``int``, ``other``.

    Args:
        hint: the annotation.
        bound: the values of type variables.
    """
    said: set[str] = set()
    waiting, seen = [hint], set()
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, typing.ForwardRef):
            hint = hint.__forward_arg__
        if isinstance(hint, str):
            said |= _text_says(hint)
        elif hint is Ellipsis or hint is None or id(hint) in seen:
            continue
        elif isinstance(hint, typing.TypeVar):
            seen.add(id(hint))
            limits = (hint.__bound__,) if hint.__bound__ is not None else hint.__constraints__
            waiting.extend((bound[hint],) if hint in bound else limits or (object,))
        elif isinstance(hint, typing.NewType):
            waiting.append(hint.__supertype__)
        elif hasattr(hint, "__value__") and type(hint).__name__ == "TypeAliasType":
            seen.add(id(hint))  # it may be recursive
            waiting.append(hint.__value__)
        elif isinstance(hint, list):  # the parameters of a Callable
            waiting.extend(hint)
        elif typing.get_origin(hint) is not None:
            origin, args = typing.get_origin(hint), typing.get_args(hint)
            if origin is typing.Literal:
                continue
            waiting.extend(args[:1] if origin is typing.Annotated else args)
            if isinstance(origin, type) and origin is not types.UnionType:
                said |= _class_says(origin)
        else:
            said |= _class_says(hint)
    return said - {"other"} if "float" in said else said


def _mark_of(hint: Any, bound: Mapping[Any, Any]) -> str:
    """The mark of a field by its annotation: ``param``, ``ints`` or ``auto``."""
    said = _says(hint, bound)
    if "float" in said:
        return "param"
    return "ints" if said == {"int"} else "auto"


def _hints_of(cls: Any) -> dict[str, Any]:
    """The annotations of a class, each resolved as far as it can be."""
    try:
        return typing.get_type_hints(cls)
    except Exception:  # one of them cannot be: the others still can
        pass
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        names = vars(sys.modules.get(base.__module__, types))
        for name, hint in inspect.get_annotations(base).items():
            if isinstance(hint, str):
                with contextlib.suppress(Exception):  # it names something local: read as text
                    hint = eval(hint, dict(names), dict(vars(base)))  # as get_type_hints does
            hints[name] = hint
    return hints


def _bound_parameters(cls: Any) -> dict[Any, Any]:
    """The type arguments that a class gives its bases, as in ``class A(Pair[float])``."""
    bound: dict[Any, Any] = {}
    for base in reversed(cls.__mro__):
        for parametrised in getattr(base, "__orig_bases__", ()):
            variables = getattr(typing.get_origin(parametrised), "__parameters__", ())
            given = zip(variables, typing.get_args(parametrised), strict=False)
            bound.update((v, each) for v, each in given if each is not v)
    return bound


@per_class
def record_fields(cls: Any) -> tuple[tuple[str, str], ...]:
    """The fields of a record class, each with its mark.

    The marks are ``static`` (never differentiated), ``param`` (always), ``auto`` (static while it
    holds an ``int``, which is a size or an option unless its annotation says ``float``) and
    ``ints`` (annotated with integers only, as ``tuple[int, int]``: static while there is no other
    number in it).
    """
    if hasattr(cls, "__dataclass_fields__"):
        marks = {f.name: f.metadata.get(_MARK, "auto") for f in dataclasses.fields(cls)}
    elif hasattr(cls, "__attrs_attrs__"):
        marks = {f.name: f.metadata.get(_MARK, "auto") for f in cls.__attrs_attrs__}
    else:
        marks = dict.fromkeys(getattr(cls, "_fields", ()), "auto")
    hints = _hints_of(cls)
    if not hints and tuple in cls.__mro__:  # a named tuple without annotations
        return tuple((name, "param") for name in marks)
    bound = _bound_parameters(cls)
    return tuple(
        (name, _mark_of(hints[name], bound) if mark == "auto" and name in hints else mark)
        for name, mark in marks.items()
    )


@per_class
def marks_of(cls: Any) -> Mapping[str, str]:
    """The fields of a record class and their marks, to look one up."""
    return dict(record_fields(cls))


@per_class
def static_names(cls: Any) -> tuple[str, ...]:
    """The names of the fields of a record class that are never differentiated."""
    return tuple(name for name, mark in record_fields(cls) if mark == "static")


def init_fields(cls: Any) -> frozenset[str]:
    """The fields that the ``__init__`` of a dataclass or of an attrs class takes."""
    if dataclasses.is_dataclass(cls):
        return frozenset(f.name for f in dataclasses.fields(cls) if f.init)
    if hasattr(cls, "__attrs_init__"):  # it has an __init__ of its own
        return frozenset()
    return frozenset(a.name for a in getattr(cls, "__attrs_attrs__", ()) if a.init)


def remade(record: Any, changes: Mapping[str, Any]) -> Any:
    """A dataclass or attrs class with other fields, made by its ``__init__``: its checks run."""
    cls: Any = type(record)
    if dataclasses.is_dataclass(cls):
        return dataclasses.replace(record, **changes)
    given = {}
    for field in cls.__attrs_attrs__:
        if field.init:
            given[field.alias] = changes.get(field.name, getattr(record, field.name))
        elif field.name in changes:
            raise ValueError(
                f"the field {field.name!r} of a {cls.__name__} is declared with init=False and "
                "cannot be given; change the fields that it is computed of"
            )
    return cls(**given)
