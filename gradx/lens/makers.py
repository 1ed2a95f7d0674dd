"""Makers: the functions that create optics.

`lens` begins a path at a class, follows a function that reads a path, or takes a getter and a
setter; the others create optics to be composed with ``>>``.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from gradx.errors import OpticError
from gradx.lens.functions import Between, GetSet, Match, PartsOf
from gradx.lens.optic import Affine, Iso, Lens, Prism, Traversal, made

__all__ = ["at_instances_of", "each", "filtered", "iso", "ix", "just", "lens", "prism", "traversal"]

S = TypeVar("S")
A = TypeVar("A")


@overload
def lens(cls: type[S], /) -> Iso[S, S]: ...


@overload
def lens(cls: types.UnionType, /) -> Iso[Any, Any]: ...


@overload
def lens(cls: type[S], path: Callable[[S], A], /) -> Lens[S, A]: ...


@overload
def lens(path: Callable[[S], A], /) -> Lens[S, A]: ...


@overload
def lens(get: Callable[[S], A], set: Callable[[S, A], S], /) -> Lens[S, A]: ...


def lens(first: Any, second: Any = None, /) -> Any:
    """A lens: of a whole, along a path, or of a getter and a setter.

    ``lens(Net)`` is the whole, at which paths begin: ``lens(Net).layers[0].bias``; the names of
    the fields of dataclasses are checked at once. ``lens(Net, lambda n: n.layers[0].bias)`` and
    ``lens(lambda n: n.layers[0].bias)`` are the same path, written so that a type checker knows
    the type of the part. ``lens(get, set)`` consists of ``get(whole) -> part`` and ``set(whole,
    part) -> whole``.

    Args:
        first: a class, such as a dataclass or ``tuple``; a path; or a getter.
        second: a path, or a setter.

    Raises:
        AttributeError: a field does not exist.
        OpticError: the function does not return a path, or the argument is neither a class nor a
            function.

    >>> from dataclasses import dataclass
    >>> import gradx as gx
    >>> @dataclass
    ... class Layer:
    ...     weight: float
    ...     bias: float
    >>> bias = lens(Layer).bias
    >>> gx.view(bias, Layer(2.0, 3.0)), gx.set(bias, 4.0, Layer(2.0, 3.0))
    (3.0, Layer(weight=2.0, bias=4.0))
    >>> lens(Layer, lambda layer: layer.bias) == bias
    True
    """
    if not _is_function(first):
        if not isinstance(first, (type, types.UnionType)) and not hasattr(first, "__origin__"):
            raise OpticError(
                f"gx.lens begins at a class, but a value of type {type(first).__name__} was given; "
                f"write gx.lens({type(first).__name__}).field, and then gx.view(lens, value)"
            )
        whole = made((), first)
        return whole if second is None else _traced(second, whole)
    if second is None:
        return _traced(first, made((), None))
    return made((GetSet(first, second),), None)


def _is_function(x: Any) -> bool:
    return callable(x) and not isinstance(x, type) and not hasattr(x, "__origin__")


class _Path:
    """The argument of a path function, which records the attributes and items that are read."""

    __slots__ = ("_optic",)

    def __init__(self, optic: Any) -> None:
        self._optic = optic

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        return _Path(_optic_of(self).field(name))

    def __getitem__(self, key: Any) -> Any:
        return _Path(_optic_of(self)[key])

    def __iter__(self) -> Any:
        raise TypeError("a path leads to one part")

    def __bool__(self) -> bool:
        raise TypeError("a path has no value to choose by")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a path has no value to compare")

    __hash__ = None  # type: ignore[assignment]


def _optic_of(path: _Path) -> Any:
    return object.__getattribute__(path, "_optic")


def _traced(function: Any, whole: Any) -> Any:
    try:
        end = function(_Path(whole))
    except TypeError as error:
        raise _no_path(function, str(error)) from None
    if not isinstance(end, _Path):
        raise _no_path(function, f"it returned a {type(end).__name__}")
    return _optic_of(end)


def _no_path(function: Any, why: str) -> OpticError:
    return OpticError(
        f"{getattr(function, '__name__', function)!r} is not a path ({why}); write only "
        "attributes and items, such as lambda net: net.layers[0].weights, or gx.lens(get, set) "
        "for a lens of functions"
    )


def each() -> Traversal[Any, Any]:
    """The traversal of every part: items, values of a dict, fields of a record, rows.

    ``None`` has no parts; the parts of a record are those that can have a gradient; the parts of
    an array are its items along axis 0.

    >>> import gradx as gx
    >>> gx.over(each(), lambda x: x * 2.0, {"a": 1.0, "b": 2.0})
    {'a': 2.0, 'b': 4.0}
    """
    return made((), None).each()  # type: ignore[no-any-return]


def ix(key: Any) -> Affine[Any, Any]:
    """The item of a key or an index, if there is one.

    Args:
        key: a key of a dict, an index of a list, a tuple or an array.

    >>> import gradx as gx
    >>> gx.preview(ix("b"), {"a": 1.0}) is None
    True
    >>> gx.grad(lambda xs: gx.preview(ix(0), xs, 1.0) ** 2)([3.0, 4.0])
    [6.0, 0.0]
    """
    return made((), None).ix(key)  # type: ignore[no-any-return]


def filtered(test: Callable[[A], bool]) -> Affine[A, A]:
    """The whole if its plain value passes a test, and no focus otherwise.

    As in Haskell, the laws do not hold if a part is set that no longer passes the test.

    Args:
        test: a function of a plain value.

    >>> import gradx as gx
    >>> gx.to_list(each() >> filtered(lambda x: x > 1), [1.0, 2.0, 3.0])
    [2.0, 3.0]
    """
    return made((), None).filtered(test)  # type: ignore[no-any-return]


def just() -> Prism[Any, Any]:
    """The prism to the value of an Optional.

    >>> import gradx as gx
    >>> gx.over(just(), lambda x: x + 1.0, None), gx.over(just(), lambda x: x + 1.0, 2.0)
    (None, 3.0)
    """
    return made((), None).just()  # type: ignore[no-any-return]


@overload
def at_instances_of(cls: type[A]) -> Traversal[Any, A]: ...


@overload
def at_instances_of(cls: types.UnionType | tuple[type, ...]) -> Traversal[Any, Any]: ...


def at_instances_of(cls: Any) -> Any:
    """The traversal of every outermost instance of a class, wherever it is.

    Args:
        cls: the class, or a union or tuple of classes.

    >>> import gradx as gx
    >>> gx.to_list(at_instances_of(float), (1.0, [2.0, {"k": 3.0}], "text"))
    [1.0, 2.0, 3.0]
    """
    return made((), None).at_instances_of(cls)


def iso(to: Callable[[S], A], back: Callable[[A], S]) -> Iso[S, A]:
    """Two forms of a value, each computed from the other; derivatives go through the functions.

    Args:
        to: from the whole to its other form.
        back: the inverse of ``to``.

    >>> import numpy as np, gradx as gx
    >>> log = iso(np.log, np.exp)
    >>> round(gx.grad(lambda x: gx.over(log, lambda y: y + 1.0, x))(2.0), 6)
    2.718282
    """
    return made((Between(to, back),), None)  # type: ignore[no-any-return]


def prism(match: Callable[[S], A | None], build: Callable[[A], S]) -> Prism[S, A]:
    """A prism of two functions.

    Args:
        match: from a whole to the part, or None if there is none; it is called with the plain
            value first, so that a miss records nothing.
        build: from a part to a whole.

    >>> import gradx as gx
    >>> even = prism(lambda n: n // 2 if n % 2 == 0 else None, lambda half: half * 2)
    >>> gx.preview(even, 6), gx.preview(even, 7), gx.review(even, 5)
    (3, None, 10)
    """
    return made((Match(match, build),), None)  # type: ignore[no-any-return]


def traversal(
    parts: Callable[[S], Sequence[A]], rebuild: Callable[[S, list[A]], S]
) -> Traversal[S, A]:
    """A traversal of two functions.

    Args:
        parts: from a whole to its parts.
        rebuild: ``rebuild(whole, parts)``, the whole with as many new parts.

    >>> import gradx as gx
    >>> ends = traversal(lambda xs: [xs[0], xs[-1]], lambda xs, new: [new[0], *xs[1:-1], new[1]])
    >>> gx.over(ends, lambda x: -x, [1.0, 2.0, 3.0])
    [-1.0, 2.0, -3.0]
    """
    return made((PartsOf(parts, rebuild),), None)  # type: ignore[no-any-return]
