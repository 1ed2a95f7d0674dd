"""Containers and leaves: the types that gradx knows from the start.

Numbers and arrays, tuples, lists, dicts, named tuples, dataclasses and attrs classes, and the
static types that pass through a gradient unchanged. `gradx.values.register` adds a user's own;
`static` and `param` mark single fields of a record.
"""

from __future__ import annotations

import collections
import enum
import operator
import types
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from gradx.devices.kernel_table import TABLES
from gradx.devices.placement import PLACES, Place, placed
from gradx.errors import NotDifferentiableError, StructureError, UnregisteredTypeError
from gradx.native import native
from gradx.values.fields import (
    init_fields,
    marks_of,
    param,
    record_fields,
    remade,
    static,
    static_names,
)
from gradx.values.operations import MISSING, Kind, ValueType, registry, value_type
from gradx.values.per_class import per_class
from gradx.values.rebind import rebound
from gradx.values.rebuild import finished, plan_of, rebuild_record, started
from gradx.values.statics import STATIC, is_number_free, register_statics

__all__ = [
    "ARRAY",
    "STATIC",
    "check_differentiable",
    "init_fields",
    "is_builtin",
    "param",
    "record_fields",
    "register_array",
    "remade",
    "static",
]

# --- Leaves -------------------------------------------------------------------------------------


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
    # NumPy makes a scalar of the sum of two arrays without axes; a variable says it is one.
    scalar = issubclass(type(total), np.generic)
    return np.asarray(total) if scalar and isinstance(x, np.ndarray) else total


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
            f"a structured array with the fields {', '.join(array.dtype.names)} is not an array "
            "of numbers; pass its columns, {name: array[name] for name in array.dtype.names}, and "
            "the gradient is a dict of columns"
        )
    if kind == "O" and any(hasattr(type(item), "_run") for item in array.flat):
        return ARRAY  # of lifted numbers: it is joined into one lifted array where it is met
    if kind in "OV":
        raise NotDifferentiableError(
            f"an array of dtype {array.dtype} holds no numbers that gradx can differentiate; "
            "use a list or a dataclass for mixed values, or a float dtype for numbers"
        )
    return STATIC


_ARITHMETIC = (
    *("__array_ufunc__", "__array_function__", "__add__", "__radd__", "__sub__", "__rsub__"),
    *("__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__pow__", "__matmul__", "__neg__"),
)


def _ndarray_entry(array: Any) -> ValueType:
    """As `_array_entry`; a subclass that computes otherwise is not an array to the rules."""
    cls = type(array)
    if cls is np.ndarray:
        return ARRAY if array.dtype.kind == "f" else _array_entry(array)
    if any(getattr(cls, name) is not getattr(np.ndarray, name) for name in _ARITHMETIC):
        raise NotDifferentiableError(
            f"a {cls.__name__} is an array with arithmetic of its own, which the rules of gradx "
            f"do not know; pass np.asarray(array), or register it with gx.register({cls.__name__}, "
            "zero=…, add=…, one=…)"
        )
    return _array_entry(array)


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
            an array of nothing, to what stands in for it; see `gradx.devices.kernel_table`.
        place: the backend that keeps its arrays on devices; without one they are on the host.
    """
    registry.register(cls, _ndarray_entry if cls is np.ndarray else _array_entry)
    if kernels is not None:
        TABLES[cls] = kernels
    if place is not None:
        PLACES[cls] = place


def check_differentiable(value: Any, name: str, *, optional: bool = True) -> None:
    """Refuse to differentiate with respect to a bare value that has no gradient.

    Args:
        value: the input.
        name: how it is called in messages.
        optional: None may stand for a value that is missing; its gradient is None.

    Raises:
        NotDifferentiableError: a static value: an integer or boolean array, a NumPy integer, a
            string, a function.
    """
    cls: Any = type(value)
    if cls is type(None) and optional:
        return
    entry = registry.find(cls)
    if entry is not STATIC and (entry is None or type(entry) is ValueType):
        return
    if entry is not STATIC and value_type(value, lambda: name) is not STATIC:
        return
    if hasattr(cls, "dtype") and hasattr(cls, "astype"):
        raise NotDifferentiableError(
            f"{name} is an array of dtype {value.dtype}, which has no gradient; cast it with "
            "x.astype(float), or leave it out of the differentiated arguments"
        )
    text = repr(value)
    raise NotDifferentiableError(
        f"{name} is {text if len(text) <= 60 else text[:57] + '...'}, a value of type "
        f"{cls.__name__}, which has no gradient; leave it out of the differentiated "
        "arguments (argnums= and argnames= choose them, or close over it in a lambda)"
    )


# --- Containers ---------------------------------------------------------------------------------


def _keyed(value: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(enumerate(value))


def _tuple_children(value: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return list(enumerate(value if type(value) is tuple else tuple.__iter__(value)))


def _list_children(value: list[Any]) -> list[tuple[Any, Any]]:
    return list(enumerate(value if type(value) is list else list.__iter__(value)))


def _keys_and_items(value: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The keys and items of a tuple or list; a plain one is not copied."""
    if type(value) not in (list, tuple):
        base: Any = list if isinstance(value, list) else tuple
        value = tuple(base.__iter__(value))
    return range(len(value)), value


