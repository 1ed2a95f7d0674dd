"""Hidden variables: those inside objects that gradx does not take apart.

A result or an operand is taken apart at its containers and records. A variable anywhere else (in a
set, in an attribute of a static or opaque object, in a static field) would be a constant there, and
its gradient lost in silence. `look_through` finds the variables of a value and refuses such ones.
"""

from __future__ import annotations

import collections
import enum
import functools
import gc
import io
import pathlib
import re
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted, static_fields, variables_in
from gradx.core.objects import joinable
from gradx.devices.placement import PLACES
from gradx.errors import EscapedVarError, StructureError
from gradx.native import native
from gradx.values.builtin import is_builtin
from gradx.values.fields import static_names
from gradx.values.leaves import taken_apart
from gradx.values.operations import Kind, ValueType, registry
from gradx.values.per_class import is_made_here, per_class
from gradx.values.rebuild import Plan, plan_of, undeclared
from gradx.values.unregistered import unknown

__all__ = [
    "PLAIN_LEAVES",
    "check_ended",
    "inside",
    "look_through",
    "of_each_run",
    "simple_variables",
]

PLAIN_LEAVES = frozenset(
    {float, int, str, bool, type(None), complex, bytes, np.float64, np.float32, np.int64, np.bool_}
    | {types.FunctionType, type, np.ufunc}
)
"""Types whose values hold no variable, or, as functions do, raise when it is used too late."""

_variables_of: Callable[[Any], list[Any] | None]
"""The variables in a value of containers, numbers and arrays alone; None of any other value.

Of variables of one run it may leave some out.
"""
if native is None:
    _variables_of = lambda x: None  # noqa: E731
else:
    native.use(Lifted=Lifted, PLAIN_LEAVES=PLAIN_LEAVES)
    _variables_of = native.variables_of

_CLOSED = (
    *(str, bytes, bytearray, int, float, complex, range, enum.Enum, pathlib.PurePath, re.Pattern),
    *(type, types.ModuleType, types.FunctionType, types.CodeType, np.ufunc, np.generic, np.dtype),
    *(threading.Thread, io.IOBase.__mro__[-2]),
)
_CLOSED_OF_MODULES = (
    *(("logging", name) for name in ("Logger", "Handler")),
    *(("numpy.random", name) for name in ("Generator", "RandomState", "BitGenerator")),
    ("gradx.adoption.adopted", "Adoption"),  # of all that a program has
)
_BOUND = (types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType)
_SEQUENCES = (list, tuple, collections.deque)
_MAPPINGS = (dict, types.MappingProxyType)
_WITHOUT_ATTRIBUTES = frozenset({*_SEQUENCES, *_MAPPINGS, set, frozenset, *_BOUND, np.ndarray})
_MOST = 20_000
"""So many objects are looked into at most, so that one that leads to everything ends."""

Step = tuple[str, Any]


def look_through(x: Any, root: str = "the value", run: Any = None) -> tuple[Any, bool]:
    """Look for variables in a value, where their gradients are followed.

    Args:
        x: any value.
        root: how the value is called in messages.
        run: the run whose result it is: variables of runs around it may stand anywhere, since they
            are constants to it. None for an operand.

    Returns:
        The variable of the highest run that is in it, None if there is none; and whether all of it
        can be handed on as it is, with no array of objects or opaque value to be joined.

    Raises:
        StructureError: there is one where its gradient would be lost; the message has the path.
        EscapedVarError: there is one of a run that has ended, or that started later and goes on.
    """
    if isinstance(x, Lifted):
        check_ended(x, root, run)
        return x, False
    if type(x) in PLAIN_LEAVES:
        return None, True
    found = simple_variables(x, run)
    if found is not None:
        return max(found, key=_level_of, default=None), True
    return _looked_through(x, root, run)


