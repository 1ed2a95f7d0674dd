"""What stands for the names of SciPy in an adopted program.

gradx's function where there is one, else SciPy's own. Either gets plain arrays for handles of level
0, so that these are constants to it, and its arrays can be filled.
"""

from __future__ import annotations

import functools
import importlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from gradx.adoption.class_views import ClassView
from gradx.adoption.inside import handed
from gradx.control.finding import variables_behind
from gradx.core.notes import instead_of_solver
from gradx.errors import NotLiftedError
from gradx.reverse.constants import stripped

__all__ = ["SCIPY", "of_scipy", "plain_of_scipy", "scipy_module"]


class ScipyView(types.ModuleType):
    """A module of SciPy as an adopted program sees it.

    Args:
        name: the module's, such as ``scipy.linalg``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__dict__["_own"] = None

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__["_own"]
        if own is None:
            own = self.__dict__["_own"] = _module(self.__name__)
        value = getattr(own, name, None) if not name.startswith("__") else None
        if value is None:
            value = getattr(importlib.import_module(self.__name__), name)
        if isinstance(value, types.ModuleType):
            full = f"{self.__name__}.{name}"
            value = ScipyView(full) if full in sys.modules or _has(full) else value
        elif not isinstance(value, np.ufunc) and callable(value):
            value = _view_of(value)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(importlib.import_module(self.__name__))


def _has(name: str) -> bool:
    """Whether gradx has a module of SciPy's name."""
    try:
        return find_spec(f"gradx.{name}") is not None
    except ModuleNotFoundError:  # what it is in is a module, or not there
        return False


def _module(name: str) -> types.ModuleType:
    """Gradx's module of a name of SciPy, or that itself."""
    return importlib.import_module(f"gradx.{name}" if _has(name) else name)


def _view_of(x: Any) -> Any:
    """A function or class that is given plain arrays for constants; any other object as it is."""
    if isinstance(x, type):
        return ClassView(x)
    if not isinstance(x, (types.FunctionType, types.BuiltinFunctionType)):
        return x
    return _with_constants(x)


def _with_constants(function: Callable[..., Any]) -> Callable[..., Any]:
    is_of_scipy = function.__module__.startswith("scipy.")  # and not one of gradx
    name = ".".join([*function.__module__.split(".")[:2], function.__qualname__])

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        named = {name: stripped(x) for name, x in kwargs.items()}
        try:
            return handed(function(*map(stripped, args), **named))
        except (AttributeError, SystemError, TypeError, ValueError) as error:
            if is_of_scipy and _depends([*args, *kwargs.values()]):
                instead = instead_of_solver(name) or _INSTEAD
                raise NotLiftedError(f"{name} has no derivative in gradx; {instead}") from error
            raise

    return call


_INSTEAD = (
    "write it with functions that have one, make an op of it with @gx.lift, or pass gx.value(v) "
    "for what is constant"
)


def _depends(args: Iterable[Any]) -> bool:
    """Whether a variable is among arguments, or behind a function that is one."""
    return any(v._run.level for x in args for v in variables_behind(x))


SCIPY = ScipyView("scipy")


def scipy_module(name: str) -> Any:
    """What stands for a module of SciPy.

    Args:
        name: the module's, with the package.
    """
    view: Any = SCIPY
    for part in name.split(".")[1:]:
        view = getattr(view, part)
    return view


def of_scipy(x: Any) -> Any:
    """What stands for a function, class or distribution that was imported from SciPy.

    Args:
        x: any object.

    Returns:
        None for what is not of SciPy, or under no name of it; a ufunc dispatches by itself.
    """
    module = getattr(x, "__module__", None)
    if not isinstance(module, str) or not module.startswith("scipy."):
        return None
    name = getattr(x, "__name__", None) or getattr(x, "name", None)
    name = name or type(x).__name__.removesuffix("_gen")  # a distribution of vectors has no name
    parts = module.split(".")
    for count in (3, 2):
        if any(part.startswith("_") for part in parts[:count]):
            continue
        public = ".".join(parts[:count])
        if isinstance(name, str) and getattr(sys.modules.get(public), name, None) is x:
            new = getattr(scipy_module(public), name)
            return None if new is x else new
    return None


def plain_of_scipy(x: Any) -> Any:
    """SciPy's own for what stands for it in adopted code; any other object itself."""
    if isinstance(x, ScipyView):
        return sys.modules.get(x.__name__, x)
    if type(x) is ClassView:
        return x._cls
    module = getattr(x, "__module__", None)
    if isinstance(module, str) and module.startswith(("scipy.", "gradx.scipy.")):
        for view, name in _names_of(SCIPY):
            if vars(view)[name] is x:
                return getattr(sys.modules.get(view.__name__), name, x)
    return x


def _names_of(view: ScipyView) -> Iterator[tuple[ScipyView, str]]:
    """The names that were looked up in a module and in those in it."""
    for name, value in list(vars(view).items()):
        if isinstance(value, ScipyView):
            yield from _names_of(value)
        else:
            yield view, name
