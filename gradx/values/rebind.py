"""Rebinding: functions inside a value that refer to other parts of it.

A differentiated function gets a copy of its input with variables for the numbers. A bound method
in it, such as a loss that a trainer keeps, must be a method of the copy; and a function that has
caught an array or a record of the input would go on with plain numbers, so it is refused.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from gradx.errors import NotDifferentiableError

__all__ = ["is_function", "rebound", "refuse_captured"]

_CACHED = type(functools.lru_cache(lambda: None))
_BOUND = (types.BuiltinFunctionType, types.MethodWrapperType)
_FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial, _CACHED, *_BOUND)
_PLAIN = (list, tuple, set, frozenset)


def is_function(value: Any) -> bool:
    """Whether a value is of a type that `rebound` and `refuse_captured` look into."""
    return isinstance(value, _FUNCTIONS)


def rebound(function: Any, copies: Mapping[int, Any]) -> Any:
    """A bound method of a copied object, bound to the copy; any other function as it is.

    Methods of Python and of C, also inside `functools.partial` and `functools.cache`, whose results
    so far are left behind.

    Args:
        function: any function; one that is not bound comes back as it is.
        copies: the copy of each object, by the ``id`` of the object.

    >>> mine, copy = [1.0], [2.0]
    >>> rebound(mine.count, {id(mine): copy})(2.0)
    1
    """
    if isinstance(function, functools.partial):
        inner = rebound(function.func, copies)
        if inner is function.func:
            return function
        return type(function)(inner, *function.args, **function.keywords)
    if isinstance(function, _CACHED):
        inner = rebound(function.__wrapped__, copies)
        if inner is function.__wrapped__:
            return function
        return functools.lru_cache(**function.cache_parameters())(inner)
    if isinstance(function, types.MethodType):
        copied = copies.get(id(function.__self__), function)
        return function if copied is function else types.MethodType(function.__func__, copied)
    if isinstance(function, _BOUND):
        copied = copies.get(id(function.__self__), function)
        return function if copied is function else getattr(copied, function.__name__)
    return function


def refuse_captured(function: Any, ids: Container[int], path: str | Callable[[], str]) -> None:
    """Refuse a function that closes over a part of the input, which would stay plain in it.

    Looked through are the cells, the defaults, the arguments of `functools.partial`, the plain
    containers and the functions in them. Numbers among them are constants.

    Args:
        function: the function, as it stands in the input.
        ids: the ``id`` of each array, list, dict and record of the input.
        path: where the function is, or what gives it.

    Raises:
        NotDifferentiableError: it has caught one of them; the message says by which name.
    """
    waiting, seen = list(_caught(function)), {id(function)}
    while waiting:
        how, x = waiting.pop()
        if id(x) in ids:
            where = path if isinstance(path, str) else path()
            raise NotDifferentiableError(
                f"{where}: this function keeps a {type(x).__name__} that is a part of the input "
                f"({how}); inside it that part would be a constant, and its gradient lost. "
                "Pass it to the function as an argument, or make the function a method of the "
                "record that has the part"
            )
        if id(x) in seen:
            continue
        seen.add(id(x))
        if type(x) is dict:
            waiting.extend((how, part) for part in x.values())
        elif type(x) in _PLAIN:
            waiting.extend((how, part) for part in x)
        elif isinstance(x, types.MethodType):
            waiting.extend([(how, x.__self__), *_caught(x)])
        elif isinstance(x, _BOUND):
            waiting.append((how, x.__self__))
        elif isinstance(x, _FUNCTIONS):
            waiting.extend(_caught(x))


def _caught(function: Any) -> Iterator[tuple[str, Any]]:
    """The values in a function's closure, defaults and arguments, each with a description."""
    if isinstance(function, functools.partial):
        for x in function.args:
            yield "an argument of functools.partial", x
        for name, x in function.keywords.items():
            yield f"the argument {name!r} of functools.partial", x
        yield from _caught(function.func)
    elif isinstance(function, _CACHED):
        yield from _caught(function.__wrapped__)
    elif isinstance(function, types.MethodType):
        yield from _caught(function.__func__)
    elif isinstance(function, types.FunctionType):
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                yield f"its closure has it as {name!r}", cell.cell_contents
            except ValueError:  # a name that has no value yet
                continue
        for x in function.__defaults__ or ():
            yield "the default of a parameter", x
        for name, x in (function.__kwdefaults__ or {}).items():
            yield f"the default of the parameter {name!r}", x