def _looked_through(x: Any, root: str, run: Any) -> tuple[Any, bool]:
    """`look_through` for any value that is no leaf."""
    top, wrong, simple = None, False, True
    waiting, seen = [x], {}  # what was seen is kept, so that no other object takes its identity
    while waiting and not wrong:
        part = waiting.pop()
        cls = type(part)
        if cls in PLAIN_LEAVES:
            continue
        if isinstance(part, Lifted):
            top = part if top is None or part._run.level > top._run.level else top
            wrong, simple = _is_wrong(part, run), simple and part._origin is None
            continue
        if cls is np.ndarray and not part.dtype.hasobject:
            continue
        if id(part) in seen:
            simple = False  # it may be a cycle
            continue
        seen[id(part)] = part
        if cls is np.ndarray and joinable(part):
            simple = False
            waiting.extend(part.flat)
            continue
        entry = registry.find(cls)
        if isinstance(entry, ValueType) and entry.children is not None:
            simple = simple and entry.fieldwise
            parts = taken_apart(part, entry)[1]
            if not PLAIN_LEAVES.issuperset(map(type, parts)):
                waiting.extend(parts)
            steps = _beside(part, cls, entry)
            if steps:
                wrong = any(_first_hidden(other, run) for several in steps for _, other in several)
        elif not _is_closed(cls):
            simple = simple and isinstance(entry, ValueType)
            wrong = _first_hidden(part, run) is not None
    if wrong:
        _tell_where(x, root, run)
    return top, simple


def simple_variables(x: Any, run: Any = None) -> list[Any] | None:
    """Variables in a value, at least one of each run, if the value can be handed on as it is.

    None if `look_through` must say whether it can, or that it must not.
    """
    found = _variables_of(x)
    if found is None:
        return None
    for v in found:
        if v._origin is not None or _is_wrong(v, run):
            return None
    return found


def _level_of(v: Any) -> int:
    return v._run.level  # type: ignore[no-any-return]


def of_each_run(x: Any) -> list[Any]:
    """Variables in a value, at least one of each run that has one in it; in no order."""
    found: list[Any] | None = _variables_of(x)
    return list(variables_in(x)) if found is None else found


def check_ended(v: Any, path: str, run: Any) -> None:
    """Refuse a variable of a run that has ended, or of one that started later and goes on.

    Args:
        v: the variable.
        path: where it is, for the message.
        run: the run whose result it is in; None for an operand.

    Raises:
        EscapedVarError: it is one.
    """
    if not _is_wrong(v, run):
        return
    own = v._run
    if own.nodes is None:
        raise own.escaped(v)
    raise EscapedVarError(
        f"{path} is a variable of run {own.level}, which started later than run {run.level}, "
        "whose result it is in, and goes on: what it was computed of has no gradient here; "
        "return it from the function whose variable it is, or keep its plain value with "
        "gx.value(v)"
    )


def _is_wrong(v: Any, run: Any) -> bool:
    """Whether a variable's run has ended, or records on and started later than another run."""
    own = v._run
    if not hasattr(own, "nodes"):  # a run that records nothing has no gradient to lose
        return False
    return own.nodes is None or (run is not None and own.level > run.level)


# --- What stands beside the parts of a value ------------------------------------------------------


def _beside(x: Any, cls: Any, entry: ValueType) -> Iterable[Iterable[Step]]:
    """What a container has besides its parts: keys, static fields, undeclared attributes."""
    if cls is list or cls is tuple:
        return ()
    if entry.kind is Kind.RECORD and is_made_here(cls):
        plan = _plan_without_static(cls)
        if plan is not None and plan.names.issuperset(plan.dict_of(x)):
            return ()
    steps: list[Iterable[Step]] = []
    if entry.kind is Kind.MAPPING:
        steps.append([("a key", key) for key, _ in entry.children(x) if _may_hide(key)])  # type: ignore[misc]
    fixed = static_fields(x, entry)
    if fixed:
        steps.append([(f"the static field {name!r}", part) for name, part in fixed])
    if is_builtin(entry) and is_made_here(cls):
        steps.append(_attributes_beside(x, cls))
    return steps


