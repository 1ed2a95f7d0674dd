"""Calls: the functions that read and change the parts of a value through an optic."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, TypeVar, overload

from gradx.errors import EmptyFocusError, OpticError
from gradx.lens.optic import (
    Lens,
    Prism,
    Traversal,
    getter,
    kind_named,
    lister,
    made,
    not_an_optic,
    updater,
)
from gradx.values.operations import MISSING

__all__ = ["expect", "over", "preview", "review", "set", "to_list", "view"]

S = TypeVar("S")
A = TypeVar("A")
D = TypeVar("D")

_PATH_ERRORS = (AttributeError, IndexError, KeyError)


def view(optic: Lens[S, A], whole: S) -> A:
    """The part of a value that a lens leads to.

    Args:
        optic: a lens or an iso.
        whole: the value.

    Raises:
        AttributeError, IndexError, KeyError: there is no such part; the message gives the path.
        OpticError: the optic is a prism or a traversal.

    >>> import gradx as gx
    >>> gx.grad(lambda pair: view(gx.lens(tuple)[0], pair) ** 2)((3.0, 4.0))
    (6.0, 0.0)
    """
    if not isinstance(optic, Lens):
        raise _not_a_lens(optic)
    try:
        return (optic._get or getter(optic))(whole)  # type: ignore[no-any-return]
    except _PATH_ERRORS as error:
        raise _explained(optic, whole, error) from None


@overload
def preview(optic: types.UnionType, whole: Any, default: Any = None) -> Any: ...


@overload
def preview(optic: Traversal[S, A] | type[A], whole: S) -> A | None: ...


@overload
def preview(optic: Traversal[S, A] | type[A], whole: S, default: D) -> A | D: ...


def preview(optic: Any, whole: Any, default: Any = None) -> Any:
    """The first focus of an optic, or a default if there is none.

    Args:
        optic: any optic; a class or a union stands for the prism to its instances.
        whole: the value.
        default: the result if there is no focus.

    >>> import gradx as gx
    >>> preview(gx.lens(list).each().filtered(lambda x: x > 1), [1.0, 2.0, 3.0])
    2.0
    >>> preview(gx.lens(list).each(), []) is None
    True
    """
    part = _first(_or_class(optic), whole)
    return default if part is MISSING else part


@overload
def expect(optic: types.UnionType, whole: Any) -> Any: ...


@overload
def expect(optic: Traversal[S, A] | type[A], whole: S) -> A: ...


def expect(optic: Any, whole: Any) -> Any:
    """The first focus of an optic, which must have one.

    Args:
        optic: any optic; a class or a union stands for the prism to its instances.
        whole: the value.

    Raises:
        EmptyFocusError: there is no focus.

    >>> import gradx as gx
    >>> expect(gx.lens(list).each(), [1.0, 2.0])
    1.0
    """
    optic = _or_class(optic)
    part = _first(optic, whole)
    if part is MISSING:
        raise EmptyFocusError(
            f"{optic!r} has no focus in {_shown(whole)}; use gx.preview(optic, whole) where the "
            "part may be missing, which then gives None"
        )
    return part


def _or_class(optic: Any) -> Any:
    is_class = isinstance(optic, (type, types.UnionType))
    return made((), None).instance(optic) if is_class else optic


def _first(optic: Any, whole: Any) -> Any:
    _check_optic(optic)
    try:
        if all(step.single for step in optic._steps):
            return (optic._get or getter(optic))(whole)
        return next(iter((optic._parts or lister(optic))(whole)), MISSING)
    except _PATH_ERRORS as error:
        raise _explained(optic, whole, error) from None


def to_list(optic: Traversal[S, A], whole: S) -> list[A]:
    """All foci of an optic, in order.

    Args:
        optic: any optic.
        whole: the value.

    >>> import gradx as gx
    >>> gx.grad(lambda xs: to_list(gx.lens(list).each(), xs)[1] * 7.0)([1.0, 2.0, 3.0])
    [0.0, 7.0, 0.0]
    """
    _check_optic(optic)
    try:
        return (optic._parts or lister(optic))(whole)
    except _PATH_ERRORS as error:
        raise _explained(optic, whole, error) from None


def over(optic: Traversal[S, A], function: Callable[[A], A], whole: S) -> S:
    """A value with a function applied to each focus.

    Args:
        optic: any optic; if it has no focus, the whole is returned unchanged.
        function: a function of a part.
        whole: the value.

    Raises:
        OpticError: the result of the function is of another type than the part.

    >>> import gradx as gx
    >>> doubled = lambda pair: over(gx.lens(tuple)[0], lambda x: x * x, pair)
    >>> gx.grad_bp(lambda pair: sum(doubled(pair)), (2.0, 3.0))
    (4.0, 1.0)
    """
    return _changed(optic, function, whole)  # type: ignore[no-any-return]


def set(optic: Traversal[S, A], part: A, whole: S) -> S:
    """A value with another part at each focus.

    Dataclasses are created with `dataclasses.replace`, so that their checks run. The gradient at
    the focus goes to the new part, and everywhere else to the old whole.

    Args:
        optic: any optic; if it has no focus, the whole is returned unchanged.
        part: the new part.
        whole: the value.

    Raises:
        OpticError: the part is of another type than the one that was there.

    >>> import gradx as gx
    >>> gx.grad(lambda p: set(gx.lens(tuple)[0], 7.0, p)[0] * p[1])((3.0, 4.0))
    (0.0, 7.0)
    """
    return _changed(optic, lambda _: part, whole)  # type: ignore[no-any-return]


def _changed(optic: Any, function: Callable[[Any], Any], whole: Any) -> Any:
    _check_optic(optic)
    try:
        return (optic._over or updater(optic))(function, whole)
    except _PATH_ERRORS as error:
        explained = _explained(optic, whole, error)
        if explained is error:
            raise
        raise explained from None


def review(optic: Prism[S, A], part: A) -> S:
    """The whole that a prism or an iso builds from a part.

    Args:
        optic: a prism or an iso.
        part: the part.

    Raises:
        OpticError: the optic does not build wholes.

    >>> import gradx as gx
    >>> review(gx.iso(lambda x: x * 1.8 + 32, lambda f: (f - 32) / 1.8), 212.0)
    100.0
    """
    kind: Any = type(optic)
    if not issubclass(kind, Prism):
        _check_optic(optic)
        raise OpticError(
            f"{optic!r} is {kind_named(optic)} and cannot build a whole from a part; use a "
            "prism or an iso, or put the part into a whole with gx.set(optic, part, whole)"
        )
    whole: Any = part
    for step in reversed(optic._steps):
        assert step.build is not None  # what makes it a prism
        whole = step.build(whole)
    return whole  # type: ignore[no-any-return]


# --- Errors ---------------------------------------------------------------------------------------


def _check_optic(optic: Any) -> None:
    if not isinstance(optic, Traversal):
        raise OpticError(not_an_optic(optic))


def _not_a_lens(optic: Any) -> OpticError:
    _check_optic(optic)
    many = not all(step.single for step in optic._steps)
    why = "may have any number of foci" if many else "may have no focus"
    return OpticError(
        f"gx.view needs a lens, and {optic!r} is {kind_named(optic)}, which {why}; use "
        "gx.preview for the first focus or None, gx.expect where there must be one, or gx.to_list "
        "for all"
    )


def _explained(optic: Any, whole: Any, error: Exception) -> Exception:
    """The error with the path: the steps are repeated one by one, to find where they fail.

    An error that a step does not raise comes from a function that was applied, and is kept.
    """
    reached: list[Any] = [whole]
    for i, step in enumerate(optic._steps):
        try:
            reached = [part for middle in reached for part in step.parts(middle)]
        except type(error) as again:
            way = "lens" + "".join(map(str, optic._steps[:i]))
            return type(error)(f"{way} has no part {step} (on the path {optic!r}): {again}")
    return error


def _shown(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 200 else text[:197] + "..."
