"""Comparing: the rules of a function against each other, and against central differences.

Each leaf of the arguments is moved along a random direction, and what is found is contracted with
random cotangents, so that no rule passes by symmetry.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradx.core.check_cotangents import fitted, matched
from gradx.core.spec import shape_of
from gradx.errors import GradxError
from gradx.ops.helpers import is_complex
from gradx.values.operations import ValueType, Where, fold, leaves_of, map_leaves, parts_alone

__all__ = ["RuleMismatchError", "Rules", "compare_rules"]


class RuleMismatchError(GradxError, AssertionError):
    """A rule of a user's is wrong; the message says which one, where, and by how much."""


class Rules:
    """The rules of a function, at some operands.

    Attributes:
        name: the function's.
        function: the function of the operands.
        xs: the operands.
        reverse: from the cotangent of the result to those of the operands; None if there is none.
        forward: from tangents of the operands to the result and its tangent; None if there is none.
        transposed: as ``reverse``, by the forward rule; takes the result too.
        results: the result as each rule computes it, by what that is called.
    """

    name: str
    function: Callable[..., Any]
    xs: Sequence[Any]
    reverse: Callable[[Any], Sequence[Any]] | None
    forward: Callable[[Any], tuple[Any, Any]] | None
    transposed: Callable[[Any, Any], Sequence[Any]] | None
    results: dict[str, Any]

    def __init__(self, name: str, function: Callable[..., Any], xs: Sequence[Any]) -> None:
        self.name, self.function, self.xs = name, function, xs
        self.reverse = self.forward = self.transposed = None
        self.results = {}


def compare_rules(rules: Rules, tolerance: float, rng: np.random.Generator) -> None:
    """Compare the rules of a function.

    Args:
        rules: what to compare.
        tolerance: the largest difference, relative to the largest number beside it; between two
            rules a thousandth of it.
        rng: draws directions.

    Raises:
        RuleMismatchError: two things differ that should not.
    """
    name, xs = rules.name, rules.xs
    y = rules.function(*xs)
    g, ts = _drawn(y, rng), tuple(_drawn(x, rng) for x in xs)
    for meaning, own in rules.results.items():
        _compare(own, y, f"the result of {meaning} of {name}", "the function gives", 0.0)
    if rules.forward is not None:
        _, t = rules.forward(ts)
        t = matched(y, t, f"the tangent of the result of {name}", "result", fitted)
        slope = _difference(rules.function, xs, ts, tolerance)
        _compare(t, slope, f"the tangent of {name}", "central differences give", tolerance)
    if rules.reverse is None:
        return
    cotangents = rules.reverse(g)
    for i in range(len(xs)):
        if rules.transposed is not None:
            other = rules.transposed(y, g)[i]
            meaning = f"the cotangent of argument {i} of {name}, by its reverse rule,"
            _compare(cotangents[i], other, meaning, "its forward rule gives", tolerance * 1e-3)
        for where, alone in _one_by_one(ts[i], f"argument {i}"):
            along = tuple(alone if k == i else _zeros(z) for k, z in enumerate(xs))
            slope = _difference(rules.function, xs, along, tolerance)
            _compare_numbers(
                _contracted(cotangents[i], alone),
                _contracted(g, slope),
                f"the cotangent of {where} of {name}, contracted with a random direction,",
                "central differences give",
                tolerance,
            )


def _drawn(x: Any, rng: np.random.Generator) -> Any:
    def leaf(part: Any, spec: ValueType) -> Any:
        shape = shape_of(part)
        drawn: Any = rng.standard_normal(shape)
        if is_complex(part):
            drawn = drawn + 1j * rng.standard_normal(shape)
        return fitted(part, drawn if shape else drawn.item() if hasattr(drawn, "item") else drawn)

    return map_leaves(x, leaf)


def _zeros(x: Any) -> Any:
    return map_leaves(x, lambda part, spec: part * 0)


def _one_by_one(t: Any, root: str) -> Iterator[tuple[str, Any]]:
    """A direction in each of its leaves alone, with the path of the leaf."""
    paths: list[str] = []

    def note(x: Any, spec: ValueType, _: Any, where: Where) -> None:
        if not spec.static:
            paths.append(where())

    fold(t, None, parts_alone, note, root, rebuild=lambda *_: None)
    for k, path in enumerate(paths):
        yield path, _alone(t, k)


def _alone(t: Any, k: int) -> Any:
    """A direction in the leaf of a number, and zeros for the others."""
    rest = itertools.count()
    return map_leaves(t, lambda x, spec: x if next(rest) == k else x * 0)


def _moved(x: Any, t: Any, step: float) -> Any:
    rest = iter(leaves_of(t))
    return map_leaves(x, lambda part, spec: fitted(part, part + step * next(rest)))


def _difference(
    f: Callable[..., Any], xs: Sequence[Any], ts: Sequence[Any], tolerance: float
) -> Any:
    """The derivative along a direction, by a central difference."""
    step = 2.0 ** -(17 if tolerance < 1e-4 else 8)
    sides = [f(*[_moved(x, t, s) for x, t in zip(xs, ts, strict=True)]) for s in (step, -step)]
    rest = iter(leaves_of(sides[1]))
    return map_leaves(sides[0], lambda y, spec: (y - next(rest)) / (2 * step))


def _contracted(g: Any, t: Any) -> float:
    pairs = zip(leaves_of(g), leaves_of(t), strict=True)
    return math.fsum(float(np.real(np.sum(h * s))) for h, s in pairs)


def _compare(given: Any, wanted: Any, meaning: str, instead: str, tolerance: float) -> None:
    """Compare two values leaf by leaf."""
    rest = iter(leaves_of(wanted))

    def leaf(x: Any, spec: ValueType, _: Any, where: Where) -> None:
        if spec.static:
            return
        y = next(rest)
        size = float(np.max(np.abs(y), initial=0.0)) if shape_of(y) else abs(y)
        wrong = np.abs(np.asarray(x) - np.asarray(y)) > tolerance * (size + 1e-3)
        if np.any(wrong):
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            place = where().removeprefix("value") + (str(list(at)) if at else "")
            raise RuleMismatchError(
                f"{meaning} is {np.asarray(x)[at]!r}{f' at {place}' if place else ''}, and "
                f"{instead} {np.asarray(y)[at]!r}"
            )

    fold(given, None, parts_alone, leaf, rebuild=lambda *_: None)


def _compare_numbers(
    given: float, wanted: float, meaning: str, instead: str, tolerance: float
) -> None:
    if not abs(given - wanted) <= tolerance * (abs(wanted) + 1e-3) * 10:
        raise RuleMismatchError(f"{meaning} is {given!r}, and {instead} {wanted!r}")