@per_class
def _plan_without_static(cls: Any) -> Plan | None:
    """The plan of a class whose instances may have nothing but their parts; None for any other."""
    plan = plan_of(cls)
    return plan if plan.fast and not static_names(cls) else None


def _may_hide(x: Any) -> bool:
    return type(x) not in PLAIN_LEAVES


def _attributes_beside(x: Any, cls: Any) -> list[Step]:
    plan = plan_of(cls)
    if plan.fast and plan.names.issuperset(plan.dict_of(x)):
        return []
    if plan.dict_of is None and not plan.slots:
        return []
    return [(f"the attribute {name!r}", part) for name, part in undeclared(x, plan)]


# --- Inside of objects ----------------------------------------------------------------------------


def _first_hidden(x: Any, run: Any) -> tuple[str, Any] | None:
    """The way to a variable inside an object whose gradient would be lost, and the variable."""
    if type(x) in PLAIN_LEAVES:
        return None
    waiting: collections.deque[tuple[str, Any]] = collections.deque([("", x)])
    seen: dict[int, Any] = {}
    while waiting and len(seen) < _MOST:
        way, x = waiting.popleft()
        if isinstance(x, Lifted):
            if run is None or x._run.level >= run.level or _is_wrong(x, run):
                return way, x
            continue
        if id(x) in seen:
            continue
        seen[id(x)] = x
        waiting.extend(
            (way + step, part) for step, part in inside(x) if type(part) not in PLAIN_LEAVES
        )
    return None


def inside(x: Any) -> Iterator[Step]:
    """What an object holds, each with the way to it; of a function nothing, see PLAIN_LEAVES."""
    cls = type(x)
    if _is_closed(cls):
        return
    if issubclass(cls, np.ndarray):
        if x.dtype.hasobject:
            yield from ((f"[{i}]", part) for i, part in enumerate(x.flat))
    elif issubclass(cls, _SEQUENCES):
        items = enumerate(_items(x))
        yield from ((f"[{i}]", part) for i, part in items if type(part) not in PLAIN_LEAVES)
    elif issubclass(cls, _MAPPINGS):
        for key, part in list(x.items()):
            yield f"[{key!r}]" if type(key) in PLAIN_LEAVES else " (a value)", part
            yield " (a key)", key
    elif issubclass(cls, (set, frozenset)):
        yield from ((" (a member)", part) for part in list(x))
    elif issubclass(cls, functools.partial):
        yield ".func", x.func
        yield from ((f".args[{i}]", part) for i, part in enumerate(x.args))
        yield from ((f".keywords[{key!r}]", part) for key, part in x.keywords.items())
    elif issubclass(cls, _BOUND):
        yield ".__self__", x.__self__
    elif issubclass(cls, weakref.ReferenceType):
        yield "()", x()
    elif cls in (weakref.ProxyType, weakref.CallableProxyType):
        yield from ((f".{name}", part) for name, part in list(_dict_of_proxy(x).items()))
    if cls not in _WITHOUT_ATTRIBUTES:
        yield from _attributes(x, cls)


def _items(x: Any) -> list[Any]:
    """The items that are stored, whatever a subclass makes of them."""
    base: Any = next(base for base in _SEQUENCES if isinstance(x, base))
    return list(base.__iter__(x))


def _dict_of_proxy(x: Any) -> dict[str, Any]:
    try:
        return dict(vars(x))
    except (ReferenceError, TypeError):
        return {}


def _attributes(x: Any, cls: Any) -> Iterator[Step]:
    """What the attributes of an instance hold, and what an object of C refers to."""
    theirs = _dict_of(x, cls)
    yield from ((f".{name}", part) for name, part in list(theirs.items()))
    for name, member in _slots_of(cls) if is_made_here(cls) else ():
        try:
            yield f".{name}", member.__get__(x, cls)
        except AttributeError:  # nothing was assigned to it yet
            continue
    if not is_made_here(cls) and cls.__module__ != "weakref":
        for part in gc.get_referents(x):
            if part is not theirs and type(part) not in PLAIN_LEAVES:
                yield " (inside)", part


