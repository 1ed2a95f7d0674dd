"""Structures: the variables of records and containers, and taking them apart.

A view of a part is a node of its own, made once however often the part is read. Its cotangent
goes to the whole per part (`Fields`), so a network's gradient never adds whole networks. On a
record variable every public attribute is the record's: fields are views, and methods, properties
and special methods of the user's class run on `split` of the variable, a real instance whose
fields are variables.
"""

from __future__ import annotations

import functools
import operator
from abc import ABCMeta
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

import numpy as np

from gradx import numpy as gnp
from gradx.arrays import ArrayVar
from gradx.bvar import BVar, plain, wrap
from gradx.containers import RECORD, record_fields
from gradx.cotangent import STRUCTURAL, Fields, merge, view_rule
from gradx.errors import AssignmentError, StructureError
from gradx.perclass import known_of, per_class
from gradx.speedups import native
from gradx.value import (
    MISSING,
    Kind,
    ValueType,
    children_of,
    part_of,
    rebuilt,
    registry,
    value_type,
)

__all__ = ["StructVar", "child_of", "lookup", "split", "view_along", "view_several"]

T = TypeVar("T")
_SLOTS = frozenset({"_run", "_node", "_value", "_views"})
_ALONG: Final = object()
"""Marks the key of a view that goes further than to a part."""
_CHANGING = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"}
    | {"update", "setdefault", "popitem", "move_to_end"}
    | {"appendleft", "extendleft", "popleft", "rotate"}
)
"""The methods of lists, deques and dicts that change them."""
_CHANGEABLE = (list, dict, deque)


def _along_rule(g: Any, whole: Any, keys: tuple[Any, ...]) -> Any:
    """The cotangent of a container of which a part of a part was viewed."""
    wholes = [whole]
    for key in keys[:-1]:
        wholes.append(lookup(wholes[-1], key))
    for outer, key in zip(reversed(wholes), reversed(keys), strict=True):
        g = view_rule(g, outer, key)
    return g


def _several_rule(g: Any, whole: Any, paths: dict[Any, tuple[Any, ...]]) -> Any:
    """The cotangent of a container of which several parts were viewed as one container."""
    known = g.parts if isinstance(g, Fields) else dict(children_of(g, value_type(g)))
    total = None
    for key, path in paths.items():
        h = known.get(key)
        if h is not None:
            h = _along_rule(h, whole, path)
            total = h if total is None else merge(total, h)
    return total


# --- The variables ------------------------------------------------------------------------------


def _binary(name: str) -> Any:
    """An operator and its reflection, done by the user's own class with variables for fields."""
    function = getattr(operator, f"__{name}__")

    def method(self: Any, other: Any) -> Any:
        return function(split(self), other)

    def reflected(self: Any, other: Any) -> Any:
        # The class's own method first: a NumPy number on the left would take a record with items
        # for an array, and its variables for numbers.
        instance = split(self)
        own = getattr(type(instance), f"__r{name}__", None)
        result = NotImplemented if own is None else own(instance, other)
        return function(other, instance) if result is NotImplemented else result

    return method, reflected


def _forwarded(function: Callable[..., Any]) -> Any:
    """A special method that runs on the user's own class, with variables for fields."""

    def method(self: Any, *others: Any) -> Any:
        return function(split(self), *others)

    return method


