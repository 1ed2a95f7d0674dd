"""`autograd.misc.flatten`: containers of numbers and arrays as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradx as gx

__all__ = ["flatten", "flatten_func"]


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A vector of all numbers in a value, dicts by their keys in order, and the way back.

    Args:
        value: containers of numbers and arrays.

    >>> flatten({"b": [1.0, 2.0], "a": 3.0})[0]
    array([3., 1., 2.])
    """
    return gx.ravel(_in_order(value))


def _in_order(value: Any) -> Any:
    if type(value) is dict:
        return {key: _in_order(value[key]) for key in sorted(value)}
    if type(value) in (list, tuple):
        return type(value)(map(_in_order, value))
    return value


def flatten_func(
    func: Callable[..., Any], example: Any
) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """A function of a container as one of a vector.

    Args:
        func: the function; what it takes after the container stays as it is.
        example: such a container, of n numbers.

    Returns:
        The function of a vector of shape (n,), the function that makes the container of it, and
        the vector of the example.
    """
    vector, unflatten = flatten(example)
    return lambda x, *args: func(unflatten(x), *args), unflatten, vector