def _dict_of(x: Any, cls: Any) -> dict[str, Any]:
    for base in cls.__mro__:
        getter = base.__dict__.get("__dict__")
        if isinstance(getter, (types.GetSetDescriptorType, types.MemberDescriptorType)):
            theirs = getter.__get__(x, cls)
            return theirs if isinstance(theirs, dict) else {}
    return {}


@per_class
def _slots_of(cls: Any) -> tuple[tuple[str, Any], ...]:
    """The attributes of instances that stand in slots, with their descriptors."""
    return tuple(
        (name, member)
        for base in cls.__mro__
        for name, member in base.__dict__.items()
        if isinstance(member, types.MemberDescriptorType) and is_made_here(base)
    )


def _is_closed(cls: Any) -> bool:
    """Whether nothing of a class is looked into: its values are data or code."""
    return cls in PLAIN_LEAVES or _is_one_of_closed(cls) or cls in PLACES or _is_number(cls)


def _is_one_of_closed(cls: type) -> bool:
    loaded = [getattr(sys.modules.get(module), name, None) for module, name in _CLOSED_OF_MODULES]
    return issubclass(cls, (*_CLOSED, *[base for base in loaded if base is not None]))


def _is_number(cls: Any) -> bool:
    entry = registry.find(cls)
    return isinstance(entry, ValueType) and entry.numeric


# --- Telling where --------------------------------------------------------------------------------


def _tell_where(x: Any, root: str, run: Any) -> None:
    """Raise for the first variable that is where it should not be, with its path."""
    waiting: list[tuple[str, Any]] = [(root, x)]
    seen: dict[int, Any] = {}
    while waiting:
        path, x = waiting.pop()
        if type(x) in PLAIN_LEAVES or id(x) in seen:
            continue
        seen[id(x)] = x
        if isinstance(x, Lifted):
            check_ended(x, path, run)
            continue
        cls: Any = type(x)
        entry = registry.find(cls)
        if not isinstance(entry, ValueType) or entry.children is None:
            hidden = _first_hidden(x, run)
            if hidden is not None:
                raise unknown(x, path) if entry is None else _hidden_in(x, path, *hidden)
            continue
        for steps in _beside(x, cls, entry):
            for step, part in steps:
                hidden = _first_hidden(part, run)
                if hidden is not None:
                    raise _hidden_beside(x, path, step, *hidden)
        parts = [(path + entry.format_key(key), part) for key, part in entry.children(x)]
        waiting.extend(reversed(parts))


def _hidden_in(x: Any, path: str, way: str, v: Any) -> Exception:
    check_ended(v, path + way, None)
    cls = type(x)
    name = cls.__name__
    register = (
        f"register its parts with gx.register({name}, children=…), "
        if is_made_here(cls) and not _is_one_of_closed(cls)
        else "use a tuple, a list, a dict or a record instead, "
    )
    return StructureError(
        f"{path}, of type {name}, holds a variable (at {way.strip()}) whose gradient would be "
        f"lost, since gradx does not take such objects apart; {register}hand over the variable "
        "beside it, or put gx.value(v) into it"
    )


def _hidden_beside(x: Any, path: str, step: str, way: str, v: Any) -> Exception:
    check_ended(v, path + way, None)
    name = type(x).__name__
    if step.startswith("the static field"):
        at = f" (at {way.strip()})" if way else ""
        return StructureError(
            f"{step} of a {name} holds a variable{at}, whose gradient would be lost (in {path}); "
            "drop gx.static() from it, or pass gx.value(v)"
        )
    if step == "a key":
        return StructureError(
            f"{path}, of type {name}, has a key that holds a variable (at {way.strip()}) whose "
            "gradient would be lost; put the variable among the values, or use gx.value(v)"
        )
    return StructureError(
        f"{step} of a {name} holds a variable, whose gradient would be lost, since it is not one "
        f"of the declared parts (in {path}); make it a field, or put gx.value(v) into it"
    )
