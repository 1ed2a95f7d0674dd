"""Maps, folds and scans: a function applied to the items of a container, one after another."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from gradx.errors import StructureError
from gradx.prelude.containers import opened, to_list
from gradx.reverse.results import value
from gradx.values.operations import Kind, ValueType, registry

__all__ = [
    "fill_like",
    "fmap",
    "foldl",
    "foldr",
    "map_accum_l",
    "map_accum_r",
    "pure",
    "traverse",
    "zip_with",
]

S = TypeVar("S")
T = TypeVar("T")

# --- Maps -----------------------------------------------------------------------------------------


def fmap(f: Callable[[Any], Any], xs: Any) -> Any:
    """A container of the results of a function on each item, in order.

    Args:
        f: a function of an item; for an array, with results of one shape.
        xs: a container.

    >>> import gradx as gx
    >>> fmap(lambda x: x * x, (2.0, 3.0)), fmap(abs, None)
    ((4.0, 9.0), None)
    >>> gx.grad_bp(lambda xs: fmap(lambda x: x * x, xs), {"a": 2.0, "b": 3.0})
    {'a': 4.0, 'b': 6.0}
    """
    box = opened(xs)
    return box.rebuild([f(x) for x in box.items])


def traverse(f: Callable[[Any], Any], xs: Any) -> Any:
    """As `fmap`, for a function that may fail: None if it returns None for an item.

    The function is not called on the items after that one. Effects that are built into Python
    (exceptions, input and output) do not need `traverse`: `fmap` runs them in order.

    Args:
        f: a function of an item.
        xs: a container.

    >>> root = lambda x: x**0.5 if x >= 0 else None
    >>> traverse(root, [4.0, 9.0]), traverse(root, [4.0, -9.0])
    ([2.0, 3.0], None)
    """
    box = opened(xs)
    new = []
    for x in box.items:
        y = f(x)
        if y is None:
            return None
        new.append(y)
    return box.rebuild(new)


def zip_with(f: Callable[..., Any], xs: Any, *others: Any) -> Any:
    """A container of the results of a function on the items of several containers.

    Args:
        f: a function of as many items as there are containers.
        xs: a container, whose type the result has.
        others: containers with the same keys, or as many items if they have positions.

    Raises:
        StructureError: the containers do not match.

    >>> zip_with(lambda x, y: x * y, [2.0, 3.0], (10.0, 100.0))
    [20.0, 300.0]
    """
    box = opened(xs)
    columns = [box.items]
    for i, other in enumerate(map(opened, others)):
        if list(other.keys) == list(box.keys):
            columns.append(other.items)
        elif len(other.keys) == len(box.keys) and builtins.set(other.keys) == builtins.set(
            box.keys
        ):
            known = dict(zip(other.keys, other.items, strict=True))
            columns.append([known[key] for key in box.keys])
        else:
            raise StructureError(
                f"the containers given to zip_with do not match: the first has the keys "
                f"{_shown(box.keys)} and number {i + 1} has {_shown(other.keys)}; give containers "
                "of one structure"
            )
    return box.rebuild([f(*row) for row in zip(*columns, strict=True)])


def _shown(keys: Sequence[Any]) -> str:
    text = repr(keys)
    return text if len(text) <= 80 else f"{text[:77]}..."


def pure(cls: type[T], x: Any) -> T:
    """The container of one item.

    Args:
        cls: a list, tuple or other sequence class, or `numpy.ndarray`.
        x: the item.

    Raises:
        StructureError: the items of the type have keys.

    >>> pure(tuple, 3.0), pure(list, 4.0)
    ((3.0,), [4.0])
    """
    if issubclass(cls, np.ndarray):
        return np.stack([x])  # type: ignore[return-value]
    entry = registry.find(cls)
    if not isinstance(entry, ValueType) or entry.kind is not Kind.SEQUENCE:
        raise StructureError(
            f"a {cls.__name__} of one item needs a key for it; write it out, such as {{key: x}}, "
            "or gx.prelude.fill_like(xs, x) for a container like another"
        )
    built: Any = cls
    return built([x])  # type: ignore[no-any-return]


def fill_like(xs: T, x: Any) -> T:
    """A container like another with one item everywhere; its gradient is the sum over all places.

    Args:
        xs: a container, of which only the structure is used.
        x: the item.

    >>> import gradx as gx
    >>> gx.grad_bp(lambda xs, x: fill_like(xs, x), [1.0, 2.0, 3.0], 5.0)
    ([0.0, 0.0, 0.0], 3.0)
    """
    box = opened(value(xs))
    return box.rebuild([x for _ in box.items])  # type: ignore[no-any-return]


# --- Folds and scans ------------------------------------------------------------------------------


def foldl(f: Callable[[S, Any], S], start: S, xs: Any) -> S:
    """``f(…f(f(start, x0), x1)…, xn)``.

    Args:
        f: ``f(result, item)``, a function of the result so far and the next item.
        start: the first result.
        xs: a container.

    >>> foldl(lambda total, x: 10 * total + x, 0.0, [1.0, 2.0, 3.0])
    123.0
    """
    return functools.reduce(f, to_list(xs), start)


def foldr(f: Callable[[Any, S], S], start: S, xs: Any) -> S:
    """``f(x0, f(x1, …f(xn, start)…))``, from the last item to the first.

    Args:
        f: ``f(item, result)``, a function of an item and the result of the items after it.
        start: the first result.
        xs: a container.

    >>> foldr(lambda x, total: 10 * total + x, 0.0, [1.0, 2.0, 3.0])
    321.0
    """
    return functools.reduce(lambda total, x: f(x, total), reversed(to_list(xs)), start)


def map_accum_l(f: Callable[[S, Any], tuple[S, Any]], state: S, xs: Any) -> tuple[S, Any]:
    """Map over the items from the first on while passing on a state, as a network is unrolled.

    Args:
        f: ``f(state, x) -> (state, y)``.
        state: the state before the first item.
        xs: a container.

    Returns:
        The last state, and the container of the results.

    >>> map_accum_l(lambda total, x: (total + x, total), 0.0, [1.0, 2.0, 3.0])
    (6.0, [0.0, 1.0, 3.0])
    """
    box = opened(xs)
    new = []
    for x in box.items:
        state, y = f(state, x)
        new.append(y)
    return state, box.rebuild(new)


def map_accum_r(f: Callable[[S, Any], tuple[S, Any]], state: S, xs: Any) -> tuple[S, Any]:
    """As `map_accum_l`, from the last item to the first.

    >>> map_accum_r(lambda total, x: (total + x, total), 0.0, [1.0, 2.0, 3.0])
    (6.0, [5.0, 3.0, 0.0])
    """
    box = opened(xs)
    new = []
    for x in reversed(box.items):
        state, y = f(state, x)
        new.append(y)
    return state, box.rebuild(new[::-1])
