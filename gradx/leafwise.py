"""Leafwise: one function on the corresponding numbers and arrays of whole values.

An array library may do all of its arrays at once: `leafwise` itself is the key to its stand-in
in the table of the array type (see `gradx.kernels`), called as
``stand_in(function, operands, numbers)`` with a tuple of arrays for each leaf; it returns the
list of ``function(*arrays, *numbers)``. The functions are plain code on numbers and arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from gradx.cotangent import held
from gradx.errors import StructureError
from gradx.kernels import TABLES
from gradx.lifted import Lifted
from gradx.places import PLACES, beside_all, placed
from gradx.value import Item, Kind, ValueType, Where, children_of, every_mismatch, fold, value_type

__all__ = ["leafwise"]

_WAITING: Final = object()


def _expand(x: Any, spec: ValueType, others: tuple[Any, ...]) -> tuple[Any, list[Item]]:
    parts = children_of(x, spec)
    if not others:
        return x, [(key, child, ()) for key, child in parts]
    mates = [children_of(y, value_type(y)) for y in others]
    keys = [key for key, _ in parts]
    for y, own in zip(others, mates, strict=True):
        if [key for key, _ in own] != keys:
            raise StructureError(
                f"a {type(x).__name__} with parts {keys} and a {type(y).__name__} with parts "
                f"{[key for key, _ in own]} cannot be combined; give two values of one structure, "
                "or a number"
            )
    if len(mates) == 1:
        pairs = zip(parts, mates[0], strict=True)
        return x, [(key, child, (mate,)) for (key, child), (_, mate) in pairs]
    rows = zip(*mates, strict=True)
    return x, [
        (key, child, tuple([mate for _, mate in row]))
        for (key, child), row in zip(parts, rows, strict=True)
    ]


def leafwise(
    function: Callable[..., Any],
    x: Any,
    others: Sequence[Any] = (),
    numbers: Sequence[Any] = (),
    *,
    results: int | None = None,
) -> Any:
    """A function of the corresponding leaves of values of one structure.

    Args:
        function: ``function(leaf, *leaves_of_others, *numbers)``.
        x: the value whose structure the result has; its static parts are left alone.
        others: values of the same structure.
        numbers: what goes to the function as it is at each leaf.
        results: how many results the function returns, as a tuple; by default one, on its own.

    Returns:
        A value like ``x``, or a tuple of as many as there are results.

    Raises:
        StructureError: the structures differ, or the shapes of leaves do not broadcast; all that
            does not match is told, with its path.
    """
    known: list[Any] = []
    waiting: list[tuple[Any, ...]] = []
    plain = bool(TABLES) and not any(isinstance(number, Lifted) for number in numbers)

    def leaf(a: Any, spec: ValueType, rest: tuple[Any, ...], where: Where) -> Any:
        if spec.kind is Kind.STATIC:
            return a
        if plain and type(a) in TABLES and all(type(b) is type(a) for b in rest):
            waiting.append((a, *rest))
            y = _WAITING
        else:
            y = call(a, *rest, *numbers)
        known.append(y)
        return y

    call = _on_one_device(function) if PLACES else function
    name = type(x).__name__
    try:
        whole = fold(x, tuple(others), _expand, leaf, name)
        done = iter(_all_at_once(function, waiting, numbers) if waiting else ())
    except ValueError as error:  # of the structures, or NumPy's of shapes that do not broadcast
        if type(error) not in (ValueError, StructureError):
            raise
        plain = False  # so that each function is called where its leaves are
        text = every_mismatch(error, x, tuple(others), _expand, leaf, name, (ValueError,))
        raise StructureError(text) from None
    if results is None and not waiting:
        return whole
    if waiting:
        known = [next(done) if y is _WAITING else y for y in known]
    if results is None:
        return _refilled(x, known)
    return tuple(_refilled(x, [y[k] for y in known]) for k in range(results))


def _on_one_device(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, done where its operands are, some of which may be variables."""
    name = function.__name__.strip("_")

    def call(*operands: Any) -> Any:
        with beside_all(name, map(held, operands)):
            return function(*operands)

    return call


def _all_at_once(
    function: Callable[..., Any], operands: Sequence[tuple[Any, ...]], numbers: Sequence[Any]
) -> Sequence[Any]:
    """The function of each leaf's arrays, which are of array types with tables."""
    kinds = {type(arrays[0]) for arrays in operands}
    stand_in = TABLES[kinds.pop()].get(leafwise) if len(kinds) == 1 else None
    if stand_in is None:
        return [placed(function)(*arrays, *numbers) for arrays in operands]
    done: Sequence[Any] = stand_in(function, operands, numbers)
    return done


def _refilled(x: Any, leaves: Sequence[Any]) -> Any:
    """A value like ``x`` with other leaves, in order."""
    rest = iter(leaves)

    def leaf(a: Any, spec: ValueType, _: Any, where: Where) -> Any:
        return a if spec.kind is Kind.STATIC else next(rest)

    return fold(x, (), _expand, leaf, type(x).__name__)
