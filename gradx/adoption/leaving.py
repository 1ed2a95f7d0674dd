"""What is left when a call of adopted code is over: objects hold what the plain program has there.

What was exchanged in them is put back. What the program has put into them meanwhile is of adopted
code: a function, a bound method, a class, an instance of one. In its place comes the original.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable
from typing import Any

from gradx.adoption.classes import is_adopted_class, original_class
from gradx.adoption.functions import (
    AdoptedGlobals,
    fill,
    is_empty,
    is_inner,
    original_of,
)
from gradx.adoption.generators import GeneratorView
from gradx.adoption.inside import Call
from gradx.adoption.instances import is_alone
from gradx.adoption.later import LATER, going_on
from gradx.adoption.libraries import plain_of
from gradx.adoption.modules import ModuleView, module_of
from gradx.adoption.places import CLASS, LOCK, PLAIN, give_back, is_held, may_hold, places_of
from gradx.adoption.tables import UNCHANGED, translated
from gradx.core.dispatch import Lifted

__all__ = ["end", "result_of"]


def end(call: Call) -> None:
    """Let the objects that a call has met hold what they do in the plain program.

    Args:
        call: the call, which is over.
    """
    with LOCK:
        call.is_over = True
        for held in reversed(call.held):
            give_back(held)
        if call.continues:
            return
        way_back = _WayBack(call, given=False)
        roots = [*call.own.values(), *call.roots]
        for known in (call.known, *call.adoptions):
            for table in known.tables:
                roots += table.write_back(way_back.original)
        way_back.clean(roots)


def result_of(result: Any, call: Call) -> Any:
    """The result of a call, which holds what that of the plain program does.

    A function that is the result itself is an adopted one, as are closures in it: the caller may
    give them variables. Generators and coroutines go on as in a call.

    Args:
        result: what the adopted function has returned.
        call: the call.
    """
    if call.continues or is_alone(result):
        return result
    if isinstance(result, types.FunctionType) and is_inner(result):
        f = original_of(result)
        return next(a for a in call.adoptions if a.origin(result) is f).given(f)
    with LOCK:
        way_back = _WayBack(call, given=True)
        new = way_back.original(result)
        way_back.clean([new])
    return new


class _WayBack:
    """From what stands for something in adopted code to what the program has.

    Args:
        call: the call that is over.
        given: whether functions that were made in adopted code are given to the caller, as adopted
            ones, and not left in the program, as plain ones.
    """

    __slots__ = ("_adoptions", "_call", "_cells", "_given", "_made", "_plain")

    def __init__(self, call: Call, given: bool) -> None:
        self._call, self._adoptions, self._given = call, call.adoptions, given
        self._plain: dict[int, tuple[Any, Any]] = {}
        self._cells: dict[int, tuple[Any, Any]] = {}
        self._made: list[types.CellType] = []

    def clean(self, values: Iterable[Any]) -> None:
        """Let originals stand for what adopted code has put into values."""
        tables = self._call.known.tables
        seen: dict[int, Any] = {id(table.copy): table for table in tables}  # which stay as they are
        waiting = [*values]
        waiting.reverse()
        while waiting or self._made:
            x = waiting.pop() if waiting else self._made.pop()
            if type(x) in PLAIN or id(x) in seen or isinstance(x, Lifted):
                continue
            seen[id(x)] = x
            waiting.extend(_parts_of(x))
            if not may_hold(x):
                continue
            self._restore_class(x)
            for place in places_of(x):
                is_free = not is_held(place.of)  # else another thread needs what stands there
                for key, value in place.items:
                    new = value if type(value) in PLAIN else self.original(value)
                    if new is not value and is_free:
                        place.way.put(place.of, key, new)
                    waiting.append(new)
            if isinstance(x, (dict, set)):
                self._clean_keys(x)

    def _restore_class(self, x: Any) -> None:
        cls = type(x)
        if is_adopted_class(cls) and id(x) not in self._call.own and not is_held(x):
            new = self.original(cls)
            if new is not cls:
                CLASS.put(x, None, new)

    def _clean_keys(self, x: Any) -> None:
        if PLAIN.issuperset(map(type, x)):
            return
        new = [self.original(key) for key in x]
        if any(a is not b for a, b in zip(new, x, strict=True)):
            filled = dict(zip(new, x.values(), strict=True)) if isinstance(x, dict) else new
            x.clear()
            x.update(filled)

    def original(self, x: Any) -> Any:
        """What the program has for an object; the object itself if it is the program's own."""
        if type(x) in PLAIN or isinstance(x, Lifted):
            return x
        known = self._plain.get(id(x))
        if known is None:
            known = self._plain[id(x)] = x, self._original(x)
        return known[1]

    def _original(self, x: Any) -> Any:
        if isinstance(x, types.FunctionType) and is_inner(x):
            return original_of(x)
        if id(x) in self._call.known.stands and not isinstance(x, UNCHANGED):
            return x  # which the program had before
        if type(x) is GeneratorView:
            return x._generator
        if self._given and isinstance(x, LATER):
            return going_on(x, self._call.roots, result_of)
        for known in (self._call.known, *self._adoptions):
            its = known.origin(x)
            if its is not x:
                return its
        if isinstance(x, types.FunctionType):
            return self._function(x)
        if isinstance(x, types.MethodType):
            return self._method(x)
        if isinstance(x, type) and is_adopted_class(x):
            its = original_class(x)
            return its if any(a.of(its) is x for a in self._adoptions) else x
        if type(x) is ModuleView:
            return module_of(x, self._adoptions)
        if isinstance(x, UNCHANGED):
            return translated(x, self.original)
        return plain_of(x)

    def _function(self, f: types.FunctionType) -> Any:
        if type(f.__globals__) is AdoptedGlobals:
            new = self._closure(f, f.__globals__)
            return f.__globals__.adoption.standing(new, None, False) if self._given else new
        return plain_of(f)

    def _closure(self, f: types.FunctionType, its: AdoptedGlobals) -> Any:
        """The plain function for one that was made in adopted code."""
        code = its.codes.get(id(f.__code__), (None, f.__code__))[1]
        cells = tuple(map(self._cell, f.__closure__ or ()))
        new = types.FunctionType(code, its.original, f.__name__, None, cells)
        self._plain[id(f)] = f, new  # to which its cells may lead
        self._made += cells
        fill(new, f, self.original)
        return new

    def _cell(self, cell: types.CellType) -> types.CellType:
        """The cell of a plain function: that itself, unless its content is of adopted code."""
        known = self._cells.get(id(cell))
        if known is None:
            is_own = not is_empty(cell) and self._changes(cell.cell_contents)
            known = self._cells[id(cell)] = cell, types.CellType() if is_own else cell
        return known[1]

    def _changes(self, x: Any) -> bool:
        is_closure = isinstance(x, types.FunctionType) and type(x.__globals__) is AdoptedGlobals
        return is_closure or self.original(x) is not x

    def _method(self, x: types.MethodType) -> Any:
        """A bound method; that of an instance which the caller has made stays an adopted one."""
        owner = self.original(x.__self__)
        if id(owner) in self._call.own or not isinstance(x.__func__, types.FunctionType):
            return x
        function = self.original(original_of(x.__func__))
        same = function is x.__func__ and owner is x.__self__
        return x if same else types.MethodType(function, owner)


def _parts_of(x: Any) -> Iterable[Any]:
    """What a value leads to that has no places."""
    if isinstance(x, (tuple, set, frozenset)):
        return x
    if type(x) is types.MappingProxyType:
        return x.values()
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords.values()]
    return [x.__self__] if isinstance(x, types.MethodType) else ()
