"""Copies of functions: the same code with the globals and cells of the copied program.

Nested functions, lambdas and generators get their globals from the function that makes them, and an
import inside a function goes through the ``__import__`` of its globals; so both are adopted too.
"""

from __future__ import annotations

import builtins
import dis
import functools
import sys
import types
from collections.abc import Callable, ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

import numpy as np

from gradx.adoption.caches import CACHED
from gradx.adoption.calls import with_calls
from gradx.adoption.classes import adopted_super
from gradx.adoption.generators import GENERATORS
from gradx.adoption.inside import Globals
from gradx.adoption.libraries import of_library

__all__ = [
    "CODE",
    "FUNCTIONS",
    "AdoptedGlobals",
    "as_original",
    "attributes_of",
    "codes_of",
    "copied",
    "is_empty",
    "is_inner",
    "mark",
    "original_of",
    "put_attributes",
]

_ASSIGNING = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_OPCODES = frozenset(dis.opmap[name] for name in _ASSIGNING)
_LOOKED_UP_ONCE = (types.FunctionType, types.MethodType, type, types.ModuleType)
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, np.ufunc, CACHED)
CODE = (*FUNCTIONS, type, types.ModuleType, functools.partial, *GENERATORS)
"""Types of what may have a copy."""
_MARK = "__gradx_original__"
_OF_IMPORTING = frozenset({"__spec__", "__loader__"})
"""Names in every module that lead to how it was found, and so to whatever finds modules."""


class AdoptedGlobals(Globals):
    """The globals of the copies of a module's functions.

    They start empty. A name is looked up in the module's own globals when it is used: functions,
    classes and modules once in a call, data and what functions of the module assign each time. What
    a copy assigns itself (``global K``) stands here, and hides the original's from then on.

    Args:
        adoption: the adoption, which translates what is found.
        original: the module's own globals.

    Attributes:
        codes: by the identity of the code of a copy, that and the code of the original.
        original: the module's own globals.
        adoption: the adoption.
    """

    __slots__ = ("_assigned", "_assigning", "_found", "adoption", "codes", "original")

    def __init__(self, adoption: Any, original: dict[str, Any]) -> None:
        def adopted_import(
            name: str, _: Any = None, local: Any = None, names: Any = (), level: int = 0
        ) -> Any:
            return adoption.of(builtins.__import__(name, original, local, names, level))

        theirs = original.get("__builtins__", builtins)
        known = theirs if isinstance(theirs, dict) else vars(theirs)
        own = {"__import__": adopted_import, "super": adopted_super}
        super().__init__(
            __builtins__=_Builtins(self, {**known, **own}), __name__=original.get("__name__")
        )
        self.original, self.adoption = original, adoption
        self.codes: dict[int, tuple[types.CodeType, types.CodeType]] = {}
        self._assigned: frozenset[str] | None = None
        self._assigning: set[str] = set()
        self._found: dict[str, tuple[Any, Any]] = {}

    def __missing__(self, name: str) -> Any:
        value = self.original[name]
        if name in _OF_IMPORTING:
            return value
        if not isinstance(value, _LOOKED_UP_ONCE) or name in self.assigned():
            return self.adoption.of(value)
        new = self.adoption.lasting(value)
        if id(value) in self.adoption.holdings and (new is value or isinstance(value, type)):
            return new  # each call has to reach what it holds, for which a copy asks itself
        self._found[name] = value, new
        super().__setitem__(name, new)
        return new

    def assigned(self) -> frozenset[str]:
        """The names that functions of the module assign with ``global``."""
        if self._assigned is None:
            self._assigned = frozenset(_assigned_in(self.original))
        return self._assigned

    def has_assigned(self) -> bool:
        """Whether a copy has assigned a global name, which hides the original's from then on."""
        return any(super(AdoptedGlobals, self).__contains__(name) for name in self._assigning)

    def prepare(self, code: types.CodeType) -> None:
        """Put in what the code of a function would not find by `__missing__`, or only slowly.

        A builtin would be looked for in the module each time.
        """
        known = self["__builtins__"]
        names = set(_assigned_by(code))
        if names and not self._assigning:
            self.adoption.assigning.append(self)
        self._assigning |= names
        for part in codes_of(code):
            for name in part.co_names:
                if name in known and name not in self.original and name not in self.assigned():
                    super().setdefault(name, known[name])

    def refresh(self) -> None:
        """Let names that the program has changed since the last call be looked up anew."""
        for name, (value, new) in list(self._found.items()):
            if self.original.get(name, self) is not value and super().get(name) is new:
                super().pop(name, None)
                self._found.pop(name)

    # --- What `globals` gives ---------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        yield from self.original
        for name in list(dict.keys(self)):
            if name not in self.original and name in self:
                yield name

    def __contains__(self, name: object) -> bool:
        if name in self.original:
            return True
        if not super().__contains__(name):
            return False
        known = self["__builtins__"]  # of which some were put in
        return name not in known or known[name] is not self[name]  # type: ignore[index]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get(self, name: Any, default: Any = None) -> Any:
        """As `dict.get`, of what the program has too."""
        if name not in self:
            return default
        return self[name]

    def keys(self) -> Any:
        """As `dict.keys`, with what the program has."""
        return KeysView(self)

    def values(self) -> Any:
        """As `dict.values`, with what the program has."""
        return ValuesView(self)

    def items(self) -> Any:
        """As `dict.items`, with what the program has."""
        return ItemsView(self)

    def __setitem__(self, name: str, value: Any) -> None:
        self.adoption.has_state = True
        super().__setitem__(name, value)

    setdefault: Any = MutableMapping.setdefault
    update: Any = MutableMapping.update
    pop: Any = MutableMapping.pop

    def copy(self) -> Any:
        """As `dict.copy`, with what the program has."""
        return dict(self)

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)


