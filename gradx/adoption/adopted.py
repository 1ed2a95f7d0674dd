"""One adoption: what stands in the copy of a program for each function, class and module of it.

`Adoption.of` translates any object that the program reaches by a name, a cell or a default. Code of
the program is copied, names of NumPy, SciPy and math become gradx's, and data is shared.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import operator
import sys
import threading
import types
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from gradx.adoption.attributes import Attributes, is_within
from gradx.adoption.borrowing import borrowed
from gradx.adoption.classes import adopted_class, is_adopted_class
from gradx.adoption.functions import AdoptedGlobals, copied, is_empty, mark, original_of
from gradx.adoption.generators import GENERATORS, GeneratorView
from gradx.adoption.instances import (
    adopted_instance,
    exchanged,
    instances_in,
    is_alone,
    is_of_the_program,
    leads_to_variable,
    restore,
    restored,
)
from gradx.adoption.libraries import NUMPY, library_module, of_library
from gradx.adoption.modules import ModuleView
from gradx.adoption.scope import Scope
from gradx.surface.arrays import NAMESPACE

__all__ = ["Adoption"]

_CONTAINERS = frozenset({list, tuple, dict})
_CODE = (types.FunctionType, types.MethodType, type, types.ModuleType, functools.partial)
_DATA = frozenset({float, int, str, bool, complex, bytes, type(None), np.ndarray, np.float64})

_INSIDE: ContextVar[dict[Any, Callable[[], object]] | None] = ContextVar(
    "gradx_inside", default=None
)
"""Whether adopted code runs, and what puts back what it has exchanged in objects.

