"""`autograd.misc.flatten`: containers of numbers and arrays as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradx as gx

__all__ = ["flatten", "flatten_func"]


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A vector of all numbers in a value, dicts by their keys in order, and the way back.

    That makes dicts with their keys as they were, since a program may go through them in turn.

    Args:
        value: containers of numbers and arrays.

    >>> flatten({"b": [1.0, 2.0], "a": 3.0})[0]
    array([3., 1., 2.])
    """
    vector, unravel = gx.ravel(_arranged(value, value, sorted))
    like = _arranged(value, value)  # which stays when the program adds a key
    return vector, lambda x: _arranged(unravel(x), like)


def _arranged(value: Any, like: Any, order: Callable[[Any], list[Any]] = list) -> Any:
    """A value in which dicts have their keys as in another, or as a function arranges those."""
    if type(value) is dict:
        return {key: _arranged(value[key], like[key], order) for key in order(like)}
    if type(value) in (list, tuple):
        return type(value)([_arranged(x, y, order) for x, y in zip(value, like, strict=True)])
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