def _keys_and_values(value: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    if type(value) is not dict:
        value = dict(_mapping_children(value))
    return list(value), list(value.values())


def _mapping_children(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The stored items in their order, whatever methods a subclass overrides."""
    if type(value) is dict:
        return list(value.items())
    ordered = isinstance(value, collections.OrderedDict)
    base: Any = collections.OrderedDict if ordered else dict
    return list(base.items(value))


def _proxy_children(value: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return list(value.items())


def _rebuild_tuple(template: tuple[Any, ...], keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    cls: Any = type(template)
    if cls is tuple:
        return tuple(parts)
    plan = plan_of(cls)
    started(template, plan)
    return finished(tuple.__new__(cls, parts), template, plan)


def _rebuild_list(template: list[Any], keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    if type(template) is list:
        return list(parts)
    plan = plan_of(type(template))
    new = started(template, plan)
    list.extend(new, parts)
    return finished(new, template, plan)


def _rebuild_dict(template: dict[Any, Any], keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    if type(template) is dict:
        return dict(zip(keys, parts, strict=True))
    plan = plan_of(type(template))
    new = started(template, plan)
    if isinstance(template, collections.defaultdict):
        new.default_factory = rebound(template.default_factory, {id(template): new})
    ordered = isinstance(template, collections.OrderedDict)
    put: Any = (collections.OrderedDict if ordered else dict).__setitem__
    for key, part in zip(keys, parts, strict=True):
        put(new, key, part)
    return finished(new, template, plan)


def _rebuild_deque(
    template: collections.deque[Any], keys: Sequence[Any], parts: Sequence[Any]
) -> Any:
    if type(template) is collections.deque:
        return collections.deque(parts, template.maxlen)
    plan = plan_of(type(template))
    new = started(template, plan)
    collections.deque.__init__(new, parts, template.maxlen)
    return finished(new, template, plan)


def _rebuild_proxy(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    return types.MappingProxyType(dict(zip(keys, parts, strict=True)))


def _item(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (IndexError, KeyError):
        return MISSING


def _is_static_part(part: Any, mark: str) -> bool:
    """Whether what a field holds has no gradient, by the field's mark."""
    if mark == "auto":
        return type(part) is int
    if mark == "param":
        return False
    if mark == "static" or type(part) is int:
        return True
    try:
        return is_number_free(part)
    except UnregisteredTypeError:  # the caller that goes into it raises, with the path
        return False


@per_class
def _all_fields(cls: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The fields of a class and what reads them all; None if some are marked static."""
    names = tuple(name for name, mark in record_fields(cls) if mark in ("auto", "param"))
    every = len(names) == len(record_fields(cls)) > 1  # of one field it would give no tuple
    return (names, operator.attrgetter(*names)) if every else None


def _record_parts(value: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    every = _all_fields(type(value))
    if every is not None:
        names, read = every
        with suppress(AttributeError):  # of a field that was never set
            found = read(value)
            if int not in map(type, found):
                return names, found
    keys, parts = [], []
    for name, mark in record_fields(type(value)):
        if mark == "static":
            continue
        child = getattr(value, name, MISSING)
        if child is MISSING or (mark != "param" and _is_static_part(child, mark)):
            continue
        keys.append(name)
        parts.append(child)
    return keys, parts


def _record_children(value: Any) -> list[tuple[Any, Any]]:
    return list(zip(*_record_parts(value), strict=True))


def _record_part(value: Any, name: Any) -> Any:
    cls: Any = type(value)
    mark = marks_of(cls).get(name, "static")
    if mark == "static":
        return MISSING
    child = getattr(value, name, MISSING)
    return MISSING if child is MISSING or _is_static_part(child, mark) else child


def _rebuild_named_tuple(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
    cls = type(template)
    if len(keys) == len(cls._fields):
        new = tuple.__new__(cls, parts)
    else:
        given = dict(zip(keys, parts, strict=True))
        new = tuple.__new__(cls, [given.get(n, getattr(template, n)) for n in cls._fields])
    plan = plan_of(cls)
    if plan.dict_of is None and plan.refusal is None and not plan.watched:
        return new
    started(template, plan)
    return finished(new, template, plan)


@per_class
def _record_type(cls: Any) -> ValueType:
    """What is known of a dataclass or an attrs class, with its fields at hand."""
    fields = record_fields(cls)
    names = tuple([name for name, mark in fields if mark != "static"])
    plain = all(mark != "ints" for _, mark in fields) and len(names) > 1
    sizes = any(mark == "auto" for _, mark in fields)  # those that hold an int are static
    fetch = operator.attrgetter(*names) if plain else _record_parts
    plan = plan_of(cls)
    every, whole, make, dict_of = plan.names, len(names) == len(fields), plan.make, plan.dict_of
    watched = weakref.getweakrefcount

    def parts(value: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        if plain:
            try:
                held = fetch(value)
            except AttributeError:  # a field that was never set
                return _record_parts(value)
            if not (sizes and int in map(type, held)):
                return names, held
        return _record_parts(value)

    def children(value: Any) -> list[tuple[Any, Any]]:
        return list(zip(*parts(value), strict=True))

    def rebuild(template: Any, keys: Sequence[Any], parts: Sequence[Any]) -> Any:
        if plan.fast and type(template) is cls:
            theirs = dict_of(template)
            if theirs.keys() == every and not watched(template):
                new = make(cls)
                mine = dict_of(new)
                if keys is not names or not whole:
                    mine.update(theirs)
                for key, part in zip(keys, parts, strict=True):
                    mine[key] = part
                return new
        return rebuild_record(template, keys, parts)

    entry = ValueType(*(Kind.RECORD, None, None, None, children, rebuild, _record_part, parts))
    if native is None or not plan.fast:
        return entry
    marks = "".join([mark[0] for _, mark in fields if mark != "static"]).encode()
    layout = native.Layout(cls, names, marks, static_names(cls), parts, rebuild)
    return replace(entry, rebuild=layout.rebuild, parts=layout.parts)


NAMED_TUPLE = ValueType(
    *(Kind.NAMED_TUPLE, None, None, None, _record_children),
    *(_rebuild_named_tuple, _record_part, _record_parts),
)
TUPLE = ValueType(
    *(Kind.SEQUENCE, None, None, None, _tuple_children, _rebuild_tuple, _item, _keys_and_items)
)
LIST = ValueType(
    *(Kind.SEQUENCE, None, None, None, _list_children, _rebuild_list, _item, _keys_and_items)
)
DICT = ValueType(
    *(Kind.MAPPING, None, None, None, _mapping_children, _rebuild_dict, _item, _keys_and_values)
)
DEQUE = ValueType(Kind.SEQUENCE, children=_keyed, rebuild=_rebuild_deque, part=_item)
PROXY = ValueType(Kind.MAPPING, children=_proxy_children, rebuild=_rebuild_proxy, part=_item)


def is_builtin(entry: Any) -> bool:
    """Whether gradx itself rebuilds the values of a type, with their undeclared attributes."""
    own = (TUPLE, LIST, DICT, DEQUE)
    return type(entry) is ValueType and (entry.part is _record_part or entry in own)


def _detect(cls: type) -> ValueType | None:
    if issubclass(cls, enum.Enum):
        return STATIC
    if "__dataclass_fields__" in cls.__dict__ or "__attrs_attrs__" in cls.__dict__:
        return _record_type(cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return NAMED_TUPLE
    return None


def _register_builtin() -> None:
    register_statics()
    registry.register(int, _number(0.0, 1.0))
    registry.register(float, _number(0.0, 1.0))
    registry.register(complex, _number(0j, 1 + 0j))
    registry.register(Fraction, _number(Fraction(0), Fraction(1)))
    registry.register(Decimal, _number(Decimal(0), Decimal(1)))
    registry.register(np.inexact, _NUMPY_SCALAR)
    register_array(np.ndarray)
    registry.await_class("numpy.ma", "MaskedArray", _refuse_masked)
    registry.register(np.matrix, _refuse_matrix)
    registry.register(np.void, _refuse_record)
    registry.register(tuple, TUPLE)
    registry.register(list, LIST)
    registry.register(dict, DICT)
    registry.register(collections.deque, DEQUE)
    registry.register(types.MappingProxyType, PROXY)
    registry.detect(_detect)
    if native is not None:
        native.use(LIST=LIST, TUPLE=TUPLE, DICT=DICT, ARRAY=ARRAY, ndarray_entry=_ndarray_entry)


_register_builtin()