What it calls is adopted too, with a variable or without.
"""


class Adoption:
    """The copy of one program.

    Args:
        scope: which modules are the program; anything else is a library and stays as it is.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._copies: dict[int, tuple[Any, Any]] = {}  # with the originals, which keep their ids
        self._globals: dict[int, AdoptedGlobals] = {}
        self._cells: dict[int, tuple[Any, Any]] = {}
        self._given: dict[int, tuple[Any, Any]] = {}
        self._twins: dict[int, Any] = {}
        self._exchanged: dict[int, int] = {}  # how many calls under way have changed its class
        self._held: dict[int, tuple[int, list[Attributes]]] = {}  # and its attributes
        self._lock = threading.RLock()

    def of(self, x: Any) -> Any:
        """What stands in the copy for an object of the program.

        Args:
            x: a function, a class, a module, a container of such, or any data.

        Returns:
            The copy of code, gradx's own for a name of NumPy, SciPy or math, else ``x`` itself.
        """
        if type(x) in _DATA:
            return x
        known = self._copies.get(id(x))
        if known is not None:
            return known[1]
        with self._lock:  # one copy of each, whatever threads ask
            return self._copies[id(x)][1] if id(x) in self._copies else self._made(x)

    def _made(self, x: Any) -> Any:
        new = None if type(x) in _CONTAINERS else of_library(x)
        if new is not None:
            return self.note(x, new)
        if isinstance(x, types.FunctionType):
            return x if is_within(x) else copied(self, original_of(x))
        if isinstance(x, type):
            return self._class(x)
        if isinstance(x, types.ModuleType):
            return self.note(x, self._module(x))
        if isinstance(x, types.MethodType):
            function, owner = self.of(x.__func__), self.of(x.__self__)
            same = function is x.__func__ and owner is x.__self__
            return x if same else types.MethodType(function, owner)
        if isinstance(x, functools.partial):
            return self._partial(x)
        if isinstance(x, GENERATORS):
            return self.note(x, GeneratorView(x))
        if type(x) is np.vectorize:
            return self.note(x, NUMPY.vectorize(self.of(x.pyfunc), x.otypes))
        if type(x) in _CONTAINERS:
            return self._container(x) if _holds_code(x) else self._entered(x)
        new = adopted_instance(self, x)
        if new is x:
            return x
        self._twins[id(new)] = new
        self.note(x, new)  # which its attributes may lead to
        return self._entered(new)

    def _entered(self, x: Any) -> Any:
        """A table or a twin, of which the parts are of adopted classes until the call is over."""
        held = _INSIDE.get()
        if held is None or ("parts", id(x)) in held:
            return x
        held["parts", id(x)] = functools.partial(id, x)  # which keeps its identity
        if id(x) in self._twins or any(is_of_the_program(self, part) for part in _first_of(x)):
            for part in instances_in(self, x):
                if ("class", id(part)) not in held and self.exchange(part):
                    held["class", id(part)] = functools.partial(self.give_back, part)
                self.hold(part)
        return x

    def hold(self, x: Any) -> Any:
        """An instance whose attributes that hold code are adopted, until the call is over.

        Args:
            x: an instance of a class of the program, or of an adopted one.
        """
        held = _INSIDE.get()
        if held is not None and id(x) not in held:
            held[id(x)] = functools.partial(self._let_go, x)
            with self._lock:
                calls, changed = self._held.get(id(x), (0, []))
                attributes = Attributes(x, self.of, _INSIDE.get)
                self._held[id(x)] = calls + 1, [*changed, attributes] if attributes else changed
                attributes.exchange()
        return x

    def _let_go(self, x: Any) -> None:
        """Give an instance its attributes again, where no other call needs the adopted ones."""
        with self._lock:
            calls, changed = self._held.pop(id(x))
            if calls > 1:
                self._held[id(x)] = calls - 1, changed
                return
            for attributes in reversed(changed):
                attributes.give_back()

    def note(self, x: Any, new: Any) -> Any:
        """Let an object stand for another in the copy, also while it is being made."""
        self._copies[id(x)] = x, new
        return new

    def globals_of(self, original: dict[str, Any]) -> AdoptedGlobals:
        """The globals that the copies of a module's functions have."""
        known = self._globals.get(id(original))
        if known is None:
            known = self._globals[id(original)] = AdoptedGlobals(self, original)
        return known

    # --- Cells ------------------------------------------------------------------------------------

    def cell_of(self, cell: types.CellType) -> types.CellType:
        """The cell of the copy of a closure: one for each original, and that itself for data.

        A new one is empty, so that the function may be made before what it has caught.
        """
        known = self._cells.get(id(cell))
        if known is None:
            code = not is_empty(cell) and _is_code(cell.cell_contents)
            known = self._cells[id(cell)] = cell, types.CellType() if code else cell
        return known[1]

    def changes_cell(self, cell: types.CellType) -> bool:
        """Whether what a cell holds has a copy of its own."""
        if is_empty(cell) or not _is_code(cell.cell_contents):
            return False
        return self.of(cell.cell_contents) is not cell.cell_contents

    # --- What is given out ------------------------------------------------------------------------

    def given(self, f: types.FunctionType) -> Any:
        """The adopted function that is called from outside: the original without a variable.

        Args:
            f: a function of the program.
        """
        known = self._given.get(id(f))
        if known is not None:
            return known[1]

        # Whose first argument must be of the adopted class.
        asks_super = "__class__" in f.__code__.co_freevars

        @functools.wraps(f)
        def adopted(*args: Any, **kwargs: Any) -> Any:
            inside = _INSIDE.get() is not None
            if inside and (not asks_super or _is_of_adopted_class(args)):
                return self.of(f)(*args, **kwargs)
            if not inside and not leads_to_variable([*args, *kwargs.values(), f]):
                return f(*args, **kwargs)
            caller = str(sys._getframe(1).f_globals.get("__name__"))
            by_runner = caller.startswith("gradx.")
            return self._run(f, args, kwargs, by_runner)

        if not hasattr(f, "__wrapped__"):  # for who asks a method for its parameters
            adopted.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]
        mark(adopted, f)  # type: ignore[arg-type]
        self._given[id(f)] = f, adopted
        return adopted

    def _run(self, f: Any, args: Any, kwargs: Any, by_runner: bool) -> Any:
        """The call of a copy from outside, on handles and adopted instances."""
        held: dict[Any, Callable[[], object]] = {}
        token, namespace = _INSIDE.set(held), NAMESPACE.set(NUMPY)
        try:
            copy, values = self.of(f), [*args, *kwargs.values()]
            for twin in list(self._twins.values()):
                self._entered(twin)
            if all(map(is_alone, values)):
                return restored(copy(*args, **kwargs), self)
            own = [x for x in values if is_adopted_class(type(x)) and id(x) not in self._twins]
            names = [*map(str, range(len(args))), *kwargs]
            with borrowed(f, values, names, by_runner) as lent, exchanged(self, lent) as new:
                named = dict(zip(kwargs, new[len(args) :], strict=True))
                return restored(copy(*new[: len(args)], **named), self, own)
        finally:
            _INSIDE.reset(token)
            NAMESPACE.reset(namespace)
            for put_back in held.values():
                put_back()

    def exchange(self, x: Any) -> bool:
        """Make an instance of the program one of the adopted class, until it is given back.

        Another thread may have done so already; the last to give it back gives it its own class.

        Args:
            x: the instance.

        Returns:
            Whether it has to be given back.
        """
        cls = type(x)
        with self._lock:
            calls = self._exchanged.get(id(x), 0)
            if not calls:
                new = cls if is_adopted_class(cls) else self.of(cls)
                if new is cls:
                    return False
                try:
                    object.__setattr__(x, "__class__", new)
                except TypeError:  # the subclass has another layout in memory
                    return False
            self._exchanged[id(x)] = calls + 1
            return True

    def give_back(self, x: Any) -> None:
        """Give an instance its own class again, where no other call needs the adopted one."""
        with self._lock:
            self._exchanged[id(x)] -= 1
            if not self._exchanged[id(x)]:
                del self._exchanged[id(x)]
                restore(x)

    # --- Kinds of objects -------------------------------------------------------------------------

    def _class(self, cls: Any) -> Any:
        if is_adopted_class(cls) or not self.scope.covers_name(cls.__module__):
            return self.note(cls, cls)
        return adopted_class(self, cls)

    def _module(self, module: types.ModuleType) -> Any:
        library = library_module(module)
        if library is not None:
            return library
        return ModuleView(self, module) if self.scope.covers(vars(module)) else module

    def _partial(self, x: Any) -> Any:
        args = [self.of(arg) for arg in x.args]
        named = {name: self.of(arg) for name, arg in x.keywords.items()}
        function = self.of(x.func)
        new = [function, *args, *named.values()]
        old = [x.func, *x.args, *x.keywords.values()]
        if all(map(operator.is_, new, old)):
            return x
        return self.note(x, type(x)(function, *args, **named))

    def _container(self, x: Any) -> Any:
        """A copy of a table of functions; what the copy of the program adds stays in it."""
        if type(x) is dict:
            new: Any = {key: self.of(part) for key, part in x.items()}
            same = all(map(operator.is_, x.values(), new.values()))
        else:
            new = type(x)(map(self.of, x))
            same = all(map(operator.is_, x, new))
        return x if same else self.note(x, new)


def _is_of_adopted_class(args: tuple[Any, ...]) -> bool:
    """Whether the first argument is an instance of an adopted class, or such a class."""
    first = args[0] if args else None
    return is_adopted_class(first if isinstance(first, type) else type(first))


def _is_code(x: Any) -> bool:
    """Whether an object is code, of which a copy may differ, or a table of such."""
    if type(x) in _CONTAINERS:
        return _holds_code(x)
    return isinstance(x, (*_CODE, *GENERATORS)) or callable(x)


def _holds_code(x: Any) -> bool:
    """Whether there is code among the first items of a container."""
    return any(isinstance(part, _CODE) for part in _first_of(x))


def _first_of(x: Any) -> list[Any]:
    """The first items of a container."""
    return list(itertools.islice(x.values() if type(x) is dict else x, 32))
