"""Static values: those that have no derivative and pass through a gradient unchanged.

Names, options, functions, classes, locks, files, integer arrays. A set is one while its members
are, since a set of numbers has no order in which a gradient could stand.
"""

from __future__ import annotations

import contextvars
import datetime
import enum
import functools
import io
import operator
import pathlib
import re
import threading
import types
import typing
import weakref
from types import MappingProxyType
from typing import Any

import numpy as np

from gradx.devices.placement import copied
from gradx.errors import NotDifferentiableError
from gradx.values.registry import Kind, ValueType, registry, value_type

__all__ = ["STATIC", "is_number_free", "register_statics", "static_copy"]

STATIC = ValueType(Kind.STATIC)

_TEXT_AND_OPTIONS = (
    *(str, bytes, bytearray, bool, type(None), type(...), type(NotImplemented), slice, range),
    *(enum.Enum, pathlib.PurePath, re.Pattern, re.Match, np.dtype, np.bool_, np.integer),
    *(np.character, np.datetime64, np.timedelta64),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo),
)
_CODE = (
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType),
    *(types.ClassMethodDescriptorType, types.CodeType, property, staticmethod, classmethod),
    *(np.ufunc, np.vectorize, type(np.sum), functools.partial, functools.partialmethod),
    *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
    type(functools.lru_cache(lambda: None)),
)
_ANNOTATIONS = (
    *(types.GenericAlias, types.UnionType, typing.TypeVar, typing.ParamSpec, typing.NewType),
    *(type(list[int]), type(typing.List[int]), type(typing.Any), type(typing.Union)),  # noqa: UP006
    *(type(typing.Optional["int"]), type(typing.Literal[1]), typing.ForwardRef),
    *(vars(typing)[name] for name in ("TypeAliasType",) if hasattr(typing, name)),  # from 3.12
)
_PROCESS = (
    *(type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore),
    *(threading.Event, threading.Barrier, threading.Thread, threading.local),
    *(contextvars.ContextVar, contextvars.Context, contextvars.Token),
    *(weakref.ReferenceType, weakref.ProxyType, weakref.CallableProxyType),
    io.IOBase.__mro__[-2],
)
_OF_MODULES = MappingProxyType(
    {
        "uuid": ("UUID",),
        "logging": ("Logger", "LoggerAdapter", "Handler"),
        "random": ("Random",),
        "numpy.random": ("Generator", "RandomState", "BitGenerator", "SeedSequence"),
    }
)
"""Those of modules that take long to import, and that many programs do without."""


def is_number_free(value: Any) -> bool:
    """Whether nothing in a value has a derivative: it consists of static values and ints.

    Raises:
        UnregisteredTypeError: something in it is of an unknown type.
    """
    waiting, seen = [value], set()
    while waiting:
        x = waiting.pop()
        if type(x) is int or type(x) is str:
            continue
        spec = value_type(x)
        if spec.zero is not None:
            if type(x) is not int:
                return False
        elif spec.children is not None and id(x) not in seen:
            seen.add(id(x))
            waiting.extend(child for _, child in spec.children(x))
    return True


def _set_entry(value: Any) -> ValueType:
    """A set is static unless it holds numbers with derivatives."""
    for member in value:
        if not is_number_free(member):
            name = type(value).__name__
            raise NotDifferentiableError(
                f"a {name} that holds {member!r} has no gradient, since its members have no "
                "order; use a list or a tuple for numbers to differentiate, or mark the field of "
                "the record with gx.static()"
            )
    return STATIC


def register_statics() -> None:
    """Register the types that are static from the start."""
    for cls in (*_TEXT_AND_OPTIONS, *_CODE, *_ANNOTATIONS, *_PROCESS):
        registry.register(cls, STATIC)
    for module, names in _OF_MODULES.items():
        for name in names:
            registry.await_class(module, name, STATIC)
    registry.register(object, STATIC)  # a bare object(), which is a sentinel
    registry.register(set, _set_entry)
    registry.register(frozenset, _set_entry)


def static_copy(value: Any) -> Any:
    """A static value as it stands in a gradient: a copy if it is mutable, else itself.

    So what is done to a gradient in place never changes the input.

    >>> rows = np.array([0, 2])
    >>> static_copy(rows) is rows, static_copy(rows)
    (False, array([0, 2]))
    """
    cls = type(value)
    if cls is str or cls is bool or value is None:
        return value
    if cls is bytearray or cls is set:
        return cls(value)
    if hasattr(cls, "dtype") and hasattr(cls, "__setitem__") and hasattr(cls, "copy"):
        return copied(value)  # an array, of NumPy or of a backend
    return value
