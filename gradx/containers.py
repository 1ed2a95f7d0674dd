"""Containers and leaves: the types that gradx knows from the start.

Numbers and arrays, tuples, lists, dicts, named tuples, dataclasses and attrs classes, and the
static types that pass through a gradient unchanged. `gradx.registration` adds a user's own;
`static` and `param` mark single fields of a record.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import enum
import functools
import logging
import operator
import pathlib
import random
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradx.errors import NotDifferentiableError, StructureError
from gradx.kernels import TABLES
from gradx.places import PLACES, Place, placed
from gradx.value import MISSING, Kind, ValueType, registry

__all__ = [
    "ARRAY",
    "STATIC",
    "check_differentiable",
    "init_fields",
    "param",
    "record_fields",
    "register_array",
    "remade",
    "static",
]

_MARK = "gradx"


# --- Leaves -------------------------------------------------------------------------------------

STATIC = ValueType(Kind.STATIC)

_STATIC_TYPES = (
    *(str, bytes, bytearray, bool, type(None), type(...), type(NotImplemented), slice, range),
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType),
    *(types.GenericAlias, np.ufunc, type(np.sum), np.dtype, np.bool_, np.integer, np.character),
    *(np.datetime64, np.timedelta64, np.random.Generator, np.random.RandomState),
    *(np.random.BitGenerator, random.Random, pathlib.PurePath, re.Pattern, logging.Logger),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, enum.Enum),
)


def _number(zero: Any, one: Any) -> ValueType:
    return ValueType(Kind.NUMERIC, lambda _: zero, operator.add, lambda _: one)


def _scalar_like(number: int) -> Callable[[Any], Any]:
    return lambda x: type(x)(number)


_NUMPY_SCALAR = ValueType(Kind.NUMERIC, _scalar_like(0), operator.add, _scalar_like(1))


def _add_arrays(x: Any, y: Any) -> Any:
    shape, other = (tuple(getattr(z, "shape", ())) for z in (x, y))
    if shape != other:
        raise StructureError(
            f"arrays of shapes {shape} and {other} cannot be added as gradients; give arrays of "
            "one shape"
        )
    total = x + y
    # NumPy makes a scalar of the sum of two arrays without axes.
    return np.asarray(total) if isinstance(x, np.ndarray) else total


ARRAY = ValueType(Kind.NUMERIC, np.zeros_like, _add_arrays, np.ones_like)
PLACED = ValueType(Kind.NUMERIC, placed(np.zeros_like), placed(_add_arrays), placed(np.ones_like))
"""An array of a backend: the same, on the array's own device."""


def _array_entry(array: Any) -> ValueType:
    """An array is a leaf if its numbers can have derivatives, otherwise static."""
    kind = array.dtype.kind
    if kind in "fc":
        return PLACED if type(array) in PLACES else ARRAY
    if getattr(array.dtype, "names", None):
        raise NotDifferentiableError(
            f"a structured array with the fields {', '.join(array.dtype.names)} is no array of "
            "numbers; pass its columns, {name: array[name] for name in array.dtype.names}, and the "
            "gradient is a dict of columns"
        )
    if kind in "OV":
        raise NotDifferentiableError(
            f"an array of dtype {array.dtype} holds no numbers that gradx can differentiate; "
            "use a list or a dataclass for mixed values, or a float dtype for numbers"
        )
    return STATIC


def _refuse_masked(array: Any) -> ValueType:
    raise NotDifferentiableError(
        "a masked array has no gradient in gradx, which would have to guess what the mask means; "
        "pass array.data and the mask, and write np.where(mask, …, array.data)"
    )


def _refuse_matrix(matrix: Any) -> ValueType:
    raise NotDifferentiableError(
        "np.matrix has no gradient in gradx, since its * is a matrix product and its items stay "
        "matrices; pass np.asarray(matrix), and write @ for the product"
    )


def _refuse_record(item: Any) -> ValueType:
    raise NotDifferentiableError(
        f"an item of a structured array, {item!r}, has no gradient in gradx; pass its columns as a "
        "dict of arrays, or its numbers as a dataclass"
    )


