"""`autograd.extend`: functions of the program's own as one operation, with their derivative beside.

A primitive is given plain values where autograd gives them, and what `defvjp` was told for the
positions of its variables. Forward mode transposes that. autograd's boxes and vector spaces have no
counterpart: gradx knows records as they are, and `gx.register` says what it cannot know.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gradx as gx

__all__ = ["Primitive", "defvjp", "defvjp_argnum", "primitive"]

VjpMaker = Callable[..., Callable[[Any], Any]]


class Primitive:
    """A function that is one operation.

    Args:
        fun: the function, of plain values.
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.vjp: Callable[..., Callable[[Any], Any]] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function; of variables it is recorded as one operation."""
        places = [i for i, x in enumerate(args) if _depends(x)]
        if not places:
            return self.fun(*args, **kwargs)

        def step(*xs: Any) -> tuple[Any, Callable[[Any], Any]]:
            given = list(args)
            for place, x in zip(places, xs, strict=True):
                given[place] = x
            y = self(*given, **kwargs)
            makers = [self._pullback(place, y, given, kwargs) for place in places]

            return y, lambda g: tuple([make(g) for make in makers])

        step.__name__ = step.__qualname__ = self.__name__  # type: ignore[attr-defined]
        return gx.lift(step)(*[args[place] for place in places])

    def __get__(self, owner: Any, cls: Any = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def _pullback(
        self, place: int, y: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Callable[[Any], Any]:
        if self.vjp is None:
            name = self.__name__  # type: ignore[attr-defined]
            raise gx.NotLiftedError(
                f"the primitive {name} has no derivative; write defvjp({name}, lambda ans, *args: "
                "lambda g: …)"
            )
        return self.vjp(place, y, args, kwargs)


def _depends(x: Any) -> bool:
    return gx.value(x) is not x


def primitive(fun: Callable[..., Any]) -> Primitive:
    """Decorator: make a function one operation, which gradx does not look into.

    Args:
        fun: the function, of plain values.

    >>> import numpy as np
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    >>> gx.grad(gx.grad(cube))(2.0)
    12.0
    """
    return Primitive(fun)


def defvjp(fun: Primitive, *vjpmakers: VjpMaker | None, argnums: Sequence[int] = ()) -> None:
    """Say the derivative of a primitive by its arguments.

    Args:
        fun: the primitive.
        vjpmakers: for each argument in turn ``(ans, *args, **kwargs) -> (g -> cotangent)``; None
            where the derivative is zero.
        argnums: which arguments these are, if not the first.
    """
    by_place = dict(zip(argnums or range(len(vjpmakers)), vjpmakers, strict=True))

    def vjp(place: int, y: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if place not in by_place:
            raise gx.NotLiftedError(
                f"defvjp did not say the derivative of {fun.fun.__name__} by argument {place}; "
                "give it a function for that place too, or None for a derivative of zero"
            )
        maker = by_place[place]
        if maker is None:
            return lambda g: gx.zero(args[place])
        return maker(y, *args, **kwargs)

    fun.vjp = vjp


def defvjp_argnum(fun: Primitive, vjpmaker: Callable[..., Any]) -> None:
    """Say the derivative of a primitive by any of its arguments.

    Args:
        fun: the primitive.
        vjpmaker: ``(argnum, ans, args, kwargs) -> (g -> cotangent)``.
    """
    fun.vjp = vjpmaker
