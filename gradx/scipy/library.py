"""What the submodules share: passing on to SciPy what is not lifted."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from gradx.core.dispatch import Lifted, has_variables, one_by_one
from gradx.devices.placement import PLACES, on_device_of
from gradx.ops.helpers import first_device_array
from gradx.values.registry import registry

__all__ = ["device_array", "in_place_of", "library", "passing_on"]

_OPS = "gradx.ops.scipy"
"""The package of the ops, which says what to install where SciPy is missing."""


def library(name: str) -> Any:
    """A module of SciPy.

    Args:
        name: with the package, such as ``scipy.linalg``.

    Raises:
        ImportError: SciPy is not installed.
    """
    importlib.import_module(_OPS)
    return importlib.import_module(name)


def passing_on(name: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that gives what the module of SciPy has.

    Args:
        name: the module of SciPy.
    """

    def get(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module 'gradx.{name}' has no attribute {attribute!r}")
        return getattr(library(name), attribute)

    return get


def device_array(*xs: Any) -> Any:
    """The first array on a device among arguments; None if there is none.

    An array may be the first of its library that gradx meets, whose backend is loaded then.
    """
    found = first_device_array(xs)
    if found is not None or PLACES or not any(map(_is_foreign, xs)):
        return found
    for x in xs:
        registry.find(type(x))
    return first_device_array(xs)


def _is_foreign(x: Any) -> bool:
    """Whether a value is an array of another library than NumPy's, known or not."""
    return hasattr(x, "__dlpack__") and not issubclass(type(x), (np.ndarray, Lifted))


def in_place_of(own: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: a function of variables, in whose place SciPy's own is called of plain values.

    Arrays on a device go to the function of variables too, whose ops find the device's own.

    Args:
        own: SciPy's own, with the same arguments.
    """

    def decorate(lifted: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(lifted)
        def call(*args: Any, **kwargs: Any) -> Any:
            there = device_array(*args, *kwargs.values())
            plain = there is None and not has_variables((args, kwargs))
            with on_device_of(there):
                if plain:
                    return own(*args, **kwargs)
                try:
                    return lifted(*args, **kwargs)
                except (TypeError, ValueError, IndexError) as error:  # SciPy's own of a batch too
                    return one_by_one(call, args, kwargs, error)

        return call

    return decorate