class _Builtins(dict[str, Any]):
    """The builtins of adopted code, where it looks after its globals.

    The body of a class, and code in a string that `eval` or `exec` is given, read the dict of the
    globals past `__missing__`. What the module has of the name, they find here.
    """

    __slots__ = ("_globals",)

    def __init__(self, globals_: AdoptedGlobals, known: dict[str, Any]) -> None:
        super().__init__(known)
        self._globals = globals_

    def __getitem__(self, name: str) -> Any:
        globals_ = self._globals
        if name in globals_.original and sys._getframe(1).f_globals is globals_:
            return globals_[name]
        return super().__getitem__(name)


def copied(adoption: Any, f: types.FunctionType) -> Any:
    """The copy of a function; the function itself where nothing in it is of the program.

    A function of a library is copied only where it has caught one of the program, as the wrapper
    that a decorator makes.

    Args:
        adoption: the adoption.
        f: the function.
    """
    inside = adoption.scope.covers(f.__globals__)
    old, own = tuple(f.__closure__ or ()), set()
    if not inside:
        adoption.note_code(f, f)  # for what refers back to it
        if any(_holds_code(adoption, cell) for cell in old):
            for cell in old:
                adoption.lasting(cell)
        own = {id(cell) for cell in old if _changes(adoption, cell)}
        if not own:
            return f
    new_globals = adoption.globals_of(f.__globals__) if inside else f.__globals__
    cells = tuple(adoption.cell_of(x) if inside or id(x) in own else x for x in old)
    code = with_calls(f.__code__, f.__globals__) if inside else f.__code__
    new = types.FunctionType(code, new_globals, f.__name__, None, cells)
    adoption.note_code(f, new)
    fill(new, f, adoption.of, adoption.lasting)
    if isinstance(new_globals, AdoptedGlobals):
        new_globals.prepare(code)
        pairs = zip(codes_of(code), codes_of(f.__code__), strict=True)
        new_globals.codes.update((id(own), (own, its)) for own, its in pairs if own is not its)
    return new


def _changes(adoption: Any, cell: types.CellType) -> bool:
    """Whether what a cell of a library holds is code of the program, which has a copy."""
    x = None if is_empty(cell) else cell.cell_contents
    return isinstance(x, CODE) and of_library(x) is None and adoption.of(x) is not x


def _holds_code(adoption: Any, cell: types.CellType) -> bool:
    """Whether a cell of a library has a table of the program's code, as of `singledispatch`."""
    x: Any = None if is_empty(cell) else cell.cell_contents
    if type(x) not in (list, tuple, dict):
        return False
    parts = list(x.values() if type(x) is dict else x)
    return any(isinstance(part, CODE) and adoption.of(part) is not part for part in parts)


