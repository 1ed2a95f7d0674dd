"""`gx.adopt`: a function, a class or a module as a program whose NumPy is gradx's."""

from __future__ import annotations

import functools
import importlib
import inspect
import reprlib
import sys
import types
from collections.abc import Hashable
from typing import Any, NoReturn, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from gradx.adoption.adopted import Adoption
from gradx.adoption.caches import CACHED
from gradx.adoption.classes import adopted_class, is_adopted_class, why_not
from gradx.adoption.functions import original_of
from gradx.adoption.libraries import NUMPY, library_module, of_library
from gradx.adoption.modules import ModuleView
from gradx.adoption.places import LOCK
from gradx.adoption.scope import FOREIGN, Scope
from gradx.errors import AdoptionError

__all__ = ["adopt", "adoption_of", "named"]

T = TypeVar("T")
_ADOPT_THE_USER = "adopt the code that uses it"
_WRAPPED = (staticmethod, classmethod)


def adopt(program: T) -> T:
    """A copy of a program in which NumPy, SciPy and math are gradx's; the original stays as it is.

    In the copy ``np.zeros(n)`` can be filled with variables, ``np.array([v, w])`` and
    ``math.sin(v)`` are variables, and so on for all that NumPy's protocols cannot carry. Functions
    and classes of the same package that the program reaches are adopted with it.

    Args:
        program: a function, a class, a method, a ``functools.partial``, a module, or the name of a
            module (``"package.module"``) or of something in it (``"package.module:name"``). Usable
            as a decorator of functions and classes.

    Returns:
        The same kind of thing. A function that is called with no variable among its arguments, and
        has caught none, is the original.

    Raises:
        AdoptionError: there is no Python code to copy, as of a function of C; names what to adopt
            instead.

    >>> import gradx as gx
    >>> mean = gx.adopt("statistics:fmean")
    >>> gx.grad(lambda x: mean([x, 2.0 * x]))(1.0)
    1.5
    """
    thing: Any = named(program) if isinstance(program, str) else program
    given: Any = _given(thing)
    return given  # type: ignore[no-any-return]


