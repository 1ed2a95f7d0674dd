"""What an adoption binds: for each function its names, and what they are in the copy.

`gradx adopt module:name` shows it.
"""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

from gradx.adoption.adopted import Adoption
from gradx.adoption.caches import CACHED
from gradx.adoption.classes import why_not
from gradx.adoption.entry import adopt, adoption_of
from gradx.adoption.functions import AdoptedGlobals, codes_of, is_empty, original_of
from gradx.adoption.libraries import library_module, of_library

__all__ = ["Binding", "bindings"]

_WRAPPERS = (staticmethod, classmethod)


class Binding(NamedTuple):
    """One name of a function of the program.

    Attributes:
        function: the function, with its module.
        name: the name, as it stands in the code.
        meaning: what it is in the copy, in words.
    """

    function: str
    name: str
    meaning: str


def bindings(thing: Any) -> list[Binding]:
    """The names that the adopted form of a program uses, function by function.

    Args:
        thing: a function, a class or a module, as for `gx.adopt`.

    Raises:
        AdoptionError: it cannot be adopted.
    """
    adopt(thing)  # refuses what cannot be
    adoption = adoption_of(thing)
    waiting, seen, found = [*_functions_of(thing)], set(), []
    while waiting:
        f = original_of(waiting.pop(0))
        if f in seen or not adoption.scope.covers(f.__globals__):
            continue
        seen.add(f)
        own = adoption.globals_of(f.__globals__)
        for name, value in _names_of(f):
            found.append(Binding(_named(f), name, _meaning(adoption, own, name, value)))
            waiting.extend(_functions_of(value))
    return found


def _named(x: Any) -> str:
    return f"{x.__module__}.{x.__qualname__}"


def _functions_of(x: Any) -> Iterator[types.FunctionType]:
    """The functions that a name of the program brings in."""
    if isinstance(x, types.FunctionType):
        yield x
    elif isinstance(x, (types.MethodType, *_WRAPPERS)):
        yield from _functions_of(x.__func__)
    elif isinstance(x, functools.partial):
        yield from _functions_of(x.func)
    elif isinstance(x, CACHED):
        yield from _functions_of(x.__wrapped__)
    elif isinstance(x, property):
        for f in (x.fget, x.fset, x.fdel):
            yield from _functions_of(f)
    elif isinstance(x, type) and why_not(x) is None:
        for member in vars(x).values():
            if not isinstance(member, type):
                yield from _functions_of(member)
    elif isinstance(x, types.ModuleType) and library_module(x) is None:
        for member in vars(x).values():
            if getattr(member, "__module__", None) == x.__name__:
                yield from _functions_of(member)


def _names_of(f: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """The globals and cells that a function uses, and what it imports, with what they are."""
    done: set[str] = set()
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        if not is_empty(cell):
            yield name, cell.cell_contents
            done.add(name)
    for code in codes_of(f.__code__):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in f.__globals__:
                name, value = step.argval, f.__globals__[step.argval]
            elif step.opname == "IMPORT_NAME":
                name, value = f"import {step.argval}", None
            else:
                continue
            if name not in done:
                done.add(name)
                yield name, value


def _meaning(adoption: Adoption, own: AdoptedGlobals, name: str, value: Any) -> str:
    if name.startswith("import "):
        return "adopted when it is run"
    if name in own.assigned():
        return "assigned by the program: in the copy, the copy's own"
    if isinstance(value, types.ModuleType):
        return _meaning_of_module(adoption, value)
    if of_library(value) is not None:
        return f"gradx's own for {getattr(value, '__name__', name)}"
    new = adoption.of(value)
    if isinstance(value, CACHED) and new is not value:
        return "adopted, with its cache for calls without a variable"
    if new is not value:
        kind = "class" if isinstance(value, type) else type(value).__name__
        return f"adopted {kind}"
    if isinstance(value, type) and adoption.is_in_place(value):
        return f"adopted in its place during a call, since it {why_not(value)}"
    if isinstance(value, type):
        return f"as it is, since it {why_not(value) or 'is of a library'}"
    if callable(value):
        return "as it is, since it is of a library, or has no Python code"
    kind = type(value).__name__
    if isinstance(value, (list, dict)) and _holds_code(adoption, value):
        return f"data, a {kind}, of which functions are adopted during a call"
    return f"data, a {kind}, read when it is used"


def _holds_code(adoption: Adoption, x: Any) -> bool:
    return any(adoption.of(part) is not part for part in (x.values() if type(x) is dict else x))


def _meaning_of_module(adoption: Adoption, module: types.ModuleType) -> str:
    if library_module(module) is not None:
        return f"gradx's own for {module.__name__}"
    covered = adoption.scope.covers(vars(module))
    return "adopted module" if covered else "as it is, since it is a library"
