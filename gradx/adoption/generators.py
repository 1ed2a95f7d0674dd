"""Random generators as an adopted program sees them: the arrays that they draw can be filled."""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import numpy as np

from gradx.adoption.class_views import ClassView
from gradx.adoption.inside import handed
from gradx.reverse.constants import stripped

__all__ = ["GENERATORS", "GeneratorClass", "GeneratorView", "drawing"]

GENERATORS = (np.random.Generator, np.random.RandomState)


class GeneratorView:
    """A random generator of NumPy, whose state it shares.

    Args:
        generator: the generator.
    """

    __slots__ = ("_generator",)

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    @property
    def __class__(self) -> Any:
        return type(self._generator)

    @__class__.setter
    def __class__(self, cls: Any) -> NoReturn:
        raise TypeError("the class of a random generator cannot be changed")

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._generator, name)
        return drawing(value) if callable(value) else value

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """As `np.random.Generator.shuffle`; an array that can be filled is written into."""
        if stripped(x) is x and type(x).__module__.partition(".")[0] != "gradx":
            self._generator.shuffle(x, **({"axis": axis} if axis else {}))
            return
        order = np.arange(np.shape(x)[axis])
        self._generator.shuffle(order)
        x[...] = np.take(x, order, axis)

    def __reduce__(self) -> Any:
        return self._generator.__reduce__()

    def __repr__(self) -> str:
        return repr(self._generator)


class GeneratorClass(ClassView):
    """The class of random generators, which makes such views."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A generator."""
        return GeneratorView(self._cls(*args, **kwargs))


def drawing(function: Any) -> Any:
    """A method of a generator, or a function that makes one."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        y = function(*map(stripped, args), **{name: stripped(x) for name, x in kwargs.items()})
        return GeneratorView(y) if isinstance(y, GENERATORS) else handed(y, args)

    return call
