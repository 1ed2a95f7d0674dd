"""Recipes: how an object of SciPy's was made, so that it can be made for each example of a batch.

A spline looks at the numbers of its values and points. Where these differ between the examples of
`gx.vmap` there is an object for each, made anew where it is asked for something.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gradx.core.dispatch import one_by_one
from gradx.errors import ConversionError, NotLiftedError

__all__ = ["MadeForEach", "made_for_each", "of_each", "then"]


class Recipe(NamedTuple):
    """How an object was made.

    Attributes:
        make: what made the first one.
        args: the arguments of that.
        kwargs: those by keyword.
        steps: the methods that were called then, each of the result before, with their arguments.
    """

    make: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    steps: tuple[tuple[str, tuple[Any, ...], Mapping[str, Any]], ...] = ()

    def after(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Recipe:
        """The recipe of what a method gives."""
        return self._replace(steps=(*self.steps, (name, args, kwargs)))

    def done(self, error: ConversionError) -> Any:
        """The numbers that the last method gives, for each example."""
        return one_by_one(_done, tuple(self), {}, error)


def _done(make: Callable[..., Any], args: Any, kwargs: Any, steps: Any) -> Any:
    made = make(*args, **kwargs)
    for name, own, named in steps:
        made = getattr(made, name)(*own, **named)
    return made


class OfEach:
    """An object for each example of a batch: of its methods those that give numbers or objects.

    Args:
        recipe: how each is made.
        error: why there is not one for all.
    """

    def __init__(self, recipe: Recipe, error: ConversionError) -> None:
        self._recipe, self._error = recipe, error

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The values at points, for each example."""
        return self._recipe.after("__call__", args, kwargs).done(self._error)

    def integrate(self, *args: Any, **kwargs: Any) -> Any:
        """The integral between two points, for each example."""
        return self._recipe.after("integrate", args, kwargs).done(self._error)

    def derivative(self, *args: Any, **kwargs: Any) -> OfEach:
        """The derivative of each."""
        return OfEach(self._recipe.after("derivative", args, kwargs), self._error)

    def antiderivative(self, *args: Any, **kwargs: Any) -> OfEach:
        """The antiderivative of each."""
        return OfEach(self._recipe.after("antiderivative", args, kwargs), self._error)

    def __getattr__(self, name: str) -> Any:
        raise NotLiftedError(
            f".{name} of what {self._recipe.make.__name__} makes for each example of gx.vmap is no "
            "array; call it, .derivative(), .antiderivative() or .integrate(), which give arrays"
        )


def made_for_each(make: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: what makes an object, which keeps its recipe; in a batch one for each example."""

    @functools.wraps(make)
    def call(*args: Any, **kwargs: Any) -> Any:
        recipe = Recipe(call, args, kwargs)
        try:
            made = make(*args, **kwargs)
        except ConversionError as error:
            return OfEach(recipe, error)
        made._recipe = recipe
        return made

    return call


class MadeForEach(type):
    """The class of classes that do so."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """An object, or in a batch one for each example."""
        recipe = Recipe(cls, args, kwargs)
        try:
            made = super().__call__(*args, **kwargs)
        except ConversionError as error:
            return OfEach(recipe, error)
        made._recipe = recipe
        return made


def of_each(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: a method that gives numbers, done for each example where it asks for some."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except ConversionError as error:
            if self._recipe is None:
                raise
            return self._recipe.after(method.__name__, args, kwargs).done(error)

    return call


def then(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: a method that gives an object of the kind, which keeps its recipe too."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = method(self, *args, **kwargs)
        made._recipe = self._recipe and self._recipe.after(method.__name__, args, kwargs)
        return made

    return call