def named(name: str, asker: str = "gx.adopt") -> Any:
    """What a name says: ``"package.module"``, or ``"package.module:function"``.

    Args:
        name: the name.
        asker: what takes it, for messages.

    Raises:
        AdoptionError: there is no such module, or nothing of the name in it.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise AdoptionError(
            f"there is no module {error.name!r}; {asker} takes the name of a module, as for "
            "import, or 'package.module:function'"
        ) from error
    for part in filter(None, path.split(".")):
        if not hasattr(found, part):
            raise AdoptionError(
                f"{name!r} is not there, since {module} has no {part!r}; {asker} takes "
                "'package.module:function'"
            )
        found = getattr(found, part)
    return found


def adoption_of(thing: Any) -> Adoption:
    """The adoption of the package that a function, class or module is in: one while it is in use.

    So all that is adopted of a program sees one copy of its classes, as the program sees one class,
    also where threads share its objects. A local function or class has an adoption of its own,
    which goes with it, since there may be any number of them.
    """
    if isinstance(thing, types.FunctionType):
        scope = Scope(inspect.unwrap(thing).__globals__)
    elif isinstance(thing, types.ModuleType):
        scope = Scope(vars(thing))
    else:
        home = sys.modules.get(thing.__module__)
        scope = Scope({"__name__": thing.__module__} if home is None else vars(home))
    if "<locals>" in getattr(thing, "__qualname__", ""):
        return Adoption(scope)
    with LOCK:
        adoption = _ADOPTIONS.get(scope.key)
        if adoption is None:
            adoption = _ADOPTIONS[scope.key] = Adoption(scope)
    return adoption


_ADOPTIONS: WeakValueDictionary[Hashable, Adoption] = WeakValueDictionary()


def _given(thing: Any) -> Any:
    if isinstance(thing, _WRAPPED):
        return type(thing)(_given(thing.__func__))
    if isinstance(thing, property):
        return property(*(f and _given(f) for f in (thing.fget, thing.fset, thing.fdel)))
    if isinstance(thing, types.FunctionType):
        f = original_of(thing)
        _check_function(f)
        return adoption_of(f).given(f)
    if isinstance(thing, types.MethodType):
        return _method(thing)
    if isinstance(thing, functools.partial):
        return type(thing)(_given(thing.func), *thing.args, **thing.keywords)
    if isinstance(thing, type) and of_library(thing) is None:
        return _class(thing)
    if isinstance(thing, types.ModuleType):
        if library_module(thing) is not None or not _is_program(vars(thing)):
            _refuse(thing, "it is a library that gradx has or is built upon", _ADOPT_THE_USER)
        return ModuleView(adoption_of(thing), thing, outside=True)
    if type(thing) is np.vectorize:
        return NUMPY.vectorize(_given(thing.pyfunc), thing.otypes)
    return _object(thing)


def _class(cls: Any) -> Any:
    if is_adopted_class(cls):
        return cls
    reason = why_not(cls)
    if reason is None:
        new = adopted_class(adoption_of(cls), cls)
        if new is not cls:
            return new
        reason = "lets nobody subclass it"
    raise AdoptionError(
        f"the class {cls.__qualname__} cannot be adopted, since it {reason}; adopt the functions "
        "that use it"
    )


def _method(method: types.MethodType) -> Any:
    """A bound method as one of a twin of its object, or of the adopted class."""
    owner, f = method.__self__, method.__func__
    if not isinstance(f, types.FunctionType):
        return _object(f)
    adoption = adoption_of(owner if isinstance(owner, type) else type(owner))
    return types.MethodType(adoption.given(original_of(f)), adoption.twin(owner))


def _object(thing: Any) -> Any:
    """An object that can be called: a twin of it, or what it says it is a wrapper of.

    Raises:
        AdoptionError: there is no code in it to copy.
    """
    if isinstance(thing, CACHED):
        _refuse(
            thing,
            "functools.cache and lru_cache keep results of one run for the next",
            f"adopt the function in it, gx.adopt({_name(thing)}.__wrapped__)",
        )
    if type(thing).__module__.partition(".")[0] == "numba":
        _refuse(
            thing,
            "it is compiled by numba",
            f"adopt its Python function, gx.adopt({_name(thing)}.py_func)",
        )
    if of_library(thing) is not None or isinstance(thing, np.ufunc):
        _refuse(thing, "it is a function of a library that gradx has", "call it as it is")
    adoption = adoption_of(type(thing))
    twin = adoption.twin(thing) if callable(thing) else thing
    if twin is not thing:
        return twin
    call = inspect.getattr_static(type(thing), "__call__", None)
    if isinstance(call, types.FunctionType) and adoption.code_of(original_of(call)) is not call:
        return types.MethodType(adoption.given(original_of(call)), thing)  # which has no twin
    inner = getattr(thing, "__wrapped__", None)
    if isinstance(inner, types.FunctionType):
        return _given(inner)
    if not callable(thing):
        raise AdoptionError(
            f"gx.adopt was given a {type(thing).__name__}, {reprlib.repr(thing)}; it takes a "
            "function, a class, a module or the name of one"
        )
    _refuse(
        thing,
        "there is no Python code in it to copy",
        "make an op of it with @gx.lift, whose pullback says the derivative",
    )


def _name(thing: Any) -> str:
    return str(getattr(thing, "__qualname__", getattr(thing, "__name__", type(thing).__name__)))


def _refuse(thing: Any, why: str, remedy: str) -> NoReturn:
    raise AdoptionError(f"{_name(thing)} cannot be adopted, since {why}; {remedy}")


def _check_function(f: types.FunctionType) -> None:
    """Refuse a function of gradx and of what it is built upon."""
    if not _is_program(f.__globals__):
        if inspect.unwrap(f) is not f:
            name = _name(f)
            _refuse(f, "it is a transform of gradx", f"adopt the function in it, gx.adopt({name})")
        _refuse(f, "it is of a library that gradx has or is built upon", _ADOPT_THE_USER)


def _is_program(globals_: dict[str, Any]) -> bool:
    return str(globals_.get("__name__")).partition(".")[0] not in FOREIGN