def register_array(
    cls: type,
    kernels: Mapping[Any, Callable[..., Any]] | None = None,
    place: Place | None = None,
) -> None:
    """Register the array type of a backend: a leaf where its dtype is floating or complex.

    A backend that is found by its entry point has its types registered by itself.

    Args:
        cls: an array class with ``dtype``, ``shape`` and NumPy's protocols.
        kernels: from a NumPy function that those protocols do not carry, or a function that makes
            an array of nothing, to what stands in for it; see `gradx.kernels`.
        place: the backend that keeps its arrays on devices; without one they are on the host.
    """
    registry.register(cls, _array_entry)
    if kernels is not None:
        TABLES[cls] = kernels
    if place is not None:
        PLACES[cls] = place


def check_differentiable(value: Any, name: str) -> None:
    """Refuse a bare value that cannot have a gradient although it looks like a number.

    Raises:
        NotDifferentiableError: a bare integer or boolean array or NumPy integer.
    """
    dtype = getattr(value, "dtype", None)
    if dtype is not None and getattr(dtype, "kind", "f") in "biu" and hasattr(value, "astype"):
        raise NotDifferentiableError(
            f"{name} is an array of dtype {dtype}, which has no gradient; cast it with "
            "x.astype(float), or leave it out of the differentiated arguments"
        )


# --- Containers ---------------------------------------------------------------------------------


