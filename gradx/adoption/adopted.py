"""One adoption: what stands in the copy of a program for each function, class and module of it.

`Adoption.of` translates any object that the program reaches by a name, a cell, a default or an
object. Code of the program is copied, names of NumPy, SciPy and math become gradx's, and data is
shared: what it holds is exchanged for the length of a call.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from gradx.adoption.borrowing import borrowed
from gradx.adoption.caches import CACHED, cached_of
from gradx.adoption.classes import adopted_class, is_adopted_class, members_in_place, original_class
from gradx.adoption.entering import enter, hold_in
from gradx.adoption.functions import (
    CODE,
    AdoptedGlobals,
    copied,
    is_empty,
    mark,
    original_of,
)
from gradx.adoption.generators import GENERATORS, GeneratorView
from gradx.adoption.holdings import Holdings
from gradx.adoption.inside import INSIDE, Call, Globals, Known, current, is_in_a_run
from gradx.adoption.instances import is_alone, leads_to_variable, twin_of
from gradx.adoption.leaving import end, result_of
from gradx.adoption.libraries import NUMPY, LibraryView, library_module, of_library
from gradx.adoption.modules import ModuleView
from gradx.adoption.places import LOCK, MEMBERS, PLAIN, Change, may_hold
from gradx.adoption.scope import Scope
from gradx.adoption.tables import KEYED, UNCHANGED, Attributes, Table, translated
from gradx.core.dispatch import Lifted
from gradx.core.objects import OBJECT
from gradx.surface.arrays import NAMESPACE
from gradx.values.per_class import is_made_here

__all__ = ["Adoption"]

_DATA = frozenset({float, int, str, bool, complex, bytes, type(None), np.float64})


class Adoption:
    """The copy of one program.

    Args:
        scope: which modules are the program; anything else is a library and stays as it is.

    Attributes:
        scope: the same.
        has_state: whether adopted code has assigned an attribute of a class or of a module.
        assigning: the globals of modules of which copies assign names.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope, self.has_state = scope, False
        self._known = Known()
        self._keeps: bool | None = None  # whether what is made now is for all calls
        self._globals: dict[int, AdoptedGlobals] = {}
        self.assigning: list[AdoptedGlobals] = []
        self._given: dict[int, tuple[Any, Any]] = {}
        self._twins: dict[int, tuple[Any, Any]] = {}
        self.holdings = Holdings(self)
        self._in_place: dict[int, Any] = {}

    def of(self, x: Any) -> Any:
        """What stands in the copy for an object of the program.

        Args:
            x: a function, a class, a module, a container of such, or any data.

        Returns:
            The copy of code, gradx's own for a name of NumPy, SciPy or math, else ``x`` itself, of
            which the parts are exchanged until the call is over.
        """
        if type(x) in _DATA or (type(x) is np.ndarray and x.dtype is not OBJECT):
            return x
        known = self._known.stands.get(id(x))
        if known is not None and self.holdings.now is None:
            if id(x) in self.holdings:
                self.holdings.reach(x)
            return known[1]
        call = current()
        if call is not None and known is None:
            known = call.known.stands.get(id(x))
            if known is not None:
                return known[1]
        with LOCK:  # one copy of each, whatever threads ask
            known = self._known.stands.get(id(x))
            new = self._made(x, call) if known is None else known[1]
            self.holdings.reach(x)
            return new

    def _made(self, x: Any, call: Call | None) -> Any:
        if isinstance(x, Lifted) or type(x) in (GeneratorView, ModuleView, LibraryView):
            return x
        new = None if isinstance(x, (*KEYED, list, tuple)) else of_library(x)
        if new is not None:
            return self.note(x, new)
        if isinstance(x, types.FunctionType):
            return self._function(x, call)
        if isinstance(x, type):
            return self._class(x, call)
        if isinstance(x, types.ModuleType):
            return self.note(x, self._module(x))
        if isinstance(x, types.MethodType):
            function, owner = self.of(x.__func__), self.of(x.__self__)
            same = function is x.__func__ and owner is x.__self__
            return x if same else types.MethodType(function, owner)
        if isinstance(x, GENERATORS):
            return self.note(x, GeneratorView(x))
        if isinstance(x, CACHED):
            return self.note(x, cached_of(self, x))
        if type(x) is np.vectorize:
            return self.note(x, NUMPY.vectorize(self.of(x.pyfunc), x.otypes))
        return self._data(x, call)

    def _data(self, x: Any, call: Call | None) -> Any:
        """A value of the program, or a new one in the place of what cannot be changed."""
        new, now = x, self._now(call)
        if isinstance(x, UNCHANGED) or (type(x) in KEYED and self._changes_keys(x)):
            with self._holding(x, now is self._known):
                new = self._other(x, now)
        if may_hold(new) and call is not None:
            enter(self, new, call, self._keeps is not None)
        elif new is x and call is not None:
            call.known.stands[id(x)] = x, x
        return new

    def _other(self, x: Any, now: Known) -> Any:
        """What stands for what cannot be changed, or is a table by code."""
        is_kept = now is self._known
        of = self.lasting if is_kept else self.of
        if isinstance(x, UNCHANGED):
            new = translated(x, of)
            if new is x:
                return x
        else:
            known = self._known.stands.get(id(x)) or now.stands.get(id(x))
            if known is not None:  # its keys have led to it
                return known[1]
            table = Table(x, of)
            self.holdings.keep_table(table) if is_kept else now.tables.append(table)
            new = table.copy
        if is_kept:
            self.holdings.keep(x)
        return now.note(x, new)

    def _changes_keys(self, x: Any) -> bool:
        if PLAIN.issuperset(map(type, x)):
            return False
        return any(type(key) not in PLAIN and self.of(key) is not key for key in list(x))

    def note(self, x: Any, new: Any) -> Any:
        """Let an object stand for another in the copy, also while it is being made."""
        return self._known.note(x, new)

    def known(self, x: Any) -> Any:
        """What stands for an object in all calls; None while it is not known."""
        return self._known.stands.get(id(x), (x, None))[1]

    def origin(self, new: Any) -> Any:
        """What an object of the copy stands for; any other object itself."""
        return self._known.origin(new)

    @property
    def tables(self) -> list[Table]:
        """The attributes of functions; other tables belong to what holds them."""
        return self._known.tables

    def _now(self, call: Call | None) -> Known:
        """Where it is remembered what is made now: for all calls, or for this one."""
        return self._known if call is None or self._keeps else call.known

    @contextmanager
    def _keeping(self, keeps: bool | None) -> Iterator[None]:
        before, self._keeps = self._keeps, keeps
        try:
            yield
        finally:
            self._keeps = before

    def _holding(self, x: Any, keeps: bool) -> AbstractContextManager[None]:
        return self.holdings.making(x) if keeps else nullcontext()

    def lasting(self, x: Any) -> Any:
        """As `of`, of what is not asked for again in each call, such as a default.

        In a function that is copied for one call, nothing lasts longer than that.
        """
        if type(x) in _DATA:
            return x
        with LOCK:
            if self._keeps is False:
                return self.of(x)
            if isinstance(x, types.MethodType):
                self.lasting(x.__self__)
            elif may_hold(x):
                self.holdings.keep(x)
            self._keep(x, current())
            with self._keeping(True):
                return self.of(x)

    def _keep(self, x: Any, call: Call | None) -> None:
        """Let what stands for an object in this call stand for it in all calls."""
        known = call.known if call is not None else self._known
        new = known.stands.get(id(x), (x, x))[1]
        if new is x or id(x) in self._known.stands:
            return
        if isinstance(x, types.FunctionType):
            self.note(original_of(x), new)
        self.note(x, new)
        for table in [table for table in known.tables if table.copy is new]:
            known.tables.remove(table)
            self.holdings.keep_table(table)

    # --- Functions --------------------------------------------------------------------------------

    def globals_of(self, original: dict[str, Any]) -> AdoptedGlobals:
        """The globals that the copies of a module's functions have."""
        known = self._globals.get(id(original))
        if known is None:
            known = self._globals[id(original)] = AdoptedGlobals(self, original)
        return known

    def code_of(self, f: types.FunctionType) -> Any:
        """The copy of a function, which is called in adopted code alone.

        Args:
            f: a function of the program.
        """
        with LOCK:
            known = self._known.codes.get(id(f))
            if known is not None:
                return known[1]
            with self._keeping(True if self._keeps is None else self._keeps):
                known = self._now(current()).codes.get(id(f))
                if known is not None:
                    return known[1]
                with self._holding(f, bool(self._keeps)):
                    return copied(self, f)

    def note_code(self, f: Any, new: Any) -> None:
        """Remember the copy of a function, also while it is being made."""
        self._now(current()).codes[id(f)] = f, new

    def _function(self, x: Any, call: Call | None) -> Any:
        """What adopted code has for a function: the copy there, and elsewhere the original.

        It may get to where other code finds it. A closure that is an argument, or that an object
        holds, may be another one in each call, so its copy is for one.
        """
        f = original_of(x)
        is_brief = not self._keeps and call is not None and "<locals>" in f.__qualname__
        with self._keeping(not is_brief):
            code = self.code_of(f)
            if code is f:
                if call is not None:
                    call.known.stands[id(x)] = x, x
                return x
            now = self._now(call) if is_brief else self._known
            known = now.stands.get(id(f))
            new = self.standing(f, code, True) if known is None else known[1]
            now.stands[id(x)] = x, new
            if known is None:
                now.note(f, new)
                of = self.lasting if now is self._known else self.of
                with self.holdings.for_all():
                    now.tables.append(Attributes(x, new, of))
            return new

    def given(self, f: types.FunctionType) -> Any:
        """The adopted function that is called from outside: the original without a variable.

        Args:
            f: a function of the program.
        """
        known = self._given.get(id(f))
        if known is None:
            known = self._given[id(f)] = f, self.standing(f, None, False)
        return known[1]

    def standing(self, f: Any, code: Any, inner: bool) -> Any:
        """A function that is the copy of ``f`` in adopted code, and may be called elsewhere.

        Args:
            f: a function of the program.
            code: the copy, where it is known.
            inner: whether it is for adopted code, and not for the caller.
        """

        @functools.wraps(f)
        def adopted(*args: Any, **kwargs: Any) -> Any:
            nonlocal code
            call = current()
            if call is None:
                return self._from_outside(f, args, kwargs, sys._getframe(1))
            if self not in call.adoptions:
                self._begin(call)
            if code is None:
                code = self.code_of(f)
            if id(f) in self.holdings:
                self.holdings.reach(f)
            return code(*args, **kwargs)

        # Who asks for the parameters finds those of the original, or what that says they are.
        new: Any = adopted
        if not hasattr(f, "__wrapped__") and not hasattr(f, "__signature__"):
            new.__signature__ = inspect.signature(f)
        like = code or f  # of its defaults Python asks for none, since there is nothing to fill
        new.__defaults__, new.__kwdefaults__ = like.__defaults__, like.__kwdefaults__
        new.__wrapped__ = getattr(f, "__wrapped__", like)
        mark(new, f, inner)
        return new

    # --- Calls from outside -----------------------------------------------------------------------

    def _from_outside(self, f: Any, args: Any, kwargs: Any, caller: types.FrameType) -> Any:
        """A call of a function of `gx.adopt`, or of what has left adopted code.

        The caller may be a closure of adopted code that runs later, as in the sweep of a
        checkpoint. Then what it has is left as it is.
        """
        plain = not leads_to_variable([*args, *kwargs.values(), f])
        if plain and not (self._has_assigned() and is_in_a_run(caller)):
            return f(*args, **kwargs)
        call = Call(isinstance(caller.f_globals, Globals))
        by_runner = str(caller.f_globals.get("__name__")).startswith("gradx.")
        with self.running(call):
            result = self._run(f, args, kwargs, by_runner, call)
        return result_of(result, call)

    def _has_assigned(self) -> bool:
        """Whether the copy has assigned what the original has not: in a run maybe a variable."""
        if self.assigning and not self.has_state:
            self.has_state = any(each.has_assigned() for each in self.assigning)
        return self.has_state

    @contextmanager
    def running(self, call: Call) -> Iterator[None]:
        """A block in which adopted code runs."""
        token, namespace = INSIDE.set(call), NAMESPACE.set(NUMPY)
        try:
            self._begin(call)
            yield
        finally:
            INSIDE.reset(token)
            NAMESPACE.reset(namespace)
            end(call)

    def _run(self, f: Any, args: Any, kwargs: Any, by_runner: bool, call: Call) -> Any:
        with LOCK, self._keeping(None if id(f) in self._given else False):
            copy = self.code_of(f)  # of a closure that a call has returned, for this one
        self.holdings.reach(f)
        values = [*args, *kwargs.values()]
        if all(map(is_alone, values)):
            call.begins = False
            return copy(*args, **kwargs)
        values = [self._twins.get(id(x), (x, x))[1] for x in values]
        names = [*map(str, range(len(args))), *kwargs]
        with borrowed(f, values, names, by_runner) as lent:
            new = [self.of(x) for x in lent]
            call.roots.extend(x for x in values if isinstance(x, (*UNCHANGED, types.MethodType)))
            call.begins = False
            return copy(*new[: len(args)], **dict(zip(kwargs, new[len(args) :], strict=True)))

    def _begin(self, call: Call) -> None:
        """Let a call see what adopted code does not ask for again, such as what defaults hold."""
        call.adoptions.append(self)
        with LOCK:
            self._exchange_members(call)
            for each in list(self._globals.values()):
                each.refresh()
            self.holdings.begin(call, self.tables)

    def enter(self, xs: Sequence[Any], call: Call) -> None:
        """Let a call see objects that code holds, which it may meet while it sees others."""
        before, call.waiting = call.waiting, None
        with self._keeping(None):
            for x in xs:
                new = self.of(x)
                if new is not x and may_hold(new) and id(new) not in call.known.stands:
                    enter(self, new, call, False)
        call.waiting = before

    def twin(self, x: Any) -> Any:
        """What an instance is outside of adopted code: a twin with adopted methods.

        Args:
            x: an instance, or a class; what has no twin comes back as it is.
        """
        if isinstance(x, type):
            return self.of(x)
        new = twin_of(self, x)
        if new is not x:
            self._twins[id(new)] = new, x
        return new

    # --- Cells ------------------------------------------------------------------------------------

    def cell_of(self, cell: types.CellType) -> types.CellType:
        """The cell of the copy of a closure: one for each original, and that itself for data.

        A new one is empty, so that the function may be made before what it has caught.
        """
        cells = self._now(current()).cells
        known = self._known.cells.get(id(cell)) or cells.get(id(cell))
        if known is None:
            code = not is_empty(cell) and isinstance(cell.cell_contents, CODE)
            known = cells[id(cell)] = cell, types.CellType() if code else cell
            if not code:
                self.lasting(cell)
        return known[1]

    # --- Kinds of objects -------------------------------------------------------------------------

    def _class(self, cls: Any, call: Call | None) -> Any:
        if is_adopted_class(cls):
            self.holdings.reach(original_class(cls))
            if call is not None and (call.begins or self.of(original_class(cls)) is not cls):
                call.known.stands[id(cls)] = cls, cls  # the caller has made it
            return cls
        if not self.scope.covers_name(cls.__module__):
            return self.note(cls, cls)
        new = adopted_class(self, cls)
        if new is cls and is_made_here(cls):
            self._in_place |= {id(base): base for base in cls.__mro__ if self._is_own(base)}
            if call is not None:
                self._exchange_members(call)
        return new

    def is_in_place(self, cls: Any) -> bool:
        """Whether methods of a class are exchanged in it, as those of an enum are."""
        return id(cls) in self._in_place

    def _is_own(self, cls: Any) -> bool:
        return is_made_here(cls) and self.scope.covers_name(cls.__module__)

    def _exchange_members(self, call: Call) -> None:
        """Let methods of classes that cannot be subclassed, such as enums, be adopted in place."""
        for cls in list(self._in_place.values()):
            if id(cls) not in call.known.stands:
                call.known.stands[id(cls)] = cls, cls
                changes = [Change(*each) for each in members_in_place(self, cls)]
                hold_in(call, cls, MEMBERS, changes)

    def _module(self, module: types.ModuleType) -> Any:
        library = library_module(module)
        if library is not None:
            return library
        return ModuleView(self, module) if self.scope.covers(vars(module)) else module