class StructVar(BVar):
    """The variable of a value with parts."""

    __slots__ = ("_views",)
    _views: dict[Any, Any]
    _by_attribute: ClassVar[bool] = False

    @classmethod
    def _of(cls, run: Any, node: Any, held: Any) -> StructVar:
        base: Any = cls  # for the type checker, to which a class is not hashable
        held_class: Any = type(plain(held))
        kind = _variable_class(base, held_class)
        if native is not None:
            return native.struct_variable(kind, run, node, held)  # type: ignore[no-any-return]
        v: StructVar = object.__new__(kind)
        put = object.__setattr__
        put(v, "_run", run)
        put(v, "_node", node)
        put(v, "_value", held)
        put(v, "_views", {})
        return v

    def __setattr__(self, name: str, item: Any) -> None:
        raise AssignmentError(
            f"the attribute {name!r} of a variable of a {type(plain(self)).__name__} cannot be "
            f"assigned to, since a variable does not change; write v = gx.set(gx.lens(T).{name}, "
            "new, v), or build a new record"
        )

    def __getattr__(self, name: str) -> Any:
        if name in _SLOTS:
            raise AttributeError(name)
        if self._by_attribute:
            view = self._views.get(name, MISSING)
            if view is not MISSING:
                return view
            whole = self._value
            spec = value_type(whole)
            child = part_of(whole, name, spec)
            if child is not MISSING:
                return _view(self, name, child)
        held = plain(self)
        if not hasattr(type(held), name) and not hasattr(held, name):
            raise AttributeError(f"{type(held).__name__!r} has no attribute {name!r}{_known(held)}")
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _CHANGING and isinstance(held, _CHANGEABLE):
            raise AssignmentError(
                f".{name} would change a variable of a {type(held).__name__} in place, and a "
                "variable does not change; build a new one, such as [*v, x] or {**v, key: x}"
            )
        return _of_instance(self, name)

    def __dir__(self) -> list[str]:
        return dir(plain(self))

    def __getitem__(self, key: Any) -> Any:
        held = plain(self)
        kind = value_type(held).kind
        if kind is Kind.MAPPING:
            return child_of(self, key) if key in held else split(self)[key]
        if kind in (Kind.SEQUENCE, Kind.NAMED_TUPLE) and not isinstance(key, slice):
            position = range(len(held))[operator.index(key)]
            if kind is Kind.SEQUENCE:
                return child_of(self, position)
            return getattr(self, type(held)._fields[position])
        return split(self)[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(split(self))

    def __len__(self) -> int:
        return len(plain(self))

    def __contains__(self, item: Any) -> bool:
        return plain(item) in plain(self)

    def __bool__(self) -> bool:
        return bool(plain(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return _of_instance(self, "__call__")(*args, **kwargs)

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("sub")
    __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("truediv")
    __floordiv__, __rfloordiv__ = _binary("floordiv")
    __mod__, __rmod__ = _binary("mod")
    __pow__, __rpow__ = _binary("pow")
    __matmul__, __rmatmul__ = _binary("matmul")
    __and__, __rand__ = _binary("and")
    __or__, __ror__ = _binary("or")
    __xor__, __rxor__ = _binary("xor")
    __neg__, __pos__ = _forwarded(operator.neg), _forwarded(operator.pos)
    __abs__, __invert__ = _forwarded(operator.abs), _forwarded(operator.invert)
    __lt__, __le__ = _forwarded(operator.lt), _forwarded(operator.le)
    __gt__, __ge__ = _forwarded(operator.gt), _forwarded(operator.ge)

    def __eq__(self, other: object) -> Any:
        return plain(self) == plain(other)

    def __ne__(self, other: object) -> Any:
        return plain(self) != plain(other)

    __hash__ = None
    # Arrays leave an operation with a record to the record.
    __array_ufunc__: Any = None


_class_of_value: Any = property(
    lambda self: plain(self).__class__,
    doc="The class of the record: isinstance, and with it nested patterns of match, go by it.",
)


class RecordVar(StructVar, kind=Kind.RECORD):
    """The variable of a dataclass, an attrs class or a registered type with parts."""

    __slots__ = ()
    _by_attribute: ClassVar[bool] = True
    __class__ = _class_of_value  # pyright: ignore[reportIncompatibleMethodOverride]


class NamedTupleVar(StructVar, kind=Kind.NAMED_TUPLE):
    """The variable of a named tuple."""

    __slots__ = ()
    _by_attribute: ClassVar[bool] = True
    __class__ = _class_of_value  # pyright: ignore[reportIncompatibleMethodOverride]


class SequenceVar(StructVar, kind=Kind.SEQUENCE):
    """The variable of a tuple or a list; NumPy's functions take it as an array, like any list."""

    __slots__ = ()

    def _as_array(self, name: str) -> Any:
        return gnp.array(split(self))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arrays = [x._as_array("") if isinstance(x, SequenceVar) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)


class MappingVar(StructVar, kind=Kind.MAPPING):
    """The variable of a dict."""

    __slots__ = ()


# So that patterns such as `case [x, y]` and `case {"k": x}` match variables too.
for _abstract, _cls in (
    (Sequence, SequenceVar),
    (Sequence, NamedTupleVar),
    (Mapping, MappingVar),
):
    ABCMeta.register(_abstract, _cls)  # pyright: ignore[reportArgumentType]


def _of_instance(v: StructVar, name: str) -> Any:
    """An attribute of the user's class: of an instance whose fields are variables.

    A method that changed a field would change this instance alone, and the change would be lost.
    """
    instance = split(v)
    before = _fields(instance)
    if not hasattr(type(instance), name) and not hasattr(instance, name):
        raise AttributeError(
            f"{name!r} of a {type(instance).__name__} is no declared field, and a variable has "
            "only those; declare it with dataclasses.field(init=False), or make it a property"
        )
    attribute = getattr(instance, name)
    _check_unchanged(instance, before, name)
    if getattr(attribute, "__self__", None) is not instance or not before:
        return attribute

    @functools.wraps(attribute)
    def method(*args: Any, **kwargs: Any) -> Any:
        result = attribute(*args, **kwargs)
        _check_unchanged(instance, before, name)
        return result

    return method


def _fields(instance: Any) -> dict[str, Any]:
    cls: Any = type(instance)
    return {name: getattr(instance, name, MISSING) for name, _ in record_fields(cls)}


def _check_unchanged(instance: Any, before: dict[str, Any], name: str) -> None:
    for field, part in before.items():
        if getattr(instance, field, MISSING) is not part:
            raise AssignmentError(
                f".{name} changes the attribute {field!r} of a {type(instance).__name__}, of which "
                "there is a variable here, and a variable does not change; return a new record, "
                "for example with dataclasses.replace(self, …)"
            )


def _known(held: Any) -> str:
    names = [key for key, _ in children_of(held, value_type(held)) if isinstance(key, str)]
    return f"; it has {', '.join(names)}" if names else ""


def lookup(held: Any, key: Any) -> Any:
    """A part of a plain value or of an outer variable."""
    if isinstance(held, StructVar):
        return child_of(held, key)
    child = part_of(held, key, value_type(held))
    if child is MISSING:
        raise StructureError(f"a {type(held).__name__} has no part {key!r}{_known(held)}")
    return child


def child_of(v: StructVar, key: Any) -> Any:
    """The variable of a part, the same one each time; a static part as the plain value it is."""
    view = v._views.get(key, MISSING)
    return view if view is not MISSING else _view(v, key, lookup(v._value, key))


def _view(v: StructVar, key: Any, child: Any, rule: Any = view_rule, place: Any = MISSING) -> Any:
    """Make the variable of a part and remember it."""
    if (
        native is not None
        and rule is view_rule
        and (made := native.view(v, key, child)) is not None
    ):
        return made
    run, whole = v._run, v._value
    nodes = run.nodes
    if nodes is None:
        raise run.escaped(whole)
    node = (v._node, rule, (whole, key if place is MISSING else place), STRUCTURAL)
    if type(child) is np.ndarray and child.dtype.kind == "f":
        view = ArrayVar._of(run, node, child)
    else:
        view = wrap(run, node, child, lambda: _place(v, key))
    if view is not child:
        nodes.append(node)
        v._views[key] = view
    return view


def view_along(v: StructVar, keys: tuple[Any, ...], part: Any) -> Any:
    """The variable of a part of a part: one node, however long the way; the same each time.

    Args:
        v: a variable with parts.
        keys: the key of a part, the key of a part of that, and so on.
        part: what is there, or `MISSING` where a variable of an outer run is on the way.
    """
    if len(keys) == 1:
        return child_of(v, keys[0])
    if part is MISSING:
        return functools.reduce(child_of, keys, v)
    mark = (_ALONG, keys)
    view = v._views.get(mark, MISSING)
    return view if view is not MISSING else _view(v, mark, part, _along_rule, keys)


def view_several(v: StructVar, paths: dict[Any, tuple[Any, ...]], focus: Any) -> Any:
    """The variable of several parts as one container: one node.

    Args:
        v: a variable with parts.
        paths: for each key of the container, the keys of the part that stands there.
        focus: the container, with the plain parts.

    Returns:
        The variable, or None if a part belongs to an outer run, which views it by itself.
    """
    for path in paths.values():
        part = v._value
        for key in path:
            part = part if isinstance(part, BVar) else lookup(part, key)
        if isinstance(part, BVar):
            return None
    mark = (_ALONG, (), type(focus), tuple(paths.items()))
    view = v._views.get(mark, MISSING)
    return view if view is not MISSING else _view(v, mark, focus, _several_rule, paths)


@per_class
def _reserved_names(cls: Any) -> list[str]:
    own = _SLOTS.union(name for name in dir(StructVar) if not name.startswith("__"))
    return [name for name, _ in record_fields(cls) if name in own]


def _place(v: StructVar, key: Any) -> str:
    held = plain(v)
    text = type(held).__name__
    for k in key[1] if type(key) is tuple and key[:1] == (_ALONG,) else (key,):
        text, held = text + value_type(held).format_key(k), plain(lookup(held, k))
    return text


def _variable_class(base: Any, held: Any) -> Any:
    """`_new_variable_class`, made once and kept by the record class."""
    facts, key = known_of(held), f"variables as {base.__qualname__}"
    if key not in facts:
        facts[key] = _new_variable_class(base, held)
    return facts[key]


def _new_variable_class(base: Any, held: Any) -> Any:
    """The class of the variables of a record class: ``base`` with a property for each field.

    Properties, since an attribute that only ``__getattr__`` knows is found by way of an error.

    Raises:
        StructureError: a field has the name of a variable's own slot.
    """
    for name in _reserved_names(held):
        raise StructureError(
            f"{held.__name__}.{name} has a name that variables use themselves; rename "
            f"the field, for example to {name.lstrip('_')}_"
        )
    marks = [(name, mark) for name, mark in record_fields(held) if not name.startswith("__")]
    if not (base._by_attribute and marks):
        return base
    fields = {name: _field(name, held, mark) for name, mark in marks}
    return type(base.__name__, (base,), {"__slots__": (), "__doc__": base.__doc__, **fields})


def _field(name: str, held: Any, mark: str) -> Any:
    entry = registry.find(held)
    plain = isinstance(entry, ValueType) and entry.part is RECORD.part  # parts are attributes
    if native is not None and plain and mark != "static":
        return native.Field(name, held, registry.found, entry)

    def view(v: StructVar) -> Any:
        known = v._views.get(name, MISSING)
        if known is not MISSING:
            return known
        part = value_type(v._value).part
        child = MISSING if part is None else part(v._value, name)
        return v.__getattr__(name) if child is MISSING else _view(v, name, child)

    return property(view)


def split(v: T) -> T:
    """A real instance of a variable's type, whose parts are variables.

    Args:
        v: a variable of a record or container; anything else is returned as it is.

    >>> import gradx as gx
    >>> def area(shape):
    ...     match gx.split(shape):
    ...         case (width, height):
    ...             return width * height
    >>> gx.grad_bp(area, (3.0, 4.0))
    (4.0, 3.0)
    """
    if not isinstance(v, StructVar):
        return v
    held = plain(v)
    spec = value_type(held)
    keys, parts, views = [], [], v._views
    for key, child in children_of(held, spec):
        view = views.get(key, MISSING)
        if view is MISSING:
            view = _view(v, key, child) if held is v._value else child_of(v, key)
        keys.append(key)
        parts.append(view)
    return rebuilt(held, spec, keys, parts)  # type: ignore[no-any-return]


if native is not None:
    native.use(StructVar=StructVar, other_view=StructVar.__getattr__)