def _sequence_children(value: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(enumerate(value))


def _rebuild_tuple(template: tuple[Any, ...], keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    return tuple.__new__(type(template), parts)


def _rebuild_list(template: list[Any], keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    if type(template) is list:
        return list(parts)
    new = copy.copy(template)
    new[:] = parts
    return new


def _rebuild_dict(template: dict[Any, Any], keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    if type(template) is dict:
        return dict(zip(keys, parts, strict=True))
    new = copy.copy(template)
    new.clear()
    for key, part in zip(keys, parts, strict=True):
        new[key] = part  # not update, which counts in a Counter
    return new


def _rebuild_deque(
    template: collections.deque[Any], keys: Sequence[Any], parts: Sequence[Any]
) -> Any:
    if type(template) is collections.deque:
        return collections.deque(parts, template.maxlen)
    new = copy.copy(template)
    new.clear()
    new.extend(parts)
    return new


def _rebuild_proxy(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    return types.MappingProxyType(dict(zip(keys, parts, strict=True)))


def _item(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (IndexError, KeyError):
        return MISSING


def _mapping_children(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(value.items())


def static(**options: Any) -> Any:
    """A dataclass field that is never differentiated.

    Args:
        options: what `dataclasses.field` takes, such as ``default=``.

    >>> @dataclasses.dataclass
    ... class Model:
    ...     weight: float
    ...     scale: float = static(default=2.0)
    >>> from gradx.value import one
    >>> one(Model(3.0))
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


def _annotated_float(hint: Any) -> bool:
    """Whether an annotation promises a number with a derivative, as ``float | None`` does."""
    if isinstance(hint, str):
        return bool(re.search(r"\b(float|complex|floating)\b", hint))
    if hint in (float, complex) or (isinstance(hint, type) and issubclass(hint, np.inexact)):
        return True
    return any(_annotated_float(part) for part in typing.get_args(hint))


def _bound_parameters(cls: Any) -> dict[Any, Any]:
    """What a class says of the type variables of its bases, as ``class A(Pair[float])`` does."""
    bound: dict[Any, Any] = {}
    for base in reversed(cls.__mro__):
        for parametrised in getattr(base, "__orig_bases__", ()):
            variables = getattr(typing.get_origin(parametrised), "__parameters__", ())
            bound.update(zip(variables, typing.get_args(parametrised), strict=False))
    return bound


@functools.cache
def record_fields(cls: Any) -> tuple[tuple[str, str], ...]:
    """The fields of a record class, each with its mark: ``static``, ``param`` or ``auto``.

    An ``auto`` field is static while it holds an ``int``: such a number is a size or an option
    unless its annotation says ``float``.
    """
    is_tuple = tuple in cls.__mro__
    try:
        hints = typing.get_type_hints(cls)
    except Exception:  # an annotation that cannot be resolved: read it as text
        hints = dict(getattr(cls, "__annotations__", {}))
    if dataclasses.is_dataclass(cls):
        marks = {f.name: f.metadata.get(_MARK, "auto") for f in dataclasses.fields(cls)}
    elif hasattr(cls, "__attrs_attrs__"):
        marks = {f.name: f.metadata.get(_MARK, "auto") for f in cls.__attrs_attrs__}
    else:
        marks = dict.fromkeys(getattr(cls, "_fields", ()), "auto")
    untyped = not hints and is_tuple
    bound = _bound_parameters(cls)

    def promised(name: str) -> bool:
        hint = hints.get(name)
        while isinstance(hint, typing.TypeVar) and bound.get(hint, hint) is not hint:
            hint = bound[hint]
        return untyped or _annotated_float(hint)

    return tuple(
        (name, "param" if mark == "auto" and promised(name) else mark)
        for name, mark in marks.items()
    )


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


def _record_children(value: Any) -> list[tuple[Any, Any]]:
    parts = []
    cls: Any = type(value)
    for name, mark in record_fields(cls):
        if mark == "static":
            continue
        child = getattr(value, name, MISSING)
        if child is MISSING or (mark == "auto" and type(child) is int):
            continue
        parts.append((name, child))
    return parts


@functools.cache
def _marks(cls: Any) -> dict[str, str]:
    return dict(record_fields(cls))


def _record_part(value: Any, name: Any) -> Any:
    cls: Any = type(value)
    mark = _marks(cls).get(name, "static")
    if mark == "static":
        return MISSING
    child = getattr(value, name, MISSING)
    return MISSING if mark == "auto" and type(child) is int else child


def _rebuild_record(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    """A record with these fields, made without ``__init__`` so that no check rejects a gradient."""
    cls: Any = type(template)
    new = cls.__new__(cls)
    put = object.__setattr__
    if len(keys) == len(record_fields(cls)):
        for name, part in zip(keys, parts, strict=True):
            put(new, name, part)
        return new
    given = dict(zip(keys, parts, strict=True))
    for name, _ in record_fields(cls):
        child = given.get(name, MISSING)
        if child is MISSING:
            child = getattr(template, name, MISSING)
        if child is not MISSING:
            put(new, name, child)
    return new


def _rebuild_named_tuple(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    given = dict(zip(keys, parts, strict=True))
    cls = type(template)
    return tuple.__new__(cls, [given.get(n, getattr(template, n)) for n in cls._fields])


RECORD = ValueType(
    Kind.RECORD, children=_record_children, rebuild=_rebuild_record, part=_record_part
)
NAMED_TUPLE = ValueType(
    Kind.NAMED_TUPLE, children=_record_children, rebuild=_rebuild_named_tuple, part=_record_part
)
TUPLE = ValueType(Kind.SEQUENCE, children=_sequence_children, rebuild=_rebuild_tuple, part=_item)
LIST = ValueType(Kind.SEQUENCE, children=_sequence_children, rebuild=_rebuild_list, part=_item)
DICT = ValueType(Kind.MAPPING, children=_mapping_children, rebuild=_rebuild_dict, part=_item)
DEQUE = ValueType(Kind.SEQUENCE, children=_sequence_children, rebuild=_rebuild_deque, part=_item)
PROXY = ValueType(Kind.MAPPING, children=_mapping_children, rebuild=_rebuild_proxy, part=_item)


def _detect(cls: type) -> ValueType | None:
    if issubclass(cls, enum.Enum):
        return STATIC
    if "__dataclass_fields__" in cls.__dict__ or "__attrs_attrs__" in cls.__dict__:
        return RECORD
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return NAMED_TUPLE
    return None


def _register_builtin() -> None:
    for cls in _STATIC_TYPES:
        registry.register(cls, STATIC)
    registry.register(int, _number(0.0, 1.0))
    registry.register(float, _number(0.0, 1.0))
    registry.register(complex, _number(0j, 1 + 0j))
    registry.register(Fraction, _number(Fraction(0), Fraction(1)))
    registry.register(Decimal, _number(Decimal(0), Decimal(1)))
    registry.register(np.inexact, _NUMPY_SCALAR)
    register_array(np.ndarray)
    registry.register(np.ma.MaskedArray, _refuse_masked)
    registry.register(np.matrix, _refuse_matrix)
    registry.register(np.void, _refuse_record)
    registry.register(tuple, TUPLE)
    registry.register(list, LIST)
    registry.register(dict, DICT)
    registry.register(collections.deque, DEQUE)
    registry.register(types.MappingProxyType, PROXY)
    registry.detect(_detect)


_register_builtin()