def fill(
    new: types.FunctionType, f: types.FunctionType, of: Callable[[Any], Any], default: Any = None
) -> None:
    """Give a function what another has: its closure, its default values, names and attributes.

    Args:
        new: the function, which is known by now to whoever may be led to it by the closure.
        f: the other one.
        of: what stands for the content of a cell.
        default: what stands for a default value; by default the same.
    """
    default = default or of
    for cell, its in zip(f.__closure__ or (), new.__closure__ or (), strict=True):
        if its is not cell and is_empty(its):
            its.cell_contents = of(cell.cell_contents)
    new.__defaults__ = f.__defaults__ and tuple(map(default, f.__defaults__))
    named = f.__kwdefaults__
    new.__kwdefaults__ = named and {name: default(x) for name, x in named.items()}
    as_original(new, f)


def as_original(new: types.FunctionType, f: types.FunctionType) -> None:
    """Give a function the names and attributes of another."""
    new.__qualname__, new.__module__, new.__doc__ = f.__qualname__, f.__module__, f.__doc__
    new.__dict__.update(attributes_of(f))


def is_empty(cell: types.CellType) -> bool:
    """Whether a cell has no content yet."""
    try:
        _ = cell.cell_contents
    except ValueError:
        return True
    return False


# --- The functions that `gx.adopt` gives out ------------------------------------------------------


class _Mark:
    """What a function of an adoption was made of; a decorator may copy its attributes to others.

    Attributes:
        names: the attributes that it has for itself.
    """

    __slots__ = ("inner", "names", "new", "original")

    def __init__(self, new: Any, original: Any, inner: bool) -> None:
        self.new, self.original, self.inner = new, original, inner
        self.names = frozenset(vars(new).keys() - vars(original).keys())


def mark(new: Any, original: types.FunctionType, inner: bool = False) -> None:
    """Remember of which function this is the adopted one.

    Args:
        new: the adopted function, which has by now the attributes of the other, and its own.
        original: that of the program.
        inner: whether it is the one that adopted code has, and not one of `gx.adopt`.
    """
    vars(new)[_MARK] = _Mark(new, original, inner)


def attributes_of(f: types.FunctionType) -> dict[str, Any]:
    """The attributes that the program has given a function, or an adopted one."""
    names = vars(f)
    known = names.get(_MARK)
    if not isinstance(known, _Mark) or known.new is not f:
        return names
    return {name: x for name, x in names.items() if name != _MARK and name not in known.names}


def put_attributes(f: types.FunctionType, attributes: dict[str, Any]) -> None:
    """Let a function have these attributes, and of others only those it has for itself."""
    names = vars(f)
    for name in attributes_of(f).keys() - attributes.keys():
        del names[name]
    names.update(attributes)


def original_of(f: types.FunctionType) -> types.FunctionType:
    """The function that an adopted one was made of; any other function itself."""
    known = vars(f).get(_MARK)
    return known.original if isinstance(known, _Mark) and known.new is f else f


def is_inner(f: types.FunctionType) -> bool:
    """Whether a function is what stands for one of the program in adopted code."""
    known = vars(f).get(_MARK)
    return isinstance(known, _Mark) and known.new is f and known.inner


# --- Code -----------------------------------------------------------------------------------------


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function and of all functions and classes that it defines."""
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from codes_of(part)


def _assigned_in(globals_: dict[str, Any]) -> Iterator[str]:
    """The names that the functions and methods of a module assign with ``global``."""
    for f in _functions_in(globals_):
        yield from _assigned_by(f.__code__)


def _assigned_by(code: types.CodeType) -> Iterator[str]:
    """The names that a function, and the functions in it, assign with ``global``."""
    for part in codes_of(code):
        if _OPCODES.isdisjoint(part.co_code[::2]):
            continue  # a look at the bytes, which is a hundred times as fast
        for step in dis.get_instructions(part):
            if step.opname in _ASSIGNING:
                yield step.argval


def _functions_in(globals_: dict[str, Any]) -> Iterator[types.FunctionType]:
    waiting, seen = list(globals_.values()), set()
    while waiting:
        x = waiting.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if isinstance(x, types.FunctionType) and x.__globals__ is globals_:
            yield x
        elif isinstance(x, type) and x.__module__ == globals_.get("__name__"):
            waiting.extend(vars(x).values())
        elif isinstance(x, (staticmethod, classmethod)):
            waiting.append(x.__func__)
        elif isinstance(x, property):
            waiting += [x.fget, x.fset, x.fdel]
